//! What each product does with referrers, deletion and limits.

use registry_sim::profile::{NativeReferrers, Site};
use registry_sim::{Profile, Referrers, RegistrySim, Scheme};
use serde_json::json;

use crate::client::{ZERO, send};

async fn open(profile: &Profile) -> RegistrySim {
    RegistrySim::profile(profile)
        .auth(Scheme::None)
        .start()
        .await
}

/// Referrers of a digest that is there, and of one that is not.
#[tokio::test]
async fn referrers_are_answered_as_each_product_answers_them() {
    let table = [
        ("plain", 404, 404, "404 page not found\n"),
        ("harbor-2.6", 404, 404, "404 page not found\n"),
        ("harbor-2.8", 200, 200, "{}"),
        ("harbor-2.11", 200, 200, r#""manifests":[]"#),
        ("harbor-2.10", 200, 200, "{}"),
        ("quay-3.11", 404, 404, "404 page not found\n"),
        ("quay-3.12", 200, 404, "MANIFEST_UNKNOWN"),
        ("quay-3.13", 200, 400, "MANIFEST_INVALID"),
        ("ghcr", 303, 303, ""),
        ("zot", 200, 200, r#""manifests":[]"#),
        ("acr", 200, 200, r#""manifests":[]"#),
        ("acr-cmk", 404, 404, "UNSUPPORTED"),
        ("acr-firewall", 403, 403, "is not allowed access"),
        ("artifactory-7.84", 404, 404, "Not Found"),
        ("docker-hub", 200, 200, r#""manifests":[]"#),
        ("docker-hub-fallback", 404, 404, ""),
        ("docker-hub-abuse", 429, 429, ""),
        ("gitlab", 404, 404, ""),
        ("gitea", 404, 404, ""),
        ("olareg", 405, 405, "UNSUPPORTED"),
        ("ggcr", 404, 404, "METHOD_UNKNOWN"),
        ("html", 200, 200, "<form"),
        ("captive-portal", 302, 302, ""),
    ];
    for (name, known, unknown, body) in table {
        let sim = open(&Profile::named(name).unwrap()).await;
        let image = sim.push_image("team/app", "latest");
        let answer = send(&sim, &format!("GET /v2/team/app/referrers/{image}"), None).await;
        assert_eq!(answer.status, known, "{name}");
        let answer = send(&sim, &format!("GET /v2/team/app/referrers/{ZERO}"), None).await;
        assert_eq!(answer.status, unknown, "{name}");
        assert!(answer.body.contains(body), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn referrers_are_filtered_and_paged() {
    let page = |profile: &mut Profile| {
        let Referrers::Native(native) = profile.referrers else {
            panic!("native referrers")
        };
        profile.referrers = Referrers::Native(NativeReferrers {
            page: Some(2),
            ..native
        });
    };
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tune(page)
        .start()
        .await;
    let image = sim.push_image("team/app", "latest");
    let sboms: Vec<String> = (0..3)
        .map(|_| sim.push_referrer("team/app", &image, "application/spdx+json"))
        .collect();
    sim.push_referrer("team/app", &image, "application/other");

    let mut path = format!("/v2/team/app/referrers/{image}?artifactType=application/spdx%2Bjson");
    let mut found = Vec::new();
    loop {
        let answer = send(&sim, &format!("GET {path}"), None).await;
        assert_eq!(answer.header("oci-filters-applied"), "artifactType");
        assert_eq!(
            answer.header("content-type"),
            "application/vnd.oci.image.index.v1+json"
        );
        for entry in answer.json()["manifests"].as_array().unwrap() {
            found.push(entry["digest"].as_str().unwrap().to_owned());
        }
        let Some(next) = answer.header("link").strip_suffix(r#">; rel="next""#) else {
            break;
        };
        path = next.trim_start_matches('<').to_owned();
    }
    assert_eq!(found, sboms);
}

#[tokio::test]
async fn a_registry_without_the_api_gets_the_referrers_tag() {
    let sim = open(&Profile::PLAIN).await;
    let image = sim.push_image("team/app", "latest");
    let referrer = sim.push_referrer("team/app", &image, "application/spdx+json");
    let tag = image.replace(':', "-");
    let index = send(&sim, &format!("GET /v2/team/app/manifests/{tag}"), None)
        .await
        .json();
    assert_eq!(index["manifests"][0]["digest"], json!(referrer));
}

#[tokio::test]
async fn a_capability_can_be_lost_while_it_runs() {
    let sim = open(&Profile::NATIVE).await;
    let line = format!("GET /v2/team/app/referrers/{ZERO}");
    assert_eq!(send(&sim, &line, None).await.status, 200);
    sim.tune(|profile| profile.referrers = Referrers::NoRoute);
    assert_eq!(send(&sim, &line, None).await.status, 404);
}

/// DELETE of the zero digest as a manifest and as a blob, and of a tag that is
/// not there.
#[tokio::test]
async fn deletion_is_refused_as_each_product_refuses_it() {
    let table = [
        (
            "distribution-2.8",
            (405, "UNSUPPORTED"),
            (405, "UNSUPPORTED"),
            405,
        ),
        (
            "distribution-2.8-delete",
            (404, "MANIFEST_UNKNOWN"),
            (404, "BLOB_UNKNOWN"),
            400,
        ),
        (
            "native",
            (404, "MANIFEST_UNKNOWN"),
            (404, "BLOB_UNKNOWN"),
            404,
        ),
        (
            "harbor-2.11",
            (404, "NOT_FOUND"),
            (404, "BLOB_UNKNOWN"),
            400,
        ),
        (
            "quay-3.13",
            (404, "MANIFEST_UNKNOWN"),
            (405, "UNSUPPORTED"),
            404,
        ),
        ("acr", (404, "MANIFEST_UNKNOWN"), (404, "BLOB_UNKNOWN"), 405),
        ("artifactory-7.90", (404, ""), (405, ""), 404),
        ("ghcr", (405, "UNSUPPORTED"), (405, "UNSUPPORTED"), 405),
        ("gitea", (404, "MANIFEST_UNKNOWN"), (202, ""), 404),
        ("olareg", (405, "UNSUPPORTED"), (405, "UNSUPPORTED"), 405),
        (
            "ggcr",
            (404, "MANIFEST_UNKNOWN"),
            (500, "INTERNAL_SERVER_ERROR"),
            404,
        ),
    ];
    for (name, manifest, blob, tag) in table {
        let sim = open(&Profile::named(name).unwrap()).await;
        sim.push_image("team/app", "latest");
        let answer = send(&sim, &format!("DELETE /v2/team/app/manifests/{ZERO}"), None).await;
        assert_eq!(
            answer.verdict(),
            (manifest.0, manifest.1.to_owned()),
            "{name}"
        );
        let answer = send(&sim, &format!("DELETE /v2/team/app/blobs/{ZERO}"), None).await;
        assert_eq!(answer.verdict(), (blob.0, blob.1.to_owned()), "{name}");
        let answer = send(&sim, "DELETE /v2/team/app/manifests/none", None).await;
        assert_eq!(answer.status, tag, "{name}");
    }
}

#[tokio::test]
async fn docker_hub_counts_gets_and_not_heads() {
    let sim = open(&Profile::DOCKER_HUB).await;
    sim.push_image("team/app", "latest");
    sim.set_pulls_left(1);
    let line = "HEAD /v2/team/app/manifests/latest";
    assert_eq!(
        send(&sim, line, None).await.header("ratelimit-remaining"),
        "1;w=21600"
    );
    let get = send(&sim, "GET /v2/team/app/manifests/latest", None).await;
    assert_eq!(
        (get.status, get.header("ratelimit-remaining")),
        (200, "0;w=21600")
    );
    let limited = send(&sim, "GET /v2/team/app/manifests/latest", None).await;
    assert_eq!(limited.verdict(), (429, "TOOMANYREQUESTS".to_owned()));
}

/// The pull limit is announced where there is one, and where it is used up a GET is
/// refused and a HEAD is not.
#[tokio::test]
async fn docker_hub_has_three_kinds_of_callers() {
    for (profile, remaining, get) in [
        (Profile::DOCKER_HUB, "99;w=21600", 200),
        (Profile::DOCKER_HUB_LIMITED, "0;w=21600", 429),
        (Profile::DOCKER_HUB_PAID, "", 200),
    ] {
        let sim = open(&profile).await;
        sim.push_image("team/app", "latest");
        let got = send(&sim, "GET /v2/team/app/manifests/latest", None).await;
        assert_eq!(got.status, get, "{}", profile.name);
        let head = send(&sim, "HEAD /v2/team/app/manifests/latest", None).await;
        assert_eq!(
            (head.status, head.header("ratelimit-remaining")),
            (200, remaining),
            "{}",
            profile.name
        );
    }
}

/// The `Range` of the second of two chunks of five bytes.
#[tokio::test]
async fn ranges_are_counted_as_each_product_counts_them() {
    for (profile, status, range) in [
        (Profile::NATIVE, 202, "0-9"),
        (Profile::ECR, 201, "0-4"),
        (Profile::GHCR, 202, "0-4"),
        (Profile::ARTIFACTORY_7_90, 202, "5-9"),
        (Profile::GGCR, 204, "0-9"),
        (Profile::CLOUDSMITH, 416, ""),
    ] {
        let sim = open(&profile).await;
        sim.push_image("team/app", "latest");
        let mut answer = send(&sim, "POST /v2/team/app/blobs/uploads/", None).await;
        for (range, chunk) in [("0-4", "hello"), ("5-9", "world")] {
            let location = answer.header("location");
            let url = reqwest::Url::parse(&sim.url())
                .unwrap()
                .join(location)
                .unwrap();
            let patch = crate::client::client(&sim)
                .patch(url)
                .header("content-range", range)
                .body(chunk);
            answer = crate::client::Answer::read(patch.send().await.unwrap()).await;
            if answer.status == 416 {
                break;
            }
        }
        assert_eq!(
            (answer.status, answer.header("range")),
            (status, range),
            "{}",
            profile.name
        );
    }
}

#[tokio::test]
async fn gitlab_resolves_the_referrers_tag_to_its_subject() {
    let sim = open(&Profile::GITLAB).await;
    let image = sim.push_image("team/app", "latest");
    let line = format!("HEAD /v2/team/app/manifests/{}", image.replace(':', "-"));
    let answer = send(&sim, &line, None).await;
    assert_eq!(
        (answer.status, answer.header("docker-content-digest")),
        (200, image.as_str())
    );
}

#[tokio::test]
async fn distribution_hides_an_image_from_who_does_not_name_its_type() {
    let sim = open(&Profile::DISTRIBUTION_2_8).await;
    sim.push_image("team/app", "latest");
    let url = format!("{}/v2/team/app/manifests/latest", sim.url());
    let answer = crate::client::client(&sim).head(&url).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn every_profile_has_a_name_of_its_own_and_answers_the_ping() {
    let mut names: Vec<&str> = Profile::ALL.iter().map(|profile| profile.name).collect();
    for profile in Profile::ALL {
        let sim = open(profile).await;
        let status = match profile.site {
            Site::Registry => 200,
            Site::Page { status, .. } | Site::Moved { status, .. } => status,
            Site::Refused(refusal) => refusal.status,
        };
        assert_eq!(
            send(&sim, "GET /v2/", None).await.status,
            status,
            "{}",
            profile.name
        );
        assert_eq!(
            Profile::named(profile.name).map(|named| named.name),
            Some(profile.name)
        );
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Profile::ALL.len());
}
