//! Docker Hub and its limits. Not asked live: *docs* and *report* only.

use super::catalog::{DISTRIBUTION_AUTH, DISTRIBUTION_TOKEN, NATIVE_REFERRERS, UNSUPPORTED};
use super::{
    AnonymousToken, Auth, Deletes, Denied, Manifests, Profile, PullLimit, Referrers, Refusal,
    Scheme, Service, Site, TokenService, Unknown, WrongPassword,
};

impl Profile {
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
            left: 100,
            window_seconds: 21_600,
            source: "192.0.2.1",
        }),
        unknown: &[Unknown::Cancel, Unknown::BlobDelete],
        ..Self::DISTRIBUTION_2_8
    };

    /// Docker Hub for a caller who has used up the pull limit. Docs: a GET is 429
    /// with a long message; HEAD is not counted. Unknown: what HEAD gets then.
    pub const DOCKER_HUB_LIMITED: Self = Self {
        name: "docker-hub-limited",
        pull_limit: Some(PullLimit {
            limit: 100,
            left: 0,
            window_seconds: 21_600,
            source: "192.0.2.1",
        }),
        ..Self::DOCKER_HUB
    };

    /// Docker Hub for an account without a pull limit. Docs: no headers.
    pub const DOCKER_HUB_PAID: Self = Self {
        name: "docker-hub-paid",
        pull_limit: None,
        ..Self::DOCKER_HUB
    };

    /// Docker Hub over the abuse limit, which counts every request. Docs:
    /// docker/docs#21905, a bare 429.
    pub const DOCKER_HUB_ABUSE: Self = Self {
        name: "docker-hub-abuse",
        site: Site::Refused(Refusal::new(429, "", "")),
        unknown: &[],
        ..Self::DOCKER_HUB
    };

    /// Docker Hub before its referrers API (autumn 2025). Report: 404; unknown:
    /// the body.
    pub const DOCKER_HUB_FALLBACK: Self = Self {
        name: "docker-hub-fallback",
        referrers: Referrers::NoRoute,
        ..Self::DOCKER_HUB
    };
}
