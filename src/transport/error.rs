//! From what went wrong to a kind and a sentence: the one place that reads the
//! errors of the HTTP client and of TLS.

use std::time::Duration;

use crate::exchange::{Request, TransportError, TransportErrorKind};

use super::{
    causes::{Chain, broken, leaf, out_of_files},
    dns::DnsError,
    observer::{Recording, Stage},
    options::TlsVersion,
    proxy::Proxy,
    redact,
    shown::Identity,
    words,
};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Not sent at all, and why.
    Refused(TransportErrorKind, String),
    /// The HTTP client failed.
    Http(reqwest::Error),
    /// The request's deadline passed.
    Deadline,
}

/// What an error's sentence is about.
pub(super) struct Place<'a> {
    pub(super) request: &'a Request,
    pub(super) proxy: Option<&'a Proxy>,
    pub(super) oldest_tls: TlsVersion,
    pub(super) connect_timeout: Duration,
    pub(super) deadline: Duration,
}

impl Failure {
    /// A request without time to be sent in.
    pub(super) fn no_time() -> Self {
        let detail = "no time was left to send the request";
        Self::Refused(TransportErrorKind::Timeout, detail.to_owned())
    }

    /// The failure of something that was not even tried.
    pub(super) fn unsent(self) -> TransportError {
        let (kind, detail) = match self {
            Self::Refused(kind, detail) => (kind, detail),
            Self::Http(error) => (
                TransportErrorKind::Protocol,
                error.without_url().to_string(),
            ),
            Self::Deadline => return Self::no_time().unsent(),
        };
        TransportError {
            kind,
            detail: short(&detail),
            before_connected: true,
            elapsed: Duration::ZERO,
        }
    }

    /// The failure of a request, in words.
    pub(super) fn explain(
        self,
        place: &Place<'_>,
        recording: &Recording,
        elapsed: Duration,
    ) -> TransportError {
        let stage = recording.stage();
        let (kind, detail) = match &self {
            Self::Refused(..) => {
                return TransportError {
                    elapsed,
                    ..self.unsent()
                };
            }
            Self::Deadline => timeout(stage, place.deadline, place),
            Self::Http(error) => classify(error, stage, place, recording),
        };
        TransportError {
            kind,
            detail: short(&detail),
            // In TLS 1.3 the server's word on the handshake comes when the client is done
            // with it: what was sent in between was not received.
            before_connected: kind == TransportErrorKind::Tls
                || matches!(
                    stage,
                    Stage::Resolving | Stage::Connecting | Stage::Handshake
                ),
            elapsed,
        }
    }
}

/// At most [`LONGEST`] characters, none of them a control character.
fn short(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(LONGEST + 1)
        .collect();
    if shown.chars().count() > LONGEST {
        shown = shown.chars().take(LONGEST - 1).collect();
        shown.push('…');
    }
    shown
}

fn classify(
    error: &reqwest::Error,
    stage: Stage,
    place: &Place<'_>,
    recording: &Recording,
) -> (TransportErrorKind, String) {
    let find = || Chain::of(error);
    if out_of_files(error) {
        let detail = "this process is out of file descriptors: raise its limit of open files";
        return (TransportErrorKind::Resource, detail.to_owned());
    }
    if let Some(dns) = find().find_map(|cause| cause.downcast_ref::<DnsError>()) {
        // Through a proxy no other name is resolved here.
        let detail = match place.proxy {
            Some(_) => dns.of_proxy(),
            None => dns.to_string(),
        };
        return (TransportErrorKind::Dns, detail);
    }
    if let Some(tls) = find().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
        let detail = words::tls(tls, &recording.shown(), place.oldest_tls);
        let detail = match place.proxy {
            Some(proxy) if matches!(stage, Stage::Resolving | Stage::Connecting) => {
                format!("TLS with {proxy}: {detail}")
            }
            _ => detail,
        };
        return (TransportErrorKind::Tls, detail);
    }
    if error.is_timeout() {
        return match stage {
            // The system gave up on the connection, not we.
            Stage::Idle | Stage::Waiting | Stage::Reading => {
                let detail = format!("{} does not answer any more", host(place));
                (TransportErrorKind::Timeout, detail)
            }
            _ => timeout(stage, place.connect_timeout, place),
        };
    }
    if error.is_connect() {
        return unconnected(error, stage, place);
    }
    unanswered(error, stage, place, recording)
}

