//! From what a cycle brought to when each question is asked next.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{
    Prober,
    pace::{Bounds, Elsewhere, History, confirmation},
    secrets::Watch,
};
use crate::{
    checks,
    client::{Class, Client},
    config::{CredentialSet, Target, TestRepository},
    credentials::Source,
    oci::RateLimit,
    outcome::{CheckName, Report, Subject},
    scheduler::{Entry, Lane, Next, splay},
};

/// What of a target is asked on a schedule: every question but those that the
/// configuration alone answers. Targets at one origin take turns.
pub fn lane(target: &Target) -> Lane<Subject> {
    let entries = checks::questions(target)
        .into_iter()
        .filter(|(subject, repository)| {
            checks::skipped(target, subject.check, repository).is_none()
        })
        .map(|(subject, _)| Entry {
            interval: target.checks.settings(subject.check).interval,
            first_delay: first_delay(target, subject.check),
            key: subject,
        })
        .collect();
    Lane {
        name: target.name.clone(),
        origin: target.url.origin().ascii_serialization(),
        entries,
    }
}

/// How long a check waits after a start of the daemon; `None`: no longer than its registry.
///
/// Push and capabilities wait for `upload_start_delay` plus up to twice that, by
/// the registry's name, so that a crash loop opens no uploads.
pub fn first_delay(target: &Target, check: CheckName) -> Option<Duration> {
    let delay = target.upload_start_delay;
    match check {
        CheckName::Push | CheckName::Capabilities => Some(delay + splay(&target.name, delay * 2)),
        CheckName::Credentials | CheckName::Pull | CheckName::Referrers => None,
    }
}

/// What the reports of one cycle told the schedule.
#[derive(Debug, Default)]
pub(super) struct Told {
    ran: HashSet<Subject>,
    /// Sets whose rights shrank, and when the question that found it is asked again.
    doubted: HashMap<String, Duration>,
}

impl Prober {
    /// Looks every ten seconds, without a request, at the secrets that were of
    /// no use, and wakes a question that needs one as soon as its content is
    /// another one. Never ends.
    ///
    /// `targets` are those that are configured at that moment.
    pub async fn watch_secrets(
        &self,
        targets: impl Fn() -> Vec<Arc<Target>>,
        wake: impl Fn(Subject),
    ) {
        let mut ticks = interval(LOOK);
        // After a suspension one look is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let watches = self.watched.to_look_at(&targets());
            if watches.is_empty() {
                continue;
            }
            let look = move || -> Vec<_> { watches.into_iter().filter_map(Watch::look).collect() };
            // The panic hook has logged where.
            let found = spawn_blocking(look).await.unwrap_or_default();
            for news in found.iter().filter(|news| self.watched.is_news(news)) {
                if let Some(subject) = first_question(&news.target, &news.set) {
                    wake(subject);
                }
            }
        }
    }

    pub(super) fn record(
        &self,
        told: &mut Told,
        target: &Target,
        repository: &TestRepository,
        report: &Report,
    ) {
        let (subject, outcome) = (&report.subject, &report.outcome);
        let set = &repository.credential;
        let mut histories = self.histories();
        let history = histories.entry(subject.clone()).or_default();
        history.record(subject.check, outcome, set.source != Source::Anonymous);
        told.ran.insert(subject.clone());
        if history.doubts(outcome) {
            let wait = confirmation(target.checks.settings(subject.check).interval);
            told.doubted.insert(set.name.clone(), wait);
        }
    }

    /// When the questions of a target are asked next, as far as that is not their grid.
    pub(super) fn said(
        &self,
        target: &Target,
        client: &Client,
        told: &Told,
    ) -> Vec<(Subject, Next)> {
        let histories = self.histories();
        let never = History::default();
        let next = |(subject, repository): (Subject, &TestRepository)| {
            let check = subject.check;
            let set = &repository.credential;
            let interval = target.checks.settings(check).interval;
            let history = histories.get(&subject).unwrap_or(&never);
            let ran = told.ran.contains(&subject);
            // Without a token that can be read there is nothing to ask between two uploads.
            // Only push's own run shows whether there is one.
            let asked = check == CheckName::Push && told.ran.contains(&subject);
            let rest = if asked && history.rests() {
                client.upload_rest(repository)
            } else {
                None
            };
            // What did not run has taken nothing of the limit.
            let spared = if ran {
                spared(client, set, check)
            } else {
                None
            };
            let bounds = Bounds {
                held: client.held(set),
                paused: pause(client, set, check)
                    .max(rest)
                    .max(spared.map(|(_, wait)| wait)),
            };
            let next = if ran {
                history.next(check, interval, bounds)
            } else {
                let elsewhere = Elsewhere {
                    judged: client.judged(set),
                    doubted: told.doubted.get(&set.name).copied(),
                };
                history.meanwhile(check, interval, bounds, elsewhere)
            };
            (next != Next::Grid).then_some((subject, next))
        };
        checks::questions(target)
            .into_iter()
            .filter_map(next)
            .collect()
    }

    pub(super) fn histories(&self) -> MutexGuard<'_, HashMap<Subject, History>> {
        // A history is changed as a whole, or was cut short by a panic and errs by one run.
        self.histories
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question that is woken for a set: the check of credentials, if it is asked at all.
fn first_question(target: &Target, set: &CredentialSet) -> Option<Subject> {
    checks::questions(target)
        .into_iter()
        .filter(|(_, repository)| repository.credential.name == set.name)
        .find(|(subject, repository)| checks::skipped(target, subject.check, repository).is_none())
        .map(|(subject, _)| subject)
}

