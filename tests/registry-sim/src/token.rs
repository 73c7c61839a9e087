//! The token endpoint: from credentials and scopes to a token.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, header};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::api::Call;
use crate::auth::{self, Accounts, Grant, Token, User};
use crate::profile::{AnonymousToken, Profile, Refusal, Right, Service, TokenShape, WrongPassword};
use crate::reply::{self, Answer};
use crate::state::{self, State};

/// Answers a request to the token endpoint.
pub(crate) fn respond(
    accounts: &mut Accounts,
    state: &mut State,
    profile: &Profile,
    call: &Call,
) -> Answer {
    match judge(accounts, state, profile, call) {
        Ok(token) => issue(accounts, profile, call, token),
        Err(refusal) => {
            let mut answer = reply::refusal(profile, refusal);
            if refusal.status == 401 {
                reply::set(
                    answer.headers_mut(),
                    "www-authenticate",
                    "Basic realm=\"registry-sim token\"",
                );
            }
            answer
        }
    }
}

/// What somebody asks.
struct Asked {
    credentials: Option<Shown>,
    service: Option<String>,
    scopes: Vec<Scope>,
}

/// What proves who asks.
enum Shown {
    Password(String, String),
    RefreshToken(String),
}

struct Scope {
    kind: String,
    name: String,
    actions: Vec<String>,
}

fn judge(
    accounts: &Accounts,
    state: &mut State,
    profile: &Profile,
    call: &Call,
) -> Result<Token, Refusal> {
    let asked = read(profile, call)?;
    if let (Some(status), Some(service)) = (profile.token.unknown_service, &asked.service)
        && *service != service_name(profile, call)
    {
        return Err(Refusal::new(status, "BAD_REQUEST", "unsupported service"));
    }
    let known = profile.token.actions;
    let strange = |action: &String| !known.is_empty() && !known.contains(&action.as_str());
    if asked
        .scopes
        .iter()
        .any(|scope| scope.actions.iter().any(strange))
    {
        return Err(Refusal::new(
            400,
            "INVALID_REQUEST",
            "Unable to decode repository and actions",
        ));
    }
    let holder = match &asked.credentials {
        None => None,
        Some(shown) => {
            let user = match shown {
                Shown::Password(name, password) => accounts.user(name, password),
                Shown::RefreshToken(token) => accounts.refreshed(token),
            };
            if let (true, Some(refusal)) = (
                user.is_some_and(|user| user.expired),
                profile.token.expired_password,
            ) {
                return Err(refusal);
            }
            match user.filter(|user| !user.expired) {
                Some(user) => Some(user),
                None => match profile.token.wrong_password {
                    WrongPassword::AnonymousWhenScoped(_) if !asked.scopes.is_empty() => None,
                    WrongPassword::AnonymousWhenScoped(refusal)
                    | WrongPassword::Refused(refusal) => {
                        return Err(refusal);
                    }
                },
            }
        }
    };
    let token = grant(accounts, profile, &asked, holder);
    refuse_empty(profile, &asked, holder, &token)?;
    if profile.token.push_scope_creates {
        for grant in token
            .access
            .iter()
            .filter(|grant| grant.rights.contains(&Right::Push))
        {
            state.repository_mut(&grant.pattern);
        }
    }
    Ok(token)
}

fn refuse_empty(
    profile: &Profile,
    asked: &Asked,
    holder: Option<&User>,
    token: &Token,
) -> Result<(), Refusal> {
    let scoped = !asked.scopes.is_empty();
    let nothing = token.access.iter().all(|grant| grant.rights.is_empty()) && !token.catalog;
    match (holder, profile.token.anonymous) {
        (Some(_), _) => match profile.token.nothing_granted {
            Some(refusal) if scoped && nothing => Err(refusal),
            _ => Ok(()),
        },
        (None, AnonymousToken::WhenGranted(refusal)) if nothing => Err(refusal),
        (None, AnonymousToken::WhenScoped(refusal)) if !scoped => Err(refusal),
        (None, _) => Ok(()),
    }
}

/// The part of what is asked that the holder may do.
fn grant(accounts: &Accounts, profile: &Profile, asked: &Asked, holder: Option<&User>) -> Token {
    let grants: &[Grant] = holder.map_or(&accounts.anonymous, |user| &user.rights);
    // Where scopes lack the repository key, rights count without it too.
    let short: Vec<Grant> = grants
        .iter()
        .filter(|_| profile.auth.scope_drops_first_segment)
        .filter_map(|grant| {
            let (_, rest) = grant.pattern.split_once('/')?;
            Some(Grant {
                pattern: rest.to_owned(),
                rights: grant.rights.clone(),
            })
        })
        .collect();
    let mut access = Vec::new();
    let mut catalog = false;
    for scope in &asked.scopes {
        if scope.kind != "repository" {
            catalog |= scope.kind == "registry" && holder.is_some();
            continue;
        }
        let mut rights = auth::held(grants, &scope.name);
        rights.extend(auth::held(&short, &scope.name));
        if !profile.token.grants_all_held {
            let asked = Right::parse_list(&scope.actions.join(","));
            rights.retain(|right| asked.contains(right));
        }
        access.push(Grant {
            pattern: scope.name.clone(),
            rights,
        });
    }
    Token {
        holder: holder.map(|user| user.name.clone()),
        access,
        catalog,
        expires: Instant::now() + accounts.lifetime,
    }
}

