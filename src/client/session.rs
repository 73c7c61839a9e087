//! One open upload session: the chunks that are tried in it, and its cancel.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Method, header};
use url::Url;

use super::{
    Client, Got, Refusal, Stage,
    send::Failure,
    upload::{Chunks, delete_scope, write_scope},
};
use crate::{
    auth::{self, Location},
    config::TestRepository,
    exchange::{Operation, Reply, Request},
    oci::{ErrorBody, Scope},
    outcome::{Reason, SessionEnd},
};

/// An open upload session, by the Location of the latest answer.
pub(super) struct Session<'a> {
    client: &'a Client,
    repository: &'a TestRepository,
    place: Mutex<Option<Location>>,
}

impl<'a> Session<'a> {
    /// The session that an answer opened.
    pub(super) fn new(
        client: &'a Client,
        repository: &'a TestRepository,
        at: &Url,
        reply: &Reply,
    ) -> Self {
        let session = Self {
            client,
            repository,
            place: Mutex::new(None),
        };
        session.moved(at, reply);
        session
    }

    /// Bytes 0 to 4, then 5 to 9 where the first were taken; `None` without a place to send them to.
    pub(super) async fn send_chunks(&self, least_size_named: bool) -> Option<Chunks> {
        if self.client.sessions.closing() {
            return None;
        }
        let first = self.patch("0-4").await?;
        let taken = first
            .as_ref()
            .is_ok_and(|got| (200..300).contains(&got.reply.status));
        let second = if taken && !self.client.sessions.closing() {
            self.patch("5-9").await
        } else {
            None
        };
        Some(Chunks {
            first,
            second,
            least_size_named,
        })
    }

    /// `DELETE` of the session, once more with the other right where the first is not enough.
    pub(super) async fn cancel(&self) -> SessionEnd {
        let Some(place) = self.place() else {
            return SessionEnd::Lost;
        };
        let client = self.client;
        let may_ask_delete = place.own_origin && client.may_ask_delete();
        let user = client.user(&self.repository.credential);
        let needs_delete =
            may_ask_delete && client.memory.cancel_needs_delete(&client.origin, &user);
        let scope = |delete| {
            if delete {
                delete_scope(self.repository)
            } else {
                write_scope(self.repository)
            }
        };
        let first = self.delete(&place, &scope(needs_delete)).await;
        if first != SessionEnd::Refused || !may_ask_delete {
            return first;
        }
        match self.delete(&place, &scope(!needs_delete)).await {
            SessionEnd::Cancelled => {
                client
                    .memory
                    .keep_cancel_right(&client.origin, &user, !needs_delete);
                SessionEnd::Cancelled
            }
            // The registry did say no; that the other right could not be had adds nothing.
            SessionEnd::Lost => SessionEnd::Refused,
            end => end,
        }
    }

    async fn patch(&self, range: &'static str) -> Option<Result<Got, Refusal>> {
        let place = self.place()?;
        let mut request = Request::new(Operation::UploadPatch, Method::PATCH, place.url.clone())
            .header(header::CONTENT_TYPE, "application/octet-stream");
        // Bare, as the spec writes it: distribution 3.1 answers 500 to `bytes 0-4/5`.
        request
            .headers
            .insert(header::CONTENT_RANGE, HeaderValue::from_static(range));
        request.body = Bytes::from_static(b"probe");
        let answer = self
            .send(&place, request, &write_scope(self.repository))
            .await;
        if let Ok(got) = &answer
            && (200..300).contains(&got.reply.status)
        {
            self.moved(&place.url, &got.reply);
        }
        Some(answer.and_then(|got| of_the_registry(got, &place)))
    }

    async fn delete(&self, place: &Location, scope: &[Scope]) -> SessionEnd {
        let request = Request::new(Operation::UploadCancel, Method::DELETE, place.url.clone());
        let answer = self.send(place, request, scope).await;
        cancelled(&answer, place.own_origin)
    }

    /// Another origin gets the bare request and nothing that proves who asks;
    /// one inside our own network gets nothing at all.
    async fn send(
        &self,
        place: &Location,
        request: Request,
        scope: &[Scope],
    ) -> Result<Got, Refusal> {
        let client = self.client;
        if place.own_origin {
            return client.ask(self.repository, scope, request).await;
        }
        client.public_only(&place.url)?;
        client
            .send_bare(&request)
            .await
            .map(|reply| Got {
                stage: Stage::Registry,
                reply,
            })
            .map_err(Failure::of_foreign)
    }

