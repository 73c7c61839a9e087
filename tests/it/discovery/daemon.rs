//! Hostile documents, and the daemon that goes on.

use std::fs;

use registry_sim::{Profile, RegistrySim, Scheme};

use super::remote::Server;
use crate::cli::{daemon::Daemon, run::Workplace};

const SECRET: &str = "S3CRET-CANARY";

async fn registry() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user(
            "robot",
            SECRET,
            [("team/app", "pull"), ("team/base", "pull")],
        )
        .start()
        .await;
    for repository in ["team/app", "team/base"] {
        sim.push_image(repository, "latest");
    }
    sim
}

/// A platform's registry and a team's good document beside the hostile ones.
fn place(sim: &RegistrySim) -> Workplace {
    let place = Workplace::new(&format!(
        "defaults: {{checks: {{credentials: {{interval: 1h}}, pull: {{interval: 1h}}, referrers: {{interval: 1h}}}}}}
limits: {{repositories: 50, label_values: 20}}
credentials: {{team: {{username: robot, password: {SECRET}, hosts: [127.0.0.1]}}}}
registry_files: [{{paths: ['teams/*.yml'], may: [registries, repositories], interval: 1s}}]
registries: [{{name: shared, url: '{}', credentials: team, test_repository: team/app}}]
",
        sim.url()
    ));
    fs::create_dir(place.path("teams")).unwrap();
    let good = "repositories: [{registry: shared, name: team/base, credentials: team, labels: {team: a}}]\n";
    fs::write(place.path("teams/a.yml"), good).unwrap();
    place
}

/// The lines of the registry and the good document, which say when and how often it was asked.
fn of_the_fleet(page: &str) -> Vec<String> {
    let lines = page
        .lines()
        .filter(|line| line.contains("registry=\"shared\""));
    lines.map(str::to_owned).collect()
}

/// Documents, and where each is refused.
fn hostile(foreign: &Server) -> Vec<(String, &'static str)> {
    // No name of a host: only addresses are allowed for the set, and this is another one.
    let elsewhere = foreign.address.replace("127.0.0.1", "localhost");
    let flood = |count: usize| -> String {
        let one = |it| {
            format!(
                "  - {{registry: shared, name: t/r{it}, credentials: team, labels: {{team: t{it}}}}}\n"
            )
        };
        let all: String = (0..count).map(one).collect();
        format!("repositories:\n{all}")
    };
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\n";
    vec![
        ("repositories: [\n".to_owned(), "teams/evil.yml:2:1"),
        (
            format!("registries: [{{name: x, url: 'http://{elsewhere}', credentials: team}}]"),
            "teams/evil.yml:1:",
        ),
        (
            format!("registries: [{{name: shared, url: 'http://{elsewhere}'}}]"),
            "teams/evil.yml:1:21",
        ),
        (
            "repositories: [{registry: shared, name: team/base, credentials: team}]".to_owned(),
            "teams/evil.yml:1:41",
        ),
        (
            format!("{}{}", flood(1), &flood(1)["repositories:\n".len()..]),
            "teams/evil.yml:3:",
        ),
        (flood(1000), "teams/evil.yml:2:3"),
        (flood(25), "teams/evil.yml:2:3"),
        (
            "# without end\n".repeat(40_000),
            "teams/evil.yml: the document is larger",
        ),
        (bomb.to_owned(), "unfold to too many parts"),
        (
            "repositories: [{registry: shared, name: a/b, password: S3CRET-CANARY}]".to_owned(),
            "teams/evil.yml:1:46",
        ),
    ]
}

/// The fleet is as it was, and everybody is told who is not, without a secret.
async fn assert_undisturbed(daemon: &Daemon, before: &[String]) {
    let page = daemon.get("/metrics").await;
    assert_eq!(of_the_fleet(&page), before);
    for series in [
        r#"oci_registry_exporter_discovery_last_success{source="teams/evil.yml"} 0"#,
        r#"oci_registry_exporter_discovery_last_success{source="teams/a.yml"} 1"#,
        "oci_registry_exporter_config_last_reload_successful 1",
    ] {
        assert!(page.contains(series), "{series}: {page}");
    }
    let status = daemon.get("/").await;
    assert!(status.contains("teams/evil.yml"), "{status}");
    for shown in [page, status, daemon.get("/config").await] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn hostile_documents_are_refused_and_nobody_else_notices() {
    let sim = registry().await;
    let foreign = Server::start().await;
    let place = place(&sim);
    let mut daemon = Daemon::start(&place, &["--web.enable-lifecycle"]).await;
    daemon
        .page(
            "/metrics",
            r#"check="pull",repository="team/base",credential="team",status="pass",team="a"} 1"#,
        )
        .await;
    daemon
        .page("/metrics", "oci_registry_up{registry=\"shared\"} 1")
        .await;
    daemon
        .page("/metrics", "oci_registry_exporter_cycles_in_flight 0")
        .await;
    let before = of_the_fleet(&daemon.get("/metrics").await);
    let asked = sim.total_requests();

    for (text, place_said) in hostile(&foreign) {
        // Never half a file: the daemon's own look comes every second.
        fs::write(place.path("next"), &text).unwrap();
        fs::rename(place.path("next"), place.path("teams/evil.yml")).unwrap();
        let answer = daemon.request("POST", "/-/reload").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let line = daemon.logged("source=teams/evil.yml").await;
        assert!(
            line.contains(place_said) && line.contains("level=ERROR"),
            "{place_said}: {line}"
        );
        assert_undisturbed(&daemon, &before).await;
    }
    assert_eq!(foreign.asked(), 0);
    assert_eq!(sim.total_requests(), asked);

    // A look of its own sees it too, without any reload; and that it is gone.
    fs::write(place.path("teams/evil.yml"), "repositories: []\n").unwrap();
    daemon.logged("the document is good again").await;
    daemon
        .page(
            "/metrics",
            r#"oci_registry_exporter_discovery_last_success{source="teams/evil.yml"} 1"#,
        )
        .await;
    fs::remove_file(place.path("teams/evil.yml")).unwrap();
    daemon.logged("the document is gone").await;
    let page = daemon.get("/metrics").await;
    assert!(!page.contains("evil.yml"), "{page}");
    assert_eq!(of_the_fleet(&page), before);
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

/// What is bad is a failure where it is looked for, and a word elsewhere.
#[tokio::test]
async fn config_check_fails_for_a_bad_document_and_a_single_run_does_not() {
    let sim = registry().await;
    let place = place(&sim);
    let good = place.run(&["config", "check"]).await;
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(
        good.stdout.contains("1 registry, 2 repositories"),
        "{}",
        good.stdout
    );
    fs::write(place.path("teams/evil.yml"), "repositories: [").unwrap();
    let bad = place.run(&["config", "check"]).await;
    assert_eq!(bad.code, Some(2));
    assert!(
        bad.stderr.contains("warning: teams/evil.yml:2:1: "),
        "{}",
        bad.stderr
    );
    assert!(bad.stderr.contains("1 document is not"), "{}", bad.stderr);
    let run = place.run(&["check", "--check", "pull"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("teams/evil.yml:2:1"), "{}", run.stderr);
    let shown = place.run(&["config", "show", "--origin"]).await;
    assert!(
        shown
            .stdout
            .contains("- name: team/base  # document teams/a.yml line 1\n"),
        "{}",
        shown.stdout
    );
    let schema = place.run(&["config", "schema", "--document"]).await;
    assert!(
        schema.stdout.contains("Document of registries"),
        "{}",
        schema.stdout
    );
}
