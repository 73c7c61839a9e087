//! A challenge that comes late: `/v2/` lets everybody in, and another route asks
//! who it is (protected writes, Artifactory).
//!
//! There the login flow proves nothing, so a wrong password is found out only by
//! the route. It is held back as a rejected login is, but for each repository
//! apart: the same 401 may mean that only there a right is missing.

use super::{Client, Login, LoginEnd, fingerprint};
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
        self.memory
            .kept(&self.origin, &late_key(repository), secret)
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
        let key = late_key(repository);
        if status == 401 {
            let rejected = LoginEnd::Rejected(
                Reason::Unauthorized,
                "The credentials are rejected where they are asked for".to_owned(),
            );
            let login = Login::without_request(rejected);
            self.memory.reject(&self.origin, &key, secret, &login);
            let user = self.user(&repository.credential);
            self.memory.keep_rejection(&self.origin, &user);
        } else {
            self.memory.release(&self.origin, &key, secret);
        }
    }
}

/// Beside the names of sets, none of which holds a line break.
fn late_key(repository: &TestRepository) -> String {
    format!("{}\n{}", repository.credential.name, repository.name)
}
