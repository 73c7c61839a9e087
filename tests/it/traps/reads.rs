//! Reading: manifests, digests, referrers, redirects, and what a read costs.

use oci_registry_exporter::{
    config::PushWish,
    outcome::{Capability, CheckName},
};
use registry_sim::{Fault, Operation, Profile, RegistrySim};

use super::{ALL, ALL_RIGHTS, all_five, asked, found, sim, target};
use crate::asked::READS;

const PULL: [CheckName; 1] = [CheckName::Pull];
const REFERRERS: [CheckName; 1] = [CheckName::Referrers];
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[tokio::test]
async fn trap_07_404_on_a_head_is_not_always_a_missing_image() {
    // distribution hides what `Accept` does not name.
    let distribution = sim(&Profile::DISTRIBUTION_2_8, ALL_RIGHTS).await;
    assert_eq!(asked(&distribution, &PULL).await.verdicts(), ["pass"]);
    // Artifactory's page for a path that is no registry's.
    let artifactory = sim(&Profile::ARTIFACTORY_7_90, ALL_RIGHTS).await;
    artifactory.fault(Fault::path("/manifests/").html(404));
    assert_eq!(
        asked(&artifactory, &PULL).await.verdicts(),
        ["fail/protocol"]
    );
    // And a missing image is one where the registry says so itself.
    let zot = sim(&Profile::ZOT, ALL_RIGHTS).await;
    zot.remove_tag("team/app", "latest");
    assert_eq!(asked(&zot, &PULL).await.verdicts(), ["info/not_found"]);
}

#[tokio::test]
async fn trap_08_the_digest_header_may_be_missing() {
    let ecr = sim(&Profile::ECR, ALL_RIGHTS).await;
    let cycle = asked(&ecr, &READS).await;
    assert_eq!(cycle.verdicts(), ["pass"; 3], "ECR has it on HEAD only");

    let native = sim(&Profile::NATIVE, ALL_RIGHTS).await;
    native.fault(
        Fault::on(Operation::ManifestHead)
            .status(200)
            .header("content-type", MANIFEST),
    );
    native.tune(|profile| profile.manifests.digest_on_get = false);
    let digest = native.tagged("team/app", "latest").unwrap();
    let cycle = asked(&native, &READS).await;
    assert_eq!(cycle.verdicts()[1..], ["pass"; 2]);
    assert_eq!(native.count(Operation::ManifestGet), 1);
    let of_the_image = native
        .requests()
        .iter()
        .any(|sent| sent.operation == Operation::Referrers && sent.path.ends_with(&digest));
    assert!(of_the_image, "the digest was computed");
}

#[tokio::test]
async fn trap_09_404_on_referrers_is_not_always_a_missing_api() {
    // Quay, Harbor: an image that is not there.
    for profile in [Profile::QUAY_3_12, Profile::QUAY_3_13, Profile::HARBOR_2_10] {
        let sim = sim(&profile, ALL_RIGHTS).await;
        sim.remove_tag("team/app", "latest");
        let cycle = asked(&sim, &REFERRERS).await;
        assert_eq!(cycle.verdicts(), ["pass"], "{}", profile.name);
    }
    // A repository that is not there, the API being so or so.
    let native = sim(&Profile::NATIVE, ALL_RIGHTS).await;
    native.remove_tag("team/app", "latest");
    native.fault(
        Fault::on(Operation::Referrers)
            .status(404)
            .error("NAME_UNKNOWN", "repository name not known to registry"),
    );
    let cycle = asked(&native, &REFERRERS).await;
    assert_eq!(cycle.verdicts(), ["info/not_found"]);
    assert!(cycle.facts().is_empty());
}

