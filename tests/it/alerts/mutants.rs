//! Whether the unit tests of the rules notice when a rule is changed: each mutant is one
//! rule with one thing altered, and `promtool test rules` must fail over it.

use std::{fs, sync::Mutex, thread};

use serde_yaml::{Mapping, Value};
use tempfile::TempDir;

use super::{PROMTOOLS, RULES, TESTS, directory};
use crate::lab::process;

/// One rule, altered.
#[derive(Debug)]
struct Mutant {
    rule: String,
    change: String,
    altered: Value,
}

#[test]
#[ignore = "minutes: `tests/run --full`"]
fn every_mutant_of_a_rule_is_noticed() {
    if process::find(PROMTOOLS[0]).is_none() {
        return;
    }
    let groups = groups();
    let mutants = Mutex::new(groups.iter().flat_map(mutants_of).collect::<Vec<_>>());
    let survivors = Mutex::new(Vec::new());
    let count = mutants.lock().expect("nobody panics").len();
    assert!(count > 200, "only {count} mutants");
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(mutant) = next(&mutants) {
                    if !noticed(&groups, &mutant) {
                        let survivor = format!("{}: {}", mutant.rule, mutant.change);
                        survivors.lock().expect("nobody panics").push(survivor);
                    }
                }
            });
        }
    });
    let mut survivors = survivors.into_inner().expect("nobody panics");
    survivors.sort();
    assert!(
        survivors.is_empty(),
        "{} of {count} mutants survive:\n{}",
        survivors.len(),
        survivors.join("\n")
    );
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

fn next(mutants: &Mutex<Vec<Mutant>>) -> Option<Mutant> {
    mutants.lock().expect("nobody panics").pop()
}

// ---- altering ----------------------------------------------------------------

fn mutants_of(group: &Value) -> Vec<Mutant> {
    rules_of(group).iter().flat_map(mutants_of_rule).collect()
}

fn mutants_of_rule(rule: &Value) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut push = |change: String, altered: Value| {
        mutants.push(Mutant {
            rule: name(rule).to_owned(),
            change,
            altered,
        });
    };
    for key in ["for", "keep_firing_for"] {
        let Some(time) = rule[key].as_str() else {
            continue;
        };
        let mut without = rule.as_mapping().expect("a rule").clone();
        without.remove(key);
        push(format!("without {key}"), without.into());
        for (factor, word) in [(0.5, "half"), (2.0, "double")] {
            let mut altered = rule.clone();
            altered[key] = times(time, factor).into();
            push(format!("{word} {key}"), altered);
        }
    }
    for (change, expression) in expressions(expression(rule)) {
        let mut altered = rule.clone();
        altered["expr"] = expression.into();
        push(change, altered);
    }
    mutants
}

/// Every alteration of a query, with words for it.
fn expressions(query: &str) -> Vec<(String, String)> {
    let mut altered = clauses_dropped(query);
    altered.extend(terms_dropped(query));
    for (from, to) in [
        (" == 0", " == 1"),
        (" == 1", " == 0"),
        (" >= 2", " >= 1"),
        (" >= 2", " >= 3"),
        (" <= 0", " <= 3600"),
        (" < ", " > "),
        (" > ", " < "),
        ("max without", "min without"),
        ("min without", "max without"),
        ("(instance, pod", "(pod"),
        ("quantile_over_time(0.5", "quantile_over_time(0.99"),
        ("  0.5,\n", "  0.99,\n"),
        (" offset 1h", ""),
        (" * 0\n", "\n"),
        (" > 0\n", "\n"),
        ("=\"", "!=\""),
        ("!=\"", "=\""),
    ] {
        for (at, _) in query.match_indices(from) {
            if from == "=\"" && query[..at].ends_with(['!', '~']) {
                continue;
            }
            let text = [&query[..at], to, &query[at + from.len()..]].concat();
            altered.push((format!("{from:?} at {at} is {to:?}"), text));
        }
    }
    altered.extend(windows_moved(query));
    altered.extend(thresholds_moved(query));
    altered
}

/// Without one of the clauses that `and`, `or` and `unless` join on lines of their own.
fn clauses_dropped(query: &str) -> Vec<(String, String)> {
    let words = ["and", "or", "unless"];
    let joins = |line: &str| {
        let first = line.split_whitespace().next().unwrap_or_default();
        words.contains(&first) && !line.starts_with(' ')
    };
    let mut clauses = vec![String::new()];
    for line in query.lines() {
        if joins(line) {
            clauses.push(String::new());
        }
        let last = clauses.last_mut().expect("a clause");
        last.push_str(line);
        last.push('\n');
    }
    let mut altered = Vec::new();
    if clauses.len() > 1 {
        for dropped in 0..clauses.len() {
            let kept = clauses.iter().enumerate();
            let kept = kept.filter(|(index, _)| *index != dropped);
            let kept: String = kept.map(|(_, clause)| clause.as_str()).collect();
            // With the first goes the word that joins the second, which is a line.
            let kept = match dropped {
                0 => kept.split_once('\n').expect("a line").1.to_owned(),
                _ => kept,
            };
            let words = clauses[dropped].split_whitespace().collect::<Vec<_>>();
            altered.push((format!("without {}", words.join(" ")), kept));
        }
    }
    altered
}

