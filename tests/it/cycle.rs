//! Cycles against simulated registries: how many requests, on how many
//! connections, and what is not sent at all.

use oci_registry_exporter::outcome::{CheckName, Fact, Status};
use registry_sim::{
    Fault, Operation, Profile, Referrers, RegistrySim, Scheme, profile::NativeReferrers,
};

use crate::asked::{Asked, READS};

const IMAGE: &str = "test_repository: team/app";
const ROBOT: &str = "test_repository: team/app\nusername: robot\npassword: s3cret-canary";

async fn sim(scheme: Scheme) -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(scheme)
        .user("robot", "s3cret-canary", [("team/app", "pull,push")])
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

/// Credentials + pull + referrers cost 3 requests of an open
/// registry, 4 with an anonymous token, 4 with Basic, 6 with Bearer; a
/// remembered ping takes one away.
#[tokio::test]
async fn a_cycle_costs_what_it_should() {
    for (name, scheme, config, first, second) in [
        (
            "open",
            Scheme::None,
            IMAGE,
            vec!["ping", "manifest_head", "referrers"],
            // The open ping is asked whenever credentials is due: only so it tells whether it still is.
            vec!["ping", "manifest_head", "referrers"],
        ),
        (
            "anonymous",
            Scheme::Bearer,
            IMAGE,
            vec!["ping", "token", "manifest_head", "referrers"],
            vec!["token", "manifest_head", "referrers"],
        ),
        (
            "basic",
            Scheme::Basic,
            ROBOT,
            vec!["ping", "ping_auth", "manifest_head", "referrers"],
            vec!["ping_auth", "manifest_head", "referrers"],
        ),
        (
            "bearer",
            Scheme::Bearer,
            ROBOT,
            vec![
                "ping",
                "token",
                "ping_auth",
                "token",
                "manifest_head",
                "referrers",
            ],
            vec!["token", "ping_auth", "token", "manifest_head", "referrers"],
        ),
    ] {
        let sim = sim(scheme).await;
        let asked = Asked::sim(&sim, config);
        for (round, expected) in [("first", first), ("second", second)] {
            let cycle = asked.reads().await;
            assert_eq!(cycle.verdicts(), ["pass"; 3], "{name}, {round}");
            assert_eq!(cycle.operations(), expected, "{name}, {round}");
            assert_eq!(
                sim.take_requests().len(),
                expected.len(),
                "{name}, {round}: at the server"
            );
        }
    }
}

/// Proven within two intervals, and the ping remembered: pull alone costs what pull is.
#[tokio::test]
async fn a_proven_set_is_not_proven_again_for_pull() {
    for (scheme, expected) in [
        (Scheme::Basic, vec!["manifest_head"]),
        (Scheme::Bearer, vec!["token", "manifest_head"]),
    ] {
        let sim = sim(scheme).await;
        let asked = Asked::sim(&sim, ROBOT);
        asked.reads().await;
        let cycle = asked.cycle(&[CheckName::Pull]).await;
        assert_eq!(cycle.verdicts(), ["pass"]);
        assert_eq!(cycle.operations(), expected);
    }
}

/// One full handshake per origin and cycle, and a fresh one in the next.
#[tokio::test]
async fn a_cycle_shakes_hands_once() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("robot", "s3cret-canary", [("team/app", "pull")])
        .tls(true)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let asked = Asked::sim(&sim, ROBOT);
    for cycles in 1..=3 {
        let cycle = asked.reads().await;
        assert_eq!(cycle.verdicts(), ["pass"; 3], "{:?}", cycle.reports());
        assert_eq!(sim.handshakes(), cycles);
        assert_eq!(sim.resumed_handshakes(), 0);
        let seen = cycle.observation();
        assert_eq!(seen.certificates.len(), 1);
        assert!(seen.tls_version.is_some());
        assert!(seen.phases.expect("a first request").tls.is_some());
    }
}

