//! Name resolution by the system, measured, with the addresses that the
//! configuration gives instead.

use std::{
    collections::BTreeMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

use super::observer;

/// The system's resolver, and two exceptions from it.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    /// Addresses by host name, lower case.
    pub(super) addresses: Arc<BTreeMap<String, IpAddr>>,
    /// A name that stands for a host: `tls.server_name` and the registry's host.
    pub(super) alias: Option<(String, String)>,
}

/// A name that could not be resolved.
#[derive(Debug)]
pub(super) struct DnsError {
    host: String,
    source: Option<io::Error>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let this = self.clone();
        Box::pin(async move {
            let asked = name.as_str();
            let host = match &this.alias {
                Some((alias, host)) if alias == asked => host.as_str(),
                _ => asked,
            };
            observer::resolving();
            let started = Instant::now();
            let found = this.addresses(host).await?;
            observer::resolved(asked, &found, started.elapsed());
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Resolver {
    /// In the system's order of preference; the port stays the URL's.
    async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, DnsError> {
        let given = self
            .addresses
            .get(&host.to_ascii_lowercase())
            .copied()
            .or_else(|| host.trim_matches(['[', ']']).parse().ok());
        if let Some(address) = given {
            return Ok(vec![SocketAddr::new(address, 0)]);
        }
        let error = |source| DnsError {
            host: host.to_owned(),
            source,
        };
        let found: Vec<_> = tokio::net::lookup_host((host, 0))
            .await
            .map_err(|source| error(Some(source)))?
            .collect();
        if found.is_empty() {
            return Err(error(None));
        }
        Ok(found)
    }
}

impl DnsError {
    /// As a sentence about the host of a proxy.
    pub(super) fn of_proxy(&self) -> String {
        format!("cannot resolve the proxy's name {self:#}")
    }
}

impl fmt::Display for DnsError {
    /// A sentence; with `#` only whose name it is, and why.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !formatter.alternate() {
            formatter.write_str("cannot resolve ")?;
        }
        write!(formatter, "`{}`: ", self.host)?;
        match &self.source {
            None => formatter.write_str("it has no address"),
            Some(source) => {
                let text = source.to_string();
                let text = text.strip_prefix("failed to lookup address information: ");
                match text {
                    Some(text) => formatter.write_str(text),
                    None => write!(formatter, "{source}"),
                }
            }
        }
    }
}

impl std::error::Error for DnsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
