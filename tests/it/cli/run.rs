//! A folder with a configuration, and the binary run in it with a bare environment.

use std::{fs, path::PathBuf};

use registry_sim::RegistrySim;
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) const PASSWORD: &str = "canary-of-the-right-password";
pub(crate) const WRONG: &str = "canary-of-the-wrong-password";

pub(crate) struct Workplace {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Workplace {
    /// With this as the default configuration file.
    pub(crate) fn new(config: &str) -> Self {
        let place = Self::empty();
        fs::write(place.path("oci-registry-exporter.yml"), config).unwrap();
        place
    }

    /// Without a configuration.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oci-registry-exporter"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().await.unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The configuration of a simulated registry with `robot` and this password.
pub(crate) fn registry(name: &str, sim: &RegistrySim, password: &str) -> String {
    format!(
        "registries:\n  - name: {name}\n    url: {}\n    test_repository: team/app\n    username: robot\n    password: {password}\n",
        sim.url()
    )
}
