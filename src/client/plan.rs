//! When an upload is tried again: at first, after any doubt, and every
//! `upload_interval`, never more than twice beyond that in a day; weekly where
//! the registry lets nobody cancel.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

use super::{Client, Refusal, Upload, lasting_fingerprint, token::words, upload::write_scope};
use crate::{
    config::{CredentialSet, Target, TestRepository},
    outcome::{Reason, SessionEnd, Status},
};

/// What is remembered of the uploads to one repository with one credential set.
#[derive(Debug, Clone, Default)]
pub(super) struct Uploads {
    last: Option<Last>,
    /// Sessions that were, or may have been, opened in the last day.
    opened: VecDeque<Instant>,
    /// Cancels refused in a row.
    refused: u32,
    /// What push said of the last upload; nothing where it has not spoken of it yet.
    said: Option<(Status, Option<Reason>)>,
    /// When a blob of another repository was last asked to be mounted.
    linked: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    at: Instant,
    passed: bool,
    secret: u64,
}

impl Uploads {
    /// Takes in an upload.
    fn keep(&mut self, now: Instant, secret: u64, upload: &Upload) {
        if self.last.is_some_and(|last| last.secret != secret) {
            self.refused = 0;
        }
        self.last = Some(Last {
            at: now,
            passed: upload.end.is_some(),
            secret,
        });
        match upload.end {
            Some(SessionEnd::Refused) => self.refused += 1,
            Some(_) => self.refused = 0,
            None => {}
        }
        self.said = None;
        // Without an answer nobody knows whether a session was opened.
        if upload.end.is_some() || matches!(upload.start, Err(Refusal::Broken(..))) {
            self.opened.push_back(now);
        }
        while self.opened.front().is_some_and(|at| now - *at >= DAY) {
            self.opened.pop_front();
        }
    }

    /// How long until the next upload is due; nothing where it is.
    fn wait(&self, now: Instant, secret: u64, interval: Duration) -> Duration {
        let Some(last) = self.last else {
            return Duration::ZERO;
        };
        if last.secret != secret || (!last.passed && self.may(now, interval)) {
            return Duration::ZERO;
        }
        let interval = if self.cannot_cancel() { WEEK } else { interval };
        interval.saturating_sub(now - last.at)
    }

    /// Whether a session may have been opened within the last day: what is counted
    /// by the day must be remembered for one, whatever the configuration says meanwhile.
    pub(super) fn opened_lately(&self, now: Instant) -> bool {
        self.opened.iter().any(|at| now - *at < DAY)
    }

    /// Whether one more session may be opened today.
    fn may(&self, now: Instant, interval: Duration) -> bool {
        let today = self.opened.iter().filter(|at| now - **at < DAY).count();
        let planned = DAY.as_secs().checked_div(interval.as_secs()).unwrap_or(1);
        u64::try_from(today).unwrap_or(u64::MAX) < planned.max(1) + EXTRA_A_DAY
    }

    /// Two cancels in a row were refused: nothing will be different soon.
    fn cannot_cancel(&self) -> bool {
        self.refused >= REFUSED_TO_BELIEVE
    }
}

impl Client {
    /// Whether an upload to this repository is due, going by those before.
    pub fn upload_due(&self, repository: &TestRepository) -> bool {
        self.upload_wait(repository).is_zero()
    }

    /// How long until the next upload to this repository is due.
    pub fn upload_wait(&self, repository: &TestRepository) -> Duration {
        let interval = self.target.checks.push_options.upload_interval;
        let secret = self.secret_of(repository);
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                uploads.wait(Instant::now(), secret, interval)
            })
    }

    /// How long push has nothing to ask: until the next upload, where no token in
    /// this cycle could be read for the right in between.
    pub fn upload_rest(&self, repository: &TestRepository) -> Option<Duration> {
        let set = repository.credential.name.clone();
        let key = (set, words(&write_scope(repository)));
        let readable = self
            .cycle()
            .tokens
            .get(&key)
            .is_some_and(super::token::Held::tells_rights);
        let wait = self.upload_wait(repository);
        (!readable && !wait.is_zero()).then_some(wait)
    }

    /// Whether an upload beside the plan may be tried today.
    pub fn upload_allowed(&self, repository: &TestRepository) -> bool {
        let interval = self.target.checks.push_options.upload_interval;
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                uploads.may(Instant::now(), interval)
            })
    }

    /// Whether cancels are known to be refused to this set: then uploads are
    /// rare, and no chunk is sent that would stay behind.
    pub fn cancel_is_refused(&self, repository: &TestRepository) -> bool {
        let secret = self.secret_of(repository);
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                uploads.cannot_cancel() && uploads.last.is_some_and(|last| last.secret == secret)
            })
    }

    /// How long ago an upload last proved the right, where one did.
    pub fn upload_proven(&self, repository: &TestRepository) -> Option<Duration> {
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                let last = uploads.last.filter(|last| last.passed)?;
                Some(last.at.elapsed())
            })
    }

    /// Remembers what push said of the last upload.
    pub fn said_of_upload(
        &self,
        repository: &TestRepository,
        status: Status,
        reason: Option<Reason>,
    ) {
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                uploads.said = Some((status, reason));
            });
    }

    /// What push said of the last upload; nothing where capabilities made it alone.
    pub fn last_said_of_upload(
        &self,
        repository: &TestRepository,
    ) -> Option<(Status, Option<Reason>)> {
        self.memory
            .uploads(&self.upload_key(repository), |uploads| uploads.said)
    }

    /// Whether a mount from another repository may be asked, which leaves a link
    /// behind: once in 24 hours. A yes counts.
    pub fn may_link(&self, repository: &TestRepository) -> bool {
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                let known = uploads.linked;
                let may = known.is_none_or(|at| at.elapsed() + LINK_MARGIN >= DAY);
                if may {
                    uploads.linked = Some(Instant::now());
                }
                may
            })
    }

    pub(super) fn keep_upload(&self, repository: &TestRepository, upload: &Upload) {
        let secret = self.secret_of(repository);
        self.memory
            .uploads(&self.upload_key(repository), |uploads| {
                uploads.keep(Instant::now(), secret, upload);
            });
    }

    fn upload_key(&self, repository: &TestRepository) -> UploadKey {
        (
            self.origin.clone(),
            repository.name.to_string(),
            self.user(&repository.credential),
        )
    }

    /// Whose set it is.
    pub(super) fn user(&self, set: &CredentialSet) -> String {
        user(&self.target, set)
    }

    fn secret_of(&self, repository: &TestRepository) -> u64 {
        let reading = self.read_already(&repository.credential);
        reading.as_ref().map_or(0, lasting_fingerprint)
    }
}

