//! From the JSON document back to reports: what another process, or an earlier run, said.
//!
//! Keys that are not known are passed over; a later version of the document, and
//! a word that is none of the closed sets, are refused.

mod values;

use std::{
    collections::HashSet,
    fmt,
    time::{Duration, SystemTime},
};

use serde::Deserialize;
use serde_json::{Map, error::Category};

use super::{About, Entry, RegistryReports, json::VERSION, line::one_line};
use crate::{
    matrix::{self, Difference},
    outcome::{
        Capability, Change, CheckName, Evidence, Outcome, Reason, Report, Status, Subject, Value,
    },
    store::Since,
};

/// A document that was read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// When it was written.
    pub generated_at: SystemTime,
    /// The registries in its order, with their reports.
    pub registries: Vec<RegistryReports>,
}

/// Why a text is no document of reports: in words, with line and column where it has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError(String);

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for ReadError {}

/// Reads a document of `check --format json` or of the daemon's `/api/v1/reports`.
///
/// # Errors
/// What is wrong with it and where.
pub fn read(json: &[u8]) -> Result<Reading, ReadError> {
    // The parser takes a list for an object.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(ReadError("it is no JSON object".to_owned()));
    }
    let head: Head = serde_json::from_slice(json).map_err(|error| wrong(&error))?;
    match head.version.as_ref().map(serde_json::Value::as_u64) {
        Some(Some(version)) if version == u64::from(VERSION) => {}
        Some(_) => {
            let shown = head.version.unwrap_or_default().to_string();
            let shown: String = one_line(&shown).chars().take(SHOWN).collect();
            return Err(ReadError(format!(
                "`version` is {shown}, and only version {VERSION} is known here"
            )));
        }
        None => {
            return Err(ReadError(
                "it has no `version`: it is no document of reports".to_owned(),
            ));
        }
    }
    let document: Document = serde_json::from_slice(json).map_err(|error| wrong(&error))?;
    document.into_reading()
}

fn wrong(error: &serde_json::Error) -> ReadError {
    let what = match error.classify() {
        Category::Data => "",
        Category::Syntax | Category::Eof | Category::Io => "it is no JSON: ",
    };
    let words: String = one_line(&error.to_string()).chars().take(SHOWN).collect();
    ReadError(format!("{what}{words}"))
}

#[derive(Deserialize)]
struct Head {
    version: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(deserialize_with = "values::time")]
    generated_at: SystemTime,
    reports: Vec<Row>,
    #[serde(default)]
    registries: Vec<OfRegistry>,
}

