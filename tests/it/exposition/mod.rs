//! The page of `/metrics`, in both formats, from outside.
//!
//! The golden pages are `tests/golden/metrics-*.txt`; after a wanted change write
//! them anew with `UPDATE_GOLDEN=1 cargo test --test it exposition` and read the
//! difference before committing it.

pub(crate) mod cache;
pub(crate) mod page;
mod prometheus;
pub(crate) mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Command, Stdio},
    sync::Arc,
};

use oci_registry_exporter::{
    config::Config,
    exposition::{Format, Kind, View, encode, families},
};
use proptest::prelude::*;

use page::{Page, Sample};

const FORMATS: [(Format, &str); 2] = [
    (Format::OpenMetrics, "metrics-openmetrics.txt"),
    (Format::Text, "metrics-text.txt"),
];

fn page(view: &View, format: Format) -> String {
    encode(view, format).expect("a view always encodes")
}

fn labels(sample: &Sample) -> BTreeMap<&str, &str> {
    let pairs = sample.labels.iter();
    pairs.map(|(name, value)| (&**name, &**value)).collect()
}

/// To the terminal itself: what `eprintln!` says in a test that passes is not shown.
fn say_aloud(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr takes it");
}

#[test]
fn the_page_is_the_golden_one_in_both_formats() {
    for (format, name) in FORMATS {
        crate::golden::compare(name, &page(&scenario::view(), format));
    }
}

#[test]
fn the_order_of_the_configuration_does_not_matter() {
    let view = scenario::view();
    let mut turned = view.clone();
    let mut config = Config::clone(&view.config);
    config.registries.reverse();
    assert_ne!(config.registries, view.config.registries);
    turned.config = Arc::new(config);
    for (format, _) in FORMATS {
        assert_eq!(page(&view, format), page(&turned, format));
    }
}

#[test]
fn every_family_of_the_catalogue_is_on_the_page_and_in_its_order() {
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&scenario::view(), format));
        let named: Vec<_> = page.families.iter().map(|it| it.name.as_str()).collect();
        let catalogued: Vec<_> = families()
            .map(|family| match (format, family.kind) {
                // OpenMetrics names the family, not its samples.
                (Format::OpenMetrics, Kind::Counter) => family.name.trim_end_matches("_total"),
                (Format::OpenMetrics, Kind::Info) => family.name.trim_end_matches("_info"),
                _ => family.name,
            })
            .collect();
        assert_eq!(named, catalogued);
    }
}

#[test]
fn each_family_has_the_type_help_and_unit_of_its_row() {
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&scenario::view(), format));
        for (shown, row) in page.families.iter().zip(families()) {
            let kind = match (format, row.kind) {
                (Format::Text, Kind::Info) | (_, Kind::Gauge) => "gauge",
                (_, Kind::Info) => "info",
                (_, Kind::Counter) => "counter",
                (_, Kind::Histogram) => "histogram",
            };
            assert_eq!(shown.kind, kind, "{}", row.name);
            assert_eq!(shown.help, row.help, "{}", row.name);
            let unit = row.unit().filter(|_| format == Format::OpenMetrics);
            assert_eq!(shown.unit.as_deref(), unit, "{}", row.name);
        }
    }
}

#[test]
fn no_series_stands_twice_and_no_family_is_empty() {
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&scenario::view(), format));
        let mut seen = BTreeSet::new();
        for family in &page.families {
            assert!(!family.samples.is_empty(), "{}", family.name);
            for sample in &family.samples {
                let identity = (sample.name.clone(), labels(sample));
                assert!(seen.insert(identity), "{sample:?}");
            }
        }
    }
}

#[test]
fn a_series_has_the_labels_of_its_row_and_the_users_and_no_other() {
    let users = ["tier", "team", "note"];
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&scenario::view(), format));
        for (shown, row) in page.families.iter().zip(families()) {
            let mut seen = BTreeSet::new();
            for sample in &shown.samples {
                seen.extend(sample.labels.iter().map(|(name, _)| name.as_str()));
            }
            seen.retain(|name| !users.contains(name) && *name != "le");
            let mut row_labels: Vec<_> = row.labels.to_vec();
            row_labels.sort_unstable();
            // Both ways: a label that no series of the golden view has could rot.
            assert!(seen.iter().eq(&row_labels), "{}: {seen:?}", row.name);
        }
    }
}

