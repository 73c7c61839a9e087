//! Whether the unit tests of the rules notice when a rule is changed: each mutant is one
//! rule with one thing altered, and `promtool test rules` must fail over it. One that
//! cannot change any answer is named with its reason, and must go on living.

mod altering;
mod asking;
mod equivalent;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Mutex,
    thread,
};

use serde_yaml::Value;

use super::{PROMTOOLS, RULES, directory};
use crate::lab::process;
use altering::mutants_of;
use asking::noticed;
use equivalent::EQUIVALENT;

/// One rule, altered.
#[derive(Debug)]
struct Mutant {
    rule: String,
    change: String,
    altered: Value,
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_about_the_exporter_is_noticed() {
    notice_all("oci-registry-exporter");
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_about_a_registry_is_noticed() {
    notice_all("oci-registry");
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_about_the_past_is_noticed() {
    notice_all("oci-registry-past");
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_about_the_long_past_is_noticed() {
    notice_all("oci-registry-past-slow");
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_about_capabilities_is_noticed() {
    notice_all("oci-registry-capabilities");
}

/// No group of rules is left out above, and what is called equivalent is a mutant.
#[test]
fn every_rule_has_mutants_and_each_has_a_name_of_its_own() {
    let groups = groups();
    let names: Vec<_> = groups.iter().map(|it| it["name"].as_str()).collect();
    let wanted = [
        "oci-registry-exporter",
        "oci-registry",
        "oci-registry-past",
        "oci-registry-past-slow",
        "oci-registry-capabilities",
    ];
    assert_eq!(names, wanted.map(Some));
    let mut mutants = BTreeSet::new();
    for mutant in groups.iter().flat_map(mutants_of) {
        let name = (mutant.rule, mutant.change);
        assert!(mutants.insert(name.clone()), "{name:?} stands twice");
    }
    for rule in groups.iter().flat_map(rules_of) {
        let found = mutants.iter().any(|it| it.0 == name(rule));
        assert!(found, "{}", name(rule));
    }
    assert!(mutants.len() > 450, "only {} mutants", mutants.len());
    let mut called = BTreeSet::new();
    for (rule, change, reason) in EQUIVALENT {
        let name = ((*rule).to_owned(), (*change).to_owned());
        assert!(mutants.contains(&name), "no mutant: {name:?}");
        assert!(reason.ends_with('.'), "{name:?}: {reason}");
        assert!(called.insert(name), "{rule}: {change} stands twice");
    }
}

/// The window of the availability is a month, which no unit test lasts.
#[test]
fn the_name_of_the_availability_says_its_window() {
    let rules = groups();
    let rules = rules.iter().flat_map(rules_of);
    let of_a_month: Vec<_> = rules
        .filter(|rule| name(rule).ends_with("ratio30d"))
        .collect();
    assert_eq!(of_a_month.len(), 1);
    assert!(expression(of_a_month[0]).contains("[30d:1h]"));
}

/// Asks of every mutant of this group's rules, on every core.
fn notice_all(group: &str) {
    if process::find(PROMTOOLS[0]).is_none() {
        return;
    }
    let groups = groups();
    let of_group = groups.iter().filter(|it| it["name"] == group);
    let mutants = Mutex::new(of_group.flat_map(mutants_of).collect::<Vec<_>>());
    let answers = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(mutant) = next(&mutants) {
                    let noticed = noticed(&groups, &mutant);
                    let name = (mutant.rule, mutant.change);
                    answers.lock().expect("nobody panics").insert(name, noticed);
                }
            });
        }
    });
    let answers = answers.into_inner().expect("nobody panics");
    assert!(!answers.is_empty(), "{group} has mutants");
    let mut wrong = Vec::new();
    for ((rule, change), noticed) in &answers {
        let reason = EQUIVALENT.iter().find(|it| it.0 == rule && it.1 == change);
        match (noticed, reason) {
            (false, None) => wrong.push(format!("survives: {rule}: {change}")),
            (true, Some(_)) => wrong.push(format!("is noticed after all: {rule}: {change}")),
            _ => {}
        }
    }
    let (wrong, count) = (wrong.join("\n"), answers.len());
    assert!(wrong.is_empty(), "of {count} mutants:\n{wrong}");
}

fn next(mutants: &Mutex<Vec<Mutant>>) -> Option<Mutant> {
    mutants.lock().expect("nobody panics").pop()
}

fn groups() -> Vec<Value> {
    let text = fs::read_to_string(directory().join(RULES)).expect("the rules");
    let rules: Value = serde_yaml::from_str(&text).expect("YAML");
    rules["groups"].as_sequence().expect("groups").clone()
}

fn rules_of(group: &Value) -> &[Value] {
    group["rules"].as_sequence().expect("rules")
}

fn name(rule: &Value) -> &str {
    let name = rule.get("alert").or_else(|| rule.get("record"));
    name.and_then(Value::as_str).expect("a name")
}

fn expression(rule: &Value) -> &str {
    rule["expr"].as_str().expect("a query")
}
