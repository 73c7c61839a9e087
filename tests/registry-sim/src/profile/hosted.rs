//! Hosted registries. None was asked live: *trace*, *docs* and *report* only.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, ECR_NO_REPOSITORY,
    HOSTED_WIRE, MANIFEST_UNKNOWN, NATIVE_REFERRERS, UNAUTHORIZED, UNSUPPORTED,
};
use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Manifests, MissingRepository, Mount, Ping,
    Profile, PullLimit, Referrers, Refusal, Scheme, Service, TokenService, TokenShape, Uploads,
    Wire, WrongPassword,
};

impl Profile {
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
            ping: Ping {
                unauthorized_body: Some("Not Authorized"), // trace; unknown: its type
                ..HOSTED_WIRE.ping
            },
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
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: since 2024; unknown: unknown digests
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
            refresh_tokens: true,      // docs: after /oauth2/exchange
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
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // trace
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
            path: "/v2/token",         // report
            shape: TokenShape::Opaque, // report
            post: Some(404),           // report, GCR
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
            blob_as_manifest: false,
        },
        // report: promo-tools#1945 (2026-09); unknown: unknown digests
        referrers: Referrers::Native(NATIVE_REFERRERS),
        ..Self::DISTRIBUTION_2_8
    };
}
