//! Asking the registry with the rights that a question needs: which
//! authorization goes with it, and the one further try that a 401 may earn.

use super::{
    Client, Got, Refusal, Stage,
    judge::shown_as_they_are,
    ping::{Ping, PingKind},
    second_try::{SecondTry, Shown, second_try},
    token::{TokenAnswer, words},
};
use crate::{
    auth,
    config::{CredentialSet, TestRepository},
    exchange::{Authorization, Operation, Reply, Request},
    oci::{self, Challenge, Scheme, Scope},
    outcome::Reason,
    secret::Credentials,
};

impl Client {
    /// Asks one question of the registry with the rights it needs.
    ///
    /// # Errors
    /// A [`Refusal`] where there is no answer to judge. An answer of the token
    /// endpoint that refuses the scope is an answer, of [`Stage::Token`].
    pub(super) async fn ask(
        &self,
        repository: &TestRepository,
        scopes: &[Scope],
        request: Request,
    ) -> Result<Got, Refusal> {
        // A session that is open must be closed, whatever has become of its registry since.
        if request.operation != Operation::UploadCancel {
            self.standing(repository).await?;
        }
        let set = &repository.credential;
        let shown = match self.authorization(repository, scopes).await? {
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
        if shown.late {
            let credentials = self.credentials(set).await?;
            self.late_answer_came(repository, &credentials, reply.status);
        }
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
            .answer_denial(repository, scopes, &reply, &shown, referrers)
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
                if shown.authorization.is_none() {
                    let credentials = self.credentials(set).await?;
                    self.late_answer_came(repository, &credentials, reply.status);
                }
                Ok(Got {
                    stage: Stage::Registry,
                    reply,
                })
            }
        }
    }

    async fn send_own(&self, set: &CredentialSet, request: &Request) -> Result<Reply, Refusal> {
        let answer = self.send(request).await;
        let mut cycle = self.cycle();
        cycle.sight.answered_to(&set.name);
        answer.map_err(|failure| {
            let refusal = failure.of_route();
            if matches!(refusal, Refusal::Fatal(..)) && !super::upload::cancelling() {
                cycle.fatal = Some(refusal.clone());
            }
            refusal
        })
    }

    /// The ping, for a check that asks nothing else with this repository's set, but
    /// must not ask where the set is rejected.
    pub async fn ping_for(&self, repository: &TestRepository) -> Result<Ping, Refusal> {
        self.standing(repository).await?;
        self.ping().await
    }

    /// Whether anything may be sent for this set at all in this cycle.
    async fn standing(&self, repository: &TestRepository) -> Result<(), Refusal> {
        if let Some(refusal) = &self.cycle().fatal {
            return Err(refusal.clone());
        }
        let set = &repository.credential;
        let credentials = self.credentials(set).await?;
        let kept = self.kept(set, &credentials);
        if let Some(refusal) = kept.and_then(|(login, _)| login.end.bars()) {
            return Err(refusal);
        }
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
        repository: &TestRepository,
        scopes: &[Scope],
    ) -> Result<Result<Shown, Reply>, Refusal> {
        let set = &repository.credential;
        let credentials = self.credentials(set).await?;
        let late = self.late_challenge(repository, &credentials);
        let is_late = late.is_some();
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
        let answer = self
            .answer_challenge(set, &credentials, &challenge, scopes)
            .await?;
        Ok(answer.map(|shown| Shown {
            late: is_late,
            ..shown
        }))
    }

    async fn answer_challenge(
        &self,
        set: &CredentialSet,
        credentials: &Credentials,
        challenge: &Challenge,
        scopes: &[Scope],
    ) -> Result<Result<Shown, Reply>, Refusal> {
        let exchange = *challenge.scheme() == Scheme::Bearer
            && !matches!(credentials, Credentials::Bearer { .. });
        if !exchange {
            return Ok(Ok(Shown::as_it_is(shown_as_they_are(credentials)?)));
        }
        match self.token(set, challenge, scopes).await? {
            TokenAnswer::Token {
                authorization, age, ..
            } => Ok(Ok(Shown {
                authorization: Some(authorization),
                exchanged: Some(age),
                late: false,
            })),
            TokenAnswer::Denied(reply) if matches!(reply.status, 401 | 403) => Ok(Err(reply)),
            TokenAnswer::Denied(reply) => Err(Refusal::Unclear(
                Reason::Protocol,
                format!(
                    "The token endpoint answers {}, which no rule names",
                    reply.status
                ),
            )),
        }
    }

    /// The one further try that a 401 earns.
    async fn answer_denial(
        &self,
        repository: &TestRepository,
        scopes: &[Scope],
        reply: &Reply,
        shown: &Shown,
        referrers: bool,
    ) -> Result<Option<Result<Authorization, Reply>>, Refusal> {
        let set = &repository.credential;
        let challenges = oci::challenges(reply);
        let asked = match (reply.status, self.ping().await?.kind) {
            (403, PingKind::Challenged { challenge, .. }) => Some(challenge),
            _ => auth::choose(&challenges).cloned(),
        };
        let Some(challenge) = &asked else {
            return Ok(None);
        };
        let credentials = self.credentials(set).await?;
        let again = match second_try(challenge, &credentials, scopes, shown, referrers) {
            SecondTry::No => return Ok(None),
            SecondTry::LateChallenge if self.late_answer_is_held(repository, &credentials) => {
                return Ok(None);
            }
            SecondTry::LateChallenge => {
                self.cycle().late_challenge = Some(challenge.clone());
                scopes.to_vec()
            }
            SecondTry::Basic => {
                return Ok(shown_as_they_are(&credentials)?.map(Ok));
            }
            SecondTry::OtherScope(scope) => vec![scope],
            SecondTry::FreshToken => {
                self.cycle()
                    .tokens
                    .remove(&(set.name.clone(), words(scopes)));
                scopes.to_vec()
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
}
