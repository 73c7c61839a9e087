//! Who asks, and what they may do.

use oci_registry_exporter::outcome::CheckName;
use registry_sim::{Profile, RegistrySim, Scheme};

use crate::asked::{Asked, Cycle};

/// Who asks for `team/app:latest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Situation {
    Good,
    WrongPassword,
    Expired,
    NoPull,
    NoPush,
    NoDelete,
    Anonymous,
    Public,
}

impl Situation {
    pub(super) const ALL: [Self; 8] = [
        Self::Good,
        Self::WrongPassword,
        Self::Expired,
        Self::NoPull,
        Self::NoPush,
        Self::NoDelete,
        Self::Anonymous,
        Self::Public,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::WrongPassword => "wrong password",
            Self::Expired => "expired password",
            Self::NoPull => "no pull right",
            Self::NoPush => "no push right",
            Self::NoDelete => "no delete right",
            Self::Anonymous => "anonymous",
            Self::Public => "anonymous, public",
        }
    }

    /// Whether this registry knows the situation at all.
    pub(super) fn exists(self, profile: &Profile) -> bool {
        if !profile.is_registry() {
            return matches!(self, Self::Good | Self::Anonymous);
        }
        match (self, scheme(profile)) {
            (Self::Good | Self::Anonymous, _)
            | (_, Scheme::Bearer)
            | (Self::WrongPassword | Self::Expired, Scheme::Basic) => true,
            (_, Scheme::None) => false,
            (Self::NoPull | Self::NoPush | Self::NoDelete, Scheme::Basic) => {
                profile.auth.rights_with_basic
            }
            (Self::Public, Scheme::Basic) => profile.auth.anonymous_without_token,
        }
    }

    fn rights(self) -> &'static str {
        match self {
            Self::NoPull => "",
            Self::NoPush => "pull",
            Self::NoDelete => "pull,push",
            _ => "pull,push,delete",
        }
    }

    /// The registry, with an image and a referrer to it.
    pub(super) async fn sim(self, profile: &Profile) -> RegistrySim {
        let public = if self == Self::Public { "pull" } else { "" };
        let sim = RegistrySim::profile(profile)
            .auth(scheme(profile))
            .user("robot", PASSWORD, [("team/app", self.rights())])
            .anonymous([("team/app", public)])
            .start()
            .await;
        if self == Self::Expired {
            sim.expire_user("robot");
        }
        let digest = sim.push_image("team/app", "latest");
        sim.push_referrer("team/app", &digest, "application/spdx+json");
        sim
    }

    /// What is configured.
    pub(super) fn configuration(self) -> String {
        let password = match self {
            Self::Anonymous | Self::Public => return CONFIGURATION.to_owned(),
            Self::WrongPassword => "wrong",
            _ => PASSWORD,
        };
        format!("{CONFIGURATION}\nusername: robot\npassword: {password}")
    }

    /// One cycle of all five checks, with nothing remembered.
    pub(super) async fn asked(self, profile: &Profile) -> Cycle {
        let sim = self.sim(profile).await;
        let cycle = Asked::sim(&sim, &self.configuration()).cycle(&ALL).await;
        let shown = format!("{:?} {:?}", cycle.reports(), cycle.observation());
        assert!(!shown.contains(PASSWORD), "{} {self:?}", profile.name);
        assert!(
            sim.requests().iter().all(|request| request.method != "PUT"),
            "{} {self:?}",
            profile.name
        );
        cycle
    }
}

/// How the product recognises callers where it is run as it mostly is.
pub(super) fn scheme(profile: &Profile) -> Scheme {
    if profile.auth.always {
        profile.auth.scheme
    } else {
        Scheme::None
    }
}

pub(super) const ALL: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

const PASSWORD: &str = "s3cret-canary";
const CONFIGURATION: &str =
    "test_repository: team/app\nretry: {attempts: 1, transient_attempts: 0}";
