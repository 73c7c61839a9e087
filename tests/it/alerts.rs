//! What stands in `alerts/`: rules, their unit tests, the runbooks, and the example for
//! Alertmanager.

mod kubernetes;
mod mutants;
pub(crate) mod promql;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::Command,
};

use oci_registry_exporter::outcome::Reason;
use serde::Deserialize;

use crate::lab::process::{self, Program};
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
    #[serde(default)]
    alert: String,
    record: Option<String>,
    expr: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[test]
fn promtool_has_nothing_to_say_about_the_rules() {
    for promtool in PROMTOOLS {
        run(promtool, &["check", "rules", "--lint=all", RULES]);
    }
}

#[test]
fn the_unit_tests_of_the_rules_pass() {
    for promtool in PROMTOOLS {
        run(promtool, &["test", "rules", TESTS[0], TESTS[1]]);
    }
}

#[test]
fn amtool_accepts_the_example() {
    run(AMTOOL, &["check-config", ALERTMANAGER]);
}

#[test]
fn the_example_routes_by_severity_and_team() {
    for (labels, receiver) in [
        (&["severity=critical"][..], "platform-page"),
        (&["severity=critical", "team=a"], "team-a"),
        (&["severity=warning", "team=b"], "team-b"),
        (&["severity=critical", "team=new"], "platform-page"),
        (&["severity=warning"], "tickets"),
    ] {
        let config = format!("--config.file={ALERTMANAGER}");
        let verify = format!("--verify.receivers={receiver}");
        let mut arguments = vec!["config", "routes", "test", &config, &verify];
        arguments.push("alertname=OCIRegistryCredentialsInvalid");
        arguments.extend(labels);
        run(AMTOOL, &arguments);
    }
}

#[test]
fn rules_name_only_metrics_and_labels_that_the_program_declares() {
    for rule in every_rule() {
        let name = rule.record.as_deref().unwrap_or(&rule.alert);
        let query = scan(&rule.expr).unwrap_or_else(|it| panic!("{name}: {it}"));
        assert_eq!(query.undeclared(), [""; 0], "{name}");
        assert!(!query.selectors.is_empty(), "{name}");
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
            // What a rule has recorded is a number for every minute already.
            if selector.metric.contains(':') {
                continue;
            }
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
        let wanted = ["dashboard_url", "description", "runbook_url", "summary"];
        assert_eq!(keys, wanted, "{name}");
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
fn links_lead_to_dashboards_that_exist() {
    for rule in rules() {
        let url = &rule.annotations["dashboard_url"];
        let path = url.strip_prefix("https://example.com/grafana/d/");
        let path = path.unwrap_or_else(|| panic!("{}: {url}", rule.alert));
        let uid = path.split('?').next().unwrap_or_default();
        let file = directory().join(format!("../dashboards/{uid}.json"));
        assert!(file.exists(), "{}: {uid}", rule.alert);
        let of_one = rule.annotations["description"].contains("$labels.registry");
        let wanted = of_one.then_some("var-registry={{ $labels.registry | urlquery }}");
        assert_eq!(
            path.split_once('?').map(|it| it.1),
            wanted,
            "{}",
            rule.alert
        );
    }
}

/// Links among the pages themselves: each leads to a page, and to a heading of it.
#[test]
fn runbooks_link_only_to_what_stands_there() {
    let folder = directory().join("runbooks");
    let mut followed = 0;
    for entry in fs::read_dir(&folder).expect("alerts/runbooks") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("text");
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => folder.join(file),
            };
            let page = fs::read_to_string(&target);
            let page = page.unwrap_or_else(|it| panic!("{}: {link}: {it}", path.display()));
            let mut headings = page.lines().filter_map(|it| it.strip_prefix('#'));
            let found = heading.is_empty() || headings.any(|it| anchor(it) == heading);
            assert!(found, "{}: {link}", path.display());
            followed += 1;
        }
    }
    assert!(followed > 0, "no link was found");
}

/// The name that a heading has in a link.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words.chars().filter_map(|it| match it {
        ' ' => Some('-'),
        it => (it.is_alphanumeric() || "-_".contains(it)).then_some(it),
    });
    kept.collect()
}

