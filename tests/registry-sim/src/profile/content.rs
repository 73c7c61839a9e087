//! What is stored: manifests, uploads, deletion, referrers and limits.

use super::Refusal;

/// Manifests and tags.
#[derive(Clone, Copy, Debug)]
pub struct Manifests {
    /// An OCI manifest is 404 to an `Accept` that does not name its type.
    pub accept_decides: bool,
    /// `Docker-Content-Digest` also on GET.
    pub digest_on_get: bool,
    /// A tag or digest that is not there.
    pub unknown: Refusal,
    /// A repository that is not there.
    pub unknown_repository: Refusal,
    /// The referrers tag of a manifest (`sha256-<hex>`) names the manifest itself
    /// where nothing else has that tag (GitLab).
    pub referrers_tag_is_subject: bool,
    /// What `tags/list` does with `n`.
    pub tags: Tags,
    /// `tags/list` of a repository that is not there; `None`: 200 and empty.
    pub tags_of_nothing: Option<Refusal>,
}

/// What `tags/list` does with `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// Nothing: every tag is listed.
    All,
    /// Lists at most that many, with a `Link` where there are more.
    Paged,
    /// Lists at most that many and says nothing of more (ggcr).
    Cut,
    /// As [`Self::Paged`], with a `Link` also where the page is just full (ferro).
    PagedWhenFull,
}

/// Upload sessions.
#[derive(Clone, Copy, Debug)]
pub struct Uploads {
    /// `Location` with `{origin}`, `{name}`, `{id}`, `{state}`.
    pub location: &'static str,
    /// `Range` of the first answer.
    pub range: Option<&'static str>,
    /// `Range` of the answers to PATCH.
    pub ranges: Ranges,
    /// The header with the session's id.
    pub id_header: Option<&'static str>,
    /// `OCI-Chunk-Min-Length` of the first answer.
    pub chunk_min_length: Option<u64>,
    /// What PATCH does.
    pub chunks: Chunks,
    /// The header with the session's id is on the answer to DELETE too.
    pub cancel_names_session: bool,
    /// What DELETE and GET of a session get where they are not offered.
    pub cancel_refused: Option<Refusal>,
    /// What POST to a repository that is not there does.
    pub missing_repository: MissingRepository,
}

/// What PATCH does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// Appends and answers this status, whatever `Content-Range` says.
    AnyOrder(u16),
    /// Answers this status where `Content-Range` follows on, else 416 with
    /// this code.
    InOrder(u16, &'static str),
    /// Answers this status where the chunk has at least so many bytes, else this
    /// refusal.
    AtLeast(usize, u16, Refusal),
    /// Answers this status; a further chunk replaces the one before (GHCR).
    Overwrites(u16),
    /// Refused.
    Refused(Refusal),
}

/// The `Range` of the answers to PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// From 0 to the last byte held, as the spec says.
    FromZero,
    /// That of the first chunk, for ever (ECR).
    Sticks,
    /// That of the latest chunk alone (Artifactory).
    OfTheChunk,
}

/// What POST to a repository that is not there does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingRepository {
    /// Opens a session; the repository comes with the first manifest.
    Opens,
    /// Opens a session and creates the repository (zot).
    Creates,
    /// As [`Self::Creates`], but also for a known caller who may not push and is
    /// refused then (ECR's `CREATE_ON_PUSH`).
    CreatesForAnybody,
    /// Is refused.
    Refused(Refusal),
}

/// Cross-repository mounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// 201 where the blob is in `from`, else 202 with a session.
    FromRepository,
    /// 201 where the blob is anywhere, also without `from`.
    FromAnywhere,
    /// Always 202 with a session.
    Never,
}

/// Deletion.
#[derive(Clone, Copy, Debug)]
pub struct Deletes {
    /// By digest; `None`: done.
    pub manifests: Option<Refusal>,
    /// By tag; `None`: done.
    pub tags: Option<Refusal>,
    /// Blobs; `None`: done.
    pub blobs: Option<Refusal>,
    /// A manifest of a repository that is not there.
    pub unknown_repository: Refusal,
    /// A blob that is not there; the status 202 means "done" (Gitea).
    pub unknown_blob: Refusal,
    /// `Allow` of the 405 to a blob.
    pub blob_allow: Option<&'static str>,
    /// DELETE of a manifest with the digest of a blob removes the blob.
    pub blob_as_manifest: bool,
}

/// The referrers route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Referrers {
    /// The API of OCI 1.1.
    Native(NativeReferrers),
    /// No such route: `404 page not found` from the router, before any
    /// question of credentials.
    NoRoute,
    /// Refused after authentication.
    Refused(Refusal),
    /// A redirect to this place, with `{name}`.
    Redirect(u16, &'static str),
}

/// The referrers API of OCI 1.1 (end-12a and 12b).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a fact that is so or not"
)]
pub struct NativeReferrers {
    /// A subject that is not there.
    pub unknown_subject: UnknownSubject,
    /// `artifactType` filters, and `OCI-Filters-Applied` says so.
    pub filters: bool,
    /// Status of an index: 200, or 404 where a registry says so of what it lists
    /// all the same.
    pub status: u16,
    /// Entries of a page; the rest by `Link`. `None`: one page.
    pub page: Option<usize>,
    /// A page begins with the last entry of the one before (a `last` that is taken
    /// inclusively).
    pub overlaps: bool,
    /// `X-Total-Count` says how many there are (Harbor).
    pub total_count: bool,
    /// HEAD is 405 (ferro).
    pub head_refused: bool,
    /// `Content-Type` of the index.
    pub media_type: &'static str,
}

/// What the referrers of an unknown digest are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownSubject {
    /// An empty index, as the spec says.
    EmptyIndex,
    /// The body `{}` (Harbor 2.8 to 2.10).
    EmptyObject,
    /// An error (Quay).
    Refused(Refusal),
}

/// Whether anything can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writes {
    /// As the caller's rights allow.
    Allowed,
    /// Every write is `405` in plain text with `Allow: GET, HEAD`
    /// (distribution's maintenance mode).
    Maintenance,
    /// Every write is refused like this.
    Refused(Refusal),
}

/// A limit on manifest GETs, announced in `ratelimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLimit {
    /// GETs per window.
    pub limit: u32,
    /// GETs that are left when the simulator starts.
    pub left: u32,
    /// The window in seconds.
    pub window_seconds: u32,
    /// `docker-ratelimit-source`.
    pub source: &'static str,
}
