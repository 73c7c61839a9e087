//! A challenge that comes late: `/v2/` lets everybody in, and another route asks
//! who it is (protected writes, Artifactory).
//!
//! There the login flow proves nothing, so a wrong password is found out only by
//! the route. It is held back as a rejected login is, but for each repository
//! apart: the same 401 may mean that only there a right is missing.

use super::{Client, Login, LoginEnd, PingKind, fingerprint, hold::Place};
use crate::{
    auth,
    config::TestRepository,
    exchange::{Authorization, Reply, Request},
    oci::{self, Challenge, Scheme},
    outcome::Reason,
    secret::Credentials,
};

impl Client {
    /// The late challenge of this cycle, where this repository's set may answer it.
    pub(super) fn late_challenge(
        &self,
        repository: &TestRepository,
        credentials: &Credentials,
    ) -> Option<Challenge> {
        let challenge = self.cycle().late_challenge.clone()?;
        (!self.late_answer_is_held(repository, credentials)).then_some(challenge)
    }

    /// Takes in the challenge of a 401 to a password that nobody had asked for: a registry
    /// that speaks of tokens has not judged it.
    pub(super) fn asked_late(&self, request: &Request, reply: &Reply) {
        let challenges = oci::challenges(reply);
        let token = auth::choose(&challenges).filter(|it| *it.scheme() == Scheme::Bearer);
        let password = matches!(request.authorization, Some(Authorization::Basic { .. }));
        let mut cycle = self.cycle();
        let ping = cycle.ping.as_ref().map(|ping| &ping.kind);
        if password
            && ping == Some(&PingKind::Open)
            && let Some(challenge) = token
        {
            cycle.late_challenge = Some(challenge.clone());
        }
    }

    /// The login flow as the late challenge of `/v2/` itself wants it, where there was one.
    pub(super) async fn login_late(
        &self,
        login: &mut Login,
        repository: &TestRepository,
        credentials: &Credentials,
    ) {
        let challenge = self.cycle().late_challenge.clone();
        if let (Some(401), Some(challenge)) = (login.status, challenge) {
            login.scheme = Some(challenge.scheme().clone());
            self.login_challenged(login, repository, &challenge, credentials)
                .await;
        }
    }

    /// Whether the answer to a late challenge was rejected so lately that it is not given again.
    pub(super) fn late_answer_is_held(
        &self,
        repository: &TestRepository,
        credentials: &Credentials,
    ) -> bool {
        let secret = fingerprint(credentials);
        let set = &repository.credential.name;
        self.memory
            .kept(&self.origin, &place(repository), set, secret)
            .is_some()
    }

    /// Takes in what a route said to credentials that it asked for late.
    pub(super) fn late_answer_came(
        &self,
        repository: &TestRepository,
        credentials: &Credentials,
        status: u16,
    ) {
        if matches!(credentials, Credentials::Anonymous) {
            return;
        }
        let secret = fingerprint(credentials);
        let place = place(repository);
        if status == 401 {
            let rejected = LoginEnd::Rejected(
                Reason::Unauthorized,
                "The credentials are rejected where they are asked for".to_owned(),
            );
            let login = Login::without_request(rejected);
            let set = &repository.credential.name;
            self.memory
                .reject(&self.origin, &place, set, secret, &login);
            let user = self.user(&repository.credential);
            self.memory.keep_rejection(&self.origin, &user);
        } else {
            self.memory.release(&self.origin, &place, secret);
        }
    }
}

/// Each repository is a place of its own.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the login flow is a place as well"
)]
fn place(repository: &TestRepository) -> Place {
    Some(repository.name.clone())
}
