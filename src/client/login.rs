//! The login flow of `checks.md` 3.1: is this credential set good?
//!
//! Which requests are sent is here; what their answers mean is in the pure
//! functions at the end, each with its table of tests.

use std::{sync::Arc, time::Duration};

use http::Method;

use super::{
    Client, Refusal, Stage,
    access::TokenAnswer,
    ping::{Ping, PingKind},
};
use crate::{
    config::TestRepository,
    credentials::CredentialsError,
    exchange::{Authorization, Operation, Reply, Request},
    oci::{self, Action, Challenge, Denial, ErrorBody, Scheme, Scope},
    outcome::Reason,
    secret::Credentials,
};

/// How the login flow of one credential set ended, and what it showed.
#[derive(Debug, Clone)]
pub struct Login {
    /// How it ended.
    pub end: LoginEnd,
    /// The raw challenge of the anonymous ping.
    pub challenge: Option<String>,
    /// `Basic` or `Bearer`: what the ping asked for.
    pub scheme: Option<Scheme>,
    /// The status of the request that decided.
    pub status: Option<u16>,
    /// Time of the request that decided.
    pub latency: Option<Duration>,
    /// When the exchanged token ends (seconds since the epoch); evidence only.
    pub token_expires_at: Option<i64>,
    /// When the configured credential itself ends, by its own word (seconds since the epoch).
    pub credential_expires_at: Option<i64>,
    /// The product, as far as it was recognised.
    pub product: Option<String>,
}

/// How the login flow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginEnd {
    /// No credentials are configured and none are asked for.
    Open,
    /// Credentials are configured, and the registry is open: it answers whoever asks.
    Unprovable,
    /// The credentials were accepted.
    Accepted,
    /// No credentials are configured, and an anonymous token was granted.
    AnonymousToken,
    /// No credentials are configured, and anonymous access is refused.
    AnonymousRefused,
    /// The same, for a repository that the user did not name.
    AnonymousGuess,
    /// The credentials cannot be used: `unauthorized`, `expired`, `config`, `untrusted_host`.
    Rejected(Reason, String),
    /// The answer says nothing of the credentials.
    Unclear(Reason, String),
    /// There was no answer to judge.
    Refused(Refusal),
}

impl LoginEnd {
    /// Why nothing more may be sent with this set, if so.
    pub fn bars(&self) -> Option<Refusal> {
        match self {
            Self::Rejected(reason, message) => Some(Refusal::Rejected(*reason, message.clone())),
            Self::Refused(refusal) => Some(refusal.clone()),
            _ => None,
        }
    }
}

impl Client {
    /// The login flow of a repository's credential set, once per cycle.
    pub async fn login(&self, repository: &TestRepository) -> Arc<Login> {
        let set = &repository.credential;
        if let Some(login) = self.cycle().logins.get(&set.name) {
            return Arc::clone(login);
        }
        let login = Arc::new(self.login_now(repository).await);
        match &login.end {
            LoginEnd::Accepted | LoginEnd::Unprovable => {
                if let Ok(credentials) = self.credentials(set) {
                    let secret = super::fingerprint(&credentials);
                    let proven = login.end == LoginEnd::Accepted;
                    self.memory.settle(&self.origin, &set.name, secret, proven);
                }
            }
            LoginEnd::Rejected(..) => self.memory.unsettle(&self.origin, &set.name),
            _ => {}
        }
        self.cycle()
            .logins
            .insert(set.name.clone(), Arc::clone(&login));
        login
    }

    async fn login_now(&self, repository: &TestRepository) -> Login {
        let credentials = match self.credentials(&repository.credential) {
            Ok(credentials) => credentials,
            Err(error) => return Login::without_request(unreadable(&error)),
        };
        let ping = match self.ping_for_login().await {
            Ok(ping) => ping,
            Err(refusal) => return Login::without_request(LoginEnd::Refused(refusal)),
        };
        let mut login = Login {
            end: LoginEnd::Open,
            challenge: ping.challenge.clone(),
            scheme: None,
            status: Some(ping.status),
            latency: Some(ping.elapsed),
            token_expires_at: None,
            credential_expires_at: crate::credentials::expiry(&credentials),
            product: self.product(),
        };
        match (&ping.kind, &credentials) {
            (PingKind::Unusable(reason, message), _) => {
                login.end = LoginEnd::Refused(Refusal::Fatal(*reason, message.clone()));
            }
            (PingKind::Open, Credentials::Anonymous) => {}
            (PingKind::Open, _) => {
                let shown = shown_as_they_are(&credentials);
                self.ping_with(&mut login, shown, judge_open).await;
            }
            (
                PingKind::Challenged {
                    challenge,
                    optional,
                },
                _,
            ) => {
                login.scheme = Some(challenge.scheme().clone());
                if matches!(credentials, Credentials::Anonymous) {
                    self.login_anonymous(&mut login, repository, challenge, *optional)
                        .await;
                } else {
                    self.login_challenged(&mut login, repository, challenge, &credentials)
                        .await;
                }
            }
        }
        login
    }

