//! A challenge that comes late: `/v2/` lets everybody in, and another route asks
//! who it is (protected writes, Artifactory).
//!
//! There the login flow proves nothing, so a wrong password is found out only by
//! the route. It is held back as a rejected login is, but for each repository
//! apart: the same 401 may mean that only there a right is missing.

use super::{Client, Login, LoginEnd, fingerprint, hold::Place};
use crate::{config::TestRepository, oci::Challenge, outcome::Reason, secret::Credentials};

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
fn place(repository: &TestRepository) -> Place {
    Some(repository.name.clone())
}
