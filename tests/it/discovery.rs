//! Documents of other people: what each may say, and what becomes of it in a running daemon.

mod daemon;
mod documents;
mod fleet;
mod remote;

use std::{fs, path::PathBuf};

use oci_registry_exporter::{
    config::{Config, Document, Environment, Load, Main},
    discovery::Discovery,
};
use tempfile::TempDir;

/// A folder with a main file and documents, and what is known of them.
struct Folder {
    root: TempDir,
    discovery: Discovery,
}

impl Folder {
    fn new(main: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("teams")).unwrap();
        fs::write(root.path().join(MAIN), main).unwrap();
        let discovery = Discovery::default();
        Self { root, discovery }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The configuration with all documents as they are now.
    fn read(&mut self) -> Config {
        let load = Load {
            path: Some(self.path(MAIN)),
            default_paths: Vec::new(),
            environment: Environment::default(),
        };
        let main = Main::read(&load).unwrap();
        let config = self.discovery.read(&main);
        config.unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// What is wrong with a document, without the folder's own path.
    fn said(&self, config: &Config, name: &str) -> String {
        let problems = document(config, name).problems.as_ref();
        let said = problems.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        said.replace(&format!("{}/", self.root.path().display()), "")
    }
}

fn document<'a>(config: &'a Config, name: &str) -> &'a Document {
    let mut documents = config.documents.iter();
    documents
        .find(|it| it.source.ends_with(name))
        .unwrap_or_else(|| panic!("no {name}"))
}

/// `registry/repository@credential` of everything that is asked.
fn asked(config: &Config) -> Vec<String> {
    let targets = config.registries.iter();
    let of = |target: &oci_registry_exporter::config::Target| -> Vec<String> {
        let repositories = target.repositories.iter();
        let one = |it: &oci_registry_exporter::config::TestRepository| {
            format!("{}/{}@{}", target.name, it.name, it.credential.name)
        };
        repositories.map(one).collect()
    };
    targets.flat_map(|target| of(target)).collect()
}

const MAIN: &str = "main.yml";

/// A platform team's file.
const PLATFORM: &str = "
limits: {registries: 6, repositories: 30, label_values: 20}
credentials:
  platform: {username: robot, password: S3CRET-CANARY, hosts: [registry.example.com]}
  team-a: {username: a, password: S3CRET-CANARY, hosts: ['*.example.com']}
  team-b: {token: S3CRET-CANARY, hosts: ['*.example.com']}
profiles:
  named: {credentials: team-b, checks: {pull: {interval: 7m}}}
  unnamed: {username: robot, password: S3CRET-CANARY}
registry_files:
  - {paths: [teams/*.yml], may: [registries, repositories], interval: 1s}
registries:
  - name: shared
    url: https://registry.example.com
    credentials: platform
    repositories: [platform/canary]
    labels: {tier: '1'}
  - {name: other, url: https://other.example.com}
";
