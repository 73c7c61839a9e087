//! The bytes of a file, never more than a configuration may have.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use super::LARGEST_FILE;

/// At most one byte more than a file may have, of whatever gives bytes: a shell
/// hands over what a command prints as a pipe. It may wait for ever.
pub(super) fn read_once(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST_FILE as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`read_once`], of a regular file alone: it never waits for somebody to write.
pub(in crate::config) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    refuse_pipe(path)?;
    read_once(path)
}

/// Whether a file may be read again and again: a pipe would keep its reader waiting.
pub(super) fn refuse_pipe(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?;
    // To read a directory says it better.
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}
