//! The registries of the demo, and the configuration that names them.

use std::io;

use registry_sim::{Fault, Operation, Profile, Referrers, RegistrySim, Scheme};

/// They answer until this is dropped.
pub(crate) struct Registries {
    healthy: RegistrySim,
    fallback: RegistrySim,
    wrong_password: RegistrySim,
    rate_limited: RegistrySim,
    shared: RegistrySim,
    changing: RegistrySim,
}

impl Registries {
    /// Starts all of them on free ports, each with an image and a signature of it.
    pub(crate) async fn start() -> io::Result<Self> {
        Ok(Self {
            healthy: healthy().await?,
            fallback: fallback().await?,
            wrong_password: wrong_password().await?,
            rate_limited: rate_limited().await?,
            shared: shared().await?,
            changing: changing().await?,
        })
    }

    /// The configuration, as a user would write it; but for the intervals.
    pub(crate) fn config(&self) -> String {
        CONFIG
            .replace("{healthy}", &self.healthy.url())
            .replace("{fallback}", &self.fallback.url())
            .replace("{wrong-password}", &self.wrong_password.url())
            .replace("{rate-limited}", &self.rate_limited.url())
            .replace("{shared}", &self.shared.url())
            .replace("{changing}", &self.changing.url())
    }

    /// From now on `changing` answers as if it had been rolled back to OCI 1.0.
    pub(crate) fn lose_referrers(&self) {
        self.changing
            .tune(|profile| profile.referrers = Referrers::NoRoute);
    }
}

async fn healthy() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::HARBOR_2_11)
        .user(
            "robot$demo",
            "secret-of-healthy",
            [("platform/canary", "pull,push,delete")],
        )
        .without_log()
        .try_start()
        .await?;
    push(&sim, "platform/canary");
    Ok(sim)
}

async fn fallback() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::GHCR)
        .user(
            "acme",
            "secret-of-fallback",
            [("acme/app", "pull,push,delete")],
        )
        .without_log()
        .try_start()
        .await?;
    push(&sim, "acme/app");
    Ok(sim)
}

async fn wrong_password() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::DISTRIBUTION_3_1)
        .auth(Scheme::Basic)
        .user(
            "ci",
            "secret-of-ci",
            [("tools/builder", "pull,push,delete")],
        )
        .without_log()
        .try_start()
        .await?;
    push(&sim, "tools/builder");
    Ok(sim)
}

async fn rate_limited() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::DOCKER_HUB)
        .anonymous([("library/alpine", "pull")])
        .without_log()
        .try_start()
        .await?;
    push(&sim, "library/alpine");
    sim.fault(Fault::on(Operation::ManifestHead).too_many_requests(Some("300")));
    Ok(sim)
}

async fn shared() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::HARBOR_2_11)
        .user(
            "robot$team-a",
            "secret-of-team-a",
            [("team-a/app", "pull,push,delete")],
        )
        .user("robot$team-b", "secret-of-team-b", [("team-b/old", "pull")])
        .without_log()
        .try_start()
        .await?;
    push(&sim, "team-a/app");
    push(&sim, "team-b/app");
    Ok(sim)
}

async fn changing() -> io::Result<RegistrySim> {
    let sim = RegistrySim::profile(Profile::ZOT)
        .auth(Scheme::Basic)
        .user(
            "probe",
            "secret-of-changing",
            [("base/debian", "pull,push,delete")],
        )
        .without_log()
        .try_start()
        .await?;
    push(&sim, "base/debian");
    Ok(sim)
}

/// Each registry and what it is there to show, in the order of the configuration.
pub(crate) const STORIES: [(&str, &str); 6] = [
    (
        "healthy",
        "Harbor: everything works, referrers API included",
    ),
    (
        "fallback",
        "GHCR: no referrers API, clients need the fallback tag",
    ),
    (
        "wrong-password",
        "Distribution: the configured password is wrong",
    ),
    ("rate-limited", "Docker Hub: answers 429 to pulls"),
    (
        "shared",
        "Harbor: two teams, and the right of team-b to pull was taken away",
    ),
    (
        "changing",
        "Zot: loses its referrers API while the demo runs",
    ),
];

/// An image under the tag `latest`, and a signature whose subject it is.
fn push(sim: &RegistrySim, repository: &str) {
    let digest = sim.push_image(repository, "latest");
    sim.push_referrer(
        repository,
        &digest,
        "application/vnd.dev.cosign.artifact.sig.v1+json",
    );
}

/// A demo is watched for minutes: all of its intervals are short, and nothing waits. Passwords stand in
/// it because they open nothing; elsewhere they belong in a `password_file`.
const CONFIG: &str = r"
defaults:
  timeout: 5s
  request_timeout: 5s
  upload_start_delay: 1s
  checks:
    credentials: {interval: 10s}
    pull: {interval: 10s}
    push: {interval: 10s}
    referrers: {interval: 10s}
    capabilities: {interval: 10s}

credentials:
  team-a: {username: robot$team-a, password: secret-of-team-a, hosts: [127.0.0.1]}
  team-b: {username: robot$team-b, password: secret-of-team-b, hosts: [127.0.0.1]}

registries:
  - name: healthy
    url: {healthy}
    username: robot$demo
    password: secret-of-healthy
    test_repository: platform/canary

  - name: fallback
    url: {fallback}
    username: acme
    password: secret-of-fallback
    test_repository: acme/app

  - name: wrong-password
    url: {wrong-password}
    username: ci
    password: secret-of-nobody
    test_repository: tools/builder

  - name: rate-limited
    url: {rate-limited}
    test_repository: library/alpine

  - name: shared
    url: {shared}
    repositories:
      - {name: team-a/app, credentials: team-a, push: true, labels: {team: a}}
      - {name: team-b/app, credentials: team-b, labels: {team: b}}

  - name: changing
    url: {changing}
    username: probe
    password: secret-of-changing
    test_repository: base/debian
    expect: {referrers_api: true}
";
