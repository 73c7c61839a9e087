//! What one request sees of the connection that it opens.
//!
//! The hooks that the HTTP client offers (a layer around its connector, its
//! resolver, and TLS's certificate verifier, session store and client identity)
//! are shared by many requests. Each finds the request that it works for in a
//! task-local, because all of them run inside the future of that request.

use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::pki_types::{CertificateDer, ServerName};
use tokio::time::Instant;
use url::Url;

use crate::exchange::Connection;

use super::shown::{Identity, Shown, certificate};

tokio::task_local! {
    /// The request whose future is running.
    pub(super) static CURRENT: Arc<Recording>;
}

/// What the requests of one transport did together.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) connections: AtomicUsize,
    pub(super) handshakes: AtomicUsize,
    /// Origins whose last connection is on its way back into the pool.
    returning: Mutex<HashSet<String>>,
}

/// One request's view of its connection.
#[derive(Debug)]
pub(super) struct Recording {
    origin: String,
    host: String,
    tls_name: Option<ServerName<'static>>,
    totals: Arc<Totals>,
    state: Mutex<State>,
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No connection was begun: one stood, or nothing was done.
    Idle,
    /// A connection was begun, and a name (the host's or its proxy's) is being resolved.
    Resolving,
    /// No TCP connection yet.
    Connecting,
    /// The TLS handshake has not ended.
    Handshake,
    /// The connection stands, the answer's head is not read.
    Waiting,
    /// The head is read, the body is not.
    Reading,
}

#[derive(Debug, Default)]
struct State {
    begun: Option<Instant>,
    resolving: bool,
    resolve: Option<Duration>,
    addresses: Vec<IpAddr>,
    handshake: Option<Instant>,
    handshake_is_ours: bool,
    tls_version: Option<&'static str>,
    shown: Vec<CertificateDer<'static>>,
    identity: Identity,
    connected: Option<Instant>,
    remote: Option<IpAddr>,
    answered: Option<Instant>,
    ended: Option<Instant>,
}

impl Totals {
    /// Notes that the connection of a request will be free for the next one.
    pub(super) fn returning(&self, recording: &Recording) {
        lock(&self.returning).insert(recording.origin.clone());
    }
}

impl Recording {
    /// `url` is what is connected to.
    pub(super) fn new(url: &Url, totals: Arc<Totals>) -> Self {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_matches(['[', ']']);
        let mut state = State::default();
        state.addresses.extend(bare.parse::<IpAddr>().ok());
        Self {
            origin: url.origin().ascii_serialization(),
            host: host.to_owned(),
            tls_name: (url.scheme() == "https")
                .then(|| ServerName::try_from(bare.to_owned()).ok())
                .flatten(),
            totals,
            state: Mutex::new(state),
        }
    }

    /// The answer's head was read.
    pub(super) fn answered(&self, remote: Option<SocketAddr>) {
        let mut state = self.state();
        state.answered = Some(Instant::now());
        state.remote = remote.map(|address| address.ip());
    }

    /// The answer's last byte was read.
    pub(super) fn ended(&self) {
        self.state().ended = Some(Instant::now());
    }

    /// How far the request is.
    pub(super) fn stage(&self) -> Stage {
        let state = self.state();
        match (&state.begun, &state.connected) {
            _ if state.answered.is_some() => Stage::Reading,
            (None, _) => Stage::Idle,
            (Some(_), Some(_)) => Stage::Waiting,
            _ if state.handshake.is_some() => Stage::Handshake,
            _ if state.resolving => Stage::Resolving,
            _ => Stage::Connecting,
        }
    }

    /// What the server showed, for the words of a failed handshake.
    pub(super) fn shown(&self) -> Shown {
        let state = self.state();
        Shown::of(state.shown.first(), state.identity)
    }

