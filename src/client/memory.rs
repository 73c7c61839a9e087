//! What outlives a cycle: the ping, pauses, and which credentials were proven or rejected.
//!
//! Everything here is kept per origin (`https://host:port`), so that two
//! configured registries at one origin share their pauses.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    hold::Holds,
    judge::Login,
    ping::Ping,
    plan::{UploadKey, Uploads},
};
use crate::{
    exchange::Operation,
    oci::{Digest, Repository},
};

/// The kind of request that a 429 pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Manifests and tags.
    Read,
    /// The referrers API: registries count it apart (ACR: ten to twenty times lower).
    Referrers,
    /// Uploads, mounts and deletes.
    Write,
    /// Everything at the origin: `/v2/` itself, or a token host.
    All,
}

impl Class {
    /// The class of an operation.
    pub fn of(operation: Operation) -> Self {
        match operation {
            Operation::Ping | Operation::PingAuth | Operation::Token => Self::All,
            Operation::ManifestHead
            | Operation::ManifestGet
            | Operation::FallbackTag
            | Operation::TagsList => Self::Read,
            Operation::Referrers => Self::Referrers,
            Operation::UploadStart
            | Operation::UploadPatch
            | Operation::UploadCancel
            | Operation::Mount
            | Operation::ManifestDelete
            | Operation::BlobDelete => Self::Write,
        }
    }
}

/// What is remembered from cycle to cycle, for the life of the process.
#[derive(Debug, Default)]
pub struct Memory {
    origins: Mutex<HashMap<String, Origin>>,
    uploads: Mutex<HashMap<UploadKey, Uploads>>,
}

#[derive(Debug, Default)]
struct Origin {
    ping: Option<(Ping, Instant)>,
    pauses: HashMap<Class, Instant>,
    settled: HashMap<String, Settled>,
    holds: Holds,
    cancel_needs_delete: HashMap<String, bool>,
    blobs: HashMap<(Repository, Digest), Digest>,
}

/// A credential set that the last login flow did not reject.
#[derive(Debug, Clone, Copy)]
struct Settled {
    at: Instant,
    proven: bool,
    secret: u64,
}

impl Memory {
    /// The anonymous ping, while it is younger than an hour.
    pub fn ping(&self, origin: &str) -> Option<Ping> {
        let origins = self.lock();
        let (ping, at) = origins.get(origin)?.ping.as_ref()?;
        (at.elapsed() < PING_LIFE).then(|| ping.clone())
    }

    /// Remembers the ping.
    pub fn keep_ping(&self, origin: &str, ping: &Ping) {
        self.entry(origin, |entry| {
            entry.ping = Some((ping.clone(), Instant::now()));
        });
    }

    /// Forgets the ping: the next who needs it asks again.
    pub fn forget_ping(&self, origin: &str) {
        self.entry(origin, |entry| entry.ping = None);
    }

    /// Pauses a class of requests; a pause is never shortened.
    pub fn pause(&self, origin: &str, class: Class, wait: Duration) {
        let until = Instant::now() + wait;
        self.entry(origin, |entry| {
            let slot = entry.pauses.entry(class).or_insert(until);
            *slot = (*slot).max(until);
        });
    }

