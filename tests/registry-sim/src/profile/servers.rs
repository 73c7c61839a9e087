//! Smaller servers (zot, olareg, ggcr, Nexus), and what is no registry at all.

use super::catalog::{API_VERSION, DISTRIBUTION_AUTH, HOSTED_WIRE, UNSUPPORTED};
use super::{
    Auth, Chunks, Deletes, Errors, Manifests, MissingRepository, Mount, Ping, PingChallenge,
    Profile, Referrers, Refusal, Right, Scheme, Site, Tags, Unknown, Uploads, Wire,
};

impl Profile {
    /// zot 2.1. Source: 6d19b445; trace: conformance 1.1.
    pub const ZOT: Self = Self {
        name: "zot",
        wire: Wire {
            ping: Ping {
                body: "", // source
                ..HOSTED_WIRE.ping
            },
            errors: Errors::BareWhenUnauthorized, // source
            ..Self::NATIVE.wire
        },
        auth: Auth {
            always: true,
            ping_200: PingChallenge::LowerCaseUnquoted, // source
            ping_scope: Some(""),                       // source
            challenge_on_403: true,                     // source
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

    /// zot 2.1 where anonymous callers may read: `/v2/` is 200 with a challenge,
    /// except to Docker's own clients. Source: 6d19b445, authn.
    pub const ZOT_MIXED: Self = Self {
        name: "zot-mixed",
        auth: Auth {
            ping_open_to_anonymous: true,
            anonymous_without_token: true,
            ..Self::ZOT.auth
        },
        ..Self::ZOT
    };

    /// olareg with referrers and deletion off. Source: 79de6b4; not run.
    pub const OLAREG: Self = Self {
        name: "olareg",
        deletes: Deletes {
            manifests: Some(UNSUPPORTED), // source
            tags: Some(UNSUPPORTED),      // source
            blobs: Some(UNSUPPORTED),     // source
            ..Self::NATIVE.deletes
        },
        referrers: Referrers::Refused(UNSUPPORTED), // source: 405
        unknown: &[Unknown::Chunks, Unknown::Mount],
        ..Self::NATIVE // source: relative Location, cancel 204
    };

    /// go-containerregistry's `pkg/registry`, as `crane registry serve` runs it.
    /// Lab: 0.20.7.
    pub const GGCR: Self = Self {
        name: "ggcr",
        wire: Wire {
            headers: &[],
            json: "text/plain; charset=utf-8", // lab: JSON all the same
            ping: Ping {
                content_type: "",
                body: "",
                headers: &[API_VERSION], // lab: here and on unknown routes only
                unauthorized_body: None,
            },
            ..HOSTED_WIRE // lab: OPTIONS is 400; here 405
        },
        manifests: Manifests {
            unknown: Refusal::new(404, "MANIFEST_UNKNOWN", "Unknown manifest"),
            unknown_repository: GGCR_NO_REPOSITORY,
            tags: Tags::Cut, // lab
            ..Self::NATIVE.manifests
        },
        uploads: Uploads {
            id_header: None,
            chunks: Chunks::InOrder(204, "BLOB_UPLOAD_UNKNOWN"), // lab
            // lab: the session is taken for a digest
            cancel_refused: Some(Refusal::new(400, "NAME_INVALID", "invalid digest")),
            ..Self::NATIVE.uploads
        },
        mount: Mount::Never, // lab: 202 always
        deletes: Deletes {
            unknown_repository: GGCR_NO_REPOSITORY,
            // lab
            unknown_blob: Refusal::new(500, "INTERNAL_SERVER_ERROR", "not found"),
            ..Self::NATIVE.deletes
        },
        // lab, without `WithReferrersSupport`
        referrers: Referrers::Refused(Refusal::new(
            404,
            "METHOD_UNKNOWN",
            "We don't understand your method + url",
        )),
        ..Self::NATIVE
    };

    /// Sonatype Nexus. Source: only its `Server` header; the Docker part is closed.
    pub const NEXUS: Self = Self {
        name: "nexus",
        wire: Wire {
            headers: &[API_VERSION, ("server", "Nexus/3.80.0 (COMMUNITY)")], // source
            ..HOSTED_WIRE
        },
        auth: Auth {
            scheme: Scheme::Basic, // from memory: unless the Bearer realm is active
            always: true,
            rights_with_basic: true,
            ..DISTRIBUTION_AUTH
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

    /// Not a registry: a login page for everything. Lab: nginx.
    pub const HTML: Self = Self {
        name: "html",
        site: Site::Page {
            status: 200,
            content_type: "text/html; charset=utf-8",
            body: LOGIN_PAGE,
        },
        ..Self::PLAIN
    };

    /// Not a registry: a network that sends everybody to its own page first.
    pub const CAPTIVE_PORTAL: Self = Self {
        name: "captive-portal",
        site: Site::Moved {
            status: 302,
            location: "http://portal.example/login",
        },
        ..Self::PLAIN
    };
}

const GGCR_NO_REPOSITORY: Refusal = Refusal::new(404, "NAME_UNKNOWN", "Unknown name");

/// A login page.
pub(crate) const LOGIN_PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\
<body><form action=\"/login\" method=\"post\"><input name=\"user\"><input name=\"password\" type=\"password\">\
</form></body></html>\n";
