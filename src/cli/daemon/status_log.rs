//! A line in the log for every change of a status, and not one for every run.

use crate::{
    outcome::{Reason, Report, Status},
    store::Snapshot,
};

/// Logs a report beside what is known of its subject. Reports of one subject come
/// one after another: a registry never has two cycles at once.
pub(super) fn log(report: &Report, known: &Snapshot) {
    let last = known
        .registry(&report.subject.registry)
        .and_then(|record| record.checks.get(&report.subject))
        .map(|check| check.report.outcome.status);
    let subject = &report.subject;
    let outcome = &report.outcome;
    let registry = subject.registry.as_str();
    let check = subject.check.as_str();
    let repository = subject.repository.as_deref();
    let credential = subject.credential.as_deref();
    let old = last.map_or("none", Status::as_str);
    let new = outcome.status.as_str();
    let reason = outcome.reason.map(Reason::as_str);
    let message = outcome.message.as_str();
    match news(last, outcome.status) {
        News::None => tracing::debug!(
            registry,
            check,
            repository,
            credential,
            status = new,
            reason,
            said = message,
            "check answered"
        ),
        News::Good => tracing::info!(
            registry,
            check,
            repository,
            credential,
            old,
            new,
            reason,
            said = message,
            "status changed"
        ),
        News::Bad => tracing::warn!(
            registry,
            check,
            repository,
            credential,
            old,
            new,
            reason,
            said = message,
            "status changed"
        ),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Good,
    Bad,
}

/// What a status is worth telling after the one before it. A first pass is what
/// everybody expects.
fn news(last: Option<Status>, new: Status) -> News {
    let expected = last.is_none() && matches!(new, Status::Pass | Status::Skip);
    if last == Some(new) || expected {
        News::None
    } else if new == Status::Fail {
        News::Bad
    } else {
        News::Good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_news() {
        for (last, new, expected) in [
            (None, Status::Pass, News::None),
            (None, Status::Skip, News::None),
            (None, Status::Info, News::Good),
            (None, Status::Unknown, News::Good),
            (None, Status::Fail, News::Bad),
            (Some(Status::Pass), Status::Pass, News::None),
            (Some(Status::Fail), Status::Fail, News::None),
            (Some(Status::Pass), Status::Fail, News::Bad),
            (Some(Status::Fail), Status::Pass, News::Good),
            (Some(Status::Unknown), Status::Pass, News::Good),
        ] {
            assert_eq!(news(last, new), expected, "{last:?} {new:?}");
        }
    }
}
