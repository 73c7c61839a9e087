//! Starting a simulator.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::auth::{Accounts, Grant, User};
use crate::fault::Faults;
use crate::log::{Door, Log};
use crate::profile::{Profile, Scheme};
use crate::server;
use crate::shared::{Entrance, Inner, Shared};
use crate::sim::RegistrySim;
use crate::state::State;
use crate::tls::{Identity, TlsOptions};

/// What a simulator will be.
#[derive(Clone, Debug)]
pub struct Builder {
    profile: Profile,
    scheme: Option<Scheme>,
    users: Vec<User>,
    anonymous: Vec<Grant>,
    lifetime: Duration,
    listen: SocketAddr,
    more: usize,
    token_listen: Option<SocketAddr>,
    realm: Option<String>,
    tls: bool,
    tls_options: TlsOptions,
    log: bool,
}

impl RegistrySim {
    /// Begins a registry that answers like this.
    pub fn profile(profile: impl Borrow<Profile>) -> Builder {
        Builder {
            profile: *profile.borrow(),
            scheme: None,
            users: Vec::new(),
            anonymous: Vec::new(),
            lifetime: Duration::from_mins(5),
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            more: 0,
            token_listen: None,
            realm: None,
            tls: false,
            tls_options: TlsOptions::default(),
            log: true,
        }
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

    /// Gives the users of this name a refresh token.
    #[must_use]
    pub fn refresh_token(mut self, name: &str, refresh_token: &str) -> Self {
        for user in self.users.iter_mut().filter(|user| user.name == name) {
            user.refresh_token = Some(refresh_token.to_owned());
        }
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

    /// Answers on this many more free ports too: one registry at many origins, for
    /// who asks a thousand of them.
    #[must_use]
    pub fn more_ports(mut self, count: usize) -> Self {
        self.more = count;
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

    /// Speaks TLS and does not offer HTTP/2.
    #[must_use]
    pub fn tls_http1(mut self) -> Self {
        self.tls_options.http1_only = true;
        self.tls(true)
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

    /// Counts requests but keeps none, for benches and for what runs long:
    /// otherwise every request stays in memory.
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
        self.try_start()
            .await
            .expect("the address to listen on is free")
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
        let addresses: Vec<SocketAddr> = token_address.into_iter().chain([address]).collect();
        let mut more = Vec::with_capacity(self.more);
        for _ in 0..self.more {
            more.push(TcpListener::bind((address.ip(), 0)).await?);
        }
        let identity = self
            .tls
            .then(|| Arc::new(Identity::new(&self.tls_options, &addresses)));
        let realm = self.realm.clone();
        let shared = Arc::new(Shared::new(self.inner(), scheme, realm, token_origin));
        let stop = watch::Sender::new(false);
        let listen = |listener, door| {
            let (shared, identity) = (Arc::clone(&shared), identity.clone());
            tokio::spawn(server::listen(
                shared,
                listener,
                door,
                identity,
                stop.subscribe(),
            ))
        };
        let mut listeners = vec![listen(listener, Door::Registry)];
        listeners.extend(token_listener.map(|listener| listen(listener, Door::Token)));
        let mut more_addresses = Vec::with_capacity(more.len());
        for listener in more {
            more_addresses.push(listener.local_addr()?);
            listeners.push(listen(listener, Door::Registry));
        }
        let (ca_pem, client) = identity.map_or((None, None), |identity| {
            (Some(identity.ca_pem.clone()), identity.client.clone())
        });
        Ok(RegistrySim {
            shared,
            address,
            more: more_addresses,
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
            pulls_left: self.profile.pull_limit.map_or(0, |limit| limit.left),
            entrance: Entrance::Open,
        }
    }
}

pub(crate) fn user<'a>(
    name: &str,
    password: &str,
    rights: impl IntoIterator<Item = (&'a str, &'a str)>,
    expired: bool,
) -> User {
    User {
        name: name.to_owned(),
        password: password.to_owned(),
        refresh_token: None,
        rights: grants(rights),
        expired,
        mistaken: 0,
    }
}

pub(crate) fn grants<'a>(rights: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Grant> {
    rights
        .into_iter()
        .map(|(pattern, rights)| Grant::new(pattern, rights))
        .collect()
}