    /// Step 6: nothing is configured. The token is the one that pull uses.
    async fn login_anonymous(
        &self,
        login: &mut Login,
        repository: &TestRepository,
        challenge: &Challenge,
        optional: bool,
    ) {
        if optional {
            return;
        }
        if *challenge.scheme() == Scheme::Basic {
            login.end = anonymous_refused(repository.guessed);
            return;
        }
        let scope = Scope::new(&repository.name, &[Action::Pull]);
        match self
            .token(&repository.credential, challenge, Some(&scope))
            .await
        {
            Ok(TokenAnswer::Token {
                elapsed,
                expires_at,
                ..
            }) => {
                login.end = LoginEnd::AnonymousToken;
                login.latency = elapsed.or(login.latency);
                login.token_expires_at = expires_at;
            }
            Ok(TokenAnswer::Denied(reply)) => {
                login.status = Some(reply.status);
                login.latency = Some(reply.elapsed);
                login.end = if matches!(reply.status, 401 | 403) {
                    anonymous_refused(repository.guessed)
                } else {
                    unnamed("the token endpoint", &reply)
                };
            }
            Err(refusal) => login.end = refused(refusal),
        }
    }

    /// Steps 3 to 5: credentials are configured and asked for.
    async fn login_challenged(
        &self,
        login: &mut Login,
        repository: &TestRepository,
        challenge: &Challenge,
        credentials: &Credentials,
    ) {
        let bearer = *challenge.scheme() == Scheme::Bearer;
        if let Credentials::Bearer { .. } = credentials {
            let shown = shown_as_they_are(credentials);
            return self.ping_with(login, shown, judge_configured_token).await;
        }
        if !bearer {
            let shown = shown_as_they_are(credentials);
            return self.ping_with(login, shown, judge_basic).await;
        }
        let set = &repository.credential;
        let mut answer = self.token(set, challenge, None).await;
        let mut scoped = false;
        if let Ok(TokenAnswer::Denied(reply)) = &answer
            && matches!(reply.status, 400 | 404 | 405)
        {
            let scope = Scope::new(&repository.name, &[Action::Pull]);
            answer = self.token(set, challenge, Some(&scope)).await;
            scoped = true;
        }
        match answer {
            Ok(TokenAnswer::Token {
                authorization,
                expires_at,
                ..
            }) => {
                login.token_expires_at = expires_at;
                self.ping_with(login, Some(authorization), judge_exchanged_token)
                    .await;
            }
            Ok(TokenAnswer::Denied(reply)) => {
                login.status = Some(reply.status);
                login.latency = Some(reply.elapsed);
                login.end = judge_token_endpoint(&reply, scoped);
            }
            Err(refusal) => login.end = refused(refusal),
        }
    }

    /// `GET /v2/` with an authorization; its answer decides.
    async fn ping_with(
        &self,
        login: &mut Login,
        authorization: Option<Authorization>,
        judge: fn(&Reply) -> LoginEnd,
    ) {
        let url = oci::endpoints::ping(&self.target.url);
        let request = Request::new(Operation::PingAuth, Method::GET, url).authorized(authorization);
        match self.send(&request).await {
            Ok(reply) if reply.status >= 500 => {
                login.end = LoginEnd::Refused(server_error("`/v2/`", &reply));
            }
            Ok(reply) => {
                if reply.status == 401 {
                    self.memory.forget_ping(&self.origin);
                }
                login.status = Some(reply.status);
                login.latency = Some(reply.elapsed);
                login.end = judge(&reply);
            }
            Err(failure) => {
                login.end = LoginEnd::Refused(failure.of_door("the registry cannot be reached"));
            }
        }
    }

    /// The ping, asked anew where the registry was open: only then does it tell whether it still is.
    async fn ping_for_login(&self) -> Result<Ping, Refusal> {
        let ping = self.ping().await?;
        if matches!(ping.kind, PingKind::Challenged { .. }) {
            return Ok(ping);
        }
        self.ping_again().await
    }
}