/// A rejected set is shown once per cycle, whatever is due.
#[tokio::test]
async fn a_wrong_password_is_sent_once() {
    for (scheme, expected) in [
        (Scheme::Basic, vec!["ping", "ping_auth"]),
        (Scheme::Bearer, vec!["ping", "token"]),
    ] {
        let sim = sim(scheme).await;
        sim.set_password("robot", "another");
        let asked = Asked::sim(&sim, ROBOT);
        let cycle = asked.reads().await;
        assert_eq!(
            cycle.verdicts(),
            [
                "fail/unauthorized",
                "fail/unauthorized",
                "unknown/unauthorized"
            ]
        );
        assert_eq!(cycle.operations(), expected);
        let facts: Vec<Fact> = cycle
            .reports()
            .into_iter()
            .flat_map(|report| report.outcome.facts)
            .collect();
        assert_eq!(facts, [Fact::CredentialsValid(false)]);
        // Nothing was proven, so pull alone asks the login flow first, and stops there.
        let cycle = asked.cycle(&[CheckName::Pull]).await;
        assert_eq!(cycle.verdicts(), ["fail/unauthorized"]);
        assert!(!cycle.operations().contains(&"manifest_head"));
    }
}

/// Each set is judged for itself, and one rejection holds for all its repositories.
#[tokio::test]
async fn a_rejected_set_does_not_touch_another() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("good", "right", [("team/a", "pull"), ("team/b", "pull")])
        .user("bad", "right", [("team/a", "pull"), ("team/b", "pull")])
        .start()
        .await;
    sim.push_image("team/a", "latest");
    sim.push_image("team/b", "latest");
    let yaml = format!(
        "credentials:\n  good: {{username: good, password: right, hosts: [127.0.0.1]}}\n  bad: {{username: bad, password: wrong, hosts: [127.0.0.1]}}\n\
         registries:\n  - name: sim\n    url: {}\n    repositories:\n      - {{name: team/a, credentials: good}}\n      - {{name: team/a, credentials: bad}}\n      - {{name: team/b, credentials: bad}}\n",
        sim.url()
    );
    let cycle = Asked::of(&yaml).reads().await;
    assert_eq!(
        cycle.verdicts(),
        [
            "pass",
            "fail/unauthorized", // credentials: once per set
            "pass",
            "fail/unauthorized",
            "fail/unauthorized", // pull: once per repository
            "pass"               // referrers: the first repository
        ]
    );
    assert_eq!(
        cycle.operations(),
        [
            "ping",
            "ping_auth",
            "ping_auth",
            "manifest_head",
            "referrers"
        ]
    );
}

/// A web page for everything is no registry, and one request shows it.
#[tokio::test]
async fn a_captive_portal_is_asked_once() {
    let sim = RegistrySim::profile(Profile::HTML).start().await;
    let cycle = Asked::sim(&sim, ROBOT).reads().await;
    assert_eq!(cycle.verdicts(), ["fail/protocol"; 3]);
    assert_eq!(cycle.operations(), ["ping"]);
    assert!(
        cycle
            .reports()
            .iter()
            .all(|report| report.outcome.facts.is_empty())
    );
    assert_eq!(cycle.observation().up, Some(false));
    assert!(!sim.saw("s3cret-canary"));
}

/// A portal that comes between two cycles is found out before it can flip a fact.
#[tokio::test]
async fn a_portal_that_comes_later_flips_nothing() {
    let sim = sim(Scheme::Basic).await;
    let asked = Asked::sim(&sim, ROBOT);
    assert_eq!(asked.reads().await.verdicts(), ["pass"; 3]);
    sim.fault(Fault::any().html(200));
    let cycle = asked.cycle(&[CheckName::Pull, CheckName::Referrers]).await;
    assert_eq!(cycle.verdicts(), ["fail/protocol"; 2]);
    assert_eq!(cycle.operations(), ["manifest_head", "ping"]);
    assert!(
        cycle
            .reports()
            .iter()
            .all(|report| report.outcome.facts.is_empty())
    );
    sim.clear_faults();
    assert_eq!(asked.reads().await.verdicts(), ["pass"; 3]);
}

