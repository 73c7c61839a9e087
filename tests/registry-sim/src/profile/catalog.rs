//! The list of profiles, and the values that several of them share.

use super::{
    AnonymousToken, Auth, Denied, Errors, NativeReferrers, Ping, PingChallenge, Profile, Refusal,
    Right, Scheme, Service, Slashless, TokenService, TokenShape, UnknownSubject, Wire,
    WrongPassword,
};

impl Profile {
    /// Every profile that has a name.
    pub const ALL: &'static [&'static Self] = &[
        &Self::PLAIN,
        &Self::NATIVE,
        &Self::DISTRIBUTION_2_8,
        &Self::DISTRIBUTION_2_8_DELETE,
        &Self::DISTRIBUTION_2_8_READONLY,
        &Self::DISTRIBUTION_2_8_PROXY,
        &Self::DISTRIBUTION_2_8_HTPASSWD,
        &Self::DISTRIBUTION_2_8_TOKEN,
        &Self::DISTRIBUTION_3_1,
        &Self::FERRO,
        &Self::ZOT,
        &Self::ZOT_MIXED,
        &Self::HARBOR_2_6,
        &Self::HARBOR_2_8,
        &Self::HARBOR_2_10,
        &Self::HARBOR_2_11,
        &Self::QUAY_3_11,
        &Self::QUAY_3_12,
        &Self::QUAY_3_13,
        &Self::ARTIFACTORY_7_84,
        &Self::ARTIFACTORY_7_90,
        &Self::ACR,
        &Self::ACR_CMK,
        &Self::ACR_FIREWALL,
        &Self::ECR,
        &Self::ECR_MOUNTING,
        &Self::ECR_CREATE_ON_PUSH,
        &Self::ECR_PUBLIC,
        &Self::GAR,
        &Self::GHCR,
        &Self::DOCKER_HUB,
        &Self::DOCKER_HUB_LIMITED,
        &Self::DOCKER_HUB_PAID,
        &Self::DOCKER_HUB_ABUSE,
        &Self::DOCKER_HUB_FALLBACK,
        &Self::GITLAB,
        &Self::GITEA,
        &Self::NEXUS,
        &Self::CLOUDSMITH,
        &Self::OLAREG,
        &Self::GGCR,
        &Self::HTML,
        &Self::CAPTIVE_PORTAL,
    ];
}

pub(super) const API_VERSION: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");

pub(super) const HOSTED_WIRE: Wire = Wire {
    headers: &[API_VERSION],
    json: "application/json",
    ping: Ping {
        content_type: "application/json",
        body: "{}",
        headers: &[],
        unauthorized_body: None,
    },
    errors: Errors::Spec,
    slashless: Slashless::Same, // unknown:
    options: false,             // unknown:
};

pub(super) const DISTRIBUTION_AUTH: Auth = Auth {
    scheme: Scheme::Basic,
    always: false,
    basic_realm: "registry-sim",
    basic_service: None,
    service: Service::Fixed("registry-sim"),
    ping_scope: None,
    fixed_scope: None,
    second_challenge: None,
    bad_token: None,
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
    suspends: None,
    rights_with_basic: false,    // htpasswd knows no rights
    cancel_needs: Right::Delete, // lab: every DELETE is `delete`
    delete_needs: Right::Delete,
};

/// Distribution has no token server of its own; this is what its client
/// library and documentation ask of one.
pub(super) const DISTRIBUTION_TOKEN: TokenService = TokenService {
    path: "/token",
    shape: TokenShape::Jwt,
    fields: &["token", "access_token", "expires_in", "issued_at"],
    wrong_password: WrongPassword::Refused(UNAUTHORIZED),
    expired_password: None,
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
    status: 200,
    page: None,
    overlaps: false,
    total_count: false,
    head_refused: false,
    media_type: "application/vnd.oci.image.index.v1+json",
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
