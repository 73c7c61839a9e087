//! What one registry does differently from another, as plain data.
//!
//! A profile is a [`Profile`] value; the known ones are constants in
//! [`catalog`], each written as the differences from a profile it resembles.
//! A fact that nobody has seen stays at the value of the parent and is marked
//! `unknown:` there, so that a test never rests on an invented answer.

mod catalog;

/// How a registry answers.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name for `--profile`.
    pub name: &'static str,
    /// Whether there is a registry at all.
    pub site: Site,
    /// The look of every answer.
    pub wire: Wire,
    /// Challenges and refusals.
    pub auth: Auth,
    /// The token endpoint.
    pub token: TokenService,
    /// Manifests.
    pub manifests: Manifests,
    /// Upload sessions.
    pub uploads: Uploads,
    /// Cross-repository mounts.
    pub mount: Mount,
    /// Deletion.
    pub deletes: Deletes,
    /// The referrers route.
    pub referrers: Referrers,
    /// Whether anything can be written.
    pub writes: Writes,
    /// A limit on manifest GETs, where the registry announces one.
    pub pull_limit: Option<PullLimit>,
}

impl Profile {
    /// The profile with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|profile| profile.name == name)
            .map(|profile| **profile)
    }
}

/// A refusal: status and the first error of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `errors[0].code`.
    pub code: &'static str,
    /// `errors[0].message`.
    pub message: &'static str,
}

impl Refusal {
    /// A refusal with these parts.
    pub const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
        }
    }
}

/// Whether there is a registry at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// A registry.
    Registry,
    /// The same HTML page for everything: a login page or captive portal.
    Html(u16),
}

/// The look of every answer.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Headers on every answer of the registry.
    pub headers: &'static [(&'static str, &'static str)],
    /// Content type of JSON answers that are not manifests.
    pub json: &'static str,
    /// Body of a 200 to `/v2/`.
    pub ping_body: &'static str,
    /// Shape of error bodies.
    pub errors: Errors,
    /// `GET /v2` is redirected to `/v2/`, and `POST …/uploads` likewise.
    pub slashless_redirects: bool,
    /// OPTIONS is answered 200 with an `Allow` that also lists DELETE.
    pub options: bool,
}

/// Shape of error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// `{"errors":[{"code","message"}]}`, as the distribution-spec says.
    Spec,
    /// As the spec, but a failed authentication gets the bare object (zot).
    BareWhenUnauthorized,
    /// `{"errors":[{"status","message"}]}` without codes (Artifactory).
    StatusAndMessage,
}

/// How callers are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Nobody is asked.
    None,
    /// `Authorization: Basic` on every request.
    Basic,
    /// `Authorization: Bearer` with a token of the token endpoint.
    Bearer,
}

/// Challenges and refusals.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a fact that is so or not"
)]
pub struct Auth {
    /// Used when users are configured and the builder names no scheme.
    pub scheme: Scheme,
    /// Asks for credentials even when no users are configured.
    pub always: bool,
    /// Realm of a Basic challenge.
    pub basic_realm: &'static str,
    /// `service` of a Basic challenge.
    pub basic_service: Option<&'static str>,
    /// `service` of a Bearer challenge.
    pub service: Service,
    /// A `scope` in the challenge of `/v2/`.
    pub ping_scope: Option<&'static str>,
    /// A challenge on the 200 of `/v2/`.
    pub ping_200: PingChallenge,
    /// `/v2/` is 200 without credentials where anonymous rights exist.
    pub ping_open_to_anonymous: bool,
    /// `/v2/` is 401 to a token that was given to nobody.
    pub ping_refuses_anonymous_token: bool,
    /// Anonymous rights count without a token.
    pub anonymous_without_token: bool,
    /// `/v2/` takes Basic although the scheme is Bearer.
    pub basic_on_ping: bool,
    /// The challenge to an `Authorization` that failed, instead of the usual.
    pub failed_challenge: Option<&'static str>,
    /// The scope of a challenge lacks the first segment of the repository, and
    /// a token for that scope counts (Artifactory's repository key).
    pub scope_drops_first_segment: bool,
    /// The challenge of the referrers route, instead of the usual.
    pub referrers_challenge: Option<&'static str>,
    /// What a known caller without the right gets.
    pub denied: Denied,
    /// What an expired password gets; `None`: the same as a wrong one.
    pub expired: Option<Refusal>,
    /// Basic users have rights per repository (else every user may all).
    pub rights_with_basic: bool,
    /// The right that cancelling an upload needs.
    pub cancel_needs: Right,
}

