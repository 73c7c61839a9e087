//! Who is reached without a proxy.

use std::net::IpAddr;

use url::{Host, Url};

/// The hosts of `no_proxy` and of `NO_PROXY`, read as curl reads them.
#[derive(Debug, Default)]
pub(super) struct NoProxy(Vec<Rule>);

#[derive(Debug)]
enum Rule {
    /// `*`
    Everybody,
    /// A domain and everything below it.
    Domain(String),
    /// An address and how many of its first bits count.
    Network(IpAddr, u32),
}

impl NoProxy {
    /// The rules of these entries; an empty one says nothing.
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a str>) -> Self {
        let entries = entries.map(str::trim).filter(|entry| !entry.is_empty());
        Self(entries.map(rule).collect())
    }

    /// Whether the host of this URL is one of them.
    pub(super) fn holds(&self, url: &Url) -> bool {
        url.host().is_some_and(|host| {
            self.0.iter().any(|rule| match (rule, &host) {
                (Rule::Everybody, _) => true,
                (Rule::Domain(domain), Host::Domain(name)) => within(name, domain),
                (Rule::Network(network, bits), Host::Ipv4(address)) => {
                    covers(*network, *bits, IpAddr::V4(*address))
                }
                (Rule::Network(network, bits), Host::Ipv6(address)) => {
                    covers(*network, *bits, IpAddr::V6(*address))
                }
                _ => false,
            })
        })
    }
}

fn rule(entry: &str) -> Rule {
    if entry == "*" {
        return Rule::Everybody;
    }
    let bare = |address: &str| address.trim_matches(['[', ']']).parse::<IpAddr>().ok();
    if let Some(address) = bare(entry) {
        return Rule::Network(address, length(address));
    }
    if let Some((address, bits)) = entry.split_once('/')
        && let (Some(address), Ok(bits)) = (bare(address), bits.parse::<u32>())
        && bits <= length(address)
    {
        return Rule::Network(address, bits);
    }
    let domain = entry.strip_prefix('*').unwrap_or(entry);
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    Rule::Domain(domain.trim_end_matches('.').to_ascii_lowercase())
}

fn within(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.strip_suffix(domain)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// How many bits an address has.
fn length(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn covers(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let differing = match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            u128::from(network.to_bits() ^ address.to_bits())
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => network.to_bits() ^ address.to_bits(),
        _ => return false,
    };
    // A network of no bits at all covers every address.
    differing.checked_shr(length(network) - bits).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_addresses_networks_and_everybody() {
        for (entries, url, direct) in [
            ("r.test", "https://r.test/", true),
            ("r.test", "https://r.test.:5000/", true),
            ("R.test", "https://sub.r.test/", true),
            (".r.test", "https://r.test/", true),
            ("*.r.test", "https://sub.r.test/", true),
            ("r.test", "https://other.test/", false),
            ("r.test", "https://notr.test/", false),
            ("a.test, r.test", "http://r.test/", true),
            ("*", "http://r.test/", true),
            ("*", "http://10.0.0.1/", true),
            ("", "http://r.test/", false),
            ("10.0.0.1", "http://10.0.0.1:5000/", true),
            ("10.0.0.1", "http://10.0.0.2/", false),
            ("10.0.0.0/8", "http://10.255.0.1/", true),
            ("10.0.0.0/8", "http://11.0.0.1/", false),
            ("0.0.0.0/0", "http://11.0.0.1/", true),
            ("0.0.0.0/0", "http://[::1]/", false),
            ("::/0", "http://[2001:db8::1]/", true),
            ("::1", "https://[::1]:5000/", true),
            ("[::1]", "https://[::1]/", true),
            ("2001:db8::/32", "https://[2001:db8:1::1]/", true),
            ("2001:db8::/32", "https://[2001:db9::1]/", false),
            // What is no network is a name that nothing has.
            ("10.0.0.0/33", "http://10.0.0.0/", false),
        ] {
            let rules = NoProxy::of(entries.split(','));
            let url = Url::parse(url).unwrap();
            assert_eq!(rules.holds(&url), direct, "{entries} {url}");
        }
    }
}
