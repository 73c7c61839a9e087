//! Asking the registry with the rights that a question needs: which
//! authorization goes with it, and the one further try that a 401 may earn.

use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::{
    Client, Got, LoginEnd, Refusal, Stage,
    login::{server_error, shown_as_they_are, unreadable},
    ping::{Ping, PingKind},
};
use crate::{
    auth::{self, AuthError, Trust},
    config::{CredentialSet, TestRepository},
    exchange::{Authorization, Operation, Reply, Request},
    oci::{self, Challenge, Scheme, Scope},
    outcome::Reason,
    secret::Credentials,
};

/// A token that was granted in this cycle.
#[derive(Debug, Clone)]
pub(super) struct Held {
    authorization: Authorization,
    obtained: Instant,
    life: Duration,
    expires_at: Option<i64>,
}

/// What a token endpoint answered.
#[derive(Debug, Clone)]
pub(super) enum TokenAnswer {
    /// A token.
    Token {
        /// As a header.
        authorization: Authorization,
        /// Age at hand-over: more than nothing where an earlier question paid for it.
        age: Duration,
        /// Time of the token request, where it was sent just now.
        elapsed: Option<Duration>,
        /// Its end by the token's own word (seconds since the epoch).
        expires_at: Option<i64>,
    },
    /// Anything else that is not 429, 5xx or silence.
    Denied(Reply),
}

/// The authorization of one question, and how old its token is.
struct Shown {
    authorization: Option<Authorization>,
    exchanged: Option<Duration>,
}

impl Client {
    /// The anonymous ping: remembered between cycles for an hour, else asked.
    pub async fn ping(&self) -> Result<Ping, Refusal> {
        if let Some(ping) = self.known_ping() {
            return Ok(ping);
        }
        self.ping_again().await
    }

    /// The anonymous ping, asked in this cycle; at most once.
    pub(super) async fn ping_again(&self) -> Result<Ping, Refusal> {
        {
            let cycle = self.cycle();
            if let Some(refusal) = &cycle.fatal {
                return Err(refusal.clone());
            }
            if let (true, Some(ping)) = (cycle.ping_asked, &cycle.ping) {
                return Ok(ping.clone());
            }
        }
        let url = oci::endpoints::ping(&self.target.url);
        let result = self
            .send_ping(Request::new(Operation::Ping, Method::GET, url))
            .await;
        let mut cycle = self.cycle();
        match &result {
            Ok(ping) => {
                cycle.ping_asked = true;
                cycle.ping = Some(ping.clone());
                cycle.sight.ping(ping);
                match ping.kind {
                    PingKind::Unusable(..) => self.memory.forget_ping(&self.origin),
                    _ => self.memory.keep_ping(&self.origin, ping),
                }
            }
            Err(refusal @ Refusal::Fatal(..)) => cycle.fatal = Some(refusal.clone()),
            Err(_) => {}
        }
        result
    }

    async fn send_ping(&self, request: Request) -> Result<Ping, Refusal> {
        let unreachable = "the registry cannot be reached";
        let mut reply = self
            .send(&request)
            .await
            .map_err(|failure| failure.of_door(unreachable))?;
        if let Some(next) = self.own_redirect(&request, &reply) {
            reply = self
                .send(&next)
                .await
                .map_err(|failure| failure.of_door(unreachable))?;
        }
        if reply.status >= 500 {
            return Err(server_error("`/v2/`", &reply));
        }
        Ok(Ping::judge(&reply, &self.target.host()))
    }

    fn known_ping(&self) -> Option<Ping> {
        let known = self.cycle().ping.clone();
        known.or_else(|| {
            let ping = self.memory.ping(&self.origin)?;
            let mut cycle = self.cycle();
            cycle.ping = Some(ping.clone());
            cycle.sight.ping(&ping);
            Some(ping)
        })
    }

