//! Reads a credential set and judges it without a request.

use std::{ffi::OsString, time::SystemTime};

use super::{
    CredentialsError, HelperName, Reading, SecretSource, Server, Source, Trouble, docker_config,
    docker_config::Entry, helper, judge, judge::refused, secret_source::Lookup,
};
use crate::secret::Credentials;

impl Source {
    /// Reads the set as it is now for this registry, asking a helper where that is
    /// its source; `now` judges a token that says when it ends.
    ///
    /// # Errors
    ///
    /// What is missing, unreadable, blank, malformed, past its end or out of time,
    /// naming the file, variable or helper.
    pub async fn read(
        &self,
        server: &Server,
        now: SystemTime,
    ) -> Result<Reading, CredentialsError> {
        let local = if self.is_file() {
            let (source, server) = (self.clone(), server.clone());
            let looking =
                tokio::task::spawn_blocking(move || source.look_with(&server, now, &variable));
            // It cannot panic, and nobody cancels it.
            looking
                .await
                .unwrap_or_else(|_| refused("the credentials could not be read"))
        } else {
            self.look_with(server, now, &variable)
        };
        match local? {
            Local::Here(credentials, expires) => Ok(Reading {
                credentials,
                renews: false,
                expires,
            }),
            Local::With(name, expires) => {
                let credentials = Box::pin(helper::ask(&name, server)).await?;
                helper_token(&credentials, &name, now)?;
                Ok(Reading {
                    credentials,
                    renews: true,
                    expires,
                })
            }
        }
    }

    /// What can be read without starting a program: cheap enough to look at every
    /// few seconds. `None` where a helper would have to be asked.
    ///
    /// # Errors
    ///
    /// As of [`Source::read`].
    pub fn look(
        &self,
        server: &Server,
        now: SystemTime,
    ) -> Option<Result<Credentials, CredentialsError>> {
        match self.look_with(server, now, &variable) {
            Ok(Local::Here(credentials, _)) => Some(Ok(credentials)),
            Ok(Local::With(..)) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// The same with a given environment.
    fn look_with(
        &self,
        server: &Server,
        now: SystemTime,
        environment: Lookup<'_>,
    ) -> Result<Local, CredentialsError> {
        Ok(match self {
            Self::Anonymous => Local::Here(Credentials::Anonymous, None),
            Self::Basic { username, password } => {
                let pair = basic(username.as_deref(), password.as_ref(), environment)?;
                Local::Here(pair, None)
            }
            Self::Token(token) => {
                let place = token.place("token");
                let token = token.read(&place, environment)?;
                judge::token(token.expose(), &place, now)?;
                Local::Here(Credentials::Bearer { token }, None)
            }
            Self::DockerConfig(path) => Local::of(docker_config::read(path, server, now)?, None),
            Self::Directory(directory) => {
                let held = directory.read(server, now)?;
                Local::of(held.entry, held.expires)
            }
            Self::Helper(name) => Local::With(name.clone(), None),
        })
    }

    /// Whether a file is read, which may take its time.
    fn is_file(&self) -> bool {
        match self {
            Self::DockerConfig(_) | Self::Directory(_) => true,
            Self::Basic {
                password: Some(secret),
                ..
            }
            | Self::Token(secret) => matches!(secret, SecretSource::File(_)),
            Self::Anonymous | Self::Basic { .. } | Self::Helper(_) => false,
        }
    }
}

/// How far reading comes without a program, and the end that a file beside it says.
enum Local {
    Here(Credentials, Option<i64>),
    With(HelperName, Option<i64>),
}

impl Local {
    fn of(entry: Entry, expires: Option<i64>) -> Self {
        match entry {
            Entry::Credentials(credentials) => Self::Here(credentials, expires),
            Entry::Helper(name) => Self::With(name, expires),
        }
    }
}

fn basic(
    username: Option<&str>,
    password: Option<&SecretSource>,
    environment: Lookup<'_>,
) -> Result<Credentials, CredentialsError> {
    let Some(username) = username else {
        return refused("a password is configured without a user name");
    };
    let Some(password) = password else {
        return refused("a user name is configured without a password");
    };
    judge::username(username, "the configured user name")?;
    Ok(Credentials::Basic {
        username: username.to_owned(),
        password: password.read(&password.place("password"), environment)?,
    })
}

fn helper_token(
    credentials: &Credentials,
    name: &HelperName,
    now: SystemTime,
) -> Result<(), CredentialsError> {
    match credentials {
        Credentials::Identity { token, .. } => {
            let place = format!("the identity token of the credential helper `{name}`");
            judge::token(token.expose(), &place, now).map_err(|error| match error.trouble {
                // It gives another the next time.
                Trouble::Expired(_) => CredentialsError {
                    trouble: Trouble::Expired(None),
                    ..error
                },
                _ => error,
            })
        }
        _ => Ok(()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "secrets from the environment are read here and nowhere else"
)]
pub(super) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests;
