//! Credential helpers as programs on the PATH of the binary, and secrets at every
//! place where a source of credentials can fail: none may come out.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use registry_sim::{Profile, RegistrySim, Scheme};
use serde_json::Value;

use super::{
    daemon::Daemon,
    run::{PASSWORD, WRONG, Workplace},
    secrets, sim,
};

/// The user name of a registry's refresh token, and the token.
const REFRESH: &str = "canary-of-the-refresh-token";

/// Gives the binary a helper `docker-credential-lab`, made of these lines of a shell
/// script; it leaves its arguments and its environment in the folder.
fn install(place: &Workplace, script: &str) {
    let folder = place.path("bin");
    fs::create_dir_all(&folder).unwrap();
    // Written by a program that has ended: one that this process wrote might still be
    // open in a child of another test when it is started.
    fs::write(folder.join("script"), script).unwrap();
    let launcher = format!(
        "#!/bin/sh\necho \"$*\" >{0}/arguments\nenv >{0}/environment\n. {0}/script\n",
        folder.display()
    );
    let path = folder.join("docker-credential-lab");
    let copied = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" >\"$2\"", "sh", &launcher])
        .arg(&path)
        .status();
    assert!(copied.unwrap().success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn command(place: &Workplace, arguments: &[&str]) -> tokio::process::Command {
    let mut command = place.command(arguments);
    let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
    command
        .env("PATH", path)
        .env("OCI_CANARY", WRONG)
        .env("AWS_REGION", "eu-central-1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a run printed, to stdout and stderr, and how it ended.
async fn run(place: &Workplace, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command(place, arguments).output().await.unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// `status/reason: message` of the credentials check.
fn credentials(json: &str) -> String {
    let json: Value = serde_json::from_str(json).unwrap();
    let report = &json["reports"][0];
    assert_eq!(report["check"], "check.integration.oci.credentials");
    format!(
        "{}/{}: {}",
        report["status"].as_str().unwrap(),
        report["reason"].as_str().unwrap_or_default(),
        report["message"].as_str().unwrap()
    )
}

fn registry(sim: &RegistrySim, source: &str) -> String {
    format!(
        "registries:\n  - name: lab\n    url: {}\n    test_repository: team/app\n    timeout: 2s\n    request_timeout: 2s\n    connect_timeout: 2s\n    {source}\n",
        sim.url()
    )
}

fn answers(username: &str, secret: &str) -> String {
    format!(r#"cat >/dev/null; printf '{{"Username":"{username}","Secret":"{secret}"}}'"#)
}

#[tokio::test]
async fn a_helper_on_the_path_is_asked_without_a_secret_in_its_arguments_or_environment() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry(&sim, "credential_helper: lab"));
    install(&place, &answers("robot", PASSWORD));
    let (code, stdout, stderr) = run(&place, &["check"]).await;
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let left = |name: &str| fs::read_to_string(place.path("bin").join(name)).unwrap();
    assert_eq!(left("arguments"), "get\n");
    let environment = left("environment");
    assert!(
        environment.contains("AWS_REGION=eu-central-1"),
        "{environment}"
    );
    for secret in secrets() {
        assert!(!environment.contains(&secret), "{environment}");
    }
}

/// By `credHelpers` of Docker's configuration, with an identity token as Azure's helper gives it.
#[tokio::test]
async fn a_helper_that_docker_s_configuration_names_gives_an_identity_token() {
    let sim = RegistrySim::profile(Profile::ACR)
        .user("robot", PASSWORD, [("team/app", "pull")])
        .refresh_token("robot", REFRESH)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let place = Workplace::new(&registry(&sim, "docker_config: config.json"));
    let file = format!(r#"{{"credHelpers":{{"{}":"lab"}}}}"#, sim.host());
    fs::write(place.path("config.json"), file).unwrap();
    install(&place, &answers("<token>", REFRESH));
    let (_, json, _) = run(
        &place,
        &["check", "--format", "json", "--check", "credentials"],
    )
    .await;
    assert_eq!(
        credentials(&json),
        format!("pass/: Credentials valid for {}", sim.host())
    );
    assert!(
        json.contains(r#""auth_method": "identity_token""#),
        "{json}"
    );
    assert!(sim.saw(REFRESH));
}

/// Every way in which a source can fail, with a secret in the midst of it: a verdict
/// in words, nothing sent, and the secret in no report, log, page or metric.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a row for every failure")]
async fn no_secret_comes_out_however_a_source_fails() {
    let sim = sim(Scheme::Bearer).await;
    sim.set_anonymous([("team/app", "pull")]);
    let entry = |entry: &str| format!(r#"{{"auths":{{"{}":{entry}}}}}"#, sim.host());
    let helped =
        |said: &str| format!("fail/config: The credential helper `docker-credential-lab`{said}");
    let from_helper = "credential_helper: lab";
    let from_docker = "docker_config: config.json";
    let docker = format!("/{}", "config.json");
    for (source, script, file, expected) in [
        (
            from_helper,
            format!("echo {PASSWORD}"),
            String::new(),
            helped(" printed something else"),
        ),
        (
            from_helper,
            format!("echo 'the password {PASSWORD} is no good'; echo {PASSWORD} >&2; exit 1"),
            String::new(),
            helped(" failed (exit status: 1): the [hidden] is no [hidden]"),
        ),
        (
            from_helper,
            format!("printf '{PASSWORD}%.0s' $(seq 40000)"),
            String::new(),
            helped(" printed more than 64 KiB"),
        ),
        (
            from_helper,
            answers("ro:bot", PASSWORD),
            String::new(),
            "fail/config: The user name of".to_owned(),
        ),
        (
            from_helper,
            format!("echo {PASSWORD}; sleep 1000"),
            String::new(),
            "unknown/timeout: The credentials could not be read within the 2s of this check"
                .to_owned(),
        ),
        (
            "credential_helper: absent",
            String::new(),
            String::new(),
            "fail/config: The credential helper `docker-credential-absent` is not on the PATH"
                .to_owned(),
        ),
        (
            from_docker,
            String::new(),
            PASSWORD.to_owned(),
            format!("{docker}` is no JSON"),
        ),
        (
            from_docker,
            String::new(),
            entry(&format!("\"{PASSWORD}\"")),
            format!("{docker}` is not of the form"),
        ),
        (
            from_docker,
            String::new(),
            entry(&format!(r#"{{"auth":"{PASSWORD}"}}"#)),
            format!("{docker}` is not the base64 form"),
        ),
        (
            from_docker,
            String::new(),
            entry(&format!(
                r#"{{"auth":"{}"}}"#,
                BASE64_STANDARD.encode(format!(":{PASSWORD}"))
            )),
            "fail/config: The user name in the entry".to_owned(),
        ),
        (
            from_docker,
            String::new(),
            entry(&format!(r#"{{"registrytoken":"{PASSWORD} x"}}"#)),
            "holds white space".to_owned(),
        ),
        (
            from_docker,
            String::new(),
            format!(r#"{{"credsStore":"/{PASSWORD}"}}"#),
            "names a credential helper whose name".to_owned(),
        ),
        (
            from_docker,
            format!("echo {PASSWORD}; exit 1"),
            r#"{"credsStore":"lab"}"#.to_owned(),
            helped(" failed (exit status: 1) without a word"),
        ),
        (
            "token_file: config.json",
            String::new(),
            format!("eyJ.{PASSWORD}.x"),
            "does not decode".to_owned(),
        ),
    ] {
        let place = Workplace::new(&registry(&sim, source));
        install(&place, &script);
        fs::write(place.path("config.json"), &file).unwrap();
        sim.take_requests();
        let case = format!("{source} {script} {file}");
        let (_, json, log) = run(
            &place,
            &[
                "check",
                "--format",
                "json",
                "--log.level",
                "debug",
                "--check",
                "credentials",
            ],
        )
        .await;
        assert!(credentials(&json).contains(&expected), "{case}: {json}");
        // Not even as nobody.
        assert!(sim.take_requests().is_empty(), "{case}");
        let (_, text, more) = run(
            &place,
            &[
                "check",
                "--verbose",
                "--log.level",
                "debug",
                "--check",
                "credentials",
                "--log.format",
                "json",
            ],
        )
        .await;
        for shown in [&json, &log, &text, &more] {
            assert!(!shown.contains("canary-of"), "{case}: {shown}");
        }
    }
}

/// The daemon's pages and its log, with a helper whose password the registry rejects.
#[tokio::test]
async fn no_secret_of_a_helper_is_on_a_page_of_the_daemon() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry(&sim, "credential_helper: lab"));
    install(&place, &answers("robot", WRONG));
    let mut command = command(&place, &["--log.level", "debug"]);
    command.args(["--web.listen-address", "127.0.0.1:0"]);
    let mut daemon = Daemon::spawn(command).await;
    let invalid = r#"oci_registry_credentials_valid{registry="lab",credential="inline"} 0"#;
    let metrics = daemon.page("/metrics", invalid).await;
    assert!(
        !metrics.contains("oci_registry_credentials_expiry"),
        "{metrics}"
    );
    let reports = daemon.get("/api/v1/reports").await;
    daemon.signal("TERM").await;
    let (_, log) = daemon.end().await;
    // The requests are in it, or the search says nothing.
    assert!(log.contains("operation=token"), "{log}");
    for secret in secrets() {
        for shown in [&metrics, &reports, &log] {
            assert!(!shown.contains(&secret), "{shown}");
        }
    }
}
