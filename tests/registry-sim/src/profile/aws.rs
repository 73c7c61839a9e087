//! AWS ECR, private and public. Not asked live: *trace*, *docs* and *report* only.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE, NATIVE_REFERRERS,
};
use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Manifests, MissingRepository, Mount, Ping,
    Profile, Ranges, Referrers, Refusal, Scheme, Service, TokenService, TokenShape, Unknown,
    Uploads, Wire, WrongPassword,
};

impl Profile {
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
            ranges: Ranges::Sticks,        // report: containers-roadmap#2831
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
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: since 2024; unknown: unknown digests
        unknown: &[
            Unknown::WrongPassword,
            Unknown::Cancel,
            Unknown::ManifestDelete,
            Unknown::BlobDelete,
        ],
        ..Self::DISTRIBUTION_2_8
    };

    /// ECR private where the account has switched `BLOB_MOUNTING` on. Docs: since
    /// 2026-01-20; 201 only for a blob that a manifest of `from` names.
    pub const ECR_MOUNTING: Self = Self {
        name: "ecr-mounting",
        mount: Mount::FromRepository,
        ..Self::ECR
    };

    /// ECR private with a `CREATE_ON_PUSH` template. Docs: since 2025-12-19;
    /// report: containers-roadmap#853, the attempt alone creates the repository.
    pub const ECR_CREATE_ON_PUSH: Self = Self {
        name: "ecr-create-on-push",
        uploads: Uploads {
            missing_repository: MissingRepository::CreatesForAnybody,
            ..Self::ECR.uploads
        },
        ..Self::ECR
    };

    /// ECR Public. Reports.
    pub const ECR_PUBLIC: Self = Self {
        name: "ecr-public",
        wire: HOSTED_WIRE, // unknown: further headers
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("public.ecr.aws"), // unknown:
            // report: containers-roadmap#2835 (2026-07), no challenge
            bad_token: Some(Refusal::new(
                400,
                "DENIED",
                "Your Authorization Token is invalid.",
            )),
            denied: Denied::Forbidden("Not Authorized"), // unknown:
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/token/",                   // report
            shape: TokenShape::Opaque,         // unknown:
            anonymous: AnonymousToken::Always, // report
            // report: stale credentials 403; unknown: wrong ones
            wrong_password: WrongPassword::Refused(Refusal::new(403, "DENIED", "Not Authorized")),
            expired_password: Some(Refusal::new(
                403,
                "DENIED",
                "Your Authorization Token has expired. Please run 'aws ecr-public get-login-password' to fetch a new one.",
            )),
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false, // unknown:
            ..Self::DISTRIBUTION_2_8.manifests
        },
        unknown: &[
            Unknown::WrongPassword,
            Unknown::MissingRight,
            Unknown::Cancel,
            Unknown::Chunks,
            Unknown::Mount,
            Unknown::ManifestDelete,
            Unknown::BlobDelete,
            Unknown::Referrers,
        ],
        ..Self::DISTRIBUTION_2_8
    };
}

const ECR_NO_REPOSITORY: Refusal = Refusal::new(
    404,
    "NAME_UNKNOWN",
    "The repository does not exist in the registry with id '123456789012'",
);
