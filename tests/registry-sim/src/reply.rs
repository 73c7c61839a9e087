//! Answers and their bodies, ordinary and odd.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use serde_json::{Value, json};

use crate::fault::Action;
use crate::profile::{Errors, Profile, Refusal};
use crate::raw::{Raw, RawEnd};

pub(crate) type SimBody = UnsyncBoxBody<Bytes, io::Error>;
pub(crate) type Answer = Response<SimBody>;

/// What a request leads to.
pub(crate) enum Reply {
    Answer(Answer),
    /// No answer, ever.
    Never,
    /// The connection is taken from HTTP, for these bytes.
    Cut(Raw),
}

/// An answer with this status and body.
pub(crate) fn answer(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let body: Bytes = body.into();
    let length = body.len();
    let mut answer = Response::new(full(body));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status of three digits");
    let headers = answer.headers_mut();
    if !content_type.is_empty() {
        set(headers, "content-type", content_type);
    }
    if status != 204 {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

/// An answer without a body.
pub(crate) fn empty(status: u16) -> Answer {
    answer(status, "", Bytes::new())
}

/// The body of an answer to HEAD; its headers stay as they would be on GET.
pub(crate) fn no_body() -> SimBody {
    full(Bytes::new())
}

/// A JSON answer in the registry's content type.
pub(crate) fn json(profile: &Profile, status: u16, value: &Value) -> Answer {
    answer(status, profile.wire.json, value.to_string())
}

/// A refusal in the registry's shape.
pub(crate) fn refusal(profile: &Profile, refusal: Refusal) -> Answer {
    refusal_with(profile, refusal, refusal.message, &Value::Null)
}

/// A refusal with its own message and detail.
pub(crate) fn refusal_with(
    profile: &Profile,
    refusal: Refusal,
    message: &str,
    detail: &Value,
) -> Answer {
    if refusal.code.is_empty() && message.is_empty() {
        return empty(refusal.status);
    }
    let mut error = json!({"code": refusal.code, "message": message});
    if !detail.is_null() {
        error["detail"] = detail.clone();
    }
    let body = match profile.wire.errors {
        Errors::BareWhenUnauthorized if refusal.status == 401 => error,
        Errors::Spec | Errors::BareWhenUnauthorized => json!({"errors": [error]}),
        Errors::StatusAndMessage => {
            json!({"errors": [{"status": refusal.status, "message": message}]})
        }
    };
    json(profile, refusal.status, &body)
}

/// What Go's router says to a path that it does not know.
pub(crate) fn page_not_found() -> Answer {
    text(404, "404 page not found\n")
}

/// Go's `http.Error`.
pub(crate) fn text(status: u16, body: &'static str) -> Answer {
    let mut answer = answer(status, "text/plain; charset=utf-8", body);
    set(answer.headers_mut(), "x-content-type-options", "nosniff");
    answer
}

/// A redirect.
pub(crate) fn moved(status: u16, location: &str) -> Answer {
    let mut answer = empty(status);
    set(answer.headers_mut(), "location", location);
    answer
}

/// Sets a header to a value known to be sendable.
pub(crate) fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.insert(
        name,
        HeaderValue::from_str(value).expect("a header value of visible ASCII"),
    );
}

/// Adds a header beside those of the same name.
pub(crate) fn add(headers: &mut HeaderMap, name: &'static str, value: &str) {
    headers.append(
        name,
        HeaderValue::from_str(value).expect("a header value of visible ASCII"),
    );
}

/// What a scripted action answers, on a connection's stream of this number.
pub(crate) fn scripted(action: Action, stream: Option<u32>) -> Reply {
    match action {
        Action::Answer {
            status,
            headers,
            body,
        } => {
            let mut reply = answer(status, "", body);
            for (name, value) in headers {
                if name == header::CONTENT_LENGTH {
                    reply.headers_mut().insert(name, value);
                } else {
                    reply.headers_mut().append(name, value);
                }
            }
            Reply::Answer(reply)
        }
        // All but the first wait for the registry and never come here.
        Action::Hang | Action::Held(_) | Action::Slow(_) | Action::Last(_) => Reply::Never,
        Action::Close => Reply::Cut(Raw::new("")),
        Action::Garbage(bytes) => Reply::Cut(Raw::new(bytes)),
        Action::Raw(raw) => Reply::Cut(raw),
        Action::Gone => Reply::Cut(Raw::new("").end(RawEnd::Reset)),
        Action::Http2(fault) => Reply::Cut(match stream {
            Some(stream) => Raw::http2(fault, stream),
            None => Raw::new(""),
        }),
        Action::Drip { every, body } => Reply::Answer(odd(None, Odd::drip(every, body.into()))),
        Action::Endless => Reply::Answer(odd(None, Odd::Endless)),
        Action::Stall => Reply::Answer(odd(Some(1000), Odd::part(Ending::Never))),
        Action::Truncated => Reply::Answer(odd(Some(1000), Odd::part(Ending::Broken))),
    }
}

fn full(body: Bytes) -> SimBody {
    Full::new(body)
        .map_err(|never: Infallible| match never {})
        .boxed_unsync()
}

fn odd(length: Option<u64>, body: Odd) -> Answer {
    let mut answer = Response::new(body.boxed_unsync());
    set(answer.headers_mut(), "content-type", "application/json");
    if let Some(length) = length {
        answer
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    answer
}

/// A body that no well-behaved server sends.
enum Odd {
    Drip {
        every: Duration,
        pause: Pin<Box<tokio::time::Sleep>>,
        body: Bytes,
        at: usize,
    },
    Endless,
    Part {
        sent: Sent,
        ending: Ending,
    },
}

/// How far a part has come.
enum Sent {
    Nothing,
    Data,
    Flushed,
}

#[derive(Clone, Copy)]
enum Ending {
    Never,
    Broken,
}

impl Odd {
    fn drip(every: Duration, body: Bytes) -> Self {
        let body = if body.is_empty() {
            Bytes::from_static(b" ")
        } else {
            body
        };
        Self::Drip {
            every,
            pause: Box::pin(tokio::time::sleep(every)),
            body,
            at: 0,
        }
    }

    const fn part(ending: Ending) -> Self {
        Self::Part {
            sent: Sent::Nothing,
            ending,
        }
    }
}

impl Body for Odd {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut *self {
            Self::Drip {
                every,
                pause,
                body,
                at,
            } => {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                *pause = Box::pin(tokio::time::sleep(*every));
                let byte = body.slice(*at..=*at);
                *at = (*at + 1) % body.len();
                Poll::Ready(Some(Ok(Frame::data(byte))))
            }
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 8192]))))),
            Self::Part { sent, ending } => match (&sent, ending) {
                (Sent::Nothing, _) => {
                    *sent = Sent::Data;
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{\"errors\":")))))
                }
                // One turn in between, so that what was sent leaves the buffer.
                (Sent::Data, Ending::Broken) => {
                    *sent = Sent::Flushed;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                (Sent::Flushed, Ending::Broken) => {
                    Poll::Ready(Some(Err(io::Error::other("the body ends here on purpose"))))
                }
                (_, Ending::Never) => Poll::Pending,
            },
        }
    }
}
