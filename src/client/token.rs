//! Tokens: one per credential set and scope in a cycle.

use std::time::Duration;

use tokio::time::Instant;

use super::{Client, Refusal, judge::server_error};
use crate::{
    auth::{self, AuthError, Trust},
    config::CredentialSet,
    exchange::{Authorization, Reply, Request},
    oci::{Challenge, Scope, jwt},
    outcome::Reason,
};

/// A token that was granted in this cycle.
#[derive(Debug, Clone)]
pub(super) struct Held {
    authorization: Authorization,
    obtained: Instant,
    life: Duration,
    expires_at: Option<i64>,
    claims: Option<jwt::Claims>,
}

impl Held {
    /// Whether it says which rights it grants.
    pub(super) fn tells_rights(&self) -> bool {
        self.claims
            .as_ref()
            .is_some_and(|claims| claims.access.is_some())
    }
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
        /// What it says of itself, where it is a JWT.
        claims: Option<jwt::Claims>,
    },
    /// Anything else that is not 429, 5xx or silence.
    Denied(Reply),
}

impl Client {
    /// A token for these scopes (none in the login flow), once per cycle.
    pub(super) async fn token(
        &self,
        set: &CredentialSet,
        challenge: &Challenge,
        scopes: &[Scope],
    ) -> Result<TokenAnswer, Refusal> {
        let words = words(scopes);
        let key = (set.name.clone(), words.clone());
        if let Some(held) = self.cycle().tokens.get(&key)
            && held.obtained.elapsed() + TOKEN_MARGIN < held.life
        {
            return Ok(TokenAnswer::Token {
                authorization: held.authorization.clone(),
                age: held.obtained.elapsed(),
                elapsed: None,
                expires_at: held.expires_at,
                claims: held.claims.clone(),
            });
        }
        let credentials = self.credentials(set).await?;
        let trust = Trust {
            registry: &self.target.url,
            token_hosts: &self.target.token_hosts,
        };
        let usual = auth::token_request(challenge, &credentials, scopes, &trust)
            .map_err(|error| untrusted(&error))?;
        let other = auth::token_request_otherwise(challenge, &credentials, scopes, &trust)
            .map_err(|error| untrusted(&error))?;
        let host = usual.url.host_str().unwrap_or_default().to_owned();
        let answer = Box::pin(self.ask_for_token(set, usual, other, &host)).await;
        self.cycle().sight.answered_to(&set.name);
        let reply = answer?;
        if !(200..300).contains(&reply.status) {
            return Ok(TokenAnswer::Denied(reply));
        }
        let Some(token) = auth::token(&reply) else {
            return Err(Refusal::Unclear(
                Reason::Protocol,
                format!("The token endpoint at {host} answers 200 without a token"),
            ));
        };
        let claims = token.claims.as_ref();
        let held = Held {
            authorization: Authorization::Bearer(token.secret.clone()),
            obtained: Instant::now(),
            life: token.life,
            expires_at: claims.and_then(|claims| claims.exp),
            claims: token.claims.clone(),
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
            claims: held.claims,
        })
    }

    /// Asks in the usual way, and where the endpoint does not know that method in
    /// the other; then in that one first for the rest of the cycle.
    async fn ask_for_token(
        &self,
        set: &CredentialSet,
        usual: Request,
        other: Option<Request>,
        host: &str,
    ) -> Result<Reply, Refusal> {
        let Some(other) = other else {
            return self.send_for_token(&usual, host).await;
        };
        if self.cycle().asked_otherwise.contains(&set.name) {
            return self.send_for_token(&other, host).await;
        }
        let reply = self.send_for_token(&usual, host).await?;
        if !auth::method_unknown(&usual, &reply) {
            return Ok(reply);
        }
        let second = self.send_for_token(&other, host).await?;
        if auth::method_unknown(&other, &second) {
            return Ok(reply);
        }
        self.cycle().asked_otherwise.insert(set.name.clone());
        Ok(second)
    }

    async fn send_for_token(&self, request: &Request, host: &str) -> Result<Reply, Refusal> {
        let refusal = match self.send(request).await {
            Ok(reply) if (500..600).contains(&reply.status) => {
                server_error(&format!("The token endpoint at {host}"), &reply)
            }
            Ok(reply) => return Ok(reply),
            Err(failure) => {
                failure.of_door(&format!("The token endpoint at {host} cannot be reached"))
            }
        };
        if matches!(refusal, Refusal::Fatal(..)) && !super::upload::cancelling() {
            self.cycle().fatal = Some(refusal.clone());
        }
        Err(refusal)
    }
}

/// What a token is remembered by, beside its credential set.
pub(super) fn words(scopes: &[Scope]) -> String {
    let words: Vec<String> = scopes.iter().map(Scope::to_string).collect();
    words.join(" ")
}

fn untrusted(error: &AuthError) -> Refusal {
    match error {
        AuthError::UntrustedHost { .. } => {
            Refusal::Rejected(Reason::UntrustedHost, error.to_string())
        }
        _ => Refusal::Unclear(Reason::Protocol, error.to_string()),
    }
}

/// A token is renewed so long before its end.
const TOKEN_MARGIN: Duration = Duration::from_secs(10);
