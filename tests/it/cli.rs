//! The binary as a user runs it: exit codes, stdout, stderr, signals.

pub(crate) mod daemon;
mod everywhere;
mod helpers;
mod probing;
mod reload;
pub(crate) mod run;
#[cfg(target_os = "linux")]
mod stalled;
mod systemd;

use std::{fs, process::Stdio};

use oci_registry_exporter::checks::CATALOG;
use registry_sim::{Fault, Profile, RegistrySim, Scheme};

use run::{PASSWORD, WRONG, Workplace, registry};

#[tokio::test]
async fn a_command_line_that_cannot_be_meant_exits_with_2() {
    let place = Workplace::new("");
    for arguments in [
        &["--no-such-flag"][..],
        &["nonsense"],
        &["check", "--check", "pul"],
        &["check", "--tag", "regsitry"],
        &["check", "--format", "xml"],
        &["serve", "--verbose"],
        &["--web.listen-address", "9968"],
        &["--web.route-prefix", "/a/../b"],
        &["--web.external-url", "http://a/%2e"],
    ] {
        let ended = place.run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}

#[tokio::test]
async fn a_refused_url_is_not_quoted_with_its_login() {
    let url = format!("http://robot:{PASSWORD}@127.0.0.1:1");
    let ftp = format!("ftp://robot:{PASSWORD}@127.0.0.1:1");
    let place = Workplace::new("");
    for arguments in [
        &["check", "--from", &url][..],
        &["check", "--from", &ftp],
        &["check", &url],
        &["--web.external-url", &url],
        &["--web.external-url", &ftp],
        &["--web.listen-address", &url],
    ] {
        let ended = place.run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
        assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
    }
    let mut command = place.command(&["serve"]);
    command.env("OCI_REGISTRY_EXPORTER_WEB_EXTERNAL_URL", &url);
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--web.external-url"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}

#[tokio::test]
async fn the_effective_configuration_is_shown_without_secrets() {
    let config = format!(
        "defaults: {{timeout: 20s}}\nregistries:\n  - url: https://a.example.com\n    username: robot\n    password: {PASSWORD}\n"
    );
    let place = Workplace::new(&config);
    for (arguments, lines) in [
        (
            &["config", "show"][..],
            ["    timeout: 20s\n", "    password: \"<secret>\"\n"],
        ),
        (
            &["config", "show", "--origin"],
            [
                "    timeout: 20s  # defaults line 1\n",
                "    password: \"<secret>\"  # entry line 5\n",
            ],
        ),
    ] {
        let ended = place.run(arguments).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert!(!ended.stdout.contains(PASSWORD), "{}", ended.stdout);
        for line in lines {
            assert!(ended.stdout.contains(line), "{}", ended.stdout);
        }
    }
    // It is made of tables alone.
    let schema = Workplace::empty().run(&["config", "schema"]).await;
    assert_eq!((schema.code, schema.stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&schema.stdout).unwrap();
    assert_eq!(schema["properties"]["registries"]["type"], "array");
}

#[tokio::test]
async fn help_version_and_catalogue_need_no_configuration() {
    let place = Workplace::empty();
    let number = concat!("oci-registry-exporter ", env!("CARGO_PKG_VERSION"), "\n");
    let short = place.run(&["-V"]).await;
    assert_eq!((short.code, short.stdout.as_str()), (Some(0), number));
    let long = place.run(&["--version"]).await;
    assert_eq!(long.code, Some(0));
    for part in [number, "revision: ", "build date: ", "platform: "] {
        assert!(long.stdout.contains(part), "{part}: {}", long.stdout);
    }
    let help = place.run(&["--help"]).await;
    assert_eq!(help.code, Some(0));
    assert!(
        help.stdout.contains("--web.listen-address"),
        "{}",
        help.stdout
    );
    let checks = place.run(&["checks"]).await;
    assert_eq!((checks.code, checks.stderr.as_str()), (Some(0), ""));
    for check in CATALOG {
        assert!(checks.stdout.contains(check.name.id()), "{}", checks.stdout);
        assert!(checks.stdout.contains(check.title), "{}", checks.stdout);
    }
}

#[tokio::test]
async fn config_check_says_ok_or_what_is_wrong() {
    let good = "registries:\n  - url: https://a.example.com\n  - url: https://b.example.com\n";
    for arguments in [&["config", "check"][..], &["--config.check"]] {
        let ended = Workplace::new(good).run(arguments).await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let said = "configuration ok: 2 registries, 2 repositories, about ";
        assert!(ended.stdout.starts_with(said), "{}", ended.stdout);

        let bad =
            format!("registries:\n  - url: https://a.example.com\n    passwrod: {PASSWORD}\n");
        let ended = Workplace::new(&bad).run(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        assert!(ended.stderr.contains("passwrod"), "{}", ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
        assert!(!ended.stderr.contains(PASSWORD), "{}", ended.stderr);
    }
    for arguments in [&["check"][..], &["serve"], &["config", "check"]] {
        let ended = Workplace::empty().run(arguments).await;
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (Some(2), ""),
            "{arguments:?}"
        );
        assert!(
            ended.stderr.contains("OCI__RegistryUrl"),
            "{}",
            ended.stderr
        );
    }
}

#[tokio::test]
async fn warnings_of_the_configuration_go_to_stderr() {
    let warned =
        "registries:\n  - url: https://a.example.com\n    checks: {pull: {interval: 1s}}\n";
    let ended = Workplace::new(warned).run(&["config", "check"]).await;
    assert_eq!(ended.code, Some(0));
    let said = "configuration ok: 1 registry, 1 repository, about ";
    assert!(ended.stdout.starts_with(said), "{}", ended.stdout);
    assert!(ended.stderr.starts_with("warning: "), "{}", ended.stderr);
}

#[tokio::test]
async fn a_healthy_registry_is_reported_and_exits_with_0() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place.run(&["check"]).await;
    assert_eq!(
        (ended.code, ended.stderr.as_str()),
        (Some(0), ""),
        "{}",
        ended.stdout
    );
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        ["Registry Checks Summary", "=======================", ""]
    );
    let pass = |id: &str| {
        lines
            .iter()
            .any(|line| line.starts_with(&format!("{id:<38}PASS   ")))
    };
    for id in ["credentials", "pull", "push", "referrers", "capabilities"] {
        assert!(
            pass(&format!("check.integration.oci.{id}")),
            "{}",
            ended.stdout
        );
    }
    let overall = "Overall: 5 passed, 0 warnings, 0 failures";
    assert!(lines.contains(&overall), "{}", ended.stdout);
}

#[tokio::test]
async fn a_failure_exits_with_1_and_an_unknown_alone_with_3() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, WRONG));
    assert_eq!(place.run(&["check"]).await.code, Some(1));

    let limited = RegistrySim::profile(Profile::NATIVE).start().await;
    limited.fault(Fault::any().too_many_requests(Some("3600")));
    let place = Workplace::new(&registry("production", &limited, PASSWORD));
    let ended = place.run(&["check"]).await;
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert!(ended.stdout.contains("UNKNOWN "), "{}", ended.stdout);
}

