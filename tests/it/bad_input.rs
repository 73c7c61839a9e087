//! What broken, hostile and slow registries do to a cycle: each fault becomes a
//! report with the right reason, nothing hangs, and no secret gets out.

mod shapes;

use oci_registry_exporter::outcome::CheckName;
use registry_sim::{Action, Fault, Operation, Profile, RegistrySim, Scheme};

use crate::asked::{Asked, READS};

const ROBOT: &str = "test_repository: team/app\nusername: robot\npassword: s3cret-canary\nrequest_timeout: 1s\nconnect_timeout: 1s\nretry: {transient_attempts: 0}";

/// What happens to one kind of request, and what the three checks say.
type Row = (&'static str, Fault, [&'static str; 3]);

async fn sim() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", "s3cret-canary", [("team/app", "pull")])
        .start()
        .await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

fn at_the_ping() -> Vec<Row> {
    let ping = || Fault::on(Operation::Ping);
    vec![
        ("hangs", ping().hang(), ["fail/timeout"; 3]),
        ("closes", ping().close(), ["fail/connect"; 3]),
        (
            "garbage",
            ping().then(Action::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
            ["fail/protocol"; 3],
        ),
        ("500", ping().status(500), ["fail/server_error"; 3]),
        ("503", ping().status(503), ["fail/server_error"; 3]),
        ("404", ping().status(404), ["fail/protocol"; 3]),
        ("403", ping().status(403), ["fail/network_policy"; 3]),
        (
            "302",
            ping()
                .status(302)
                .header("location", "https://elsewhere.example/"),
            ["fail/redirect"; 3],
        ),
        ("a page", ping().html(200), ["fail/protocol"; 3]),
        (
            "an endless body under a registry's headers",
            ping().then(Action::Endless),
            ["info/not_configured", "pass", "pass"],
        ),
        (
            "429",
            ping().too_many_requests(Some("3600")),
            ["unknown/rate_limited"; 3],
        ),
    ]
}

fn at_the_token() -> Vec<Row> {
    let token = || Fault::on(Operation::Token);
    vec![
        ("hangs", token().hang(), ["fail/timeout"; 3]),
        ("closes", token().close(), ["fail/connect"; 3]),
        ("500", token().status(500), ["fail/server_error"; 3]),
        (
            "null",
            token().status(200).body(r#"{"token":null}"#),
            ["unknown/protocol"; 3],
        ),
        (
            "empty",
            token()
                .status(200)
                .body(r#"{"token":"","access_token":""}"#),
            ["unknown/protocol"; 3],
        ),
        (
            "deep",
            token().status(200).body("[".repeat(50_000)),
            ["unknown/protocol"; 3],
        ),
        ("a page", token().html(200), ["unknown/protocol"; 3]),
        (
            "endless",
            token().then(Action::Endless),
            ["unknown/protocol"; 3],
        ),
        (
            "429",
            token().too_many_requests(Some("3600")),
            ["unknown/rate_limited"; 3],
        ),
        (
            "a redirect",
            token().status(307).header("location", "http://127.0.0.3/"),
            ["unknown/protocol"; 3],
        ),
    ]
}

fn at_the_manifest() -> Vec<Row> {
    let head = || Fault::on(Operation::ManifestHead);
    vec![
        (
            "hangs",
            head().hang(),
            ["pass", "fail/timeout", "unknown/timeout"],
        ),
        (
            "closes",
            head().close(),
            ["pass", "fail/connect", "unknown/connect"],
        ),
        (
            "garbage",
            head().then(Action::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())),
            ["pass", "fail/protocol", "unknown/protocol"],
        ),
        (
            "500",
            head().status(500),
            ["pass", "fail/server_error", "unknown/server_error"],
        ),
        (
            "418",
            head().status(418),
            ["pass", "unknown/protocol", "unknown/protocol"],
        ),
        (
            "a redirect into our network",
            head()
                .status(307)
                .header("location", "http://169.254.169.254/latest"),
            ["pass", "fail/redirect", "unknown/protocol"],
        ),
        (
            "a redirect in a circle",
            head()
                .status(307)
                .header("location", "/v2/team/app/manifests/latest"),
            ["pass", "fail/redirect", "unknown/protocol"],
        ),
        (
            "a digest that is none",
            head()
                .status(200)
                .header("content-type", "application/vnd.oci.image.manifest.v1+json")
                .header("docker-content-digest", "sha256:../../../etc"),
            ["pass", "pass", "pass"],
        ),
    ]
}

fn at_the_referrers() -> Vec<Row> {
    let referrers = || Fault::on(Operation::Referrers);
    let index = "application/vnd.oci.image.index.v1+json";
    vec![
        (
            "hangs",
            referrers().hang(),
            ["pass", "pass", "unknown/timeout"],
        ),
        (
            "closes",
            referrers().close(),
            ["pass", "pass", "unknown/connect"],
        ),
        (
            "500",
            referrers().status(500),
            ["pass", "pass", "unknown/server_error"],
        ),
        (
            "a page",
            referrers().html(200),
            ["pass", "pass", "warn/unsupported"],
        ),
        (
            "an endless page",
            referrers().then(Action::Endless),
            // No proof of anything: the index may come after what was read.
            ["pass", "pass", "unknown/protocol"],
        ),
        (
            "half an index",
            referrers()
                .status(200)
                .header("content-type", index)
                .body(r#"{"schemaVersion":2,"manifests":[{"#),
            ["pass", "pass", "unknown/protocol"],
        ),
        (
            "a foreign next page",
            referrers()
                .status(200)
                .header("content-type", index)
                .header("link", "<http://127.0.0.3/v2/next>; rel=\"next\"")
                .body(r#"{"schemaVersion":2,"manifests":[]}"#),
            ["pass", "pass", "pass"],
        ),
    ]
}

#[tokio::test]
async fn every_fault_becomes_the_right_reason() {
    for (place, rows) in [
        ("ping", at_the_ping()),
        ("token", at_the_token()),
        ("manifest", at_the_manifest()),
        ("referrers", at_the_referrers()),
    ] {
        for (name, fault, expected) in rows {
            let sim = sim().await;
            sim.fault(fault);
            let cycle = Asked::sim(&sim, ROBOT).reads().await;
            assert_eq!(
                cycle.verdicts(),
                expected,
                "{place} {name}: {:#?}",
                cycle.reports()
            );
            let shown = format!("{:?} {:?}", cycle.reports(), cycle.observation());
            assert!(!shown.contains("s3cret-canary"), "{place} {name}");
        }
    }
}

/// A page of referrers that names itself as the next one ends, and is counted once.
#[tokio::test]
async fn pages_in_a_circle_end() {
    let sim = sim().await;
    sim.fault(
        Fault::on(Operation::Referrers)
            .status(200)
            .header("content-type", "application/vnd.oci.image.index.v1+json")
            .header(
                "link",
                "</v2/team/app/referrers/sha256:x?n=1>; rel=\"next\"",
            )
            .body(r#"{"schemaVersion":2,"manifests":[]}"#),
    );
    let cycle = Asked::sim(&sim, ROBOT).cycle(&[CheckName::Referrers]).await;
    assert_eq!(cycle.verdicts(), ["pass"]);
    assert!(sim.count(Operation::Referrers) <= 5);
}

/// Whatever one registry does, the others go on at the same time.
#[tokio::test]
async fn a_registry_that_hangs_holds_up_no_other() {
    let (bad, good) = (sim().await, sim().await);
    bad.fault(Fault::any().hang());
    let (bad_asked, good_asked) = (Asked::sim(&bad, ROBOT), Asked::sim(&good, ROBOT));
    let (bad_cycle, good_cycle) = tokio::join!(bad_asked.cycle(&READS), good_asked.cycle(&READS));
    assert_eq!(bad_cycle.verdicts(), ["fail/timeout"; 3]);
    assert_eq!(good_cycle.verdicts(), ["pass"; 3]);
    assert_eq!(bad.total_requests(), 1, "unreachable is found out once");
}
