//! Where credentials come from, read again at every cycle.
//!
//! [`Source::read`] holds the rules of the credentials check that need no
//! request: what is found here to be missing, unreadable or malformed is never
//! sent, and never replaced by anonymous access. No message holds any content
//! of a secret.

mod directory;
mod docker_config;
mod docker_login;
mod expiry;
mod helper;
mod hosts;
mod judge;
mod read;
mod secret_source;
mod server;

use std::path::PathBuf;

use crate::secret::{Credentials, Secret};

pub use directory::{ClientCertificate, Directory};
pub use docker_config::{Entry as DockerEntry, find as docker_entry};
pub use docker_login::docker_login;
pub use expiry::{Ending, EndingSource, moment};
pub use helper::HelperName;
pub use hosts::HostPattern;
pub use server::Server;
pub(crate) use server::canonical_origin;

/// Where one secret value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SecretSource {
    /// It stands in the configuration.
    Inline(Secret),
    /// A file, read at every cycle; one trailing newline is trimmed.
    File(PathBuf),
    /// An environment variable, read at every cycle.
    Env(String),
}

/// Where a credential set comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// No credentials.
    Anonymous,
    /// User name and password; one missing is the check's finding, not a refused configuration.
    Basic {
        /// The user name.
        username: Option<String>,
        /// The password.
        password: Option<SecretSource>,
    },
    /// A bearer token, sent as it is.
    Token(SecretSource),
    /// Docker's configuration file, or a Kubernetes pull secret: the entry of the
    /// registry, or the helper that it names. No entry is an error, never anonymous access.
    DockerConfig(PathBuf),
    /// A program that speaks the protocol of Docker's credential helpers.
    Helper(HelperName),
    /// A directory whose files are the set, such as a mounted Kubernetes Secret.
    Directory(Directory),
}

impl Source {
    /// The word of the evidence key `auth_method`, as far as it is known before
    /// the source is read.
    pub fn method(&self) -> Option<&'static str> {
        match self {
            Self::Anonymous => Some("anonymous"),
            Self::Basic { .. } => Some("basic"),
            Self::Token(_) => Some("bearer"),
            Self::DockerConfig(_) | Self::Helper(_) | Self::Directory(_) => None,
        }
    }

    /// The user name, where one is configured.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Basic { username, .. } => username.as_deref(),
            _ => None,
        }
    }
}

/// What a source held when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The credentials.
    pub credentials: Credentials,
    /// A helper gave them, and gives others before they end: neither their end nor
    /// their change is news.
    pub renews: bool,
    /// Their end, where a file beside them says it (seconds since the epoch).
    pub expires: Option<i64>,
}

/// Why a credential set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError {
    /// In words: names the place (file, variable, helper), never a content.
    pub message: String,
    /// What kind of trouble it is.
    pub trouble: Trouble,
}

/// The kinds of trouble with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Missing, unreadable, malformed.
    Unusable,
    /// The place can be read, and holds nothing for this registry.
    NoEntry,
    /// Past its own end (a JWT's `exp`): this one, where it is the configured
    /// credential's and not that of what a helper gave for now.
    Expired(Option<Ending>),
    /// It did not answer in time, which says nothing of the credentials.
    TimedOut,
    /// This process is out of file descriptors: the place was not even looked at.
    OutOfFiles,
}

impl CredentialsError {
    /// What cannot be used as it is.
    pub(in crate::credentials) fn unusable(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            trouble: Trouble::Unusable,
        }
    }

    /// What holds nothing for the registry.
    pub(in crate::credentials) fn no_entry(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            trouble: Trouble::NoEntry,
        }
    }

    /// What did not answer in time.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            trouble: Trouble::TimedOut,
        }
    }
}

impl std::fmt::Display for CredentialsError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for CredentialsError {}
