//! What a caller gets who may not pass.

use std::fmt::Write as _;

use http::{Method, header};
use serde_json::{Value, json};

use crate::api::Call;
use crate::log::Operation;
use crate::profile::{Denied, Profile, Refusal, Right, Scheme, Service};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::state::State;

/// A right that a request needs.
pub(super) struct Need {
    name: String,
    rights: Vec<Right>,
}

/// One request before the door.
pub(super) struct Gate<'a> {
    pub(super) state: &'a State,
    pub(super) profile: &'a Profile,
    pub(super) call: &'a Call,
    pub(super) scheme: Scheme,
    pub(super) needs: &'a [Need],
}

impl Gate<'_> {
    /// Passes where every need is held, else refuses as the registry does.
    pub(super) fn decide(
        &self,
        held: impl Fn(&str) -> Vec<Right>,
        catalog: bool,
        known: bool,
    ) -> Option<Answer> {
        if self.call.route == Route::Catalog && !catalog {
            return Some(self.denied(known));
        }
        let strips = self.profile.auth.scope_drops_first_segment;
        let satisfied = self.needs.iter().all(|need| {
            let mut rights = held(&need.name);
            if strips {
                rights.extend(held(without_first_segment(&need.name)));
            }
            need.rights.iter().all(|right| rights.contains(right))
        });
        (!satisfied).then(|| self.denied(known))
    }

    fn denied(&self, known: bool) -> Answer {
        if self.scheme == Scheme::Basic {
            return match self.profile.auth.denied {
                _ if !known => self.unauthorized(None),
                Denied::Forbidden(message) => self.forbidden(message),
                Denied::InsufficientScope | Denied::Unauthorized | Denied::UnauthorizedNamed => {
                    self.forbidden(DENIED)
                }
            };
        }
        match self.profile.auth.denied {
            Denied::InsufficientScope => self.unauthorized(Some("insufficient_scope")),
            Denied::UnauthorizedNamed => self.named(),
            Denied::Forbidden(message) if known => self.forbidden(message),
            Denied::Unauthorized | Denied::Forbidden(_) => self.unauthorized(None),
        }
    }

    /// What a request without credentials gets.
    pub(super) fn nobody(&self) -> Answer {
        if self.profile.auth.denied == Denied::UnauthorizedNamed && self.call.method != Method::HEAD
        {
            return self.named();
        }
        self.unauthorized(None)
    }

    fn forbidden(&self, message: &'static str) -> Answer {
        let mut answer = reply::refusal(self.profile, Refusal::new(403, "DENIED", message));
        if self.profile.auth.challenge_on_403 {
            reply::set(
                answer.headers_mut(),
                "www-authenticate",
                &self.challenge(None),
            );
        }
        answer
    }

    /// Harbor: names repository and action; a missing project has an empty
    /// challenge (v2auth `check`).
    fn named(&self) -> Answer {
        let Some(need) = self.needs.last() else {
            return self.unauthorized(None);
        };
        if !self.state.has_project(&need.name) {
            let project = need.name.split('/').next().unwrap_or_default();
            return self.unauthorized_saying(&format!("project {project} not found"), "");
        }
        let action = need.rights.last().map_or("", |right| right.as_str());
        let text = format!(
            "unauthorized to access repository: {}, action: {action}",
            need.name
        );
        self.unauthorized_saying(&text, &self.challenge(None))
    }

    pub(super) fn unauthorized(&self, error: Option<&str>) -> Answer {
        self.unauthorized_saying("authentication required", &self.challenge(error))
    }

    fn unauthorized_saying(&self, message: &str, challenge: &str) -> Answer {
        let refusal = Refusal::new(401, "UNAUTHORIZED", "");
        let detail = self.needs.iter().flat_map(|need| {
            need.rights.iter().map(|right| {
                json!({"Type": "repository", "Class": "", "Name": need.name, "Action": right.as_str()})
            })
        });
        let detail: Vec<Value> = detail.collect();
        let detail = if detail.is_empty() {
            Value::Null
        } else {
            Value::from(detail)
        };
        let ping = self.call.route == Route::Ping;
        let mut answer = match self.profile.wire.ping.unauthorized_body {
            Some(body) if ping => reply::answer(401, self.profile.wire.ping.content_type, body),
            _ => reply::refusal_with(self.profile, refusal, message, &detail),
        };
        reply::set(answer.headers_mut(), "www-authenticate", challenge);
        if let Some(second) = self.profile.auth.second_challenge {
            reply::add(answer.headers_mut(), "www-authenticate", second);
        }
        answer
    }

    fn challenge(&self, error: Option<&str>) -> String {
        let sent = self.call.headers.contains_key(header::AUTHORIZATION);
        if let (true, Some(text)) = (sent, self.profile.auth.failed_challenge) {
            return text.to_owned();
        }
        if let (Route::Referrers { .. }, Some(text)) =
            (&self.call.route, self.profile.auth.referrers_challenge)
        {
            return text.to_owned();
        }
        let scopes: Vec<String> = self.needs.iter().map(|need| self.scope(need)).collect();
        let mut scope = (!scopes.is_empty()).then(|| scopes.join(" "));
        match self.call.route {
            Route::Ping => scope = self.profile.auth.ping_scope.map(str::to_owned),
            Route::Catalog => scope = Some("registry:catalog:*".to_owned()),
            _ => {}
        }
        if let Some(fixed) = self.profile.auth.fixed_scope {
            scope = Some(fixed.to_owned());
        }
        challenge(
            self.profile,
            self.call,
            self.scheme,
            scope.as_deref(),
            error,
        )
    }

    fn scope(&self, need: &Need) -> String {
        let strips = self.profile.auth.scope_drops_first_segment;
        let name = if strips {
            without_first_segment(&need.name)
        } else {
            &need.name
        };
        let rights: Vec<&str> = need.rights.iter().map(|right| right.as_str()).collect();
        format!("repository:{name}:{}", rights.join(","))
    }
}

