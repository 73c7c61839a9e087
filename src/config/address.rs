//! The URL of a registry: what may stand in it, and Docker Hub's other names.

use url::{Host, Url};

use super::{item::Item, quote::shown};

/// The host that serves Docker Hub's distribution API.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// Hosts that people write for it.
const DOCKER_HUB_ALIASES: [&str; 3] = ["docker.io", "index.docker.io", "registry.hub.docker.com"];

/// A registry's URL, and its host as the user wrote it.
pub(super) struct Address {
    /// Without userinfo, query, fragment or `/v2/`.
    pub(super) url: Url,
    /// `host` or `host:port`: the registry's name unless it has one.
    pub(super) written_host: String,
}

/// Whether single names mean `library/…` there.
pub(super) fn is_docker_hub(url: &Url) -> bool {
    url.host_str() == Some(DOCKER_HUB)
}

/// Whether this machine is meant.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whose URL it is, for the words of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A registry's.
    Registry,
    /// A proxy's.
    Proxy,
    /// That of a document of registries.
    Document,
}

impl Kind {
    fn example(self) -> &'static str {
        match self {
            Self::Registry => "write it as `https://registry.example.com`",
            Self::Proxy => "write it as `http://proxy.example.com:3128`",
            Self::Document => "write it as `https://example.com/registries.yml`",
        }
    }

    fn without_userinfo(self) -> &'static str {
        match self {
            Self::Registry => "put credentials into `username` and `password` (or `password_file`)",
            Self::Proxy => {
                "put them into `proxy_username` and a file that `proxy_password_file` names"
            }
            Self::Document => {
                "a document is asked for without credentials; serve it where that is enough"
            }
        }
    }
}

/// Reads the URL of a registry; what is wrong with it is reported.
pub(super) fn read(item: &Item<'_>) -> Option<Address> {
    let mut url = http_url(item, item.text()?, Kind::Registry)?;
    if url.query().is_some() || url.fragment().is_some() {
        item.refuse(
            format!("the URL has a query or a fragment: {}", shown_url(&url)),
            "name only scheme, host, port and path",
        );
        return None;
    }
    let written_host = host_and_port(&url);
    if let Some(Host::Domain(host)) = url.host()
        && url.port().is_none()
        && DOCKER_HUB_ALIASES.contains(&host)
    {
        let hub = Url::parse(&format!("https://{DOCKER_HUB}/")).ok()?;
        return Some(Address {
            url: hub,
            written_host,
        });
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if let Some(base) = path.strip_suffix("/v2") {
        item.warn("`/v2/` at the end is not part of a registry's URL and is left out");
        url.set_path(base);
    } else {
        url.set_path(&path);
    }
    Some(Address { url, written_host })
}

/// A URL with the scheme http or https, a host, and no userinfo.
pub(super) fn http_url(item: &Item<'_>, text: &str, kind: Kind) -> Option<Url> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        item.refuse(
            "the URL holds white space or a control character",
            "remove it",
        );
        return None;
    }
    // Before anything is shown: a password may stand before an `@`.
    if text.contains('@') {
        item.refuse(
            "the URL holds a user name or password, or an `@`",
            kind.without_userinfo(),
        );
        return None;
    }
    if !text.contains("://") {
        item.refuse(
            format!("the URL {} has no scheme", shown(bare(text))),
            match kind {
                Kind::Registry => {
                    let host = bare(text).trim_start_matches('/');
                    format!("write {}", shown(&format!("https://{host}")))
                }
                Kind::Proxy | Kind::Document => kind.example().to_owned(),
            },
        );
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            item.refuse(
                format!("invalid URL {}: {error}", shown(bare(text))),
                kind.example(),
            );
            return None;
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        item.refuse(
            format!(
                "the scheme {} is neither http nor https",
                shown(url.scheme())
            ),
            kind.example(),
        );
        return None;
    }
    if url.port() == Some(0) {
        item.refuse("port 0 cannot be connected to", kind.example());
        return None;
    }
    Some(url)
}

/// `host` or `host:port`.
pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// A URL in an error: a query may hold a token.
fn shown_url(url: &Url) -> String {
    shown(bare(url.as_str()))
}

fn bare(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}
