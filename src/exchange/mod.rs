//! What went out and what came back, as plain data: no socket, no clock.

mod operation;
mod sent;

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

pub use operation::Operation;
pub use sent::{CODES, Certificate, Connection, Sent};

use crate::secret::Secret;

/// The cap of an answer that is a token, an error or a ping (bytes).
pub const SMALL_BODY: usize = 64 * 1024;
/// The cap of a manifest, an index or a referrers page (bytes).
pub const MANIFEST_BODY: usize = 4 * 1024 * 1024;

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

/// One request, before it is sent. Its body may hold a secret, so `Debug` shows its
/// length alone.
#[derive(Clone)]
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
    /// What proves who asks, where it stands in the body: so that an answer which
    /// repeats it can be silenced.
    pub in_body: Option<Authorization>,
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
            in_body: None,
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

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("url", &self.url.as_str())
            .field("headers", &self.headers)
            .field("authorization", &self.authorization)
            .field("in_body", &self.in_body)
            .field("body_bytes", &self.body.len())
            .field("body_cap", &self.body_cap)
            .finish()
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
