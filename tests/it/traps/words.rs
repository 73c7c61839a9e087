//! Errors and limits: which words and headers say what.

use std::time::{Duration, SystemTime};

use oci_registry_exporter::{
    exchange::Operation as Asks,
    oci,
    outcome::{Capability, CheckName},
    retry::{Decision, Policy, PolicyOptions, Retry, Throttle, Tried},
};
use registry_sim::{Fault, Operation, Profile};

use super::{ALL, ALL_RIGHTS, asked, found, reply, sim};
use crate::asked::{Asked, READS};

#[tokio::test]
async fn trap_28_json_is_not_told_by_its_type() {
    // ggcr's errors are text/plain, Artifactory's ISO-8859-1 and without codes.
    for profile in [Profile::GGCR, Profile::ARTIFACTORY_7_90, Profile::ZOT] {
        let sim = sim(&profile, ALL_RIGHTS).await;
        sim.remove_tag("team/app", "latest");
        let cycle = asked(&sim, &[CheckName::Pull]).await;
        assert_eq!(cycle.verdicts(), ["info/not_found"], "{}", profile.name);
    }
    // Quay's ping is `true` under text/html.
    let quay = sim(&Profile::QUAY_3_13, ALL_RIGHTS).await;
    let cycle = asked(&quay, &[CheckName::Credentials]).await;
    assert_eq!(cycle.verdicts(), ["pass"]);
    // zot's bare error object.
    let bare = reply(
        401,
        &[],
        r#"{"code":"UNAUTHORIZED","message":"authentication required"}"#,
    );
    let body = oci::ErrorBody::of(&bare).unwrap();
    assert!(body.has_code("UNAUTHORIZED"));
}

#[tokio::test]
async fn trap_29_error_codes_are_not_always_the_specs() {
    for (profile, code) in [
        (Profile::HARBOR_2_11, "NOT_FOUND"),
        (Profile::HARBOR_2_10, "UNKNOWN"),
        (Profile::QUAY_3_13, "TAG_EXPIRED"),
    ] {
        let sim = sim(&profile, ALL_RIGHTS).await;
        sim.fault(Fault::on(Operation::ManifestHead).status(404));
        sim.fault(
            Fault::on(Operation::ManifestGet)
                .status(404)
                .error(code, "the image is not there"),
        );
        let cycle = asked(&sim, &[CheckName::Credentials, CheckName::Pull]).await;
        assert_eq!(cycle.verdicts(), ["pass", "info/not_found"], "{code}");
    }
    // A limit is one in lower case too, whatever the status.
    let public = sim(&Profile::ECR_PUBLIC, ALL_RIGHTS).await;
    public.fault(
        Fault::on(Operation::Token)
            .status(403)
            .error("toomanyrequests", "Rate exceeded"),
    );
    let cycle = asked(&public, &READS).await;
    assert_eq!(cycle.verdicts(), ["unknown/rate_limited"; 3]);
    // IBM says UNSUPPORTED to a wrong password: the status counts.
    let ibm = sim(&Profile::DISTRIBUTION_2_8_HTPASSWD, ALL_RIGHTS).await;
    ibm.fault(Fault::on(Operation::Ping).skip(1).status(401).error(
        "UNSUPPORTED",
        "The requested authentication method is not supported",
    ));
    let cycle = asked(&ibm, &READS).await;
    assert_eq!(cycle.verdicts()[0], "fail/unauthorized");
}

#[test]
fn trap_30_retry_after_has_three_forms() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    let go = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"retry-after: 1.16676ms, allowed: 44000/minute"}]}"#;
    for (name, reply, wanted) in [
        (
            "ACR",
            reply(429, &[("retry-after", "17")], ""),
            Some(17_000_000),
        ),
        (
            "a date",
            reply(429, &[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")], ""),
            Some(60_000_000),
        ),
        ("GHCR", reply(429, &[], go), Some(1_166)),
        ("Quay", reply(429, &[], ""), None),
    ] {
        let wait = oci::retry_after(&reply, now).map(|wait| wait.as_micros());
        assert_eq!(wait, wanted, "{name}");
    }
}

#[tokio::test]
async fn trap_31_not_every_429_is_asked_again() {
    let hub = sim(&Profile::DOCKER_HUB, ALL_RIGHTS).await;
    hub.fault(
        Fault::on(Operation::ManifestHead)
            .status(429)
            .header("ratelimit-limit", "100;w=21600")
            .header("ratelimit-remaining", "0;w=21600"),
    );
    let patient =
        "test_repository: team/app\nusername: robot\npassword: s3cret-canary\nretry: {attempts: 4}";
    let cycle = Asked::sim(&hub, patient)
        .cycle(&[CheckName::Credentials, CheckName::Pull])
        .await;
    assert_eq!(cycle.verdicts(), ["pass", "unknown/rate_limited"]);
    assert_eq!(hub.count(Operation::ManifestHead), 1);
    // The long message alone says it too; a bare 429 passes.
    let long = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"}]}"#;
    for (name, reply, exhausted) in [
        ("the long message", reply(429, &[], long), true),
        ("the abuse limit", reply(429, &[], ""), false),
    ] {
        assert_eq!(oci::pull_limit(&reply), exhausted, "{name}");
        let policy = Policy::try_new(PolicyOptions::default()).unwrap();
        let tried = Tried {
            operation: Asks::ManifestHead,
            exchange: &Ok(reply),
            throttle: if exhausted {
                Throttle::Exhausted
            } else {
                Throttle::Passing
            },
            asked_wait: None,
        };
        let again = Retry::new(&policy).decide(tried, Duration::from_mins(1));
        assert_eq!(matches!(again, Decision::Wait(_)), !exhausted, "{name}");
    }
}

#[tokio::test]
async fn trap_32_a_passing_failure_loses_nothing() {
    for (name, fault) in [
        ("500", Fault::any().status(500)),
        ("503", Fault::any().status(503)),
        ("429", Fault::any().too_many_requests(Some("3600"))),
        ("no answer", Fault::any().close()),
    ] {
        for operation in [
            Operation::Referrers,
            Operation::UploadPatch,
            Operation::Mount,
            Operation::ManifestDelete,
            Operation::BlobDelete,
        ] {
            let sim = sim(&Profile::NATIVE, ALL_RIGHTS).await;
            sim.fault(fault.clone().of(operation));
            let cycle = asked(&sim, &ALL).await;
            for capability in [
                Capability::ReferrersApi,
                Capability::ChunkedUpload,
                Capability::CrossRepoMount,
                Capability::ManifestDelete,
                Capability::BlobDelete,
            ] {
                assert_ne!(
                    found(&cycle, capability),
                    Some(false),
                    "{name} to {operation:?}"
                );
            }
        }
        // Pull and push keep what was proven of them.
        let sim = sim(&Profile::NATIVE, ALL_RIGHTS).await;
        sim.fault(fault.clone().of(Operation::ManifestHead));
        let cycle = asked(&sim, &ALL).await;
        let outcome = cycle.outcome(CheckName::Pull);
        assert!(outcome.facts.is_empty(), "{name}: {:?}", outcome.facts);
    }
}
