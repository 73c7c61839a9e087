//! What a request is for.

use crate::words::word;

/// What a request is for; the label `operation` of the request counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// `GET /v2/` without credentials.
    Ping,
    /// `GET /v2/` with credentials.
    PingAuth,
    /// A request to a token endpoint.
    Token,
    /// `HEAD` of a manifest.
    ManifestHead,
    /// `GET` of a manifest.
    ManifestGet,
    /// `GET` of the referrers of a digest.
    Referrers,
    /// `HEAD` of the referrers tag (`sha256-<hex>`).
    FallbackTag,
    /// `GET` of a tag list, the guard of the push check.
    TagsList,
    /// `POST` that opens an upload session.
    UploadStart,
    /// `PATCH` of a chunk.
    UploadPatch,
    /// `DELETE` of an upload session.
    UploadCancel,
    /// `POST` that asks for a blob to be mounted.
    Mount,
    /// `DELETE` of the all-zero manifest digest.
    ManifestDelete,
    /// `DELETE` of the all-zero blob digest.
    BlobDelete,
}

impl Operation {
    /// Every operation with its word, in the order of the documentation.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::Ping, "ping"),
        (Self::PingAuth, "ping_auth"),
        (Self::Token, "token"),
        (Self::ManifestHead, "manifest_head"),
        (Self::ManifestGet, "manifest_get"),
        (Self::Referrers, "referrers"),
        (Self::FallbackTag, "fallback_tag"),
        (Self::TagsList, "tags_list"),
        (Self::UploadStart, "upload_start"),
        (Self::UploadPatch, "upload_patch"),
        (Self::UploadCancel, "upload_cancel"),
        (Self::Mount, "mount"),
        (Self::ManifestDelete, "manifest_delete"),
        (Self::BlobDelete, "blob_delete"),
    ];

    /// The word used in metrics, JSON and logs.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::value;

    #[test]
    fn words_and_values_are_one_to_one() {
        for (operation, word) in Operation::ALL {
            assert_eq!(operation.as_str(), word);
            assert_eq!(value(&Operation::ALL, word), Some(operation));
        }
    }
}
