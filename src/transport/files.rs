//! The files that TLS options name: whether they changed, and what is in them.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::{options::TlsOptions, tls::TlsError};
use crate::file;

/// What tells a changed file without reading it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stamps(Vec<(u64, u64, Option<SystemTime>)>);

/// The content of the files, with their paths for errors.
pub(super) struct Files {
    pub(super) ca: Option<(PathBuf, Vec<u8>)>,
    pub(super) cert: Option<(PathBuf, Vec<u8>)>,
    pub(super) key: Option<(PathBuf, Vec<u8>)>,
}

impl Stamps {
    /// Inode, length and time of every named file.
    pub(super) fn of(options: &TlsOptions) -> Result<Self, TlsError> {
        named(options)?
            .into_iter()
            .filter_map(|(option, path)| Some((option, path?)))
            .map(|(option, path)| {
                let found = fs::metadata(path).map_err(|error| unreadable(option, path, &error))?;
                Ok((found.ino(), found.len(), found.modified().ok()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Files {
    /// Reads every named file.
    pub(super) fn read(options: &TlsOptions) -> Result<Self, TlsError> {
        let [ca, cert, key] = named(options)?.map(|(option, path)| {
            let read = |path: &Path| {
                read_whole(path)
                    .map(|content| (path.to_path_buf(), content))
                    .map_err(|error| unreadable(option, path, &error))
            };
            path.map(read).transpose()
        });
        Ok(Self {
            ca: ca?,
            cert: cert?,
            key: key?,
        })
    }

    /// The same for the same content, whatever the files' times say.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (_, content) in [&self.ca, &self.cert, &self.key].into_iter().flatten() {
            hash.update(content.len().to_be_bytes());
            hash.update(content);
        }
        hash.finalize().into()
    }
}

/// The option and the path of every file; a certificate and its key come together.
fn named(options: &TlsOptions) -> Result<[(&'static str, Option<&Path>); 3], TlsError> {
    match (&options.cert_file, &options.key_file) {
        (Some(cert), None) => Err(TlsError::new(
            "tls.cert_file",
            Some(cert),
            "needs its private key beside it: set tls.key_file",
        )),
        (None, Some(key)) => Err(TlsError::new(
            "tls.key_file",
            Some(key),
            "needs its certificate beside it: set tls.cert_file",
        )),
        (cert, key) => Ok([
            ("tls.ca_file", options.ca_file.as_deref()),
            ("tls.cert_file", cert.as_deref()),
            ("tls.key_file", key.as_deref()),
        ]),
    }
}

/// The whole of a file that is no larger than any bundle of certificates.
fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    let content = file::read(path, LARGEST)?;
    if content.len() as u64 > LARGEST {
        let words = format!("it is larger than {} MiB", LARGEST >> 20);
        return Err(io::Error::other(words));
    }
    Ok(content)
}

/// Some ten times what a system's own bundle has (bytes).
const LARGEST: u64 = 4 << 20;

fn unreadable(option: &'static str, path: &Path, error: &io::Error) -> TlsError {
    TlsError::new(option, Some(path), format!("cannot be read: {error}"))
}
