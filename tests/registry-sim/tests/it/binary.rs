//! The program for use by hand.

use std::process::Stdio;

use registry_sim::Profile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry-sim"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_prints_its_url_and_answers_there() {
    let arguments = [
        "--profile",
        "zot",
        "--user",
        "robot:secret:team/app=pull",
        "--auth",
        "basic",
    ];
    let mut child = program(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().unwrap();
    let line = format!("{url}/v2/team/app/manifests/latest");
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls())
        .no_proxy()
        .build()
        .unwrap();
    assert_eq!(client.head(&line).send().await.unwrap().status(), 401);
    let answer = client
        .head(&line)
        .basic_auth("robot", Some("secret"))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    child.kill().await.unwrap();
}

#[tokio::test]
async fn it_says_what_it_does_not_understand() {
    for (arguments, message) in [
        (vec!["--profile", "none"], "unknown profile: none"),
        (vec!["--listen"], "`--listen` needs a value"),
        (vec!["--auth", "x"], "not none, basic or bearer: x"),
        (vec!["--what"], "unknown argument: --what"),
    ] {
        let output = program(&arguments).output().await.unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && errors.starts_with(message),
            "{errors}"
        );
        assert!(
            errors.contains(Profile::HARBOR_2_11.name),
            "the usage lists the profiles"
        );
    }
}

fn tls() -> rustls::ClientConfig {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
