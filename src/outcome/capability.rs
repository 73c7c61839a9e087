//! The six items of the capability matrix.

use crate::words::word;

/// One item that the capabilities check asks for (the order of the score).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// A version header on the ping.
    DistributionVersion,
    /// The OCI 1.1 referrers API.
    ReferrersApi,
    /// Uploads in several `PATCH`es.
    ChunkedUpload,
    /// Mounting a blob instead of uploading it.
    CrossRepoMount,
    /// Deleting manifests by digest.
    ManifestDelete,
    /// Deleting blobs.
    BlobDelete,
}

impl Capability {
    /// Every capability with its word.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::DistributionVersion, "distribution_version"),
        (Self::ReferrersApi, "referrers_api"),
        (Self::ChunkedUpload, "chunked_upload"),
        (Self::CrossRepoMount, "cross_repo_mount"),
        (Self::ManifestDelete, "manifest_delete"),
        (Self::BlobDelete, "blob_delete"),
    ];

    /// The word used as label, in `expect:` and in JSON.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

/// What is known of a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Support {
    /// Proven to be there.
    Supported,
    /// Proven to be missing.
    Unsupported,
    /// Nothing is proven.
    Unknown,
}

impl Support {
    /// `true`, `false` or `unknown`, the strings of the evidence keys `supports_*`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Supported => "true",
            Self::Unsupported => "false",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value;

    #[test]
    fn words_and_values_are_one_to_one() {
        for (capability, word) in Capability::ALL {
            assert_eq!(capability.as_str(), word);
            assert_eq!(value(&Capability::ALL, word), Some(capability));
        }
    }
}
