//! From where a host can be reached, as far as its name or address tells.

use url::Host;

use crate::reach::{Reach, of_address};

/// Where a host is.
pub(super) fn reach(host: &Host<&str>) -> Reach {
    match host {
        Host::Domain(name) => of_name(name),
        Host::Ipv4(address) => of_address((*address).into()),
        Host::Ipv6(address) => of_address((*address).into()),
    }
}

/// The registrable domain of a name (`example.co.uk`), where the public suffix
/// list, with its private section, knows the suffix.
pub(super) fn registrable_domain(name: &str) -> Option<&str> {
    let domain = psl::domain(name.as_bytes())?;
    let known = domain.suffix().is_known();
    known
        .then(|| str::from_utf8(domain.as_bytes()).ok())
        .flatten()
}

fn of_name(name: &str) -> Reach {
    let under = |parent: &str| {
        let rest = name.strip_suffix(parent);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if under("localhost") {
        Reach::Loopback
    } else if under("home.arpa") || registrable_domain(name).is_none() {
        // RFC 8375 gives `home.arpa` to homes; the list has it as a suffix.
        Reach::Private
    } else {
        Reach::Public
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_where_their_range_says() {
        for (host, wanted) in [
            ("registry.example.com", Reach::Public),
            ("tenant.github.io", Reach::Public),
            ("8.8.8.8", Reach::Public),
            ("[2001:4860:4860::8888]", Reach::Public),
            ("registry", Reach::Private),
            ("com", Reach::Private),
            ("auth.corp.lan", Reach::Private),
            ("metadata.google.internal", Reach::Private),
            ("registry.ns.svc.cluster.local", Reach::Private),
            ("nas.home.arpa", Reach::Private),
            ("10.0.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("198.18.0.1", Reach::Private),
            ("[fd12::1]", Reach::Private),
            ("[fec0::1]", Reach::Private),
            ("[64:ff9b::10.0.0.1]", Reach::Private),
            ("[2002:a00:1::]", Reach::Private),
            ("169.254.169.254", Reach::LinkLocal),
            ("[::ffff:169.254.169.254]", Reach::LinkLocal),
            ("[fe80::1]", Reach::LinkLocal),
            ("[fd00:ec2::254]", Reach::LinkLocal),
            ("100.100.100.200", Reach::LinkLocal),
            ("localhost", Reach::Loopback),
            ("a.localhost", Reach::Loopback),
            ("127.8.8.8", Reach::Loopback),
            ("0.0.0.0", Reach::Loopback),
            ("[::1]", Reach::Loopback),
            ("[::]", Reach::Loopback),
            ("[::ffff:127.0.0.1]", Reach::Loopback),
            ("224.0.0.1", Reach::Nowhere),
            ("255.255.255.255", Reach::Nowhere),
            ("[ff02::1]", Reach::Nowhere),
        ] {
            let parsed = Host::parse(host).unwrap();
            let parsed = match &parsed {
                Host::Domain(name) => Host::Domain(name.as_str()),
                Host::Ipv4(address) => Host::Ipv4(*address),
                Host::Ipv6(address) => Host::Ipv6(*address),
            };
            assert_eq!(reach(&parsed), wanted, "{host}");
        }
        assert_eq!(of_name("notlocalhost.com"), Reach::Public);
    }

    #[test]
    fn the_private_section_of_the_list_counts() {
        for (name, domain) in [
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("team.gitlab.io", Some("team.gitlab.io")),
            ("gitlab.io", None),
            ("co.uk", None),
            ("a.corp.lan", None),
        ] {
            assert_eq!(registrable_domain(name), domain, "{name}");
        }
    }
}
