//! The schema that `--format json` and the API share. Keys are only ever added,
//! and none changes its meaning within a version.

use std::time::SystemTime;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    Comparison, Entry, RegistryReports, Summary,
    public::{self, Hidden},
};
use crate::{
    checks,
    matrix::Difference,
    outcome::{Evidence, Reason, Value},
    store::Since,
};

/// The version of the document.
pub(super) const VERSION: u32 = 1;

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever runs the command: everything.
    Operator,
    /// Whoever reaches the port: no user names, challenges or token hosts.
    Anybody,
}

/// The reports as JSON, with a newline at the end.
///
/// # Errors
/// None that reports can cause: every key is a string.
pub fn json(
    registries: &[RegistryReports],
    generated_at: SystemTime,
    audience: Audience,
) -> Result<String, serde_json::Error> {
    json_compared(registries, generated_at, audience, None)
}

/// The same with what became of an earlier document's reports.
///
/// # Errors
/// As of [`json`].
pub fn json_compared(
    registries: &[RegistryReports],
    generated_at: SystemTime,
    audience: Audience,
    compared: Option<&Comparison>,
) -> Result<String, serde_json::Error> {
    let entries = || registries.iter().flat_map(|registry| &registry.entries);
    let document = Document {
        version: VERSION,
        generated_at: timestamp(generated_at),
        summary: Summary::of(entries()),
        reports: registries
            .iter()
            .flat_map(|registry| {
                let hidden = match audience {
                    Audience::Operator => None,
                    Audience::Anybody => Some(Hidden::of(registry)),
                };
                registry
                    .entries
                    .iter()
                    .map(move |entry| Row::new(entry, hidden.as_ref()))
            })
            .collect(),
        registries: registries
            .iter()
            .map(|registry| {
                let hidden = (audience == Audience::Anybody).then(|| Hidden::of(registry));
                OfRegistry::new(registry, hidden.as_ref())
            })
            .collect(),
        comparison: compared,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// The order of the fields is the order of the keys.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    generated_at: String,
    summary: Summary,
    reports: Vec<Row<'a>>,
    registries: Vec<OfRegistry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a Comparison>,
}

#[derive(Serialize)]
struct OfRegistry<'a> {
    registry: &'a str,
    url: &'a str,
    product: Option<&'a str>,
    product_version: Option<&'a str>,
    differs_from_matrix: Vec<Differs>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Differs {
    capability: &'static str,
    expected: &'static str,
    supported: bool,
}

impl<'a> OfRegistry<'a> {
    /// `hidden`: what must not show; `None` hides nothing.
    fn new(registry: &'a RegistryReports, hidden: Option<&Hidden>) -> Self {
        let about = &registry.about;
        let shown = |text: &String| match hidden {
            Some(hidden) => hidden.without(text),
            None => text.clone(),
        };
        let differs = |it: Difference| Differs {
            capability: it.capability.as_str(),
            expected: it.expected.as_str(),
            supported: it.supported,
        };
        Self {
            registry: &registry.name,
            url: &registry.url,
            product: about.product.as_deref(),
            product_version: about.product_version.as_deref(),
            differs_from_matrix: registry.differences().into_iter().map(differs).collect(),
            warnings: about.warnings.iter().map(shown).collect(),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    registry: &'a str,
    repository: Option<&'a str>,
    credential: Option<&'a str>,
    check: &'static str,
    name: &'static str,
    severity: &'static str,
    tags: &'static [&'static str],
    status: &'static str,
    reason: Option<&'static str>,
    message: String,
    evidence: Shown<'a>,
    likely_causes: Vec<&'static str>,
    remediation: &'a [String],
    hints: &'a [String],
    started_at: String,
    duration_seconds: f64,
    latency_seconds: Option<f64>,
    attempts: u32,
    conclusive: bool,
    last_conclusive_at: Option<String>,
    fact_since: Option<String>,
    last_worked_at: Option<String>,
    changed_since_last_worked: Option<Vec<Changed>>,
}

#[derive(Serialize)]
struct Changed {
    what: &'static str,
    at: String,
}

impl<'a> Row<'a> {
    /// `hidden`: what must not show; `None` hides nothing.
    fn new(entry: &'a Entry, hidden: Option<&Hidden>) -> Self {
        let report = &*entry.report;
        let outcome = &report.outcome;
        let check = checks::check(report.subject.check);
        let (worked, changed) = worked(entry.since_worked.as_ref());
        Self {
            registry: &report.subject.registry,
            repository: report.subject.repository.as_deref(),
            credential: report.subject.credential.as_deref(),
            check: report.subject.check.id(),
            name: check.title,
            severity: check.severity.as_str(),
            tags: check.tags,
            status: outcome.status.as_str(),
            reason: outcome.reason.map(Reason::as_str),
            message: match hidden {
                Some(hidden) => hidden.message(outcome),
                None => outcome.message.clone(),
            },
            evidence: Shown {
                evidence: &outcome.evidence,
                public: hidden.is_some(),
            },
            likely_causes: outcome.reason.map(Reason::cause).into_iter().collect(),
            remediation: &outcome.remediation,
            hints: &outcome.hints,
            started_at: timestamp(report.started),
            duration_seconds: report.duration.as_secs_f64(),
            latency_seconds: outcome.latency.map(|latency| latency.as_secs_f64()),
            attempts: report.attempts,
            conclusive: outcome.conclusive(),
            last_conclusive_at: entry.last_conclusive.map(timestamp),
            fact_since: entry.fact_since.map(timestamp),
            last_worked_at: worked,
            changed_since_last_worked: changed,
        }
    }
}

/// When a check that does not work any more last did, and what changed since then;
/// both null where it works, where it never did, and where only one run is known.
fn worked(since: Option<&Since>) -> (Option<String>, Option<Vec<Changed>>) {
    let Some(Since::Worked { at, changed }) = since else {
        return (None, None);
    };
    let changed = changed.iter().map(|(what, at)| Changed {
        what: what.as_str(),
        at: timestamp(*at),
    });
    (Some(timestamp(*at)), Some(changed.collect()))
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let counts = self.iter().map(|(status, count)| (status.as_str(), count));
        serializer.collect_map(counts)
    }
}

/// The evidence as an object, its keys in the order in which they were set.
struct Shown<'a> {
    evidence: &'a Evidence,
    public: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.evidence.iter() {
            if self.public && public::withheld(key) {
                continue;
            }
            match value {
                Value::Text(text) => map.serialize_entry(key, text)?,
                Value::Number(number) => map.serialize_entry(key, number)?,
                Value::Flag(flag) => map.serialize_entry(key, flag)?,
                Value::Nothing => map.serialize_entry(key, &())?,
            }
        }
        map.end()
    }
}

