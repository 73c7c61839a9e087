//! What went before the last report of a check: its changes of status, and what of
//! its registry became another since it last worked.

use std::{
    collections::{BTreeMap, VecDeque},
    time::SystemTime,
};

use crate::outcome::{Change, Reason, Status};

/// How many changes of status are kept of each check.
pub const MOST_TRANSITIONS: usize = 10;

/// One change of a check's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When the run ended that brought it.
    pub at: SystemTime,
    /// The status before; `None` of the first run.
    pub from: Option<Status>,
    /// The status from then on.
    pub to: Status,
    /// Why, as that run said.
    pub reason: Option<Reason>,
}

/// What happened since a check last worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// It has not worked since this program started.
    NeverWorked,
    /// It worked once.
    Worked {
        /// When it last did.
        at: SystemTime,
        /// What was seen to have become another since then, and when; empty where
        /// nothing visible did.
        changed: Vec<(Change, SystemTime)>,
    },
}

/// The past of one check.
#[derive(Debug, Clone, Default)]
pub(super) struct Past {
    transitions: VecDeque<Transition>,
    /// The last run that ended with pass.
    passed: Option<Moment>,
    /// The last run that ended with pass, info or warn.
    succeeded: Option<Moment>,
}

/// Which things of a registry became another, and in which of its cycles. The first
/// sight of a thing is not among them: it was there before anybody looked.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes {
    /// Counts the cycles: their observations come at their ends, their reports before.
    cycle: u64,
    seen: BTreeMap<Thing, Moment>,
}

/// What may become another, and of which credential set; `None` for what is the registry's own.
pub(super) type Thing = (Change, Option<String>);

/// A time, and the cycle it fell into. What changes is seen at the end of a cycle, so
/// only the cycles tell whether a run went well before a change or with it.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: SystemTime,
    cycle: u64,
}

impl Past {
    /// A run ended at `at`, in the cycle that `changes` counts.
    pub(super) fn put(
        &mut self,
        status: Status,
        reason: Option<Reason>,
        at: SystemTime,
        changes: &Changes,
    ) {
        let from = self.transitions.back().map(|last| last.to);
        if from != Some(status) {
            if self.transitions.len() == MOST_TRANSITIONS {
                self.transitions.pop_front();
            }
            self.transitions.push_back(Transition {
                at,
                from,
                to: status,
                reason,
            });
        }
        let moment = Moment {
            at,
            cycle: changes.cycle,
        };
        if status == Status::Pass {
            self.passed = Some(moment);
        }
        if matches!(status, Status::Pass | Status::Info | Status::Warn) {
            self.succeeded = Some(moment);
        }
    }

    /// The last changes of status, the oldest first.
    pub(super) fn transitions(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.transitions.iter()
    }

    /// What changed since it last worked, where it does not work any more: for fail and
    /// unknown since the last pass, info or warn; for info and warn since the last
    /// pass. `None` for pass and skip, and for info and warn where it never passed:
    /// that is how this registry is.
    /// Of what is a credential set's, only what is `credential`'s: another set is
    /// somebody else's, and no reason of this.
    pub(super) fn since_worked(
        &self,
        changes: &Changes,
        credential: Option<&str>,
    ) -> Option<Since> {
        let worked = match self.transitions.back()?.to {
            Status::Pass | Status::Skip => return None,
            Status::Info | Status::Warn => Some(self.passed?),
            Status::Fail | Status::Unknown => self.succeeded,
        };
        Some(match worked {
            None => Since::NeverWorked,
            Some(Moment { at, cycle }) => Since::Worked {
                at,
                changed: changes.after(cycle, credential),
            },
        })
    }
}

impl Changes {
    /// A thing became another.
    pub(super) fn note(&mut self, thing: Thing, at: SystemTime) {
        let cycle = self.cycle;
        self.seen.insert(thing, Moment { at, cycle });
    }

    /// What is put and noted from here on belongs to the next cycle.
    pub(super) fn end_cycle(&mut self) {
        self.cycle += 1;
    }

