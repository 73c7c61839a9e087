//! The demo, run as a user runs it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use tokio::process::Command;

use crate::{cli::daemon::Daemon, golden};

/// The verdicts are those that the demo says its registries are there to show.
#[tokio::test]
async fn once_prints_the_report_of_every_registry_and_ends() {
    let ended = demo().arg("--once").output().await.unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), log.as_str()), (Some(0), ""));
    let report = String::from_utf8(ended.stdout).unwrap();
    golden::compare("demo.txt", &without_ports(&report));
    assert_no_secret(&report);
}

#[tokio::test]
async fn it_serves_until_it_is_interrupted_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let printed = folder.path().join("stdout");
    let mut command = demo();
    command
        .env("TMPDIR", folder.path())
        .stdout(fs::File::create(&printed).unwrap());
    let mut daemon = Daemon::spawn(command).await;

    // A fact of the last registry: all cycles have begun, and each serves its own.
    for series in [
        r#"oci_registry_capability_supported{registry="changing",capability="referrers_api"} 1"#,
        r#"oci_registry_capability_supported{registry="fallback",capability="referrers_api"} 0"#,
        r#"oci_registry_credentials_valid{registry="wrong-password",credential="inline"} 0"#,
        r#"oci_registry_throttled{registry="rate-limited"} 1"#,
        r#"oci_registry_pull_authorized{registry="shared",repository="team-b/app",credential="team-b",team="b"} 0"#,
    ] {
        let page = daemon.page("/metrics", series).await;
        assert_no_secret(&page);
    }
    assert!(daemon.get("/").await.contains("200 OK"));

    daemon.signal("INT").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    let text = fs::read_to_string(&printed).unwrap();
    let address = daemon.address;
    for part in [
        format!("  http://{address}/metrics "),
        format!("  http://{address}/ "),
        format!("      - targets: [\"{address}\"]\n"),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    let taken = format!("this is port {}", address.port());
    assert_eq!(text.contains(&taken), address.port() != 9968, "{text}");
    assert_no_secret(&text);
    assert_no_secret(&log);
    let left: Vec<PathBuf> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [printed]);
}

#[tokio::test]
async fn it_asks_nothing_but_its_own_registries() {
    let ended = demo()
        .arg("--once")
        .env("OCI__RegistryUrl", "https://registry.example.com")
        .output()
        .await
        .unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), ended.stdout), (Some(1), Vec::new()));
    assert!(error.contains("`OCI__RegistryUrl` is set"), "{error}");
    assert!(error.contains("hint: "), "{error}");

    let ended = demo().arg("--twice").output().await.unwrap();
    assert_eq!((ended.status.code(), ended.stdout), (Some(1), Vec::new()));
}

/// The demo that cargo built beside this test, with a bare environment.
pub(crate) fn demo() -> Command {
    example("demo")
}

/// The same of any example.
pub(crate) fn example(name: &str) -> Command {
    let test = env::current_exe().expect("the path of this test");
    let path = test
        .parent()
        .and_then(Path::parent)
        .expect("it stands in target/PROFILE/deps")
        .join("examples")
        .join(name);
    let built = fs::metadata(&path)
        .and_then(|example| example.modified())
        .ok();
    let newest = ["src", "examples", "tests/registry-sim/src"]
        .map(|folder| newest_source(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)))
        .into_iter()
        .max();
    assert!(
        built.is_some() && built >= newest,
        "{} is missing or old: `cargo test` builds it, but not with a filter; run `cargo build --example {name}`",
        path.display()
    );
    let mut command = Command::new(path);
    command.env_clear().kill_on_drop(true);
    command
}

/// When a Rust file of a folder was last written, as cargo looks at it too.
fn newest_source(folder: &Path) -> SystemTime {
    fs::read_dir(folder)
        .expect("a folder of this checkout")
        .map(|entry| entry.expect("an entry of it").path())
        .filter_map(|path| match path.is_dir() {
            true => Some(newest_source(&path)),
            false if path.extension().is_some_and(|kind| kind == "rs") => {
                fs::metadata(&path).and_then(|file| file.modified()).ok()
            }
            false => None,
        })
        .max()
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `127.0.0.1:43210` is another port in every run.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("127.0.0.1:PORT");
        plain.push_str(part.trim_start_matches(|char: char| char.is_ascii_digit()));
    }
    plain
}

/// The passwords of the demo begin alike, and nothing else does.
fn assert_no_secret(text: &str) {
    let source = include_str!("../../examples/demo/registries.rs");
    assert!(source.contains("password: secret-of-"));
    assert!(!text.contains("secret-of-"), "{text}");
}
