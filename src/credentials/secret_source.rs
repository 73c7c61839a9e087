//! Reads one secret value: from the configuration, a file or a variable.

use std::{ffi::OsString, io, path::Path};

use zeroize::Zeroizing;

use super::{CredentialsError, SecretSource, Trouble, judge};
use crate::{file, secret::Secret};

/// Looks up an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

impl SecretSource {
    /// The place in words, the subject of a sentence.
    pub(super) fn place(&self, what: &str) -> String {
        match self {
            Self::Inline(_) => format!("the configured {what}"),
            Self::File(path) => format!("the {what} file `{}`", path.display()),
            Self::Env(name) => format!("the environment variable `{name}` of the {what}"),
        }
    }

    /// The value, without the newline that an editor leaves at the end of a file.
    pub(super) fn read(
        &self,
        place: &str,
        environment: Lookup<'_>,
    ) -> Result<Secret, CredentialsError> {
        let value = match self {
            Self::Inline(secret) => secret.clone(),
            Self::File(path) => {
                let bytes = read_file(path, LARGEST_SECRET).map_err(|why| why.at(place))?;
                let text = std::str::from_utf8(&bytes).map_err(|_| wrong(place, NOT_UTF8))?;
                Secret::new(without_newline(text))
            }
            Self::Env(name) => {
                let value = environment(name).ok_or_else(|| wrong(place, "is not set"))?;
                Secret::new(value.into_string().map_err(|_| wrong(place, NOT_UTF8))?)
            }
        };
        judge::secret(value.expose(), place)?;
        Ok(value)
    }
}

/// Why the bytes of a file are not known, as the rest of a sentence about its place.
#[derive(Debug)]
pub(super) struct Unread {
    why: String,
    trouble: Trouble,
}

impl Unread {
    fn unfit(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            trouble: Trouble::Unusable,
        }
    }

    /// The error, with the place in front.
    pub(super) fn at(&self, place: &str) -> CredentialsError {
        CredentialsError {
            message: format!("{place} {}", self.why),
            trouble: self.trouble,
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            return Self::unfit("does not exist");
        }
        Self {
            why: format!("cannot be read: {error}"),
            trouble: trouble(&error),
        }
    }
}

/// What an error of the system says of the credentials.
pub(super) fn trouble(error: &io::Error) -> Trouble {
    match error.raw_os_error() {
        Some(EMFILE | ENFILE) => Trouble::OutOfFiles,
        _ => Trouble::Unusable,
    }
}

/// The bytes of a regular file (a pipe could keep the cycle waiting), or why not.
pub(super) fn read_file(path: &Path, largest: u64) -> Result<Zeroizing<Vec<u8>>, Unread> {
    if !path.metadata()?.is_file() {
        return Err(Unread::unfit("is not a regular file"));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file::read_into(&mut bytes, path, largest)?;
    if bytes.len() as u64 > largest {
        let why = format!("is larger than {} KiB", largest / 1024);
        return Err(Unread::unfit(why));
    }
    Ok(bytes)
}

/// The text of a small file that holds no secret.
pub(super) fn read_text(path: &Path) -> Result<String, Unread> {
    let bytes = read_file(path, LARGEST_SECRET)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Unread::unfit(NOT_UTF8)),
    }
}

fn without_newline(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

fn wrong(place: &str, why: &str) -> CredentialsError {
    CredentialsError::unusable(format!("{place} {why}"))
}

const NOT_UTF8: &str = "is not UTF-8";
/// More than any token that a header could carry (bytes).
const LARGEST_SECRET: u64 = 64 * 1024;
/// Too many open files, in this process or on this machine (Linux and the BSDs agree).
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;
