//! Why a status is not `pass`: one closed set, used as label, JSON word and heading.

use crate::{exchange::TransportErrorKind, words::word};

/// Why a check did not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Our own configuration or secret is incomplete or unreadable.
    Config,
    /// The name does not resolve.
    Dns,
    /// No connection.
    Connect,
    /// The TLS handshake or a certificate.
    Tls,
    /// A deadline passed.
    Timeout,
    /// A redirect that is not followed.
    Redirect,
    /// Not a registry, unparsable, or an answer that no rule names.
    Protocol,
    /// The credentials are rejected.
    Unauthorized,
    /// The credentials are past their end.
    Expired,
    /// The credentials are good, the right is missing.
    Forbidden,
    /// The network we come from is refused.
    NetworkPolicy,
    /// The registry takes no writes.
    ReadOnly,
    /// Quota, content trust or a vulnerability gate.
    Policy,
    /// The repository or tag is not there.
    NotFound,
    /// The registry lacks the API.
    Unsupported,
    /// Too many requests.
    RateLimited,
    /// The registry answered 5xx.
    ServerError,
    /// An upload could not be cancelled.
    CancelRefused,
    /// Switched off in the configuration, or not built yet.
    Disabled,
    /// What it would need is not configured.
    NotConfigured,
    /// The token endpoint's host may not see these credentials.
    UntrustedHost,
    /// This process ran out of something (files, memory).
    Resource,
    /// A bug in this program.
    Panic,
}

impl Reason {
    /// Every reason with its word.
    pub const ALL: [(Self, &'static str); 23] = [
        (Self::Config, "config"),
        (Self::Dns, "dns"),
        (Self::Connect, "connect"),
        (Self::Tls, "tls"),
        (Self::Timeout, "timeout"),
        (Self::Redirect, "redirect"),
        (Self::Protocol, "protocol"),
        (Self::Unauthorized, "unauthorized"),
        (Self::Expired, "expired"),
        (Self::Forbidden, "forbidden"),
        (Self::NetworkPolicy, "network_policy"),
        (Self::ReadOnly, "read_only"),
        (Self::Policy, "policy"),
        (Self::NotFound, "not_found"),
        (Self::Unsupported, "unsupported"),
        (Self::RateLimited, "rate_limited"),
        (Self::ServerError, "server_error"),
        (Self::CancelRefused, "cancel_refused"),
        (Self::Disabled, "disabled"),
        (Self::NotConfigured, "not_configured"),
        (Self::UntrustedHost, "untrusted_host"),
        (Self::Resource, "resource"),
        (Self::Panic, "panic"),
    ];

    /// The word used in metrics, JSON and the report.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }

    /// The likely cause in one line.
    pub fn cause(self) -> &'static str {
        match self {
            Self::Config => {
                "The configuration or a secret of this registry is incomplete or cannot be read"
            }
            Self::Dns => "The registry's host name does not resolve",
            Self::Connect => "No connection to the registry can be made",
            Self::Tls => "The TLS handshake failed or the registry's certificate is not accepted",
            Self::Timeout => "The registry did not answer in time",
            Self::Redirect => "The registry redirects to a place that is not followed",
            Self::Protocol => "The answer is not one that an OCI registry gives",
            Self::Unauthorized => "The registry rejects the credentials",
            Self::Expired => "The credentials are past their end",
            Self::Forbidden => {
                "The credentials are valid but lack this right, or the repository does not exist"
            }
            Self::NetworkPolicy => "A network rule of the registry refuses this machine",
            Self::ReadOnly => "The registry, or this repository, takes no writes",
            Self::Policy => {
                "A policy of the registry (quota, content trust, vulnerability gate) stands in the way"
            }
            Self::NotFound => "The repository or the tag does not exist",
            Self::Unsupported => "The registry does not implement this API",
            Self::RateLimited => "The registry limits the rate of requests",
            Self::ServerError => "The registry answered with an internal error",
            Self::CancelRefused => "The credentials may open an upload but not cancel it",
            Self::Disabled => "The check is switched off",
            Self::NotConfigured => "What the check needs is not configured",
            Self::UntrustedHost => {
                "The registry asks for the credentials to be sent to a host that is not trusted with them"
            }
            Self::Resource => "This process ran out of a resource, such as file descriptors",
            Self::Panic => "A bug in oci-registry-exporter; the other checks went on",
        }
    }
}

impl From<TransportErrorKind> for Reason {
    fn from(kind: TransportErrorKind) -> Self {
        match kind {
            TransportErrorKind::Dns => Self::Dns,
            TransportErrorKind::Connect | TransportErrorKind::Reset => Self::Connect,
            TransportErrorKind::Tls => Self::Tls,
            TransportErrorKind::Timeout => Self::Timeout,
            TransportErrorKind::Protocol => Self::Protocol,
            TransportErrorKind::Resource => Self::Resource,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value;

    #[test]
    fn words_and_values_are_one_to_one() {
        for (reason, word) in Reason::ALL {
            assert_eq!(reason.as_str(), word);
            assert_eq!(value(&Reason::ALL, word), Some(reason));
            assert!(!reason.cause().is_empty());
        }
    }
}