    /// How long requests of this class are still paused.
    pub fn paused(&self, origin: &str, class: Class) -> Option<Duration> {
        let origins = self.lock();
        let pauses = &origins.get(origin)?.pauses;
        let until = [class, Class::All]
            .iter()
            .filter_map(|class| pauses.get(class))
            .max()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// The longest pause at this origin, whatever its class.
    pub fn longest_pause(&self, origin: &str) -> Option<Duration> {
        let origins = self.lock();
        let until = origins.get(origin)?.pauses.values().max()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// A login flow accepted this set, or (`proven: false`) could not judge it because the registry is open.
    pub fn settle(&self, origin: &str, set: &str, secret: u64, proven: bool) {
        let settled = Settled {
            at: Instant::now(),
            proven,
            secret,
        };
        self.entry(origin, |entry| {
            entry.settled.insert(set.to_owned(), settled);
            entry.holds.release(set, secret);
        });
    }

    /// A login flow sent this set and saw it rejected: it is held back.
    pub(super) fn reject(&self, origin: &str, set: &str, secret: u64, login: &Login) {
        self.entry(origin, |entry| {
            entry.settled.remove(set);
            entry.holds.reject(set, secret, login);
        });
    }

    /// The answer that is kept while this set is held back, and for how long yet.
    pub(super) fn kept(&self, origin: &str, set: &str, secret: u64) -> Option<(Login, Duration)> {
        let origins = self.lock();
        let (login, left) = origins.get(origin)?.holds.kept(set, secret)?;
        Some((login.clone(), left))
    }

    /// Whether the last login flow rejected this set, with this very secret.
    pub(super) fn rejected(&self, origin: &str, set: &str, secret: u64) -> bool {
        let origins = self.lock();
        let known = origins.get(origin);
        known.is_some_and(|known| known.holds.rejected(set, secret))
    }

    /// This set cannot be read, or may not be sent.
    pub fn unsettle(&self, origin: &str, set: &str) {
        self.entry(origin, |entry| {
            entry.settled.remove(set);
        });
    }

    /// Whether this set, with this very secret, was settled within `life`; and then, whether proven.
    pub fn settled(&self, origin: &str, set: &str, secret: u64, life: Duration) -> Option<bool> {
        let origins = self.lock();
        let settled = origins.get(origin)?.settled.get(set)?;
        (settled.secret == secret && settled.at.elapsed() <= life).then_some(settled.proven)
    }

    /// What is remembered of the uploads to a repository with a set.
    pub(super) fn uploads<T>(&self, key: &UploadKey, look: impl FnOnce(&mut Uploads) -> T) -> T {
        let mut uploads = self.uploads.lock().unwrap_or_else(PoisonError::into_inner);
        look(uploads.entry(key.clone()).or_default())
    }

    /// Whether cancelling an upload was last seen to need the `delete` right for this set.
    pub fn cancel_needs_delete(&self, origin: &str, set: &str) -> bool {
        let origins = self.lock();
        let known = origins.get(origin);
        known.is_some_and(|origin| origin.cancel_needs_delete.get(set) == Some(&true))
    }

    /// Remembers with which right a cancel succeeded.
    pub fn keep_cancel_right(&self, origin: &str, set: &str, needs_delete: bool) {
        self.entry(origin, |entry| {
            entry
                .cancel_needs_delete
                .insert(set.to_owned(), needs_delete);
        });
    }

    /// The config blob of a manifest that was read before; a digest's content never changes.
    pub fn blob(&self, origin: &str, repository: &Repository, manifest: &Digest) -> Option<Digest> {
        let origins = self.lock();
        let key = (repository.clone(), manifest.clone());
        origins.get(origin)?.blobs.get(&key).cloned()
    }

    /// Remembers the config blob of a manifest.
    pub fn keep_blob(
        &self,
        origin: &str,
        repository: &Repository,
        manifest: &Digest,
        blob: &Digest,
    ) {
        self.entry(origin, |entry| {
            // Images come and go: only the latest of a repository is asked for again.
            entry.blobs.retain(|(known, _), _| known != repository);
            entry
                .blobs
                .insert((repository.clone(), manifest.clone()), blob.clone());
        });
    }

    fn entry(&self, origin: &str, change: impl FnOnce(&mut Origin)) {
        change(self.lock().entry(origin.to_owned()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Origin>> {
        // Every write is a single assignment, so a poisoned map is still whole.
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an anonymous ping is believed.
const PING_LIFE: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::LoginEnd, outcome::Reason};

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_its_class_and_ends() {
        let memory = Memory::default();
        memory.pause("o", Class::Referrers, Duration::from_mins(1));
        memory.pause("o", Class::Referrers, Duration::from_secs(5));
        assert_eq!(memory.paused("o", Class::Read), None);
        assert_eq!(
            memory.paused("o", Class::Referrers),
            Some(Duration::from_mins(1))
        );
        assert_eq!(memory.longest_pause("o"), Some(Duration::from_mins(1)));
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(memory.paused("o", Class::Referrers), None);
        assert_eq!(memory.longest_pause("o"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_the_ping_holds_everything() {
        let memory = Memory::default();
        memory.pause("o", Class::All, Duration::from_secs(9));
        for class in [Class::Read, Class::Referrers, Class::Write, Class::All] {
            assert_eq!(memory.paused("o", class), Some(Duration::from_secs(9)));
        }
        assert_eq!(memory.paused("elsewhere", Class::All), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_proof_is_of_one_secret_and_ages() {
        let memory = Memory::default();
        let life = Duration::from_mins(10);
        memory.settle("o", "robot", 7, true);
        assert_eq!(memory.settled("o", "robot", 7, life), Some(true));
        assert_eq!(memory.settled("o", "robot", 8, life), None);
        assert_eq!(memory.settled("o", "other", 7, life), None);
        tokio::time::advance(Duration::from_secs(601)).await;
        assert_eq!(memory.settled("o", "robot", 7, life), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_proven_and_rejected_at_once() {
        let memory = Memory::default();
        let life = Duration::from_hours(48);
        let login = Login::without_request(LoginEnd::Rejected(Reason::Expired, String::new()));
        memory.settle("o", "robot", 7, true);
        memory.reject("o", "robot", 7, &login);
        assert_eq!(memory.settled("o", "robot", 7, life), None);
        assert!(memory.kept("o", "robot", 7).is_some());
        assert!(memory.kept("elsewhere", "robot", 7).is_none());
        memory.settle("o", "robot", 7, false);
        assert!(memory.kept("o", "robot", 7).is_none());
        assert!(!memory.rejected("o", "robot", 7));
    }
}
