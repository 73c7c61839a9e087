//! Registries that live in a forge: GitLab and Gitea (and Forgejo).

use super::catalog::{DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE, MANIFEST_UNKNOWN};
use super::{
    Auth, Chunks, Deletes, Manifests, Mount, Ping, Profile, Referrers, Refusal, Scheme, Service,
    TokenService, Unknown, Uploads, Wire,
};

impl Profile {
    /// GitLab's container registry, a fork of distribution. Docs; trace of 2023.
    pub const GITLAB: Self = Self {
        name: "gitlab",
        wire: Wire {
            ping: Ping {
                // docs: gitlab!132154; unknown: the values
                headers: &[
                    ("gitlab-container-registry-version", "4.20.0"),
                    ("gitlab-container-registry-features", "tag_delete"),
                    ("gitlab-container-registry-database-enabled", "true"),
                ],
                ..Self::DISTRIBUTION_2_8.wire.ping
            },
            ..Self::DISTRIBUTION_2_8.wire
        },
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("container_registry"), // docs
            ..DISTRIBUTION_AUTH // 401 insufficient_scope: distribution's core
        },
        token: TokenService {
            path: "/jwt/auth",  // docs
            fields: &["token"], // report
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            // report: the tag resolves to the manifest with that digest
            referrers_tag_is_subject: true,
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            chunks: Chunks::InOrder(202, "CONTENT_RANGE_INVALID"), // trace: 416
            ..Self::DISTRIBUTION_2_8.uploads                       // unknown: cancel
        },
        mount: Mount::FromRepository, // trace: 201
        deletes: Deletes {
            manifests: None, // trace
            tags: None,      // trace
            blobs: None,     // trace
            ..Self::DISTRIBUTION_2_8.deletes
        },
        // report: container-registry#968, #1205; unknown: whether before authentication
        referrers: Referrers::NoRoute,
        unknown: &[Unknown::WrongPassword, Unknown::Cancel, Unknown::BlobDelete],
        ..Self::DISTRIBUTION_2_8
    };

    /// Gitea and Forgejo, before the newest. Source and trace; older ones sent a
    /// second challenge, a bare `Basic` (`tune`: [`Auth::second_challenge`]).
    pub const GITEA: Self = Self {
        name: "gitea",
        wire: HOSTED_WIRE,
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Fixed("container_registry"), // source
            fixed_scope: Some("*"),                        // source
            // unknown: 401 or 403 to a missing right
            ..DISTRIBUTION_AUTH
        },
        token: TokenService {
            path: "/v2/token",  // source
            fields: &["token"], // source; anonymous callers get the ghost user's
            ..DISTRIBUTION_TOKEN
        },
        manifests: Manifests {
            accept_decides: false,                              // unknown:
            unknown: Refusal::new(404, "MANIFEST_UNKNOWN", ""), // source: messages are empty
            ..Self::DISTRIBUTION_2_8.manifests
        },
        uploads: Uploads {
            location: "/v2/{name}/blobs/uploads/{id}", // source
            chunks: Chunks::InOrder(202, "BLOB_UPLOAD_INVALID"), // source: 416
            ..Self::DISTRIBUTION_2_8.uploads           // unknown: cancel
        },
        mount: Mount::FromAnywhere, // source: 201
        deletes: Deletes {
            manifests: None, // source
            tags: None,      // unknown:
            blobs: None,     // source
            unknown_repository: MANIFEST_UNKNOWN,
            // source: no test whether it exists
            unknown_blob: Refusal::new(202, "", ""),
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::NoRoute, // source; unknown: the newest
        unknown: &[Unknown::MissingRight, Unknown::Cancel],
        ..Self::DISTRIBUTION_2_8
    };
}
