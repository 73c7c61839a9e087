//! The known profiles. After each deviation stands where the fact is from:
//! *source* (read in the product's code), *lab* (seen on the real server),
//! *trace* (a published wire trace, mostly of the OCI conformance runs),
//! *docs* (the vendor's), *report* (an issue or a client's comment).

use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Errors, Manifests, MissingRepository, Mount,
    NativeReferrers, PingChallenge, Profile, PullLimit, Referrers, Refusal, Right, Scheme, Service,
    Site, TokenService, TokenShape, UnknownSubject, Uploads, Wire, Writes, WrongPassword,
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

    /// Distribution 2.8 with its defaults, but with rights per repository also
    /// under Basic, which the real one does not have.
    pub const PLAIN: Self = Self {
        name: "plain",
        auth: Auth {
            rights_with_basic: true,
            ..DISTRIBUTION_AUTH
        },
        ..Self::DISTRIBUTION_2_8
    };

    /// `registry:2` as it comes: deletion off. Lab: Debian's docker-registry
    /// 2.8.2; source: distribution v2.8.3.
    pub const DISTRIBUTION_2_8: Self = Self {
        name: "distribution-2.8",
        site: Site::Registry,
        wire: Wire {
            headers: &[API_VERSION, ("x-content-type-options", "nosniff")],
            json: "application/json; charset=utf-8",
            ping_body: "{}",
            errors: Errors::Spec,
            slashless_redirects: true,
            options: true,
        },
        auth: DISTRIBUTION_AUTH,
        token: DISTRIBUTION_TOKEN,
        manifests: Manifests {
            accept_decides: true, // lab: 404 MANIFEST_UNKNOWN without the OCI types
            digest_on_get: true,
            unknown: MANIFEST_UNKNOWN,
            // lab: body of 96 bytes, as for a tag that is not there
            unknown_repository: MANIFEST_UNKNOWN,
        },
        uploads: Uploads {
            // lab; the state names repository, session and offset, and is checked
            location: "{origin}/v2/{name}/blobs/uploads/{id}?_state={state}",
            range: Some("0-0"),
            id_header: Some("docker-upload-uuid"),
            chunk_min_length: None,
            chunks: Chunks::AnyOrder(202), // lab: Content-Range is not read
            cancel_refused: None,
            missing_repository: MissingRepository::Opens, // lab: not in _catalog
        },
        mount: Mount::FromRepository, // lab
        deletes: Deletes {
            manifests: Some(UNSUPPORTED), // lab: tested before anything else
            tags: Some(UNSUPPORTED),
            blobs: Some(UNSUPPORTED),
            unknown_repository: MANIFEST_UNKNOWN, // lab, with deletion on
            unknown_blob: BLOB_UNKNOWN,           // lab, with deletion on
        },
        referrers: Referrers::NoRoute, // lab: 404 text, before authentication
        writes: Writes::Allowed,
        pull_limit: None,
    };

    /// `registry:2` with `REGISTRY_STORAGE_DELETE_ENABLED=true`. Lab.
    pub const DISTRIBUTION_2_8_DELETE: Self = Self {
        name: "distribution-2.8-delete",
        deletes: Deletes {
            manifests: None,
            blobs: None,
            tags: Some(Refusal::new(
                400, // lab; 3.x deletes tags
                "DIGEST_INVALID",
                "provided digest did not match uploaded content",
            )),
            ..Self::DISTRIBUTION_2_8.deletes
        },
        ..Self::DISTRIBUTION_2_8
    };

    /// `registry:2` in maintenance, read-only. Lab.
    pub const DISTRIBUTION_2_8_READONLY: Self = Self {
        name: "distribution-2.8-readonly",
        writes: Writes::Maintenance,
        ..Self::DISTRIBUTION_2_8
    };

    /// `registry:2` as a pull-through cache. Lab.
    pub const DISTRIBUTION_2_8_PROXY: Self = Self {
        name: "distribution-2.8-proxy",
        writes: Writes::Refused(UNSUPPORTED),
        ..Self::DISTRIBUTION_2_8
    };

    /// `registry:3`. Source: v3.1.1; lab: 3.1.1.
    pub const DISTRIBUTION_3_1: Self = Self {
        name: "distribution-3.1",
        wire: Wire {
            json: "application/json",
            ..Self::DISTRIBUTION_2_8.wire
        }, // lab
        uploads: Uploads {
            chunks: Chunks::InOrder(202, "RANGE_INVALID"), // lab: 416
            ..Self::DISTRIBUTION_2_8.uploads
        },
        ..Self::DISTRIBUTION_2_8
    };

    /// A registry that does all of OCI 1.1 and nothing else: deletes, mounts,
    /// referrers with filter.
    pub const NATIVE: Self = Self {
        name: "native",
        wire: Wire {
            headers: &[API_VERSION],
            json: "application/json",
            slashless_redirects: false,
            options: false,
            ..Self::DISTRIBUTION_2_8.wire
        },
        auth: Auth {
            denied: Denied::Forbidden("requested access to the resource is denied"),
            rights_with_basic: true,
            cancel_needs: Right::Push,
            ..DISTRIBUTION_AUTH
        },
        manifests: Manifests {
            accept_decides: false,
            unknown_repository: NAME_UNKNOWN,
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            location: "/v2/{name}/blobs/uploads/{id}",
            chunks: Chunks::InOrder(202, "BLOB_UPLOAD_INVALID"),
            ..Self::DISTRIBUTION_2_8.uploads
        },
        deletes: Deletes {
            manifests: None,
            tags: None,
            blobs: None,
            unknown_repository: NAME_UNKNOWN,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS),
        ..Self::DISTRIBUTION_2_8
    };

    /// ferro-oci-server 1.0.0. Lab.
    pub const FERRO: Self = Self {
        name: "ferro",
        manifests: Manifests {
            unknown_repository: MANIFEST_UNKNOWN,
            ..Self::NATIVE.manifests
        },
        uploads: Uploads {
            chunk_min_length: Some(0),
            ..Self::NATIVE.uploads
        },
        mount: Mount::Never, // lab: 202 also for a blob of the same repository
        deletes: Deletes {
            tags: Some(Refusal::new(
                405,
                "UNSUPPORTED",
                "DELETE manifest by tag is not supported; use digest",
            )),
            unknown_repository: MANIFEST_UNKNOWN,
            ..Self::NATIVE.deletes
        },
        referrers: Referrers::Native(NativeReferrers {
            head_refused: true,
            ..NATIVE_REFERRERS
        }),
        ..Self::NATIVE
    };

    /// zot 2.1. Source: 6d19b445; trace: conformance 1.1.
    pub const ZOT: Self = Self {
        name: "zot",
        wire: Wire {
            ping_body: "",                        // source
            errors: Errors::BareWhenUnauthorized, // source
            ..Self::NATIVE.wire
        },
        auth: Auth {
            ping_200: PingChallenge::LowerCaseUnquoted, // source
            ping_open_to_anonymous: true,               // source: mixed anonymous policy
            anonymous_without_token: true,              // source
            cancel_needs: Right::Delete,                // source: a push-only user gets 403
            ..Self::NATIVE.auth
        },
        uploads: Uploads {
            missing_repository: MissingRepository::Creates, // source
            ..Self::NATIVE.uploads
        },
        mount: Mount::FromAnywhere, // source
        deletes: Deletes {
            // source: not 404, and no sign that deletion is off
            unknown_repository: Refusal::new(
                400,
                "NAME_UNKNOWN",
                "repository name not known to registry",
            ),
            ..Self::NATIVE.deletes
        },
        ..Self::NATIVE
    };

    /// Harbor before 2.8: no referrers route. Source: tags 2.6.0, 2.7.0; the
    /// route came with commit 9b61d34c4c in 2.8.0.
    pub const HARBOR_2_6: Self = Self {
        name: "harbor-2.6",
        // source: falls to the proxied distribution. Also seen in source: 401
        // with an empty challenge; which of both is left to `tune`.
        referrers: Referrers::NoRoute,
        ..Self::HARBOR_2_11
    };

    /// Harbor 2.8 to 2.10: `{}` for a subject that Harbor does not know.
    /// Source: tags 2.8.0 to 2.10.
    pub const HARBOR_2_8: Self = Self {
        name: "harbor-2.8",
        referrers: Referrers::Native(NativeReferrers {
            unknown_subject: UnknownSubject::EmptyObject,
            ..NATIVE_REFERRERS
        }),
        ..Self::HARBOR_2_11
    };

    /// Harbor from 2.11. Source: tags 2.11 to 2.15.
    pub const HARBOR_2_11: Self = Self {
        name: "harbor-2.11",
        wire: Wire {
            headers: &[API_VERSION],
            options: false, // unknown:
            ..Self::DISTRIBUTION_2_8.wire
        },
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("harbor-registry"), // source
            basic_on_ping: true,                        // source
            ping_refuses_anonymous_token: true,         // source: v2token IsAuthenticated
            anonymous_without_token: true, // source: v2auth; but never for HEAD, see `Denied`
            // source: v2auth getChallenge, whenever an Authorization was sent
            failed_challenge: Some("Basic realm=\"harbor\""),
            denied: Denied::UnauthorizedNamed, // source: never 403
            cancel_needs: Right::Delete,       // source
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/service/token", // source
            // source: with a scope it is 200 and no right at all
            wrong_password: WrongPassword::AnonymousWhenScoped(UNAUTHORIZED),
            grants_all_held: true,      // source
            unknown_service: Some(400), // source
            post: Some(405),            // source: GET only; unknown: the status
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false, // unknown: manifests are Harbor's own handlers
            unknown: HARBOR_NOT_FOUND,
            unknown_repository: HARBOR_NOT_FOUND,
            digest_on_get: true,
        },
        deletes: Deletes {
            manifests: None, // source
            // source: by tag 400 UNSUPPORTED
            tags: Some(Refusal::new(
                400,
                "UNSUPPORTED",
                "the operation is unsupported",
            )),
            blobs: None, // source: proxied, and on in Harbor's template
            unknown_repository: HARBOR_NOT_FOUND,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // source
        ..Self::DISTRIBUTION_2_8
    };

    /// GitHub's container registry. Trace and reports of 2022 to 2026.
    pub const GHCR: Self = Self {
        name: "ghcr",
        wire: HOSTED_WIRE,
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("ghcr.io"),
            ping_scope: Some("repository:user/image:pull"), // trace: a placeholder
            denied: Denied::Forbidden(
                "permission_denied: The token provided does not match expected scopes.",
            ), // report
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            shape: TokenShape::Opaque, // report
            fields: &["token"],        // report: no expires_in
            // report: openai/tunnel-client#75 (2026-09), also for public images
            wrong_password: WrongPassword::Refused(Refusal::new(403, "DENIED", "denied")),
            // report: private or nonexistent, anonymous
            anonymous: AnonymousToken::WhenGranted(UNAUTHORIZED),
            nothing_granted: Some(Refusal::new(
                403,
                "DENIED",
                "requested access to the resource is denied",
            )), // report
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,
            ..Self::DISTRIBUTION_2_8.manifests
        }, // unknown:
        uploads: Uploads {
            location: "/v2/{name}/blobs/upload/{id}", // report: singular; unknown: relative or not
            ..Self::DISTRIBUTION_2_8.uploads          // unknown: cancel
        },
        deletes: Deletes {
            manifests: Some(UNSUPPORTED),     // report: skopeo#1880, oras#915
            ..Self::DISTRIBUTION_2_8.deletes  // unknown: blobs, tags
        },
        // report: ggcr#1962, artifacthub#4785 (2026-04)
        referrers: Referrers::Redirect(
            303,
            "https://github.com/-/v2/packages/container/package/{name}%2Freferrers%2Fsha256",
        ),
        ..Self::DISTRIBUTION_2_8
    };

    /// Docker Hub with the limit of an anonymous caller. Docs and reports.
    pub const DOCKER_HUB: Self = Self {
        name: "docker-hub",
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("registry.docker.io"),
            denied: Denied::InsufficientScope, // report
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            wrong_password: WrongPassword::Refused(Refusal::new(
                401, // report
                "UNAUTHORIZED",
                "incorrect username or password",
            )),
            anonymous: AnonymousToken::Always, // report: also for what is not there
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,
            ..Self::DISTRIBUTION_2_8.manifests
        }, // unknown:
        deletes: Deletes {
            manifests: None,                  // docs: by digest 202; report: 405 for all in 2023
            tags: Some(UNSUPPORTED),          // docs
            ..Self::DISTRIBUTION_2_8.deletes  // unknown: blobs
        },
        // report: staff, soci-snapshotter#1828 (2025-12); docs still OCI 1.0.1
        referrers: Referrers::Native(NATIVE_REFERRERS),
        // docs: 100 GETs in six hours, HEAD is free but shows the rest
        pull_limit: Some(PullLimit {
            limit: 100,
            window_seconds: 21_600,
            source: "192.0.2.1",
        }),
        ..Self::DISTRIBUTION_2_8
    };

    /// AWS ECR private. Trace, docs and reports.
    pub const ECR: Self = Self {
        name: "ecr",
        wire: Wire {
            headers: &[API_VERSION, ("sizes", "")], // trace: an empty Sizes header
            ..HOSTED_WIRE
        },
        auth: Auth {
            scheme: Scheme::Basic,
            always: true,
            basic_realm: "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com/",
            basic_service: Some("ecr.amazonaws.com"), // trace
            // report: flipt#3043, without a challenge
            expired: Some(Refusal::new(
                403,
                "DENIED",
                "Your authorization token has expired. Reauthenticate and try again.",
            )),
            denied: Denied::Forbidden(
                "User: arn:aws:iam::123456789012:user/robot is not authorized to perform: ecr:BatchGetImage", // report
            ),
            rights_with_basic: true,
            ..DISTRIBUTION_AUTH
        },
        manifests: Manifests {
            accept_decides: false, // unknown:
            digest_on_get: false,  // trace 2022: oras#436, oras-go#237
            unknown_repository: ECR_NO_REPOSITORY,
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            chunks: Chunks::AnyOrder(201), // report: tart#273; unknown: order
            // report: without a creation template; with one: MissingRepository::Creates
            missing_repository: MissingRepository::Refused(ECR_NO_REPOSITORY),
            ..Self::DISTRIBUTION_2_8.uploads // unknown: Location, cancel
        },
        mount: Mount::Never, // docs: opt-in since 2026-01
        deletes: Deletes {
            manifests: None, // docs
            tags: None,      // unknown:
            blobs: None,     // unknown:
            unknown_repository: ECR_NO_REPOSITORY,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: since 2024; unknown: unknown digests
        ..Self::DISTRIBUTION_2_8
    };

    /// Quay 3.12.0: the referrers of an unknown digest are 404. Source.
    pub const QUAY_3_12: Self = Self {
        name: "quay-3.12",
        referrers: Referrers::Native(NativeReferrers {
            unknown_subject: UnknownSubject::Refused(MANIFEST_UNKNOWN),
            ..NATIVE_REFERRERS
        }),
        ..Self::QUAY_3_13
    };

    /// Quay from 3.12.5 and 3.13. Source: tags 3.13 to 3.18, commit 35a04fdac.
    pub const QUAY_3_13: Self = Self {
        name: "quay-3.13",
        wire: Wire {
            ping_body: "true",
            ..HOSTED_WIRE
        }, // source
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Host,        // source: SERVER_HOSTNAME
            ping_200: PingChallenge::Same, // source
            denied: Denied::Unauthorized,  // source
            cancel_needs: Right::Push,     // source
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/v2/auth",                                    // source
            fields: &["token"],                                  // source
            post: Some(405),                                     // source
            actions: &["pull", "push", "*"],                     // source: `delete` is 400
            push_scope_creates: true,                            // source
            anonymous: AnonymousToken::WhenScoped(UNAUTHORIZED), // source
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,            // unknown:
            unknown_repository: NAME_UNKNOWN, // source
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            location: "{origin}/v2/{name}/blobs/uploads/{id}", // source
            range: Some("bytes=0--1"),                         // source (sic)
            chunks: Chunks::InOrder(202, "BLOB_UPLOAD_INVALID"), // source: 416; unknown: the code
            ..Self::DISTRIBUTION_2_8.uploads
        },
        deletes: Deletes {
            manifests: None,          // source
            tags: None,               // source
            blobs: Some(UNSUPPORTED), // source: always
            unknown_repository: NAME_UNKNOWN,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NativeReferrers {
            unknown_subject: UnknownSubject::Refused(Refusal::new(
                400,
                "MANIFEST_INVALID",
                "manifest invalid",
            )),
            filters: true,      // unknown: whether OCI-Filters-Applied is sent
            ..NATIVE_REFERRERS  // source: no paging
        }),
        ..Self::DISTRIBUTION_2_8
    };

    /// Azure Container Registry. Trace: conformance 1.1 (2024-06); docs.
    pub const ACR: Self = Self {
        name: "acr",
        wire: Wire {
            headers: &[
                API_VERSION,
                ("server", "AzureContainerRegistry"), // trace
                (
                    "x-ms-correlation-request-id",
                    "00000000-0000-0000-0000-000000000000",
                ), // trace
            ],
            ..HOSTED_WIRE
        },
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Host, // trace
            basic_on_ping: true,    // source: acr-checkhealth
            // unknown: what a missing right gets, and what cancelling needs
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/oauth2/token",     // trace
            fields: &["access_token"], // docs: no expires_in
            post: Some(400),           // report: containerd 2022, the password grant
            // unknown: the status for a wrong password
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,
            ..Self::DISTRIBUTION_2_8.manifests
        }, // unknown:
        uploads: Uploads {
            // trace
            location: "/v2/{name}/blobs/uploads/{id}?_nouploadcache=false&_state={state}",
            chunks: Chunks::InOrder(202, "BLOB_UPLOAD_RANGE_INVALID"), // trace
            ..Self::DISTRIBUTION_2_8.uploads                           // unknown: cancel
        },
        deletes: Deletes {
            manifests: None,         // trace
            tags: Some(UNSUPPORTED), // trace
            blobs: None,             // trace
            unknown_repository: MANIFEST_UNKNOWN,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // trace
        ..Self::DISTRIBUTION_2_8
    };

    /// `JFrog` Artifactory from 7.90.1. Trace: conformance 1.1 (2024-08); docs.
    pub const ARTIFACTORY_7_90: Self = Self {
        name: "artifactory-7.90",
        wire: Wire {
            headers: &[
                API_VERSION,
                ("x-jfrog-version", "Artifactory/7.90.1 79001900"), // trace
                (
                    "x-artifactory-id",
                    "0000000000000000000000000000000000000000:0000000000000000:-8000",
                ),
                ("x-artifactory-node-id", "node-0"),
            ],
            json: "application/json;charset=ISO-8859-1", // trace
            errors: Errors::StatusAndMessage,            // trace
            ..HOSTED_WIRE
        },
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Host,          // trace: host and port
            scope_drops_first_segment: true, // trace: no repository key
            referrers_challenge: Some("Basic realm=\"Artifactory Realm\""), // trace
            denied: Denied::Forbidden("Forbidden"), // unknown: 403 or 401
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/v2/token",                // trace
            fields: &["token", "expires_in"], // report
            post: Some(401),                  // report: containerd
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,
            ..Self::DISTRIBUTION_2_8.manifests
        }, // unknown:
        uploads: Uploads {
            location: "{origin}/v2/{name}/blobs/uploads/{id}.patch", // trace
            range: None,                                             // trace
            chunks: Chunks::InOrder(202, "BLOB_UPLOAD_INVALID"),     // trace: 416
            ..Self::DISTRIBUTION_2_8.uploads                         // unknown: cancel
        },
        mount: Mount::Never, // trace: 202 with `from`
        deletes: Deletes {
            manifests: None,          // trace
            tags: None,               // trace
            blobs: Some(UNSUPPORTED), // trace: 405, oci-conformance#97
            unknown_repository: MANIFEST_UNKNOWN,
            unknown_blob: BLOB_UNKNOWN,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: 7.90.1; trace
        ..Self::DISTRIBUTION_2_8
    };

    /// Google Artifact Registry. Docs and reports.
    pub const GAR: Self = Self {
        name: "gar",
        wire: HOSTED_WIRE,
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Absent, // report: apple/container#1026
            denied: Denied::Forbidden(
                "Permission \"artifactregistry.repositories.uploadArtifacts\" denied on resource (or it may not exist)", // report
            ),
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/v2/token", // report
            shape: TokenShape::Opaque,
            post: Some(404), // report, GCR
            // report: argo-cd#26260, private or nonexistent
            anonymous: AnonymousToken::WhenGranted(Refusal::new(
                403,
                "DENIED",
                "Unauthenticated request. Unauthenticated requests do not have permission \"artifactregistry.repositories.downloadArtifacts\" on resource (or it may not exist)",
            )),
            // unknown: the status for a wrong password
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,
            ..Self::DISTRIBUTION_2_8.manifests
        }, // unknown:
        uploads: Uploads {
            location: "/artifacts-uploads/{name}/{id}", // report; unknown: the exact path
            // docs: chunks are not supported; unknown: status and code
            chunks: Chunks::Refused(Refusal::new(
                400,
                "UNSUPPORTED",
                "chunked uploads are not supported",
            )),
            ..Self::DISTRIBUTION_2_8.uploads // unknown: cancel
        },
        mount: Mount::Never, // report: ocync has not seen one fulfilled
        deletes: Deletes {
            manifests: None, // report
            tags: None,      // trace 2018, GCR
            blobs: None,     // unknown:
            unknown_repository: MANIFEST_UNKNOWN,
            unknown_blob: BLOB_UNKNOWN,
        },
        // report: promo-tools#1945 (2026-09); unknown: unknown digests
        referrers: Referrers::Native(NATIVE_REFERRERS),
        ..Self::DISTRIBUTION_2_8
    };

    /// Not a registry: a login page for everything. Lab: nginx.
    pub const HTML: Self = Self {
        name: "html",
        site: Site::Html(200),
        ..Self::PLAIN
    };
}

