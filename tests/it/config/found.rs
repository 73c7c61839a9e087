//! Where a configuration is found, and what cannot be read.

use std::{fs, path::PathBuf};

use oci_registry_exporter::{
    config::{self, Config, ConfigErrors, Load},
    credentials::{SecretSource, Source},
};

#[test]
fn the_file_is_looked_for_where_it_may_be() {
    let place = Place::new();
    let variable = &[("OCI__RegistryUrl", "https://b.example.com")];
    place.write(
        "first.yml",
        "registries: [{name: first, url: https://a.example.com}]",
    );
    place.write(
        "second.yml",
        "registries: [{name: second, url: https://a.example.com}]",
    );
    for (named, defaults, variables, expected) in [
        (
            Some("second.yml"),
            ["first.yml", "second.yml"],
            &[][..],
            &["second"][..],
        ),
        (None, ["absent.yml", "second.yml"], &[], &["second"]),
        (
            None,
            ["first.yml", "second.yml"],
            variable,
            &["b.example.com", "first"],
        ),
        (
            None,
            ["absent.yml", "other.yml"],
            variable,
            &["b.example.com"],
        ),
    ] {
        let config = place.load(named, &defaults, variables).unwrap();
        let names: Vec<_> = config
            .registries
            .iter()
            .map(|target| &target.name)
            .collect();
        assert_eq!(names, expected, "{named:?} {defaults:?}");
    }
}

#[test]
fn without_file_and_variable_there_is_no_configuration() {
    let place = Place::new();
    let error = place.load(None, &["absent.yml", "other.yml"], &[]);
    assert_eq!(
        place.said(&error.unwrap_err()),
        "there is no configuration: no `DIR/absent.yml`, no `DIR/other.yml`\n  hint: name a file with `--config.file`, or set `OCI__RegistryUrl`"
    );
}

#[test]
fn paths_begin_at_the_directory_of_the_file() {
    let place = Place::new();
    place.write(
        "a.yml",
        "registries: [{url: https://a.example.com, token_file: secrets/token}]",
    );
    let config = place.load(Some("a.yml"), &[], &[]).unwrap();
    assert_eq!(config.path, Some(place.at("a.yml")));
    assert_eq!(
        config.registries[0].repositories[0].credential.source,
        Source::Token(SecretSource::File(place.at("secrets/token")))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    // A file that the user names must be there, whatever the environment says.
    let variable = &[("OCI__RegistryUrl", "https://a.example.com")];
    let error = |name: &str| place.said(&place.load(Some(name), &[], variable).unwrap_err());
    fs::create_dir(place.at("directory")).unwrap();
    place.write("latin1", b"a: 1\nb: \xff");
    place.write("large", vec![b'#'; (1 << 20) + 1]);
    for (name, message) in [
        (
            "absent",
            "DIR/absent: the file cannot be read: No such file or directory (os error 2)\n  hint: check the path",
        ),
        (
            "directory",
            "DIR/directory: the file cannot be read: Is a directory (os error 21)\n  hint: check that it is a readable file",
        ),
        (
            "latin1",
            "DIR/latin1:2:4: the file is not UTF-8\n  hint: save it as UTF-8",
        ),
        (
            "large",
            "DIR/large: the file is larger than 1 MiB\n  hint: name the file that holds the configuration, and nothing else",
        ),
    ] {
        assert_eq!(error(name), message);
    }
}

/// A directory for the files of one test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.at(name), content).unwrap();
    }

    fn load(
        &self,
        path: Option<&str>,
        defaults: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Config, ConfigErrors> {
        config::load(&Load {
            path: path.map(|name| self.at(name)),
            default_paths: defaults.iter().map(|name| self.at(name)).collect(),
            environment: variables.iter().copied().collect(),
        })
    }

    /// The message, wherever the directory is.
    fn said(&self, errors: &ConfigErrors) -> String {
        let directory = self.0.path().display().to_string();
        errors.to_string().replace(&directory, "DIR")
    }
}
