//! The list of profiles, and the values that several of them share.

use super::{
    AnonymousToken, Auth, Denied, Errors, NativeReferrers, Ping, PingChallenge, Profile, Refusal,
    Right, Scheme, Service, TokenService, TokenShape, UnknownSubject, Wire, WrongPassword,
};

impl Profile {
    /// Every profile that has a name.
    pub const ALL: &'static [&'static Self] = &[
        &Self::PLAIN,
        &Self::DISTRIBUTION_2_8,
        &Self::DISTRIBUTION_2_8_DELETE,
        &Self::DISTRIBUTION_2_8_READONLY,
        &Self::DISTRIBUTION_2_8_PROXY,
        &Self::DISTRIBUTION_3_1,
        &Self::NATIVE,
        &Self::FERRO,
        &Self::ZOT,
        &Self::HARBOR_2_6,
        &Self::HARBOR_2_8,
        &Self::HARBOR_2_11,
        &Self::GHCR,
        &Self::DOCKER_HUB,
        &Self::ECR,
        &Self::QUAY_3_12,
        &Self::QUAY_3_13,
        &Self::ACR,
        &Self::ARTIFACTORY_7_90,
        &Self::GAR,
        &Self::HTML,
    ];
}

pub(super) const API_VERSION: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");

pub(super) const HOSTED_WIRE: Wire = Wire {
    headers: &[API_VERSION],
    json: "application/json",
    ping: Ping {
        content_type: "application/json",
        body: "{}",
        unauthorized_body: None,
    },
    errors: Errors::Spec,
    slashless_redirects: false, // unknown:
    options: false,             // unknown:
};

pub(super) const DISTRIBUTION_AUTH: Auth = Auth {
    scheme: Scheme::Basic,
    always: false,
    basic_realm: "registry-sim",
    basic_service: None,
    service: Service::Fixed("registry-sim"),
    ping_scope: None,
    ping_200: PingChallenge::Absent,
    ping_open_to_anonymous: false,
    ping_refuses_anonymous_token: false, // lab: 200
    anonymous_without_token: false,
    basic_on_ping: false,
    failed_challenge: None,
    scope_drops_first_segment: false,
    referrers_challenge: None,
    denied: Denied::InsufficientScope, // lab: 401, never 403
    challenge_on_403: false,
    expired: None,
    rights_with_basic: false,    // htpasswd knows no rights
    cancel_needs: Right::Delete, // lab: every DELETE is `delete`
};

/// Distribution has no token server of its own; this is what its client
/// library and documentation ask of one.
pub(super) const DISTRIBUTION_TOKEN: TokenService = TokenService {
    path: "/token",
    shape: TokenShape::Jwt,
    fields: &["token", "access_token", "expires_in", "issued_at"],
    wrong_password: WrongPassword::Refused(UNAUTHORIZED),
    anonymous: AnonymousToken::Always,
    nothing_granted: None,
    post: None,
    refresh_tokens: false,
    actions: &[],
    grants_all_held: false,
    unknown_service: None,
    push_scope_creates: false,
};

pub(super) const NATIVE_REFERRERS: NativeReferrers = NativeReferrers {
    unknown_subject: UnknownSubject::EmptyIndex,
    filters: true,
    page: None,
    total_count: false,
    head_refused: false,
};

pub(super) const UNAUTHORIZED: Refusal =
    Refusal::new(401, "UNAUTHORIZED", "authentication required");
pub(super) const UNSUPPORTED: Refusal =
    Refusal::new(405, "UNSUPPORTED", "The operation is unsupported.");
pub(super) const MANIFEST_UNKNOWN: Refusal =
    Refusal::new(404, "MANIFEST_UNKNOWN", "manifest unknown");
pub(super) const NAME_UNKNOWN: Refusal =
    Refusal::new(404, "NAME_UNKNOWN", "repository name not known to registry");
pub(super) const BLOB_UNKNOWN: Refusal =
    Refusal::new(404, "BLOB_UNKNOWN", "blob unknown to registry");
pub(super) const HARBOR_NOT_FOUND: Refusal = Refusal::new(404, "NOT_FOUND", "artifact not found");
pub(super) const ECR_NO_REPOSITORY: Refusal = Refusal::new(
    404,
    "NAME_UNKNOWN",
    "The repository does not exist in the registry with id '123456789012'",
);