/// Whose a set is, at its origin: a named set is the same in every registry, an unnamed
/// one is its registry's own.
pub(super) fn user(target: &Target, set: &CredentialSet) -> String {
    if set.name == INLINE {
        format!("{INLINE} of {}", target.name)
    } else {
        set.name.clone()
    }
}

/// Origin, repository, credential set.
pub(super) type UploadKey = (String, String, String);

const DAY: Duration = Duration::from_hours(24);
/// Where every cancel is refused, each upload leaves a session behind.
const WEEK: Duration = Duration::from_hours(7 * 24);
/// What a set without a name is called.
const INLINE: &str = "inline";
/// A grid of a day is a day, though one run gets to the mount sooner than another.
const LINK_MARGIN: Duration = Duration::from_mins(10);
const REFUSED_TO_BELIEVE: u32 = 2;
const EXTRA_A_DAY: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{Got, Stage},
        exchange::testing::error,
    };

    const SIX_HOURS: Duration = Duration::from_hours(6);

    fn upload(end: Option<SessionEnd>) -> Upload {
        Upload {
            start: Ok(Got {
                stage: Stage::Registry,
                reply: error(403, "DENIED", ""),
            }),
            chunks: None,
            end,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_is_due_and_then_every_interval() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), Duration::ZERO);
        uploads.keep(start, 1, &upload(Some(SessionEnd::Cancelled)));
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), SIX_HOURS);
        let later = start + Duration::from_hours(5);
        assert_eq!(uploads.wait(later, 1, SIX_HOURS), Duration::from_hours(1));
        assert_eq!(
            uploads.wait(start + SIX_HOURS, 1, SIX_HOURS),
            Duration::ZERO
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_changed_secret_is_asked_at_once() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        uploads.keep(start, 1, &upload(Some(SessionEnd::Cancelled)));
        assert_eq!(uploads.wait(start, 2, SIX_HOURS), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_doubt_it_is_due_and_a_refused_post_opens_nothing() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        for _ in 0..100 {
            uploads.keep(start, 1, &upload(None));
        }
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), Duration::ZERO);
        assert!(uploads.may(start, SIX_HOURS));
    }

    #[tokio::test(start_paused = true)]
    async fn a_post_without_an_answer_may_have_opened_one() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        for _ in 0..6 {
            assert_eq!(uploads.wait(start, 1, SIX_HOURS), Duration::ZERO);
            let unanswered = Upload {
                start: Err(Refusal::Broken(Reason::Timeout, String::new())),
                ..upload(None)
            };
            uploads.keep(start, 1, &unanswered);
        }
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), SIX_HOURS);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_two_beyond_the_plan_in_a_day() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        for _ in 0..6 {
            assert!(uploads.may(start, SIX_HOURS));
            uploads.keep(start, 1, &upload(Some(SessionEnd::Lost)));
        }
        assert!(!uploads.may(start, SIX_HOURS));
        assert!(uploads.may(start + DAY, SIX_HOURS));
    }

    #[tokio::test(start_paused = true)]
    async fn two_refused_cancels_make_uploads_weekly_until_the_secret_changes() {
        let mut uploads = Uploads::default();
        let start = Instant::now();
        uploads.keep(start, 1, &upload(Some(SessionEnd::Refused)));
        assert!(!uploads.cannot_cancel());
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), SIX_HOURS);
        uploads.keep(start, 1, &upload(Some(SessionEnd::Refused)));
        assert!(uploads.cannot_cancel());
        assert_eq!(uploads.wait(start, 1, SIX_HOURS), WEEK);
        assert_eq!(uploads.wait(start, 2, SIX_HOURS), Duration::ZERO);
        uploads.keep(start, 2, &upload(Some(SessionEnd::Refused)));
        assert!(!uploads.cannot_cancel());
    }
}
