//! Quay and Artifactory, by version.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE,
    MANIFEST_UNKNOWN, NAME_UNKNOWN, NATIVE_REFERRERS, UNAUTHORIZED, UNSUPPORTED,
};
use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Errors, Manifests, Mount, NativeReferrers, Ping,
    PingChallenge, Profile, Ranges, Referrers, Refusal, Right, Scheme, Service, TokenService,
    Unknown, UnknownSubject, Uploads, Wire,
};

impl Profile {
    /// Quay up to 3.11, or with `FEATURE_REFERRERS_API` off. Source: 404; unknown:
    /// the body.
    pub const QUAY_3_11: Self = Self {
        name: "quay-3.11",
        referrers: Referrers::NoRoute,
        ..Self::QUAY_3_13
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
            // source: endpoints/v2/__init__.py, also with a token
            ping: Ping {
                content_type: "text/html; charset=utf-8",
                body: "true",
                headers: &[],
                unauthorized_body: Some("true"),
            },
            ..HOSTED_WIRE
        }, // source
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            service: Service::Host,        // source: SERVER_HOSTNAME
            ping_200: PingChallenge::Same, // source
            denied: Denied::Unauthorized,  // source
            cancel_needs: Right::Push,     // source
            delete_needs: Right::Push,     // source: manifests need write
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
            blob_allow: None,
            blob_as_manifest: false,
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

    /// `JFrog` Artifactory from 7.90.1. Trace: conformance 1.1 (2024-08); docs.
    pub const ARTIFACTORY_7_90: Self = Self {
        name: "artifactory-7.90",
        wire: Wire {
            headers: &[
                API_VERSION,
                ("x-jfrog-version", "Artifactory/7.90.1"), // trace
                ("x-artifactory-id", ARTIFACTORY_ID),
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
            // docs ("User Lock and Login Suspension"): 403; the number is a setting
            suspends: Some((5, Refusal::new(403, "", "Forbidden"))),
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
            ranges: Ranges::OfTheChunk,                              // trace: not from 0
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
            blob_allow: Some("HEAD,GET,OPTIONS"), // trace
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: 7.90.1; trace
        unknown: &[Unknown::MissingRight, Unknown::Cancel],
        ..Self::DISTRIBUTION_2_8
    };

    /// Artifactory before 7.90.1: no referrers API. Docs; 404, unknown: the message.
    pub const ARTIFACTORY_7_84: Self = Self {
        name: "artifactory-7.84",
        wire: Wire {
            headers: &[
                API_VERSION,
                ("x-jfrog-version", "Artifactory/7.84.10"),
                ("x-artifactory-id", ARTIFACTORY_ID),
                ("x-artifactory-node-id", "node-0"),
            ],
            ..Self::ARTIFACTORY_7_90.wire
        },
        referrers: Referrers::Refused(Refusal::new(404, "NOT_FOUND", "Not Found")),
        ..Self::ARTIFACTORY_7_90
    };
}

const ARTIFACTORY_ID: &str = "0000000000000000000000000000000000000000:0000000000000000:-8000";