    /// When each thing last became another.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Change, Option<&str>, SystemTime)> {
        let seen = self.seen.iter();
        seen.map(|((what, credential), seen)| (*what, credential.as_deref(), seen.at))
    }

    /// Keeps only the things that are wanted.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Thing) -> bool) {
        self.seen.retain(|thing, _| wanted(thing));
    }

    fn after(&self, cycle: u64, credential: Option<&str>) -> Vec<(Change, SystemTime)> {
        let later = self.seen.iter().filter(|((_, of), seen)| {
            seen.cycle > cycle && (of.is_none() || of.as_deref() == credential)
        });
        later.map(|((what, _), seen)| (*what, seen.at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// Cycles a minute apart: the status of each, and what was seen changed at its end.
    fn lived(cycles: &[(Status, &[Change])]) -> (Past, Changes) {
        let (mut past, mut changes) = (Past::default(), Changes::default());
        for ((status, changed), minute) in cycles.iter().zip(0..) {
            past.put(*status, None, at(60 * minute), &changes);
            for what in *changed {
                changes.note((*what, None), at(60 * minute + 1));
            }
            changes.end_cycle();
        }
        (past, changes)
    }

    fn worked(minute: u64, changed: &[(Change, u64)]) -> Since {
        let changed = changed.iter().map(|(what, seconds)| (*what, at(*seconds)));
        Since::Worked {
            at: at(60 * minute),
            changed: changed.collect(),
        }
    }

    #[test]
    fn what_changed_is_what_changed_after_it_last_worked() {
        use Change::{Certificate, Grant, Secret};
        use Status::{Fail, Info, Pass, Skip, Unknown, Warn};
        for (cycles, expected) in [
            (&[][..], None),
            (&[(Pass, &[][..])][..], None),
            (&[(Skip, &[])], None),
            (&[(Pass, &[]), (Pass, &[Secret])], None),
            (&[(Fail, &[])], Some(Since::NeverWorked)),
            (
                &[(Unknown, &[Secret]), (Fail, &[])],
                Some(Since::NeverWorked),
            ),
            (&[(Pass, &[]), (Fail, &[])], Some(worked(0, &[]))),
            (
                &[(Pass, &[]), (Fail, &[Secret])],
                Some(worked(0, &[(Secret, 61)])),
            ),
            // It worked with the new one, in the very cycle that saw it.
            (&[(Pass, &[Secret]), (Fail, &[])], Some(worked(0, &[]))),
            (
                &[(Pass, &[]), (Fail, &[Secret]), (Fail, &[Secret, Grant])],
                Some(worked(0, &[(Secret, 121), (Grant, 121)])),
            ),
            (
                &[(Pass, &[]), (Skip, &[Certificate]), (Unknown, &[])],
                Some(worked(0, &[(Certificate, 61)])),
            ),
            // A note is an answer, and a step down from a pass.
            (&[(Info, &[]), (Fail, &[])], Some(worked(0, &[]))),
            (
                &[(Pass, &[]), (Warn, &[Grant]), (Fail, &[Secret])],
                Some(worked(1, &[(Secret, 121)])),
            ),
            (
                &[(Pass, &[]), (Warn, &[Grant]), (Info, &[Secret])],
                Some(worked(0, &[(Secret, 121), (Grant, 61)])),
            ),
            // It was never better.
            (&[(Warn, &[]), (Warn, &[Secret])], None),
            (&[(Fail, &[]), (Info, &[])], None),
        ] {
            let (past, changes) = lived(cycles);
            assert_eq!(past.since_worked(&changes, None), expected, "{cycles:?}");
        }
    }

    #[test]
    fn what_is_another_set_s_explains_nothing() {
        let (mut past, mut changes) = (Past::default(), Changes::default());
        past.put(Status::Pass, None, at(0), &changes);
        changes.end_cycle();
        for set in ["a", "b"] {
            changes.note((Change::Grant, Some(set.to_owned())), at(61));
        }
        changes.note((Change::Secret, Some("b".to_owned())), at(62));
        changes.note((Change::Address, None), at(63));
        past.put(Status::Fail, None, at(60), &changes);
        for (credential, expected) in [
            (Some("a"), &[(Change::Grant, 61), (Change::Address, 63)][..]),
            (
                Some("b"),
                &[
                    (Change::Secret, 62),
                    (Change::Grant, 61),
                    (Change::Address, 63),
                ],
            ),
            (None, &[(Change::Address, 63)]),
        ] {
            let since = past.since_worked(&changes, credential);
            assert_eq!(since, Some(worked(0, expected)), "{credential:?}");
        }
    }

    #[test]
    fn only_changes_are_kept_and_only_the_last_of_them() {
        use Status::{Fail, Pass};
        let (past, _) = lived(&[(Pass, &[]), (Pass, &[]), (Fail, &[]), (Fail, &[])]);
        let kept: Vec<_> = past
            .transitions()
            .map(|it| (it.at, it.from, it.to))
            .collect();
        assert_eq!(kept, [(at(0), None, Pass), (at(120), Some(Pass), Fail)],);

        let turns: Vec<_> = (0..31)
            .map(|turn| ([Pass, Fail][turn % 2], &[][..]))
            .collect();
        let (past, _) = lived(&turns);
        let kept: Vec<_> = past.transitions().map(|it| it.at).collect();
        let expected: Vec<_> = (21..31).map(|minute| at(60 * minute)).collect();
        assert_eq!(kept, expected);
    }
}
