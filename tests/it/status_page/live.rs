//! What a running daemon shows, and to whom.

use std::fs;

use registry_sim::{Profile, RegistrySim, Scheme};

use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, WRONG, Workplace, registry},
};

#[tokio::test]
async fn a_secret_that_became_another_is_named_on_the_page_and_in_the_api() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("robot", PASSWORD, [("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let place = Workplace::new(&format!(
        "registries:
  - name: production
    url: {}
    test_repository: team/app
    username: robot
    password_file: secret
    timeout: 1s
    checks: {{credentials: {{interval: 1s}}, pull: {{interval: 1s}}}}
",
        sim.url()
    ));
    fs::write(place.path("secret"), PASSWORD).unwrap();
    let daemon = Daemon::start(&place, &[]).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="production"} 1"#)
        .await;
    let calm = daemon.get("/api/v1/reports").await;
    assert!(!calm.contains("\"what\""), "first sight: {calm}");

    fs::write(place.path("secret"), WRONG).unwrap();
    let reports = daemon.page("/api/v1/reports", "\"what\": ").await;
    assert!(reports.contains("\"what\": \"secret\""), "{reports}");
    // The certificate, the addresses and the configuration are what they were.
    let named = |what: &str| reports.contains(&format!("\"what\": \"{what}\""));
    assert!(!named("configuration") && !named("exporter"), "{reports}");
    let page = daemon.page("/", "Changed since then: ").await;
    assert!(page.contains("<strong>the secret</strong>"), "{page}");
    let details = daemon.get("/?registry=production").await;
    assert!(details.contains("Last changes of status (2)"), "{details}");
    let nobody = daemon.get("/?registry=productoin").await;
    assert!(nobody.starts_with("HTTP/1.1 404 "), "{nobody}");
    assert!(nobody.contains("No such registry"), "{nobody}");
    for private in ["robot", PASSWORD, WRONG] {
        assert!(!page.contains(private) && !details.contains(private));
    }
}

#[tokio::test]
async fn the_page_shows_evidence_to_whom_the_operator_says() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("robot", PASSWORD, [("team/app", "pull")])
        .start()
        .await;
    let place = Workplace::new(&registry("production", &sim, WRONG));
    for (show, shown) in [("always", true), ("auth", false), ("never", false)] {
        let daemon = Daemon::start(&place, &["--web.show-evidence", show]).await;
        let page = "/?registry=production";
        let page = daemon.page(page, "The credentials are rejected").await;
        for private in ["robot", "Requests of the last run"] {
            assert_eq!(page.contains(private), shown, "{show}, {private}: {page}");
        }
        assert!(!page.contains(WRONG), "{page}");
    }
}