pub(super) fn challenge(
    profile: &Profile,
    call: &Call,
    scheme: Scheme,
    scope: Option<&str>,
    error: Option<&str>,
) -> String {
    if scheme == Scheme::Basic {
        let realm = profile.auth.basic_realm;
        return match profile.auth.basic_service {
            Some(service) => format!("Basic realm=\"{realm}\",service=\"{service}\""),
            None => format!("Basic realm=\"{realm}\""),
        };
    }
    let mut text = format!("Bearer realm=\"{}\"", call.realm);
    let mut add = |name: &str, value: &str| {
        let _ = write!(text, ",{name}=\"{value}\"");
    };
    match profile.auth.service {
        Service::Host => add("service", &call.host),
        Service::Fixed(service) => add("service", service),
        Service::Absent => {}
    }
    if let Some(scope) = scope {
        add("scope", scope);
    }
    if let Some(error) = error {
        add("error", error);
    }
    text
}

/// The rights that a request needs (distribution's map of methods to actions).
pub(super) fn needs(call: &Call, profile: &Profile) -> Vec<Need> {
    let Some(name) = call.route.repository() else {
        return Vec::new();
    };
    let cancel = matches!(call.route, Route::Upload { .. });
    let rights = match call.method.as_str() {
        "GET" | "HEAD" | "OPTIONS" => vec![Right::Pull],
        "DELETE" => {
            let auth = &profile.auth;
            let right = if cancel {
                auth.cancel_needs
            } else {
                auth.delete_needs
            };
            match right {
                Right::Push => vec![Right::Pull, Right::Push],
                right => vec![right],
            }
        }
        _ => vec![Right::Pull, Right::Push],
    };
    let mut needs = vec![Need {
        name: name.to_owned(),
        rights,
    }];
    if call.operation == Operation::Mount
        && let Some(from) = call.parameter("from")
        && from != name
    {
        needs.push(Need {
            name: from,
            rights: vec![Right::Pull],
        });
    }
    needs
}

fn without_first_segment(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}

const DENIED: &str = "requested access to the resource is denied";
