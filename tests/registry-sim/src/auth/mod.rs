//! Who asks, and whether they may.

mod gate;

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::Instant;

use self::gate::Gate;
use crate::api::Call;
use crate::profile::{Denied, PingChallenge, Profile, Right, Scheme};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::state::State;

/// Users, rights and the tokens given out.
#[derive(Debug)]
pub(crate) struct Accounts {
    /// The builder's choice; `None`: as the profile says.
    pub(crate) scheme: Option<Scheme>,
    pub(crate) users: Vec<User>,
    /// What may be done without credentials.
    pub(crate) anonymous: Vec<Grant>,
    pub(crate) tokens: HashMap<String, Token>,
    /// How long a token lives.
    pub(crate) lifetime: Duration,
}

/// Somebody with a password.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
    /// Stands for the password at the token endpoint, in OAuth2's POST.
    pub(crate) refresh_token: Option<String>,
    pub(crate) rights: Vec<Grant>,
    pub(crate) expired: bool,
    /// Wrong passwords in a row.
    pub(crate) mistaken: u32,
}

/// Rights on the repositories of a pattern: a name, `prefix/*`, or `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) pattern: String,
    pub(crate) rights: Vec<Right>,
}

impl Grant {
    pub(crate) fn new(pattern: &str, rights: &str) -> Self {
        Self {
            pattern: pattern.to_owned(),
            rights: Right::parse_list(rights),
        }
    }

    fn covers(&self, name: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(prefix) => name.starts_with(prefix),
            None => self.pattern == name,
        }
    }
}

/// A token given out.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) holder: Option<String>,
    pub(crate) access: Vec<Grant>,
    pub(crate) catalog: bool,
    pub(crate) expires: Instant,
}

enum Caller<'a> {
    Nobody,
    User(&'a User),
    Token(&'a Token),
    WrongPassword,
    ExpiredPassword,
    BadToken,
}

impl Accounts {
    pub(crate) fn scheme(&self, profile: &Profile) -> Scheme {
        match self.scheme {
            Some(scheme) => scheme,
            None if self.users.is_empty() && !profile.auth.always => Scheme::None,
            None => profile.auth.scheme,
        }
    }

    pub(crate) fn user(&self, name: &str, password: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.name == name && user.password == password)
    }

    pub(crate) fn refreshed(&self, refresh_token: &str) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.refresh_token.as_deref() == Some(refresh_token))
    }

    /// Takes down whether the password is right; what the request gets if its user is
    /// suspended for wrong ones.
    pub(crate) fn suspended(&mut self, headers: &HeaderMap, profile: &Profile) -> Option<Answer> {
        let (limit, refusal) = profile.auth.suspends?;
        let (name, password) = basic(headers.get(header::AUTHORIZATION)?)?;
        let user = self.users.iter_mut().find(|user| user.name == name)?;
        if user.mistaken >= limit {
            return Some(reply::refusal(profile, refusal));
        }
        let right = user.password == password;
        user.mistaken = if right { 0 } else { user.mistaken + 1 };
        None
    }

    fn caller(&self, headers: &HeaderMap, scheme: Scheme, basic_too: bool) -> Caller<'_> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Caller::Nobody;
        };
        let text = value.to_str().unwrap_or_default();
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match (word.to_ascii_lowercase().as_str(), scheme) {
            ("bearer", Scheme::Bearer) => match self.tokens.get(rest.trim()) {
                Some(token) if token.expires > Instant::now() => Caller::Token(token),
                _ => Caller::BadToken,
            },
            ("basic", _) if scheme == Scheme::Basic || basic_too => {
                match basic(value).and_then(|(name, password)| self.user(&name, &password)) {
                    Some(user) if user.expired => Caller::ExpiredPassword,
                    Some(user) => Caller::User(user),
                    None => Caller::WrongPassword,
                }
            }
            // Distribution takes the other scheme for no credentials at all.
            (_, Scheme::Bearer) => Caller::Nobody,
            _ => Caller::WrongPassword,
        }
    }
}

/// The rights that these grants give on a repository.
pub(crate) fn held(grants: &[Grant], name: &str) -> Vec<Right> {
    let mut rights: Vec<Right> = grants
        .iter()
        .filter(|grant| grant.covers(name))
        .flat_map(|grant| grant.rights.iter().copied())
        .collect();
    rights.sort_unstable();
    rights.dedup();
    rights
}

