//! Writing as little as possible: uploads, mounts, deletes.

use oci_registry_exporter::outcome::{Capability, CheckName, SessionEnd};
use registry_sim::{
    Fault, Operation, Profile, RegistrySim, Sessions,
    profile::{Chunks, Mount, Ranges, Refusal},
};

use super::{ALL, ALL_RIGHTS, ROBOT, all_five, asked, bare, found, scopes, sim, target};
use crate::asked::Asked;

const ZERO: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn trap_12_405_may_mean_read_only() {
    for profile in [
        Profile::DISTRIBUTION_2_8_READONLY,
        Profile::DISTRIBUTION_2_8_PROXY,
    ] {
        let (sim, cycle) = all_five(&profile).await;
        assert_eq!(cycle.verdicts()[2], "info/read_only", "{}", profile.name);
        for capability in WRITES {
            assert_eq!(found(&cycle, capability), None, "{}", profile.name);
        }
        assert_eq!(sim.count(Operation::ManifestDelete), 0);
    }
    // Where uploads are open, the same 405 to a delete is an answer.
    let (_, cycle) = all_five(&Profile::DISTRIBUTION_2_8).await;
    assert_eq!(found(&cycle, Capability::ManifestDelete), Some(false));
}

#[tokio::test]
async fn trap_13_options_and_allow_say_nothing() {
    let (cloudsmith, cycle) = all_five(&Profile::CLOUDSMITH).await;
    assert!(
        Profile::CLOUDSMITH
            .deletes
            .blob_allow
            .is_some_and(|allow| allow.contains("DELETE"))
    );
    assert_eq!(found(&cycle, Capability::BlobDelete), Some(false));
    let (distribution, cycle) = all_five(&Profile::DISTRIBUTION_2_8).await;
    assert_eq!(found(&cycle, Capability::BlobDelete), Some(false));
    for sim in [cloudsmith, distribution] {
        assert!(sim.requests().iter().all(|sent| sent.method != "OPTIONS"));
    }
}

#[tokio::test]
async fn trap_14_a_mount_is_tried_with_a_blob_that_is_there() {
    for (profile, satisfied) in [(Profile::ECR_MOUNTING, true), (Profile::ECR, false)] {
        let (sim, cycle) = all_five(&profile).await;
        assert_eq!(
            found(&cycle, Capability::CrossRepoMount),
            Some(satisfied),
            "{}",
            profile.name
        );
        let requests = sim.requests();
        let mount = requests
            .iter()
            .find(|sent| sent.operation == Operation::Mount)
            .unwrap();
        let manifest = sim.tagged("team/app", "latest").unwrap();
        let blob = mount.parameter("mount").unwrap();
        assert_ne!(blob, ZERO);
        assert_ne!(blob, manifest, "the config that the manifest names");
        assert_eq!(mount.parameter("from").as_deref(), Some("team/app"));
    }
}

#[tokio::test]
async fn trap_15_a_mount_may_open_a_session() {
    for profile in [Profile::ARTIFACTORY_7_90, Profile::ECR, Profile::GAR] {
        assert_eq!(profile.mount, Mount::Never);
        let (sim, cycle) = all_five(&profile).await;
        let both = Sessions {
            opened: 2,
            cancelled: 2,
            completed: 0,
        };
        assert_eq!(sim.sessions(), both, "{}", profile.name);
        assert_eq!(
            cycle.observation().sessions,
            [SessionEnd::Cancelled, SessionEnd::Cancelled]
        );
    }
}

#[tokio::test]
async fn trap_16_only_what_nobody_can_have_is_deleted() {
    for profile in Profile::ALL.iter().filter(|profile| profile.is_registry()) {
        let (sim, _) = all_five(profile).await;
        for request in sim.requests() {
            let of_content = matches!(
                request.operation,
                Operation::ManifestDelete | Operation::BlobDelete
            );
            if of_content {
                assert!(request.path.ends_with(ZERO), "{}: {request}", profile.name);
            }
        }
        assert!(sim.tagged("team/app", "latest").is_some());
    }
    let sim = sim(&Profile::DISTRIBUTION_2_8_DELETE, ALL_RIGHTS).await;
    let off = format!("{ROBOT}\nchecks: {{capabilities: {{probe_deletes: false}}}}");
    let cycle = Asked::sim(&sim, &off).cycle(&ALL).await;
    assert_eq!(found(&cycle, Capability::ManifestDelete), None);
    assert_eq!(sim.count(Operation::ManifestDelete), 0);
    assert_eq!(sim.count(Operation::BlobDelete), 0);
}

