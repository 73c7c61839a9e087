//! `check` at home in pipelines: what may be asked for, by whom, in which form, and
//! what a script gets of it.

mod ci;
mod forms;
mod from;
mod login;
mod schema;
mod terminal;
mod until;

use std::{path::Path, process::Stdio};

use registry_sim::{Operation, Profile, RegistrySim, Scheme};
use tokio::io::AsyncWriteExt;

use crate::cli::run::{Ended, PASSWORD, WRONG, Workplace, registry};

/// A registry with the image `team/app:latest` and a robot who may do all to it.
async fn sim(scheme: Scheme) -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(scheme)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

/// Runs the binary with variables and a text on stdin.
async fn run(
    place: &Workplace,
    arguments: &[&str],
    variables: &[(&str, &str)],
    stdin: &str,
) -> Ended {
    let mut child = place
        .command(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // Who does not read it may have ended already.
    let _ = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let output = child.wait_with_output().await.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The lines of the checks as `pull PASS`.
fn answers(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("check.integration.oci."));
    lines
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn an_image_or_a_url_is_asked_without_any_configuration() {
    let sim = sim(Scheme::None).await;
    sim.push_image("team/app", "1.2");
    let digest = sim.tagged("team/app", "1.2").unwrap();
    let host = sim.host();
    let place = Workplace::empty();
    for (target, reference) in [
        (format!("{host}/team/app:1.2"), "1.2"),
        (format!("{host}/team/app"), "latest"),
        (format!("{host}/team/app@{digest}"), digest.as_str()),
        (format!("{host}/team/app:nothing@{digest}"), digest.as_str()),
        (format!("{}/team/app:1.2", sim.url()), "1.2"),
        (format!("{}/v2/team/app", sim.url()), "latest"),
    ] {
        let ended = place.run(&["check", &target, "--format", "json"]).await;
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{target}"
        );
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        let pull = &document["reports"][1];
        assert_eq!(pull["registry"], host, "{target}");
        assert_eq!(pull["repository"], "team/app", "{target}");
        assert_eq!(pull["status"], "pass", "{target}");
        assert_eq!(pull["evidence"]["test_tag"], reference, "{target}");
    }
    // Without a repository one is guessed, and its absence says nothing.
    let ended = place.run(&["check", &sim.url()]).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert_eq!(
        answers(&ended.stdout)[..3],
        ["credentials PASS", "pull INFO", "push SKIP"]
    );
}

#[tokio::test]
async fn what_is_configured_wins_over_an_image_and_a_slip_is_told() {
    let sim = sim(Scheme::Bearer).await;
    let image = format!("{}/team/app", sim.host());
    let config = registry(&image, &sim, PASSWORD);
    let place = Workplace::new(&config);
    // The configured one has a password, the image of this name none.
    let ended = place
        .run(&["check", &image, "--check", "credentials"])
        .await;
    assert_eq!(answers(&ended.stdout), ["credentials PASS"]);
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let asked = sim.total_requests();
    for (target, said) in [
        ("prodution", "did you mean `production`?"),
        (
            "127.0.0.1:5000",
            "write `https://127.0.0.1:5000` for the registry",
        ),
        (
            "Prod:x:y",
            "is neither a configured registry nor an image or URL",
        ),
        ("bob:hunter2@x y", "the TARGET is neither"),
        ("ftp://x", "neither http nor https"),
        (
            "https://bob:hunter2@ghcr.io",
            "use `--username` and `--password-stdin`",
        ),
    ] {
        let ended = place.run(&["check", target]).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{target}"
        );
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert!(ended.stderr.contains("`production`"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    }
    assert_eq!(sim.total_requests(), asked);
    // Beside each other, the configured first.
    let ended = place
        .run(&["check", &image, "production", "--check", "pull"])
        .await;
    let blocks: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("Registry: ")?.split(' ').next())
        .collect();
    assert_eq!(blocks, ["production", &sim.host()], "{}", ended.stdout);
}

#[tokio::test]
async fn several_images_of_one_registry_are_told_apart() {
    let sim = sim(Scheme::None).await;
    sim.push_image("team/app", "1.2");
    let place = Workplace::empty();
    let (one, two) = (
        format!("{}/team/app", sim.host()),
        format!("{}/team/app:1.2", sim.host()),
    );
    let ended = place
        .run(&[
            "check", &one, &two, &one, "--check", "pull", "--format", "json",
        ])
        .await;
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let registries: Vec<&str> = document["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["registry"].as_str().unwrap())
        .collect();
    assert_eq!(registries, [&sim.host(), &two]);
}

#[tokio::test]
async fn push_is_asked_of_an_image_only_where_it_is_permitted() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::empty();
    let image = format!("{}/team/app", sim.host());
    let login = ["--username", "robot", "--password-stdin"];
    let checks = [
        "check",
        &image,
        "--check",
        "push",
        "--check",
        "capabilities",
    ];
    let ended = run(&place, &[&checks[..], &login].concat(), &[], PASSWORD).await;
    assert_eq!(answers(&ended.stdout), ["push SKIP", "capabilities INFO"]);
    assert_eq!(sim.count(Operation::UploadStart), 0);

    let with_push = [&checks[..], &login, &["--push", "--require", "push"]].concat();
    let ended = run(&place, &with_push, &[], PASSWORD).await;
    assert_eq!(answers(&ended.stdout), ["push PASS", "capabilities PASS"]);
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        (sim.count(Operation::UploadStart), sim.open_sessions()),
        (1, 0)
    );
}