/// A closed port: every check fails with the same words, and nothing is proven.
#[tokio::test]
async fn an_unreachable_registry_fails_every_check() {
    let sim = sim(Scheme::None).await;
    let asked = Asked::sim(&sim, IMAGE);
    sim.shutdown().await;
    let cycle = asked.reads().await;
    assert_eq!(cycle.verdicts(), ["fail/connect"; 3]);
    let messages: Vec<String> = cycle
        .reports()
        .iter()
        .map(|report| report.outcome.message.clone())
        .collect();
    assert!(
        messages.windows(2).all(|pair| pair[0] == pair[1]),
        "{messages:?}"
    );
    assert!(
        cycle
            .reports()
            .iter()
            .all(|report| report.outcome.facts.is_empty())
    );
    assert_eq!(cycle.observation().up, Some(false));
}

/// The connection dies under a later request, and no new one can be made.
#[tokio::test]
async fn a_5xx_of_one_route_belongs_to_that_route() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::on(Operation::ManifestHead).status(500));
    let cycle = Asked::sim(&sim, IMAGE).reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["pass", "fail/server_error", "unknown/server_error"]
    );
    assert_eq!(cycle.observation().up, Some(true));
}

/// A 429 whose pause does not fit ends the probe at once, and the pause holds
/// its class of requests, in this cycle and the next, and no other class.
#[tokio::test]
async fn a_long_pause_holds_its_class() {
    let sim = sim(Scheme::None).await;
    let asked = Asked::sim(&sim, IMAGE);
    sim.fault(Fault::on(Operation::Referrers).too_many_requests(Some("600")));
    let cycle = asked.reads().await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "unknown/rate_limited"]);
    assert_eq!(sim.count(Operation::Referrers), 1);
    let seen = cycle.observation();
    assert_eq!(seen.throttled, Some(true));
    assert!(seen.backoff_until.is_some());
    sim.clear_faults();
    let cycle = asked.reads().await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "unknown/rate_limited"]);
    assert_eq!(sim.count(Operation::Referrers), 1);
}

/// A short 429 is waited out with backoff, and the answer counts.
#[tokio::test]
async fn a_short_limit_is_waited_out() {
    let sim = sim(Scheme::None).await;
    sim.fault(
        Fault::on(Operation::ManifestHead)
            .too_many_requests(Some("0"))
            .once(),
    );
    let cycle = Asked::sim(&sim, IMAGE).cycle(&[CheckName::Pull]).await;
    assert_eq!(cycle.verdicts(), ["pass"]);
    assert_eq!(cycle.reports()[0].attempts, 2);
    assert_eq!(
        cycle.operations(),
        ["ping", "manifest_head", "manifest_head"]
    );
    assert_eq!(cycle.observation().throttled, Some(false));
}

/// A realm on another host gets nothing, and is named.
#[tokio::test]
async fn a_foreign_realm_gets_no_credentials() {
    let thief = RegistrySim::profile(Profile::PLAIN)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", "s3cret-canary", [("team/app", "pull")])
        .realm(&format!("{}/token", thief.url()))
        .start()
        .await;
    let cycle = Asked::sim(&sim, ROBOT).reads().await;
    assert_eq!(
        cycle.verdicts(),
        [
            "fail/untrusted_host",
            "fail/untrusted_host",
            "unknown/untrusted_host"
        ]
    );
    assert!(
        cycle
            .outcome(CheckName::Credentials)
            .message
            .contains("127.0.0.2")
    );
    assert_eq!(thief.total_requests(), 0);
    assert!(!sim.saw("s3cret-canary"));
    assert_eq!(cycle.operations(), ["ping"]);
}

/// A secret that cannot be read is never replaced by anonymous access.
#[tokio::test]
async fn a_missing_secret_file_sends_nothing() {
    let sim = sim(Scheme::Basic).await;
    let asked = Asked::sim(
        &sim,
        "test_repository: team/app\nusername: robot\npassword_file: /nowhere/password",
    );
    let cycle = asked.reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["fail/config", "fail/config", "unknown/config"]
    );
    assert!(
        cycle
            .outcome(CheckName::Credentials)
            .message
            .contains("/nowhere/password")
    );
    assert_eq!(sim.total_requests(), 0);
}

