//! Why no token was asked for.

use std::fmt;

/// A token request that was not built, and so not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    /// The realm's host may not be asked (with these credentials).
    UntrustedHost {
        /// The host, with its port where that is not the scheme's own.
        host: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// The challenge names no realm.
    NoRealm,
    /// The realm is no absolute http(s) URL.
    BadRealm {
        /// The realm, cut and on one line.
        realm: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// A configured bearer token is sent as it is and never exchanged.
    NotExchanged,
}

impl fmt::Display for AuthError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UntrustedHost { host, why } => {
                write!(
                    formatter,
                    "the registry sends us to `{host}` for a token, but {why}"
                )
            }
            Self::NoRealm => {
                formatter.write_str("the registry wants a token but names no realm to ask for it")
            }
            Self::BadRealm { realm, why } => write!(formatter, "token realm `{realm}` {why}"),
            Self::NotExchanged => {
                formatter.write_str("a configured bearer token is sent as it is, never exchanged")
            }
        }
    }
}

impl std::error::Error for AuthError {}

/// The rules that a host may break.
pub(super) mod why {
    pub(in crate::auth) const USERINFO: &str =
        "its realm carries a user name or a password; a realm has neither";
    pub(in crate::auth) const PLAIN_HTTP: &str =
        "over plain http, which only a registry that is itself http may ask for";
    pub(in crate::auth) const FOREIGN: &str = "credentials go only to the registry's own host, \
         its domain, and the hosts in `token_hosts`: list it there if it is trusted";
    pub(in crate::auth) const NOT_PUBLIC: &str = "it is no public host while the registry is: \
         list it in `token_hosts` if that is meant";
}
