//! TLS, HTTP/2, and origins of their own.

use http::Version;
use registry_sim::{Door, Fault, Profile, RegistrySim, Scheme};

use crate::client::{client, client_with, send, send_bearer, token};

#[tokio::test]
async fn one_handshake_serves_many_requests_over_http_2() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .start()
        .await;
    let client = client(&sim);
    for _ in 0..3 {
        let answer = client
            .get(format!("{}/v2/", sim.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.version()),
            (200, Version::HTTP_2)
        );
    }
    assert_eq!(
        (
            sim.connections(),
            sim.handshakes(),
            sim.resumed_handshakes()
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn head_has_the_headers_of_get_over_both_versions() {
    for tls in [false, true] {
        let sim = RegistrySim::profile(Profile::NATIVE).tls(tls).start().await;
        sim.push_image("team/app", "latest");
        let get = send(&sim, "GET /v2/team/app/manifests/latest", None).await;
        let head = send(&sim, "HEAD /v2/team/app/manifests/latest", None).await;
        for name in ["content-length", "content-type", "docker-content-digest"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
        assert_eq!(head.header("content-length"), get.body.len().to_string());
    }
}

#[tokio::test]
async fn a_resumed_session_is_no_full_handshake() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .start()
        .await;
    let client = client(&sim);
    for _ in 0..2 {
        // The fault makes the client connect anew with the session it keeps.
        client
            .get(format!("{}/v2/", sim.url()))
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .unwrap();
        sim.fault(Fault::any().once().close());
        assert!(client.get(format!("{}/x", sim.url())).send().await.is_err());
    }
    assert_eq!((sim.handshakes(), sim.resumed_handshakes()), (1, 1));
}

#[tokio::test]
async fn a_client_without_the_ca_is_turned_away() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .start()
        .await;
    let stranger = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .start()
        .await;
    let error = client(&stranger).get(sim.url()).send().await.unwrap_err();
    assert!(format!("{error:?}").contains("UnknownIssuer"), "{error:?}");
    assert_eq!((sim.connections(), sim.total_requests()), (1, 0));
}

#[tokio::test]
async fn a_certificate_can_be_expired_or_of_another_name() {
    let table = [
        (
            RegistrySim::profile(Profile::NATIVE).expired_certificate(),
            "Expired",
        ),
        (
            RegistrySim::profile(Profile::NATIVE).certificate_names(["other.example"]),
            "NotValidForName",
        ),
    ];
    for (builder, reason) in table {
        let sim = builder.start().await;
        let error = client(&sim).get(sim.url()).send().await.unwrap_err();
        assert!(format!("{error:?}").contains(reason), "{error:?}");
        assert_eq!(sim.total_requests(), 0);
    }
}

#[tokio::test]
async fn a_client_certificate_can_be_required() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .client_certificate()
        .start()
        .await;
    let url = format!("{}/v2/", sim.url());
    assert!(client(&sim).get(&url).send().await.is_err());
    assert_eq!(
        client_with(&sim, true)
            .get(&url)
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn registry_and_token_service_can_be_two_origins() {
    let sim = RegistrySim::profile(Profile::DOCKER_HUB)
        .ip([127, 0, 0, 2])
        .token_listener(([127, 0, 0, 3], 0).into())
        .user("robot", "secret", [("team/app", "pull")])
        .tls(true)
        .start()
        .await;
    assert!(sim.url().starts_with("https://127.0.0.2:"), "{}", sim.url());
    assert!(
        sim.token_url().starts_with("https://127.0.0.3:"),
        "{}",
        sim.token_url()
    );
    sim.push_image("team/app", "latest");
    let challenge = send(&sim, "GET /v2/", None).await;
    assert!(
        challenge
            .header("www-authenticate")
            .contains(&sim.token_url()),
        "{challenge:?}"
    );
    let granted = token(
        &sim,
        Some(("robot", "secret")),
        &["repository:team/app:pull"],
    )
    .await;
    assert_eq!(
        send_bearer(&sim, "HEAD /v2/team/app/manifests/latest", &granted)
            .await
            .status,
        200
    );
    assert_eq!(
        (
            sim.connections(),
            sim.token_connections(),
            sim.token_handshakes()
        ),
        (2, 1, 1)
    );
    let doors: Vec<Door> = sim.requests().iter().map(|logged| logged.door).collect();
    assert_eq!(doors, [Door::Registry, Door::Token, Door::Registry]);
}

#[tokio::test]
async fn a_realm_can_lead_anywhere() {
    let sim = RegistrySim::profile(Profile::PLAIN)
        .auth(Scheme::Bearer)
        .realm("http://169.254.169.254/token")
        .start()
        .await;
    let challenge = send(&sim, "GET /v2/", None).await;
    assert!(
        challenge
            .header("www-authenticate")
            .contains("http://169.254.169.254/token"),
        "{challenge:?}"
    );
}

#[tokio::test]
async fn one_registry_stands_at_many_origins() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .tls(true)
        .more_ports(2)
        .start()
        .await;
    let urls = sim.urls();
    assert_eq!((urls.len(), &urls[0]), (3, &sim.url()));
    let client = client(&sim);
    for url in &urls {
        let answer = client.get(format!("{url}/v2/")).send().await.unwrap();
        let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains(url), "{challenge}");
    }
    // A client that knows the host from another port may take its session up again.
    let handshakes = sim.handshakes() + sim.resumed_handshakes();
    assert_eq!((handshakes, sim.total_requests()), (3, 3));
}
