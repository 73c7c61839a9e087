//! What is wrong with a configuration, and where: the messages that people read.

use std::{cell::RefCell, collections::HashSet, fmt, ops::RangeInclusive};

use super::{
    quote::shown,
    tree::{self, Node, Place},
};

/// One thing that is wrong, with its place, the value (never of a secret) and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as the user named it; `None` for the environment.
    pub file: Option<String>,
    /// Line and column, from 1.
    pub position: Option<(usize, usize)>,
    /// The key path (`registries[1].checks.pull.interval`) or the environment variable; may be empty.
    pub path: String,
    /// What is wrong, without a final dot.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{file}:")?;
            if let Some((line, column)) = self.position {
                write!(formatter, "{line}:{column}:")?;
            }
            formatter.write_str(" ")?;
        }
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "{}\n  hint: {}", self.message, self.hint)
    }
}

/// All that is wrong with a configuration, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The first of them.
    pub errors: Vec<ConfigError>,
    /// How many more there are.
    pub omitted: usize,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            error.fmt(formatter)?;
        }
        if self.omitted > 0 {
            write!(formatter, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
            omitted: 0,
        }
    }
}

/// A part of the configuration and the keys that lead to it.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) place: Place,
    pub(super) path: String,
}

/// Collects what is wrong while a configuration is read.
#[derive(Default)]
pub(super) struct Problems {
    found: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<String>>,
    said: RefCell<HashSet<(Place, String)>>,
    layers: RefCell<Vec<Layer>>,
    reading: RefCell<Option<Reading>>,
}

/// A part of the file that registries inherit from.
struct Layer {
    parts: RangeInclusive<u32>,
    path: String,
}

/// The registry that is being read.
struct Reading {
    path: String,
    name: String,
}

struct Problem {
    spot: Spot,
    message: String,
    hint: String,
}

impl Problems {
    /// From now on, what is wrong within this node is told by its own path, also where
    /// a registry inherits it.
    pub(super) fn inherited(&self, path: String, node: &Node) {
        if let Some(parts) = node.parts() {
            self.layers.borrow_mut().push(Layer { parts, path });
        }
    }

    /// From now on a registry is read, which stands at this path; its name is told
    /// beside what is wrong with something that it inherits.
    pub(super) fn reading(&self, path: &str, name: String) {
        let path = path.to_owned();
        *self.reading.borrow_mut() = Some(Reading { path, name });
    }

    /// From now on no registry is read.
    pub(super) fn read(&self) {
        *self.reading.borrow_mut() = None;
    }

    /// Notes what makes the configuration unusable.
    pub(super) fn refuse(&self, spot: &Spot, message: impl Into<String>, hint: impl Into<String>) {
        let message = message.into();
        if self.first_time(spot, &message) {
            let (spot, message) = self.at_home(spot, message);
            self.found.borrow_mut().push(Problem {
                spot,
                message,
                hint: hint.into(),
            });
        }
    }

    /// Notes what is legal and probably not meant.
    pub(super) fn warn(&self, spot: &Spot, message: impl Into<String>) {
        let message = message.into();
        if self.first_time(spot, &message) {
            let (spot, message) = self.at_home(spot, message);
            let warning = if spot.path.is_empty() {
                message
            } else {
                format!("{}: {message}", spot.path)
            };
            self.warnings.borrow_mut().push(warning);
        }
    }

    /// A part that several registries inherit is judged once.
    fn first_time(&self, spot: &Spot, message: &str) -> bool {
        match spot.place {
            Place::Environment => true,
            Place::Part(_) => self
                .said
                .borrow_mut()
                .insert((spot.place, message.to_owned())),
        }
    }

    /// What a registry inherits is told where it stands, and for whom.
    fn at_home(&self, spot: &Spot, message: String) -> (Spot, String) {
        let reading = self.reading.borrow();
        let layers = self.layers.borrow();
        let home = reading.as_ref().and_then(|reading| {
            let Place::Part(part) = spot.place else {
                return None;
            };
            let layer = layers.iter().find(|layer| layer.parts.contains(&part))?;
            let inner = spot.path.strip_prefix(&reading.path)?;
            Some((format!("{}{inner}", layer.path), &reading.name))
        });
        match home {
            Some((path, name)) => {
                let place = spot.place;
                let message = format!("{message} (for the registry {})", shown(name));
                (Spot { place, path }, message)
            }
            None => (spot.clone(), message),
        }
    }

    /// The warnings, or else the errors with their lines and columns.
    pub(super) fn conclude(self, file: &str, text: &str) -> Result<Vec<String>, ConfigErrors> {
        let mut found = self.found.into_inner();
        if found.is_empty() {
            return Ok(self.warnings.into_inner());
        }
        found.sort_by_key(|problem| problem.spot.place);
        let omitted = found.len().saturating_sub(MOST_ERRORS);
        found.truncate(MOST_ERRORS);
        let errors = found
            .into_iter()
            .map(|problem| problem.located(file, text))
            .collect();
        Err(ConfigErrors { errors, omitted })
    }
}

impl Problem {
    fn located(self, file: &str, text: &str) -> ConfigError {
        let (file, position) = match self.spot.place {
            Place::Environment => (None, None),
            Place::Part(part) => (Some(file.to_owned()), tree::locate(text, part)),
        };
        ConfigError {
            file,
            position,
            path: self.spot.path,
            message: self.message,
            hint: self.hint,
        }
    }
}

/// More would not be read, and each costs a pass through the file.
const MOST_ERRORS: usize = 20;
