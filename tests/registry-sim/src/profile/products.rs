//! Products that people run themselves: Harbor, Quay, Artifactory.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HARBOR_NOT_FOUND,
    HOSTED_WIRE, MANIFEST_UNKNOWN, NAME_UNKNOWN, NATIVE_REFERRERS, UNAUTHORIZED, UNSUPPORTED,
};
use super::{
    AnonymousToken, Auth, Chunks, Deletes, Denied, Errors, Manifests, Mount, NativeReferrers, Ping,
    PingChallenge, Profile, Referrers, Refusal, Right, Scheme, Service, TokenService,
    UnknownSubject, Uploads, Wire, WrongPassword,
};

impl Profile {
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
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NativeReferrers {
            total_count: true, // source
            ..NATIVE_REFERRERS
        }),
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
            // source: endpoints/v2/__init__.py, also with a token
            ping: Ping {
                content_type: "text/html; charset=utf-8",
                body: "true",
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
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS), // docs: 7.90.1; trace
        ..Self::DISTRIBUTION_2_8
    };
}
