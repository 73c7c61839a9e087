//! From a path and the environment to a configuration.

mod characters;
mod environment;
mod hint;

use std::{
    io,
    path::{Path, PathBuf},
};

use super::{
    Config, Offer, document, fingerprint,
    problem::{ConfigError, ConfigErrors, Problems},
    tree::{self, Node, Place, Value},
};
use crate::file;

pub use environment::Environment;

/// Where a configuration is looked for.
#[derive(Debug, Clone)]
pub struct Load {
    /// The file that the user named (`--config.file`): it must be there.
    pub path: Option<PathBuf>,
    /// Without one, the first of these that exists.
    pub default_paths: Vec<PathBuf>,
    /// The variables `OCI__…`.
    pub environment: Environment,
}

impl Load {
    /// The file that the user named, or the default ones, with this process's environment.
    pub fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            default_paths: DEFAULT_PATHS.map(PathBuf::from).to_vec(),
            environment: Environment::of_process(),
        }
    }

    /// Whether there is anything to load: a file, or a registry in the environment.
    pub fn is_there(&self) -> bool {
        self.file().is_some() || self.environment.names_a_registry()
    }

    /// Whether a daemon that runs may read it: not what could keep it waiting for ever.
    ///
    /// # Errors
    ///
    /// It is no regular file, or there is none.
    pub fn refuse_pipe(&self) -> Result<(), ConfigErrors> {
        let Some(path) = self.file() else {
            return Ok(());
        };
        file::refuse_pipe(path).map_err(|error| unreadable(&path.display().to_string(), &error))
    }

    pub(super) fn file(&self) -> Option<&Path> {
        let default = || self.default_paths.iter().find(|path| path.exists());
        self.path.as_ref().or_else(default).map(PathBuf::as_path)
    }
}

/// A hash of what the configuration is read from; `None` where that cannot be read.
/// Equal hashes mean that there is nothing to reload.
pub fn content(load: &Load) -> Option<u64> {
    let Some(path) = load.file() else {
        return Some(0);
    };
    file::read(path, LARGEST_FILE as u64)
        .ok()
        .map(|bytes| fingerprint::of_bytes(&bytes))
}

/// Finds and reads the configuration. A missing default file is no error when
/// `OCI__RegistryUrl` is set.
///
/// # Errors
///
/// All that is wrong with it, each with its place and a hint; the first syntax
/// error alone.
pub fn load(load: &Load) -> Result<Config, ConfigErrors> {
    Main::read(load)?.config(&[])
}

/// The main file as it was read, to which documents may be added again and again.
#[derive(Debug)]
pub struct Main {
    path: Option<PathBuf>,
    text: String,
    environment: Environment,
}

impl Main {
    /// Reads the file, or finds that the environment is enough.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or there is none.
    pub fn read(load: &Load) -> Result<Self, ConfigErrors> {
        let path = load.file();
        if path.is_none() && !load.environment.names_a_registry() {
            return Err(nowhere(load));
        }
        Ok(Self {
            path: path.map(Path::to_owned),
            text: path.map(read_text).transpose()?.unwrap_or_default(),
            environment: load.environment.clone(),
        })
    }

    /// The configuration that it comes to with these documents.
    ///
    /// # Errors
    ///
    /// As [`load`]. What is wrong with a document is no error: [`Config::documents`] says it.
    pub fn config(&self, offers: &[Offer]) -> Result<Config, ConfigErrors> {
        let Some(path) = &self.path else {
            return conclude(None, &File::nowhere(), &self.environment, offers);
        };
        let name = path.display().to_string();
        let file = File {
            name: &name,
            text: &self.text,
            base: path.parent().unwrap_or(Path::new("")),
        };
        let mut config = file.parse(&self.environment, offers)?;
        config.path = Some(path.clone());
        Ok(config)
    }
}

fn nowhere(load: &Load) -> ConfigErrors {
    let places: Vec<_> = load
        .default_paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect();
    ConfigErrors::from(ConfigError {
        file: None,
        position: None,
        path: String::new(),
        message: format!("there is no configuration: no {}", places.join(", no ")),
        hint: "name a file with `--config.file`, or set `OCI__RegistryUrl`".to_owned(),
    })
}

