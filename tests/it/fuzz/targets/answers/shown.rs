//! What a cycle's results look like to everybody who is shown them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::UNIX_EPOCH,
};

use oci_registry_exporter::{
    checks,
    config::Config,
    exchange::{CODES, Operation},
    exposition::{self, Format, Lag, Process, Scope, families},
    oci::PRODUCTS,
    outcome::{Capability, Change, CheckName, Reason, Report, SessionEnd, Status},
    page,
    report::{self, Audience, Entry, Options, RegistryReports, Rules},
    store::Store,
};
use serde_json::Value;

use super::{
    super::{assert_harmless, assert_shown_on_one_line, now},
    SECRETS,
};
use crate::{
    exposition::page::{Page, Sample},
    status_page::markup,
};

/// Every form of the reports, the metrics and the status page: well-formed, of closed
/// sets, bounded, harmless to a terminal, and without a secret.
pub(super) fn judge(config: &Config, reports: &[Report], store: &Store, named: bool) {
    let mut pages = Vec::new();
    for report in reports {
        assert_shown_on_one_line(&report.outcome.message, 1024);
    }
    pages.extend(forms(config, reports, store));
    pages.extend(metrics(config, store));
    pages.extend(status_pages(config, store));
    for page in &pages {
        assert_harmless(page);
        assert!(page.len() < 512 * 1024, "{} bytes", page.len());
        for secret in SECRETS {
            // What the answers themselves name is the registry's own to tell.
            assert!(named || !page.contains(secret), "{secret} in {page}");
        }
    }
}

fn forms(config: &Config, reports: &[Report], store: &Store) -> Vec<String> {
    let target = &config.registries[0];
    let mut shown = RegistryReports::of(target, store.snapshot().registry(&target.name));
    shown.entries = reports.iter().cloned().map(Entry::once).collect();
    let shown = [shown];
    let options = Options {
        verbose: true,
        remediation: true,
        ..Options::default()
    };
    let time = now();
    let json = |audience| report::json(&shown, time, audience).expect("it can be written");
    let written = json(Audience::Operator);
    let reading = report::read(written.as_bytes()).expect("what was written can be read");
    let again = report::json(&reading.registries, time, Audience::Operator);
    let value = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    // But for the order of the evidence.
    assert_eq!(value(&again.expect("it can be written")), value(&written));
    vec![
        written,
        json(Audience::Anybody),
        report::text(&shown, options),
        report::table(&shown, options),
        report::markdown(&shown, options),
        report::junit(&shown, &Rules::default(), options).expect("it can be written"),
    ]
}

fn metrics(config: &Config, store: &Store) -> Vec<String> {
    let scheduled: BTreeSet<_> = checks::questions(&config.registries[0])
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    let view = exposition::View {
        config: Arc::new(config.clone()),
        store: store.snapshot(),
        scheduled: Arc::new(scheduled),
        next_runs: Arc::default(),
        exporter: exposition::Exporter {
            version: "0.0.0",
            revision: "",
            reload_successful: true,
            reload_success: UNIX_EPOCH,
            heartbeat: None,
            cycles_in_flight: 0,
            lag: Lag::default(),
            documents_good: BTreeMap::new(),
        },
        process: Process::default(),
        scope: Scope::default(),
    };
    let pages = [Format::Text, Format::OpenMetrics].map(|format| {
        let page = exposition::encode(&view, format).expect("it can be written");
        for sample in Page::parse(&page).samples() {
            assert_closed(sample);
        }
        page
    });
    pages.into()
}

/// Every label of a sample is of its row of the catalogue, every value of its closed set.
fn assert_closed(sample: &Sample) {
    let family = families().find(|family| family.is_named(&sample.name));
    let family = family.unwrap_or_else(|| panic!("{sample:?}"));
    for (name, value) in &sample.labels {
        let name = name.as_str();
        assert!(name == "le" || family.labels.contains(&name), "{sample:?}");
        let known = match name {
            "status" => is_in(value, Status::ALL.iter().map(|(_, word)| *word)),
            "reason" => is_in(value, Reason::ALL.iter().map(|(_, word)| *word)),
            "check" => is_in(value, CheckName::ALL.iter().map(|(_, word)| *word)),
            "capability" => is_in(value, Capability::ALL.iter().map(|(_, word)| *word)),
            "operation" => is_in(value, Operation::ALL.iter().map(|(_, word)| *word)),
            "result" => is_in(value, SessionEnd::ALL.iter().map(|(_, word)| *word)),
            "what" => is_in(value, Change::ALL.iter().map(|(_, word)| *word)),
            "code" => CODES.contains(&value.as_str()),
            "product" => value == "unknown" || PRODUCTS.contains(&value.as_str()),
            "registry" => value == "fuzz",
            "repository" => value == "team/app",
            "credential" => ["anonymous", "inline"].contains(&value.as_str()),
            "auth_method" => ["anonymous", "basic", "bearer"].contains(&value.as_str()),
            "http_version" => ["1.0", "1.1", "2"].contains(&value.as_str()),
            "version" | "product_version" | "distribution_version" => value.len() <= 64,
            "phase" => is_in(
                value,
                ["resolve", "connect", "tls", "processing", "transfer"],
            ),
            "host" | "url" => value.contains("127.0.0.1:"),
            "le" => value.parse::<f64>().is_ok(),
            "revision" | "source" => true,
            _ => false,
        };
        assert!(known, "{name}={value:?} in {sample:?}");
    }
}

fn is_in<'a>(value: &str, words: impl IntoIterator<Item = &'a str>) -> bool {
    words.into_iter().any(|word| word == value)
}

fn status_pages(config: &Config, store: &Store) -> Vec<String> {
    let snapshot = store.snapshot();
    let none = BTreeMap::new();
    let time = now();
    let mut pages = Vec::new();
    for audience in [Audience::Anybody, Audience::Operator] {
        let registries = config.registries.iter();
        let view = page::View {
            now: time,
            audience,
            telemetry_path: "/metrics",
            exporter: page::Exporter {
                version: "0.0.0",
                revision: "",
                started: time,
                loaded: time,
                reload_successful: true,
                heartbeat: None,
                cycles_in_flight: 0,
                documents: Vec::new(),
            },
            registries: registries
                .map(|target| page::Registry::new(target, snapshot.registry(&target.name)))
                .collect(),
            next_runs: &none,
        };
        for query in ["", "registry=fuzz"] {
            let page = page::status(&view, query);
            markup::read(&page).unwrap_or_else(|why| panic!("{why}: {page}"));
            pages.push(page);
        }
    }
    pages
}