    /// A redirect of a registry to itself, followed once and by the callers that may.
    pub(super) fn own_redirect(&self, request: &Request, reply: &Reply) -> Option<Request> {
        if !matches!(reply.status, 301 | 302 | 307 | 308) {
            return None;
        }
        let location = reply.header("location")?;
        let place = auth::resolve_location(&request.url, location, &self.target.url)?;
        (place.own_origin && place.url != request.url).then(|| Request {
            url: place.url,
            ..request.clone()
        })
    }

    /// Asks one question of the registry with the rights it needs.
    ///
    /// # Errors
    /// A [`Refusal`] where there is no answer to judge. An answer of the token
    /// endpoint that refuses the scope is an answer, of [`Stage::Token`].
    pub(super) async fn ask(
        &self,
        repository: &TestRepository,
        scope: &Scope,
        request: Request,
    ) -> Result<Got, Refusal> {
        self.standing(repository).await?;
        let set = &repository.credential;
        let shown = match self.authorization(set, scope).await? {
            Ok(shown) => shown,
            Err(reply) => {
                return Ok(Got {
                    stage: Stage::Token,
                    reply,
                });
            }
        };
        let first = request.clone().authorized(shown.authorization.clone());
        let reply = self.send_own(set, &first).await?;
        let referrers = request.operation == Operation::Referrers;
        if reply.status == 401 {
            self.memory.forget_ping(&self.origin);
        } else if !(reply.status == 403 && referrers) {
            return Ok(Got {
                stage: Stage::Registry,
                reply,
            });
        }
        match self
            .answer_denial(set, scope, &reply, &shown, referrers)
            .await?
        {
            None => Ok(Got {
                stage: Stage::Registry,
                reply,
            }),
            Some(Err(reply)) => Ok(Got {
                stage: Stage::Token,
                reply,
            }),
            Some(Ok(authorization)) => {
                let second = request.authorized(Some(authorization));
                let reply = self.send_own(set, &second).await?;
                Ok(Got {
                    stage: Stage::Registry,
                    reply,
                })
            }
        }
    }

    async fn send_own(&self, set: &CredentialSet, request: &Request) -> Result<Reply, Refusal> {
        let reply = match self.send(request).await {
            Ok(reply) => reply,
            Err(failure) => {
                let refusal = failure.of_route();
                if matches!(refusal, Refusal::Fatal(..)) {
                    self.cycle().fatal = Some(refusal.clone());
                }
                return Err(refusal);
            }
        };
        self.cycle().sight.rate_limit(&set.name, &reply);
        Ok(reply)
    }