/// What the request is answered if it may not pass.
pub(crate) fn refuse(
    accounts: &Accounts,
    state: &State,
    profile: &Profile,
    call: &Call,
) -> Option<Answer> {
    let scheme = accounts.scheme(profile);
    if scheme == Scheme::None {
        return None;
    }
    let ping = call.route == Route::Ping;
    let basic_too = ping && profile.auth.basic_on_ping;
    let caller = accounts.caller(&call.headers, scheme, basic_too);
    let needs = gate::needs(call, profile);
    let gate = Gate {
        state,
        profile,
        call,
        scheme,
        needs: &needs,
    };
    match caller {
        Caller::User(user) => {
            if ping || (scheme == Scheme::Basic && !profile.auth.rights_with_basic) {
                return None;
            }
            gate.decide(|name| held(&user.rights, name), true, true)
        }
        Caller::Token(token) => {
            if ping && token.holder.is_none() && profile.auth.ping_refuses_anonymous_token {
                return Some(gate.unauthorized(None));
            }
            gate.decide(
                |name| held(&token.access, name),
                token.catalog,
                token.holder.is_some(),
            )
        }
        Caller::Nobody => {
            let open = profile.auth.anonymous_without_token && !accounts.anonymous.is_empty();
            if ping {
                // zot's mixed policy asks Docker's clients for credentials anyway
                // (source: authn, by user agent).
                let agent = call.header("user-agent").unwrap_or_default();
                let docker = agent.contains("docker/") || agent.contains("Docker-Client");
                let open = profile.auth.ping_open_to_anonymous
                    && !accounts.anonymous.is_empty()
                    && !docker;
                return (!open).then(|| gate.unauthorized(None));
            }
            // Harbor: HEAD is always asked for a token (v2auth, harbor#11271).
            let head =
                profile.auth.denied == Denied::UnauthorizedNamed && call.method == Method::HEAD;
            if open && !head {
                return gate.decide(|name| held(&accounts.anonymous, name), false, false);
            }
            Some(gate.nobody())
        }
        Caller::BadToken => Some(match profile.auth.bad_token {
            Some(refusal) => reply::refusal(profile, refusal),
            None => gate.unauthorized(Some("invalid_token")),
        }),
        Caller::WrongPassword => Some(gate.unauthorized(None)),
        Caller::ExpiredPassword => Some(match profile.auth.expired {
            Some(refusal) => reply::refusal(profile, refusal),
            None => gate.unauthorized(None),
        }),
    }
}

/// The challenge on the 200 of `/v2/`, where the registry sends one.
pub(crate) fn ping_challenge(
    accounts: &Accounts,
    profile: &Profile,
    call: &Call,
) -> Option<String> {
    let scheme = accounts.scheme(profile);
    if scheme == Scheme::None {
        return None;
    }
    match profile.auth.ping_200 {
        PingChallenge::Absent => None,
        PingChallenge::Same => Some(gate::challenge(profile, call, scheme, None, None)),
        PingChallenge::LowerCaseUnquoted if scheme == Scheme::Basic => {
            Some(format!("basic realm={}", profile.auth.basic_realm))
        }
        PingChallenge::LowerCaseUnquoted => Some(format!("bearer realm={}", call.realm)),
    }
}

/// User and password of a Basic header.
pub(crate) fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let text = decoded_basic(value)?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// The decoded part of a Basic header.
pub(crate) fn decoded_basic(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_name_or_a_prefix_with_a_star() {
        let grants = [
            Grant::new("team/app", "pull,push"),
            Grant::new("lib/*", "pull"),
            Grant::new("*", "delete"),
        ];
        assert_eq!(
            held(&grants, "team/app"),
            [Right::Pull, Right::Push, Right::Delete]
        );
        assert_eq!(held(&grants, "lib/x"), [Right::Pull, Right::Delete]);
        assert_eq!(held(&grants, "team/app2"), [Right::Delete]);
    }

    #[test]
    fn basic_is_read_in_any_case_and_with_colons_in_the_password() {
        let value = HeaderValue::from_str(&format!("bAsIc {}", STANDARD.encode("u:p:q"))).unwrap();
        assert_eq!(basic(&value), Some(("u".to_owned(), "p:q".to_owned())));
        assert_eq!(basic(&HeaderValue::from_static("Bearer x")), None);
    }
}
