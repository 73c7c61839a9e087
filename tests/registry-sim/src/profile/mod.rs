//! What one registry does differently from another, as plain data.
//!
//! A profile is a [`Profile`] value; the known ones are constants, each written
//! as the differences from a profile it resembles, with the source of the fact:
//! *source* (read in the product's code), *lab* (seen on the real server),
//! *trace* (a published wire trace, mostly of the OCI conformance runs),
//! *docs* (the vendor's), *report* (an issue or a client's comment).
//! What nobody has seen stays at the value of the parent; it is marked `unknown:`
//! there and, where a verdict can rest on it, listed in [`Profile::unknown`], so
//! that no test takes an assumed answer for a seen one.

mod access;
mod aws;
mod azure;
mod catalog;
mod content;
mod distribution;
mod docker_hub;
mod forges;
mod harbor;
mod hosted;
mod products;
mod servers;
mod unknown;

pub use access::{
    AnonymousToken, Auth, Denied, PingChallenge, Right, Scheme, Service, TokenService, TokenShape,
    WrongPassword,
};
pub use content::{
    Chunks, Deletes, Manifests, MissingRepository, Mount, NativeReferrers, PullLimit, Ranges,
    Referrers, Tags, UnknownSubject, Uploads, Writes,
};
pub(crate) use servers::LOGIN_PAGE;
pub use unknown::Unknown;

/// How a registry answers.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name for `--profile`.
    pub name: &'static str,
    /// Whether there is a registry at all.
    pub site: Site,
    /// The look of every answer.
    pub wire: Wire,
    /// Challenges and refusals.
    pub auth: Auth,
    /// The token endpoint.
    pub token: TokenService,
    /// Manifests.
    pub manifests: Manifests,
    /// Upload sessions.
    pub uploads: Uploads,
    /// Cross-repository mounts.
    pub mount: Mount,
    /// Deletion.
    pub deletes: Deletes,
    /// The referrers route.
    pub referrers: Referrers,
    /// Whether anything can be written.
    pub writes: Writes,
    /// A limit on manifest GETs, where the registry announces one.
    pub pull_limit: Option<PullLimit>,
    /// What of all this is assumed and not known.
    pub unknown: &'static [Unknown],
}

impl Profile {
    /// The profile with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|profile| profile.name == name)
            .map(|profile| **profile)
    }

    /// Whether it answers as a registry does, and not all requests alike.
    pub fn is_registry(&self) -> bool {
        self.site == Site::Registry
    }
}

/// A refusal: status and the first error of the body; without code and message
/// there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `errors[0].code`.
    pub code: &'static str,
    /// `errors[0].message`.
    pub message: &'static str,
}

impl Refusal {
    /// A refusal with these parts.
    pub const fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
        }
    }
}

/// Whether there is a registry at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// A registry.
    Registry,
    /// The same page for everything, such as a login page.
    Page {
        /// HTTP status.
        status: u16,
        /// Content type.
        content_type: &'static str,
        /// Body.
        body: &'static str,
    },
    /// The same refusal for everything, in the registry's shape: a firewall, or a
    /// limit on all requests.
    Refused(Refusal),
    /// The same redirect for everything: a captive portal.
    Moved {
        /// HTTP status.
        status: u16,
        /// Where to.
        location: &'static str,
    },
}

/// The look of every answer.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// Headers on every answer of the registry.
    pub headers: &'static [(&'static str, &'static str)],
    /// Content type of JSON answers that are not manifests.
    pub json: &'static str,
    /// The answer to `/v2/`.
    pub ping: Ping,
    /// Shape of error bodies.
    pub errors: Errors,
    /// `GET /v2` and `POST …/uploads`, without the slash at the end.
    pub slashless: Slashless,
    /// OPTIONS is answered 200 with an `Allow` that also lists DELETE.
    pub options: bool,
}

/// What a path gets that lacks the slash at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slashless {
    /// A redirect to the path with the slash.
    Redirected,
    /// The same as the path with the slash.
    Same,
    /// The ping is the same, an upload is refused (ferro).
    UploadRefused,
}

/// The answer to `/v2/`.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    /// Content type of the 200, and of the 401 where it has its own body.
    pub content_type: &'static str,
    /// Body of the 200.
    pub body: &'static str,
    /// Headers of the 200.
    pub headers: &'static [(&'static str, &'static str)],
    /// Body of the 401 in place of an error in the usual shape.
    pub unauthorized_body: Option<&'static str>,
}

/// Shape of error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errors {
    /// `{"errors":[{"code","message"}]}`, as the distribution-spec says.
    Spec,
    /// As the spec, but a failed authentication gets the bare object (zot).
    BareWhenUnauthorized,
    /// `{"errors":[{"status","message"}]}` without codes (Artifactory).
    StatusAndMessage,
}
