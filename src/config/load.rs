//! From a path and the environment to a configuration.

mod file;
mod hint;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt, io,
    path::{Path, PathBuf},
};

use super::{
    Config, document, fingerprint,
    problem::{ConfigError, ConfigErrors, Problems},
    tree::{self, Node, Place, Value},
};
pub(super) use file::read_file;

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

/// The environment variables that a configuration is made of: those that begin with `OCI__`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// This process's.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// Keys of the `OCI:` block and their values.
    pub(super) fn oci(&self) -> impl Iterator<Item = (&str, &OsStr)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_os_str()))
    }

    /// Whether they are enough by themselves.
    pub(super) fn names_a_registry(&self) -> bool {
        self.0
            .get("RegistryUrl")
            .is_some_and(|value| !value.is_empty())
    }
}

impl<N: AsRef<str>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let oci = |(name, value): (N, V)| {
            let key = name.as_ref().strip_prefix(PREFIX)?.to_owned();
            Some((key, value.into()))
        };
        Self(variables.into_iter().filter_map(oci).collect())
    }
}

/// Names only: a value may be a password.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// A hash of what the configuration is read from; `None` where that cannot be read.
/// Equal hashes mean that there is nothing to reload.
pub fn content(load: &Load) -> Option<u64> {
    let Some(path) = load.file() else {
        return Some(0);
    };
    read_file(path)
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
    let Some(path) = load.file() else {
        if load.environment.names_a_registry() {
            return conclude(None, "", "", Path::new(""), &load.environment);
        }
        let places: Vec<_> = load
            .default_paths
            .iter()
            .map(|path| format!("`{}`", path.display()))
            .collect();
        return Err(ConfigErrors::from(ConfigError {
            file: None,
            position: None,
            path: String::new(),
            message: format!("there is no configuration: no {}", places.join(", no ")),
            hint: "name a file with `--config.file`, or set `OCI__RegistryUrl`".to_owned(),
        }));
    };
    let name = path.display().to_string();
    let text = read_text(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut config = parse(&text, &name, base, &load.environment)?;
    config.path = Some(path.to_owned());
    Ok(config)
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
    match read_tree(text, file)? {
        Some(root) => conclude(Some(&root), file, text, base, environment),
        None => Err(whole_file(
            file,
            "the file is empty",
            "name a registry: `registries: [{url: https://registry.example.com}]`",
        )),
    }
}

/// The text of a file, or why it cannot be had.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigErrors> {
    let name = path.display().to_string();
    let bytes = file::read_once(path).map_err(|error| unreadable(&name, &error))?;
    utf8(&name, bytes)
}

/// As `read_text`, of a regular file alone.
pub(super) fn read_regular_text(path: &Path) -> Result<String, ConfigErrors> {
    let name = path.display().to_string();
    let bytes = read_file(path).map_err(|error| unreadable(&name, &error))?;
    utf8(&name, bytes)
}

/// The tree of a text; `None` when there is nothing in it.
pub(super) fn read_tree(text: &str, file: &str) -> Result<Option<Node>, ConfigErrors> {
    if text.len() > LARGEST_FILE {
        return Err(whole_file(file, TOO_LARGE, TOO_LARGE_HINT));
    }
    refuse_control_characters(text, file)?;
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
    file: &str,
    text: &str,
    base: &Path,
    environment: &Environment,
) -> Result<Config, ConfigErrors> {
    let nothing = Node {
        place: Place::Environment,
        value: Value::Map(Vec::new()),
    };
    let problems = Problems::default();
    let mut config = document::read(root.unwrap_or(&nothing), environment, base, &problems);
    config.warnings = problems.conclude(file, text)?;
    config.origins.locate(&tree::lines(text));
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

fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, ConfigErrors> {
    if bytes.len() > LARGEST_FILE {
        return Err(whole_file(file, TOO_LARGE, TOO_LARGE_HINT));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let position = end_of(&String::from_utf8_lossy(good));
        ConfigErrors::from(ConfigError {
            file: Some(file.to_owned()),
            position: Some(position),
            path: String::new(),
            message: "the file is not UTF-8".to_owned(),
            hint: "save it as UTF-8".to_owned(),
        })
    })
}

/// What YAML forbids; the parser would name a byte, not a line.
fn refuse_control_characters(text: &str, file: &str) -> Result<(), ConfigErrors> {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let Some(index) = text.find(forbidden) else {
        return Ok(());
    };
    let code = text[index..].chars().next().map_or(0, u32::from);
    Err(ConfigErrors::from(ConfigError {
        file: Some(file.to_owned()),
        position: Some(end_of(&text[..index])),
        path: String::new(),
        message: format!("the control character U+{code:04X} stands in the file"),
        hint: "remove it, or write it escaped in double quotes, as `\"\\x07\"`".to_owned(),
    }))
}

/// Line and column (from 1) of what follows this text.
fn end_of(text: &str) -> (usize, usize) {
    let line = text.matches('\n').count() + 1;
    let last = text.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
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
const PREFIX: &str = "OCI__";
pub(super) const LARGEST_FILE: usize = 1 << 20;
const TOO_LARGE: &str = "the file is larger than 1 MiB";
const TOO_LARGE_HINT: &str = "name the file that holds the configuration, and nothing else";
