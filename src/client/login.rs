//! The login flow: is this credential set good? A set that is
//! held back as rejected is not sent: its kept answer stands.
//!
//! Which requests are sent is here; what their answers mean is in the pure
//! functions at the end, each with its table of tests.

use std::sync::Arc;

use http::Method;

use super::{
    Client, Login, LoginEnd, Refusal, ShownCredentials,
    judge::{
        after_rejections, anonymous_refused, invalid_grant, judge_basic, judge_configured_token,
        judge_exchanged_token, judge_open, judge_token_endpoint, refused, server_error,
        shown_as_they_are, unnamed, unusable,
    },
    ping::{Ping, PingKind},
    token::TokenAnswer,
};
use crate::{
    config::TestRepository,
    credentials::{CredentialsError, Reading, Trouble},
    exchange::{Authorization, Operation, Reply, Request},
    oci::{self, Action, Challenge, Scheme, Scope},
    outcome::Reason,
    secret::Credentials,
};

impl Client {
    /// The login flow of a repository's credential set, once per cycle.
    pub async fn login(&self, repository: &TestRepository) -> Arc<Login> {
        let set = &repository.credential;
        if let Some(login) = self.cycle().logins.get(&set.name) {
            return Arc::clone(login);
        }
        let credentials = self.credentials(set).await;
        let kept = credentials.ok().and_then(|read| self.kept(set, &read));
        let login = Arc::new(match kept {
            Some((login, _)) => login,
            None => self.login_asked(repository).await,
        });
        self.cycle()
            .logins
            .insert(set.name.clone(), Arc::clone(&login));
        login
    }

    /// Goes through the login flow and remembers for later cycles how it ended.
    async fn login_asked(&self, repository: &TestRepository) -> Login {
        let login = self.login_now(repository).await;
        let set = &repository.credential;
        self.cycle().asked.insert(set.name.clone());
        let secret = self.credentials(set).await.ok();
        let secret = secret.as_ref().map(super::fingerprint);
        let (memory, origin, user) = (&self.memory, &self.origin, self.user(set));
        match (&login.end, secret) {
            (end, Some(secret)) if end.proves() || *end == LoginEnd::Unprovable => {
                memory.settle(origin, &user, secret, end.proves());
                memory.release(origin, &None, secret);
            }
            (LoginEnd::Rejected(reason, _), secret) => {
                memory.unsettle(origin, &user);
                let unsent = matches!(reason, Reason::UntrustedHost | Reason::Config);
                // Where nothing was sent there is nothing to hold back.
                if let Some(secret) = secret.filter(|_| !unsent) {
                    memory.keep_rejection(origin, &user);
                    memory.reject(origin, &None, &set.name, secret, &login);
                }
            }
            (LoginEnd::AnonymousRefused, _) => memory.unsettle(origin, &user),
            _ => {}
        }
        login
    }

    async fn login_now(&self, repository: &TestRepository) -> Login {
        let reading = match self.reading(&repository.credential).await {
            Ok(reading) => reading,
            Err(error) => return unsent(&error),
        };
        let credentials = &reading.credentials;
        let ping = match self.ping_for_login().await {
            Ok(ping) => ping,
            Err(refusal) => {
                return Login {
                    shown: Some(shown(&reading)),
                    ..Login::without_request(LoginEnd::Refused(refusal))
                };
            }
        };
        let mut login = Login {
            end: LoginEnd::Open,
            challenge: ping.challenge.clone(),
            scheme: None,
            status: Some(ping.status),
            latency: Some(ping.elapsed),
            token_expires_at: None,
            shown: Some(shown(&reading)),
            ended: None,
            product: self.product(),
        };
        match (&ping.kind, credentials) {
            (PingKind::Unusable(reason, message), _) => {
                login.end = LoginEnd::Refused(Refusal::Fatal(*reason, message.clone()));
            }
            (PingKind::Open, Credentials::Anonymous) => {}
            // It can be shown to no registry.
            (PingKind::Open, Credentials::Identity { .. }) => login.end = LoginEnd::Unprovable,
            (PingKind::Open, _) => {
                self.ping_as_they_are(&mut login, credentials, judge_open)
                    .await;
                self.login_late(&mut login, repository, credentials).await;
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
                    self.login_challenged(&mut login, repository, challenge, credentials)
                        .await;
                }
            }
        }
        if self.may_be_suspended(&repository.credential) {
            login.end = after_rejections(login.end, login.status);
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
            .token(&repository.credential, challenge, &[scope])
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
                    unnamed("The token endpoint", &reply)
                };
            }
            Err(refusal) => login.end = refused(refusal),
        }
    }

    /// Steps 3 to 5: credentials are configured and asked for.
    pub(super) async fn login_challenged(
        &self,
        login: &mut Login,
        repository: &TestRepository,
        challenge: &Challenge,
        credentials: &Credentials,
    ) {
        let bearer = *challenge.scheme() == Scheme::Bearer;
        if let Credentials::Bearer { .. } = credentials {
            return self
                .ping_as_they_are(login, credentials, judge_configured_token)
                .await;
        }
        if !bearer {
            return self.ping_as_they_are(login, credentials, judge_basic).await;
        }
        let set = &repository.credential;
        let mut answer = self.token(set, challenge, &[]).await;
        let mut scoped = false;
        if let Ok(TokenAnswer::Denied(reply)) = &answer
            && matches!(reply.status, 400 | 404 | 405)
            && !invalid_grant(reply)
        {
            let scope = Scope::new(&repository.name, &[Action::Pull]);
            answer = self.token(set, challenge, &[scope]).await;
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

    /// `GET /v2/` with the credentials themselves; its answer decides.
    async fn ping_as_they_are(
        &self,
        login: &mut Login,
        credentials: &Credentials,
        judge: fn(&Reply) -> LoginEnd,
    ) {
        match shown_as_they_are(credentials) {
            Ok(authorization) => self.ping_with(login, authorization, judge).await,
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
            Ok(reply) if (500..600).contains(&reply.status) => {
                login.end = LoginEnd::Refused(server_error("`/v2/`", &reply));
            }
            Ok(reply) => {
                if reply.status == 401 {
                    self.memory.forget_ping(&self.origin);
                    self.asked_late(&request, &reply);
                }
                login.status = Some(reply.status);
                login.latency = Some(reply.elapsed);
                login.end = judge(&reply);
            }
            Err(failure) => {
                login.end = LoginEnd::Refused(failure.of_door("The registry cannot be reached"));
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

/// The end where the credentials cannot be used.
fn unsent(error: &CredentialsError) -> Login {
    Login {
        ended: match error.trouble {
            Trouble::Expired(ending) => ending,
            _ => None,
        },
        ..Login::without_request(refused(unusable(error)))
    }
}

/// What a report may show.
fn shown(reading: &Reading) -> ShownCredentials {
    ShownCredentials {
        method: reading.credentials.method(),
        username: reading.credentials.username().map(str::to_owned),
        ending: reading.ending(),
        renews: reading.renews,
    }
}
