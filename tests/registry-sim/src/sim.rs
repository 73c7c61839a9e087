//! The handle: starting a simulator, changing it while it runs, and asking it
//! what it saw.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::auth::{Accounts, Grant, User};
use crate::fault::{Fault, Faults};
use crate::log::{Door, Log, Logged, Operation};
use crate::profile::{Profile, Scheme};
use crate::server::{self, Entrance, Inner, Shared};
use crate::state::{Sessions, State};
use crate::tls::{ClientIdentity, Identity, TlsOptions};

/// A registry that is not there, on loopback, until it is dropped.
pub struct RegistrySim {
    pub(crate) shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: Option<String>,
    client: Option<ClientIdentity>,
    stop: watch::Sender<bool>,
    listeners: Vec<JoinHandle<()>>,
}

/// What a simulator will be.
#[derive(Clone, Debug)]
pub struct Builder {
    profile: Profile,
    scheme: Option<Scheme>,
    users: Vec<User>,
    anonymous: Vec<Grant>,
    lifetime: Duration,
    listen: SocketAddr,
    token_listen: Option<SocketAddr>,
    realm: Option<String>,
    tls: bool,
    tls_options: TlsOptions,
    log: bool,
}

impl RegistrySim {
    /// Begins a registry that answers like this.
    pub fn profile(profile: Profile) -> Builder {
        Builder {
            profile,
            scheme: None,
            users: Vec::new(),
            anonymous: Vec::new(),
            lifetime: Duration::from_mins(5),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            token_listen: None,
            realm: None,
            tls: false,
            tls_options: TlsOptions::default(),
            log: true,
        }
    }

    // ---- where it is

    /// `http://127.0.0.1:<port>` or `https://…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://{}", self.shared.scheme, self.address)
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
        self.shared.lock().entrance = entrance;
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
        let mut arrivals = self.shared.arrivals.subscribe();
        arrivals
            .wait_for(|arrived| *arrived >= count)
            .await
            .expect("the sender lives in the simulator");
    }

    /// Whether this text ever arrived: in a path, query, header (Basic is
    /// decoded) or small body. For canaries that must never arrive.
    pub fn saw(&self, canary: &str) -> bool {
        self.shared.lock().log.saw(canary)
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
        let resumed = |counters: &server::Counters| counters.resumed.load(Ordering::SeqCst);
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

impl Builder {
    /// Adds a user with rights on repositories: a name, `prefix/*` or `*`, and
    /// `pull`, `push`, `delete` joined by commas.
    #[must_use]
    pub fn user<'a>(
        mut self,
        name: &str,
        password: &str,
        rights: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.users.push(user(name, password, rights, false));
        self
    }

    /// Adds a user whose password has expired.
    #[must_use]
    pub fn expired_user(mut self, name: &str, password: &str) -> Self {
        self.users.push(user(name, password, [], true));
        self
    }

    /// What may be done without credentials.
    #[must_use]
    pub fn anonymous<'a>(mut self, rights: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.anonymous = grants(rights);
        self
    }

    /// How callers are recognised, in place of the profile's way.
    #[must_use]
    pub fn auth(mut self, scheme: Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// How long a token lives (300 s).
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Changes the profile, as [`RegistrySim::tune`] does later.
    #[must_use]
    pub fn tune(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        change(&mut self.profile);
        self
    }

    /// Listens here in place of `127.0.0.1:0`.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Listens on this address and a free port; another loopback address makes
    /// another origin and another host.
    #[must_use]
    pub fn ip(mut self, ip: [u8; 4]) -> Self {
        self.listen = SocketAddr::from((ip, 0));
        self
    }

    /// Gives the token service a listener of its own.
    #[must_use]
    pub fn token_listener(mut self, address: SocketAddr) -> Self {
        self.token_listen = Some(address);
        self
    }

    /// Names this realm in challenges, whatever it leads to.
    #[must_use]
    pub fn realm(mut self, url: &str) -> Self {
        self.realm = Some(url.to_owned());
        self
    }

    /// Speaks TLS, with a CA of its own making, and offers HTTP/2.
    #[must_use]
    pub fn tls(mut self, on: bool) -> Self {
        self.tls = on;
        self
    }

    /// Speaks TLS and asks every client for a certificate.
    #[must_use]
    pub fn client_certificate(mut self) -> Self {
        self.tls_options.client_certificate = true;
        self.tls(true)
    }

    /// Speaks TLS with a certificate for these names only.
    #[must_use]
    pub fn certificate_names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.tls_options.names = Some(names.into_iter().map(str::to_owned).collect());
        self.tls(true)
    }

    /// Speaks TLS with a certificate that ended in 2001.
    #[must_use]
    pub fn expired_certificate(mut self) -> Self {
        self.tls_options.expired = true;
        self.tls(true)
    }

    /// Counts requests but keeps none: for benches.
    #[must_use]
    pub fn without_log(mut self) -> Self {
        self.log = false;
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When the address is not free.
    pub async fn start(self) -> RegistrySim {
        let listen = self.listen;
        self.try_start()
            .await
            .unwrap_or_else(|error| unreachable!("cannot listen on {listen}: {error}"))
    }

    /// Starts it, or says why the address cannot be had.
    pub async fn try_start(self) -> io::Result<RegistrySim> {
        let listener = TcpListener::bind(self.listen).await?;
        let address = listener.local_addr()?;
        let token_listener = match self.token_listen {
            Some(address) => Some(TcpListener::bind(address).await?),
            None => None,
        };
        let scheme = if self.tls { "https" } else { "http" };
        let token_address = token_listener
            .as_ref()
            .map(TcpListener::local_addr)
            .transpose()?;
        let token_origin = token_address.map(|address| format!("{scheme}://{address}"));
        let identity = self
            .tls
            .then(|| Identity::new(&self.tls_options, address.ip()));
        let realm = self.realm.clone();
        let shared = Arc::new(Shared::new(self.inner(), scheme, realm, token_origin));
        let stop = watch::Sender::new(false);
        let acceptor = identity.as_ref().map(|identity| identity.acceptor.clone());
        let listen = |listener, door| {
            let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
            tokio::spawn(server::listen(
                shared,
                listener,
                door,
                acceptor,
                stop.subscribe(),
            ))
        };
        let mut listeners = vec![listen(listener, Door::Registry)];
        listeners.extend(token_listener.map(|listener| listen(listener, Door::Token)));
        let (ca_pem, client) = identity.map_or((None, None), |identity| {
            (Some(identity.ca_pem), identity.client)
        });
        Ok(RegistrySim {
            shared,
            address,
            ca_pem,
            client,
            stop,
            listeners,
        })
    }

    fn inner(self) -> Inner {
        let mut log = Log::default();
        if !self.log {
            log.switch_off();
        }
        Inner {
            profile: self.profile,
            accounts: Accounts {
                scheme: self.scheme,
                users: self.users,
                anonymous: self.anonymous,
                tokens: HashMap::new(),
                lifetime: self.lifetime,
            },
            state: State::default(),
            faults: Faults::default(),
            log,
            pulls_left: self.profile.pull_limit.map_or(0, |limit| limit.limit),
            entrance: Entrance::Open,
        }
    }
}

fn user<'a>(
    name: &str,
    password: &str,
    rights: impl IntoIterator<Item = (&'a str, &'a str)>,
    expired: bool,
) -> User {
    User {
        name: name.to_owned(),
        password: password.to_owned(),
        rights: grants(rights),
        expired,
    }
}

fn grants<'a>(rights: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Grant> {
    rights
        .into_iter()
        .map(|(pattern, rights)| Grant::new(pattern, rights))
        .collect()
}
