//! A string that cannot be printed, and the credentials made of it.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password, token or other value that must never reach a log, a page, a
/// metric or an error message. It has no `Display`, its `Debug` says nothing, and
/// its memory is wiped when it is dropped.
///
/// ```
/// use oci_registry_exporter::secret::Secret;
///
/// let secret = Secret::new("hunter2");
/// assert!(!format!("{secret:?}").contains("hunter2"));
/// assert_eq!(secret.expose(), "hunter2");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(String);

impl Secret {
    /// Takes the value in; from here on only [`Secret::expose`] gives it out.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// What a registry is shown: read from its source once per cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing is sent.
    Anonymous,
    /// A user name and a password, sent as Basic or exchanged for a token.
    Basic {
        /// The user name: shown in reports, never in a label.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A bearer token that is sent as it is.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// An identity token (OAuth2's refresh token): never sent to the registry, only
    /// exchanged at its token endpoint.
    Identity {
        /// The user name that came with it, if one did.
        username: Option<String>,
        /// The token.
        token: Secret,
    },
}

impl Credentials {
    /// The word of the evidence key `auth_method`: `basic`, `bearer`,
    /// `identity_token` or `anonymous`.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Basic { .. } => "basic",
            Self::Bearer { .. } => "bearer",
            Self::Identity { .. } => "identity_token",
        }
    }

    /// The user name, where there is one.
    pub fn username(&self) -> Option<&str> {
        match self {
            Self::Basic { username, .. } => Some(username),
            Self::Identity { username, .. } => username.as_deref(),
            Self::Anonymous | Self::Bearer { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        let credentials = Credentials::Basic {
            username: "robot".to_owned(),
            password: Secret::new("hunter2"),
        };
        let shown = format!("{credentials:?}");
        assert!(shown.contains("robot"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_dropped_is_wiped() {
        fn wiped<T: ZeroizeOnDrop>() -> bool {
            std::mem::needs_drop::<T>()
        }
        assert!(wiped::<Secret>());
    }
}
