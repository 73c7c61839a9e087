//! The registries that are tortured: one for each way of asking who somebody is.

use std::{fmt, fs, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_registry_exporter::outcome::CheckName;
use registry_sim::{Logged, Operation, Profile, RegistrySim, Scheme};

use crate::asked::Asked;

/// How the registry asks who somebody is, and what is configured for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum World {
    /// Nobody is asked, and everybody may push.
    Open,
    /// A token for nobody.
    Anonymous,
    /// A password.
    Basic,
    /// A token for a password.
    Bearer,
    /// The same over TLS and HTTP/2.
    Http2,
    /// The same over TLS and HTTP/1.
    Tls,
}

impl World {
    /// Those that speak plain HTTP.
    pub(super) const PLAIN: [Self; 4] = [Self::Open, Self::Anonymous, Self::Basic, Self::Bearer];

    fn scheme(self) -> Scheme {
        match self {
            Self::Open => Scheme::None,
            Self::Basic => Scheme::Basic,
            _ => Scheme::Bearer,
        }
    }

    /// A registry with the image `team/app:latest`, a referrer to it, and the user `robot`.
    pub(super) async fn start(self) -> RegistrySim {
        let builder = RegistrySim::profile(Profile::NATIVE)
            .auth(self.scheme())
            .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
            .anonymous([("team/app", "pull")]);
        let builder = match self {
            Self::Http2 => builder.tls(true),
            Self::Tls => builder.tls_http1(),
            _ => builder,
        };
        let sim = builder.start().await;
        let digest = sim.push_image("team/app", "latest");
        sim.push_referrer("team/app", &digest, "application/spdx+json");
        sim
    }

    /// The registry as it is configured, with the budgets that are the defaults.
    pub(super) fn asked(self, sim: &RegistrySim) -> Asked {
        let who = match self {
            Self::Open => "checks: {push: {anonymous: true}}".to_owned(),
            Self::Anonymous => String::new(),
            _ => format!("username: robot\npassword: {PASSWORD}"),
        };
        Asked::sim(sim, &format!("test_repository: team/app\n{who}"))
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", format!("{self:?}").to_lowercase())
    }
}

/// One request of a cycle: which of its kind, and which of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Counts from 1.
    pub(super) number: usize,
    pub(super) operation: Operation,
    /// How many of its kind come before it.
    pub(super) before: u64,
}

/// The places of a cycle in which nothing goes wrong.
pub(super) fn places(requests: &[Logged]) -> Vec<Place> {
    let of = |operation| move |request: &&Logged| request.operation == operation;
    requests
        .iter()
        .enumerate()
        .map(|(index, request)| Place {
            number: index + 1,
            operation: request.operation,
            before: requests[..index]
                .iter()
                .filter(of(request.operation))
                .count() as u64,
        })
        .collect()
}

/// Everything that must never be seen anywhere but at the registry.
pub(super) fn canaries(sim: &RegistrySim) -> Vec<String> {
    let mut canaries = sim.tokens();
    canaries.push(PASSWORD.to_owned());
    canaries.push(STANDARD.encode(format!("robot:{PASSWORD}")));
    canaries
}

/// Takes the CA file of a simulator away again.
pub(super) fn tidy(sim: &RegistrySim) {
    if sim.ca_pem().is_some() {
        let name = format!("ca-{}-{}.pem", std::process::id(), sim.port());
        let path: PathBuf = std::env::temp_dir().join(name);
        drop(fs::remove_file(path));
    }
}

/// The five checks, in their order.
pub(super) const ALL: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

const PASSWORD: &str = "canary-s3cret-0f3a";