/// There is no connection, and it is none of name, TLS and time.
fn unconnected(
    error: &reqwest::Error,
    stage: Stage,
    place: &Place<'_>,
) -> (TransportErrorKind, String) {
    if stage == Stage::Handshake && broken(error) {
        let detail = format!(
            "{} closed the connection during the TLS handshake",
            host(place)
        );
        return (TransportErrorKind::Reset, detail);
    }
    let leaf = leaf(error);
    // Without Rust's error number.
    let why = leaf.split(" (os error").next().unwrap_or(&leaf);
    let detail = match place.proxy {
        Some(proxy) => {
            let host = redact::authority(&place.request.url);
            Chain::of(error)
                .find_map(|cause| proxy.does_not_connect(&host, &cause.to_string()))
                .unwrap_or_else(|| format!("cannot connect to {proxy}: {why}"))
        }
        None => format!("cannot connect to {}: {why}", host(place)),
    };
    (TransportErrorKind::Connect, detail)
}

/// The connection stood, and no answer came that can be read.
fn unanswered(
    error: &reqwest::Error,
    stage: Stage,
    place: &Place<'_>,
    recording: &Recording,
) -> (TransportErrorKind, String) {
    let leaf = leaf(error);
    if let Some(alert) = words::alert(&leaf) {
        let detail = words::tls(&alert, &recording.shown(), place.oldest_tls);
        return (TransportErrorKind::Tls, detail);
    }
    if broken(error) || leaf.contains(" error received: ") {
        let tls = match recording.shown().identity {
            Identity::Missed => Some(words::IDENTITY_MISSED),
            Identity::Given => Some(words::IDENTITY_REFUSED),
            Identity::Unasked => None,
        };
        if let Some(words) = tls.filter(|_| stage == Stage::Waiting) {
            return (TransportErrorKind::Tls, words.to_owned());
        }
        let detail = format!("{} closed the connection before it answered", host(place));
        return (TransportErrorKind::Reset, detail);
    }
    let hint = match place.request.url.scheme() {
        "http" => " (if this is a TLS port, write the URL with https://)",
        _ => "",
    };
    let detail = format!("the answer is not valid HTTP: {leaf}{hint}");
    (TransportErrorKind::Protocol, detail)
}

fn timeout(stage: Stage, limit: Duration, place: &Place<'_>) -> (TransportErrorKind, String) {
    let host = host(place);
    let what = match stage {
        Stage::Resolving => format!("the name of {host} was not resolved"),
        Stage::Connecting => format!("no connection to {host}"),
        Stage::Handshake => format!("the TLS handshake with {host} did not end"),
        Stage::Idle | Stage::Waiting => format!("no answer from {host}"),
        Stage::Reading => format!("the answer of {host} did not end"),
    };
    let limit = Duration::from_millis(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
    (
        TransportErrorKind::Timeout,
        format!("{what} within {limit:?}"),
    )
}

/// Who may be at fault: through a proxy it cannot be told from the host.
fn host(place: &Place<'_>) -> String {
    let host = redact::authority(&place.request.url);
    match place.proxy {
        Some(proxy) => format!("{host} (through {proxy})"),
        None => host,
    }
}

/// The most characters of a detail.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_is_short_and_holds_no_control_character() {
        assert_eq!(short("a\r\n\u{1b}[31mb"), "a   [31mb");
        let long = short(&"ä".repeat(500));
        assert_eq!(long.chars().count(), LONGEST);
        assert!(long.ends_with('…'));
        assert_eq!(short(&"b".repeat(LONGEST)), "b".repeat(LONGEST));
    }
}
