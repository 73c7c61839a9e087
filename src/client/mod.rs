//! One registry for the length of one cycle: sends through `transport`, asks
//! `auth`, obeys `retry`; what the checks share is asked once.
//!
//! It does not judge: an answer goes to the check that asked for it. The one
//! exception is the login flow, because a rejected set must not be shown again
//! in the same cycle.
//!
//! Tokens and memos end with the client; what outlives it is in [`Memory`].

mod access;
mod answer;
mod class;
mod door;
mod hold;
mod judge;
mod late;
mod login;
mod manifest;
mod memory;
mod outlook;
mod ping;
mod plan;
mod referrers;
mod second_try;
mod secrets;
mod send;
mod session;
mod sessions;
mod sight;
mod token;
mod upload;
mod write;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

pub use answer::{Got, Refusal, Stage, Standing};
pub use class::Class;
pub use judge::{Login, LoginEnd, ShownCredentials};
pub use manifest::Manifest;
pub use memory::Memory;
pub use outlook::SecretState;
pub use ping::{Ping, PingKind};
pub use referrers::{Pages, Referrers};
pub use secrets::fingerprint;
use secrets::lasting_fingerprint;
pub use sessions::Sessions;
use sight::Sight;
use tokio::time::Instant;
pub use upload::{Chunks, Mounted, Upload};
pub use write::{Grant, Guard};

use crate::{
    config::{CredentialSet, Target},
    credentials::{CredentialsError, Reading, Source},
    exchange::Sent,
    outcome::{CheckName, Observation},
    transport::Transport,
};

/// One target's registry during one cycle.
pub struct Client {
    target: Arc<Target>,
    origin: String,
    transport: Mutex<Arc<Transport>>,
    memory: Arc<Memory>,
    certificate_ends: Option<i64>,
    sessions: Sessions,
    due: Vec<CheckName>,
    cycle: Mutex<Cycle>,
}

/// What is learned and counted during the cycle.
#[derive(Default)]
struct Cycle {
    deadline: Option<Instant>,
    journal: Vec<Sent>,
    attempts: u32,
    fatal: Option<Refusal>,
    ping: Option<Ping>,
    ping_asked: bool,
    late_challenge: Option<crate::oci::Challenge>,
    credentials: HashMap<String, Result<Reading, CredentialsError>>,
    /// Sets whose token endpoint was seen to want its questions the other way.
    asked_otherwise: HashSet<String>,
    logins: HashMap<String, Arc<Login>>,
    /// The sets whose login flow was gone through, not only remembered.
    asked: HashSet<String>,
    tokens: HashMap<(String, String), token::Held>,
    manifests: HashMap<ManifestKey, Arc<Manifest>>,
    referrers: HashMap<ManifestKey, Arc<Referrers>>,
    fallback_tags: HashMap<ManifestKey, Option<bool>>,
    uploads: HashMap<ManifestKey, Upload>,
    sight: Sight,
}

/// Repository, tag and credential set.
type ManifestKey = (String, String, String);

impl Client {
    /// A client for one cycle of this target. Nothing is sent yet.
    ///
    /// `certificate_ends` is the end of the configured client certificate (seconds
    /// since the epoch); `due` are the checks of this cycle, for what they share.
    pub fn new(
        target: Arc<Target>,
        transport: Transport,
        memory: Arc<Memory>,
        certificate_ends: Option<i64>,
        sessions: Sessions,
        due: Vec<CheckName>,
    ) -> Self {
        Self {
            due,
            sessions,
            certificate_ends,
            origin: target.url.origin().ascii_serialization(),
            target,
            transport: Mutex::new(Arc::new(transport)),
            memory,
            cycle: Mutex::new(Cycle::default()),
        }
    }

    /// From now on requests go over this transport, and so over new connections; all
    /// that the cycle learned stays.
    pub fn reconnect(&self, transport: Transport) {
        // Only ever replaced as a whole.
        *self
            .transport
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(transport);
    }

    /// The registry that is asked.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether a check is due in this cycle.
    pub fn is_due(&self, check: CheckName) -> bool {
        self.due.contains(&check)
    }

    /// Begins a check run: from now on its budget counts.
    pub fn begin(&self, budget: Duration) {
        let mut cycle = self.cycle();
        cycle.deadline = Some(Instant::now() + budget);
        cycle.attempts = 0;
    }

    /// Ends a check run: what was sent for it, and the most tries that one request took.
    pub fn end(&self) -> (Vec<Sent>, u32) {
        let mut cycle = self.cycle();
        let journal = std::mem::take(&mut cycle.journal);
        (journal, std::mem::take(&mut cycle.attempts))
    }

    /// What the cycle showed beside its answers; of upload sessions also what came to its
    /// end after the cycle that opened it, and is told once.
    pub fn observation(&self) -> Observation {
        let backoff = self.longest_pause();
        Observation {
            client_certificate_not_after: self.certificate_ends,
            backoff_until: backoff.map(|left| SystemTime::now() + left),
            sessions: self.sessions.take(&self.target.name),
            ..self.cycle().sight.observation(&self.target)
        }
    }

    /// Whether the last login flow of this set, in this cycle or within two
    /// intervals of the credentials check, proved it: what is refused then is the
    /// right and not who asks, also where nobody in particular asks.
    pub fn proven(&self, set: &CredentialSet) -> bool {
        if let Some(login) = self.cycle().logins.get(&set.name) {
            return login.end.proves();
        }
        self.settled(set).is_some_and(|proven| proven)
    }

    /// What a refusal says of this set.
    pub fn standing_of(&self, set: &CredentialSet) -> Standing {
        if self.proven(set) {
            Standing::Proven
        } else if self.may_be_suspended(set) {
            Standing::Suspect
        } else if set.source == Source::Anonymous {
            Standing::Nobody
        } else {
            Standing::Unproven
        }
    }

    fn may_be_suspended(&self, set: &CredentialSet) -> bool {
        self.product().as_deref() == Some("artifactory")
            && self.memory.rejected_lately(&self.origin, &self.user(set))
    }

    /// Why nothing more can be asked in this cycle, where that is so.
    pub fn unreachable(&self) -> Option<Refusal> {
        self.cycle().fatal.clone()
    }

    /// The product, as configured or as recognised so far.
    pub fn product(&self) -> Option<String> {
        if let Some(product) = &self.target.product {
            return Some(product.clone());
        }
        self.cycle().sight.product().map(str::to_owned)
    }

    /// The version header, on whichever answer of the registry had it; and whether
    /// one that was no refusal was seen at all, which is what its absence needs to count.
    pub fn version(&self) -> (Option<String>, bool) {
        self.cycle().sight.version()
    }

    fn transport(&self) -> Arc<Transport> {
        let transport = self.transport.lock();
        Arc::clone(&transport.unwrap_or_else(PoisonError::into_inner))
    }

    fn left(&self) -> Duration {
        if let Some(left) = upload::own_time_left() {
            return left;
        }
        let deadline = self.cycle().deadline;
        deadline.map_or(self.target.timeout, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    fn cycle(&self) -> MutexGuard<'_, Cycle> {
        // A check that panicked while holding the lock left whole values behind:
        // every change is one assignment or one push.
        self.cycle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