#[tokio::test]
async fn trap_17_202_to_a_delete_deleted_nothing() {
    let (gitea, cycle) = all_five(&Profile::GITEA).await;
    assert_eq!(found(&cycle, Capability::BlobDelete), Some(true));
    let answered = gitea.requests().iter().any(|sent| {
        sent.operation == Operation::BlobDelete
            && sent.status == Some(202)
            && sent.path.ends_with(ZERO)
    });
    assert!(answered);
    assert_eq!(
        cycle.verdicts()[4],
        "warn/unsupported",
        "for referrers only"
    );
}

#[tokio::test]
async fn trap_18_404_to_a_delete_needs_a_code() {
    let told = |code| {
        Fault::on(Operation::ManifestDelete)
            .status(404)
            .error(code, "")
    };
    let text = Fault::on(Operation::ManifestDelete)
        .status(404)
        .header("content-type", "text/plain")
        .body("404 page not found");
    for (name, fault, support) in [
        ("old ECR's text", text, None),
        ("an unknown route", told("METHOD_UNKNOWN"), Some(false)),
        ("ggcr's repository", told("NAME_UNKNOWN"), None),
        ("an unknown manifest", told("MANIFEST_UNKNOWN"), Some(true)),
        ("Harbor's own word", told("NOT_FOUND"), Some(true)),
    ] {
        let sim = sim(&Profile::NATIVE, ALL_RIGHTS).await;
        sim.fault(fault);
        let cycle = asked(&sim, &ALL).await;
        assert_eq!(found(&cycle, Capability::ManifestDelete), support, "{name}");
    }
    // Artifactory has no codes at all.
    let (_, cycle) = all_five(&Profile::ARTIFACTORY_7_90).await;
    assert_eq!(found(&cycle, Capability::ManifestDelete), Some(true));
}

#[tokio::test]
async fn trap_19_a_cancel_may_fail() {
    for (profile, rights, verdict, end) in [
        (Profile::GGCR, ALL_RIGHTS, "pass", SessionEnd::NotOffered),
        (
            Profile::DISTRIBUTION_2_8_TOKEN,
            "pull,push",
            "warn/cancel_refused",
            SessionEnd::Refused,
        ),
        (
            Profile::HARBOR_2_11,
            "pull,push",
            "warn/cancel_refused",
            SessionEnd::Refused,
        ),
        (
            Profile::ZOT,
            "pull,push",
            "warn/cancel_refused",
            SessionEnd::Refused,
        ),
    ] {
        let sim = sim(&profile, rights).await;
        let cycle = asked(&sim, &[CheckName::Push]).await;
        assert_eq!(cycle.verdicts(), [verdict], "{}", profile.name);
        assert_eq!(cycle.observation().sessions, [end], "{}", profile.name);
        assert_eq!(cycle.facts(), "push=true", "{}", profile.name);
    }
}

#[tokio::test]
async fn trap_20_a_cancel_leaves_something_behind() {
    // distribution keeps a directory for each session: hours lie between two.
    let target = target("registries: [{url: 'https://registry.example.com', test_repository: a}]");
    let options = &target.checks.push_options;
    assert!(options.upload_interval.as_secs() >= 3600);
    let sim = sim(&Profile::DISTRIBUTION_2_8_TOKEN, ALL_RIGHTS).await;
    let asked = Asked::sim(&sim, ROBOT);
    for _ in 0..4 {
        assert_eq!(asked.cycle(&[CheckName::Push]).await.verdicts(), ["pass"]);
    }
    assert_eq!(sim.sessions().opened, 1);
}

#[tokio::test]
async fn trap_21_a_missing_repository_is_left_alone() {
    for profile in [
        Profile::QUAY_3_13,
        Profile::ZOT,
        Profile::ECR_CREATE_ON_PUSH,
        Profile::DISTRIBUTION_2_8_TOKEN,
    ] {
        for rights in ["pull", ALL_RIGHTS] {
            let sim = bare(&profile, rights).await;
            let cycle = asked(&sim, &ALL).await;
            assert_eq!(cycle.verdicts()[2], "info/not_found", "{}", profile.name);
            assert!(sim.repositories().is_empty(), "{}", profile.name);
            assert_eq!(sim.sessions().opened, 0, "{}", profile.name);
            assert!(
                scopes(&sim).iter().all(|scope| !scope.contains("push")),
                "{}",
                profile.name
            );
        }
    }
}

