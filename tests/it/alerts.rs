//! What stands in `alerts/`: rules, their unit tests, the runbooks, and the example for
//! Alertmanager.

pub(crate) mod promql;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::PathBuf,
    process::Command,
};

use oci_registry_exporter::outcome::Reason;
use serde::Deserialize;

use promql::scan;

#[derive(Debug, Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    alert: String,
    expr: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[test]
fn promtool_has_nothing_to_say_about_the_rules() {
    run("promtool", &["check", "rules", "--lint=all", RULES]);
}

#[test]
fn the_unit_tests_of_the_rules_pass() {
    run(
        "promtool",
        &["test", "rules", "oci-registry.rules.test.yml"],
    );
}

#[test]
fn amtool_accepts_the_example() {
    run("amtool", &["check-config", ALERTMANAGER]);
}

#[test]
fn the_example_routes_by_severity_and_team() {
    for (labels, receiver) in [
        (&["severity=critical"][..], "platform-page"),
        (&["severity=critical", "team=a"], "team-page"),
        (&["severity=warning", "team=a"], "tickets"),
    ] {
        let config = format!("--config.file={ALERTMANAGER}");
        let verify = format!("--verify.receivers={receiver}");
        let mut arguments = vec!["config", "routes", "test", &config, &verify];
        arguments.push("alertname=OCIRegistryCredentialsInvalid");
        arguments.extend(labels);
        run("amtool", &arguments);
    }
}

#[test]
fn rules_name_only_metrics_and_labels_that_the_program_declares() {
    for rule in rules() {
        let query = scan(&rule.expr).unwrap_or_else(|it| panic!("{}: {it}", rule.alert));
        assert_eq!(query.undeclared(), [""; 0], "{}", rule.alert);
        assert!(!query.selectors.is_empty(), "{}", rule.alert);
    }
}

#[test]
fn queries_in_annotations_name_only_what_is_declared() {
    let mut found = 0;
    for rule in rules() {
        for text in rule.annotations.values() {
            for query in queries(text) {
                let read = scan(&query).unwrap_or_else(|it| panic!("{}: {it}", rule.alert));
                assert_eq!(read.undeclared(), [""; 0], "{}: {query}", rule.alert);
                found += 1;
            }
        }
    }
    assert!(found > 5, "only {found} queries");
}

#[test]
fn annotations_show_only_labels_that_the_alert_has() {
    for rule in rules() {
        let query = scan(&rule.expr).expect("tested above");
        let metrics = query.selectors.iter();
        let labels = metrics.filter_map(|it| promql::declared(&it.metric));
        let mut labels: BTreeSet<_> = labels.flatten().collect();
        labels.extend(["job", "instance"]);
        for text in rule.annotations.values() {
            for label in text.split("$labels.").skip(1) {
                let end = label.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
                let label = &label[..end.unwrap_or(label.len())];
                assert!(labels.contains(label), "{}: {label}", rule.alert);
            }
        }
    }
}

#[test]
fn gauges_are_read_through_a_failed_scrape() {
    for rule in rules() {
        for selector in scan(&rule.expr).expect("tested above").selectors {
            let function = selector.function.unwrap_or_default();
            let bridged = ["_over_time", "increase"]
                .iter()
                .any(|it| function.ends_with(it));
            assert!(bridged, "{}: {}", rule.alert, selector.metric);
            assert!(
                selector.range.is_some_and(|it| it != "1m"),
                "{}",
                rule.alert
            );
        }
    }
}

#[test]
fn a_difference_from_the_shipped_matrix_never_alerts() {
    for rule in rules() {
        assert!(!rule.expr.contains("drift"), "{}", rule.alert);
    }
}

#[test]
fn alerts_are_named_and_described_alike() {
    let mut names = BTreeSet::new();
    let mut bases = BTreeSet::new();
    for rule in rules() {
        let name = &rule.alert;
        assert!(names.insert(name.clone()), "{name} stands twice");
        assert!(name.starts_with("OCIRegistry"), "{name}");
        assert!(name.bytes().all(|it| it.is_ascii_alphanumeric()), "{name}");
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("critical" | "warning" | "info")));
        let keys: Vec<_> = rule.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["description", "runbook_url", "summary"], "{name}");
        let summary = &rule.annotations["summary"];
        let is_static = !summary.contains("{{");
        assert!(is_static && summary.ends_with('.'), "{name}: {summary}");
        let url = &rule.annotations["runbook_url"];
        let base = url.strip_suffix(&format!("{name}.md"));
        bases.insert(base.unwrap_or_else(|| panic!("{name}: {url}")).to_owned());
    }
    assert_eq!(bases.len(), 1, "one sed changes all of them: {bases:?}");
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    let mut runbooks = BTreeSet::new();
    for entry in fs::read_dir(directory().join("runbooks")).expect("alerts/runbooks") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|it| it.to_str());
        let name = name.expect("a name").to_owned();
        if name == "reasons" {
            continue;
        }
        let text = fs::read_to_string(&path).expect("text");
        let headings: Vec<_> = text.lines().filter(|it| it.starts_with('#')).collect();
        let title = format!("# {name}");
        let wanted = [
            &*title,
            "## Meaning",
            "## Impact",
            "## Diagnosis",
            "## Mitigation",
        ];
        assert_eq!(headings, wanted, "{name}");
        runbooks.insert(name);
    }
    assert_eq!(alerts, runbooks);
}

