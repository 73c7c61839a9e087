//! The registry itself: one request in, one answer out.

mod blobs;
mod manifests;
mod referrers;
mod uploads;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::json;

use crate::auth::{self, Accounts};
use crate::log::Operation;
use crate::profile::{MissingRepository, Profile, Referrers, Refusal, Site, Slashless, Writes};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::state::State;
use crate::token;

/// A request, read.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) operation: Operation,
    /// The path as sent.
    pub(crate) path: String,
    /// Decoded parameters, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `Host` or `:authority` as the client sees the registry.
    pub(crate) host: String,
    /// Scheme and host of the registry.
    pub(crate) origin: String,
    /// The realm of a Bearer challenge.
    pub(crate) realm: String,
}

impl Call {
    /// The first value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Everything that an answer depends on.
pub(crate) struct Registry<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) accounts: &'a mut Accounts,
    pub(crate) state: &'a mut State,
    /// Manifest GETs left of the pull limit.
    pub(crate) pulls_left: &'a mut u32,
}

impl Registry<'_> {
    /// Answers a request.
    pub(crate) fn respond(&mut self, call: &Call) -> Answer {
        match self.profile.site {
            Site::Registry => {}
            Site::Page {
                status,
                content_type,
                body,
            } => return reply::answer(status, content_type, body),
            Site::Refused(refusal) => return self.dressed(reply::refusal(self.profile, refusal)),
            Site::Moved { status, location } => return reply::moved(status, location),
        }
        if let Some(refused) = self.accounts.suspended(&call.headers, self.profile) {
            return self.dressed(refused);
        }
        if call.route == Route::Token {
            return token::respond(self.accounts, self.state, self.profile, call);
        }
        let answer = self.route(call);
        self.dressed(answer)
    }

    /// With the headers of every answer.
    fn dressed(&self, mut answer: Answer) -> Answer {
        for (name, value) in self.profile.wire.headers {
            reply::set(answer.headers_mut(), name, value);
        }
        answer
    }

    fn route(&mut self, call: &Call) -> Answer {
        match &call.route {
            Route::Unknown => return reply::page_not_found(),
            Route::Slashless if self.profile.wire.slashless == Slashless::UploadRefused => {
                return self.method_not_allowed();
            }
            Route::Slashless => return slashless(call),
            Route::Referrers { .. } if self.profile.referrers == Referrers::NoRoute => {
                return reply::page_not_found();
            }
            _ => {}
        }
        if let Some(refused) = auth::refuse(self.accounts, self.state, self.profile, call) {
            self.create_all_the_same(call, &refused);
            return refused;
        }
        if call.method == Method::OPTIONS {
            return self.options(call);
        }
        if !matches!(call.method, Method::GET | Method::HEAD) {
            match self.profile.writes {
                Writes::Allowed => {}
                Writes::Maintenance => return maintenance(),
                Writes::Refused(refusal) => return reply::refusal(self.profile, refusal),
            }
        }
        self.handle(call)
    }

    /// ECR's `CREATE_ON_PUSH`: a known caller who may not push has created the
    /// repository before the refusal.
    fn create_all_the_same(&mut self, call: &Call, refused: &Answer) {
        let creates =
            self.profile.uploads.missing_repository == MissingRepository::CreatesForAnybody;
        if let (true, 403, Route::Uploads { name }) =
            (creates, refused.status().as_u16(), &call.route)
        {
            self.state.repository_mut(name);
        }
    }

    fn handle(&mut self, call: &Call) -> Answer {
        match (&call.route, call.operation) {
            (Route::Ping, Operation::Ping) => self.ping(call),
            (Route::Catalog, Operation::Catalog) => {
                let names: Vec<&String> = self.state.repositories.keys().collect();
                reply::json(self.profile, 200, &json!({"repositories": names}))
            }
            (Route::Tags { name }, Operation::TagsList) => self.tags(call, name),
            (Route::Manifest { name, reference }, operation) => {
                self.manifest(call, operation, name, reference)
            }
            (Route::Blob { name, digest }, operation) => self.blob(operation, name, digest),
            (Route::Uploads { name }, Operation::UploadStart | Operation::Mount) => {
                self.start(call, name)
            }
            (Route::Upload { name, id }, operation) => self.upload(call, operation, name, id),
            (Route::Referrers { name, digest }, Operation::Referrers) => {
                self.referrers(call, name, digest)
            }
            _ => self.method_not_allowed(),
        }
    }

    fn ping(&self, call: &Call) -> Answer {
        let mut answer = reply::answer(
            200,
            self.profile.wire.ping.content_type,
            self.profile.wire.ping.body,
        );
        for (name, value) in self.profile.wire.ping.headers {
            reply::set(answer.headers_mut(), name, value);
        }
        if let Some(text) = auth::ping_challenge(self.accounts, self.profile, call) {
            reply::set(answer.headers_mut(), "www-authenticate", &text);
        }
        answer
    }

    fn options(&self, call: &Call) -> Answer {
        if !self.profile.wire.options {
            return self.method_not_allowed();
        }
        if call.route == Route::Ping {
            return self.ping(call);
        }
        let allow = match call.route {
            _ if self.profile.writes == Writes::Maintenance => "GET, HEAD",
            Route::Manifest { .. } => "DELETE, GET, HEAD, PUT",
            Route::Blob { .. } => "DELETE, GET, HEAD",
            Route::Uploads { .. } | Route::Upload { .. } => "DELETE, GET, HEAD, PATCH, POST, PUT",
            _ => "GET",
        };
        let mut answer = reply::empty(200);
        reply::set(answer.headers_mut(), "allow", allow);
        answer
    }

    fn method_not_allowed(&self) -> Answer {
        reply::refusal(
            self.profile,
            Refusal::new(405, "UNSUPPORTED", "The operation is unsupported."),
        )
    }
}

/// Distribution's router adds the slash.
fn slashless(call: &Call) -> Answer {
    let mut answer = reply::moved(301, &format!("{}/", call.path));
    // Go's `http.Redirect` writes a page for who reads one.
    if call.method == Method::GET {
        reply::set(
            answer.headers_mut(),
            "content-type",
            "text/html; charset=utf-8",
        );
    }
    answer
}

/// Distribution's maintenance mode (lab).
fn maintenance() -> Answer {
    let mut answer = reply::text(405, "Method not allowed\n");
    reply::set(answer.headers_mut(), "allow", "GET, HEAD");
    answer
}
