//! When a check is asked again: a pure decision.
//!
//! - Its grid, unless something was learned.
//! - After a change (a fact, or to or from `fail`) soon once more, to confirm
//!   it: at most twice in a row, and capabilities once.
//! - While it stays failed, after a fifth of its interval, doubling up to it.
//! - A rejected credential is no failure to retry: every check stays on its grid
//!   and says what is known, and that of the credentials also comes as soon as the
//!   set may be sent again.
//! - While a registry asked for a pause, not at all.

use std::time::Duration;

use crate::{
    outcome::{Capability, CheckName, Fact, Outcome, Reason, Status},
    scheduler::Next,
};

/// What the runs of one question came to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History {
    last: Option<Status>,
    proven: Vec<(Proof, bool)>,
    /// Runs in a row that each changed something.
    changes: u32,
    /// Runs in a row that stayed failed.
    fails: u32,
    /// What the last run calls for.
    pace: Pace,
    /// The last run needed a credential set that is rejected.
    rejected: bool,
}

/// What bounds the next run, whatever the last one showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The credential set is held back as rejected for this long yet.
    pub(super) held: Option<Duration>,
    /// What the check needs is paused for this long yet.
    pub(super) paused: Option<Duration>,
}

/// What a cycle showed of the set of a question that was not due in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Elsewhere {
    /// The login flow was asked: accepted, or rejected.
    pub(super) judged: Option<bool>,
    /// A right was lost that a rejected set would explain; when that is asked again.
    pub(super) doubted: Option<Duration>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Pace {
    #[default]
    Grid,
    /// Something changed.
    Confirm,
    /// It stays failed.
    Retry,
}

/// A fact that is true or false, without which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Credentials,
    Pull,
    Push,
    Capability(Capability),
}

impl History {
    /// Takes in a run; `secret`: with credentials, not anonymous.
    pub(super) fn record(&mut self, check: CheckName, outcome: &Outcome, secret: bool) {
        let changed = self.changed(outcome);
        self.last = Some(outcome.status);
        for proof in proofs(&outcome.facts) {
            self.proven.retain(|(known, _)| *known != proof.0);
            self.proven.push(proof);
        }
        self.rejected = secret && rejected(outcome);
        self.pace = match outcome.status {
            // It says nothing, neither of a change nor of its absence.
            Status::Unknown | Status::Skip => Pace::Grid,
            Status::Pass | Status::Info | Status::Warn | Status::Fail => {
                self.changes = if changed { self.changes + 1 } else { 0 };
                let confirm = changed && self.changes <= most_confirmations(check);
                let failed = outcome.status == Status::Fail;
                self.fails = match (failed, confirm) {
                    (false, _) => 0,
                    (true, true) => self.fails,
                    (true, false) => self.fails + 1,
                };
                match (confirm, failed) {
                    _ if self.rejected => Pace::Grid,
                    (true, _) => Pace::Confirm,
                    (false, true) => Pace::Retry,
                    (false, false) => Pace::Grid,
                }
            }
        };
    }

    /// Whether the last run lost, or never had, a right that a rejected set
    /// would explain, and that is asked again soon.
    pub(super) fn doubts(&self, outcome: &Outcome) -> bool {
        self.pace == Pace::Confirm && outcome.reason == Some(Reason::Forbidden)
    }

    /// Whether the question was last answered well, be it with a warning.
    pub(super) fn rests(&self) -> bool {
        matches!(self.last, Some(Status::Pass | Status::Warn))
    }

    /// When a question that ran in this cycle is asked again.
    pub(super) fn next(&self, check: CheckName, interval: Duration, bounds: Bounds) -> Next {
        if check == CheckName::Credentials
            && let Some(held) = bounds.held
        {
            // Its grid goes on meanwhile, on which it says what is known.
            return Next::After(bounds.paused.map_or(held, |paused| paused.max(held)));
        }
        if let Some(paused) = bounds.paused {
            return Next::NotBefore(paused);
        }
        match self.pace {
            Pace::Grid => Next::Grid,
            Pace::Confirm => Next::After(confirmation(interval)),
            Pace::Retry => retry(interval, self.fails).map_or(Next::Grid, Next::After),
        }
    }

    /// When a question that did not run in this cycle is asked, if that changes.
    pub(super) fn meanwhile(
        &self,
        check: CheckName,
        interval: Duration,
        bounds: Bounds,
        elsewhere: Elsewhere,
    ) -> Next {
        if let Some(paused) = bounds.paused {
            return if paused > interval {
                Next::NotBefore(paused)
            } else {
                Next::Grid
            };
        }
        let credentials = check == CheckName::Credentials;
        match elsewhere.judged {
            // It has not said so yet, and needs no request to say it.
            Some(false) if credentials => Next::After(AT_ONCE),
            Some(true) if self.rejected => Next::After(AT_ONCE),
            None if credentials => elsewhere.doubted.map_or(Next::Grid, Next::After),
            _ => Next::Grid,
        }
    }

    fn changed(&self, outcome: &Outcome) -> bool {
        let fact = proofs(&outcome.facts).any(|(proof, now)| self.proven.contains(&(proof, !now)));
        let turned = match (self.last, outcome.status) {
            (None | Some(Status::Unknown | Status::Skip), _)
            | (_, Status::Unknown | Status::Skip) => false,
            (Some(before), now) => (before == Status::Fail) != (now == Status::Fail),
        };
        fact || turned
    }
}

/// When a change is confirmed: after a minute, not more than a fifth of the
/// interval, and not under ten seconds.
pub(super) fn confirmation(interval: Duration) -> Duration {
    CONFIRMATION.min(interval / FRACTION).max(SOONEST)
}

/// When a question that stayed failed so many times is asked again; `None`: on its grid.
fn retry(interval: Duration, fails: u32) -> Option<Duration> {
    let doublings = fails.saturating_sub(1).min(MOST_DOUBLINGS);
    let wait = (interval / FRACTION).max(SOONEST) * (1 << doublings);
    (wait < interval).then_some(wait)
}

fn most_confirmations(check: CheckName) -> u32 {
    match check {
        CheckName::Capabilities => 1,
        _ => 2,
    }
}

/// Reasons that stand for a rejected credential set.
fn rejected(outcome: &Outcome) -> bool {
    matches!(outcome.status, Status::Fail | Status::Unknown)
        && matches!(
            outcome.reason,
            Some(Reason::Unauthorized | Reason::Expired | Reason::Config | Reason::UntrustedHost)
        )
}

/// A count of referrers and a date change by themselves: only a yes or no is confirmed.
fn proofs(facts: &[Fact]) -> impl Iterator<Item = (Proof, bool)> {
    facts.iter().filter_map(|fact| match fact {
        Fact::CredentialsValid(yes) => Some((Proof::Credentials, *yes)),
        Fact::PullAuthorized(yes) => Some((Proof::Pull, *yes)),
        Fact::PushAuthorized(yes) => Some((Proof::Push, *yes)),
        Fact::Capability(capability, yes) => Some((Proof::Capability(*capability), *yes)),
        Fact::Referrers(_) | Fact::CredentialsExpiry(..) => None,
    })
}

const CONFIRMATION: Duration = Duration::from_mins(1);
const SOONEST: Duration = Duration::from_secs(10);
/// A confirmation and the first retry come after this part of the interval.
const FRACTION: u32 = 5;
/// 5 * 2^3 is more than an interval already.
const MOST_DOUBLINGS: u32 = 3;
/// The scheduler's shortest time.
const AT_ONCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
