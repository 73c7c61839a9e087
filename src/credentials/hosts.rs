//! Where a credential set may be sent: hosts, and patterns of hosts.

use url::{Host, Url};

use super::server::canonical_origin;

/// A host, or a pattern of hosts with `*` inside labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPattern(String);

impl HostPattern {
    /// Reads `host`, `host:port` or a pattern such as `harbor-*.example.com`.
    ///
    /// # Errors
    ///
    /// Why it is no pattern, in words that complete "`x` is no host: …".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.contains("://") || text.contains('/') {
            return Err("it holds a scheme or a path");
        }
        if text.contains('@') {
            return Err("it holds an `@`");
        }
        let text = text.to_ascii_lowercase();
        let (host, port) = split_port(&text);
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("its port is no number up to 65535");
        }
        if Host::parse(&host.replace('*', "x")).is_err() {
            return Err("it is not of the form `registry.example.com`");
        }
        if host.split('.').any(str::is_empty) {
            return Err("it has an empty part between dots");
        }
        let last = host.rsplit('.').next().unwrap_or_default();
        if last.contains('*') {
            return Err("a `*` in its last part would match hosts of anybody");
        }
        let host = canonical_origin(host);
        Ok(Self(match port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }))
    }

    /// The pattern as it is matched: in lower case, Docker Hub under one name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this URL's host (and port, where the pattern names one) is meant.
    ///
    /// `*` stands for one or more characters of one part of the name, never for
    /// a dot: `*.dkr.ecr.*.amazonaws.com` must not let
    /// `x.dkr.ecr.bucket.s3.amazonaws.com` in.
    pub fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else {
            return false;
        };
        let (pattern, port) = split_port(&self.0);
        if let Some(port) = port
            && url.port_or_known_default() != port.parse().ok()
        {
            return false;
        }
        if host.starts_with('[') {
            return pattern == host;
        }
        let patterns: Vec<&str> = pattern.split('.').collect();
        let labels: Vec<&str> = host.split('.').collect();
        patterns.len() == labels.len()
            && patterns
                .iter()
                .zip(labels)
                .all(|(pattern, label)| matches(pattern.as_bytes(), label.as_bytes()))
    }
}

/// A host and the port behind it, also of `[::1]:5000`.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

/// `*` is one or more characters. Greedy with one point to come back to, so that
/// the time is bounded by the product of the lengths.
fn matches(pattern: &[u8], label: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut again: Option<(usize, usize)> = None;
    while read < label.len() {
        match pattern.get(at) {
            Some(b'*') => {
                again = Some((at + 1, read + 1));
                (at, read) = (at + 1, read + 1);
            }
            Some(byte) if *byte == label[read] => (at, read) = (at + 1, read + 1),
            _ => match again {
                Some((after_star, start)) if start < label.len() => {
                    again = Some((after_star, start + 1));
                    (at, read) = (after_star, start + 1);
                }
                _ => return false,
            },
        }
    }
    at == pattern.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_one_part_of_the_name() {
        for (pattern, url, expected) in [
            ("harbor.example.com", "https://harbor.example.com", true),
            (
                "harbor.example.com",
                "https://harbor.example.com:8443",
                true,
            ),
            (
                "harbor.example.com:8443",
                "https://harbor.example.com:8443",
                true,
            ),
            (
                "harbor.example.com:8443",
                "https://harbor.example.com",
                false,
            ),
            ("harbor.example.com:443", "https://harbor.example.com", true),
            ("HARBOR.example.com", "https://harbor.example.com", true),
            (
                "harbor-*.example.com",
                "https://harbor-us.example.com",
                true,
            ),
            ("harbor-*.example.com", "https://harbor-.example.com", false),
            (
                "harbor-*.example.com",
                "https://harbor-us.evil.example.com",
                false,
            ),
            (
                "harbor-*.example.com",
                "https://xharbor-us.example.com",
                false,
            ),
            (
                "*.dkr.ecr.*.amazonaws.com",
                "https://1.dkr.ecr.eu-west-1.amazonaws.com",
                true,
            ),
            (
                "*.dkr.ecr.*.amazonaws.com",
                "https://x.dkr.ecr.bucket.s3.amazonaws.com",
                false,
            ),
            ("*.example.com", "https://example.com", false),
            ("*a*b.example.com", "https://xaxaab.example.com", true),
            ("*a*b.example.com", "https://xab.example.com", false),
            ("*-*.example.com", "https://--.example.com", false),
            ("*-*.example.com", "https://---.example.com", true),
            ("docker.io", "https://registry-1.docker.io", true),
            ("127.0.0.1:5000", "http://127.0.0.1:5000", true),
            ("[::1]:5000", "http://[::1]:5000", true),
            ("[::1]", "http://[::1]:5000", true),
            ("[::1]:5001", "http://[::1]:5000", false),
        ] {
            let parsed = HostPattern::parse(pattern).unwrap();
            let url = Url::parse(url).unwrap();
            assert_eq!(parsed.allows(&url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (text, why) in [
            ("https://harbor.example.com", "it holds a scheme or a path"),
            ("harbor.example.com/path", "it holds a scheme or a path"),
            ("robot@harbor.example.com", "it holds an `@`"),
            ("harbor.example.com:x", "its port is no number up to 65535"),
            (
                "harbor.example.com:65536",
                "its port is no number up to 65535",
            ),
            ("", "it is not of the form `registry.example.com`"),
            (
                "a b.example.com",
                "it is not of the form `registry.example.com`",
            ),
            ("a..example.com", "it has an empty part between dots"),
            ("*", "a `*` in its last part would match hosts of anybody"),
            (
                "example.*",
                "a `*` in its last part would match hosts of anybody",
            ),
        ] {
            assert_eq!(HostPattern::parse(text), Err(why), "{text}");
        }
    }
}