/// The password that is configured, and the one that would be right, nowhere in
/// anything that is printed, whatever is asked for.
#[tokio::test]
async fn no_secret_is_in_any_output() {
    for (scheme, password) in [
        (Scheme::Bearer, PASSWORD),
        (Scheme::Bearer, WRONG),
        (Scheme::Basic, PASSWORD),
        (Scheme::Basic, WRONG),
    ] {
        let sim = sim(scheme).await;
        let place = Workplace::new(&registry("production", &sim, password));
        for arguments in [
            &["check", "--verbose", "--log.level", "debug"][..],
            &[
                "check",
                "--format",
                "json",
                "--log.level",
                "debug",
                "--log.format",
                "json",
            ],
            &["check", "--format", "json", "--output", "report.json"],
        ] {
            let ended = place.run(arguments).await;
            assert!(
                ended.code == Some(0) || ended.code == Some(1),
                "{}",
                ended.stderr
            );
            let file = fs::read_to_string(place.path("report.json")).unwrap_or_default();
            for shown in [&ended.stdout, &ended.stderr, &file] {
                for secret in secrets() {
                    assert!(
                        !shown.contains(&secret),
                        "{secret} in {arguments:?}: {shown}"
                    );
                }
            }
        }
        assert!(sim.total_requests() > 0);
    }
}

#[tokio::test]
async fn json_is_the_published_schema() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place.run(&["check", "--format", "json"]).await;
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["version"], 1);
    assert_eq!(document["summary"]["pass"], 5);
    let reports = document["reports"].as_array().unwrap();
    let ids: Vec<&str> = reports
        .iter()
        .map(|report| report["check"].as_str().unwrap())
        .collect();
    let all: Vec<&str> = CATALOG.iter().map(|check| check.name.id()).collect();
    assert_eq!(ids, all);
    let pull = &reports[1];
    assert_eq!(pull["registry"], "production");
    assert_eq!(pull["repository"], "team/app");
    assert_eq!(pull["evidence"]["pull_authorized"], true);
    assert_eq!(pull["evidence"]["http_status"], 200);
    assert_eq!(reports[0]["evidence"]["username"], "robot");
}

