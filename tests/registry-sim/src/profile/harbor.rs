//! Harbor, by version. *Source* by tag.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, NATIVE_REFERRERS,
    UNAUTHORIZED,
};
use super::{
    Auth, Deletes, Denied, Manifests, NativeReferrers, Profile, Referrers, Refusal, Right, Scheme,
    Service, Tags, TokenService, Unknown, UnknownSubject, Wire, WrongPassword,
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

    /// Harbor 2.8: as 2.10, under another content type. Source: tag 2.8.0, fixed in
    /// 2.9 (#19212); unknown: which type it was.
    pub const HARBOR_2_8: Self = Self {
        name: "harbor-2.8",
        referrers: Referrers::Native(NativeReferrers {
            media_type: "application/json",
            ..UNKNOWN_IS_EMPTY_OBJECT
        }),
        ..Self::HARBOR_2_11
    };

    /// Harbor 2.9 and 2.10: `{}` for a subject that Harbor does not know. Source:
    /// tags 2.9.0 to 2.10.
    pub const HARBOR_2_10: Self = Self {
        name: "harbor-2.10",
        manifests: Manifests {
            // source: containers/image, seen at 2.10.2 on GET
            unknown: Refusal::new(404, "UNKNOWN", "artifact not found"),
            ..Self::HARBOR_2_11.manifests
        },
        referrers: Referrers::Native(UNKNOWN_IS_EMPTY_OBJECT),
        unknown: &[Unknown::ManifestDelete],
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
            referrers_tag_is_subject: false,
            tags: Tags::Paged,                       // unknown:
            tags_of_nothing: Some(HARBOR_NOT_FOUND), // unknown:
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
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NativeReferrers {
            total_count: true, // source
            ..NATIVE_REFERRERS
        }),
        ..Self::DISTRIBUTION_2_8
    };
}

const HARBOR_NOT_FOUND: Refusal = Refusal::new(404, "NOT_FOUND", "artifact not found");

const UNKNOWN_IS_EMPTY_OBJECT: NativeReferrers = NativeReferrers {
    unknown_subject: UnknownSubject::EmptyObject,
    ..NATIVE_REFERRERS
};
