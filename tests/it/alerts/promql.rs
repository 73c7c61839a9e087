//! A small scan of PromQL: which metrics and labels a query names. It does not judge
//! the syntax (Prometheus does); it knows every word that is not a metric, so that a
//! misspelt metric cannot pass for anything else.

use std::{collections::BTreeSet, sync::LazyLock};

use oci_registry_exporter::exposition::{Kind, families};

/// What a query names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) selectors: Vec<Selector>,
    /// Labels in `by`, `without`, `on`, `ignoring` and the groups.
    pub(crate) listed: BTreeSet<String>,
}

/// One selector of a query: `function(metric{label="value"}[range])`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Selector {
    pub(crate) metric: String,
    /// Label, operator and value of each matcher.
    pub(crate) matchers: Vec<(String, String, String)>,
    /// The function that it is the argument of, if any.
    pub(crate) function: Option<String>,
    pub(crate) range: Option<String>,
}

impl Query {
    /// Every metric and label that nobody declares, in words.
    pub(crate) fn undeclared(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut known: BTreeSet<&str> = TARGET_LABELS.into();
        for selector in &self.selectors {
            let Some(labels) = declared(&selector.metric) else {
                wrong.push(format!("nobody declares {}", selector.metric));
                continue;
            };
            for (label, _, _) in &selector.matchers {
                if !labels.contains(&&**label) && !TARGET_LABELS.contains(&&**label) {
                    wrong.push(format!("{} has no label {label}", selector.metric));
                }
            }
            known.extend(labels);
        }
        for label in &self.listed {
            if !known.contains(&**label) {
                wrong.push(format!("no metric of the query has a label {label}"));
            }
        }
        wrong
    }

    /// Whether it names a metric that is still to be built.
    pub(crate) fn waits(&self) -> bool {
        let mut names = self.selectors.iter().map(|it| &*it.metric);
        names.any(|name| NOT_YET.iter().any(|(waiting, _)| *waiting == name))
    }
}

/// The labels of a metric, or `None` where nobody declares it.
pub(crate) fn declared(metric: &str) -> Option<Vec<&'static str>> {
    if OF_A_SCRAPE.contains(&metric) {
        return Some(Vec::new());
    }
    if let Some((_, labels)) = NOT_YET.iter().find(|(name, _)| *name == metric) {
        return Some(labels.to_vec());
    }
    if let Some((_, labels)) = recorded().iter().find(|(name, _)| name == metric) {
        return Some(labels.clone());
    }
    of_the_program(metric)
}

fn of_the_program(metric: &str) -> Option<Vec<&'static str>> {
    families().find_map(|family| match metric.strip_prefix(family.name)? {
        "" if family.kind != Kind::Histogram => Some(family.labels.to_vec()),
        "_sum" | "_count" if family.kind == Kind::Histogram => Some(family.labels.to_vec()),
        "_bucket" if family.kind == Kind::Histogram => Some([family.labels, &["le"]].concat()),
        _ => None,
    })
}

/// What the shipped rules record, with the labels of what it is made of.
fn recorded() -> &'static [(String, Vec<&'static str>)] {
    static RECORDED: LazyLock<Vec<(String, Vec<&'static str>)>> = LazyLock::new(|| {
        let mut names: Vec<(String, Vec<&str>)> = Vec::new();
        for rule in super::every_rule() {
            let Some(name) = rule.record else { continue };
            let query = scan(&rule.expr).unwrap_or_else(|it| panic!("{name}: {it}"));
            let metrics = query.selectors.iter().map(|it| &*it.metric);
            let labels = metrics.filter_map(|metric| {
                let before = names.iter().find(|(name, _)| name == metric);
                before.map_or_else(
                    || of_the_program(metric),
                    |(_, labels)| Some(labels.clone()),
                )
            });
            let labels: BTreeSet<_> = labels.flatten().collect();
            names.push((name, labels.into_iter().collect()));
        }
        names
    });
    &RECORDED
}

/// Reads a query; an error for what is no query at all.
pub(crate) fn scan(text: &str) -> Result<Query, String> {
    let tokens = tokens(text)?;
    let mut query = Query::default();
    let mut at = 0;
    while at < tokens.len() {
        let word = &*tokens[at];
        let next = tokens.get(at + 1).map_or("", |it| it);
        at += 1;
        if !is_word(word) || OPERATORS.contains(&word) {
            continue;
        }
        if LISTS.contains(&word) && next == "(" {
            let end = position(&tokens, at, ")")?;
            query
                .listed
                .extend(tokens[at..end].iter().filter(|it| is_word(it)).cloned());
            at = end;
        } else if next == "(" {
            if !FUNCTIONS.contains(&word) && !AGGREGATIONS.contains(&word) {
                return Err(format!("{word} is no function"));
            }
        } else if !AGGREGATIONS.contains(&word) {
            let (selector, end) = selector(&tokens, at - 1)?;
            query.selectors.push(selector);
            at = end;
        }
    }
    Ok(query)
}

