//! Azure Container Registry. Not asked live: *trace* (conformance 1.1, 2024-06) and
//! *docs* only.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE,
    MANIFEST_UNKNOWN, NATIVE_REFERRERS, UNSUPPORTED,
};
use super::{
    Auth, Chunks, Deletes, Manifests, Profile, Referrers, Refusal, Scheme, Service, Site,
    TokenService, Unknown, Uploads, Wire,
};

impl Profile {
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
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // trace
        unknown: &[
            Unknown::WrongPassword,
            Unknown::MissingRight,
            Unknown::Cancel,
            Unknown::BlobDelete,
        ],
        ..Self::DISTRIBUTION_2_8
    };

    /// ACR encrypted with a customer-managed key. Docs: no referrers API, the tag
    /// schema instead (`container-registry-manage-artifact.md`).
    pub const ACR_CMK: Self = Self {
        name: "acr-cmk",
        // unknown: status and code
        referrers: Referrers::Refused(Refusal::new(404, "UNSUPPORTED", "")),
        unknown: &[
            Unknown::WrongPassword,
            Unknown::MissingRight,
            Unknown::Cancel,
            Unknown::BlobDelete,
            Unknown::Referrers,
        ],
        ..Self::ACR
    };

    /// ACR behind network rules or a private endpoint, asked from outside. Docs:
    /// `container-registry-vnet.md`, 403 on `/v2/` itself, whoever asks; the words
    /// are those of `container-registry-troubleshoot-access.md`.
    pub const ACR_FIREWALL: Self = Self {
        name: "acr-firewall",
        site: Site::Refused(Refusal::new(
            403,
            "DENIED",
            "client with IP '192.0.2.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
        )),
        unknown: &[],
        ..Self::ACR
    };
}
