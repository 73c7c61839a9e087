//! What a registry is called in Docker's configuration and by its helpers.

use url::Url;

/// A registry as Docker's configuration and its helpers name it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Server {
    /// `host` or `host:port`; Docker Hub under one name.
    host: String,
    /// The path of the registry's URL, without slashes at its ends.
    path: String,
    https: bool,
    url: Url,
}

impl Server {
    /// The registry behind this URL.
    pub fn of(registry: &Url) -> Self {
        let host = registry.host_str().unwrap_or_default();
        let host = match registry.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self {
            host: canonical(&host),
            path: registry.path().trim_matches('/').to_owned(),
            https: registry.scheme() == "https",
            url: registry.clone(),
        }
    }

    /// Its own URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The name that a helper is asked for: the host, and for Docker Hub the
    /// address that `docker login` files its credentials under.
    pub fn asked(&self) -> &str {
        if self.host == HUB {
            HUB_ADDRESS
        } else {
            &self.host
        }
    }

    /// The host, with its port where it has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How well a key of Docker's configuration fits this registry, the lower the
    /// better; `None` where it means another one. Keys are `host`, `host:port`,
    /// either with a scheme, either with a path.
    pub(super) fn fit(&self, key: &str) -> Option<Fit> {
        let (scheme, rest) = match key.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, key),
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        if canonical(self.without_default_port(host)) != self.host {
            return None;
        }
        let path = path.trim_matches('/');
        Some(match (scheme, path) {
            (None, "") => Fit::Host,
            (Some(_), "") => Fit::Address,
            (_, "v1" | "v2") => Fit::ApiAddress,
            (_, path) if path == self.path => Fit::Path,
            _ => Fit::Elsewhere,
        })
    }

    fn without_default_port<'a>(&self, host: &'a str) -> &'a str {
        let port = if self.https { ":443" } else { ":80" };
        host.strip_suffix(port).unwrap_or(host)
    }
}

/// How a key names a registry, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// `registry.example.com`.
    Host,
    /// `https://registry.example.com`.
    Address,
    /// `https://registry.example.com/v1/`.
    ApiAddress,
    /// With the path of the registry's own URL.
    Path,
    /// With another path: a part of the registry only.
    Elsewhere,
}

fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if HUB_HOSTS.contains(&host.as_str()) {
        HUB.to_owned()
    } else {
        host
    }
}

/// The host that serves the registry which people call by this one: Docker Hub has several.
pub(crate) fn canonical_origin(host: &str) -> &str {
    if HUB_HOSTS.contains(&host) {
        HUB_ORIGIN
    } else {
        host
    }
}

/// The host that serves Docker Hub's distribution API.
const HUB_ORIGIN: &str = "registry-1.docker.io";
const HUB: &str = "index.docker.io";
const HUB_ADDRESS: &str = "https://index.docker.io/v1/";
const HUB_HOSTS: [&str; 4] = [
    "docker.io",
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        Server::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_helper_is_asked_for_the_host_and_for_docker_hub_by_its_old_address() {
        for (url, asked) in [
            ("https://r.example.com", "r.example.com"),
            ("https://r.example.com:443/", "r.example.com"),
            ("https://r.example.com:8443/base/", "r.example.com:8443"),
            ("http://[::1]:5000", "[::1]:5000"),
            (
                "https://registry-1.docker.io",
                "https://index.docker.io/v1/",
            ),
        ] {
            assert_eq!(server(url).asked(), asked, "{url}");
        }
    }

    #[test]
    fn keys_name_a_registry_in_many_ways() {
        let own = "https://r.example.com/artifactory";
        let port = "https://r.example.com:8443";
        let plain = "http://localhost:5000";
        let hub = "https://registry-1.docker.io";
        for (url, key, fit) in [
            (own, "r.example.com", Some(Fit::Host)),
            (own, "R.Example.COM", Some(Fit::Host)),
            (own, "r.example.com:443", Some(Fit::Host)),
            (own, "r.example.com/", Some(Fit::Host)),
            (own, "https://r.example.com", Some(Fit::Address)),
            (own, "http://r.example.com/", Some(Fit::Address)),
            (own, "https://r.example.com/v1/", Some(Fit::ApiAddress)),
            (own, "r.example.com/v2", Some(Fit::ApiAddress)),
            (own, "r.example.com/artifactory", Some(Fit::Path)),
            (own, "https://r.example.com/artifactory/", Some(Fit::Path)),
            (own, "r.example.com/team", Some(Fit::Elsewhere)),
            (own, "r.example.com:80", None),
            (own, "r.example.com:8443", None),
            (own, "r.example.com.evil.com", None),
            (own, "evil.com/r.example.com", None),
            (own, "https://evil.com/https://r.example.com", None),
            (own, "", None),
            (port, "r.example.com:8443", Some(Fit::Host)),
            (port, "r.example.com", None),
            (plain, "localhost:5000", Some(Fit::Host)),
            (plain, "localhost", None),
            (hub, "https://index.docker.io/v1/", Some(Fit::ApiAddress)),
            (hub, "index.docker.io", Some(Fit::Host)),
            (hub, "docker.io", Some(Fit::Host)),
            (hub, "https://registry-1.docker.io", Some(Fit::Address)),
            (hub, "hub.docker.com", None),
        ] {
            assert_eq!(server(url).fit(key), fit, "{url} {key}");
        }
    }
}
