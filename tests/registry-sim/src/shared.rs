//! What the handle and the connections of a simulator share.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::auth::Accounts;
use crate::fault::Faults;
use crate::log::{Door, Log};
use crate::profile::Profile;
use crate::state::State;
use crate::tls::TlsFlaw;
use crate::wire::Moved;

/// What the simulator's handle and its connections share.
pub(crate) struct Shared {
    inner: Mutex<Inner>,
    /// Told whenever a request arrives or is answered, and whenever a
    /// connection begins or ends.
    pub(crate) changes: watch::Sender<()>,
    /// `http` or `https`.
    pub(crate) scheme: &'static str,
    /// The realm in place of the own, where the builder names one.
    pub(crate) realm: Option<String>,
    /// Origin of the token service, where it has a listener of its own.
    pub(crate) token_origin: Option<String>,
    pub(crate) registry: Counters,
    pub(crate) token: Counters,
    pub(crate) moved: Arc<Moved>,
}

/// What changes while the simulator runs.
pub(crate) struct Inner {
    pub(crate) profile: Profile,
    pub(crate) accounts: Accounts,
    pub(crate) state: State,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) pulls_left: u32,
    pub(crate) entrance: Entrance,
}

/// What happens to a new TCP connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Entrance {
    /// It is served.
    #[default]
    Open,
    /// It is accepted, and nothing is ever said on it, not even TLS.
    Silent,
    /// It is accepted and closed.
    Closed,
    /// It is accepted and reset.
    Reset,
    /// It is refused: nobody listens on the port.
    Refused,
    /// It is accepted, these bytes are said in place of HTTP and TLS, and it is closed.
    Says(&'static [u8]),
    /// It is served, after a handshake that has this flaw; without TLS it is closed.
    Flawed(TlsFlaw),
}

/// Connections of one listener.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: AtomicU64,
    pub(crate) open: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) resumed: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        inner: Inner,
        scheme: &'static str,
        realm: Option<String>,
        token_origin: Option<String>,
    ) -> Self {
        Self {
            inner: Mutex::new(inner),
            changes: watch::Sender::new(()),
            scheme,
            realm,
            token_origin,
            registry: Counters::default(),
            token: Counters::default(),
            moved: Arc::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to new TCP connections from now on; the listeners are told.
    pub(crate) fn set_entrance(&self, entrance: Entrance) {
        self.lock().entrance = entrance;
        self.changes.send_replace(());
    }

    pub(crate) fn counters(&self, door: Door) -> &Counters {
        match door {
            Door::Registry => &self.registry,
            Door::Token => &self.token,
        }
    }
}
