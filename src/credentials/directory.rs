//! A directory whose files are one credential set: a mounted Kubernetes Secret, a
//! projected volume, what an agent of a secret store writes.
//!
//! ```text
//! .dockerconfigjson or .dockercfg   Docker's configuration: its keys are the hosts
//! username and password             a pair
//! token                             a bearer token
//! tls.crt and tls.key               a client certificate, alone or beside one of these
//! hosts                             where the set may be sent: a host or pattern a line
//! expires                           its end: a date, or a time by RFC 3339
//! ```
//!
//! Whatever else is in there is not looked at. Half a set, two kinds at once and what
//! cannot be read are errors, never anonymous access.

mod files;

use std::{path::PathBuf, time::SystemTime};

use url::Url;

use super::{CredentialsError, HostPattern, Server, docker_config::Entry};
use files::{CERTIFICATE, Files, KEY};

/// A directory that is a credential set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Directory {
    /// The directory.
    pub path: PathBuf,
    /// The configuration says where the set may be sent, so no file has to.
    pub hosts_known: bool,
}

/// The files of a client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The chain (PEM).
    pub cert_file: PathBuf,
    /// Its key (PEM).
    pub key_file: PathBuf,
}

/// What a directory held when it was read.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) entry: Entry,
    pub(super) expires: Option<i64>,
}

impl Directory {
    /// Whether there is anything under this path now: a volume may be mounted later.
    pub fn is_there(&self) -> bool {
        self.path.exists()
    }

    /// Where its own file `hosts` lets the set go; `None` where there is no such file.
    ///
    /// # Errors
    ///
    /// A file `hosts` that cannot be read, or a line of it that is no host.
    pub fn hosts(&self) -> Result<Option<Vec<HostPattern>>, CredentialsError> {
        Files::of(self)?.hosts()
    }

    /// The client certificate in it, where there is one and it may be shown to this registry.
    pub fn client_certificate(&self, registry: &Url) -> Option<ClientCertificate> {
        let files = Files::of(self).ok()?;
        let there = |name| files.has(name).is_ok_and(|there| there);
        if !there(CERTIFICATE) && !there(KEY) {
            return None;
        }
        let allowed = match files.hosts().ok()? {
            Some(hosts) => hosts.iter().any(|host| host.allows(registry)),
            None => self.hosts_known,
        };
        allowed.then(|| ClientCertificate {
            cert_file: self.path.join(CERTIFICATE),
            key_file: self.path.join(KEY),
        })
    }

    /// What it holds for this registry now.
    pub(super) fn read(&self, server: &Server, now: SystemTime) -> Result<Held, CredentialsError> {
        let files = Files::of(self)?;
        let held = files.read(server, now);
        if held.is_ok() {
            return held;
        }
        // A volume that was replaced meanwhile: the old files are gone.
        let again = Files::of(self)?;
        if again.root == files.root {
            return held;
        }
        again.read(server, now)
    }
}

#[cfg(test)]
mod tests;