    /// Whether anything may be sent for this set at all in this cycle.
    async fn standing(&self, repository: &TestRepository) -> Result<(), Refusal> {
        if let Some(refusal) = &self.cycle().fatal {
            return Err(refusal.clone());
        }
        let set = &repository.credential;
        let credentials = self
            .credentials(set)
            .map_err(|error| match unreadable(&error) {
                LoginEnd::Rejected(reason, message) => Refusal::Rejected(reason, message),
                _ => Refusal::Rejected(Reason::Config, error.message),
            })?;
        let ping = self.ping().await?;
        if let PingKind::Unusable(reason, message) = &ping.kind {
            return Err(Refusal::Fatal(*reason, message.clone()));
        }
        if matches!(credentials, Credentials::Anonymous) {
            return Ok(());
        }
        let known = self.cycle().logins.contains_key(&set.name);
        if !known && self.settled(set).is_some() {
            return Ok(());
        }
        match self.login(repository).await.end.bars() {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// What goes with a question; the token endpoint's refusal where it has one.
    async fn authorization(
        &self,
        set: &CredentialSet,
        scope: &Scope,
    ) -> Result<Result<Shown, Reply>, Refusal> {
        let credentials = self.credentials(set).unwrap_or(Credentials::Anonymous);
        let late = self.cycle().late_challenge.clone();
        let challenge = match (late, self.ping().await?.kind) {
            (Some(late), _) => Some(late),
            (
                None,
                PingKind::Challenged {
                    challenge,
                    optional,
                },
            ) => {
                // zot answers 200 to nobody and to somebody: only somebody shows who they are.
                let nobody = matches!(credentials, Credentials::Anonymous);
                (!(optional && nobody)).then_some(challenge)
            }
            (None, _) => None,
        };
        let Some(challenge) = challenge else {
            return Ok(Ok(Shown::as_it_is(None)));
        };
        self.answer_challenge(set, &credentials, &challenge, scope)
            .await
    }

    async fn answer_challenge(
        &self,
        set: &CredentialSet,
        credentials: &Credentials,
        challenge: &Challenge,
        scope: &Scope,
    ) -> Result<Result<Shown, Reply>, Refusal> {
        let exchange = *challenge.scheme() == Scheme::Bearer
            && !matches!(credentials, Credentials::Bearer { .. });
        if !exchange {
            return Ok(Ok(Shown::as_it_is(shown_as_they_are(credentials))));
        }
        match self.token(set, challenge, Some(scope)).await? {
            TokenAnswer::Token {
                authorization, age, ..
            } => Ok(Ok(Shown {
                authorization: Some(authorization),
                exchanged: Some(age),
            })),
            TokenAnswer::Denied(reply) if matches!(reply.status, 401 | 403) => Ok(Err(reply)),
            TokenAnswer::Denied(reply) => Err(Refusal::Unclear(
                Reason::Protocol,
                format!(
                    "the token endpoint answers {}, which no rule names",
                    reply.status
                ),
            )),
        }
    }

    /// The one further try that a 401 earns (`checks.md` 2 "Which 401, 403, 404?").
    async fn answer_denial(
        &self,
        set: &CredentialSet,
        scope: &Scope,
        reply: &Reply,
        shown: &Shown,
        referrers: bool,
    ) -> Result<Option<Result<Authorization, Reply>>, Refusal> {
        let challenges = oci::challenges(reply);
        let asked = match (reply.status, self.ping().await?.kind) {
            (403, PingKind::Challenged { challenge, .. }) => Some(challenge),
            _ => auth::choose(&challenges).cloned(),
        };
        let Some(challenge) = &asked else {
            return Ok(None);
        };
        let credentials = self.credentials(set).unwrap_or(Credentials::Anonymous);
        let again = match second_try(challenge, &credentials, scope, shown, referrers) {
            SecondTry::No => return Ok(None),
            SecondTry::LateChallenge => {
                self.cycle().late_challenge = Some(challenge.clone());
                scope.clone()
            }
            SecondTry::Basic => {
                return Ok(shown_as_they_are(&credentials).map(Ok));
            }
            SecondTry::OtherScope(scope) => scope,
            SecondTry::FreshToken => {
                self.cycle()
                    .tokens
                    .remove(&(set.name.clone(), scope.to_string()));
                scope.clone()
            }
        };
        match self
            .answer_challenge(set, &credentials, challenge, &again)
            .await?
        {
            Ok(Shown {
                authorization: Some(authorization),
                ..
            }) => Ok(Some(Ok(authorization))),
            Ok(_) => Ok(None),
            Err(reply) => Ok(Some(Err(reply))),
        }
    }

    /// A token for this scope (or for none, in the login flow), once per cycle.
    pub(super) async fn token(
        &self,
        set: &CredentialSet,
        challenge: &Challenge,
        scope: Option<&Scope>,
    ) -> Result<TokenAnswer, Refusal> {
        let words = scope.map(Scope::to_string).unwrap_or_default();
        let key = (set.name.clone(), words.clone());
        if let Some(held) = self.cycle().tokens.get(&key)
            && held.obtained.elapsed() + TOKEN_MARGIN < held.life
        {
            return Ok(TokenAnswer::Token {
                authorization: held.authorization.clone(),
                age: held.obtained.elapsed(),
                elapsed: None,
                expires_at: held.expires_at,
            });
        }
        let credentials = self.credentials(set).unwrap_or(Credentials::Anonymous);
        let trust = Trust {
            registry: &self.target.url,
            token_hosts: &self.target.token_hosts,
        };
        let scopes: Vec<Scope> = scope.into_iter().cloned().collect();
        let request = auth::token_request(challenge, &credentials, &scopes, &trust)
            .map_err(|error| untrusted(&error))?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let reply = self.send_for_token(&request, &host).await?;
        if !(200..300).contains(&reply.status) {
            return Ok(TokenAnswer::Denied(reply));
        }
        let Some(token) = auth::token(&reply) else {
            return Err(Refusal::Unclear(
                Reason::Protocol,
                format!("the token endpoint at {host} answers 200 without a token"),
            ));
        };
        let claims = token.claims.as_ref();
        let held = Held {
            authorization: Authorization::Bearer(token.secret.clone()),
            obtained: Instant::now(),
            life: token.life,
            expires_at: claims.and_then(|claims| claims.exp),
        };
        let mut cycle = self.cycle();
        if let Some(access) = claims.and_then(|claims| claims.access.as_ref()) {
            cycle.sight.grant(&set.name, &words, access);
        }
        cycle.tokens.insert(key, held.clone());
        Ok(TokenAnswer::Token {
            authorization: held.authorization,
            age: Duration::ZERO,
            elapsed: Some(reply.elapsed),
            expires_at: held.expires_at,
        })
    }

    async fn send_for_token(&self, request: &Request, host: &str) -> Result<Reply, Refusal> {
        let refusal = match self.send(request).await {
            Ok(reply) if reply.status >= 500 => {
                server_error(&format!("the token endpoint at {host}"), &reply)
            }
            Ok(reply) => return Ok(reply),
            Err(failure) => {
                failure.of_door(&format!("the token endpoint at {host} cannot be reached"))
            }
        };
        if matches!(refusal, Refusal::Fatal(..)) {
            self.cycle().fatal = Some(refusal.clone());
        }
        Err(refusal)
    }
}

impl Shown {
    fn as_it_is(authorization: Option<Authorization>) -> Self {
        Self {
            authorization,
            exchanged: None,
        }
    }
}

/// What a 401 may earn.
#[derive(Debug, PartialEq, Eq)]
enum SecondTry {
    No,
    /// Nothing was shown; the challenge came late (an open `/v2/`, protected routes).
    LateChallenge,
    /// The route wants Basic although the registry speaks Bearer (Artifactory's referrers).
    Basic,
    /// The challenge names another repository or action set (Artifactory).
    OtherScope(Scope),
    /// The token was not fresh.
    FreshToken,
}

fn second_try(
    challenge: &Challenge,
    credentials: &Credentials,
    scope: &Scope,
    shown: &Shown,
    referrers: bool,
) -> SecondTry {
    let nobody = matches!(credentials, Credentials::Anonymous);
    let bearer = *challenge.scheme() == Scheme::Bearer;
    if shown.authorization.is_none() {
        // Basic needs somebody; Bearer grants tokens to nobody, too.
        return if bearer || !nobody {
            SecondTry::LateChallenge
        } else {
            SecondTry::No
        };
    }
    let Some(age) = shown.exchanged else {
        // A password or a configured token was shown: never twice.
        return SecondTry::No;
    };
    if !bearer {
        return if referrers && !nobody {
            SecondTry::Basic
        } else {
            SecondTry::No
        };
    }
    if let Some(other) = other_scope(challenge, scope) {
        return SecondTry::OtherScope(other);
    }
    if referrers || age > FRESH {
        SecondTry::FreshToken
    } else {
        SecondTry::No
    }
}

/// The scope that a challenge names instead of ours, reduced to the actions meant.
fn other_scope(challenge: &Challenge, scope: &Scope) -> Option<Scope> {
    let named = Scope::parse_list(challenge.scope()?);
    let reduced = named.first()?.reduced_to(scope.actions())?;
    (reduced != *scope).then_some(reduced)
}

fn untrusted(error: &AuthError) -> Refusal {
    match error {
        AuthError::UntrustedHost { .. } => {
            Refusal::Rejected(Reason::UntrustedHost, error.to_string())
        }
        _ => Refusal::Unclear(Reason::Protocol, error.to_string()),
    }
}

/// A token is renewed so long before its end (`checks.md` 2).
const TOKEN_MARGIN: Duration = Duration::from_secs(10);
/// A token older than this may be the cause of a 401.
const FRESH: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exchange::testing::reply,
        oci::{Action, Repository},
        secret::Secret,
    };

