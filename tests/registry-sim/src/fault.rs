//! Scripted trouble: rules that answer in place of the registry.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use tokio::sync::Notify;

use crate::log::Operation;
use crate::raw::Raw;
use crate::shared::Entrance;

/// A rule: which requests, how often, and what happens to them.
///
/// ```
/// use registry_sim::{Fault, Operation};
///
/// // The second and third HEAD of a manifest are told to come back later.
/// let rule = Fault::on(Operation::ManifestHead)
///     .skip(1)
///     .times(2)
///     .status(429)
///     .header("retry-after", "1");
/// # let _ = rule;
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    operation: Option<Operation>,
    method: Option<Method>,
    path: Option<String>,
    skip: u64,
    left: Option<u64>,
    after: bool,
    action: Action,
}

/// What happens to a request that a rule matches.
#[derive(Clone, Debug)]
pub enum Action {
    /// This answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// Headers, in order, duplicates kept.
        headers: Vec<(HeaderName, HeaderValue)>,
        /// Body.
        body: Vec<u8>,
    },
    /// Nothing, ever; the connection stays open.
    Hang,
    /// What the registry answers, once it is let go.
    Held(Arc<Notify>),
    /// What the registry answers, after this long.
    Slow(Duration),
    /// The connection is closed without an answer.
    Close,
    /// These bytes in place of HTTP, then the connection is closed.
    Garbage(Vec<u8>),
    /// These bytes in place of HTTP, and what becomes of the connection.
    Raw(Raw),
    /// What the registry answers, as the last of its connection; whoever connects
    /// from now on meets this.
    Last(Entrance),
    /// The connection is reset, and from now on nobody listens on the port.
    Gone,
    /// What breaks HTTP/2 and nothing else; over HTTP/1 the connection is closed.
    Http2(Http2),
    /// 200, then one byte of the body each time this long has passed.
    Drip {
        /// Between two bytes.
        every: Duration,
        /// What drips, over and over.
        body: Vec<u8>,
    },
    /// 200 with a body that never ends, as fast as the reader reads.
    Endless,
    /// 200 with headers and a part of the body, then nothing, ever.
    Stall,
    /// 200 with a `Content-Length` of 1000 and a body of 10 bytes, then the
    /// connection is closed.
    Truncated,
}

/// What a server of HTTP/2 does to a request in place of answering it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2 {
    /// `GOAWAY` that leaves the request unprocessed, and the connection is closed.
    GoAway,
    /// `RST_STREAM` in place of the head, and the connection is closed.
    Reset,
    /// A head, then `DATA` frames without data, for ever.
    EmptyData,
    /// `PING` frames in place of the head, for ever; none of the client's is answered.
    Pings,
    /// Nothing any more on the whole connection, and it stays open.
    Dead,
    /// A head whose fields go on in `CONTINUATION` frames, for ever.
    Continuations,
}

impl Fault {
    /// Matches every request.
    pub fn any() -> Self {
        Self {
            operation: None,
            method: None,
            path: None,
            skip: 0,
            left: None,
            after: false,
            action: Action::Answer {
                status: 503,
                headers: Vec::new(),
                body: Vec::new(),
            },
        }
    }

    /// Matches requests that ask for this.
    pub fn on(operation: Operation) -> Self {
        Self {
            operation: Some(operation),
            ..Self::any()
        }
    }

    /// Matches requests whose path and query contain this.
    pub fn path(part: impl Into<String>) -> Self {
        Self {
            path: Some(part.into()),
            ..Self::any()
        }
    }

    /// And that ask for this.
    #[must_use]
    pub fn of(mut self, operation: Operation) -> Self {
        self.operation = Some(operation);
        self
    }

    /// And whose path and query contain this.
    #[must_use]
    pub fn at(mut self, part: impl Into<String>) -> Self {
        self.path = Some(part.into());
        self
    }

