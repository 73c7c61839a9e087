//! Asks promtool about one mutant: with the alerts that it may change, and their cases.

use std::{fs, path::Path, process::Command};

use serde_yaml::{Mapping, Value};
use tempfile::TempDir;

use super::{Mutant, name, rules_of};
use crate::alerts::{PROMTOOLS, RULES, TESTS, directory};

/// Whether the unit tests of this rule, or of the alerts that use it, fail. The cases that
/// last long are only run where the others are content.
pub(super) fn noticed(groups: &[Value], mutant: &Mutant) -> bool {
    let alerts = alerts_of(groups, mutant);
    let dir = TempDir::new().expect("a temporary directory");
    let rules = only(groups, &alerts, mutant);
    fs::write(dir.path().join(RULES), yaml(&rules)).expect("the rules");
    let mut asked = 0;
    for file in TESTS {
        let tests = tests_of(file, &alerts, &mutant.rule);
        if tests["tests"].as_sequence().expect("tests").is_empty() {
            continue;
        }
        fs::write(dir.path().join(file), yaml(&tests)).expect("the tests");
        asked += 1;
        if fails(dir.path(), file, mutant) {
            return true;
        }
    }
    assert!(asked > 0, "{} has no case", mutant.rule);
    false
}

fn fails(dir: &Path, file: &str, mutant: &Mutant) -> bool {
    let output = Command::new(PROMTOOLS[0].name)
        .args(["test", "rules", file])
        .current_dir(dir)
        .output()
        .expect("promtool runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let failed = !output.status.success();
    // An altered rule that cannot be read would prove nothing. One that matches several
    // series with several is noticed by whoever evaluates it.
    assert!(
        !failed || said.contains("got:") || said.contains("duplicate series"),
        "{}: {} is no rule: {said}\n{}",
        mutant.rule,
        mutant.change,
        yaml(&mutant.altered)
    );
    failed
}

/// The alerts that an altered rule may change: itself, or those that use what it records.
fn alerts_of(groups: &[Value], mutant: &Mutant) -> Vec<String> {
    if mutant.altered.get("alert").is_some() {
        return vec![mutant.rule.clone()];
    }
    let rules = groups.iter().flat_map(rules_of);
    rules
        .filter(|rule| rule.get("alert").is_some() && yaml(rule).contains(&mutant.rule))
        .map(|rule| name(rule).to_owned())
        .collect()
}

/// The recording rules and these alerts, with the mutant in its place.
fn only(groups: &[Value], alerts: &[String], mutant: &Mutant) -> Value {
    let mut groups = groups.to_vec();
    let wanted: String = groups
        .iter()
        .flat_map(rules_of)
        .filter(|rule| alerts.iter().any(|alert| alert == name(rule)))
        .map(yaml)
        .collect();
    for group in &mut groups {
        let rules = group["rules"].as_sequence_mut().expect("rules");
        rules.retain(|rule| match rule.get("alert") {
            Some(_) => alerts.iter().any(|alert| alert == name(rule)),
            None => mutant.rule.contains(':') || wanted.contains(name(rule)),
        });
        for rule in rules {
            if name(rule) == mutant.rule {
                *rule = mutant.altered.clone();
            }
        }
    }
    let mut all = Mapping::new();
    all.insert("groups".into(), groups.into());
    all.into()
}

/// The unit tests with the cases of these alerts, and, of a recording rule, all values.
fn tests_of(file: &str, alerts: &[String], recorded: &str) -> Value {
    let text = fs::read_to_string(directory().join(file));
    let mut file: Value = serde_yaml::from_str(&text.expect("the file")).expect("YAML");
    let tests = file["tests"].as_sequence_mut().expect("tests");
    tests.retain_mut(|test| {
        let mut left = 0;
        if let Some(cases) = test.get_mut("alert_rule_test") {
            let cases = cases.as_sequence_mut().expect("cases");
            cases.retain(|case| alerts.iter().any(|it| case["alertname"] == it.as_str()));
            left += cases.len();
        }
        if let Some(cases) = test.get_mut("promql_expr_test") {
            let cases = cases.as_sequence_mut().expect("cases");
            if !recorded.contains(':') {
                cases.clear();
            }
            left += cases.len();
        }
        left > 0
    });
    file
}

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).expect("YAML")
}