impl Login {
    fn without_request(end: LoginEnd) -> Self {
        Self {
            end,
            challenge: None,
            scheme: None,
            status: None,
            latency: None,
            token_expires_at: None,
            credential_expires_at: None,
            product: None,
        }
    }
}

/// A 5xx of the ping or of a token endpoint: nothing else can be asked.
pub(super) fn server_error(what: &str, reply: &Reply) -> Refusal {
    let detail = ErrorBody::of(reply)
        .map(|body| format!(": {}", body.summary()))
        .unwrap_or_default();
    Refusal::Fatal(
        Reason::ServerError,
        format!("{what} answers {}{detail}", reply.status),
    )
}

/// Basic credentials as Basic, a configured token as Bearer.
pub(super) fn shown_as_they_are(credentials: &Credentials) -> Option<Authorization> {
    match credentials {
        Credentials::Anonymous => None,
        Credentials::Basic { username, password } => Some(Authorization::Basic {
            username: username.clone(),
            password: password.clone(),
        }),
        Credentials::Bearer { token } => Some(Authorization::Bearer(token.clone())),
    }
}

/// An unreadable set is a finding about the set, not about the registry.
pub(super) fn unreadable(error: &CredentialsError) -> LoginEnd {
    let reason = if error.expired {
        Reason::Expired
    } else {
        Reason::Config
    };
    LoginEnd::Rejected(reason, error.message.clone())
}

fn anonymous_refused(guessed: bool) -> LoginEnd {
    if guessed {
        LoginEnd::AnonymousGuess
    } else {
        LoginEnd::AnonymousRefused
    }
}

fn refused(refusal: Refusal) -> LoginEnd {
    match refusal {
        Refusal::Rejected(reason, message) => LoginEnd::Rejected(reason, message),
        Refusal::Unclear(reason, message) => LoginEnd::Unclear(reason, message),
        other => LoginEnd::Refused(other),
    }
}

fn judge_open(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 => LoginEnd::Unprovable,
        401 => unauthorized(reply),
        _ => unnamed("`/v2/`", reply),
    }
}

fn judge_basic(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        401 => unauthorized(reply),
        403 => match oci::denial(reply) {
            Denial::Expired => expired(reply),
            Denial::NetworkPolicy => network_policy(reply),
            _ => LoginEnd::Unclear(Reason::Forbidden, said("`/v2/` answers 403", reply)),
        },
        _ => unnamed("`/v2/`", reply),
    }
}

fn judge_exchanged_token(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        401 => unauthorized(reply),
        403 if oci::denial(reply) == Denial::NetworkPolicy => network_policy(reply),
        403 => LoginEnd::Unclear(Reason::Forbidden, said("`/v2/` answers 403", reply)),
        _ => unnamed("`/v2/`", reply),
    }
}

fn judge_configured_token(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        400 | 401 if oci::denial(reply) == Denial::Expired => expired(reply),
        // ECR Public answers 400 to a bearer token that is past its end or wrong.
        400 | 401 => unauthorized(reply),
        403 => match oci::denial(reply) {
            Denial::Expired => expired(reply),
            Denial::NetworkPolicy => network_policy(reply),
            _ => unauthorized(reply),
        },
        _ => unnamed("`/v2/`", reply),
    }
}

/// The token endpoint's refusal; `scoped` where a scope was asked in the second try.
fn judge_token_endpoint(reply: &Reply, scoped: bool) -> LoginEnd {
    match reply.status {
        401 | 403 if scoped => LoginEnd::Unclear(
            Reason::Forbidden,
            said("the token endpoint refuses the test repository", reply),
        ),
        401 | 403 if oci::denial(reply) == Denial::Expired => expired(reply),
        401 | 403 => unauthorized(reply),
        _ => unnamed("the token endpoint", reply),
    }
}

fn unauthorized(reply: &Reply) -> LoginEnd {
    LoginEnd::Rejected(
        Reason::Unauthorized,
        said("the credentials are rejected", reply),
    )
}

fn expired(reply: &Reply) -> LoginEnd {
    LoginEnd::Rejected(
        Reason::Expired,
        said("the credentials are past their end", reply),
    )
}

fn network_policy(reply: &Reply) -> LoginEnd {
    LoginEnd::Refused(Refusal::Fatal(
        Reason::NetworkPolicy,
        said("a network rule refuses this machine", reply),
    ))
}

fn unnamed(who: &str, reply: &Reply) -> LoginEnd {
    LoginEnd::Unclear(
        Reason::Protocol,
        said(
            &format!("{who} answers {}, which no rule names", reply.status),
            reply,
        ),
    )
}

