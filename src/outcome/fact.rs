//! What a report proves, and nothing else does.

use super::Capability;

/// One proof. A gauge holds the last one until another proof says the contrary;
/// a report that proves nothing carries none, so nothing transient can change a gauge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The credentials were accepted (or rejected) in the login flow.
    CredentialsValid(bool),
    /// The credentials may pull the test image.
    PullAuthorized(bool),
    /// The credentials may open an upload.
    PushAuthorized(bool),
    /// The registry has (or lacks) a capability.
    Capability(Capability, bool),
    /// So many referrers were found on the test image.
    Referrers(u64),
    /// The configured credential itself ends at this time (seconds since the epoch);
    /// the word says who said so: `jwt`, `configuration`, `helper`.
    CredentialsExpiry(i64, &'static str),
}
