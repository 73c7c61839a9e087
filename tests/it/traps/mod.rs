//! The 44 places where a plain reading of a registry's answer is wrong: one test
//! each, named after it. The numbers are those of the list that the project was
//! given; the name says what the careful reading is.

mod login;
mod reads;
mod words;
mod writes;

use std::sync::Arc;

use oci_registry_exporter::{
    exchange::Reply,
    outcome::{Capability, CheckName, Fact},
};
use registry_sim::{Profile, RegistrySim, Scheme};

use crate::asked::{Asked, Cycle};

/// Every number has its test, and one only.
#[test]
fn every_trap_has_a_test() {
    let files = [
        include_str!("login.rs"),
        include_str!("reads.rs"),
        include_str!("words.rs"),
        include_str!("writes.rs"),
    ];
    let mut numbers: Vec<u8> = files
        .concat()
        .split("fn trap_")
        .skip(1)
        .filter_map(|rest| rest.get(..2)?.parse().ok())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=44).collect::<Vec<u8>>());
}

/// A registry of this profile as it is mostly run, with `team/app:latest`, a referrer
/// to it, and the user `robot` with these rights.
async fn sim(profile: &Profile, rights: &str) -> RegistrySim {
    let sim = bare(profile, rights).await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

/// The same without any repository.
async fn bare(profile: &Profile, rights: &str) -> RegistrySim {
    let scheme = if profile.auth.always {
        profile.auth.scheme
    } else {
        Scheme::None
    };
    RegistrySim::profile(profile)
        .auth(scheme)
        .user("robot", PASSWORD, [("*", rights)])
        .start()
        .await
}

async fn asked(sim: &RegistrySim, due: &[CheckName]) -> Cycle {
    Asked::sim(sim, ROBOT).cycle(due).await
}

/// All five, with every right.
async fn all_five(profile: &Profile) -> (RegistrySim, Cycle) {
    let sim = sim(profile, ALL_RIGHTS).await;
    let cycle = asked(&sim, &ALL).await;
    (sim, cycle)
}

/// What capabilities found out of this one.
fn found(cycle: &Cycle, capability: Capability) -> Option<bool> {
    let facts = cycle.outcome(CheckName::Capabilities).facts;
    facts.iter().find_map(|fact| match fact {
        Fact::Capability(which, has) if *which == capability => Some(*has),
        _ => None,
    })
}

/// The scopes of every token request, in order; empty for a login.
fn scopes(sim: &RegistrySim) -> Vec<String> {
    sim.requests()
        .iter()
        .filter(|request| request.operation == registry_sim::Operation::Token)
        .map(|request| request.parameter("scope").unwrap_or_default())
        .collect()
}

fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Reply {
    let headers = headers.iter().map(|(name, value)| {
        let name = http::HeaderName::from_static(name);
        (name, http::HeaderValue::from_static(value))
    });
    Reply {
        status,
        headers: headers.collect(),
        body: body.to_owned().into(),
        truncated: false,
        http_version: "1.1",
        elapsed: std::time::Duration::ZERO,
    }
}

/// The same with another password, which is wrong.
fn wrong_password() -> String {
    ROBOT.replace(PASSWORD, "wrong")
}

fn target(yaml: &str) -> Arc<oci_registry_exporter::config::Target> {
    Arc::clone(Asked::of(yaml).target())
}

const ALL: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];
const ALL_RIGHTS: &str = "pull,push,delete";
const PASSWORD: &str = "s3cret-canary";
const ROBOT: &str = "test_repository: team/app\nusername: robot\npassword: s3cret-canary\nretry: {attempts: 1, transient_attempts: 0}";