#[test]
fn the_users_labels_stand_on_every_series_of_theirs() {
    let page = Page::parse(&page(&scenario::view(), Format::OpenMetrics));
    let mut of_the_team = 0;
    for sample in page.samples() {
        let labels = labels(sample);
        let registry = labels.get("registry").copied();
        let tier = (registry == Some("production")).then_some("1");
        // The registry says `tier: 1`, the repository `tier: test`: the nearer one is meant.
        let of_team = labels.get("repository") == Some(&"team-a/canary");
        let tier = if of_team { Some("test") } else { tier };
        assert_eq!(labels.get("tier").copied(), tier, "{sample:?}");
        assert_eq!(labels.get("team").copied(), of_team.then_some("a"));
        of_the_team += usize::from(of_team);
    }
    assert!(of_the_team > 10, "only {of_the_team} series");
}

#[test]
fn names_follow_the_rules_of_promlint() {
    let abbreviations = [
        "s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "m", "h", "d",
    ];
    let not_base = ["minutes", "hours", "days", "weeks", "bits", "milliseconds"];
    let kinds = ["gauge", "counter", "histogram", "summary"];
    let mut names = BTreeSet::new();
    for family in families() {
        let name = family.name;
        assert!(names.insert(name), "{name} stands twice");
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(name.bytes().all(word), "{name}");
        let prefix = name.starts_with("oci_registry_") || name.starts_with("process_");
        assert!(prefix, "{name}");
        assert_eq!(
            name.ends_with("_total"),
            family.kind == Kind::Counter,
            "{name}"
        );
        assert_eq!(name.ends_with("_info"), family.kind == Kind::Info, "{name}");
        for reserved in ["_count", "_sum", "_bucket", "_created"] {
            assert!(!name.ends_with(reserved), "{name}");
        }
        for part in name.split('_') {
            assert!(!abbreviations.contains(&part), "{name}");
            assert!(!not_base.contains(&part), "{name}");
            assert!(!kinds.contains(&part), "{name}");
        }
        for label in family.labels {
            assert!(label.bytes().all(word), "{name}: {label}");
            assert!(!["le", "quantile", "job", "instance"].contains(label));
        }
        let help = family.help;
        assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
        assert!(!help.contains(['\n', '\\']), "{name}: {help}");
    }
}

#[test]
fn run_results_say_that_they_are_the_last_runs() {
    for family in families().filter(|it| it.name.starts_with("oci_registry_check_")) {
        // Configuration: it stands before any run.
        let configured = ["interval", "next_run"];
        if configured.iter().any(|word| family.name.contains(word)) {
            continue;
        }
        let help = family.help;
        assert!(help.to_lowercase().contains("scheduled run"), "{help}");
    }
}

#[test]
fn a_registry_that_never_answered_has_its_configuration_and_zeros() {
    let page = Page::parse(&page(&scenario::view(), Format::OpenMetrics));
    let mut names = BTreeSet::new();
    for sample in page.samples() {
        if labels(sample).get("registry") == Some(&"idle") {
            let is_total = sample.name.ends_with("_total");
            let is_histogram = sample.name.contains("_request_duration_seconds_");
            assert!(!is_total && !is_histogram || sample.value == "0" || sample.value == "0.0");
            names.insert(sample.name.as_str());
        }
    }
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        [
            "oci_registry_check_interval_seconds",
            "oci_registry_check_next_run_timestamp_seconds",
            "oci_registry_check_runs_total",
            "oci_registry_http_request_duration_seconds_bucket",
            "oci_registry_http_request_duration_seconds_count",
            "oci_registry_http_request_duration_seconds_sum",
            "oci_registry_info",
            "oci_registry_rate_limited_total",
            "oci_registry_retries_total",
            "oci_registry_warnings_total",
        ]
    );
}

