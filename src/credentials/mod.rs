//! Where credentials come from, read again at every cycle.
//!
//! [`Source::read`] holds the rules of the credentials check that need no
//! request: what is found here to be missing, unreadable or malformed is never
//! sent, and never replaced by anonymous access. No message holds any content
//! of a secret.

mod read;

use std::path::PathBuf;

use crate::secret::Secret;

pub use read::expiry;

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
}

impl Source {
    /// The word of the evidence key `auth_method`, also where the source cannot be read.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Basic { .. } => "basic",
            Self::Token(_) => "bearer",
        }
    }

    /// The user name, where one is configured.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Basic { username, .. } => username.as_deref(),
            Self::Anonymous | Self::Token(_) => None,
        }
    }
}

/// Why a credential set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError {
    /// In words: names the place (file, variable), never a content.
    pub message: String,
    /// The credential is past its own end (a JWT's `exp`).
    pub expired: bool,
    /// The place was not even looked at, because this process is out of file
    /// descriptors: it says nothing of the credentials.
    pub out_of_files: bool,
}

impl std::fmt::Display for CredentialsError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for CredentialsError {}
