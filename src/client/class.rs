//! Which requests share a pause.

use crate::exchange::Operation;

/// The kind of request that a 429 pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Manifests and tags.
    Read,
    /// The referrers API: registries count it apart (ACR: ten to twenty times lower).
    Referrers,
    /// Uploads, mounts and deletes.
    Write,
    /// Everything at the origin: `/v2/` itself, or a token host.
    All,
}

impl Class {
    /// The class of an operation.
    pub fn of(operation: Operation) -> Self {
        match operation {
            Operation::Ping | Operation::PingAuth | Operation::Token => Self::All,
            Operation::ManifestHead
            | Operation::ManifestGet
            | Operation::FallbackTag
            | Operation::TagsList => Self::Read,
            Operation::Referrers => Self::Referrers,
            Operation::UploadStart
            | Operation::UploadPatch
            | Operation::UploadCancel
            | Operation::Mount
            | Operation::ManifestDelete
            | Operation::BlobDelete => Self::Write,
        }
    }
}