fn issue(accounts: &mut Accounts, profile: &Profile, call: &Call, token: Token) -> Answer {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let lifetime = accounts.lifetime.as_secs();
    let word = match profile.token.shape {
        TokenShape::Opaque => URL_SAFE_NO_PAD.encode(state::unique_id()),
        TokenShape::Jwt => jwt(profile, call, &token, now, lifetime),
    };
    let mut body = Map::new();
    for field in profile.token.fields {
        let value = match *field {
            "token" | "access_token" => json!(word),
            "expires_in" => json!(lifetime),
            "issued_at" => json!(rfc3339(now)),
            "scope" => json!(call.parameter("scope").unwrap_or_default()),
            _ => continue,
        };
        body.insert((*field).to_owned(), value);
    }
    let started = Instant::now();
    accounts.tokens.retain(|_, known| known.expires > started);
    accounts.tokens.insert(word, token);
    reply::json(profile, 200, &Value::Object(body))
}

/// A token that clients can read. It is not signed: the simulator knows the
/// tokens that it gave out.
fn jwt(profile: &Profile, call: &Call, token: &Token, now: u64, lifetime: u64) -> String {
    let access: Vec<Value> = token
        .access
        .iter()
        .map(|grant| {
            let actions: Vec<&str> = grant.rights.iter().map(|right| right.as_str()).collect();
            json!({"type": "repository", "name": grant.pattern, "actions": actions})
        })
        .collect();
    let header = json!({"typ": "JWT", "alg": "RS256"});
    let payload = json!({
        "iss": "registry-sim",
        "sub": token.holder.clone().unwrap_or_default(),
        "aud": service_name(profile, call),
        "exp": now + lifetime,
        "nbf": now,
        "iat": now,
        "jti": state::unique_id(),
        "access": access,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signature = URL_SAFE_NO_PAD.encode(state::sha256(payload.to_string().as_bytes()));
    format!("{}.{}.{signature}", part(&header), part(&payload))
}

fn service_name(profile: &Profile, call: &Call) -> String {
    match profile.auth.service {
        Service::Fixed(service) => service.to_owned(),
        Service::Host | Service::Absent => call.host.clone(),
    }
}

/// Reads a GET with Basic, or a POST with an OAuth2 grant of a password or a refresh token.
fn read(profile: &Profile, call: &Call) -> Result<Asked, Refusal> {
    let parameters: Vec<(String, String)> = match call.method {
        Method::GET => call.query.clone(),
        Method::POST => {
            let form: Vec<(String, String)> = url::form_urlencoded::parse(&call.body)
                .into_owned()
                .collect();
            let refresh = form.contains(&("grant_type".to_owned(), "refresh_token".to_owned()));
            match profile.token.post {
                Some(status) if !(refresh && profile.token.refresh_tokens) => {
                    return Err(Refusal::new(status, "UNSUPPORTED", "use GET"));
                }
                _ => form,
            }
        }
        _ => return Err(Refusal::new(405, "UNSUPPORTED", "use GET")),
    };
    let value = |name: &str| {
        parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let credentials = match call.headers.get(header::AUTHORIZATION) {
        Some(header) => Some(auth::basic(header).unwrap_or_default()),
        None => value("username").zip(value("password")),
    };
    let credentials = match (credentials, value("refresh_token")) {
        (Some((name, password)), _) => Some(Shown::Password(name, password)),
        (None, Some(token)) if call.method == Method::POST => Some(Shown::RefreshToken(token)),
        (None, _) => None,
    };
    let scopes = parameters
        .iter()
        .filter(|(key, _)| key == "scope")
        .flat_map(|(_, scopes)| scopes.split_ascii_whitespace().filter_map(scope))
        .collect();
    Ok(Asked {
        credentials,
        service: value("service"),
        scopes,
    })
}

/// `type:name:actions`; the name may hold colons (a host with a port).
fn scope(text: &str) -> Option<Scope> {
    let (rest, actions) = text.rsplit_once(':')?;
    let (kind, name) = rest.split_once(':')?;
    let kind = kind.split_once('(').map_or(kind, |(kind, _class)| kind);
    Some(Scope {
        kind: kind.to_owned(),
        name: name.to_owned(),
        actions: actions.split(',').map(str::to_owned).collect(),
    })
}

/// Seconds since 1970 as RFC 3339 (days to date: Howard Hinnant, `civil_from_days`).
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_rfc_3339() {
        let table = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_795_535_787, "2026-11-24T15:56:27Z"),
        ];
        for (seconds, text) in table {
            assert_eq!(rfc3339(seconds), text);
        }
    }

    #[test]
    fn a_scope_has_a_type_a_name_and_actions() {
        let read = scope("repository(plugin):host:5000/a/b:pull,push").unwrap();
        assert_eq!(
            (read.kind.as_str(), read.name.as_str()),
            ("repository", "host:5000/a/b")
        );
        assert_eq!(read.actions, ["pull", "push"]);
        assert!(scope("*").is_none());
    }
}