#[test]
fn a_registry_that_is_not_configured_has_no_series() {
    let mut view = scenario::view();
    view.config = Arc::new(Config::default());
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&view, format));
        for sample in page.samples() {
            assert!(!labels(sample).contains_key("registry"), "{sample:?}");
        }
        assert!(
            page.samples()
                .any(|it| it.name == "oci_registry_exporter_registries")
        );
    }
}

#[test]
fn a_process_that_cannot_be_read_has_no_series() {
    let mut view = scenario::view();
    view.process = oci_registry_exporter::exposition::Process::default();
    for (format, _) in FORMATS {
        assert!(!page(&view, format).contains("process_"));
    }
}

#[test]
fn only_openmetrics_ends_with_eof_and_names_units() {
    let page = |format| page(&scenario::view(), format);
    assert!(page(Format::OpenMetrics).ends_with("\n# EOF\n"));
    assert!(page(Format::OpenMetrics).contains("\n# UNIT "));
    assert!(!page(Format::Text).contains("# EOF"));
    assert!(!page(Format::Text).contains("# UNIT"));
}

#[test]
fn both_formats_say_the_same() {
    let values = |format| {
        let page = Page::parse(&page(&scenario::view(), format));
        let mut values = BTreeMap::new();
        for sample in page.samples() {
            let mut labels = sample.labels.clone();
            labels.sort();
            for (name, value) in &mut labels {
                if name == "le" {
                    *value = value.trim_end_matches(".0").to_owned();
                }
            }
            let value: f64 = sample.value.parse().expect("a number");
            values.insert((sample.name.clone(), labels), value.to_bits());
        }
        values
    };
    assert_eq!(values(Format::OpenMetrics), values(Format::Text));
}

#[test]
fn a_long_value_is_cut_and_the_rest_of_the_page_stands() {
    let view = scenario::named("r", "https://example.com", &"é".repeat(200));
    for (format, _) in FORMATS {
        let page = Page::parse(&page(&view, format));
        let mut notes = page
            .samples()
            .filter_map(|it| labels(it).get("note").copied());
        assert_eq!(notes.next(), Some(&*"é".repeat(128)));
    }
}

#[test]
fn a_url_shows_no_userinfo_and_no_query() {
    let view = scenario::named(
        "r",
        "https://user:hunter2@example.com:8443/base/?token=hunter2",
        "",
    );
    for (format, _) in FORMATS {
        let text = page(&view, format);
        assert!(!text.contains("hunter2"), "{text}");
        assert!(
            text.contains(r#"url="https://example.com:8443/base""#),
            "{text}"
        );
        assert!(text.contains(r#"host="example.com:8443""#), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever a name or a label says, it arrives as it is, and the rest of the page stands.
    #[test]
    fn label_values_come_back_as_they_went_in(
        name in "(?s).{1,40}|[\"\\\\\n\r\t\u{0}\u{7f}{},=#]{1,12}",
        note in "(?s).{1,40}|[\"\\\\\n\r\t\u{0}\u{7f}{},=#]{1,12}",
    ) {
        let view = scenario::named(&name, "https://example.com", &note);
        for (format, _) in FORMATS {
            let page = Page::parse(&page(&view, format));
            let infos: Vec<_> = page
                .samples()
                .filter(|sample| sample.name == "oci_registry_info")
                .collect();
            prop_assert_eq!(infos.len(), 1);
            let labels = labels(infos[0]);
            prop_assert_eq!(labels.get("registry"), Some(&name.as_str()));
            prop_assert_eq!(labels.get("note"), Some(&note.as_str()));
        }
    }
}

#[test]
fn promtool_has_nothing_to_say() {
    let promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut promtool = match promtool {
        Ok(promtool) => promtool,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say_aloud("skipped: promtool is not installed");
            return;
        }
        Err(error) => panic!("promtool: {error}"),
    };
    let mut stdin = promtool.stdin.take().expect("piped");
    stdin
        .write_all(page(&scenario::view(), Format::Text).as_bytes())
        .expect("promtool reads the page");
    drop(stdin);
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
    assert!(output.status.success(), "{}", output.status);
}