#[tokio::test]
async fn trap_24_a_location_may_be_relative_or_elsewhere() {
    for profile in [
        Profile::DISTRIBUTION_2_8_TOKEN,
        Profile::ACR,
        Profile::ZOT,
        Profile::GAR,
        Profile::GHCR,
        Profile::GITEA,
    ] {
        let (sim, cycle) = all_five(&profile).await;
        assert_eq!(cycle.observation().sessions[0], SessionEnd::Cancelled);
        assert_eq!(sim.open_sessions(), 0, "{}", profile.name);
    }
    let elsewhere = RegistrySim::profile(Profile::NATIVE)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    let sim = sim(&Profile::NATIVE, ALL_RIGHTS).await;
    sim.fault(Fault::on(Operation::UploadStart).status(202).header(
        "location",
        &format!("{}/v2/team/app/blobs/uploads/1?_state=x", elsewhere.url()),
    ));
    let cycle = asked(&sim, &ALL).await;
    assert_eq!(cycle.verdicts()[2], "pass");
    let requests = elsewhere.requests();
    assert!(!requests.is_empty(), "the place was asked as given");
    for request in requests {
        assert_eq!(request.authorization, None);
        assert_eq!(request.query.as_deref(), Some("_state=x"));
    }
}

#[tokio::test]
async fn trap_25_a_range_need_not_be_one() {
    for (profile, chunks) in [
        (Profile::QUAY_3_13, Some(true)),
        (Profile::ARTIFACTORY_7_90, Some(true)),
        // ECR's says less than was taken, and GHCR's takes less than it was given.
        (Profile::ECR, None),
        (Profile::GHCR, None),
    ] {
        let (_, cycle) = all_five(&profile).await;
        assert_eq!(cycle.verdicts()[2], "pass", "{}", profile.name);
        assert_eq!(
            found(&cycle, Capability::ChunkedUpload),
            chunks,
            "{}",
            profile.name
        );
    }
}

#[tokio::test]
async fn trap_26_a_chunk_may_be_answered_with_201() {
    let sim = sim(&Profile::ECR, ALL_RIGHTS).await;
    sim.tune(|profile| profile.uploads.ranges = Ranges::FromZero);
    let cycle = asked(&sim, &ALL).await;
    assert_eq!(found(&cycle, Capability::ChunkedUpload), Some(true));
    // And with 204.
    let (_, cycle) = all_five(&Profile::GGCR).await;
    assert_eq!(found(&cycle, Capability::ChunkedUpload), Some(true));
}

#[tokio::test]
async fn trap_27_a_small_chunk_may_be_refused() {
    const LEAST: usize = 5 * 1024 * 1024;
    let (_, cycle) = all_five(&Profile::CLOUDSMITH).await;
    assert_eq!(found(&cycle, Capability::ChunkedUpload), Some(true));
    for refusal in [
        Refusal::new(400, "SIZE_INVALID", "provided length did not match"),
        Refusal::new(
            400,
            "BLOB_UPLOAD_INVALID",
            "LayerPartTooSmall: the part is smaller than the minimum of 5242880 bytes",
        ),
        Refusal::new(416, "BLOB_UPLOAD_INVALID", "chunk too small"),
    ] {
        let sim = sim(&Profile::ECR, ALL_RIGHTS).await;
        sim.tune(move |profile| {
            profile.uploads.chunks = Chunks::AtLeast(LEAST, 201, refusal);
        });
        let cycle = asked(&sim, &ALL).await;
        assert_eq!(
            found(&cycle, Capability::ChunkedUpload),
            Some(true),
            "{refusal:?}"
        );
    }
    // A refusal of chunks as such is one.
    let (_, cycle) = all_five(&Profile::GAR).await;
    assert_eq!(found(&cycle, Capability::ChunkedUpload), Some(false));
}

#[tokio::test]
async fn trap_34_a_post_says_that_it_is_empty() {
    let (sim, _) = all_five(&Profile::ARTIFACTORY_7_90).await;
    let requests = sim.requests();
    let posts: Vec<_> = requests
        .iter()
        .filter(|sent| sent.method == "POST")
        .collect();
    assert_eq!(posts.len(), 2, "an upload and a mount");
    for post in posts {
        assert_eq!(post.header("content-length"), Some("0"), "{post}");
        assert_eq!(post.header("transfer-encoding"), None, "{post}");
    }
}

const WRITES: [Capability; 4] = [
    Capability::ChunkedUpload,
    Capability::CrossRepoMount,
    Capability::ManifestDelete,
    Capability::BlobDelete,
];