fn selector(tokens: &[String], start: usize) -> Result<(Selector, usize), String> {
    let mut selector = Selector {
        metric: tokens[start].clone(),
        ..Selector::default()
    };
    if start >= 2 && tokens[start - 1] == "(" && FUNCTIONS.contains(&&*tokens[start - 2]) {
        selector.function = Some(tokens[start - 2].clone());
    }
    let mut at = start + 1;
    if tokens.get(at).is_some_and(|it| it == "{") {
        let end = position(tokens, at, "}")?;
        for matcher in tokens[at + 1..end].split(|it| it == ",") {
            match matcher {
                [] => {}
                [label, operator, value] => {
                    let value = value.trim_matches(['"', '\'']).to_owned();
                    let matcher = (label.clone(), operator.clone(), value);
                    selector.matchers.push(matcher);
                }
                odd => return Err(format!("not a matcher: {odd:?}")),
            }
        }
        at = end + 1;
    }
    if tokens.get(at).is_some_and(|it| it == "[") {
        let end = position(tokens, at, "]")?;
        selector.range = Some(tokens[at + 1..end].concat());
        at = end + 1;
    }
    Ok((selector, at))
}

fn position(tokens: &[String], from: usize, what: &str) -> Result<usize, String> {
    let found = tokens[from..].iter().position(|it| it == what);
    found.map(|it| from + it).ok_or(format!("no {what}"))
}

fn is_word(token: &str) -> bool {
    token.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_')
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '"' | '\'' => literal(rest, first)?,
            '=' | '!' | '<' | '>' if rest[1..].starts_with(['=', '~']) => 2,
            it if it.is_ascii_alphanumeric() || "_$.:".contains(it) => rest
                .find(|it: char| !it.is_ascii_alphanumeric() && !"_$.:".contains(it))
                .unwrap_or(rest.len()),
            it => it.len_utf8(),
        };
        tokens.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

/// Where the string that `rest` begins with ends.
fn literal(rest: &str, quote: char) -> Result<usize, String> {
    let mut escaped = false;
    for (at, it) in rest.char_indices().skip(1) {
        match it {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            it if it == quote => return Ok(at + 1),
            _ => {}
        }
    }
    Err(format!("a string without end: {rest}"))
}

/// Metrics that rules and dashboards use before the program declares them. One that is
/// declared may not stand here.
const NOT_YET: &[(&str, &[&str])] = &[];

/// What Prometheus itself adds to every scrape.
const OF_A_SCRAPE: [&str; 3] = ["scrape_duration_seconds", "scrape_samples_scraped", "up"];

/// Labels that a scrape, or the Prometheus that it belongs to, adds.
const TARGET_LABELS: [&str; 5] = ["cluster", "instance", "job", "namespace", "pod"];

const LISTS: [&str; 6] = [
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "on",
    "without",
];
const OPERATORS: [&str; 5] = ["and", "bool", "offset", "or", "unless"];
const AGGREGATIONS: [&str; 10] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "max",
    "min",
    "quantile",
    "sum",
    "topk",
];
const FUNCTIONS: [&str; 18] = [
    "absent_over_time",
    "avg_over_time",
    "clamp_min",
    "end",
    "histogram_quantile",
    "increase",
    "irate",
    "last_over_time",
    "max_over_time",
    "min_over_time",
    "quantile_over_time",
    "rate",
    "round",
    "sort_desc",
    "sum_over_time",
    "time",
    "timestamp",
    "vector",
];

#[test]
fn a_metric_that_is_declared_waits_no_more() {
    for (name, _) in NOT_YET {
        let declared = families().any(|family| family.name == *name);
        assert!(!declared, "{name} is declared: take it out of NOT_YET");
    }
}

#[test]
fn a_query_is_read() {
    let query =
        scan(r#"max by (check) (rate(oci_registry_retries_total{registry=~"a\"}"}[5m])) > 2"#);
    let query = query.expect("a query");
    assert_eq!(
        query.undeclared(),
        ["no metric of the query has a label check"]
    );
    let selector = &query.selectors[0];
    assert_eq!(query.selectors.len(), 1);
    assert_eq!(selector.function.as_deref(), Some("rate"));
    assert_eq!(selector.range.as_deref(), Some("5m"));
    let matcher = ("registry".into(), "=~".into(), r#"a\"}"#.into());
    assert_eq!(selector.matchers, [matcher]);
}

#[test]
fn what_nobody_declares_is_found() {
    let undeclared = |text| scan(text).map(|it| it.undeclared());
    for right in [
        "up == 0",
        "oci_registry_exporter_scheduler_lag_seconds_bucket{le=\"1\"}",
        "sum by (job, registry) (oci_registry_up)",
    ] {
        assert_eq!(undeclared(right), Ok(Vec::new()), "{right}");
    }
    for wrong in [
        "oci_registry_upp",
        "oci_registry_up{check=\"pull\"}",
        "oci_registry_exporter_scheduler_lag_seconds",
        "oci_registry_up_count",
        "max by (check) (oci_registry_up)",
        "oci_registry_up and on (check) up",
    ] {
        assert_ne!(undeclared(wrong), Ok(Vec::new()), "{wrong}");
    }
    for no_query in ["oci_registry_up{", "maxx(oci_registry_up)", "up == \"0"] {
        assert!(scan(no_query).is_err(), "{no_query}");
    }
}
