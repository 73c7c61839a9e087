//! What is altered in a rule: one thing at a time.

use std::ops::Range;

use serde_yaml::Value;

use super::{Mutant, expression, name, rules_of};

pub(super) fn mutants_of(group: &Value) -> Vec<Mutant> {
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
        (" <= 0", " < 0"),
        (" < ", " > "),
        (" < ", " <= "),
        (" > ", " < "),
        (" > ", " >= "),
        ("max without", "min without"),
        ("min without", "max without"),
        ("quantile_over_time(0.5", "quantile_over_time(0.99"),
        ("  0.5,\n", "  0.99,\n"),
        (" offset 1h", ""),
        ("1 - avg_over_time", "avg_over_time"),
        (" * 0\n", "\n"),
        (" > 0\n", "\n"),
        ("=\"", "!=\""),
        ("!=\"", "=\""),
    ] {
        for (index, (at, _)) in query.match_indices(from).enumerate() {
            if from == "=\"" && query[..at].ends_with(['!', '~']) {
                continue;
            }
            let text = [&query[..at], to, &query[at + from.len()..]].concat();
            altered.push((format!("{from:?} {} is {to:?}", index + 1), text));
        }
    }
    altered.extend(labels_dropped(query));
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

/// Within parentheses: without one side of an `and` in a line, or of an `or` between lines,
/// or without an `unless` of two lines.
fn terms_dropped(query: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = query.lines().collect();
    let mut altered = Vec::new();
    let mut push = |replaced: Range<usize>, kept: &[&str]| {
        let text = [&lines[..replaced.start], kept, &lines[replaced.end..]].concat();
        let words = kept.join("\n");
        altered.push((
            format!("{words:?} in line {}", replaced.start),
            text.join("\n"),
        ));
    };
    for (at, line) in lines.iter().enumerate() {
        if let Some((left, right)) = line.split_once(" and ") {
            push(at..at + 1, &[left]);
            push(at..at + 1, &[right]);
        }
        if line.trim() == "or" && line.starts_with(' ') {
            let (start, end) = (start_of(&lines, at - 1), end_of(&lines, at + 1));
            push(start..end, &lines[start..at]);
            push(start..end, &lines[at + 1..end]);
        }
        if line.trim().starts_with("unless ") && line.starts_with(' ') {
            push(at..at + 2, &[]);
        }
    }
    altered
}

/// Where what ends in this line begins: there, or at the parenthesis that it closes.
fn start_of(lines: &[&str], at: usize) -> usize {
    let opens = lines[at].replace(')', "(");
    let is_block = lines[at].trim() == ")";
    let opened = lines[..at].iter().rposition(|it| is_block && *it == opens);
    opened.unwrap_or(at)
}

/// Behind what begins in this line.
fn end_of(lines: &[&str], at: usize) -> usize {
    let closing = lines[at].replace('(', ")");
    let is_block = lines[at].trim() == "(";
    let closed = lines[at..].iter().position(|it| is_block && *it == closing);
    at + closed.unwrap_or(0) + 1
}

/// Without one of the labels that are joined or grouped by, or aggregated away.
fn labels_dropped(query: &str) -> Vec<(String, String)> {
    let mut altered = Vec::new();
    for word in ["on (", "by (", "without ("] {
        for (index, (at, _)) in query.match_indices(word).enumerate() {
            let start = at + word.len();
            let end = start + query[start..].find(')').expect("the end of a list");
            let labels: Vec<_> = query[start..end].split(", ").collect();
            for dropped in &labels {
                let kept: Vec<_> = labels.iter().filter(|it| *it != dropped).copied().collect();
                let text = [&query[..start], &kept.join(", "), &query[end..]].concat();
                altered.push((format!("{word:?} {} without {dropped}", index + 1), text));
            }
        }
    }
    altered
}

/// With each range halved and doubled, but for the month's.
fn windows_moved(query: &str) -> Vec<(String, String)> {
    let mut altered = Vec::new();
    for (index, (at, _)) in query.match_indices('[').enumerate() {
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
            altered.push((format!("range {} [{range}] is [{moved}]", index + 1), text));
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