#[test]
fn every_reason_has_its_cause_and_its_fix() {
    let path = directory().join("runbooks/reasons.md");
    let page = fs::read_to_string(path).expect("reasons.md");
    let mut sections = page.split("\n## ");
    let title = sections.next().expect("a title");
    assert!(title.starts_with("# Reasons\n"), "{title}");
    let sections: Vec<_> = sections
        .map(|section| section.split_once('\n').expect("a text"))
        .collect();
    let headings: Vec<_> = sections.iter().map(|(heading, _)| *heading).collect();
    let reasons: Vec<_> = Reason::ALL.iter().map(|(_, word)| *word).collect();
    assert_eq!(headings, reasons);
    for (reason, text) in sections {
        for part in ["**Cause.** ", "**Fix.** "] {
            let said = text.split("\n\n").filter(|it| it.trim().starts_with(part));
            assert_eq!(said.count(), 1, "{reason}: {part}");
        }
    }
}

#[test]
fn every_alert_is_seen_to_fire_and_seen_to_be_silent() {
    let tests = fs::read_to_string(directory().join("oci-registry.rules.test.yml"));
    let tests: serde_yaml::Value = serde_yaml::from_str(&tests.expect("the file")).expect("YAML");
    let mut fires = BTreeSet::new();
    let mut silent = BTreeSet::new();
    for test in tests["tests"].as_sequence().expect("tests") {
        for case in test["alert_rule_test"].as_sequence().expect("cases") {
            let name = case["alertname"].as_str().expect("a name").to_owned();
            let expected = case["exp_alerts"].as_sequence().expect("alerts");
            let seen = if expected.is_empty() {
                &mut silent
            } else {
                &mut fires
            };
            seen.insert(name);
        }
    }
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    assert_eq!(fires, alerts);
    // Of the one that speaks of what has expired, its end is the proof.
    let mut never = alerts.difference(&silent).map(String::as_str);
    assert_eq!(never.next(), Some("OCIRegistryCredentialsExpiring"));
    assert_eq!(never.next(), None);
}

#[test]
fn inhibition_names_alerts_that_exist() {
    let config = fs::read_to_string(directory().join(ALERTMANAGER)).expect("the file");
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    let mut sources = 0;
    for line in config.lines().filter(|it| it.contains("source_matchers")) {
        let name = line.split('"').nth(1).expect("a quoted name");
        assert!(alerts.contains(name), "{line}");
        sources += 1;
    }
    assert!(sources > 5, "only {sources}");
}

/// The queries that a template hands to `query`.
fn queries(template: &str) -> Vec<String> {
    let actions = template.split("{{").skip(1);
    let actions = actions.filter_map(|it| it.split_once("query }}").or(it.split_once("}}")));
    let actions = actions.map(|(action, _)| action);
    actions
        .filter(|it| it.contains("oci_registry_"))
        .map(|action| {
            let text = action.split_once('"').expect("a quoted query").1;
            let text = text.rsplit_once('"').expect("its end").0;
            text.replace("%q", "\"x\"")
        })
        .collect()
}

fn rules() -> Vec<Rule> {
    let text = fs::read_to_string(directory().join(RULES)).expect("the rules");
    let rules: Rules = serde_yaml::from_str(&text).expect("rules");
    let rules: Vec<_> = rules.groups.into_iter().flat_map(|it| it.rules).collect();
    assert!(rules.len() > 15, "only {} rules", rules.len());
    rules
}

/// Runs a program in `alerts/`; where it is not installed that is said, and is a failure
/// when nothing may be left out.
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory())
        .output();
    match output {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            assert!(output.status.success(), "{program} {arguments:?}\n{said}");
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => skip(program),
        Err(error) => panic!("{program}: {error}"),
    }
}

/// Says aloud, past the capture of a test's output, that a program is missing.
fn skip(program: &str) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the switch of these tests, not a setting of the program"
    )]
    let strict = std::env::var("OCI_REGISTRY_EXPORTER_TESTS_STRICT");
    let line = format!("skipped: {program} is not installed");
    assert_ne!(strict.as_deref(), Ok("1"), "{line}");
    writeln!(std::io::stderr(), "{line}").expect("stderr takes it");
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("alerts")
}

const RULES: &str = "oci-registry.rules.yml";
const ALERTMANAGER: &str = "alertmanager.example.yml";