/// The registry's own words behind ours.
fn said(ours: &str, reply: &Reply) -> String {
    match ErrorBody::of(reply) {
        Some(body) if !body.summary().is_empty() => format!("{ours} ({})", body.summary()),
        _ => ours.to_owned(),
    }
}

impl Stage {
    /// In a message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "the registry",
            Self::Token => "the token endpoint",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::{error, reply};

    fn reason(end: &LoginEnd) -> Option<(&'static str, Reason)> {
        match end {
            LoginEnd::Rejected(reason, _) => Some(("rejected", *reason)),
            LoginEnd::Unclear(reason, _) => Some(("unclear", *reason)),
            LoginEnd::Refused(Refusal::Fatal(reason, _)) => Some(("fatal", *reason)),
            _ => None,
        }
    }

    const ECR_EXPIRED: &str = "Your authorization token has expired. Reauthenticate and try again.";

    #[test]
    fn basic_on_the_ping() {
        assert_eq!(judge_basic(&reply(200, &[], "{}")), LoginEnd::Accepted);
        for (name, reply, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired (ECR)",
                error(403, "DENIED", ECR_EXPIRED),
                ("rejected", Reason::Expired),
            ),
            (
                "403",
                error(403, "DENIED", "no"),
                ("unclear", Reason::Forbidden),
            ),
            ("404", reply(404, &[], ""), ("unclear", Reason::Protocol)),
            (
                "a login page",
                reply(200, &[("content-type", "text/html")], "<html>"),
                ("unclear", Reason::Protocol),
            ),
        ] {
            assert_eq!(reason(&judge_basic(&reply)), Some(expected), "{name}");
        }
    }

    #[test]
    fn an_exchanged_token_on_the_ping() {
        assert_eq!(
            judge_exchanged_token(&reply(200, &[], "{}")),
            LoginEnd::Accepted
        );
        for (name, reply, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403",
                error(403, "DENIED", ""),
                ("unclear", Reason::Forbidden),
            ),
            ("400", reply(400, &[], ""), ("unclear", Reason::Protocol)),
        ] {
            assert_eq!(
                reason(&judge_exchanged_token(&reply)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_configured_token_on_the_ping() {
        assert_eq!(
            judge_configured_token(&reply(200, &[], "")),
            LoginEnd::Accepted
        );
        for (name, reply, expected) in [
            (
                "400 (ECR Public)",
                reply(400, &[], ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "401",
                reply(401, &[], ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired",
                error(403, "DENIED", ECR_EXPIRED),
                ("rejected", Reason::Expired),
            ),
            (
                "403",
                error(403, "DENIED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            ("404", reply(404, &[], ""), ("unclear", Reason::Protocol)),
        ] {
            assert_eq!(
                reason(&judge_configured_token(&reply)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn the_token_endpoint() {
        for (name, reply, scoped, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                false,
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 (GHCR's bad token)",
                error(403, "DENIED", "denied"),
                false,
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired",
                error(403, "DENIED", ECR_EXPIRED),
                false,
                ("rejected", Reason::Expired),
            ),
            (
                "401 to the scoped second try",
                error(401, "UNAUTHORIZED", ""),
                true,
                ("unclear", Reason::Forbidden),
            ),
            (
                "403 to the scoped second try",
                error(403, "DENIED", ""),
                true,
                ("unclear", Reason::Forbidden),
            ),
            (
                "400",
                reply(400, &[], ""),
                true,
                ("unclear", Reason::Protocol),
            ),
        ] {
            assert_eq!(
                reason(&judge_token_endpoint(&reply, scoped)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn credentials_on_an_open_registry() {
        assert_eq!(judge_open(&reply(200, &[], "{}")), LoginEnd::Unprovable);
        let rejected = judge_open(&reply(401, &[], ""));
        assert_eq!(reason(&rejected), Some(("rejected", Reason::Unauthorized)));
        assert_eq!(
            reason(&judge_open(&reply(418, &[], ""))),
            Some(("unclear", Reason::Protocol))
        );
    }

    #[test]
    fn what_bars_further_requests() {
        let rejected = LoginEnd::Rejected(Reason::Expired, String::new());
        assert!(rejected.bars().is_some());
        let limited = LoginEnd::Refused(Refusal::RateLimited(String::new()));
        assert!(limited.bars().is_some());
        // The question is open, and the answer of another route may still tell.
        let unclear = LoginEnd::Unclear(Reason::Forbidden, String::new());
        assert_eq!(unclear.bars(), None);
        assert_eq!(LoginEnd::AnonymousRefused.bars(), None);
    }
}