    /// Takes the Location of an answer, where it has a usable one.
    fn moved(&self, at: &Url, reply: &Reply) {
        let registry = &self.client.target.url;
        let place = reply
            .header("location")
            .and_then(|location| auth::resolve_location(at, location, registry));
        if place.is_some() {
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        }
    }

    fn place(&self) -> Option<Location> {
        self.place
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// What another host refuses to somebody who shows nothing says nothing of the registry.
fn of_the_registry(got: Got, place: &Location) -> Result<Got, Refusal> {
    if place.own_origin || (200..300).contains(&got.reply.status) {
        return Ok(got);
    }
    Err(Refusal::Unclear(
        Reason::UntrustedHost,
        format!(
            "the upload goes to another host, which answers {} without credentials",
            got.reply.status
        ),
    ))
}

/// What the answer to a cancel means.
fn cancelled(answer: &Result<Got, Refusal>, own_origin: bool) -> SessionEnd {
    let got = match answer {
        Ok(got) => got,
        Err(_) if own_origin => return SessionEnd::Lost,
        // Whatever a foreign place answers except 2xx, it does not offer to cancel.
        Err(_) => return SessionEnd::NotOffered,
    };
    match got.reply.status {
        200..=299 if got.stage == Stage::Registry => SessionEnd::Cancelled,
        _ if !own_origin => SessionEnd::NotOffered,
        401 | 403 => SessionEnd::Refused,
        404 if is_gone(&got.reply) => SessionEnd::Cancelled,
        404 | 400 | 405 | 501 => SessionEnd::NotOffered,
        _ => SessionEnd::Lost,
    }
}

/// Gone already. A 404 with another code, or none, is not about the session:
/// distribution answers a stale Location with `BLOB_UPLOAD_INVALID`.
fn is_gone(reply: &Reply) -> bool {
    ErrorBody::of(reply).is_some_and(|body| body.has_code("BLOB_UPLOAD_UNKNOWN"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::{error, reply};

    #[expect(clippy::unnecessary_wraps, reason = "the type of the rows")]
    fn got(reply: Reply) -> Result<Got, Refusal> {
        Ok(Got {
            stage: Stage::Registry,
            reply,
        })
    }

    #[test]
    fn what_the_answer_to_a_cancel_means() {
        use SessionEnd::*;
        for (name, answer, expected) in [
            ("204", got(reply(204, &[], "")), Cancelled),
            ("202", got(reply(202, &[], "")), Cancelled),
            (
                "gone",
                got(error(404, "BLOB_UPLOAD_UNKNOWN", "")),
                Cancelled,
            ),
            (
                "stale (distribution)",
                got(error(404, "BLOB_UPLOAD_INVALID", "")),
                NotOffered,
            ),
            (
                "404 text",
                got(reply(404, &[], "404 page not found")),
                NotOffered,
            ),
            (
                "400 (ggcr)",
                got(error(400, "NAME_INVALID", "")),
                NotOffered,
            ),
            ("405", got(reply(405, &[], "")), NotOffered),
            ("501", got(reply(501, &[], "")), NotOffered),
            ("401", got(reply(401, &[], "")), Refused),
            ("403 (zot)", got(error(403, "DENIED", "")), Refused),
            ("500", got(reply(500, &[], "")), Lost),
            ("418", got(reply(418, &[], "")), Lost),
            ("429", Err(Refusal::RateLimited(String::new())), Lost),
            (
                "silence",
                Err(Refusal::Broken(Reason::Timeout, String::new())),
                Lost,
            ),
        ] {
            assert_eq!(cancelled(&answer, true), expected, "{name}");
        }
    }

    #[test]
    fn a_foreign_place_only_ever_takes_it_or_does_not_offer_it() {
        use SessionEnd::*;
        for (answer, expected) in [
            (got(reply(204, &[], "")), Cancelled),
            (got(reply(401, &[], "")), NotOffered),
            (got(reply(500, &[], "")), NotOffered),
            (
                Err(Refusal::Broken(Reason::Connect, String::new())),
                NotOffered,
            ),
        ] {
            assert_eq!(cancelled(&answer, false), expected, "{answer:?}");
        }
    }
}
