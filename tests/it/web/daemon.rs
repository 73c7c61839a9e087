//! The flags, and what the daemon says of the file.

use std::fs;

use super::{
    https::{Client, basic, plain},
    tls_section, users_section,
};
use crate::{
    cli::{daemon::Daemon, run::Workplace},
    lab::certificates::Authority,
};

const CONFIG: &str = "registries:\n  - {name: a, url: http://127.0.0.1:1, test_repository: x}\n";

#[tokio::test]
async fn a_bad_file_is_a_mistake_of_the_configuration() {
    let place = Workplace::new(CONFIG);
    fs::write(place.path("web.yml"), "basic_auth_users:\n  anna: canary\n").unwrap();
    for line in [
        &["--web.config.file", "web.yml"][..],
        &["serve", "--web.config.file", "web.yml"],
        &["--config.check", "--web.config.file", "web.yml"],
        &["config", "check", "--web.config.file", "web.yml"],
    ] {
        let ended = place.run(line).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{line:?}"
        );
        let said =
            "web.yml:2:9: basic_auth_users.anna: what stands for the user `anna` is no bcrypt hash";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
    }
    let ended = place.run(&["check", "--web.config.file", "web.yml"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("is a flag of"), "{}", ended.stderr);
    let ended = place.run(&["--web.config.file", "none.yml"]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("none.yml: the file cannot be read"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_good_file_is_said_to_be_good_with_its_warnings() {
    let place = Workplace::new(CONFIG);
    fs::write(place.path("web.yml"), "basic_auth_users: {}\n").unwrap();
    let ended = place
        .run(&["config", "check", "--web.config.file", "web.yml"])
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "configuration ok: 1 registry, 1 repository, about 206 series\n"
    );
    let said = "warning: basic_auth_users: it holds nothing, and so changes nothing";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[tokio::test]
async fn the_daemon_serves_by_the_file_and_says_once_what_became_of_it() {
    let place = Workplace::new(CONFIG);
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let config = tls_section(&pair.cert, &pair.key, &[]) + &users_section(&[("anna", "right")]);
    fs::write(place.path("web.yml"), &config).unwrap();
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    command.env("OCI_REGISTRY_EXPORTER_WEB_CONFIG_FILE", "web.yml");
    let mut daemon = Daemon::spawn(command).await;
    let line = daemon.logged("web configuration loaded").await;
    assert!(
        line.contains("tls=true") && line.contains("authentication=true"),
        "{line}"
    );
    let client = Client::trusting(&authority.root());
    let right = basic("anna:right");
    let address = daemon.address;
    let ask = async |authorization: Option<&str>| {
        let answer = client.ask(address, "GET", "/metrics", authorization).await;
        answer.unwrap().status
    };
    assert_eq!((ask(None).await, ask(Some(&right)).await), (401, 200));
    assert_eq!(plain(address, "/metrics", None).await.unwrap().status, 400);

    fs::write(place.path("web.yml"), "basic_auth_users: {anna: canary}\n").unwrap();
    let asking = async {
        loop {
            assert_eq!(ask(Some(&right)).await, 200);
        }
    };
    let said = tokio::select! {
        line = daemon.logged("web configuration cannot be used") => line,
        () = asking => unreachable!("it has no end"),
    };
    assert!(said.contains("web.yml:1:26"), "{said}");
    fs::write(place.path("web.yml"), config.replace("anna", "bea")).unwrap();
    let bea = basic("bea:right");
    while ask(Some(&bea)).await == 401 {}
    assert_eq!(ask(Some(&bea)).await, 200);
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    let refusals = log.matches("web configuration cannot be used").count();
    assert_eq!(refusals, 1, "{log}");
    assert!(!log.contains("canary") && !log.contains("$2b$"), "{log}");
}

#[tokio::test]
async fn evidence_is_shown_as_the_flag_says() {
    for (when, shown) in [("always", true), ("never", false), ("auth", false)] {
        let config = CONFIG.replace(
            "test_repository: x",
            "test_repository: x, username: robot-canary, password: p",
        );
        let place = Workplace::new(&config);
        let mut daemon = Daemon::start(&place, &["--web.show-evidence", when]).await;
        let page = daemon.page("/api/v1/reports/a", "\"check\"").await;
        assert_eq!(page.contains("robot-canary"), shown, "{when}: {page}");
        daemon.signal("TERM").await;
        daemon.end().await;
    }
}
