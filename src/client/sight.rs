//! What a cycle shows of a registry without being asked for.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::ping::{Ping, like_a_registry};
use crate::{
    config::Target,
    exchange::{Certificate, Connection, Exchange, Reply, Sent},
    oci::{self, RateLimit},
    outcome::{Change, Fingerprint, Observation, Phases},
};

/// The by-products, gathered while the cycle runs.
#[derive(Debug, Default)]
pub(super) struct Sight {
    up: Option<bool>,
    product: Option<&'static str>,
    product_version: Option<String>,
    auth_method: Option<&'static str>,
    version: Option<String>,
    answered: bool,
    tls_version: Option<&'static str>,
    http_version: Option<&'static str>,
    phases: Option<Phases>,
    certificates: Vec<Certificate>,
    rate_limits: Vec<(String, RateLimit)>,
    /// What the latest answer said of a limit, until it is known whose it is.
    latest_limit: Option<RateLimit>,
    throttled: Option<bool>,
    warnings: u64,
    warning_texts: Vec<String>,
    fingerprints: Vec<Fingerprint>,
}

impl Sight {
    /// Takes in one try, of the registry's own origin or of another.
    pub(super) fn see(&mut self, own: bool, host: &str, sent: &Sent, exchange: &Exchange) {
        let reply = exchange.as_ref().ok().filter(|_| own);
        self.latest_limit = reply.and_then(RateLimit::of);
        if !own {
            return;
        }
        if let Some(connection) = &sent.connection {
            self.connection(connection);
        }
        let up = exchange
            .as_ref()
            .is_ok_and(|reply| like_a_registry(sent.operation, reply));
        self.up.get_or_insert(up);
        if let Ok(reply) = exchange {
            self.reply(reply, host);
        }
    }

    /// The anonymous ping, remembered or asked.
    pub(super) fn ping(&mut self, ping: &Ping) {
        self.auth_method = ping.auth_method().or(self.auth_method);
        self.product = self.product.or(ping.product);
        self.answered |= (200..300).contains(&ping.status);
        if ping.version.is_some() {
            self.version.clone_from(&ping.version);
        }
    }

    /// The fingerprint of a credential set's content.
    pub(super) fn secret(&mut self, set: &str, value: u64) {
        self.keep(Fingerprint::of_set(Change::Secret, set, "", value));
    }

    /// The rights granted in a token for a scope.
    pub(super) fn grant(&mut self, set: &str, scope: &str, access: &[(String, Vec<String>)]) {
        let mut rights: Vec<(&str, Vec<&str>)> = access
            .iter()
            .map(|(name, actions)| {
                let mut actions: Vec<&str> = actions.iter().map(String::as_str).collect();
                actions.sort_unstable();
                (name.as_str(), actions)
            })
            .collect();
        rights.sort_unstable();
        let rights = hash(&rights);
        self.keep(Fingerprint::of_set(Change::Grant, set, scope, rights));
    }

    /// The latest answer, also a 429, was one to this set.
    pub(super) fn answered_to(&mut self, set: &str) {
        if let Some(limit) = self.latest_limit.take() {
            self.rate_limits.retain(|(known, _)| known != set);
            self.rate_limits.push((set.to_owned(), limit));
        }
    }

    /// The rate limit of a set, as far as the cycle showed one.
    pub(super) fn rate_limit(&self, set: &str) -> Option<RateLimit> {
        let mut limits = self.rate_limits.iter();
        limits.find(|(known, _)| known == set).map(|(_, it)| *it)
    }

    /// A 429 ended a request without an answer, or one was answered otherwise.
    pub(super) fn throttled(&mut self, throttled: bool) {
        self.throttled = Some(throttled);
    }

    /// The product, as far as its signs were seen.
    pub(super) fn product(&self) -> Option<&'static str> {
        self.product
    }

    /// The version header, and whether any answer of the 2xx was there to have it.
    pub(super) fn version(&self) -> (Option<String>, bool) {
        (self.version.clone(), self.answered)
    }

    /// Everything, for the store.
    pub(super) fn observation(&self, target: &Target) -> Observation {
        let mut fingerprints = self.fingerprints.clone();
        fingerprints.push(Fingerprint::new(
            Change::Configuration,
            "",
            target.fingerprint,
        ));
        let version = hash(&env!("CARGO_PKG_VERSION"));
        fingerprints.push(Fingerprint::new(Change::Exporter, "", version));
        Observation {
            up: self.up,
            product: self.product,
            product_version: self.product_version.clone(),
            auth_method: self.auth_method,
            distribution_version: self.version.clone(),
            tls_version: self.tls_version,
            http_version: self.http_version,
            phases: self.phases,
            certificates: self.certificates.clone(),
            rate_limits: self.rate_limits.clone(),
            throttled: self.throttled,
            warnings: self.warnings,
            warning_texts: self.warning_texts.clone(),
            fingerprints,
            ..Observation::default()
        }
    }

    fn connection(&mut self, connection: &Connection) {
        if self.phases.is_none() {
            self.phases = Some(Phases {
                resolve: connection.resolve,
                connect: connection.connect,
                tls: connection.tls,
                processing: connection.processing,
                transfer: connection.transfer,
            });
        }
        self.tls_version = connection.tls_version.or(self.tls_version);
        if !connection.addresses.is_empty() {
            let addresses = hash(&connection.addresses);
            self.fingerprint(Change::Address, "", addresses);
        }
        if let Some(leaf) = connection.certificates.first() {
            self.fingerprint(Change::Certificate, "", hash(&leaf.sha256));
            self.certificates.clone_from(&connection.certificates);
        }
    }

    fn reply(&mut self, reply: &Reply, host: &str) {
        self.http_version = Some(reply.http_version);
        self.answered |= (200..300).contains(&reply.status);
        self.product = self.product.or_else(|| oci::product(reply, host));
        if let Some(product) = self.product {
            let version = oci::product_version(product, reply);
            self.product_version = version.or(self.product_version.take());
        }
        self.warnings += u64::try_from(reply.header_all("warning").count()).unwrap_or(u64::MAX);
        for text in oci::warnings(reply) {
            let room = self.warning_texts.len() < Observation::MOST_WARNINGS;
            if room && !self.warning_texts.contains(&text) {
                self.warning_texts.push(text);
            }
        }
        if let Some(version) = oci::distribution_version(reply) {
            self.version = Some(version);
        }
        // Only the header is a sign of the same thing on every route.
        for sign in VERSION_SIGNS {
            if let Some(value) = reply.header(sign) {
                self.fingerprint(Change::ServerVersion, sign, hash(&value));
            }
        }
    }

    fn fingerprint(&mut self, what: Change, part: &str, value: u64) {
        self.keep(Fingerprint::new(what, part, value));
    }

    fn keep(&mut self, new: Fingerprint) {
        match self
            .fingerprints
            .iter_mut()
            .find(|known| known.same_part(&new))
        {
            Some(known) => *known = new,
            None => self.fingerprints.push(new),
        }
    }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Headers in which a server says which version it is.
const VERSION_SIGNS: [&str; 5] = [
    "docker-distribution-api-version",
    "server",
    "x-jfrog-version",
    "gitlab-container-registry-version",
    "x-powered-by",
];
