//! What was sent, as counters and `--verbose` show it.

use std::time::Duration;

use http::Method;

use super::{Operation, TransportErrorKind};

/// One request that was sent, as the counters and `--verbose` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// What it was for.
    pub operation: Operation,
    /// The method.
    pub method: Method,
    /// Where to, without userinfo and query values that could be secret.
    pub url: String,
    /// The status, or how it failed.
    pub end: Result<u16, TransportErrorKind>,
    /// From sending to the end.
    pub elapsed: Duration,
    /// The connection's way, where this request opened one.
    pub connection: Option<Connection>,
    /// A repeated try of the same request.
    pub retry: bool,
}

impl Sent {
    /// The label `code`: one of a closed set.
    pub fn code(&self) -> &'static str {
        match self.end {
            Err(_) => "error",
            Ok(401) => "401",
            Ok(403) => "403",
            Ok(404) => "404",
            Ok(405) => "405",
            Ok(429) => "429",
            Ok(status) => match status / 100 {
                2 => "2xx",
                3 => "3xx",
                4 => "4xx",
                5 => "5xx",
                _ => "error",
            },
        }
    }
}

/// Every value of [`Sent::code`].
pub const CODES: [&str; 10] = [
    "2xx", "3xx", "401", "403", "404", "405", "429", "4xx", "5xx", "error",
];

/// How a fresh connection came to stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The address that was connected to.
    pub address: Option<std::net::IpAddr>,
    /// Every address that the name resolved to, sorted.
    pub addresses: Vec<std::net::IpAddr>,
    /// Name resolution.
    pub resolve: Option<Duration>,
    /// The TCP handshake (and a proxy's `CONNECT`).
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// `1.2` or `1.3`.
    pub tls_version: Option<&'static str>,
    /// What the server showed, also where it was refused.
    pub certificates: Vec<Certificate>,
    /// From the request's last byte to the answer's head.
    pub processing: Option<Duration>,
    /// From the answer's head to its last byte read.
    pub transfer: Option<Duration>,
}

/// One certificate of a shown chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Seconds since the epoch when it ends.
    pub not_after: i64,
    /// SHA-256 of its DER form.
    pub sha256: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_of_the_closed_set() {
        let sent = |end| Sent {
            operation: Operation::Ping,
            method: Method::GET,
            url: String::new(),
            end,
            elapsed: Duration::ZERO,
            connection: None,
            retry: false,
        };
        for (end, code) in [
            (Ok(200), "2xx"),
            (Ok(303), "3xx"),
            (Ok(401), "401"),
            (Ok(418), "4xx"),
            (Ok(429), "429"),
            (Ok(503), "5xx"),
            (Ok(999), "error"),
            (Err(TransportErrorKind::Timeout), "error"),
        ] {
            assert_eq!(sent(end).code(), code);
            assert!(CODES.contains(&sent(end).code()));
        }
    }
}