#[tokio::test]
async fn only_what_is_chosen_is_asked() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for (arguments, expected) in [
        (&["--check", "pull"][..], &["pull"][..]),
        (&["--check", "check.integration.oci.pull"], &["pull"]),
        (&["--tag", "auth"], &["credentials"]),
        (
            &["--tag", "auth", "--tag", "oci-1.1"],
            &["credentials", "referrers"],
        ),
        (
            &[
                "--tag",
                "registry",
                "--check",
                "referrers",
                "--check",
                "pull",
            ],
            &["pull", "referrers"],
        ),
    ] {
        let ended = place.run(&[&["check"], arguments].concat()).await;
        let shown: Vec<&str> = ended
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("check.integration.oci."))
            .filter_map(|line| line.split(' ').next())
            .collect();
        assert_eq!(shown, expected, "{arguments:?}: {}", ended.stdout);
    }
    let ended = place
        .run(&["check", "--tag", "auth", "--check", "pull"])
        .await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
}

#[tokio::test]
async fn registries_are_printed_in_the_order_of_the_configuration() {
    let (one, two) = (sim(Scheme::None).await, sim(Scheme::None).await);
    let config = format!(
        "{}{}{}",
        registry("zeta", &one, PASSWORD),
        registry("alpha", &two, PASSWORD).replace("registries:\n", ""),
        registry("beta", &one, PASSWORD).replace("registries:\n", ""),
    );
    let place = Workplace::new(&config);
    for (names, expected) in [
        (&[][..], &["zeta", "alpha", "beta"][..]),
        (&["beta", "zeta"], &["zeta", "beta"]),
    ] {
        let ended = place.run(&[&["check"], names].concat()).await;
        let blocks: Vec<&str> = ended
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("Registry: ")?.split(' ').next())
            .collect();
        assert_eq!(blocks, expected, "{}", ended.stdout);
    }
    let one = place.run(&["check", "alpha"]).await;
    assert!(
        one.stdout.starts_with("Registry Checks Summary\n"),
        "{}",
        one.stdout
    );
}

#[tokio::test]
async fn an_unknown_registry_is_told_the_known_ones() {
    let place = Workplace::new("registries:\n  - {name: production, url: https://a.example.com}\n");
    let ended = place.run(&["check", "prodution"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert_eq!(
        ended.stderr,
        "error: no registry is named `prodution`\n  hint: did you mean `production`? configured are: `production`\n"
    );
}

#[tokio::test]
async fn a_report_goes_to_a_file_or_says_why_not() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place.run(&["check", "--output", "report.txt"]).await;
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let report = fs::read_to_string(place.path("report.txt")).unwrap();
    assert!(report.starts_with("Registry Checks Summary\n"), "{report}");

    let ended = place
        .run(&["check", "--output", "no/such/report.txt"])
        .await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(
        ended
            .stderr
            .contains("`no/such/report.txt` cannot be written"),
        "{}",
        ended.stderr
    );

    let ended = place.run(&["check", "--output", "-"]).await;
    assert_eq!(ended.stdout, report);
}

#[tokio::test]
async fn insecure_is_for_one_run_and_said_aloud() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let config = format!(
        "registries:\n  - name: production\n    url: {}\n    test_repository: team/app\n",
        sim.url()
    );
    let place = Workplace::new(&config);
    let ended = place.run(&["check", "--check", "credentials"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert_eq!(ended.stderr, "");
    let ended = place
        .run(&["check", "--check", "credentials", "--insecure"])
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stdout);
    assert!(
        ended.stderr.starts_with("warning: `--insecure`"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn a_registry_that_hangs_ends_with_the_timeout_of_the_run() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::any().hang());
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place.run(&["check", "--timeout", "1s", "--verbose"]).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert!(ended.stdout.contains("reason: timeout"), "{}", ended.stdout);
}

#[tokio::test]
async fn a_registry_comes_from_the_environment_alone() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::empty();
    let ended = place
        .command(&["check", "--check", "pull"])
        .env("OCI__RegistryUrl", sim.url())
        .env("OCI__TestRepository", "team/app")
        .output()
        .await
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[tokio::test]
async fn who_closes_the_pipe_has_read_enough() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for arguments in [&["check"][..], &["checks"], &["--help"]] {
        let mut child = place
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().await.unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
}

/// A registry with the image `team/app:latest`, a referrer of it, and a robot who may read it.
pub(crate) async fn sim(scheme: Scheme) -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(scheme)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

/// The passwords, and how Basic would send them.
pub(crate) fn secrets() -> Vec<String> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    [PASSWORD, WRONG]
        .into_iter()
        .flat_map(|secret| {
            [
                secret.to_owned(),
                STANDARD.encode(format!("robot:{secret}")),
            ]
        })
        .collect()
}