/// RFC 3339 in UTC, to the millisecond.
pub(super) fn timestamp(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time)
        .and_then(|time| jiff::Timestamp::from_millisecond(time.as_millisecond()))
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::samples::{compared, entry, fallback, hostile, noon, registry};
    use super::*;
    use crate::{
        outcome::{Capability, Change, CheckName, Fact, Outcome},
        report::About,
    };

    #[test]
    fn schema_is_as_published() {
        let golden = include_str!("../../tests/golden/report/fallback.json");
        let shown = json(&[fallback()], noon(), Audience::Operator).unwrap();
        assert_eq!(shown, golden);
    }

    #[test]
    fn hostile_words_and_a_comparison_are_as_published() {
        let golden = include_str!("../../tests/golden/report/all.json");
        let reports = [fallback(), hostile()];
        let shown = json_compared(&reports, noon(), Audience::Operator, Some(&compared()));
        assert_eq!(shown.unwrap(), golden);
    }

    #[test]
    fn a_daemon_knows_more_than_one_run() {
        let mut entry = entry(CheckName::Pull, Outcome::unknown(Reason::Timeout, ""));
        entry.last_conclusive = Some(noon() - Duration::from_mins(1));
        entry.fact_since = Some(noon() - Duration::from_hours(1));
        let shown = json(&[registry(vec![entry])], noon(), Audience::Anybody).unwrap();
        let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
        let report = &value["reports"][0];
        assert_eq!(report["conclusive"], false);
        assert_eq!(report["last_conclusive_at"], "2026-11-23T15:59:00Z");
        assert_eq!(report["fact_since"], "2026-11-23T15:00:00Z");
        assert_eq!(report["last_worked_at"], serde_json::Value::Null);
        assert_eq!(report["changed_since_last_worked"], serde_json::Value::Null);
        assert_eq!(report["latency_seconds"], serde_json::Value::Null);
        assert_eq!(report["likely_causes"][0], Reason::Timeout.cause());
    }

    #[test]
    fn what_changed_since_it_worked_has_its_times() {
        let ago = |minutes| noon() - Duration::from_mins(minutes);
        let changed = |changed: &[(Change, SystemTime)]| {
            Some(Since::Worked {
                at: ago(5),
                changed: changed.to_vec(),
            })
        };
        let null = serde_json::Value::Null;
        for (since, worked, expected) in [
            (None, null.clone(), null.clone()),
            (Some(Since::NeverWorked), null.clone(), null),
            (
                changed(&[]),
                "2026-11-23T15:55:00Z".into(),
                serde_json::json!([]),
            ),
            (
                changed(&[(Change::Secret, ago(4)), (Change::ServerVersion, ago(1))]),
                "2026-11-23T15:55:00Z".into(),
                serde_json::json!([
                    {"what": "secret", "at": "2026-11-23T15:56:00Z"},
                    {"what": "server_version", "at": "2026-11-23T15:59:00Z"},
                ]),
            ),
        ] {
            let mut entry = entry(CheckName::Pull, Outcome::fail(Reason::Timeout, ""));
            entry.since_worked = since;
            let shown = json(&[registry(vec![entry])], noon(), Audience::Anybody).unwrap();
            let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
            let report = &value["reports"][0];
            assert_eq!(report["last_worked_at"], worked);
            assert_eq!(report["changed_since_last_worked"], expected);
        }
    }

    #[test]
    fn nobody_sees_user_names_challenges_or_token_hosts_without_authentication() {
        let rejected = Outcome::fail(Reason::Unauthorized, "user robot$probe is locked")
            .with("username", "robot$probe")
            .with(
                "auth_challenge",
                "Bearer realm=\"https://auth.example.net/\"",
            )
            .with("http_status", 401_u16);
        let told = Outcome::fail(Reason::Unauthorized, "robot$probe may not pull");
        let untrusted = Outcome::fail(Reason::UntrustedHost, "auth.example.net is not trusted");
        let all = registry(vec![
            entry(CheckName::Credentials, rejected),
            entry(CheckName::Pull, told),
            entry(CheckName::Push, untrusted),
        ]);
        let operator = json(std::slice::from_ref(&all), noon(), Audience::Operator).unwrap();
        let anybody = json(&[all], noon(), Audience::Anybody).unwrap();
        for hidden in ["robot$probe", "auth_challenge", "auth.example.net"] {
            assert!(operator.contains(hidden), "{hidden}: {operator}");
            assert!(!anybody.contains(hidden), "{hidden}: {anybody}");
        }
        assert!(anybody.contains("user [user] is locked"), "{anybody}");
        assert!(anybody.contains("\"http_status\": 401"), "{anybody}");
    }

    #[test]
    fn what_is_known_of_a_registry_stands_once() {
        let proven = Outcome::pass("")
            .proving(Fact::Capability(Capability::ReferrersApi, true))
            .proving(Fact::Capability(Capability::ManifestDelete, false))
            .with("username", "robot$probe");
        let mut reports = registry(vec![entry(CheckName::Capabilities, proven)]);
        reports.about = About {
            product: Some("ghcr".to_owned()),
            product_version: None,
            warnings: vec!["robot$probe, this image goes away".to_owned()],
            differs: None,
        };
        for (audience, warning) in [
            (Audience::Operator, "robot$probe, this image goes away"),
            (Audience::Anybody, "[user], this image goes away"),
        ] {
            let shown = json(std::slice::from_ref(&reports), noon(), audience).unwrap();
            let value: serde_json::Value = serde_json::from_str(&shown).unwrap();
            let expected = serde_json::json!([{
                "registry": "production",
                "url": "https://registry.example.com/",
                "product": "ghcr",
                "product_version": null,
                "differs_from_matrix": [
                    {"capability": "referrers_api", "expected": "fallback", "supported": true}
                ],
                "warnings": [warning],
            }]);
            assert_eq!(value["registries"], expected);
        }
    }

    #[test]
    fn times_are_rfc_3339_to_the_millisecond() {
        for (added, expected) in [
            (Duration::ZERO, "2026-11-23T16:00:00Z"),
            (Duration::from_micros(120_900), "2026-11-23T16:00:00.12Z"),
        ] {
            assert_eq!(timestamp(noon() + added), expected);
        }
    }
}
