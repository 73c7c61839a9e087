//! Hosted registries: GHCR, Google, Cloudsmith. None was asked live: *trace*,
//! *docs* and *report* only.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE,
    MANIFEST_UNKNOWN, NATIVE_REFERRERS, UNAUTHORIZED, UNSUPPORTED,
};
use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Manifests, Mount, Profile, Referrers, Refusal,
    Scheme, Service, TokenService, TokenShape, Unknown, Uploads, Wire, WrongPassword,
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
            // report: ocync; unknown: what `Range` says then
            chunks: Chunks::Overwrites(202),
            ..Self::DISTRIBUTION_2_8.uploads // unknown: cancel
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
        unknown: &[Unknown::MissingRight, Unknown::Cancel, Unknown::BlobDelete],
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
            blob_allow: None,
            blob_as_manifest: false,
        },
        // report: promo-tools#1945 (2026-09); unknown: unknown digests
        referrers: Referrers::Native(NATIVE_REFERRERS),
        unknown: &[
            Unknown::WrongPassword,
            Unknown::Cancel,
            Unknown::Chunks,
            Unknown::BlobDelete,
        ],
        ..Self::DISTRIBUTION_2_8
    };

    /// Cloudsmith. Trace of 2025.
    pub const CLOUDSMITH: Self = Self {
        name: "cloudsmith",
        wire: Wire {
            // trace; unknown: what follows the name
            headers: &[API_VERSION, ("server", "Cloudsmith")],
            ..HOSTED_WIRE
        },
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Host,                       // unknown:
            fixed_scope: Some("repository:org/repo:any"), // trace
            ..DISTRIBUTION_AUTH
        },
        manifests: Manifests {
            accept_decides: false, // unknown:
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            chunk_min_length: Some(5_242_880), // trace
            // trace: 416 of the CDN in front, without a body; unknown: whether a
            // chunk that is too small gets it too
            chunks: Chunks::AtLeast(5_242_880, 202, Refusal::new(416, "", "")),
            ..Self::DISTRIBUTION_2_8.uploads // unknown: cancel
        },
        mount: Mount::Never, // trace: 202
        deletes: Deletes {
            manifests: None,          // unknown:
            tags: None,               // unknown:
            blobs: Some(UNSUPPORTED), // trace: 405
            // trace: although DELETE is listed
            blob_allow: Some("GET, HEAD, DELETE"),
            ..Self::DISTRIBUTION_2_8.deletes
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // trace
        unknown: &[
            Unknown::WrongPassword,
            Unknown::MissingRight,
            Unknown::Cancel,
            Unknown::ManifestDelete,
        ],
        ..Self::DISTRIBUTION_2_8
    };
}