#[derive(Deserialize)]
struct OfRegistry {
    registry: String,
    #[serde(default)]
    url: String,
    product: Option<String>,
    product_version: Option<String>,
    #[serde(default)]
    differs_from_matrix: Vec<Differs>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Differs {
    #[serde(deserialize_with = "values::capability")]
    capability: Capability,
    expected: matrix::Value,
    supported: bool,
}

#[derive(Deserialize)]
struct Row {
    registry: String,
    repository: Option<String>,
    credential: Option<String>,
    #[serde(deserialize_with = "values::check")]
    check: CheckName,
    #[serde(deserialize_with = "values::status")]
    status: Status,
    #[serde(default, deserialize_with = "values::reason")]
    reason: Option<Reason>,
    message: String,
    #[serde(default)]
    evidence: Map<String, serde_json::Value>,
    #[serde(default)]
    remediation: Vec<String>,
    #[serde(default)]
    hints: Vec<String>,
    #[serde(deserialize_with = "values::time")]
    started_at: SystemTime,
    #[serde(deserialize_with = "values::seconds")]
    duration_seconds: Duration,
    #[serde(default, deserialize_with = "values::some_seconds")]
    latency_seconds: Option<Duration>,
    #[serde(default)]
    attempts: u32,
    #[serde(default, deserialize_with = "values::some_time")]
    last_conclusive_at: Option<SystemTime>,
    #[serde(default, deserialize_with = "values::some_time")]
    fact_since: Option<SystemTime>,
    #[serde(default, deserialize_with = "values::some_time")]
    last_worked_at: Option<SystemTime>,
    changed_since_last_worked: Option<Vec<Changed>>,
}

#[derive(Deserialize)]
struct Changed {
    #[serde(deserialize_with = "values::change")]
    what: Change,
    #[serde(deserialize_with = "values::time")]
    at: SystemTime,
}

impl Document {
    fn into_reading(self) -> Result<Reading, ReadError> {
        let mut registries: Vec<RegistryReports> = Vec::new();
        for of in self.registries {
            if registries.iter().any(|known| known.name == of.registry) {
                let name = one_line(&of.registry);
                return Err(ReadError(format!("the registry `{name}` stands twice")));
            }
            registries.push(of.into());
        }
        let mut seen = HashSet::new();
        for row in self.reports {
            let entry = Entry::from(row);
            let subject = &entry.report.subject;
            if !seen.insert(subject.clone()) {
                let (name, check) = (one_line(&subject.registry), subject.check.as_str());
                return Err(ReadError(format!(
                    "the report of {check} of the registry `{name}` stands twice"
                )));
            }
            let at = registries
                .iter()
                .position(|known| known.name == subject.registry);
            if let Some(at) = at {
                registries[at].entries.push(entry);
            } else {
                registries.push(RegistryReports {
                    name: subject.registry.clone(),
                    url: String::new(),
                    entries: vec![entry],
                    about: About::default(),
                });
            }
        }
        for registry in &mut registries {
            name_url(registry);
        }
        Ok(Reading {
            generated_at: self.generated_at,
            registries,
        })
    }
}

/// Documents without `url` of a registry have it in the evidence.
fn name_url(registry: &mut RegistryReports) {
    if !registry.url.is_empty() {
        return;
    }
    let mut outcomes = registry.entries.iter().map(|entry| &entry.report.outcome);
    let url = outcomes.find_map(|outcome| match outcome.evidence.value("registry_url") {
        Some(Value::Text(url)) => Some(url.clone()),
        _ => None,
    });
    registry.url = url.unwrap_or_default();
}

impl From<OfRegistry> for RegistryReports {
    fn from(of: OfRegistry) -> Self {
        let differs = of.differs_from_matrix.into_iter().map(|it| Difference {
            capability: it.capability,
            expected: it.expected,
            supported: it.supported,
        });
        Self {
            name: of.registry,
            url: of.url,
            entries: Vec::new(),
            about: About {
                product: of.product,
                product_version: of.product_version,
                warnings: of.warnings,
                differs: Some(differs.collect()),
            },
        }
    }
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        let mut outcome = Outcome::new(row.status, row.reason, row.message);
        outcome.evidence = evidence(row.evidence);
        outcome.remediation = row.remediation;
        outcome.hints = row.hints;
        outcome.latency = row.latency_seconds;
        let changed = row.changed_since_last_worked.unwrap_or_default();
        Self {
            report: Report {
                subject: Subject {
                    registry: row.registry,
                    check: row.check,
                    repository: row.repository,
                    credential: row.credential,
                },
                outcome,
                started: row.started_at,
                duration: row.duration_seconds,
                attempts: row.attempts,
                requests: Vec::new(),
            }
            .into(),
            last_conclusive: row.last_conclusive_at,
            fact_since: row.fact_since,
            since_worked: row.last_worked_at.map(|at| Since::Worked {
                at,
                changed: changed.into_iter().map(|it| (it.what, it.at)).collect(),
            }),
        }
    }
}

/// What is none of the kinds that we write is kept as its JSON.
fn evidence(map: Map<String, serde_json::Value>) -> Evidence {
    let mut evidence = Evidence::default();
    for (key, value) in map {
        let value = match value {
            serde_json::Value::Null => Value::Nothing,
            serde_json::Value::Bool(flag) => Value::Flag(flag),
            serde_json::Value::String(text) => Value::Text(text),
            other => match other.as_i64() {
                Some(number) => Value::Number(number),
                None => Value::Text(other.to_string()),
            },
        };
        evidence.set(key, value);
    }
    evidence
}

/// Characters of an error.
const SHOWN: usize = 300;

