//! Upload sessions, mounts and what they leave behind.

use registry_sim::{Operation, Profile, RegistrySim, Sessions, sha256};

use crate::client::{ZERO, client, request, send};

#[tokio::test]
async fn a_cancelled_session_is_gone_on_every_profile_that_cancels() {
    for profile in Profile::ALL
        .iter()
        .filter(|profile| profile.writes == registry_sim::profile::Writes::Allowed)
        .filter(|profile| profile.is_registry() && profile.uploads.cancel_refused.is_none())
    {
        let sim = RegistrySim::profile(*profile)
            .auth(registry_sim::Scheme::None)
            .start()
            .await;
        sim.push_image("team/app", "latest");
        let start = send(&sim, "POST /v2/team/app/blobs/uploads/", None).await;
        assert_eq!(start.status, 202, "{}", profile.name);
        assert_eq!(sim.open_sessions(), 1, "{}", profile.name);

        let url = location(&sim, start.header("location"));
        let cancel = client(&sim).delete(&url).send().await.unwrap();
        assert_eq!(cancel.status(), 204, "{}", profile.name);
        assert_eq!(sim.open_sessions(), 0, "{}", profile.name);
        let again = client(&sim).delete(&url).send().await.unwrap();
        assert_eq!(again.status(), 404, "{}", profile.name);
        assert_eq!(
            sim.sessions(),
            Sessions {
                opened: 1,
                cancelled: 1,
                completed: 0
            },
            "{}",
            profile.name
        );
    }
}

#[tokio::test]
async fn chunks_become_a_blob() {
    let sim = RegistrySim::profile(Profile::NATIVE).start().await;
    let start = send(&sim, "POST /v2/team/app/blobs/uploads/", None).await;
    let mut url = location(&sim, start.header("location"));
    for (range, chunk) in [("0-4", "hello"), ("5-10", " world")] {
        let patch = client(&sim)
            .patch(&url)
            .header("content-range", range)
            .body(chunk);
        let patched = patch.send().await.unwrap();
        assert_eq!(patched.status(), 202);
        url = location(&sim, patched.headers()["location"].to_str().unwrap());
    }
    let digest = sha256(b"hello world");
    let put = client(&sim)
        .put(format!("{url}?digest={digest}"))
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 201);
    let blob = send(&sim, &format!("GET /v2/team/app/blobs/{digest}"), None).await;
    assert_eq!(blob.body, "hello world");
    assert_eq!(
        sim.sessions(),
        Sessions {
            opened: 1,
            cancelled: 0,
            completed: 1
        }
    );
}

#[tokio::test]
async fn a_stale_location_ends_the_session_of_distribution() {
    let sim = RegistrySim::profile(Profile::DISTRIBUTION_2_8)
        .start()
        .await;
    let start = send(&sim, "POST /v2/team/app/blobs/uploads/", None).await;
    let url = location(&sim, start.header("location"));
    let patched = client(&sim).patch(&url).body("hello").send().await.unwrap();
    assert_eq!(patched.status(), 202);
    let stale = client(&sim).delete(&url).send().await.unwrap();
    assert_eq!(stale.status(), 404);
    assert_eq!(sim.open_sessions(), 0);
}

#[tokio::test]
async fn a_mount_is_satisfied_as_the_profile_says() {
    let table = [
        (Profile::DISTRIBUTION_2_8, "&from=team/app", 201),
        (Profile::DISTRIBUTION_2_8, "", 202),
        (Profile::ZOT, "", 201),
        (Profile::ECR, "&from=team/app", 202),
        (Profile::ARTIFACTORY_7_90, "&from=team/app", 202),
    ];
    for (profile, from, status) in table {
        let sim = RegistrySim::profile(profile)
            .auth(registry_sim::Scheme::None)
            .start()
            .await;
        let blob = sim.push_blob("team/app", "a layer");
        let line = format!("POST /v2/team/app/blobs/uploads/?mount={blob}{from}");
        assert_eq!(
            send(&sim, &line, None).await.status,
            status,
            "{} {from}",
            profile.name
        );
        assert_eq!(sim.count(Operation::Mount), 1);
        assert_eq!(
            sim.open_sessions(),
            usize::from(status == 202),
            "{}",
            profile.name
        );
    }
}

#[tokio::test]
async fn distribution_2_8_deletes_a_blob_as_a_manifest() {
    let sim = RegistrySim::profile(Profile::DISTRIBUTION_2_8_DELETE)
        .start()
        .await;
    let blob = sim.push_blob("team/app", "a layer");
    assert_eq!(
        send(&sim, &format!("DELETE /v2/team/app/manifests/{blob}"), None)
            .await
            .status,
        202
    );
    assert_eq!(
        send(&sim, &format!("HEAD /v2/team/app/blobs/{blob}"), None)
            .await
            .status,
        404
    );
    let zero = send(&sim, &format!("DELETE /v2/team/app/manifests/{ZERO}"), None).await;
    assert_eq!(zero.verdict(), (404, "MANIFEST_UNKNOWN".to_owned()));
}

#[tokio::test]
async fn a_manifest_with_a_missing_blob_is_refused() {
    let sim = RegistrySim::profile(Profile::NATIVE).start().await;
    let manifest = format!(r#"{{"schemaVersion":2,"layers":[{{"digest":"{ZERO}"}}]}}"#);
    let put = request(&sim, "PUT /v2/team/app/manifests/latest")
        .body(manifest)
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 404);
    assert!(put.text().await.unwrap().contains("MANIFEST_BLOB_UNKNOWN"));
}

fn location(sim: &RegistrySim, location: &str) -> String {
    if location.starts_with('/') {
        format!("{}{location}", sim.url())
    } else {
        location.to_owned()
    }
}
