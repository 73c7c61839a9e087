//! How a registry is reached.

use std::path::PathBuf;

use url::Url;

/// The TLS policy of one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// Roots in addition to the system's; also a self-signed server certificate.
    pub ca_file: Option<PathBuf>,
    /// The client certificate (PEM chain).
    pub cert_file: Option<PathBuf>,
    /// Its key (PEM).
    pub key_file: Option<PathBuf>,
    /// The name to ask for and to verify, instead of the host.
    pub server_name: Option<String>,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

/// How proxies are decided: never silently from the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProxyOptions {
    /// The proxy of every request, but those of `no_proxy`.
    pub url: Option<Url>,
    /// Hosts reached without it (`example.com`, `.example.com`, an address, a CIDR, `*`).
    pub no_proxy: Vec<String>,
    /// Take `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` from the environment.
    pub from_environment: bool,
}
