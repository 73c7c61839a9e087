//! What a run is judged by: its own exit status, and the wishes of who runs it.

use super::{Entry, RegistryReports};
use crate::outcome::{CheckName, Status};

/// What counts as failed beside a `fail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Checks that must pass: skip, unknown and info count as failed.
    pub require: Vec<CheckName>,
    /// A warning counts as failed.
    pub warnings_fail: bool,
}

/// What an answer comes to by the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to object to.
    Good,
    /// It says nothing about the question.
    Unknown,
    /// It failed.
    Failed,
    /// It did not fail by itself, but it was required to pass.
    NotAsRequired,
}

/// A check that was required and did not pass.
#[derive(Debug, Clone)]
pub struct Unmet<'a> {
    /// The registry's name.
    pub registry: &'a str,
    /// The check.
    pub check: CheckName,
    /// The answer; `None` where there is none.
    pub entry: Option<&'a Entry>,
}

impl Rules {
    /// What one answer comes to.
    pub fn verdict(&self, entry: &Entry) -> Verdict {
        let report = &entry.report;
        let required = self.require.contains(&report.subject.check);
        match report.outcome.status {
            Status::Fail => Verdict::Failed,
            Status::Warn if self.warnings_fail => Verdict::Failed,
            Status::Info | Status::Skip | Status::Unknown if required => Verdict::NotAsRequired,
            Status::Unknown => Verdict::Unknown,
            Status::Pass | Status::Warn | Status::Info | Status::Skip => Verdict::Good,
        }
    }

    /// The required checks that did not pass, in the order of the reports. A
    /// registry without an answer to a required check does not meet the rule either.
    pub fn unmet<'a>(&'a self, registries: &'a [RegistryReports]) -> Vec<Unmet<'a>> {
        let mut unmet = Vec::new();
        for registry in registries {
            for &check in &self.require {
                let mut answers = registry.entries.iter();
                let mut of_check = answers
                    .by_ref()
                    .filter(|entry| entry.report.subject.check == check)
                    .peekable();
                let of = |entry| Unmet {
                    registry: &registry.name,
                    check,
                    entry,
                };
                if of_check.peek().is_none() {
                    unmet.push(of(None));
                }
                let bad = of_check.filter(|entry| {
                    matches!(
                        self.verdict(entry),
                        Verdict::Failed | Verdict::NotAsRequired
                    )
                });
                unmet.extend(bad.map(|entry| of(Some(entry))));
            }
        }
        unmet
    }
}

/// The exit status of `check`: 1 where anything failed or a required check did not
/// pass, else 3 where anything is unknown, else 0.
pub fn exit_status(registries: &[RegistryReports], rules: &Rules) -> u8 {
    let verdicts = || {
        registries
            .iter()
            .flat_map(|registry| &registry.entries)
            .map(|entry| rules.verdict(entry))
    };
    let failed = |verdict| matches!(verdict, Verdict::Failed | Verdict::NotAsRequired);
    if verdicts().any(failed) || !rules.unmet(registries).is_empty() {
        1
    } else if verdicts().any(|verdict| verdict == Verdict::Unknown) {
        3
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{entry, registry};
    use super::*;
    use crate::outcome::{Outcome, Reason};

    fn of(status: Status) -> Entry {
        let reason = (status != Status::Pass).then_some(Reason::Disabled);
        entry(CheckName::Pull, Outcome::new(status, reason, ""))
    }

    /// Without wishes, with warnings that fail, with pull required, with both.
    #[test]
    fn each_status_is_judged_by_each_rule() {
        for (status, expected) in [
            (Status::Pass, [0, 0, 0, 0]),
            (Status::Info, [0, 0, 1, 1]),
            (Status::Warn, [0, 1, 0, 1]),
            (Status::Fail, [1, 1, 1, 1]),
            (Status::Skip, [0, 0, 1, 1]),
            (Status::Unknown, [3, 3, 1, 1]),
        ] {
            let reports = [registry(vec![of(status)])];
            let judged = [(false, false), (true, false), (false, true), (true, true)].map(
                |(warnings_fail, required)| {
                    let require = if required {
                        vec![CheckName::Pull]
                    } else {
                        vec![]
                    };
                    exit_status(
                        &reports,
                        &Rules {
                            require,
                            warnings_fail,
                        },
                    )
                },
            );
            assert_eq!(judged, expected, "{status:?}");
        }
    }

    #[test]
    fn a_failure_outweighs_an_unknown_and_a_warning_is_no_failure() {
        let pass = || entry(CheckName::Credentials, Outcome::pass(""));
        for (statuses, expected) in [
            (&[][..], 0),
            (&[Status::Warn, Status::Info, Status::Skip], 0),
            (&[Status::Unknown], 3),
            (&[Status::Unknown, Status::Fail], 1),
            (&[Status::Fail], 1),
        ] {
            let mut entries: Vec<_> = statuses.iter().map(|status| of(*status)).collect();
            entries.push(pass());
            let judged = exit_status(&[registry(entries)], &Rules::default());
            assert_eq!(judged, expected, "{statuses:?}");
        }
        let two = [
            registry(vec![of(Status::Fail)]),
            registry(vec![of(Status::Unknown)]),
        ];
        assert_eq!(exit_status(&two, &Rules::default()), 1);
        assert_eq!(exit_status(&[registry(vec![])], &Rules::default()), 0);
    }

    #[test]
    fn a_required_check_without_an_answer_is_not_met() {
        let rules = Rules {
            require: vec![CheckName::Push, CheckName::Pull],
            warnings_fail: false,
        };
        let reports = [registry(vec![of(Status::Skip), of(Status::Pass)])];
        let unmet = rules.unmet(&reports);
        let shown: Vec<_> = unmet
            .iter()
            .map(|unmet| (unmet.check, unmet.entry.is_some()))
            .collect();
        assert_eq!(shown, [(CheckName::Push, false), (CheckName::Pull, true)]);
        assert_eq!(exit_status(&reports, &rules), 1);
    }
}
