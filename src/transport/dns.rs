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
use crate::reach::{Reach, of_address};

/// The system's resolver, and three exceptions from it.
///
/// A name that a registry brings up (a realm, a redirect) was found to be a public one; whose
/// it is may let it lead to this machine or to the metadata service of its cloud all the
/// same (DNS rebinding). Such addresses are as good as none, unless the user's own registry
/// is on this machine too, or `resolve` says so.
#[derive(Debug, Clone)]
pub(super) struct Resolver {
    /// Addresses by host name, lower case.
    pub(super) addresses: Arc<BTreeMap<String, IpAddr>>,
    /// A name that stands for a host: `tls.server_name` and the registry's host.
    pub(super) alias: Option<(String, String)>,
    /// The hosts that the user named, lower case: the registry's own first, then proxies.
    pub(super) named: Arc<[String]>,
}

/// A name that could not be resolved.
#[derive(Debug)]
pub(super) struct DnsError {
    host: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    NoAddress,
    /// Only addresses that nobody but this machine and its link can reach; one of them.
    Inside(IpAddr),
    Lookup(io::Error),
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
        let system = async |host: String| Ok(tokio::net::lookup_host((host, 0)).await?.collect());
        self.addresses_by(host, &system).await
    }

    async fn addresses_by(
        &self,
        host: &str,
        system: &impl AsyncFn(String) -> io::Result<Vec<SocketAddr>>,
    ) -> Result<Vec<SocketAddr>, DnsError> {
        if let Some(address) = self.given(host) {
            return Ok(vec![SocketAddr::new(address, 0)]);
        }
        let error = |why| DnsError {
            host: host.to_owned(),
            why,
        };
        let found = system(host.to_owned()).await;
        let mut found = found.map_err(|source| error(Why::Lookup(source)))?;
        let inside = found.iter().map(SocketAddr::ip).find(is_inside);
        if let Some(inside) = inside
            && !self.is_named(host)
            && !self.own_is_inside(system).await
        {
            found.retain(|address| !is_inside(&address.ip()));
            if found.is_empty() {
                return Err(error(Why::Inside(inside)));
            }
        }
        if found.is_empty() {
            return Err(error(Why::NoAddress));
        }
        Ok(found)
    }

    /// The address that the configuration, or the host itself, says.
    fn given(&self, host: &str) -> Option<IpAddr> {
        let configured = self.addresses.get(&host.to_ascii_lowercase()).copied();
        configured.or_else(|| host.trim_matches(['[', ']']).parse().ok())
    }

    /// Whether the user named the host, or its name says itself that it is this machine.
    fn is_named(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.named.contains(&host) || host == "localhost" || host.ends_with(".localhost")
    }

    async fn own_is_inside(
        &self,
        system: &impl AsyncFn(String) -> io::Result<Vec<SocketAddr>>,
    ) -> bool {
        let Some(own) = self.named.first() else {
            return false;
        };
        if let Some(address) = self.given(own) {
            return is_inside(&address);
        }
        let found = system(own.clone()).await.unwrap_or_default();
        found.iter().any(|address| is_inside(&address.ip()))
    }
}

/// Whether nobody but this machine, or one on its link, can mean the address.
fn is_inside(address: &IpAddr) -> bool {
    matches!(of_address(*address), Reach::Loopback | Reach::LinkLocal)
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
        match &self.why {
            Why::NoAddress => formatter.write_str("it has no address"),
            Why::Inside(address) => write!(
                formatter,
                "it leads to {address}, which is inside this machine or its link, and the registry is not"
            ),
            Why::Lookup(source) => {
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
        match &self.why {
            Why::Lookup(source) => Some(source),
            Why::NoAddress | Why::Inside(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a name server answers, whoever it belongs to.
    async fn answers(host: String) -> io::Result<Vec<SocketAddr>> {
        let addresses: &[&str] = match host.as_str() {
            "registry.example.com" => &["93.184.216.34"],
            "registry.dev.example.com" | "proxy.example.com" | "localhost" => &["127.0.0.1"],
            "office.example.org" => &["10.0.0.5"],
            "loopback.example.org" => &["127.0.0.1", "::1"],
            "metadata.example.org" => &["169.254.169.254"],
            "metadata6.example.org" => &["fd00:ec2::254"],
            "mapped.example.org" => &["::ffff:169.254.169.254"],
            "both.example.org" => &["127.0.0.1", "93.184.216.35"],
            "none.example.org" => &[],
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        let socket = |text: &&str| SocketAddr::new(text.parse().unwrap(), 0);
        Ok(addresses.iter().map(socket).collect())
    }

    async fn asked(own: &str, host: &str) -> Result<Vec<String>, String> {
        let given = [("given.example.org".to_owned(), IpAddr::from([127, 0, 0, 1]))];
        let resolver = Resolver {
            addresses: Arc::new(given.into()),
            alias: None,
            named: [own.to_owned(), "proxy.example.com".to_owned()].into(),
        };
        let found = resolver.addresses_by(host, &answers).await;
        let texts = |found: Vec<SocketAddr>| found.iter().map(|it| it.ip().to_string()).collect();
        found.map(texts).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_of_others_does_not_lead_inside_this_machine() {
        let own = "registry.example.com";
        for (host, expected) in [
            (own, Ok("93.184.216.34")),
            ("proxy.example.com", Ok("127.0.0.1")),
            ("given.example.org", Ok("127.0.0.1")),
            ("localhost", Ok("127.0.0.1")),
            // Split horizons are common, and a private address is no secret of this machine.
            ("office.example.org", Ok("10.0.0.5")),
            ("both.example.org", Ok("93.184.216.35")),
            ("loopback.example.org", Err("127.0.0.1")),
            ("metadata.example.org", Err("169.254.169.254")),
            ("metadata6.example.org", Err("fd00:ec2::254")),
            ("mapped.example.org", Err("::ffff:169.254.169.254")),
            ("none.example.org", Err("it has no address")),
        ] {
            let found = asked(own, host).await;
            match expected {
                Ok(address) => assert_eq!(found, Ok(vec![address.to_owned()]), "{host}"),
                Err(part) => {
                    let why = found.expect_err(host);
                    assert!(
                        why.starts_with(&format!("cannot resolve `{host}`: ")),
                        "{why}"
                    );
                    assert!(why.contains(part), "{why}");
                }
            }
        }
    }

    #[tokio::test]
    async fn where_the_registry_is_on_this_machine_others_may_be_too() {
        for own in [
            "registry.dev.example.com",
            "127.0.0.1",
            "[::1]",
            "given.example.org",
        ] {
            let found = asked(own, "loopback.example.org").await;
            assert_eq!(found.map(|found| found.len()), Ok(2), "{own}");
        }
    }
}