/// Without native referrers one HEAD more looks for the fallback tag.
#[tokio::test]
async fn without_the_api_the_fallback_tag_is_looked_for() {
    let sim = RegistrySim::profile(Profile::PLAIN).start().await;
    sim.push_image("team/app", "latest");
    let cycle = Asked::sim(&sim, IMAGE).reads().await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "warn/unsupported"]);
    assert_eq!(
        cycle.operations(),
        ["ping", "manifest_head", "referrers", "fallback_tag"]
    );
}

/// A guessed repository is a guess: nothing fails because of it.
#[tokio::test]
async fn the_default_image_is_only_a_guess() {
    let sim = sim(Scheme::Bearer).await;
    let cycle = Asked::sim(&sim, "").reads().await;
    assert!(
        cycle
            .reports()
            .iter()
            .all(|report| report.outcome.status != Status::Fail),
        "{:?}",
        cycle.verdicts()
    );
    assert_eq!(cycle.verdicts()[2], "skip/not_configured");
}

/// No request of a cycle writes anything.
#[tokio::test]
async fn the_read_only_checks_only_read() {
    let sim = sim(Scheme::Bearer).await;
    Asked::sim(&sim, ROBOT).cycle(&READS).await;
    assert!(
        sim.requests()
            .iter()
            .all(|request| request.method == "GET" || request.method == "HEAD")
    );
}

/// A referrer that two pages list is one; and an index under 404 lists what it holds,
/// on one page where no `Link` names a second.
#[tokio::test]
async fn referrers_are_counted_over_all_pages_whatever_their_status() {
    for (status, page, overlaps, requests) in [
        (200, None, false, 1),
        (200, Some(2), false, 3),
        (200, Some(2), true, 3),
        (404, None, false, 1),
        (404, Some(2), true, 3),
    ] {
        let sim = RegistrySim::profile(Profile::NATIVE)
            .tune(|profile| {
                let Referrers::Native(native) = profile.referrers else {
                    panic!("native referrers")
                };
                profile.referrers = Referrers::Native(NativeReferrers {
                    status,
                    page,
                    overlaps,
                    ..native
                });
            })
            .start()
            .await;
        let image = sim.push_image("team/app", "latest");
        for _ in 0..5 {
            sim.push_referrer("team/app", &image, "application/spdx+json");
        }
        let cycle = Asked::sim(&sim, IMAGE).cycle(&[CheckName::Referrers]).await;
        let outcome = cycle.outcome(CheckName::Referrers);
        let named = format!("{status} {page:?} {overlaps}");
        assert_eq!(cycle.verdicts(), ["pass"], "{named}");
        assert_eq!(cycle.facts(), "referrers_api=true referrers=5", "{named}");
        let of = |key| outcome.evidence.value(key).cloned();
        assert_eq!(of("referrers_count"), Some(5_u64.into()), "{named}");
        assert_eq!(of("conformant"), Some((status == 200).into()), "{named}");
        assert_eq!(of("referrers_count_complete"), None, "{named}");
        assert_eq!(sim.count(Operation::Referrers), requests, "{named}");
    }
}

/// A page that is not answered changes nothing: half a count is no proof.
#[tokio::test]
async fn referrers_that_were_not_all_read_are_not_counted() {
    let sim = sim(Scheme::None).await;
    let next = format!(
        "<{}/v2/team/app/referrers/x?page=2>; rel=\"next\"",
        sim.url()
    );
    let asked = Asked::sim(
        &sim,
        "test_repository: team/app\nretry: {transient_attempts: 0}",
    );
    assert!(asked.reads().await.facts().contains("referrers="));
    sim.fault(Fault::path("page=2").status(500));
    sim.fault(
        Fault::on(Operation::Referrers)
            .status(200)
            .header("content-type", "application/vnd.oci.image.index.v1+json")
            .header("link", &next)
            .body(r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#)
            .once(),
    );
    let cycle = asked.reads().await;
    let facts = cycle.facts();
    assert!(facts.contains("referrers_api=true"), "{facts}");
    assert!(!facts.contains("referrers=0"), "{facts}");
}
