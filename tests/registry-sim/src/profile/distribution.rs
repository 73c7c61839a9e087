//! Distribution, and servers that follow the spec: plain, native, ferro.

use super::catalog::{
    API_VERSION, BLOB_UNKNOWN, DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, HOSTED_WIRE,
    MANIFEST_UNKNOWN, NAME_UNKNOWN, NATIVE_REFERRERS, UNSUPPORTED,
};
use super::{
    Auth, Chunks, Deletes, Denied, Errors, Manifests, MissingRepository, Mount, NativeReferrers,
    Ping, Profile, Ranges, Referrers, Refusal, Right, Scheme, Site, Slashless, Tags, Uploads, Wire,
    Writes,
};

impl Profile {
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
            // lab: the second comes from the configuration that it is shipped with
            headers: &[API_VERSION, ("x-content-type-options", "nosniff")],
            json: "application/json; charset=utf-8",
            ping: Ping {
                content_type: "application/json; charset=utf-8",
                body: "{}",
                headers: &[],
                unauthorized_body: None,
            },
            errors: Errors::Spec,
            slashless: Slashless::Redirected,
            options: true,
        },
        auth: DISTRIBUTION_AUTH,
        token: DISTRIBUTION_TOKEN,
        manifests: Manifests {
            accept_decides: true, // lab: 404 MANIFEST_UNKNOWN without the OCI types
            digest_on_get: true,
            unknown: MANIFEST_UNKNOWN,
            tags: Tags::All,                     // lab: `n` is not read
            tags_of_nothing: Some(NAME_UNKNOWN), // lab
            // lab: body of 96 bytes, as for a tag that is not there
            unknown_repository: MANIFEST_UNKNOWN,
            referrers_tag_is_subject: false,
        },
        uploads: Uploads {
            // lab; the state names repository, session and offset, and is checked
            location: "{origin}/v2/{name}/blobs/uploads/{id}?_state={state}",
            range: Some("0-0"),
            ranges: Ranges::FromZero,
            id_header: Some("docker-upload-uuid"),
            chunk_min_length: None,
            chunks: Chunks::AnyOrder(202), // lab: Content-Range is not read
            cancel_refused: None,
            cancel_names_session: true,
            missing_repository: MissingRepository::Opens, // lab: not in _catalog
        },
        mount: Mount::FromRepository, // lab
        deletes: Deletes {
            manifests: Some(UNSUPPORTED), // lab: tested before anything else
            tags: Some(UNSUPPORTED),
            blobs: Some(UNSUPPORTED),
            unknown_repository: MANIFEST_UNKNOWN, // lab, with deletion on
            unknown_blob: BLOB_UNKNOWN,           // lab, with deletion on
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::NoRoute, // lab: 404 text, before authentication
        writes: Writes::Allowed,
        pull_limit: None,
        unknown: &[],
    };

    /// `registry:2` with `REGISTRY_STORAGE_DELETE_ENABLED=true`. Lab.
    pub const DISTRIBUTION_2_8_DELETE: Self = Self {
        name: "distribution-2.8-delete",
        deletes: Deletes {
            manifests: None,
            blobs: None,
            blob_as_manifest: true, // lab 2.8.2: 202, and the blob is gone
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

    /// `registry:2` with an htpasswd file, deletion on. Lab: 401 on any route, and
    /// no rights per repository.
    pub const DISTRIBUTION_2_8_HTPASSWD: Self = Self {
        name: "distribution-2.8-htpasswd",
        auth: Auth {
            always: true,
            ..DISTRIBUTION_AUTH
        },
        ..Self::DISTRIBUTION_2_8_DELETE
    };

    /// `registry:2` with a token server, deletion on. Lab: 401 `insufficient_scope`
    /// to a token that lacks a right.
    pub const DISTRIBUTION_2_8_TOKEN: Self = Self {
        name: "distribution-2.8-token",
        auth: Auth {
            scheme: Scheme::Bearer,
            always: true,
            ..DISTRIBUTION_AUTH
        },
        ..Self::DISTRIBUTION_2_8_DELETE
    };

    /// `registry:3`. Source: v3.1.1; lab: 3.1.1.
    pub const DISTRIBUTION_3_1: Self = Self {
        name: "distribution-3.1",
        wire: Wire {
            json: "application/json",
            ping: HOSTED_WIRE.ping,
            ..Self::DISTRIBUTION_2_8.wire
        }, // lab
        manifests: Manifests {
            tags: Tags::Paged, // source
            ..Self::DISTRIBUTION_2_8.manifests
        },
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
            ping: HOSTED_WIRE.ping,
            slashless: Slashless::Same,
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
            tags: Tags::Paged,
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
            blob_allow: None,
            blob_as_manifest: false,
        },
        referrers: Referrers::Native(NATIVE_REFERRERS),
        ..Self::DISTRIBUTION_2_8
    };

    /// ferro-oci-server 1.0.0. Lab.
    pub const FERRO: Self = Self {
        name: "ferro",
        wire: Wire {
            headers: &[],
            ping: Ping {
                headers: &[API_VERSION], // lab: here only
                ..HOSTED_WIRE.ping
            },
            slashless: Slashless::UploadRefused, // lab
            ..Self::NATIVE.wire
        },
        manifests: Manifests {
            tags: Tags::PagedWhenFull, // lab
            tags_of_nothing: None,     // lab: 200
            unknown_repository: MANIFEST_UNKNOWN,
            ..Self::NATIVE.manifests
        },
        uploads: Uploads {
            chunk_min_length: Some(0),
            cancel_names_session: false, // lab
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
}
