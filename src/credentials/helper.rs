//! Asks a credential helper: a program `docker-credential-NAME` that is given the
//! registry on stdin and prints `{"ServerURL", "Username", "Secret"}`
//! (<https://github.com/docker/docker-credential-helpers>).
//!
//! It is started without a shell and with few variables of the environment, and
//! ended, together with what it started, when it takes too long or prints too much.

mod answer;
mod environment;
mod process;
mod told;

use std::{ffi::OsString, fmt, time::Duration};

use tokio::{sync::Semaphore, time::timeout};

use self::process::{Ended, Failure};
use super::{CredentialsError, Server, Trouble, secret_source::trouble};
use crate::secret::Credentials;

/// The name of a helper: the program is `docker-credential-NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HelperName(String);

impl HelperName {
    /// Takes a name that can be nothing else: no path, no option.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that never holds the name.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() {
            return Err("is empty");
        }
        if name.len() > LONGEST_NAME {
            return Err("is longer than 64 characters");
        }
        if !name.chars().all(known) {
            return Err("holds more than letters, digits, `-`, `_` and `.`");
        }
        if name.starts_with(PREFIX) {
            return Err("begins with `docker-credential-`, which is added to it");
        }
        Ok(Self(name.to_owned()))
    }

    /// As it is written in configurations.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn program(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The credentials that a helper has for this registry now.
pub(super) async fn ask(
    helper: &HelperName,
    server: &Server,
) -> Result<Credentials, CredentialsError> {
    ask_with(helper, server, &environment::handed_on()).await
}

/// The same with a given environment.
async fn ask_with(
    helper: &HelperName,
    server: &Server,
    environment: &[(OsString, OsString)],
) -> Result<Credentials, CredentialsError> {
    let program = helper.program();
    let place = format!("the credential helper `{program}`");
    // Never closed: there is always a permit in the end.
    let _permit = AT_ONCE.acquire().await;
    let running = process::run(&program, server.asked(), environment);
    let ended = match timeout(LIMIT, running).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(failure)) => {
            return Err(CredentialsError {
                message: format!("{place} {failure}"),
                trouble: failure.trouble(),
            });
        }
        Err(_) => {
            return Err(CredentialsError::timed_out(format!(
                "{place} did not answer within {}s and was ended",
                LIMIT.as_secs()
            )));
        }
    };
    if !ended.success {
        return Err(unsuccessful(&place, server, &ended));
    }
    answer::read(&ended.stdout, &place, server)
}

/// A helper that has nothing says so in fixed words; other words are its own.
fn unsuccessful(place: &str, server: &Server, ended: &Ended) -> CredentialsError {
    // By the protocol errors are printed to stdout; not every helper knows.
    let said = [&ended.stdout, &ended.stderr]
        .into_iter()
        .map(|bytes| String::from_utf8_lossy(bytes))
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default();
    if said.contains(NOT_FOUND) {
        let message = format!("{place} has no credentials for `{}`", server.asked());
        return CredentialsError::no_entry(message);
    }
    let how = &ended.how;
    CredentialsError::unusable(match told::told(&said) {
        words if words.is_empty() => format!("{place} failed ({how}) without a word"),
        words => format!("{place} failed ({how}): {words}"),
    })
}

impl Failure {
    fn trouble(&self) -> Trouble {
        match self {
            Self::Unstartable(error) | Self::Broken(error) => trouble(error),
            Self::Absent | Self::Talkative => Trouble::Unusable,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("is not on the PATH"),
            Self::Unstartable(error) => write!(formatter, "cannot be started: {error}"),
            Self::Broken(error) => write!(formatter, "cannot be listened to: {error}"),
            Self::Talkative => formatter.write_str("printed more than 64 KiB and was ended"),
        }
    }
}

const PREFIX: &str = "docker-credential-";
const LONGEST_NAME: usize = 64;
/// How long a helper may take.
const LIMIT: Duration = Duration::from_secs(10);
/// Helpers may be whole interpreters that sign in to a cloud: never hundreds at once.
static AT_ONCE: Semaphore = Semaphore::const_new(8);
/// What helpers print where they have nothing (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";

#[cfg(test)]
mod tests;
