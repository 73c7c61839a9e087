//! What is wrong with a configuration, and where: the messages that people read.

use std::{cell::RefCell, collections::HashSet, fmt};

use super::tree::{self, Place};

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
}

struct Problem {
    spot: Spot,
    message: String,
    hint: String,
}

impl Problems {
    /// Notes what makes the configuration unusable.
    pub(super) fn refuse(&self, spot: &Spot, message: impl Into<String>, hint: impl Into<String>) {
        let message = message.into();
        if self.first_time(spot, &message) {
            self.found.borrow_mut().push(Problem {
                spot: spot.clone(),
                message,
                hint: hint.into(),
            });
        }
    }

    /// Notes what is legal and probably not meant.
    pub(super) fn warn(&self, spot: &Spot, message: impl Into<String>) {
        let message = message.into();
        if self.first_time(spot, &message) {
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
