//! What holds in every case, whatever a registry does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use oci_registry_exporter::{
    config::{Config, Target},
    exchange::{CODES, Operation},
    exposition::{Exporter, Format, Lag, Process, Scope, View, encode, families},
    outcome::{Capability, Change, CheckName, Observation, Reason, Report, SessionEnd, Status},
    page,
    report::Audience,
    store::Store,
};
use registry_sim::RegistrySim;

use super::{faults::Torture, world::Place};
use crate::{
    asked::Cycle,
    exposition::page::{Page, Sample},
    status_page::markup,
};

/// What a cycle is in which nothing goes wrong.
pub(super) struct Healthy {
    pub(super) places: Vec<Place>,
    pub(super) facts: Vec<String>,
    pub(super) requests: u64,
    pub(super) sessions: Vec<SessionEnd>,
    pub(super) page: String,
    pub(super) reports: Vec<Report>,
    pub(super) observation: Observation,
}

/// No panic, whole sentences of one line, no check beyond its budget and the cancel's.
pub(super) fn reports(name: &str, reports: &[Report]) {
    assert_eq!(reports.len(), 5, "{name}: every check has its report");
    for report in reports {
        let outcome = &report.outcome;
        assert_ne!(outcome.reason, Some(Reason::Panic), "{name}");
        assert_eq!(
            outcome.reason.is_none(),
            outcome.status == Status::Pass,
            "{name}: {outcome:?}"
        );
        let message = &outcome.message;
        assert!(!message.trim().is_empty(), "{name}: {outcome:?}");
        assert!(message.chars().count() < 1000, "{name}: {message}");
        assert!(!message.chars().any(char::is_control), "{name}: {message}");
        assert!(report.duration.as_secs() <= 30 + 25, "{name}: {report:?}");
    }
}

/// What the registry opened was cancelled there, or is counted as what it became.
/// Unless it says that it did cancel, and did not.
pub(super) fn sessions(
    name: &str,
    sim: &RegistrySim,
    place: &Place,
    torture: &Torture,
    cycle: &Cycle,
) {
    if place.operation == registry_sim::Operation::UploadCancel && !torture.transient {
        return;
    }
    let counted = cycle.seen().map(|seen| seen.sessions).unwrap_or_default();
    let left = counted
        .iter()
        .filter(|end| **end != SessionEnd::Cancelled)
        .count();
    assert!(
        sim.open_sessions() <= left,
        "{name}: {} are open, {counted:?} {:?} {torture:?}",
        sim.open_sessions(),
        sim.requests()
    );
}

/// The page of a registry that was asked.
pub(super) fn page(target: &Arc<Target>, store: &Store) -> String {
    let config = Config {
        registries: vec![Arc::clone(target)],
        ..Config::default()
    };
    let view = View {
        config: Arc::new(config),
        store: store.snapshot(),
        scheduled: Arc::default(),
        next_runs: Arc::default(),
        exporter: Exporter {
            version: "0",
            revision: "0",
            reload_successful: true,
            reload_success: SystemTime::UNIX_EPOCH,
            documents_good: BTreeMap::new(),
            heartbeat: None,
            cycles_in_flight: 0,
            lag: Lag::default(),
        },
        process: Process::default(),
        scope: Scope::default(),
    };
    encode(&view, Format::OpenMetrics).expect("a view always encodes")
}

/// The page for a person, with all that an operator may see.
pub(super) fn status_page(target: &Arc<Target>, store: &Store) -> String {
    let snapshot = store.snapshot();
    let next_runs = BTreeMap::new();
    let view = page::View {
        now: SystemTime::now(),
        audience: Audience::Operator,
        telemetry_path: "/metrics",
        exporter: page::Exporter {
            version: "0",
            revision: "0",
            started: SystemTime::UNIX_EPOCH,
            loaded: SystemTime::UNIX_EPOCH,
            reload_successful: true,
            heartbeat: None,
            cycles_in_flight: 0,
            documents: Vec::new(),
        },
        registries: vec![page::Registry::new(target, snapshot.registry("sim"))],
        next_runs: &next_runs,
    };
    let text = page::status(&view, "registry=sim");
    markup::read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    text
}

