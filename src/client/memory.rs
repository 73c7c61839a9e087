//! What outlives a cycle: the ping, pauses, and which credentials were proven or rejected.
//!
//! Everything here is kept per origin (`https://host:port`), so that two
//! configured registries at one origin share their pauses. What is held back as
//! rejected is known by its secret, and shared as well; the
//! rest of what is known of a set is its `user`'s: the set's, where it has a name,
//! else the registry's that it stands in ([`Client::user`](super::Client)).

mod forget;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    class::Class,
    hold::{Holds, Place},
    judge::Login,
    ping::Ping,
    plan::{UploadKey, Uploads},
};
use crate::oci::{Digest, Repository};

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
    rejected: HashMap<String, Instant>,
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
        forget::passers_by(&mut self.lock());
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

    /// A login flow accepted the set of this user, or (`proven: false`) could not judge
    /// it because the registry is open.
    pub fn settle(&self, origin: &str, user: &str, secret: u64, proven: bool) {
        let settled = Settled {
            at: Instant::now(),
            proven,
            secret,
        };
        self.entry(origin, |entry| {
            entry.settled.insert(user.to_owned(), settled);
            if proven {
                entry.rejected.remove(user);
            }
        });
    }

    /// A login flow rejected the set of this user, could not read it or may not send it.
    pub fn unsettle(&self, origin: &str, user: &str) {
        self.entry(origin, |entry| {
            entry.settled.remove(user);
        });
    }

    /// The registry rejected what the set of this user sent.
    pub fn keep_rejection(&self, origin: &str, user: &str) {
        self.entry(origin, |entry| {
            entry.rejected.insert(user.to_owned(), Instant::now());
        });
    }

    /// Whether the registry rejected the set of this user, whatever secret it had, so
    /// lately that its account may be suspended for it; an accepted login ends that.
    pub fn rejected_lately(&self, origin: &str, user: &str) -> bool {
        let origins = self.lock();
        let at = origins
            .get(origin)
            .and_then(|known| known.rejected.get(user));
        at.is_some_and(|at| at.elapsed() < SUSPENSION)
    }

    /// This login, known by the fingerprint of its secret, was sent and not rejected.
    pub(super) fn release(&self, origin: &str, place: &Place, secret: u64) {
        self.entry(origin, |entry| entry.holds.release(place, secret));
    }

    /// The login of this set was sent and rejected: it is held back.
    pub(super) fn reject(
        &self,
        origin: &str,
        place: &Place,
        set: &str,
        secret: u64,
        login: &Login,
    ) {
        self.entry(origin, |entry| {
            entry.holds.reject(place, set, secret, login);
        });
    }

    /// The answer that is kept while the login of this set is held back, and for how long yet.
    pub(super) fn kept(
        &self,
        origin: &str,
        place: &Place,
        set: &str,
        secret: u64,
    ) -> Option<(Login, Duration)> {
        let mut origins = self.lock();
        let (login, left) = origins.get_mut(origin)?.holds.kept(place, set, secret)?;
        Some((login.clone(), left))
    }

    /// Whether this very login was rejected when it was last sent.
    pub(super) fn rejected(&self, origin: &str, place: &Place, secret: u64) -> bool {
        let origins = self.lock();
        let known = origins.get(origin);
        known.is_some_and(|known| known.holds.rejected(place, secret))
    }

    /// Whether the set of this user, with this very secret, was settled within `life`;
    /// and then, whether proven.
    pub fn settled(&self, origin: &str, user: &str, secret: u64, life: Duration) -> Option<bool> {
        let origins = self.lock();
        let settled = origins.get(origin)?.settled.get(user)?;
        (settled.secret == secret && settled.at.elapsed() <= life).then_some(settled.proven)
    }

    /// What is remembered of the uploads to a repository with a set.
    pub(super) fn uploads<T>(&self, key: &UploadKey, look: impl FnOnce(&mut Uploads) -> T) -> T {
        look(self.lock_uploads().entry(key.clone()).or_default())
    }

    /// Whether cancelling an upload was last seen to need the `delete` right for the set
    /// of this user.
    pub fn cancel_needs_delete(&self, origin: &str, user: &str) -> bool {
        let origins = self.lock();
        let known = origins.get(origin);
        known.is_some_and(|origin| origin.cancel_needs_delete.get(user) == Some(&true))
    }

    /// Remembers with which right a cancel succeeded.
    pub fn keep_cancel_right(&self, origin: &str, user: &str, needs_delete: bool) {
        self.entry(origin, |entry| {
            entry
                .cancel_needs_delete
                .insert(user.to_owned(), needs_delete);
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

    fn lock_uploads(&self) -> MutexGuard<'_, HashMap<UploadKey, Uploads>> {
        // Half a change errs by one upload.
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Origin>> {
        // Every write is a single assignment, so a poisoned map is still whole.
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    fn only_paused(&self) -> bool {
        self.ping.is_none()
            && self.settled.is_empty()
            && self.rejected.is_empty()
            && self.holds.is_empty()
            && self.cancel_needs_delete.is_empty()
            && self.blobs.is_empty()
    }
}

/// How long an anonymous ping is believed.
const PING_LIFE: Duration = Duration::from_hours(1);
/// How long a 403 may be the echo of a rejected login. A set that is still rejected is
/// sent again within an hour, so this goes on as long as it is.
const SUSPENSION: Duration = Duration::from_hours(2);

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
    async fn a_rejected_set_is_kept_where_it_was_rejected_until_it_is_not() {
        let memory = Memory::default();
        let login = Login::without_request(LoginEnd::Rejected(Reason::Expired, String::new()));
        memory.reject("o", &None, "robot", 7, &login);
        assert!(memory.kept("o", &None, "robot", 7).is_some());
        assert!(memory.kept("elsewhere", &None, "robot", 7).is_none());
        memory.release("o", &None, 7);
        assert!(memory.kept("o", &None, "robot", 7).is_none());
        assert!(!memory.rejected("o", &None, 7));
    }

    #[tokio::test(start_paused = true)]
    async fn one_user_s_proof_is_not_another_s() {
        let memory = Memory::default();
        let life = Duration::from_mins(10);
        memory.settle("o", "inline of a", 7, true);
        memory.settle("o", "inline of b", 8, true);
        memory.unsettle("o", "inline of b");
        assert_eq!(memory.settled("o", "inline of a", 7, life), Some(true));
        assert_eq!(memory.settled("o", "inline of b", 8, life), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejection_echoes_until_a_login_or_for_two_hours() {
        let memory = Memory::default();
        memory.keep_rejection("o", "robot");
        // An open registry proves nothing of the account.
        memory.settle("o", "robot", 8, false);
        assert!(memory.rejected_lately("o", "robot"));
        assert!(!memory.rejected_lately("o", "other"));
        assert!(!memory.rejected_lately("elsewhere", "robot"));
        memory.settle("o", "robot", 8, true);
        assert!(!memory.rejected_lately("o", "robot"));
        memory.keep_rejection("o", "robot");
        tokio::time::advance(Duration::from_hours(2)).await;
        assert!(!memory.rejected_lately("o", "robot"));
    }
}