/// Why a check is asked less often: so that what is left of a rate limit stays with
/// others. In words, because nothing else shows it.
pub(super) fn sparing_in_words(
    client: &Client,
    repository: &TestRepository,
    check: CheckName,
) -> Option<String> {
    let (limit, wait) = spared(client, &repository.credential, check)?;
    Some(format!(
        "{} of {} requests are left in the registry's limit, less than the reserve of {} % (`rate_limit_reserve`): the daemon leaves them to others and asks again after {}s",
        limit.remaining.unwrap_or_default(),
        limit.limit.unwrap_or_default(),
        client.target().rate_limit_reserve,
        wait.as_secs(),
    ))
}

/// What is left of the limit where it is little, and how long the checks that only read,
/// and read often, wait.
fn spared(client: &Client, set: &CredentialSet, check: CheckName) -> Option<(RateLimit, Duration)> {
    match check {
        CheckName::Pull | CheckName::Referrers => client.sparing(set),
        CheckName::Credentials | CheckName::Push | CheckName::Capabilities => None,
    }
}

/// How long a check is kept from being asked, by the classes of its requests.
fn pause(client: &Client, set: &CredentialSet, check: CheckName) -> Option<Duration> {
    let classes: &[Class] = match check {
        // A part of capabilities can be asked while another is paused.
        CheckName::Credentials | CheckName::Capabilities => &[Class::All],
        CheckName::Pull => &[Class::Read],
        CheckName::Push => &[Class::Read, Class::Write],
        CheckName::Referrers => &[Class::Read, Class::Referrers],
    };
    let pauses = classes.iter().map(|class| client.paused(set, *class));
    pauses.flatten().max()
}

/// From one look at the secrets to the next.
const LOOK: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Environment, parse};

    fn delays(name: &str, more: &str) -> Vec<Option<u64>> {
        let yaml = format!("registries: [{{name: {name}, url: https://r.example.com{more}}}]");
        let config = parse(&yaml, "x", Path::new("/"), &Environment::default()).unwrap();
        CheckName::ALL
            .map(|(check, _)| first_delay(&config.registries[0], check))
            .map(|delay| delay.map(|delay| delay.as_secs()))
            .into()
    }

    /// Pinned: a name keeps its place.
    #[test]
    fn what_opens_uploads_waits_after_a_start_and_nothing_else_does() {
        assert_eq!(delays("a", ""), [None, None, Some(606), None, Some(606)]);
        assert_eq!(
            delays("a", ", upload_start_delay: 1m"),
            [None, None, Some(121), None, Some(121)]
        );
        for number in 0..100 {
            let delay = delays(&format!("registry-{number}"), "")[2].unwrap();
            assert!((300..900).contains(&delay), "{delay}");
        }
    }
}
