//! What uploads leave in a real docker-registry's storage: never a session with data.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oci_registry_exporter::outcome::{CheckName, SessionEnd};

use super::registry::{Kind, REPOSITORY, Registry, good};
use crate::{
    asked::Asked,
    cli::{daemon::Daemon, run::Workplace},
};

const PUSHES: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn uploads_leave_no_session_with_data() {
    for kind in [Kind::Htpasswd, Kind::Token] {
        let Some(registry) = Registry::start(kind).await else {
            return;
        };
        registry.fill().await;
        let before = sessions_with_data(registry.dir());
        assert_eq!(
            before,
            [] as [PathBuf; 0],
            "the lab's own push ended its sessions"
        );
        for _ in 0..PUSHES {
            // Anew each time: an upload is due at the first asking.
            let cycle = Asked::of(&configuration(&registry))
                .cycle(&[CheckName::Push, CheckName::Capabilities])
                .await;
            assert_eq!(cycle.observation().sessions, [SessionEnd::Cancelled]);
        }
        assert_eq!(sessions_with_data(registry.dir()), before, "{kind:?}");
    }
}

/// A signal in the middle of a probe: what it opened is cancelled before the process ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_leaves_no_session_with_data() {
    let Some(registry) = Registry::start(Kind::Htpasswd).await else {
        return;
    };
    registry.fill().await;
    let place = Workplace::new(&configuration(&registry));
    for _ in 0..PUSHES {
        let before = sessions(registry.dir()).len();
        let mut run = place.command(&["check"]).spawn().expect("it starts");
        let pid = run.id().expect("it runs").to_string();
        // As soon as its session is there: between the POST and the DELETE.
        while sessions(registry.dir()).len() == before {
            if run.try_wait().expect("it can be asked").is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let _ = tokio::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await;
        run.wait().await.expect("it ends");
    }
    assert_eq!(sessions_with_data(registry.dir()), [] as [PathBuf; 0]);
}

/// A reload that takes the registry away in the middle of a probe: what it opened is
/// cancelled all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_leaves_no_session_with_data() {
    let Some(registry) = Registry::start(Kind::Htpasswd).await else {
        return;
    };
    registry.fill().await;
    let with =
        configuration(&registry) + "    upload_start_delay: 1h\n    probe: {enabled: true}\n";
    let place = Workplace::new(&with);
    let mut daemon = Daemon::start(&place, &["--web.enable-lifecycle"]).await;
    let file = place.path("oci-registry-exporter.yml");
    for _ in 0..PUSHES {
        let before = sessions(registry.dir()).len();
        let probed = daemon.get("/probe?target=lab&check=push&check=capabilities");
        let taken_away = async {
            // As soon as its session is there: between the POST and the DELETE.
            while sessions(registry.dir()).len() == before {
                tokio::task::yield_now().await;
            }
            fs::write(&file, "registries: []\n").expect("a file in the own folder");
            daemon.request("POST", "/-/reload").await
        };
        let (probed, reloaded) = tokio::join!(probed, taken_away);
        assert!(reloaded.starts_with("HTTP/1.1 200 "), "{reloaded}");
        // It was answered before, or its registry is gone.
        let status = probed.split(' ').nth(1).unwrap_or_default();
        assert!(["200", "404"].contains(&status), "{probed}");
        fs::write(&file, &with).expect("a file in the own folder");
        daemon.request("POST", "/-/reload").await;
    }
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(sessions_with_data(registry.dir()), [] as [PathBuf; 0]);
}

/// Upload folders of the registry's storage that hold a byte of data.
pub(super) fn sessions_with_data(dir: &Path) -> Vec<PathBuf> {
    let data = sessions(dir)
        .into_iter()
        .map(|session| session.join("data"));
    data.filter(|data| data.exists()).collect()
}

/// Upload folders of the registry's storage; one without data stays of each session.
fn sessions(dir: &Path) -> Vec<PathBuf> {
    let uploads = dir
        .join("data/docker/registry/v2/repositories")
        .join(REPOSITORY)
        .join("_uploads");
    let Ok(sessions) = fs::read_dir(uploads) else {
        return Vec::new();
    };
    sessions
        .filter_map(Result::ok)
        .map(|session| session.path())
        .collect()
}

pub(super) fn configuration(registry: &Registry) -> String {
    format!(
        "registries:\n  - name: lab\n    url: {}\n    test_repository: {REPOSITORY}\n    username: {}\n    password: {}\n",
        registry.url,
        good().username,
        good().password
    )
}
