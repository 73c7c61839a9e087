//! What one cycle showed of a registry beside the answers of its checks.

use std::time::{Duration, SystemTime};

use super::SessionEnd;
use crate::{exchange::Certificate, oci::RateLimit, words::word};

/// What of a registry can change and is told apart by fingerprints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// The configured secret.
    Secret,
    /// The rights granted in a token.
    Grant,
    /// The leaf certificate.
    Certificate,
    /// The addresses that the name resolves to.
    Address,
    /// The server's signs of its version.
    ServerVersion,
    /// This registry's own configuration.
    Configuration,
    /// The version of this program.
    Exporter,
}

impl Change {
    /// Every change with its word, the label `what`.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Secret, "secret"),
        (Self::Grant, "grant"),
        (Self::Certificate, "certificate"),
        (Self::Address, "address"),
        (Self::ServerVersion, "server_version"),
        (Self::Configuration, "configuration"),
        (Self::Exporter, "exporter"),
    ];

    /// The word used as label.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

/// The fingerprint of one part of what may change; parts change apart from each
/// other (one header of several, a token's rights by its scope), and so do credential sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// What.
    pub what: Change,
    /// The credential set whose it is, by name; `None` for what is the registry's own.
    pub credential: Option<String>,
    /// Which part of it; empty where there is only one.
    pub part: String,
    /// The fingerprint, never the value.
    pub value: u64,
}

impl Fingerprint {
    /// The fingerprint of a part of what is the registry's own.
    pub fn new(what: Change, part: &str, value: u64) -> Self {
        Self {
            what,
            credential: None,
            part: part.to_owned(),
            value,
        }
    }

    /// The fingerprint of a part of what is a credential set's.
    pub fn of_set(what: Change, set: &str, part: &str, value: u64) -> Self {
        Self {
            credential: Some(set.to_owned()),
            ..Self::new(what, part, value)
        }
    }

    /// Whether both speak of the same part.
    pub fn same_part(&self, other: &Self) -> bool {
        self.what == other.what && self.credential == other.credential && self.part == other.part
    }
}

/// The way of the cycle's first request, phase by phase; absent what was not gone through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Name resolution.
    pub resolve: Option<Duration>,
    /// The TCP handshake.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the request's last byte to the answer's head.
    pub processing: Option<Duration>,
    /// From the answer's head to its last byte.
    pub transfer: Option<Duration>,
}

/// One cycle's by-products. `None` and empty mean "not seen", and change nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Whether the first answer of the registry's own origin was under 500 and
    /// shaped like a registry; `None` when the cycle sent no request.
    pub up: Option<bool>,
    /// The product, recognised from answers that came anyway.
    pub product: Option<&'static str>,
    /// The version of that product, where its answers tell.
    pub product_version: Option<String>,
    /// `basic`, `bearer` or `anonymous`: what the ping asks for.
    pub auth_method: Option<&'static str>,
    /// The version header.
    pub distribution_version: Option<String>,
    /// `1.2` or `1.3`.
    pub tls_version: Option<&'static str>,
    /// `1.1` or `2`.
    pub http_version: Option<&'static str>,
    /// The first request's phases.
    pub phases: Option<Phases>,
    /// The chain shown by the server, leaf first.
    pub certificates: Vec<Certificate>,
    /// End of the configured client certificate (seconds since the epoch).
    pub client_certificate_not_after: Option<i64>,
    /// The rate limit headers, by credential set.
    pub rate_limits: Vec<(String, RateLimit)>,
    /// A 429 ended a probe without an answer (`true`), or a request was answered otherwise.
    pub throttled: Option<bool>,
    /// Until when a 429 keeps requests from this registry.
    pub backoff_until: Option<SystemTime>,
    /// `Warning:` headers seen.
    pub warnings: u64,
    /// What they say to a person, each once, at most [`Observation::MOST_WARNINGS`].
    pub warning_texts: Vec<String>,
    /// How the upload sessions that this cycle opened came to their ends.
    pub sessions: Vec<SessionEnd>,
    /// Fingerprints of what may change; a part that is missing was not looked at.
    pub fingerprints: Vec<Fingerprint>,
}

impl Observation {
    /// How many texts of `Warning:` headers are kept.
    pub const MOST_WARNINGS: usize = 5;

    /// The product and its version: as configured, else as recognised. The version
    /// is that of the recognised product and of no other.
    pub fn known_as<'a>(
        &'a self,
        configured: Option<&'a str>,
    ) -> (Option<&'a str>, Option<&'a str>) {
        let product = configured.or(self.product);
        let version = self.product_version.as_deref();
        (product, version.filter(|_| product == self.product))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value;

    #[test]
    fn words_and_values_are_one_to_one() {
        for (change, word) in Change::ALL {
            assert_eq!(change.as_str(), word);
            assert_eq!(value(&Change::ALL, word), Some(change));
        }
    }

    #[test]
    fn a_version_is_of_the_product_that_showed_it() {
        let seen = Observation {
            product: Some("artifactory"),
            product_version: Some("7.90.1".to_owned()),
            ..Observation::default()
        };
        let version = Some("7.90.1");
        assert_eq!(seen.known_as(None), (Some("artifactory"), version));
        assert_eq!(
            seen.known_as(Some("artifactory")),
            (Some("artifactory"), version)
        );
        assert_eq!(seen.known_as(Some("harbor")), (Some("harbor"), None));
        assert_eq!(Observation::default().known_as(None), (None, None));
    }
}
