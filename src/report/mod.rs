//! The reports for a person (text, table, Markdown) and for a program (JSON,
//! `JUnit`), the way back from JSON, what became of an earlier document, and what a
//! script gets as exit status. Pure: no clock, no terminal, no file.

mod compare;
mod json;
mod junit;
mod line;
mod markdown;
mod public;
mod read;
mod rules;
mod since;
mod steps;
mod table;
mod text;

pub use compare::{Changed, Comparison, Turn};
pub use json::{Audience, json, json_compared};
pub use junit::junit;
pub use markdown::markdown;
pub use public::{Hidden, withheld};
pub use read::{ReadError, Reading, read};
pub use rules::{Rules, Unmet, Verdict, exit_status};
pub use table::table;
pub use text::{Options, text};

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    checks,
    config::Target,
    matrix::{self, Difference},
    outcome::{Capability, Fact, Observation, Report, Status, Subject},
    store::{CheckRecord, Record, Since},
};

/// One registry with what is known of it, in the order in which it is shown.
#[derive(Debug, Clone)]
pub struct RegistryReports {
    /// The configured name.
    pub name: String,
    /// The configured URL; never with userinfo.
    pub url: String,
    /// One for each question.
    pub entries: Vec<Entry>,
    /// What the registry showed of itself.
    pub about: About,
}

/// What a registry showed of itself beside its answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Its product, as configured or as recognised.
    pub product: Option<String>,
    /// The version of that product, where its answers tell.
    pub product_version: Option<String>,
    /// What its `Warning:` headers say to a person.
    pub warnings: Vec<String>,
    /// Where it does otherwise than the matrix says, as another process judged it;
    /// `None`: the reports' own facts are judged.
    pub differs: Option<Vec<Difference>>,
}

impl About {
    /// What was seen of a registry whose configuration may name its product.
    pub fn new(seen: &Observation, configured: Option<&str>) -> Self {
        let (product, version) = seen.known_as(configured);
        Self {
            product: product.map(str::to_owned),
            product_version: version.map(str::to_owned),
            warnings: seen.warning_texts.clone(),
            differs: None,
        }
    }
}

impl RegistryReports {
    /// What is known of a target, in the order of its questions; what has not been
    /// asked yet is left out.
    pub fn of(target: &Target, record: Option<&Record>) -> Self {
        let entry = |(subject, _): (Subject, _)| {
            let record = record?;
            let check = record.checks.get(&subject)?;
            Some(Entry::known(check, record.since_worked(&subject)))
        };
        Self {
            name: target.name.clone(),
            url: target.url.as_str().trim_end_matches('/').to_owned(),
            entries: checks::questions(target)
                .into_iter()
                .filter_map(entry)
                .collect(),
            about: record.map_or_else(About::default, |record| {
                About::new(&record.seen, target.product.as_deref())
            }),
        }
    }

    /// Where what the reports prove is not what the compatibility matrix says of the product.
    fn differences(&self) -> Vec<Difference> {
        if let Some(known) = &self.about.differs {
            return known.clone();
        }
        let Some(product) = &self.about.product else {
            return Vec::new();
        };
        let mut proven: Vec<(Capability, bool)> = Vec::new();
        for fact in self.entries.iter().flat_map(|it| &it.report.outcome.facts) {
            if let Fact::Capability(capability, supported) = *fact {
                proven.retain(|(known, _)| *known != capability);
                proven.push((capability, supported));
            }
        }
        matrix::differences(product, self.about.product_version.as_deref(), proven)
    }
}

/// A report, and what earlier ones add to it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The last report.
    pub report: Arc<Report>,
    /// When a report of this question last said something about it.
    pub last_conclusive: Option<SystemTime>,
    /// Since when what it proves is as it is; `None` where only one run is known.
    pub fact_since: Option<SystemTime>,
    /// What happened since it last worked; `None` where it works, and where only one
    /// run is known.
    pub since_worked: Option<Since>,
}

impl Entry {
    /// A report without a past, as one shot has it.
    ///
    /// ```
    /// # use oci_registry_exporter::outcome::{CheckName, Outcome, Reason, Subject};
    /// use oci_registry_exporter::{probe::unasked, report::{self, Entry, RegistryReports, Rules}};
    ///
    /// # let subject = Subject {
    /// #     registry: "production".to_owned(),
    /// #     check: CheckName::Pull,
    /// #     repository: None,
    /// #     credential: None,
    /// # };
    /// let outcome = Outcome::fail(Reason::Forbidden, "pull is refused");
    /// let registry = RegistryReports {
    ///     name: "production".to_owned(),
    ///     url: "https://registry.example.com".to_owned(),
    ///     entries: vec![Entry::once(unasked(subject, outcome))],
    ///     about: report::About::default(),
    /// };
    /// let text = report::text(std::slice::from_ref(&registry), report::Options::default());
    /// assert!(text.contains("pull is refused"), "{text}");
    /// assert_eq!(report::exit_status(&[registry], &Rules::default()), 1);
    /// ```
    pub fn once(report: Report) -> Self {
        let ended = end(report.started, report.duration);
        Self {
            last_conclusive: report.outcome.conclusive().then_some(ended),
            fact_since: None,
            since_worked: None,
            report: Arc::new(report),
        }
    }

    fn known(check: &CheckRecord, since_worked: Option<Since>) -> Self {
        Self {
            report: Arc::clone(&check.report),
            last_conclusive: check.last_conclusive,
            fact_since: check.fact_since,
            since_worked,
        }
    }
}

/// How many reports there are of each status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary([usize; Status::ALL.len()]);

impl Summary {
    fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut counts = [0; Status::ALL.len()];
        for entry in entries {
            let status = entry.report.outcome.status;
            for ((known, _), count) in Status::ALL.iter().zip(&mut counts) {
                *count += usize::from(*known == status);
            }
        }
        Self(counts)
    }

    fn count(&self, status: Status) -> usize {
        self.iter()
            .find(|(known, _)| *known == status)
            .map_or(0, |(_, count)| count)
    }

    fn iter(&self) -> impl Iterator<Item = (Status, usize)> {
        Status::ALL
            .iter()
            .zip(self.0)
            .map(|((status, _), count)| (*status, count))
    }
}

fn end(started: SystemTime, duration: Duration) -> SystemTime {
    started.checked_add(duration).unwrap_or(started)
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::samples::entry;
    use crate::outcome::{CheckName, Outcome, Reason};

    #[test]
    fn without_a_past_only_a_conclusive_report_has_a_time() {
        let of = |outcome| entry(CheckName::Pull, outcome);
        let started = of(Outcome::pass("")).report.started;
        let ended = started + of(Outcome::pass("")).report.duration;
        assert_eq!(of(Outcome::pass("")).last_conclusive, Some(ended));
        assert_eq!(
            of(Outcome::unknown(Reason::Timeout, "")).last_conclusive,
            None
        );
        assert_eq!(of(Outcome::pass("")).fact_since, None);
    }
}
