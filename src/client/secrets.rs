//! What the credential sets hold in this cycle: read once, shared by all checks,
//! and known to what outlives the cycle by a fingerprint alone.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::{Duration, SystemTime},
};

use super::{Client, Login, Refusal, judge};
use crate::{
    config::CredentialSet,
    credentials::{CredentialsError, Reading, Server},
    secret::Credentials,
};

impl Client {
    /// The set's content, read once per cycle.
    pub(super) async fn credentials(&self, set: &CredentialSet) -> Result<Credentials, Refusal> {
        Box::pin(self.reading(set))
            .await
            .map(|reading| reading.credentials)
            .map_err(|error| judge::unusable(&error))
    }

    /// The same with what is known of their source.
    pub(super) async fn reading(&self, set: &CredentialSet) -> Result<Reading, CredentialsError> {
        if let Some(known) = self.cycle().credentials.get(&set.name) {
            return known.clone();
        }
        let server = Server::of(&self.target.url);
        let reading = Box::pin(set.source.read(&server, SystemTime::now()));
        let read = tokio::time::timeout(self.left(), reading)
            .await
            .unwrap_or_else(|_| {
                Err(CredentialsError::timed_out(format!(
                    "the credentials could not be read within the {}s of this check",
                    self.target.timeout.as_secs_f64()
                )))
            });
        let mut cycle = self.cycle();
        if let Ok(reading) = &read {
            cycle.sight.secret(&set.name, lasting_fingerprint(reading));
        }
        cycle.credentials.insert(set.name.clone(), read.clone());
        read
    }

    /// What this cycle read already, where that went well.
    pub(super) fn read_already(&self, set: &CredentialSet) -> Option<Reading> {
        self.cycle().credentials.get(&set.name)?.clone().ok()
    }

    /// The answer that is kept while this set is held back as rejected, and for how long yet.
    pub(super) fn kept(
        &self,
        set: &CredentialSet,
        credentials: &Credentials,
    ) -> Option<(Login, Duration)> {
        let secret = fingerprint(credentials);
        self.memory.kept(&self.origin, &None, &set.name, secret)
    }

    pub(super) fn settled(&self, set: &CredentialSet) -> Option<bool> {
        let reading = self.read_already(set)?;
        let life = self.target.checks.credentials.interval * 2;
        let secret = fingerprint(&reading.credentials);
        self.memory
            .settled(&self.origin, &self.user(set), secret, life)
    }
}

/// The fingerprint of a set's content, never the value; for this process only.
pub fn fingerprint(credentials: &Credentials) -> u64 {
    let mut hasher = DefaultHasher::new();
    match credentials {
        Credentials::Anonymous => 0_u8.hash(&mut hasher),
        Credentials::Basic { username, password } => {
            (1_u8, username, password).hash(&mut hasher);
        }
        Credentials::Bearer { token } => (2_u8, token).hash(&mut hasher),
        Credentials::Identity { username, token } => {
            (3_u8, username, token).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The fingerprint of what stays the same while a helper renews a secret: whose it
/// is. Otherwise every new password of the hour would be news, and call for an upload.
pub(super) fn lasting_fingerprint(reading: &Reading) -> u64 {
    let credentials = &reading.credentials;
    if !reading.renews {
        return fingerprint(credentials);
    }
    let mut hasher = DefaultHasher::new();
    (credentials.method(), credentials.username()).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn reading(username: &str, password: &str, renews: bool) -> Reading {
        Reading {
            credentials: Credentials::Basic {
                username: username.to_owned(),
                password: Secret::new(password),
            },
            renews,
            expires: None,
        }
    }

    #[test]
    fn a_new_password_is_news_unless_a_helper_renews_it() {
        let lasting = |username: &str, password: &str, renews: bool| {
            lasting_fingerprint(&reading(username, password, renews))
        };
        assert_ne!(lasting("a", "one", false), lasting("a", "two", false));
        assert_eq!(lasting("a", "one", true), lasting("a", "two", true));
        assert_ne!(lasting("a", "one", true), lasting("b", "one", true));
        // What was rejected is known by its content all the same.
        let content = |password: &str| fingerprint(&reading("a", password, true).credentials);
        assert_ne!(content("one"), content("two"));
    }

    #[test]
    fn one_secret_in_another_role_is_another() {
        let token = || Secret::new("one");
        let identity = |username: Option<&str>| Credentials::Identity {
            username: username.map(str::to_owned),
            token: token(),
        };
        let all = [
            fingerprint(&Credentials::Anonymous),
            fingerprint(&Credentials::Bearer { token: token() }),
            fingerprint(&identity(None)),
            fingerprint(&identity(Some("a"))),
            fingerprint(&reading("a", "one", false).credentials),
        ];
        let distinct: std::collections::HashSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
