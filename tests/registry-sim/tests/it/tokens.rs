//! Credentials and tokens, product by product.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use registry_sim::{Profile, RegistrySim, Scheme};
use serde_json::{Value, json};

use crate::client::{ask_token, request, send, send_bearer, token};

const ROBOT: Option<(&str, &str)> = Some(("robot", "secret"));
const WRONG: Option<(&str, &str)> = Some(("robot", "wrong"));
const HEAD: &str = "HEAD /v2/team/app/manifests/latest";
const PULL: &str = "repository:team/app:pull";

async fn sim(profile: &Profile) -> RegistrySim {
    let sim = RegistrySim::profile(profile)
        .user("robot", "secret", [("team/app", "pull,push")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

fn access(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()["access"]
        .clone()
}

#[tokio::test]
async fn a_token_opens_what_its_scope_names_and_no_more() {
    let sim = RegistrySim::profile(Profile::PLAIN)
        .auth(Scheme::Bearer)
        .user("robot", "secret", [("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let granted = token(&sim, ROBOT, &["repository:team/app:pull,push"]).await;
    assert_eq!(
        access(&granted),
        json!([{"type": "repository", "name": "team/app", "actions": ["pull"]}])
    );
    assert_eq!(send_bearer(&sim, "GET /v2/", &granted).await.status, 200);
    assert_eq!(send_bearer(&sim, HEAD, &granted).await.status, 200);
    let push = send_bearer(&sim, "POST /v2/team/app/blobs/uploads/", &granted).await;
    assert_eq!(push.status, 401);
    assert!(
        push.header("www-authenticate")
            .ends_with(r#"error="insufficient_scope""#),
        "{push:?}"
    );
}

#[tokio::test]
async fn a_token_ends_with_its_lifetime_or_on_demand() {
    let sim = RegistrySim::profile(Profile::PLAIN)
        .auth(Scheme::Bearer)
        .user("robot", "secret", [])
        .token_lifetime(Duration::ZERO)
        .start()
        .await;
    let dead = token(&sim, ROBOT, &[]).await;
    let answer = send_bearer(&sim, "GET /v2/", &dead).await;
    assert!(
        answer
            .header("www-authenticate")
            .ends_with(r#"error="invalid_token""#),
        "{answer:?}"
    );

    let sim = self::sim(&Profile::DOCKER_HUB).await;
    let good = token(&sim, ROBOT, &[PULL]).await;
    assert_eq!(send_bearer(&sim, HEAD, &good).await.status, 200);
    sim.expire_tokens();
    assert_eq!(send_bearer(&sim, HEAD, &good).await.status, 401);
}

#[tokio::test]
async fn a_password_grant_is_taken_where_post_is() {
    let sim = RegistrySim::profile(Profile::PLAIN)
        .auth(Scheme::Bearer)
        .user("robot", "secret", [])
        .start()
        .await;
    let form = "grant_type=password&username=robot&password=secret&service=registry-sim";
    let ask = crate::client::client(&sim).post(sim.token_url()).body(form);
    assert_eq!(ask.send().await.unwrap().status(), 200);
    let quay = self::sim(&Profile::QUAY_3_13).await;
    let ask = crate::client::client(&quay)
        .post(quay.token_url())
        .body(form);
    assert_eq!(ask.send().await.unwrap().status(), 405);
}

/// A wrong password, at the token endpoint without and with a scope.
#[tokio::test]
async fn a_wrong_password_shows_as_each_product_shows_it() {
    let table = [
        (Profile::HARBOR_2_11, 401, 200),
        (Profile::GHCR, 403, 403),
        (Profile::DOCKER_HUB, 401, 401),
        (Profile::QUAY_3_13, 401, 401),
    ];
    for (profile, without, with) in table {
        let sim = sim(&profile).await;
        assert_eq!(
            ask_token(&sim, WRONG, &[]).await.status,
            without,
            "{}",
            profile.name
        );
        assert_eq!(
            ask_token(&sim, WRONG, &[PULL]).await.status,
            with,
            "{}",
            profile.name
        );
    }
}

/// No credentials, at the token endpoint without and with a scope.
#[tokio::test]
async fn nobody_gets_what_each_product_gives_to_nobody() {
    let table = [
        (Profile::DOCKER_HUB, 200, 200),
        (Profile::GHCR, 401, 401),
        (Profile::GAR, 403, 403),
        (Profile::QUAY_3_13, 401, 200),
    ];
    for (profile, without, with) in table {
        let sim = sim(&profile).await;
        assert_eq!(
            ask_token(&sim, None, &[]).await.status,
            without,
            "{}",
            profile.name
        );
        assert_eq!(
            ask_token(&sim, None, &[PULL]).await.status,
            with,
            "{}",
            profile.name
        );
        sim.set_anonymous([("team/*", "pull")]);
        assert_eq!(
            ask_token(&sim, None, &[PULL]).await.status,
            200,
            "{}",
            profile.name
        );
    }
}

/// A known user without the right, after a token was given out.
#[tokio::test]
async fn a_missing_right_shows_as_each_product_shows_it() {
    let table = [
        (Profile::DOCKER_HUB, 401, r#"error="insufficient_scope""#),
        (Profile::HARBOR_2_11, 401, r#"Basic realm="harbor""#),
        (
            Profile::QUAY_3_13,
            401,
            r#"scope="repository:team/app:pull,push""#,
        ),
        (Profile::NATIVE, 403, ""),
    ];
    for (profile, status, challenge) in table {
        let sim = RegistrySim::profile(profile)
            .auth(Scheme::Bearer)
            .user("robot", "secret", [("team/app", "pull")])
            .start()
            .await;
        sim.push_image("team/app", "latest");
        let granted = token(&sim, ROBOT, &["repository:team/app:pull,push"]).await;
        let answer = send_bearer(&sim, "POST /v2/team/app/blobs/uploads/", &granted).await;
        assert_eq!(answer.status, status, "{}", profile.name);
        assert!(
            answer.header("www-authenticate").ends_with(challenge),
            "{}: {answer:?}",
            profile.name
        );
    }
}

#[tokio::test]
async fn harbor_flips_its_challenge_and_takes_basic_on_the_ping() {
    let sim = sim(&Profile::HARBOR_2_11).await;
    let anonymous = send(&sim, "GET /v2/", None).await;
    let expected = format!(
        r#"Bearer realm="{}",service="harbor-registry""#,
        sim.token_url()
    );
    assert_eq!(
        (anonymous.status, anonymous.header("www-authenticate")),
        (401, expected.as_str())
    );
    let wrong = send(&sim, "GET /v2/", WRONG).await;
    assert_eq!(
        (wrong.status, wrong.header("www-authenticate")),
        (401, r#"Basic realm="harbor""#)
    );
    assert_eq!(send(&sim, "GET /v2/", ROBOT).await.status, 200);

    let nobodys = token(&sim, WRONG, &[PULL]).await;
    assert_eq!(access(&nobodys)[0]["actions"], json!([]));
    assert_eq!(send_bearer(&sim, "GET /v2/", &nobodys).await.status, 401);
    let missing = send(&sim, "GET /v2/nobody/app/manifests/latest", None).await;
    assert_eq!(
        (missing.status, missing.header("www-authenticate")),
        (401, "")
    );
}

#[tokio::test]
async fn quay_refuses_the_delete_scope_and_creates_for_the_push_scope() {
    let sim = RegistrySim::profile(Profile::QUAY_3_13)
        .user("robot", "secret", [("team/*", "*")])
        .start()
        .await;
    assert_eq!(
        ask_token(&sim, ROBOT, &["repository:team/new:pull,delete"])
            .await
            .status,
        400
    );
    token(&sim, ROBOT, &["repository:team/new:pull"]).await;
    assert!(sim.repositories().is_empty());
    token(&sim, ROBOT, &["repository:team/new:pull,push"]).await;
    assert_eq!(sim.repositories(), ["team/new"]);
}

#[tokio::test]
async fn ecr_tells_an_expired_password_from_a_wrong_one() {
    let sim = RegistrySim::profile(Profile::ECR)
        .user("AWS", "good", [("*", "pull")])
        .start()
        .await;
    let wrong = send(&sim, "GET /v2/", Some(("AWS", "bad"))).await;
    assert_eq!((wrong.status, wrong.body.as_str()), (401, "Not Authorized"));
    assert!(
        wrong
            .header("www-authenticate")
            .ends_with(r#",service="ecr.amazonaws.com""#),
        "{wrong:?}"
    );
    sim.expire_user("AWS");
    let expired = send(&sim, "GET /v2/", Some(("AWS", "good"))).await;
    assert_eq!(
        (expired.verdict(), expired.header("www-authenticate")),
        ((403, "DENIED".to_owned()), "")
    );
    assert!(expired.body.contains("token has expired"), "{expired:?}");
}

/// ECR's template creates the repository for who may not push to it, too.
#[tokio::test]
async fn ecr_creates_what_it_then_refuses() {
    let sim = RegistrySim::profile(Profile::ECR_CREATE_ON_PUSH)
        .user("AWS", "good", [("*", "pull")])
        .start()
        .await;
    let post = "POST /v2/team/app/blobs/uploads/";
    assert_eq!(send(&sim, post, Some(("AWS", "bad"))).await.status, 401);
    assert!(sim.repositories().is_empty());
    assert_eq!(send(&sim, post, Some(("AWS", "good"))).await.status, 403);
    assert_eq!(sim.repositories(), ["team/app"]);
    assert_eq!(sim.open_sessions(), 0);
}

/// ECR Public: no challenge with the refusal of a token, a 403 to an old password.
#[tokio::test]
async fn ecr_public_refuses_in_its_own_ways() {
    let sim = RegistrySim::profile(Profile::ECR_PUBLIC)
        .user("AWS", "good", [("*", "pull")])
        .start()
        .await;
    let garbage = request(&sim, "GET /v2/").bearer_auth("garbage").send();
    let garbage = garbage.await.unwrap();
    assert_eq!(garbage.status(), 400);
    assert!(garbage.headers().get("www-authenticate").is_none());
    sim.expire_user("AWS");
    let expired = send(&sim, "GET /token/", Some(("AWS", "good"))).await;
    assert_eq!(expired.verdict(), (403, "DENIED".to_owned()));
    assert!(expired.body.contains("has expired"), "{expired:?}");
}

#[tokio::test]
async fn challenges_may_have_scopes_and_company_of_their_own() {
    let sim = RegistrySim::profile(Profile::GITEA)
        .tune(|profile| profile.auth.second_challenge = Some("Basic"))
        .start()
        .await;
    let answer = request(&sim, "GET /v2/").send().await.unwrap();
    let challenges: Vec<&str> = answer
        .headers()
        .get_all("www-authenticate")
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    let bearer = format!(
        "Bearer realm=\"{}\",service=\"container_registry\",scope=\"*\"",
        sim.token_url()
    );
    assert_eq!(challenges, [bearer.as_str(), "Basic"]);
}

#[tokio::test]
async fn zot_shows_its_challenge_on_a_200_too() {
    let sim = RegistrySim::profile(Profile::ZOT_MIXED)
        .user("robot", "secret", [("team/app", "pull")])
        .anonymous([("public/*", "pull")])
        .start()
        .await;
    sim.push_image("public/app", "latest");
    let open = send(&sim, "GET /v2/", None).await;
    assert_eq!(
        (open.status, open.header("www-authenticate")),
        (200, "basic realm=registry-sim")
    );
    let docker = request(&sim, "GET /v2/")
        .header("user-agent", "docker/27.0")
        .send()
        .await
        .unwrap();
    assert_eq!(docker.status(), 401);
    assert_eq!(
        send(&sim, "HEAD /v2/public/app/manifests/latest", None)
            .await
            .status,
        200
    );
    let denied = send(&sim, "POST /v2/team/app/blobs/uploads/", ROBOT).await;
    assert_eq!(denied.verdict(), (403, "DENIED".to_owned()));
    let bare = send(&sim, HEAD.replace("HEAD", "GET").as_str(), None).await;
    assert_eq!(
        (bare.status, &bare.json()["code"]),
        (401, &json!("UNAUTHORIZED"))
    );
}

#[tokio::test]
async fn artifactory_asks_for_a_scope_without_the_repository_key() {
    let sim = RegistrySim::profile(Profile::ARTIFACTORY_7_90)
        .user("robot", "secret", [("docker-local/team/app", "pull")])
        .start()
        .await;
    sim.push_image("docker-local/team/app", "latest");
    let line = "GET /v2/docker-local/team/app/manifests/latest";
    let challenge = send(&sim, line, None).await;
    assert!(
        challenge
            .header("www-authenticate")
            .ends_with(r#"scope="repository:team/app:pull""#),
        "{challenge:?}"
    );
    assert_eq!(challenge.json()["errors"][0]["status"], 401);
    let granted = token(&sim, ROBOT, &[PULL]).await;
    assert_eq!(send_bearer(&sim, line, &granted).await.status, 200);
}

#[tokio::test]
async fn passwords_and_rights_change_while_it_runs() {
    let sim = RegistrySim::profile(Profile::PLAIN)
        .user("robot", "secret", [("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    assert_eq!(send(&sim, HEAD, ROBOT).await.status, 200);
    sim.set_rights("robot", []);
    assert_eq!(send(&sim, HEAD, ROBOT).await.status, 403);
    sim.set_password("robot", "other");
    assert_eq!(send(&sim, HEAD, ROBOT).await.status, 401);
    sim.set_user("robot", "secret", [("*", "pull")]);
    assert_eq!(send(&sim, HEAD, ROBOT).await.status, 200);
}

#[tokio::test]
async fn a_canary_is_seen_wherever_it_stands() {
    let sim = sim(&Profile::DOCKER_HUB).await;
    assert!(!sim.saw("secret"));
    ask_token(&sim, ROBOT, &[]).await;
    assert!(sim.saw("robot:secret"), "decoded from Basic");
    let log = sim.requests();
    assert_eq!(log[0].authorization.as_deref(), Some("Basic"));
    assert!(
        !format!("{log:?} {:?}", log[0].headers()).contains("cm9ib3Q6c2VjcmV0"),
        "the value is kept from the log"
    );
    assert!(!sim.saw("canary"));
    request(&sim, "GET /v2/")
        .header("x-any", "a canary")
        .send()
        .await
        .unwrap();
    assert!(sim.saw("canary"));
}