/// By status of the required check, without and with `--fail-on warn`.
#[tokio::test]
async fn the_exit_status_says_what_the_rules_say() {
    let sim = RegistrySim::profile(Profile::GHCR)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let native = self::sim(Scheme::Basic).await;
    let missing = registry("production", &native, PASSWORD) + "    test_tag: none\n";
    let missing = Workplace::new(&missing);
    let rejected = Workplace::new(&registry("production", &sim, WRONG));
    for (place, arguments, code, told) in [
        (&place, &["--check", "pull"][..], 0, ""),
        (&place, &["--check", "referrers"], 0, ""),
        (
            &place,
            &["--check", "referrers", "--fail-on", "warn"],
            1,
            "",
        ),
        (&place, &["--require", "referrers"], 0, ""),
        (
            &place,
            &["--require", "referrers", "--fail-on", "warn"],
            1,
            "required to pass: referrers of `production` is warn",
        ),
        (&missing, &["--check", "pull"], 0, ""),
        (
            &missing,
            &["--check", "pull", "--require", "pull"],
            1,
            "required to pass: pull of `production` is info",
        ),
        (
            &missing,
            &[
                "--check",
                "pull",
                "--require",
                "check.integration.oci.pull,pull",
            ],
            1,
            "required to pass: pull of `production` is info",
        ),
        (&rejected, &["--check", "credentials"], 1, ""),
        (&rejected, &["--check", "referrers"], 3, ""),
        (
            &rejected,
            &["--check", "referrers", "--require", "referrers"],
            1,
            "required to pass: referrers of `production` is unknown",
        ),
    ] {
        let ended = place.run(&[&["check"], arguments].concat()).await;
        assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stdout);
        assert_eq!(ended.stderr.trim_end(), told, "{arguments:?}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a row for every contradiction")]
async fn flags_that_contradict_each_other_are_refused_before_anything_is_asked() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let image = format!("{}/team/app", sim.host());
    for (arguments, said) in [
        (
            &["--username", "x"][..],
            "`--username` needs `--password-stdin`",
        ),
        (
            &["--password-stdin"],
            "`--password-stdin` needs `--username`",
        ),
        (
            &["--username", "x", "--password-stdin"],
            "for a TARGET that is not configured",
        ),
        (&["--push"], "for a TARGET that is not configured"),
        (
            &["--push", "https://ghcr.io"],
            "`--push` needs a repository",
        ),
        (&["--deadline", "5m"], "`--deadline` needs `--until pass`"),
        (
            &["--require", "push", "--check", "pull"],
            "push is not among the checks",
        ),
        (
            &["--from", "http://127.0.0.1:1", "--until", "pass"],
            "`--until` asks the registries",
        ),
        (
            &["--from", "http://127.0.0.1:1", "--push"],
            "`--push` has no meaning",
        ),
        (
            &["--from", "http://127.0.0.1:1", "--format", "prometheus"],
            "its own `/metrics`",
        ),
        (
            &["--from", "http://127.0.0.1:1", "--report", "prometheus=x"],
            "its own `/metrics`",
        ),
        (
            &["--report", "json=a", "--report", "table=a"],
            "two reports go to `a`",
        ),
        (
            &["--report", "json=a", "--output", "a"],
            "two reports go to `a`",
        ),
        (
            &[
                &image,
                "ghcr.io/acme/app",
                "--username",
                "x",
                "--password-stdin",
            ],
            "is one login, and the TARGETs are of",
        ),
        (
            &["--compare", "nowhere.json"],
            "`nowhere.json` cannot be compared with",
        ),
    ] {
        let ended = run(&place, &[&["check"], arguments].concat(), &[], "x").await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(
            ended.stderr.contains(said),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    assert_eq!(sim.total_requests(), 0);
}