    /// And whose method is this.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    /// Lets the first `count` matches pass.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Acts this often and is spent then; without it, always.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.left = Some(count);
        self
    }

    /// Acts once.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// The registry does what was asked of it first; only its answer is replaced.
    #[must_use]
    pub fn after(mut self) -> Self {
        self.after = true;
        self
    }

    /// Answers this status, without a body.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.then(Action::Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    /// Adds a header to the answer.
    ///
    /// # Panics
    /// When the header cannot be sent, or the action is not an answer.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a rule that makes no sense is a bug of the test"
    )]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let Action::Answer { headers, .. } = &mut self.action else {
            panic!("a header needs an answer: call `status` first");
        };
        headers.push((
            HeaderName::from_bytes(name.as_bytes()).expect("a header name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a header value"),
        ));
        self
    }

    /// Sets the body of the answer.
    ///
    /// # Panics
    /// When the action is not an answer.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a rule that makes no sense is a bug of the test"
    )]
    pub fn body(mut self, text: impl Into<Vec<u8>>) -> Self {
        let Action::Answer { body, .. } = &mut self.action else {
            panic!("a body needs an answer: call `status` first");
        };
        *body = text.into();
        self
    }

    /// Sets a JSON body with this one error, and its content type.
    #[must_use]
    pub fn error(self, code: &str, message: &str) -> Self {
        let body = serde_json::json!({"errors": [{"code": code, "message": message}]});
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Does this.
    #[must_use]
    pub fn then(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    /// Never answers.
    #[must_use]
    pub fn hang(self) -> Self {
        self.then(Action::Hang)
    }

    /// Answers as the registry does, but not before the test lets it go.
    #[must_use]
    pub fn held(self, gate: &Arc<Notify>) -> Self {
        self.then(Action::Held(Arc::clone(gate)))
    }

    /// Answers as the registry does, but so much later.
    #[must_use]
    pub fn slow(self, by: Duration) -> Self {
        self.then(Action::Slow(by))
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn close(self) -> Self {
        self.then(Action::Close)
    }

    /// Answers an HTML page.
    #[must_use]
    pub fn html(self, status: u16) -> Self {
        self.status(status)
            .header("content-type", "text/html; charset=utf-8")
            .body(crate::profile::LOGIN_PAGE)
    }

    /// 429 TOOMANYREQUESTS, with `Retry-After` where given.
    #[must_use]
    pub fn too_many_requests(self, retry_after: Option<&str>) -> Self {
        let fault = self
            .status(429)
            .error("TOOMANYREQUESTS", "too many requests");
        match retry_after {
            Some(value) => fault.header("retry-after", value),
            None => fault,
        }
    }

    fn matches(&self, operation: Operation, method: &Method, path_and_query: &str) -> bool {
        self.operation.is_none_or(|wanted| wanted == operation)
            && self.method.as_ref().is_none_or(|wanted| wanted == method)
            && self
                .path
                .as_deref()
                .is_none_or(|part| path_and_query.contains(part))
    }
}

/// The rules in force, in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: VecDeque<Fault>,
}

impl Faults {
    pub(crate) fn push(&mut self, fault: Fault) {
        self.rules.push_back(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// What the first rule that matches and is not spent does, and whether after the
    /// registry did what was asked; counts it.
    pub(crate) fn next(
        &mut self,
        operation: Operation,
        method: &Method,
        path_and_query: &str,
    ) -> Option<(Action, bool)> {
        for rule in &mut self.rules {
            if !rule.matches(operation, method, path_and_query) || rule.left == Some(0) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            if let Some(left) = &mut rule.left {
                *left -= 1;
            }
            return Some((rule.action.clone(), rule.after));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(faults: &mut Faults, operation: Operation) -> bool {
        faults.next(operation, &Method::GET, "/v2/a?b=c").is_some()
    }

    #[test]
    fn a_rule_skips_then_acts_then_is_spent() {
        let mut faults = Faults::default();
        faults.push(Fault::on(Operation::Ping).skip(1).times(2).hang());
        let acted: Vec<bool> = (0..5).map(|_| acts(&mut faults, Operation::Ping)).collect();
        assert_eq!(acted, [false, true, true, false, false]);
    }

    #[test]
    fn a_rule_matches_operation_method_and_path_together() {
        let mut faults = Faults::default();
        faults.push(
            Fault::on(Operation::Ping)
                .method(Method::GET)
                .at("b=c")
                .close(),
        );
        assert!(acts(&mut faults, Operation::Ping));
        assert!(!acts(&mut faults, Operation::Token));
        assert!(
            faults
                .next(Operation::Ping, &Method::HEAD, "/v2/a?b=c")
                .is_none()
        );
        assert!(faults.next(Operation::Ping, &Method::GET, "/v2/").is_none());
    }
}