/// The page can be read, nothing of it is gone, and it says nothing in words of its own.
pub(super) fn pages(name: &str, healthy: &str, now: &str) {
    let (healthy, now) = (Page::parse(healthy), Page::parse(now));
    let labels = |page: &Page| -> BTreeMap<String, BTreeSet<String>> {
        let of = |sample: &Sample| {
            sample
                .labels
                .iter()
                .map(|(label, _)| label.clone())
                .collect()
        };
        let families = page.families.iter();
        families
            .map(|family| {
                let labels: Vec<BTreeSet<String>> = family.samples.iter().map(of).collect();
                (family.name.clone(), labels.concat_sets())
            })
            .collect()
    };
    let (before, after) = (labels(&healthy), labels(&now));
    for family in before.keys() {
        // A run without an answer has no latency, a cycle without a connection no phases;
        // everything else stays.
        let timed = ["check_latency_seconds", "http_phase_duration_seconds"];
        let of_the_last = timed.iter().any(|end| family.ends_with(end));
        assert!(
            after.contains_key(family) || of_the_last,
            "{name}: {family} is gone"
        );
    }
    let catalogue: BTreeMap<&str, &[&str]> = families()
        .map(|row| {
            let family = row
                .name
                .trim_end_matches("_total")
                .trim_end_matches("_info");
            (family, row.labels)
        })
        .collect();
    let mut series = BTreeSet::new();
    for sample in now.samples() {
        assert!(series.insert(format!("{sample:?}")), "{name}: {sample:?}");
        for (label, value) in &sample.labels {
            assert!(closed(label, value), "{name}: {sample:?}");
        }
    }
    for (family, labels) in &after {
        let row = catalogue.get(family.as_str());
        let row = row.unwrap_or_else(|| panic!("{name}: {family} is in no catalogue"));
        for label in labels {
            assert!(
                row.contains(&label.as_str()) || label == "le",
                "{name}: {family} {label}"
            );
        }
    }
}

/// Whether a label's value is one of those that it can have, whatever a registry says.
fn closed(label: &str, value: &str) -> bool {
    let known = |words: &[&str]| words.contains(&value);
    match label {
        "registry" => value == "sim",
        "repository" => value == "team/app",
        "credential" => known(&["sim", "anonymous", "inline", "default"]),
        "check" => CheckName::ALL.iter().any(|(_, word)| *word == value),
        "status" => Status::ALL.iter().any(|(_, word)| *word == value),
        "reason" => Reason::ALL.iter().any(|(_, word)| *word == value),
        "operation" => Operation::ALL.iter().any(|(_, word)| *word == value),
        "code" => CODES.contains(&value),
        "result" => SessionEnd::ALL.iter().any(|(_, word)| *word == value),
        "capability" => Capability::ALL.iter().any(|(_, word)| *word == value),
        "what" => Change::ALL.iter().any(|(_, word)| *word == value),
        "phase" => known(&["resolve", "connect", "tls", "processing", "transfer"]),
        "certificate" => known(&["leaf", "chain", "client"]),
        "auth_method" => known(&["basic", "bearer", "anonymous"]),
        "tls_version" => known(&["1.2", "1.3"]),
        "http_version" => known(&["1.0", "1.1", "2"]),
        "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
        // Configured, or of this program.
        "host" | "url" => value.contains("127.0.0.1"),
        "version" | "revision" => value == "0",
        // Whatever is recognised of a product is a word of the own table.
        "product" => value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
        "distribution_version" => value == "registry/2.0",
        _ => false,
    }
}

/// All of several sets in one.
trait Concat {
    fn concat_sets(self) -> BTreeSet<String>;
}

impl Concat for Vec<BTreeSet<String>> {
    fn concat_sets(self) -> BTreeSet<String> {
        self.into_iter().flatten().collect()
    }
}
