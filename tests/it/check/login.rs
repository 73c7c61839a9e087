//! Whose credentials an image is asked with, and where they may go.

use std::{fs, os::unix::fs::PermissionsExt};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use registry_sim::{RegistrySim, Scheme};

use super::{answers, run, sim};
use crate::cli::run::{PASSWORD, WRONG, Workplace};

fn docker(host: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("robot:{password}"));
    format!(r#"{{"auths": {{"{host}": {{"auth": "{auth}"}}}}}}"#)
}

async fn credentials(
    place: &Workplace,
    sim: &RegistrySim,
    arguments: &[&str],
    variables: &[(&str, &str)],
    stdin: &str,
) -> String {
    let image = format!("{}/team/app", sim.host());
    let checks = ["check", &image, "--check", "credentials", "--verbose"];
    let ended = run(place, &[&checks[..], arguments].concat(), variables, stdin).await;
    for secret in [PASSWORD, WRONG] {
        assert!(!ended.stdout.contains(secret), "{}", ended.stdout);
        assert!(!ended.stderr.contains(secret), "{}", ended.stderr);
    }
    let line = answers(&ended.stdout).concat();
    let user = ended.stdout.contains("username: robot");
    format!("{line}{}", if user { " robot" } else { "" })
}

/// In the order in which they are looked for: the one before wins, be it wrong.
#[tokio::test]
async fn a_stated_login_then_the_variables_then_docker_s_then_none() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::empty();
    let folder = place.path("docker");
    fs::create_dir(&folder).unwrap();
    let config = folder.to_str().unwrap();
    let write = |password: &str| {
        fs::write(folder.join("config.json"), docker(&sim.host(), password)).unwrap();
    };
    let stated = ["--username", "robot", "--password-stdin"];
    let variables = |password| [("OCI__Username", "robot"), ("OCI__Password", password)];
    write(WRONG);
    let right = variables(PASSWORD);
    let wrong = variables(WRONG);
    let with_docker = [("DOCKER_CONFIG", config)];
    let good = "credentials PASS robot";
    let bad = "credentials FAIL robot";
    let all = [&wrong[..], &with_docker].concat();
    assert_eq!(
        credentials(&place, &sim, &stated, &all, PASSWORD).await,
        good
    );
    let all = [&right[..], &with_docker].concat();
    assert_eq!(credentials(&place, &sim, &stated, &all, WRONG).await, bad);
    assert_eq!(credentials(&place, &sim, &[], &all, "").await, good);
    assert_eq!(credentials(&place, &sim, &[], &with_docker, "").await, bad);
    write(PASSWORD);
    let docker = credentials(&place, &sim, &[], &with_docker, "").await;
    assert!(docker.starts_with("credentials PASS"), "{docker}");
    assert_eq!(
        credentials(&place, &sim, &[], &[], "").await,
        "credentials FAIL"
    );
}

#[tokio::test]
async fn docker_s_login_is_found_at_home_and_only_that_of_the_registry() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::empty();
    let home = place.path("");
    fs::create_dir(home.join(".docker")).unwrap();
    let variables = [("HOME", home.to_str().unwrap())];
    let file = home.join(".docker/config.json");
    fs::write(&file, docker(&sim.host(), PASSWORD)).unwrap();
    let found = credentials(&place, &sim, &[], &variables, "").await;
    assert!(found.starts_with("credentials PASS"), "{found}");
    // Of another registry: as without any, and that password goes nowhere.
    fs::write(&file, docker("ghcr.io", WRONG)).unwrap();
    let none = credentials(&place, &sim, &[], &variables, "").await;
    assert_eq!(none, "credentials PASS", "anonymous");
    assert!(!sim.saw(WRONG));
    // Broken: said, and no anonymous access in its place.
    fs::write(&file, "{").unwrap();
    let asked = sim.total_requests();
    let broken = credentials(&place, &sim, &[], &variables, "").await;
    assert_eq!(broken, "credentials FAIL");
    assert_eq!(sim.total_requests(), asked);
}

/// Docker Desktop names a helper for all registries, also for those it has nothing for.
#[tokio::test]
async fn a_helper_that_has_nothing_leaves_it_anonymous() {
    let sim = sim(Scheme::Bearer).await;
    sim.set_anonymous([("team/app", "pull")]);
    let place = Workplace::empty();
    let folder = place.path("bin");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("config.json"), r#"{"credsStore": "lab"}"#).unwrap();
    let program = folder.join("docker-credential-lab");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let variables = [("DOCKER_CONFIG", folder.to_str().unwrap()), ("PATH", &path)];
    let answer = format!(r#"{{"Username":"robot","Secret":"{PASSWORD}"}}"#);
    for (said, code, expected) in [
        (
            "credentials not found in native keychain",
            1,
            "credentials PASS",
        ),
        (answer.as_str(), 0, "credentials PASS"),
        ("locked", 1, "credentials FAIL"),
    ] {
        // By another process: one that this process wrote may be busy when it is started.
        let script = format!("#!/bin/sh\ncat >/dev/null\necho '{said}'\nexit {code}\n");
        let copied = std::process::Command::new("/bin/sh")
            .args(["-c", "printf %s \"$1\" >\"$2\"", "sh", &script])
            .arg(&program)
            .status();
        assert!(copied.unwrap().success());
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let shown = credentials(&place, &sim, &[], &variables, "").await;
        assert!(shown.starts_with(expected), "{said}: {shown}");
    }
}

#[tokio::test]
async fn variables_of_another_registry_are_not_sent() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::empty();
    let variables = [
        ("OCI__RegistryUrl", "https://other.example.com"),
        ("OCI__Username", "robot"),
        ("OCI__Password", WRONG),
    ];
    let shown = credentials(&place, &sim, &[], &variables, "").await;
    assert_eq!(shown, "credentials FAIL");
    assert!(!sim.saw(&STANDARD.encode(format!("robot:{WRONG}"))));
}

#[tokio::test]
async fn variables_without_a_registry_are_for_one_registry() {
    let (one, two) = (sim(Scheme::Basic).await, sim(Scheme::Basic).await);
    let place = Workplace::empty();
    let images = [one.host(), two.host()].map(|host| format!("{host}/team/app"));
    let variables = [("OCI__Username", "robot"), ("OCI__Password", PASSWORD)];
    let arguments = ["check", &images[0], &images[1]];
    let ended = run(&place, &arguments, &variables, "").await;
    assert_eq!(ended.code, Some(2), "{}", ended.stdout);
    assert!(ended.stderr.contains("is one login"), "{}", ended.stderr);
    assert_eq!(one.total_requests() + two.total_requests(), 0);
}

/// They are of use for an image, also beside a file that does not use them.
#[tokio::test]
async fn variables_that_are_used_are_not_warned_of() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new("registries: [{name: other, url: https://a.example.com}]");
    let image = format!("{}/team/app", sim.host());
    let variables = [("OCI__Username", "robot"), ("OCI__Password", PASSWORD)];
    let checks = ["--check", "credentials"];
    let ended = run(
        &place,
        &[&["check", &image][..], &checks].concat(),
        &variables,
        "",
    )
    .await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{}",
        ended.stdout
    );
    let ended = run(&place, &["config", "check"], &variables, "").await;
    assert!(ended.stderr.contains("has no effect"), "{}", ended.stderr);
}