/// Within parentheses: without one side of an `and` in a line, or of an `or` between lines.
fn terms_dropped(query: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = query.lines().collect();
    let mut altered = Vec::new();
    let mut push = |at: usize, count: usize, line: &str| {
        let text = [&lines[..at], &[line], &lines[at + count..]].concat();
        altered.push((format!("{line:?} in line {at}"), text.join("\n")));
    };
    for (at, line) in lines.iter().enumerate() {
        if let Some((left, right)) = line.split_once(" and ") {
            push(at, 1, left);
            push(at, 1, right);
        }
        if line.trim() == "or" && line.starts_with(' ') {
            push(at - 1, 3, lines[at - 1]);
            push(at - 1, 3, lines[at + 1]);
        }
    }
    altered
}

/// With each range halved and doubled, but for the month's.
fn windows_moved(query: &str) -> Vec<(String, String)> {
    let mut altered = Vec::new();
    for (at, _) in query.match_indices('[') {
        let end = at + query[at..].find(']').expect("the end of a range");
        let (range, step) = match query[at + 1..end].split_once(':') {
            Some((range, step)) => (range, format!(":{step}")),
            None => (&query[at + 1..end], String::new()),
        };
        if range == "30d" {
            continue;
        }
        for factor in [0.5, 2.0] {
            let moved = times(range, factor);
            let text = format!("{}[{moved}{step}{}", &query[..at], &query[end..]);
            altered.push((format!("[{range}] at {at} is [{moved}]"), text));
        }
    }
    altered
}

/// With each number that is compared or reckoned with half as large again, and two thirds.
fn thresholds_moved(query: &str) -> Vec<(String, String)> {
    let mut altered = Vec::new();
    let mut at = 0;
    while let Some(found) = query[at..].find(|it: char| it.is_ascii_digit()) {
        let start = at + found;
        let length = query[start..]
            .find(|it: char| !it.is_ascii_digit() && it != '.')
            .unwrap_or(query.len() - start);
        at = start + length;
        let number = &query[start..at];
        let before = query[..start].chars().next_back();
        let Ok(value) = number.parse::<f64>() else {
            continue;
        };
        let is_number = before == Some(' ') && !query[..start].ends_with(">= ");
        let is_unit = query[at..].starts_with(|it: char| it == ',' || it.is_ascii_alphabetic());
        if !is_number || is_unit || value <= 0.0 {
            continue;
        }
        // One that stands twice, such as an objective, is one number.
        let number = format!(" {number}");
        if query[..start - 1].contains(&number) {
            continue;
        }
        for factor in [1.5, 1.0 / 1.5] {
            let moved = format!(" {}", value * factor);
            let text = query.replace(&number, &moved);
            altered.push((format!("{number:?} is {moved:?}"), text));
        }
    }
    altered
}

/// A duration such as `5m`, so many times as long.
fn times(duration: &str, factor: f64) -> String {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let number: f64 = number.parse().expect("a duration of one unit");
    let unit = match unit {
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        odd => panic!("no unit of time: {odd}"),
    };
    format!("{}s", (number * unit * factor).round())
}

// ---- asking ------------------------------------------------------------------

/// Whether the unit tests of this rule, or of the alerts that use it, fail.
fn noticed(groups: &[Value], mutant: &Mutant) -> bool {
    let alerts = alerts_of(groups, mutant);
    let dir = TempDir::new().expect("a temporary directory");
    let rules = only(groups, &alerts, mutant);
    fs::write(dir.path().join(RULES), yaml(&rules)).expect("the rules");
    let tests = tests_of(&alerts, &mutant.rule);
    fs::write(dir.path().join("tests.yml"), yaml(&tests)).expect("the tests");
    let output = std::process::Command::new("promtool")
        .args(["test", "rules", "tests.yml"])
        .current_dir(dir.path())
        .output()
        .expect("promtool runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let failed = !output.status.success();
    // An altered rule that cannot be read would prove nothing.
    assert!(
        !failed || said.contains("got:"),
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
fn tests_of(alerts: &[String], recorded: &str) -> Value {
    let text = fs::read_to_string(directory().join(TESTS));
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

fn yaml(value: &Value) -> String {
    serde_yaml::to_string(value).expect("YAML")
}
