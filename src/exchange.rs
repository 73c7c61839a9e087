//! What went out and what came back, as plain data: no socket, no clock.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use crate::{secret::Secret, words::word};

/// The cap of an answer that is a token, an error or a ping (bytes).
pub const SMALL_BODY: usize = 64 * 1024;
/// The cap of a manifest, an index or a referrers page (bytes).
pub const MANIFEST_BODY: usize = 4 * 1024 * 1024;

/// What a request is for; the label `operation` of the request counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `GET /v2/` without credentials.
    Ping,
    /// `GET /v2/` with credentials.
    PingAuth,
    /// A request to a token endpoint.
    Token,
    /// `HEAD` of a manifest.
    ManifestHead,
    /// `GET` of a manifest.
    ManifestGet,
    /// `GET` of the referrers of a digest.
    Referrers,
    /// `HEAD` of the referrers tag (`sha256-<hex>`).
    FallbackTag,
    /// `GET` of a tag list, the guard of the push check.
    TagsList,
    /// `POST` that opens an upload session.
    UploadStart,
    /// `PATCH` of a chunk.
    UploadPatch,
    /// `DELETE` of an upload session.
    UploadCancel,
    /// `POST` that asks for a blob to be mounted.
    Mount,
    /// `DELETE` of the all-zero manifest digest.
    ManifestDelete,
    /// `DELETE` of the all-zero blob digest.
    BlobDelete,
}

impl Operation {
    /// Every operation with its word, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Ping, "ping"),
        (Self::PingAuth, "ping_auth"),
        (Self::Token, "token"),
        (Self::ManifestHead, "manifest_head"),
        (Self::ManifestGet, "manifest_get"),
        (Self::Referrers, "referrers"),
        (Self::FallbackTag, "fallback_tag"),
        (Self::TagsList, "tags_list"),
        (Self::UploadStart, "upload_start"),
        (Self::UploadPatch, "upload_patch"),
        (Self::UploadCancel, "upload_cancel"),
        (Self::Mount, "mount"),
        (Self::ManifestDelete, "manifest_delete"),
        (Self::BlobDelete, "blob_delete"),
    ];

    /// The word used in metrics, JSON and logs.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

/// The value of an `Authorization` header; it cannot be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorization {
    /// `Basic`, from a user name and a password.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// `Bearer`, with a token.
    Bearer(Secret),
}

/// One request, before it is sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// What it is for.
    pub operation: Operation,
    /// The method.
    pub method: Method,
    /// Where to; never with userinfo.
    pub url: Url,
    /// Headers other than `Authorization`, `Host`, `User-Agent`.
    pub headers: HeaderMap,
    /// What proves who asks; `None` sends no `Authorization`.
    pub authorization: Option<Authorization>,
    /// The body; an empty one of a `POST` is sent with `Content-Length: 0`.
    pub body: Bytes,
    /// How many bytes of the answer's body are read at most.
    pub body_cap: usize,
}

impl Request {
    /// A request without headers, credentials or body, whose answer is small.
    pub fn new(operation: Operation, method: Method, url: Url) -> Self {
        Self {
            operation,
            method,
            url,
            headers: HeaderMap::new(),
            authorization: None,
            body: Bytes::new(),
            body_cap: SMALL_BODY,
        }
    }

    /// The same with a header more.
    #[must_use]
    pub fn header(mut self, name: http::HeaderName, value: &'static str) -> Self {
        self.headers.append(name, HeaderValue::from_static(value));
        self
    }

    /// The same with this authorization (or none).
    #[must_use]
    pub fn authorized(mut self, authorization: Option<Authorization>) -> Self {
        self.authorization = authorization;
        self
    }

    /// The same with another cap for the answer's body (bytes).
    #[must_use]
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }
}

/// One answer, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers, every value of each.
    pub headers: HeaderMap,
    /// The body, at most the request's cap.
    pub body: Bytes,
    /// The body went on after the cap, or broke off.
    pub truncated: bool,
    /// `1.1` or `2`.
    pub http_version: &'static str,
    /// From sending to the last byte read; waits between tries not counted.
    pub elapsed: Duration,
}

impl Reply {
    /// The first value of a header, where it is readable text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Every readable value of a header.
    pub fn header_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok())
    }

    /// The media type of the body, lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let bare = value.split(';').next().unwrap_or(value);
        Some(bare.trim().to_ascii_lowercase())
    }
}

/// How a request failed to bring back an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportErrorKind {
    /// The name could not be resolved.
    Dns,
    /// No connection: refused, unreachable, proxy refused.
    Connect,
    /// The TLS handshake failed, or a certificate was not accepted.
    Tls,
    /// A deadline passed.
    Timeout,
    /// The connection broke before the answer was whole enough to read.
    Reset,
    /// What came back is not HTTP, or breaks its rules.
    Protocol,
    /// This process is out of file descriptors; the server was not asked.
    Resource,
}

/// A request without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportError {
    /// How it failed.
    pub kind: TransportErrorKind,
    /// The cause in words, without secrets, at most some 200 characters.
    pub detail: String,
    /// The failure came before a connection stood: nothing was received by the server.
    pub before_connected: bool,
    /// From sending to the failure.
    pub elapsed: Duration,
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for TransportError {}

/// One request's end: an answer or the lack of one.
pub type Exchange = Result<Reply, TransportError>;

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
pub(crate) mod testing {
    //! Answers for the tables of the floors above.

    use super::*;

    /// An answer with these headers and this body.
    pub(crate) fn reply(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).expect("a header value"));
        }
        Reply {
            status,
            headers: map,
            body: Bytes::copy_from_slice(body.as_bytes()),
            truncated: false,
            http_version: "1.1",
            elapsed: Duration::from_millis(7),
        }
    }

    /// An answer with a registry's JSON error.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
        let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
        reply(
            status,
            &[("content-type", "application/json")],
            &body.to_string(),
        )
    }
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

    #[test]
    fn media_type_drops_parameters_and_case() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-type",
            HeaderValue::from_static("Application/JSON; charset=utf-8"),
        );
        let reply = Reply {
            status: 200,
            headers,
            body: Bytes::new(),
            truncated: false,
            http_version: "1.1",
            elapsed: Duration::ZERO,
        };
        assert_eq!(reply.media_type().as_deref(), Some("application/json"));
    }
}
