//! `credential_dirs:`: directories that each are a credential set, or patterns of them.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use super::{item::Item, problem::Spot, quote::shown, section::Section};

/// A directory that is a set.
pub(super) struct Found {
    /// Its last part: the name of the set.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The item that named it.
    pub(super) spot: Spot,
    /// That item is a pattern: whoever may write there chose the name.
    pub(super) by_pattern: bool,
}

/// The directories that the list names, patterns in their places; and the patterns.
///
/// A pattern is looked at once, when the configuration is read. Hidden directories, such
/// as the generations of a Kubernetes volume, match none.
pub(super) fn read(root: &Section<'_>, base: &Path) -> (Vec<Found>, Vec<Family>) {
    let mut found = Vec::new();
    let mut families = Vec::new();
    for (text, item) in root.texts("credential_dirs") {
        if text.trim().is_empty() || text.contains(char::is_control) {
            item.refuse(
                "this is no path of a directory",
                "name a directory, or several by a pattern: `/etc/registry-secrets/*`",
            );
        } else if text.contains(['*', '?', '[']) {
            found.extend(matching(text, base, &item));
            families.extend(Family::of(&base.join(text)));
        } else {
            let path = base.join(text);
            if !path.exists() {
                item.warn(
                    "there is no such directory yet: until there is, its set fails the credentials check",
                );
            }
            found.extend(named(path, &item, false));
        }
        if found.len() > MOST {
            item.refuse(
                format!("more than {MOST} directories of credentials"),
                "name those that hold a set, and nothing else",
            );
            break;
        }
    }
    (found, families)
}

/// Directories of one parent whose names match a pattern: a set may be named before its
/// directory is there, such as a Secret that a team has yet to make.
pub(super) struct Family {
    parent: PathBuf,
    name: Pattern,
}

impl Family {
    fn of(path: &Path) -> Option<Self> {
        let parent = path.parent()?;
        let several = parent.to_string_lossy().contains(['*', '?', '[']);
        let name = Pattern::new(path.file_name()?.to_str()?).ok()?;
        (!several).then(|| Self {
            parent: parent.to_owned(),
            name,
        })
    }

    /// The directory of the set with this name.
    pub(super) fn member(&self, name: &str) -> Option<PathBuf> {
        let plain = !name.contains('/') && !name.starts_with('.');
        (plain && self.name.matches(name)).then(|| self.parent.join(name))
    }
}

fn matching(text: &str, base: &Path, item: &Item<'_>) -> Vec<Found> {
    let whole = if Path::new(text).is_absolute() {
        text.to_owned()
    } else {
        format!("{}/{text}", Pattern::escape(&base.to_string_lossy()))
    };
    let options = MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let paths = match glob::glob_with(&whole, options) {
        Ok(paths) => paths,
        Err(error) => {
            item.refuse(
                format!("{} is no pattern of paths: {}", shown(text), error.msg),
                "`*` stands for any characters of one part of a path",
            );
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for path in paths.take(MOST + 1) {
        match path {
            Ok(path) if path.is_dir() => found.extend(named(path, item, true)),
            Ok(_) => {}
            Err(error) => item.warn(format!("a directory is left out: {error}")),
        }
    }
    if found.is_empty() {
        item.warn("no directory matches yet");
    }
    found
}

fn named(path: PathBuf, item: &Item<'_>, by_pattern: bool) -> Option<Found> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name.map(str::to_owned) else {
        if by_pattern {
            item.warn("a directory is left out: its name is not UTF-8");
            return None;
        }
        item.refuse(
            "the directory has no last part that could name a set",
            "write its whole path, in UTF-8",
        );
        return None;
    };
    Some(Found {
        name,
        path,
        spot: item.spot.clone(),
        by_pattern,
    })
}

const MOST: usize = 10_000;