    fn challenge(value: &str) -> Challenge {
        let reply = reply(401, &[("www-authenticate", value)], "");
        oci::challenges(&reply).remove(0)
    }

    fn pull(repository: &str) -> Scope {
        let repository = Repository::parse(repository).expect("a repository");
        Scope::new(&repository, &[Action::Pull])
    }

    fn somebody() -> Credentials {
        Credentials::Basic {
            username: "robot".to_owned(),
            password: Secret::new("x"),
        }
    }

    fn token(age: u64) -> Shown {
        Shown {
            authorization: Some(Authorization::Bearer(Secret::new("t"))),
            exchanged: Some(Duration::from_secs(age)),
        }
    }

    #[test]
    fn what_a_401_earns() {
        let bearer = challenge(
            "Bearer realm=\"https://r/t\",scope=\"repository:a/b:pull\",error=\"insufficient_scope\"",
        );
        let basic = challenge("Basic realm=\"r\"");
        let nothing = Shown::as_it_is(None);
        let password = Shown::as_it_is(shown_as_they_are(&somebody()));
        let nobody = Credentials::Anonymous;
        let rows = [
            (
                "nothing was shown",
                &bearer,
                &somebody(),
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nothing was shown, Basic is wanted",
                &basic,
                &somebody(),
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nobody, Bearer is wanted",
                &bearer,
                &nobody,
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nobody, Basic is wanted",
                &basic,
                &nobody,
                &nothing,
                false,
                SecondTry::No,
            ),
            (
                "a password, never twice",
                &basic,
                &somebody(),
                &password,
                false,
                SecondTry::No,
            ),
            (
                "a fresh token without the right",
                &bearer,
                &somebody(),
                &token(1),
                false,
                SecondTry::No,
            ),
            (
                "an old token",
                &bearer,
                &somebody(),
                &token(31),
                false,
                SecondTry::FreshToken,
            ),
            (
                "referrers: one fresh token",
                &bearer,
                &somebody(),
                &token(1),
                true,
                SecondTry::FreshToken,
            ),
            (
                "referrers: Basic where asked (Artifactory)",
                &basic,
                &somebody(),
                &token(1),
                true,
                SecondTry::Basic,
            ),
            (
                "elsewhere a flip to Basic is a denial (Harbor)",
                &basic,
                &somebody(),
                &token(1),
                false,
                SecondTry::No,
            ),
        ];
        for (name, challenge, credentials, shown, referrers, expected) in rows {
            let found = second_try(challenge, credentials, &pull("a/b"), shown, referrers);
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn another_scope_is_asked_for_reduced_to_what_is_meant() {
        let artifactory =
            challenge("Bearer realm=\"https://r/t\",scope=\"repository:b:pull,push\"");
        assert_eq!(other_scope(&artifactory, &pull("key/b")), Some(pull("b")));
        let same = challenge("Bearer realm=\"https://r/t\",scope=\"repository:a/b:pull,push\"");
        assert_eq!(other_scope(&same, &pull("a/b")), None);
        let gitea = challenge("Bearer realm=\"https://r/t\",scope=\"*\"");
        assert_eq!(other_scope(&gitea, &pull("a/b")), None);
        let push_only = challenge("Bearer realm=\"https://r/t\",scope=\"repository:b:push\"");
        assert_eq!(other_scope(&push_only, &pull("a/b")), None);
        let none = challenge("Bearer realm=\"https://r/t\"");
        assert_eq!(other_scope(&none, &pull("a/b")), None);
    }
}