const API_VERSION: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");

const HOSTED_WIRE: Wire = Wire {
    headers: &[API_VERSION],
    json: "application/json",
    ping_body: "{}",
    errors: Errors::Spec,
    slashless_redirects: false, // unknown:
    options: false,             // unknown:
};

const DISTRIBUTION_AUTH: Auth = Auth {
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
    expired: None,
    rights_with_basic: false,    // htpasswd knows no rights
    cancel_needs: Right::Delete, // lab: every DELETE is `delete`
};

/// Distribution has no token server of its own; this is what its client
/// library and documentation ask of one.
const DISTRIBUTION_TOKEN: TokenService = TokenService {
    path: "/token",
    shape: TokenShape::Jwt,
    fields: &["token", "access_token", "expires_in", "issued_at"],
    wrong_password: WrongPassword::Refused(UNAUTHORIZED),
    anonymous: AnonymousToken::Always,
    nothing_granted: None,
    post: None,
    actions: &[],
    grants_all_held: false,
    unknown_service: None,
    push_scope_creates: false,
};

const NATIVE_REFERRERS: NativeReferrers = NativeReferrers {
    unknown_subject: UnknownSubject::EmptyIndex,
    filters: true,
    page: None,
    head_refused: false,
};

const UNAUTHORIZED: Refusal = Refusal::new(401, "UNAUTHORIZED", "authentication required");
const UNSUPPORTED: Refusal = Refusal::new(405, "UNSUPPORTED", "The operation is unsupported.");
const MANIFEST_UNKNOWN: Refusal = Refusal::new(404, "MANIFEST_UNKNOWN", "manifest unknown");
const NAME_UNKNOWN: Refusal =
    Refusal::new(404, "NAME_UNKNOWN", "repository name not known to registry");
const BLOB_UNKNOWN: Refusal = Refusal::new(404, "BLOB_UNKNOWN", "blob unknown to registry");
const HARBOR_NOT_FOUND: Refusal = Refusal::new(404, "NOT_FOUND", "artifact not found");
const ECR_NO_REPOSITORY: Refusal = Refusal::new(
    404,
    "NAME_UNKNOWN",
    "The repository does not exist in the registry with id '123456789012'",
);