#[cfg(test)]
mod tests {
    use super::super::{
        Audience, json,
        samples::{fallback, hostile, noon},
    };
    use super::*;

    #[test]
    fn what_was_written_is_read_and_written_alike() {
        for reports in [
            vec![fallback()],
            vec![fallback(), hostile()],
            vec![hostile()],
            vec![no_longer_working()],
            vec![],
        ] {
            let written = json(&reports, noon(), Audience::Operator).unwrap();
            let read = read(written.as_bytes()).unwrap();
            let again = json(&read.registries, read.generated_at, Audience::Operator).unwrap();
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(value(&again), value(&written));
        }
    }

    fn no_longer_working() -> RegistryReports {
        let mut reports = fallback();
        let changed = vec![(Change::Secret, noon()), (Change::Grant, noon())];
        let since = [vec![], changed].map(|changed| Since::Worked {
            at: noon(),
            changed,
        });
        for (entry, since) in reports.entries.iter_mut().zip(since) {
            entry.since_worked = Some(since);
        }
        reports
    }

    #[test]
    fn what_a_later_minor_version_adds_is_passed_over() {
        let written = json(&[fallback()], noon(), Audience::Operator).unwrap();
        let added = written
            .replace("\"version\": 1,", "\"version\": 1, \"more\": [{}],")
            .replace("\"check\":", "\"more\": {}, \"check\":")
            .replace("\"product\":", "\"more\": 1, \"product\":");
        assert_eq!(read(added.as_bytes()).unwrap().registries.len(), 1);
    }

    #[test]
    fn documents_without_registries_have_the_url_from_the_evidence() {
        let written = json(&[fallback()], noon(), Audience::Operator).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&written).unwrap();
        value.as_object_mut().unwrap().remove("registries");
        let read = read(value.to_string().as_bytes()).unwrap();
        assert_eq!(read.registries[0].name, "production");
        assert_eq!(read.registries[0].url, "https://ghcr.io");
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every form")]
    fn what_is_no_document_says_why_and_where() {
        let good = json(&[fallback()], noon(), Audience::Operator).unwrap();
        let with = |from: &str, to: &str| good.replacen(from, to, 1);
        for (text, expected) in [
            (String::new(), "it is no JSON object"),
            ("{".to_owned(), "it is no JSON: EOF while parsing"),
            ("<html>".to_owned(), "it is no JSON object"),
            ("[]".to_owned(), "it is no JSON object"),
            ("{}".to_owned(), "it has no `version`"),
            (
                with("\"version\": 1", "\"version\": 2"),
                "`version` is 2, and only version 1 is known here",
            ),
            (
                with("\"version\": 1", "\"version\": \"\\u001b1\""),
                "`version` is \"\\u001b1\", and only",
            ),
            (
                "{\"version\": 1}".to_owned(),
                "missing field `generated_at`",
            ),
            (
                with("\"status\": \"pass\"", "\"status\": \"fine\""),
                "unknown status `fine` at line ",
            ),
            (
                with("\"status\": \"pass\"", "\"status\": \"a\\nb\\u001b\""),
                "unknown status `a b ` at line ",
            ),
            (
                with("\"reason\": null", "\"reason\": \"bored\""),
                "unknown reason `bored` at line ",
            ),
            (
                with("integration.oci.pull\"", "integration.oci.pool\""),
                "unknown check `check.integration.oci.pool` at line ",
            ),
            (
                with("integration.oci.pull\"", "integration.oci.credentials\""),
                "the report of credentials of the registry `production` stands twice",
            ),
            (
                with(
                    "\"started_at\": \"2026-11-23T16:00:00Z\"",
                    "\"started_at\": \"noon\"",
                ),
                "`noon` is no time of RFC 3339 at line ",
            ),
            (
                with("\"duration_seconds\": 0.12", "\"duration_seconds\": -1"),
                "-1.0 seconds are no duration at line ",
            ),
            (
                with("\"latency_seconds\": null", "\"latency_seconds\": 1e300"),
                "seconds are no duration at line ",
            ),
            (format!("{good}x"), "it is no JSON: trailing characters"),
            ("{\"a\":".repeat(100_000), "it is no JSON: EOF"),
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }
}
