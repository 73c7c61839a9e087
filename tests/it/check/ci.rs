//! The examples of pipelines do what they say.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use registry_sim::{Operation, Scheme};
use serde_yaml::Value;

use super::{root, sim};
use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
};

/// The scripts of a pipeline, in the order in which they run: GitHub's `run`, GitLab's `script`.
fn scripts(file: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("examples/ci").join(file)).unwrap();
    let document: Value = serde_yaml::from_str(&text).unwrap();
    let mut scripts = Vec::new();
    gather(&document, &mut scripts);
    scripts
}

fn gather(value: &Value, scripts: &mut Vec<String>) {
    match value {
        Value::Mapping(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    (Some("run"), Value::String(script)) => scripts.push(script.clone()),
                    (Some("script"), Value::Sequence(lines)) => {
                        scripts.extend(lines.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => gather(value, scripts),
                }
            }
        }
        Value::Sequence(list) => list.iter().for_each(|item| gather(item, scripts)),
        _ => {}
    }
}

#[tokio::test]
async fn the_commands_of_the_examples_run() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::empty();
    let image = format!("{}/team/app:latest", sim.host());
    // What docker/login-action leaves behind.
    let auth = STANDARD.encode(format!("robot:{PASSWORD}"));
    let docker = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, sim.host());
    fs::write(place.path("config.json"), docker).unwrap();
    let watched = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&watched, &[]).await;
    daemon
        .page(
            "/api/v1/reports",
            r#""check": "check.integration.oci.referrers""#,
        )
        .await;
    let exporter = format!("http://{}", daemon.address);
    let binary = Path::new(env!("CARGO_BIN_EXE_oci-registry-exporter"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().unwrap().display());
    let summary = place.path("summary.md");
    for (file, docker, count) in [("github-actions.yml", true, 3), ("gitlab-ci.yml", false, 2)] {
        let scripts = scripts(file);
        let ours = scripts
            .iter()
            .filter(|it| it.contains("oci-registry-exporter "));
        assert_eq!(ours.count(), count, "{file}: {scripts:?}");
        for script in scripts {
            let mut command = tokio::process::Command::new("/bin/sh");
            command
                .args(["-ec", &script])
                .current_dir(place.path(""))
                .env_clear()
                .env("PATH", &path)
                .env("IMAGE", &image)
                .env("CI_REGISTRY_USER", "robot")
                .env("CI_REGISTRY_PASSWORD", PASSWORD)
                .env("EXPORTER_URL", &exporter)
                .env("GITHUB_STEP_SUMMARY", &summary);
            if docker {
                command.env("DOCKER_CONFIG", place.path(""));
            }
            let ended = command.output().await.unwrap();
            assert!(ended.status.success(), "{file}: {script}: {ended:?}");
        }
    }
    for file in [
        "before.json",
        "registry.json",
        "registry.xml",
        "gate.md",
        "summary.md",
    ] {
        assert!(place.path(file).exists(), "{file}");
    }
    assert_eq!(
        (sim.count(Operation::UploadStart), sim.open_sessions()),
        (2, 0)
    );
}
