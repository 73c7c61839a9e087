//! Reads files that others wrote: never more of one than is wanted, and where it would
//! matter never one that keeps its reader waiting.
//!
//! How much is too much, and in which words that is said, is the reader's own.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// At most one byte more than `most` of a regular file: with that byte it is too large.
///
/// # Errors
/// It is no regular file, or the system does not let it be read.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, path, most)?;
    Ok(bytes)
}

/// The same, appended to what its owner may want to wipe in any case. It takes the room
/// that it needs at once: a buffer that grows leaves copies behind.
///
/// # Errors
/// As of [`read`].
pub fn read_into(bytes: &mut Vec<u8>, path: &Path, most: u64) -> io::Result<()> {
    refuse_pipe(path)?;
    append(bytes, path, most)
}

/// As [`read`], of whatever gives bytes: a shell hands over what a command prints as a
/// pipe. It may wait for ever.
///
/// # Errors
/// The system does not let it be read.
pub fn read_once(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append(&mut bytes, path, most)?;
    Ok(bytes)
}

/// Whether a file may be read again and again: a pipe would keep its reader waiting.
///
/// # Errors
/// It is neither a regular file nor a directory, or nothing is there.
pub fn refuse_pipe(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?;
    // To read a directory says it better.
    if kind.is_file() || kind.is_dir() {
        return Ok(());
    }
    Err(io::Error::other("it is no regular file"))
}

fn append(bytes: &mut Vec<u8>, path: &Path, most: u64) -> io::Result<()> {
    let file = File::open(path)?;
    let room = file.metadata()?.len().min(most).saturating_add(1);
    bytes.reserve_exact(usize::try_from(room).unwrap_or_default());
    file.take(most.saturating_add(1)).read_to_end(bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_more_than_wanted_is_read_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (length, most, expected) in [(0, 4, 0), (3, 4, 3), (4, 4, 4), (5, 4, 5), (50, 4, 5)] {
            fs::write(&path, vec![b'x'; length]).unwrap();
            assert_eq!(read(&path, most).unwrap().len(), expected, "{length}");
            assert_eq!(read_once(&path, most).unwrap().len(), expected, "{length}");
        }
        assert_eq!(read_once(Path::new("/dev/zero"), 9).unwrap().len(), 10);
    }

    #[test]
    fn a_secret_s_buffer_does_not_grow_while_it_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, vec![b'x'; 5000]).unwrap();
        let mut bytes = Vec::new();
        read_into(&mut bytes, &path, 1 << 20).unwrap();
        assert_eq!((bytes.len(), bytes.capacity()), (5000, 5001));
    }

    #[test]
    fn what_would_keep_its_reader_waiting_is_refused() {
        let error = read(Path::new("/dev/zero"), 9).unwrap_err();
        assert_eq!(error.to_string(), "it is no regular file");
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path(), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        let error = read(&folder.path().join("none"), 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
