//! Files that a path or a pattern names.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use glob::{MatchOptions, Pattern};

use super::{Look, Sight};
use crate::{config::LARGEST_DOCUMENT, file};

/// Looks at all of them. It may take its time.
pub(super) fn look(paths: &[PathBuf]) -> Look {
    let mut look = Look {
        found: BTreeMap::new(),
        whole: true,
    };
    for path in paths {
        if is_pattern(path) {
            look.matching(path);
        } else {
            look.see(path);
        }
    }
    look
}

impl Look {
    fn see(&mut self, path: &Path) {
        let sight = match file::read(path, LARGEST_DOCUMENT as u64) {
            Ok(bytes) => Sight::Bytes(bytes.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Sight::Missing("there is no such file".to_owned())
            }
            Err(error) => Sight::Unreadable(format!("the file cannot be read: {error}")),
        };
        self.found.insert(named(path), sight);
    }

    /// A directory that cannot be listed, such as a volume that is not mounted, says nothing
    /// about what was in it.
    fn matching(&mut self, pattern: &Path) {
        let files = match list(pattern) {
            Ok(files) => files,
            Err(error) => {
                self.whole = false;
                let why = format!("the directory cannot be listed: {error}");
                self.found.insert(named(pattern), Sight::Unreadable(why));
                return;
            }
        };
        if files.len() > MOST {
            let why = format!("more than {MOST} files match; those behind them are not read");
            self.found.insert(named(pattern), Sight::Unreadable(why));
        }
        for file in files.iter().take(MOST) {
            self.see(file);
            // It was there a moment ago, and went.
            if let Some(Sight::Missing(_)) = self.found.get(&named(file)) {
                self.found.remove(&named(file));
            }
        }
    }
}

/// The files that match, by name. Hidden ones, such as the generations of a Kubernetes
/// volume, match no pattern; directories are none.
fn list(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let above = pattern.parent().filter(|it| !it.as_os_str().is_empty());
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    // It was looked at when the main file was read.
    let Ok(name) = Pattern::new(&name) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(above.unwrap_or(Path::new(".")))? {
        let entry = entry?.file_name();
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let path = above.map_or_else(|| PathBuf::from(&entry), |above| above.join(&entry));
        if name.matches_with(&entry.to_string_lossy(), options) && !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn is_pattern(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().contains(['*', '?', '['])
}

/// Whoever may write there chose it, and it goes into logs and onto terminals.
fn named(path: &Path) -> Arc<str> {
    let mut name = String::new();
    // The default file begins so, and nobody writes it.
    let path = path.strip_prefix(".").unwrap_or(path);
    for char in path.display().to_string().chars() {
        if char.is_control() {
            name.extend(char.escape_default());
        } else {
            name.push(char);
        }
    }
    name.into()
}

/// Documents of one pattern.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(look: &Look, root: &Path) -> Vec<String> {
        let one = |(name, sight): (&Arc<str>, &Sight)| {
            let name = name.replace(&format!("{}/", root.display()), "");
            match sight {
                Sight::Bytes(bytes) => format!("{name} {}", bytes.len()),
                Sight::Unreadable(why) => format!("{name} unreadable {why}"),
                Sight::Missing(why) => format!("{name} missing {why}"),
            }
        };
        look.found.iter().map(one).collect()
    }

    #[test]
    fn a_pattern_names_the_files_of_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        for name in ["b.yml", "a.yml", ".hidden.yml", "a.txt"] {
            fs::write(at(name), "x").unwrap();
        }
        fs::create_dir(at("folder.yml")).unwrap();
        std::os::unix::fs::symlink("b.yml", at("link.yml")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("torn.yml")).unwrap();
        let all = look(&[at("*.yml"), at("a.yml"), at("a.txt"), at("none"), at("x/*")]);
        assert!(!all.whole);
        assert_eq!(
            seen(&all, root.path()),
            [
                "a.txt 1",
                "a.yml 1",
                "b.yml 1",
                "link.yml 1",
                "none missing there is no such file",
                "x/* unreadable the directory cannot be listed: No such file or directory (os error 2)",
            ]
        );
        assert!(look(&[at("*.yml")]).whole);
    }

    #[test]
    fn no_more_is_read_than_a_document_may_have_and_no_pipe() {
        let root = tempfile::tempdir().unwrap();
        let large = root.path().join("large");
        fs::write(&large, vec![b' '; 3 * LARGEST_DOCUMENT]).unwrap();
        let all = look(&[large, "/dev/zero".into()]);
        let large = format!("large {}", LARGEST_DOCUMENT + 1);
        let pipe = "/dev/zero unreadable the file cannot be read: it is no regular file";
        assert_eq!(seen(&all, root.path()), [pipe.to_owned(), large]);
    }
}