/// What nobody may miss, whatever else stands there.
#[test]
fn every_alert_that_was_asked_for_is_there() {
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    for (word, wanted) in [
        ("absent", "OCIRegistryExporterAbsent"),
        ("down", "OCIRegistryExporterDown"),
        ("reload", "OCIRegistryConfigReloadFailed"),
        ("discovery", "OCIRegistryDiscoveryFailed"),
        ("overdue", "OCIRegistryCheckOverdue"),
        ("blind", "OCIRegistryCheckBlind"),
        ("never conclusive", "OCIRegistryCheckNeverConclusive"),
        ("unreachable", "OCIRegistryUnreachable"),
        ("invalid", "OCIRegistryCredentialsInvalid"),
        ("expiring", "OCIRegistryCredentialsExpiring"),
        ("pull", "OCIRegistryPullDenied"),
        ("push", "OCIRegistryPushDenied"),
        ("unsupported", "OCIRegistryReferrersUnsupported"),
        ("lost", "OCIRegistryReferrersLost"),
        ("capability", "OCIRegistryCapabilityLost"),
        ("sessions", "OCIRegistryUploadSessionsLost"),
        ("throttled", "OCIRegistryThrottled"),
        ("budget", "OCIRegistryRateLimitBudgetLow"),
        ("certificate", "OCIRegistryCertificateExpiring"),
        ("expired", "OCIRegistryCertificateExpired"),
        ("latency", "OCIRegistryLatencyHigh"),
        ("burn rate", "OCIRegistryPullBudgetBurning"),
        ("slow burn rate", "OCIRegistryPullBudgetLow"),
    ] {
        assert!(alerts.contains(wanted), "{word}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    let mut runbooks = BTreeSet::new();
    for entry in fs::read_dir(directory().join("runbooks")).expect("alerts/runbooks") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|it| it.to_str());
        let name = name.expect("a name").to_owned();
        if !name.starts_with("OCIRegistry") {
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
    let mut fires = BTreeSet::new();
    let mut silent = BTreeSet::new();
    let tests = TESTS.map(unit_tests);
    for test in tests.iter().flatten() {
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
    assert_eq!(silent, alerts);
}

#[test]
fn inhibition_names_alerts_that_exist() {
    let config = fs::read_to_string(directory().join(ALERTMANAGER)).expect("the file");
    let alerts: BTreeSet<_> = rules().into_iter().map(|it| it.alert).collect();
    let mut sources = 0;
    for line in config.lines().filter(|it| it.contains("_matchers")) {
        for pattern in line.split('"').skip(1).step_by(2) {
            let names = alternatives(pattern);
            let exist = names.iter().all(|name| alerts.contains(name));
            assert!(exist || names == ["OCIRegistry.+"], "{line}: {names:?}");
        }
        sources += usize::from(line.contains("source_matchers"));
    }
    assert!(sources > 5, "only {sources}");
}

/// The names that a pattern such as `OCIRegistry(PullDenied|PushDenied)` stands for;
/// `Certificate.+` stands for one of them.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('(') else {
        return vec![pattern.to_owned()];
    };
    let (middle, after) = rest.split_once(')').expect("the end of a group");
    let middle = middle.split('|').map(|it| match it {
        "Certificate.+" => "CertificateExpired",
        "Credentials.+" => "CredentialsInvalid",
        it => it,
    });
    middle.map(|it| format!("{before}{it}{after}")).collect()
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

/// The cases of a file of unit tests.
fn unit_tests(file: &str) -> Vec<serde_yaml::Value> {
    let text = fs::read_to_string(directory().join(file)).expect("the unit tests");
    let mut tests: serde_yaml::Value = serde_yaml::from_str(&text).expect("YAML");
    let tests = tests["tests"].as_sequence_mut().expect("tests");
    std::mem::take(tests)
}

/// Those that alert.
fn rules() -> Vec<Rule> {
    let mut rules = every_rule();
    rules.retain(|it| it.record.is_none());
    assert!(rules.len() > 15, "only {} rules", rules.len());
    rules
}

fn every_rule() -> Vec<Rule> {
    let text = fs::read_to_string(directory().join(RULES)).expect("the rules");
    let rules: Rules = serde_yaml::from_str(&text).expect("rules");
    rules.groups.into_iter().flat_map(|it| it.rules).collect()
}

/// Runs a program in `alerts/`; where it is not installed that is said, and is a failure
/// when nothing may be left out.
fn run(program: Program, arguments: &[&str]) {
    let Some(path) = process::find(program) else {
        return;
    };
    let output = Command::new(path)
        .args(arguments)
        .current_dir(directory())
        .output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.name));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let name = program.name;
    assert!(output.status.success(), "{name} {arguments:?}\n{said}");
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("alerts")
}

const RULES: &str = "oci-registry.rules.yml";
/// Those that last hours, and those that last days.
const TESTS: [&str; 2] = [
    "oci-registry.rules.test.yml",
    "oci-registry.long.rules.test.yml",
];
const AMTOOL: Program = Program {
    name: "amtool",
    brought_by: "Debian package prometheus-alertmanager",
};
/// Of the oldest Prometheus that the rules are for, and of the third major version.
const PROMTOOLS: [Program; 2] = [
    Program {
        name: "promtool",
        brought_by: "Debian package prometheus",
    },
    Program {
        name: "promtool3",
        brought_by: "tests/run tools, of a newer Debian",
    },
];
const ALERTMANAGER: &str = "alertmanager.example.yml";