#[tokio::test]
async fn trap_10_200_on_referrers_is_not_always_support() {
    for (name, content_type, body) in [
        ("a page", "text/html", "<html>sign in</html>"),
        ("a page under the right type of another", INDEX, "<html>"),
        ("other JSON", "application/json", r#"{"data":[]}"#),
        ("a list", "application/json", "[]"),
        ("nothing", "application/json", ""),
    ] {
        let sim = sim(&Profile::NATIVE, ALL_RIGHTS).await;
        sim.fault(
            Fault::on(Operation::Referrers)
                .status(200)
                .header("content-type", content_type)
                .body(body),
        );
        let cycle = asked(&sim, &ALL).await;
        assert_ne!(cycle.outcome(CheckName::Referrers).status.as_str(), "pass");
        assert_ne!(
            found(&cycle, Capability::ReferrersApi),
            Some(true),
            "{name}"
        );
    }
}

#[tokio::test]
async fn trap_11_redirects_are_not_followed() {
    let github = RegistrySim::profile(Profile::NATIVE)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    let ghcr = sim(&Profile::GHCR, ALL_RIGHTS).await;
    ghcr.fault(Fault::on(Operation::Referrers).status(303).header(
        "location",
        &format!("{}/-/v2/packages/container/package/x", github.url()),
    ));
    let cycle = asked(&ghcr, &ALL).await;
    assert_eq!(cycle.verdicts()[3], "warn/unsupported");
    assert_eq!(found(&cycle, Capability::ReferrersApi), Some(false));
    assert_eq!(github.total_requests(), 0);
}

#[tokio::test]
async fn trap_35_uploads_begin_at_a_slash() {
    let (sim, cycle) = all_five(&Profile::DISTRIBUTION_2_8).await;
    assert_eq!(cycle.verdicts()[2], "pass");
    for request in sim.requests() {
        assert_ne!(request.status, Some(301), "{request}");
        if request.method == "POST" {
            assert!(request.path.ends_with("/blobs/uploads/"), "{request}");
        }
    }
}

#[tokio::test]
async fn trap_36_a_head_does_not_say_why() {
    let denied = |message| {
        [Operation::ManifestHead, Operation::ManifestGet]
            .map(|operation| Fault::on(operation).status(403).error("DENIED", message))
    };
    let acr = sim(&Profile::ACR, ALL_RIGHTS).await;
    for fault in denied("client with IP '192.0.2.7' is not allowed access. Refer to the firewall.")
    {
        acr.fault(fault);
    }
    assert_eq!(asked(&acr, &PULL).await.verdicts(), ["fail/network_policy"]);
    assert_eq!(acr.count(Operation::ManifestGet), 1);
    // Where a GET counts, the HEAD is all there is.
    for profile in [Profile::DOCKER_HUB, Profile::HARBOR_2_11] {
        let sim = sim(&profile, ALL_RIGHTS).await;
        for fault in denied("requested access to the resource is denied") {
            sim.fault(fault);
        }
        let cycle = asked(&sim, &[CheckName::Credentials, CheckName::Pull]).await;
        assert_eq!(cycle.verdicts(), ["pass", "fail/forbidden"]);
        assert_eq!(sim.count(Operation::ManifestGet), 0, "{}", profile.name);
    }
}

#[tokio::test]
async fn trap_38_a_get_is_a_pull() {
    let hub = sim(&Profile::DOCKER_HUB, ALL_RIGHTS).await;
    hub.set_pulls_left(1);
    for _ in 0..3 {
        let cycle = asked(&hub, &ALL).await;
        assert_eq!(cycle.verdicts()[..4], ["pass"; 4]);
    }
    assert_eq!(hub.count(Operation::ManifestGet), 0);
    assert_eq!(hub.count(Operation::BlobGet), 0);
}

#[tokio::test]
async fn trap_39_referrers_have_a_small_quota() {
    let (acr, _) = all_five(&Profile::ACR).await;
    assert_eq!(
        acr.count(Operation::Referrers),
        2,
        "the list and the filter"
    );
    let target = target("registries: [{url: 'https://example.azurecr.io', test_repository: a}]");
    assert!(target.checks.referrers.interval.as_secs() >= 300);
    // A limit there holds nothing else.
    acr.fault(Fault::on(Operation::Referrers).too_many_requests(Some("60")));
    let cycle = asked(&acr, &READS).await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "unknown/rate_limited"]);
}

#[test]
fn trap_40_docker_hub_has_names_of_its_own() {
    for url in [
        "https://docker.io",
        "https://index.docker.io/v1/",
        "https://registry-1.docker.io",
    ] {
        let target = target(&format!(
            "registries: [{{url: '{url}', test_repository: alpine}}]"
        ));
        assert_eq!(target.host(), "registry-1.docker.io", "{url}");
        let repository = &target.repositories[0];
        assert_eq!(repository.name.as_str(), "library/alpine", "{url}");
        assert!(!repository.guessed);
        assert_ne!(repository.push, PushWish::Named);
    }
}