/// `service` of a Bearer challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The registry's own host and port.
    Host,
    /// This word.
    Fixed(&'static str),
    /// No such parameter.
    Absent,
}

/// A challenge on a 200 of `/v2/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingChallenge {
    /// None, as usual.
    Absent,
    /// The same as on a 401.
    Same,
    /// Lower-case scheme and a realm without quotes (zot).
    LowerCaseUnquoted,
}

/// What a known caller without the right gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// 401 with `error="insufficient_scope"`.
    InsufficientScope,
    /// 401 as to anybody without credentials.
    Unauthorized,
    /// 401 that names repository and action (Harbor).
    UnauthorizedNamed,
    /// 403 DENIED with this message.
    Forbidden(&'static str),
}

/// What may be done to a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Delete.
    Delete,
}

impl Right {
    /// The word in a scope.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }

    /// `pull,push` and the like; `*` is every right, other words are no right.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split(',')
            .flat_map(|word| match word.trim() {
                "pull" => vec![Self::Pull],
                "push" => vec![Self::Push],
                "delete" => vec![Self::Delete],
                "*" => vec![Self::Pull, Self::Push, Self::Delete],
                _ => Vec::new(),
            })
            .collect()
    }
}

/// The token endpoint.
#[derive(Clone, Copy, Debug)]
pub struct TokenService {
    /// Path of the realm.
    pub path: &'static str,
    /// Whether clients can read the token.
    pub shape: TokenShape,
    /// Fields of the answer, out of `token`, `access_token`, `expires_in`,
    /// `issued_at`, `scope`.
    pub fields: &'static [&'static str],
    /// What a wrong password gets.
    pub wrong_password: WrongPassword,
    /// What a caller without credentials gets.
    pub anonymous: AnonymousToken,
    /// What a known caller gets who may do nothing of what the scope asks;
    /// `None`: a token without those rights.
    pub nothing_granted: Option<Refusal>,
    /// The status of a POST; `None`: as GET (OAuth2 password grant).
    pub post: Option<u16>,
    /// The actions a scope may name; any other is 400. Empty: all.
    pub actions: &'static [&'static str],
    /// The token lists every right the caller has on the repository.
    pub grants_all_held: bool,
    /// What another `service` than the own gets.
    pub unknown_service: Option<u16>,
    /// Asking a push scope creates the repository.
    pub push_scope_creates: bool,
}

/// Whether clients can read the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenShape {
    /// `header.payload.signature` with `access` and `exp`; not really signed.
    Jwt,
    /// A random word.
    Opaque,
}

/// What a wrong password gets from the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongPassword {
    /// This refusal.
    Refused(Refusal),
    /// This refusal, but with a scope an anonymous token and 200 (Harbor).
    AnonymousWhenScoped(Refusal),
}

/// What a caller without credentials gets from the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnonymousToken {
    /// Always a token, with what anonymous callers may do.
    Always,
    /// A token where the scope names something anonymous callers may do, else
    /// this refusal.
    WhenGranted(Refusal),
    /// A token where there is a scope, else this refusal.
    WhenScoped(Refusal),
}

/// Manifests.
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
}

/// Upload sessions.
#[derive(Clone, Copy, Debug)]
pub struct Uploads {
    /// `Location` with `{origin}`, `{name}`, `{id}`, `{state}`.
    pub location: &'static str,
    /// `Range` of the first answer.
    pub range: Option<&'static str>,
    /// The header with the session's id.
    pub id_header: Option<&'static str>,
    /// `OCI-Chunk-Min-Length` of the first answer.
    pub chunk_min_length: Option<u64>,
    /// What PATCH does.
    pub chunks: Chunks,
    /// What DELETE of a session gets where it is not offered.
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
    /// Refused.
    Refused(Refusal),
}

/// What POST to a repository that is not there does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingRepository {
    /// Opens a session; the repository comes with the first manifest.
    Opens,
    /// Opens a session and creates the repository (zot, ECR `CREATE_ON_PUSH`).
    Creates,
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
    /// A blob that is not there.
    pub unknown_blob: Refusal,
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
pub struct NativeReferrers {
    /// A subject that is not there.
    pub unknown_subject: UnknownSubject,
    /// `artifactType` filters, and `OCI-Filters-Applied` says so.
    pub filters: bool,
    /// Entries of a page; the rest by `Link`. `None`: one page.
    pub page: Option<usize>,
    /// HEAD is 405 (ferro).
    pub head_refused: bool,
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
    /// The window in seconds.
    pub window_seconds: u32,
    /// `docker-ratelimit-source`.
    pub source: &'static str,
}
