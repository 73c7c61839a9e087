//! How a registry is reached.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::words::word;

use super::{redact, tls::TlsPolicy};

/// The TLS policy of one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// Roots in addition to the system's; also a self-signed server certificate.
    pub ca_file: Option<PathBuf>,
    /// The client certificate (PEM chain).
    pub cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
    /// The name to ask for (SNI) and to verify, instead of the host. Through a proxy it is
    /// only verified: what the proxy connects to is asked for by its own name.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// The oldest version of TLS that is spoken.
    pub min_version: TlsVersion,
}

/// A version of TLS that is safe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// Every version with its word.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Tls12, "1.2"), (Self::Tls13, "1.3")];

    /// `1.2` or `1.3`.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

/// How proxies are decided: never silently from the environment.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ProxyOptions {
    /// The proxy of every request, but those of `no_proxy`.
    pub url: Option<Url>,
    /// Who we are to that proxy (Basic), together with `password_file`.
    pub username: Option<String>,
    /// The file of the password, read again for every transport.
    pub password_file: Option<PathBuf>,
    /// Hosts reached without it (`example.com`, `.example.com`, an address, a CIDR, `*`).
    pub no_proxy: Vec<String>,
    /// Take `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` from the environment.
    pub from_environment: bool,
}

/// Everything a [`Transport`](super::Transport) is made of.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// The TLS policy, from [`TlsPolicies::policy`](super::TlsPolicies::policy).
    pub tls: Arc<TlsPolicy>,
    /// The registry's own host, as its URL writes it. What opens the TLS policy
    /// (`server_name`, `insecure_skip_verify`) and the client certificate are for
    /// this host alone, on every port; token and storage hosts are verified
    /// against the same roots and nothing less.
    pub host: String,
    /// How proxies are decided.
    pub proxy: ProxyOptions,
    /// The limit of DNS, TCP and TLS together.
    pub connect_timeout: Duration,
    /// Addresses that stand in for name resolution, by host name.
    pub resolve: BTreeMap<String, IpAddr>,
    /// Offer HTTP/2 in the TLS handshake.
    pub http2: bool,
    /// The `User-Agent` of every request, from [`user_agent`].
    pub user_agent: String,
}

impl fmt::Debug for ProxyOptions {
    // The URL may hold the proxy's password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ProxyOptions")
            .field("url", &self.url.as_ref().map(redact::url))
            .field("username", &self.username)
            .field("password_file", &self.password_file)
            .field("no_proxy", &self.no_proxy)
            .field("from_environment", &self.from_environment)
            .finish()
    }
}

/// `oci-registry-exporter/<version>`, and the comment in brackets where there is
/// one. Never one that looks like Docker's: zot answers those differently.
pub fn user_agent(comment: Option<&str>) -> String {
    let own = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    match comment {
        Some(comment) if !comment.is_empty() => format!("{own} ({comment})"),
        _ => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let options = ProxyOptions {
            url: Some(Url::parse("http://bob:hunter2@proxy.test:3128").unwrap()),
            ..ProxyOptions::default()
        };
        let shown = format!("{options:?}");
        assert!(shown.contains("http://proxy.test:3128/"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn the_user_agent_is_our_own() {
        let own = concat!("oci-registry-exporter/", env!("CARGO_PKG_VERSION"));
        assert_eq!(user_agent(None), own);
        assert_eq!(user_agent(Some("")), own);
        assert_eq!(user_agent(Some("prod")), format!("{own} (prod)"));
    }
}
