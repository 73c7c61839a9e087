//! The handle: changing a simulator while it runs, and asking it what it saw.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::builder::{grants, user};
use crate::fault::Fault;
use crate::log::{Logged, Operation};
use crate::profile::Profile;
use crate::shared::{Counters, Entrance, Shared};
use crate::state::Sessions;
use crate::tls::ClientIdentity;

/// A registry that is not there, on loopback, until it is dropped.
pub struct RegistrySim {
    pub(crate) shared: Arc<Shared>,
    pub(crate) address: SocketAddr,
    pub(crate) more: Vec<SocketAddr>,
    pub(crate) ca_pem: Option<String>,
    pub(crate) client: Option<ClientIdentity>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) listeners: Vec<JoinHandle<()>>,
}

impl RegistrySim {
    // ---- where it is

    /// `http://127.0.0.1:<port>` or `https://…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme, self.address)
    }

    /// [`Self::url`], and that of each further port ([`more_ports`](crate::Builder::more_ports)).
    pub fn urls(&self) -> Vec<String> {
        let all = [&self.address].into_iter().chain(&self.more);
        let url = |address| format!("{}://{address}", self.shared.scheme);
        all.map(url).collect()
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The realm that a Bearer challenge names.
    pub fn token_url(&self) -> String {
        let own = || {
            let origin = self
                .shared
                .token_origin
                .clone()
                .unwrap_or_else(|| self.url());
            format!("{origin}{}", self.shared.lock().profile.token.path)
        };
        self.shared.realm.clone().unwrap_or_else(own)
    }

    /// The CA that signed the certificate, PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What a client shows where a client certificate is required.
    pub fn client_identity(&self) -> Option<&ClientIdentity> {
        self.client.as_ref()
    }

    // ---- changing it while it runs

    /// Adds a rule; the first that matches and is not spent acts.
    pub fn fault(&self, fault: Fault) {
        self.shared.lock().faults.push(fault);
    }

    /// Drops all rules.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Changes how the registry answers from now on, such as
    /// `sim.tune(|profile| profile.referrers = Referrers::NoRoute)`.
    pub fn tune(&self, change: impl FnOnce(&mut Profile)) {
        change(&mut self.shared.lock().profile);
    }

    /// Adds a user, or gives a known one this password and these rights.
    pub fn set_user<'a>(
        &self,
        name: &str,
        password: &str,
        rights: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) {
        let mut inner = self.shared.lock();
        inner.accounts.users.retain(|user| user.name != name);
        inner
            .accounts
            .users
            .push(user(name, password, rights, false));
    }

    /// Gives a user another password. Tokens given out stay good.
    pub fn set_password(&self, name: &str, password: &str) {
        for user in self
            .shared
            .lock()
            .accounts
            .users
            .iter_mut()
            .filter(|user| user.name == name)
        {
            password.clone_into(&mut user.password);
        }
    }

    /// Replaces a user's rights. Tokens given out keep theirs.
    pub fn set_rights<'a>(&self, name: &str, rights: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let rights = grants(rights);
        for user in self
            .shared
            .lock()
            .accounts
            .users
            .iter_mut()
            .filter(|user| user.name == name)
        {
            user.rights.clone_from(&rights);
        }
    }

    /// Lets suspended users in again ([`suspends`](crate::profile::Auth::suspends)).
    pub fn lift_suspensions(&self) {
        for user in &mut self.shared.lock().accounts.users {
            user.mistaken = 0;
        }
    }

    /// Makes a user's password expired.
    pub fn expire_user(&self, name: &str) {
        for user in self
            .shared
            .lock()
            .accounts
            .users
            .iter_mut()
            .filter(|user| user.name == name)
        {
            user.expired = true;
        }
    }

    /// Replaces what may be done without credentials.
    pub fn set_anonymous<'a>(&self, rights: impl IntoIterator<Item = (&'a str, &'a str)>) {
        self.shared.lock().accounts.anonymous = grants(rights);
    }

    /// Makes every token given out expired.
    pub fn expire_tokens(&self) {
        for token in self.shared.lock().accounts.tokens.values_mut() {
            token.expires = Instant::now();
        }
    }

    /// Sets what is left of the pull limit.
    pub fn set_pulls_left(&self, pulls: u32) {
        self.shared.lock().pulls_left = pulls;
    }

    /// What happens to new TCP connections from now on.
    pub fn set_entrance(&self, entrance: Entrance) {
        self.shared.set_entrance(entrance);
    }

    // ---- what it saw

    /// The requests since the start, or since [`Self::take_requests`].
    pub fn requests(&self) -> Vec<Logged> {
        self.shared.lock().log.kept()
    }

    /// As [`Self::requests`], and forgets them.
    pub fn take_requests(&self) -> Vec<Logged> {
        self.shared.lock().log.take()
    }

    /// Requests of this kind since the start.
    pub fn count(&self, operation: Operation) -> u64 {
        self.shared.lock().log.count(operation)
    }

    /// Requests since the start.
    pub fn total_requests(&self) -> u64 {
        self.shared.lock().log.total()
    }

    /// Returns once this many requests have arrived since the start, answered
    /// or not.
    pub async fn requests_arrived(&self, count: u64) {
        self.until(|sim| sim.total_requests() >= count).await;
    }

    /// Returns once this holds; looks again whenever a request arrives or is
    /// answered, and whenever a connection begins or ends. In place of sleeping
    /// in a test: `sim.until(|sim| sim.open_sessions() == 0).await`.
    pub async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !condition(self) {
            changes
                .changed()
                .await
                .expect("the sender lives in the simulator");
        }
    }

    /// Whether this text ever arrived: in a path, query, header (Basic is
    /// decoded) or small body. For canaries that must never arrive.
    pub fn saw(&self, canary: &str) -> bool {
        self.shared.lock().log.saw(canary)
    }

    /// Bytes read from and written to clients since the start, above TLS and on both
    /// listeners.
    pub fn bytes(&self) -> (u64, u64) {
        let moved = &self.shared.moved;
        (
            moved.read.load(Ordering::Relaxed),
            moved.written.load(Ordering::Relaxed),
        )
    }

    /// Every token given out since the start: canaries, each of them.
    pub fn tokens(&self) -> Vec<String> {
        self.shared.lock().accounts.tokens.keys().cloned().collect()
    }

    /// TCP connections accepted by the registry's listener since the start.
    pub fn connections(&self) -> u64 {
        self.shared.registry.accepted.load(Ordering::SeqCst)
    }

    /// TCP connections of the registry's listener that are open now.
    pub fn open_connections(&self) -> u64 {
        self.shared.registry.open.load(Ordering::SeqCst)
    }

    /// TCP connections accepted by the token service's own listener.
    pub fn token_connections(&self) -> u64 {
        self.shared.token.accepted.load(Ordering::SeqCst)
    }

    /// Full TLS handshakes of the registry's listener since the start.
    pub fn handshakes(&self) -> u64 {
        self.shared.registry.handshakes.load(Ordering::SeqCst)
    }

    /// Full TLS handshakes of the token service's own listener.
    pub fn token_handshakes(&self) -> u64 {
        self.shared.token.handshakes.load(Ordering::SeqCst)
    }

    /// TLS handshakes that resumed a session, on both listeners.
    pub fn resumed_handshakes(&self) -> u64 {
        let resumed = |counters: &Counters| counters.resumed.load(Ordering::SeqCst);
        resumed(&self.shared.registry) + resumed(&self.shared.token)
    }

    /// Upload sessions that are open now.
    pub fn open_sessions(&self) -> usize {
        self.shared.lock().state.open_sessions()
    }

    /// Upload sessions since the start.
    pub fn sessions(&self) -> Sessions {
        self.shared.lock().state.tally
    }

    /// The digest that a tag names now.
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<String> {
        let inner = self.shared.lock();
        inner.state.repository(repository)?.tags.get(tag).cloned()
    }

    /// The repositories that are there now.
    pub fn repositories(&self) -> Vec<String> {
        self.shared
            .lock()
            .state
            .repositories
            .keys()
            .cloned()
            .collect()
    }

    /// Ends every connection and gives the port back. Dropping the simulator
    /// does the same, but does not wait.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for listener in self.listeners.drain(..) {
            // An error means that the listener is gone already.
            let _ = listener.await;
        }
    }
}

impl Drop for RegistrySim {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

impl std::fmt::Debug for RegistrySim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistrySim")
            .field("url", &self.url())
            .field("profile", &self.shared.lock().profile.name)
            .finish_non_exhaustive()
    }
}
