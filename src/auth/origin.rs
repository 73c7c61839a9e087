//! Whose address is it?

use url::{Host, Url};

/// Where a registry sends us to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The absolute address, without a fragment.
    pub url: Url,
    /// It is of the registry's own origin: only then may `Authorization` go with it.
    pub own_origin: bool,
}

/// Whether scheme, host and port are the same; case and a name's last dot do not matter.
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.port_or_known_default() == b.port_or_known_default()
        && same_host(a, b)
}

/// Resolves a `Location`, relative or not, against the address that was asked.
/// `http://` on the registry's own host is what a registry behind a TLS proxy
/// writes by mistake: scheme and port become the registry's own. `None` where it
/// is no http(s) address, carries userinfo, or is absurdly long.
pub fn resolve_location(base: &Url, location: &str, registry: &Url) -> Option<Location> {
    if location.is_empty() || location.len() > MAX_LOCATION {
        return None;
    }
    let mut url = base.join(location).ok()?;
    let userinfo = !url.username().is_empty() || url.password().is_some();
    if userinfo || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    if url.scheme() == "http" && same_host(&url, registry) {
        url.set_scheme(registry.scheme()).ok()?;
        url.set_port(registry.port()).ok()?;
    }
    Some(Location {
        own_origin: same_origin(&url, registry),
        url,
    })
}

/// Whether two addresses have one host.
pub(super) fn same_host(a: &Url, b: &Url) -> bool {
    matches!((host_of(a), host_of(b)), (Some(a), Some(b)) if a == b)
}

/// The host of an address, a name without its last dot; the parser has made it
/// lower case, punycode, and one form of an IP address.
pub(super) fn host_of(url: &Url) -> Option<Host<&str>> {
    match url.host()? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            (!name.is_empty()).then_some(Host::Domain(name))
        }
        address => Some(address),
    }
}

/// Distribution's upload state is some hundred bytes of it (bytes).
const MAX_LOCATION: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn same_origin_is_scheme_host_and_port() {
        for (a, b, wanted) in [
            (
                "https://r.example.com",
                "https://r.example.com:443/x?y",
                true,
            ),
            ("https://r.example.com", "https://R.example.com./", true),
            (
                "https://bücher.example",
                "https://xn--bcher-kva.example",
                true,
            ),
            ("http://[::1]:5000", "http://[0:0::1]:5000", true),
            ("https://r.example.com", "http://r.example.com", false),
            ("https://r.example.com", "https://r.example.com:8443", false),
            ("https://r.example.com", "https://example.com", false),
            ("http://localhost", "http://127.0.0.1", false),
        ] {
            assert_eq!(same_origin(&url(a), &url(b)), wanted, "{a} {b}");
            assert_eq!(same_origin(&url(b), &url(a)), wanted, "{b} {a}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, a row for every case")]
    fn location_is_resolved_and_judged() {
        let https = "https://r.example.com";
        for (registry, location, wanted) in [
            (
                https,
                "/v2/a/blobs/uploads/1?_state=x%3D",
                Some((
                    "https://r.example.com/v2/a/blobs/uploads/1?_state=x%3D",
                    true,
                )),
            ),
            (
                https,
                "1?s=x",
                Some(("https://r.example.com/v2/a/blobs/uploads/1?s=x", true)),
            ),
            (
                https,
                "https://r.example.com/x#f",
                Some(("https://r.example.com/x", true)),
            ),
            (
                https,
                "//r.example.com/x",
                Some(("https://r.example.com/x", true)),
            ),
            (
                https,
                "http://r.example.com/x",
                Some(("https://r.example.com/x", true)),
            ),
            (
                https,
                "http://R.EXAMPLE.com:80/x",
                Some(("https://r.example.com/x", true)),
            ),
            (
                https,
                "http://r.example.com:8080/x",
                Some(("https://r.example.com/x", true)),
            ),
            (
                https,
                "https://r.example.com:8443/x",
                Some(("https://r.example.com:8443/x", false)),
            ),
            (
                https,
                "https://storage.example.com/x",
                Some(("https://storage.example.com/x", false)),
            ),
            (
                https,
                "http://storage.example.com/x",
                Some(("http://storage.example.com/x", false)),
            ),
            (https, "//evil.com/x", Some(("https://evil.com/x", false))),
            (https, "https://u:p@r.example.com/x", None),
            (https, "https://r.example.com@evil.com/x", None),
            (https, "file:///etc/passwd", None),
            (https, "data:,x", None),
            (https, "https://", None),
            (https, "", None),
            (
                "https://r.example.com:5000",
                "http://r.example.com/x",
                Some(("https://r.example.com:5000/x", true)),
            ),
            (
                "http://r.example.com:5000",
                "http://r.example.com/x",
                Some(("http://r.example.com:5000/x", true)),
            ),
            (
                "http://r.example.com:5000",
                "https://r.example.com/x",
                Some(("https://r.example.com/x", false)),
            ),
        ] {
            let registry = url(registry);
            let base = registry.join("/v2/a/blobs/uploads/").unwrap();
            let found = resolve_location(&base, location, &registry);
            let found = found.as_ref().map(|l| (l.url.as_str(), l.own_origin));
            assert_eq!(found, wanted, "{registry} {location}");
        }
        let long = format!("/{}", "a".repeat(MAX_LOCATION));
        assert_eq!(resolve_location(&url(https), &long, &url(https)), None);
    }

    proptest! {
        #[test]
        fn own_origin_is_never_said_of_another_host(
            location in "(https?:|/|\\\\|@|:|r\\.example\\.com|evil\\.com|\\.|#|\\?|[ -~]){0,12}"
        ) {
            let registry = url("https://r.example.com");
            if let Some(found) = resolve_location(&registry, &location, &registry) {
                let own = found.url.host_str() == Some("r.example.com")
                    || found.url.host_str() == Some("r.example.com.");
                prop_assert!(!found.own_origin || (own && found.url.scheme() == "https"));
                prop_assert!(found.url.username().is_empty() && found.url.password().is_none());
            }
        }
    }
}
