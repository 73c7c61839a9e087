//! What became of an earlier document's reports.

use std::{collections::HashMap, time::SystemTime};

use serde::{Serialize, Serializer};

use super::{Reading, RegistryReports, json::timestamp};
use crate::{
    outcome::{Status, Subject},
    words::word,
};

/// An earlier document beside the reports of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// When the earlier document was written.
    pub earlier: SystemTime,
    /// What is no longer as it was, the worse first.
    pub changes: Vec<Changed>,
}

/// One question whose answer is no longer as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// How.
    pub turn: Turn,
    /// Whose answer.
    pub subject: Subject,
    /// The status then; `None` where it was not asked.
    pub was: Option<Status>,
    /// The status now; `None` where it is no longer asked.
    pub is: Option<Status>,
}

/// How an answer turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Later in the order pass, info, warn, fail.
    Worse,
    /// Earlier in that order.
    Better,
    /// To or from skip or unknown, which stand outside that order.
    Other,
    /// It was not asked then.
    New,
    /// It is no longer asked.
    Gone,
}

impl Turn {
    /// Every turn with its word.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Worse, "worse"),
        (Self::Better, "better"),
        (Self::Other, "changed"),
        (Self::New, "new"),
        (Self::Gone, "gone"),
    ];

    /// The word used in JSON and for a person.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }

    fn between(was: Status, is: Status) -> Option<Self> {
        let outside = |status| matches!(status, Status::Skip | Status::Unknown);
        if was == is {
            None
        } else if outside(was) || outside(is) {
            Some(Self::Other)
        } else if is.code() > was.code() {
            Some(Self::Worse)
        } else {
            Some(Self::Better)
        }
    }
}

impl Comparison {
    /// Compares by registry, repository, credential set and check; of the earlier
    /// document only what `asked` says was asked for now.
    pub fn between(
        earlier: &Reading,
        now: &[RegistryReports],
        asked: impl Fn(&Subject) -> bool,
    ) -> Self {
        let then = statuses(&earlier.registries);
        let known: HashMap<&Subject, Status> = then.iter().copied().collect();
        let now = statuses(now);
        let mut changes: Vec<Changed> = now
            .iter()
            .filter_map(|&(subject, is)| {
                let was = known.get(subject).copied();
                let turn = match was {
                    Some(was) => Turn::between(was, is)?,
                    None => Turn::New,
                };
                Some(Changed {
                    turn,
                    subject: subject.clone(),
                    was,
                    is: Some(is),
                })
            })
            .collect();
        let asked_now: HashMap<&Subject, Status> = now.into_iter().collect();
        let gone = then
            .into_iter()
            .filter(|(subject, _)| asked(subject) && !asked_now.contains_key(subject));
        changes.extend(gone.map(|(subject, was)| Changed {
            turn: Turn::Gone,
            subject: subject.clone(),
            was: Some(was),
            is: None,
        }));
        changes.sort_by_key(|changed| changed.turn);
        Self {
            earlier: earlier.generated_at,
            changes,
        }
    }
}

impl Changed {
    /// One line for a person: `worse: production, pull of team/app [inline]: pass -> fail`.
    pub(super) fn in_words(&self) -> String {
        let status = |status: Option<Status>| status.map_or("not asked", Status::as_str);
        let subject = &self.subject;
        let repository = subject.repository.as_deref();
        let credential = subject.credential.as_deref();
        format!(
            "{}: {}, {}{}{}: {} -> {}",
            self.turn.as_str(),
            subject.registry,
            subject.check.as_str(),
            repository.map_or_else(String::new, |name| format!(" of {name}")),
            credential.map_or_else(String::new, |name| format!(" [{name}]")),
            status(self.was),
            status(self.is),
        )
    }
}

impl Serialize for Comparison {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            earlier_generated_at: String,
            changes: &'a [Changed],
        }
        let document = Document {
            earlier_generated_at: timestamp(self.earlier),
            changes: &self.changes,
        };
        document.serialize(serializer)
    }
}

impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            change: &'static str,
            registry: &'a str,
            repository: Option<&'a str>,
            credential: Option<&'a str>,
            check: &'static str,
            was: Option<&'static str>,
            is: Option<&'static str>,
        }
        let row = Row {
            change: self.turn.as_str(),
            registry: &self.subject.registry,
            repository: self.subject.repository.as_deref(),
            credential: self.subject.credential.as_deref(),
            check: self.subject.check.id(),
            was: self.was.map(Status::as_str),
            is: self.is.map(Status::as_str),
        };
        row.serialize(serializer)
    }
}

fn statuses(registries: &[RegistryReports]) -> Vec<(&Subject, Status)> {
    registries
        .iter()
        .flat_map(|registry| &registry.entries)
        .map(|entry| (&entry.report.subject, entry.report.outcome.status))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{entry, noon, registry};
    use super::*;
    use crate::{
        outcome::{CheckName, Outcome, Reason},
        words::value,
    };

    #[test]
    fn words_and_values_are_one_to_one() {
        for (turn, word) in Turn::ALL {
            assert_eq!(turn.as_str(), word);
            assert_eq!(value(&Turn::ALL, word), Some(turn));
        }
    }

    #[test]
    fn two_statuses_are_one_change() {
        use Status::{Fail, Info, Pass, Skip, Unknown, Warn};
        for (was, is, expected) in [
            (Pass, Pass, None),
            (Unknown, Unknown, None),
            (Pass, Info, Some(Turn::Worse)),
            (Pass, Fail, Some(Turn::Worse)),
            (Warn, Fail, Some(Turn::Worse)),
            (Fail, Warn, Some(Turn::Better)),
            (Info, Pass, Some(Turn::Better)),
            (Pass, Unknown, Some(Turn::Other)),
            (Unknown, Fail, Some(Turn::Other)),
            (Skip, Pass, Some(Turn::Other)),
        ] {
            assert_eq!(Turn::between(was, is), expected, "{was:?} {is:?}");
        }
    }

    #[test]
    fn the_worse_comes_first_and_what_was_not_asked_for_is_not_missed() {
        let of = |check, status| {
            let reason = (status != Status::Pass).then_some(Reason::Timeout);
            entry(check, Outcome::new(status, reason, ""))
        };
        let earlier = Reading {
            generated_at: noon(),
            registries: vec![registry(vec![
                of(CheckName::Credentials, Status::Fail),
                of(CheckName::Pull, Status::Pass),
                of(CheckName::Push, Status::Pass),
                of(CheckName::Referrers, Status::Pass),
            ])],
        };
        let now = [registry(vec![
            of(CheckName::Credentials, Status::Pass),
            of(CheckName::Pull, Status::Fail),
            of(CheckName::Capabilities, Status::Pass),
        ])];
        let asked = |subject: &Subject| subject.check != CheckName::Referrers;
        let comparison = Comparison::between(&earlier, &now, asked);
        let shown: Vec<String> = comparison.changes.iter().map(Changed::in_words).collect();
        assert_eq!(
            shown,
            [
                "worse: production, pull: pass -> fail",
                "better: production, credentials: fail -> pass",
                "new: production, capabilities: not asked -> pass",
                "gone: production, push: pass -> not asked",
            ]
        );
    }
}
