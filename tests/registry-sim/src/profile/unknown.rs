//! What nobody has seen.

/// A fact about a product that no source, lab, trace, documentation or report
/// gives. The profile answers as the product that it resembles; what a test says
/// of it is an assumption, and must be marked as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unknown {
    /// What a wrong password gets.
    WrongPassword,
    /// What an expired password gets.
    ExpiredPassword,
    /// What a known caller without the right gets.
    MissingRight,
    /// What cancelling an upload does, or which right it needs.
    Cancel,
    /// What PATCH does.
    Chunks,
    /// What a mount of a blob that is there does.
    Mount,
    /// What DELETE of a manifest that is not there does.
    ManifestDelete,
    /// What DELETE of a blob that is not there does.
    BlobDelete,
    /// What the referrers route says.
    Referrers,
}

impl Unknown {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongPassword => "a wrong password",
            Self::ExpiredPassword => "an expired password",
            Self::MissingRight => "a missing right",
            Self::Cancel => "cancelling",
            Self::Chunks => "chunks",
            Self::Mount => "mounts",
            Self::ManifestDelete => "deleting a manifest",
            Self::BlobDelete => "deleting a blob",
            Self::Referrers => "referrers",
        }
    }
}