/// Reads the text of a file; relative paths in it begin at `base`.
///
/// # Errors
///
/// As [`load`].
pub fn parse(
    text: &str,
    file: &str,
    base: &Path,
    environment: &Environment,
) -> Result<Config, ConfigErrors> {
    let file = File {
        name: file,
        text,
        base,
    };
    file.parse(environment, &[])
}

/// A text, what it is called, and where relative paths in it begin.
struct File<'a> {
    name: &'a str,
    text: &'a str,
    base: &'a Path,
}

impl File<'_> {
    fn nowhere() -> Self {
        Self {
            name: "",
            text: "",
            base: Path::new(""),
        }
    }

    fn parse(&self, environment: &Environment, offers: &[Offer]) -> Result<Config, ConfigErrors> {
        match read_tree(self.text, self.name)? {
            Some(root) => conclude(Some(&root), self, environment, offers),
            None => Err(whole_file(
                self.name,
                "the file is empty",
                "name a registry: `registries: [{url: https://registry.example.com}]`",
            )),
        }
    }
}

/// The text of a file, or why it cannot be had.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigErrors> {
    let name = path.display().to_string();
    let bytes =
        file::read_once(path, LARGEST_FILE as u64).map_err(|error| unreadable(&name, &error))?;
    utf8(&name, bytes)
}

/// As `read_text`, of a regular file alone.
pub(super) fn read_regular_text(path: &Path) -> Result<String, ConfigErrors> {
    let name = path.display().to_string();
    let bytes = file::read(path, LARGEST_FILE as u64).map_err(|error| unreadable(&name, &error))?;
    utf8(&name, bytes)
}

/// The tree of a text; `None` when there is nothing in it.
pub(super) fn read_tree(text: &str, file: &str) -> Result<Option<Node>, ConfigErrors> {
    if text.len() > LARGEST_FILE {
        return Err(whole_file(file, TOO_LARGE, TOO_LARGE_HINT));
    }
    characters::refuse_control_characters(text, file)?;
    tree::read(text).map_err(|error| {
        ConfigErrors::from(ConfigError {
            file: Some(file.to_owned()),
            hint: hint::of_syntax(text, error.position, &error.message).to_owned(),
            position: error.position,
            path: String::new(),
            message: error.message,
        })
    })
}

fn conclude(
    root: Option<&Node>,
    file: &File<'_>,
    environment: &Environment,
    offers: &[Offer],
) -> Result<Config, ConfigErrors> {
    let nothing = Node {
        place: Place::Environment,
        value: Value::Map(Vec::new()),
    };
    let problems = Problems::default();
    let root = root.unwrap_or(&nothing);
    let mut config = document::read(root, environment, file.base, &problems, offers);
    config.warnings = problems.conclude(file.name, file.text)?;
    config.origins.locate(&tree::lines(file.text));
    Ok(config)
}

fn unreadable(file: &str, error: &io::Error) -> ConfigErrors {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "let the exporter's user read it",
        _ => "check that it is a readable file",
    };
    whole_file(file, &format!("the file cannot be read: {error}"), hint)
}

/// The bytes as text.
pub(super) fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, ConfigErrors> {
    if bytes.len() > LARGEST_FILE {
        return Err(whole_file(file, TOO_LARGE, TOO_LARGE_HINT));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let position = characters::end_of(&String::from_utf8_lossy(good));
        ConfigErrors::from(ConfigError {
            file: Some(file.to_owned()),
            position: Some(position),
            path: String::new(),
            message: "the file is not UTF-8".to_owned(),
            hint: "save it as UTF-8".to_owned(),
        })
    })
}

fn whole_file(file: &str, message: &str, hint: &str) -> ConfigErrors {
    ConfigErrors::from(ConfigError {
        file: Some(file.to_owned()),
        position: None,
        path: String::new(),
        message: message.to_owned(),
        hint: hint.to_owned(),
    })
}

const DEFAULT_PATHS: [&str; 2] = [
    "./oci-registry-exporter.yml",
    "/etc/oci-registry-exporter/config.yml",
];
pub(super) const LARGEST_FILE: usize = 1 << 20;
const TOO_LARGE: &str = "the file is larger than 1 MiB";
const TOO_LARGE_HINT: &str = "name the file that holds the configuration, and nothing else";