    /// What was seen of a connection that this request opened, or tried to.
    pub(super) fn connection(&self, success: bool) -> Option<Connection> {
        let state = self.state();
        let begun = state.begun?;
        if success && state.connected.is_none() {
            // Another connection became free first and carried the request.
            return None;
        }
        let known = |remote: &IpAddr| state.addresses.contains(remote);
        let only = match state.addresses.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let mut addresses = state.addresses.clone();
        addresses.sort_unstable();
        addresses.dedup();
        Some(Connection {
            // Through a proxy the remote address is the proxy's: not the registry's.
            address: match state.remote {
                Some(remote) => Some(remote).filter(known),
                None => only,
            },
            addresses,
            resolve: state.resolve,
            connect: state.handshake.or(state.connected).map(|end| {
                end.duration_since(begun)
                    .saturating_sub(state.resolve.unwrap_or_default())
            }),
            tls: span(state.handshake, state.connected),
            tls_version: state.tls_version,
            certificates: state
                .shown
                .iter()
                .filter_map(|der| certificate(der))
                .collect(),
            processing: span(state.connected, state.answered),
            transfer: span(state.answered, state.ended),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

/// Whether what runs is inside the future of a request.
pub(super) fn in_request() -> bool {
    with(|_| ()).is_some()
}

/// Whether a connection to the same origin was about to be free; asked once, it
/// is not expected any more.
pub(super) fn takes_returning() -> bool {
    with(|recording| lock(&recording.totals.returning).remove(&recording.origin)).unwrap_or(false)
}

/// A connection is being opened.
pub(super) fn connection_begun() {
    with(|recording| recording.state().begun = Some(Instant::now()));
}

/// The connection stands, TLS included.
pub(super) fn connection_stands() {
    with(|recording| {
        recording.state().connected = Some(Instant::now());
        recording.totals.connections.fetch_add(1, Ordering::Relaxed);
    });
}

/// A name is being resolved.
pub(super) fn resolving() {
    with(|recording| recording.state().resolving = true);
}

/// A name was resolved; a proxy's is not the registry's and is not kept.
pub(super) fn resolved(name: &str, addresses: &[SocketAddr], took: Duration) {
    with(|recording| {
        let mut state = recording.state();
        state.resolving = false;
        if recording.host == name {
            state.resolve = Some(took);
            state.addresses = addresses.iter().map(SocketAddr::ip).collect();
        }
    });
}

/// A TLS handshake begins.
pub(super) fn handshake(name: &ServerName<'_>) {
    with(|recording| {
        let ours = recording.tls_name.as_ref() == Some(name);
        let mut state = recording.state();
        state.handshake_is_ours = ours;
        if ours {
            state.handshake = Some(Instant::now());
            recording.totals.handshakes.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// The handshake that runs is with the host that the request is for, and not
/// with a proxy.
pub(super) fn handshake_is_ours() -> bool {
    with(|recording| recording.state().handshake_is_ours).unwrap_or(false)
}

/// The server showed its chain, leaf first.
pub(super) fn shown(leaf: &CertificateDer<'_>, chain: &[CertificateDer<'_>]) {
    with(|recording| {
        let mut state = recording.state();
        if state.handshake_is_ours {
            state.shown = std::iter::once(leaf)
                .chain(chain)
                .map(|der| der.clone().into_owned())
                .collect();
        }
    });
}

/// The handshake agreed on a version of TLS.
pub(super) fn tls_version(version: &'static str) {
    with(|recording| {
        let mut state = recording.state();
        if state.handshake_is_ours {
            state.tls_version = Some(version);
        }
    });
}

/// The server asked for a client certificate.
pub(super) fn identity(identity: Identity) {
    with(|recording| recording.state().identity = identity);
}

fn with<T>(act: impl FnOnce(&Recording) -> T) -> Option<T> {
    CURRENT.try_with(|recording| act(recording)).ok()
}

fn span(from: Option<Instant>, to: Option<Instant>) -> Option<Duration> {
    Some(to?.duration_since(from?))
}

/// A panic elsewhere must not take the observer down: its state is plain data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
