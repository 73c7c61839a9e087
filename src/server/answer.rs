//! Answers in a few words, and what every answer has.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
};

use super::body::Body;

pub(super) type Answer = Response<Body>;

pub(super) fn not_allowed(allowed: &[Method]) -> Answer {
    let answer = plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    match HeaderValue::try_from(names.join(", ")) {
        Ok(names) => with(answer, ALLOW, names),
        Err(_) => answer,
    }
}

pub(super) fn busy() -> Answer {
    let answer = plain(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once");
    with(answer, RETRY_AFTER, HeaderValue::from_static("1"))
}

pub(super) fn failed(why: &str) -> Answer {
    tracing::error!(error = why, "page could not be made");
    plain(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the page could not be made; the log says why",
    )
}

pub(super) fn plain(status: StatusCode, words: &str) -> Answer {
    answer(
        status,
        "text/plain; charset=utf-8",
        Bytes::from(format!("{words}\n")),
    )
}

pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Answer {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let answer = with(answer, CONTENT_TYPE, HeaderValue::from_static(content_type));
    let answer = with(
        answer,
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    with(answer, CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

pub(super) fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}
