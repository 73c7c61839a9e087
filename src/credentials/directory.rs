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

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use url::Url;

use super::{
    CredentialsError, HostPattern, SecretSource, Server,
    docker_config::{self, Entry},
    expiry,
    judge::{self, refused},
    secret_source::{self, Unread},
};
use crate::secret::Credentials;

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

/// The files of a directory, all of one generation.
struct Files<'a> {
    directory: &'a Directory,
    /// Kubernetes replaces a volume as a whole, by the symbolic link `..data`.
    root: PathBuf,
}

impl<'a> Files<'a> {
    fn of(directory: &'a Directory) -> Result<Self, CredentialsError> {
        let path = &directory.path;
        let place = format!("the credential directory `{}`", path.display());
        let metadata = fs::metadata(path).map_err(|error| Unread::from(error).at(&place))?;
        if !metadata.is_dir() {
            return refused(format!("{place} is not a directory"));
        }
        // Else the directory may itself be a link into a generation of such a volume.
        let root = fs::canonicalize(path.join("..data"))
            .or_else(|_| fs::canonicalize(path))
            .unwrap_or_else(|_| path.clone());
        Ok(Self { directory, root })
    }

    fn read(&self, server: &Server, now: SystemTime) -> Result<Held, CredentialsError> {
        let kind = self.kind()?;
        self.refuse_foreign(kind, server)?;
        let entry = match kind {
            Kind::Docker(name) => {
                let place = self.place(name);
                docker_config::read_as(&self.root.join(name), &place, server, now)?
            }
            Kind::Basic => Entry::Credentials(self.pair()?),
            Kind::Token => {
                let place = self.place(TOKEN);
                let token = self.secret(TOKEN)?;
                judge::token(token.expose(), &place, now)?;
                Entry::Credentials(Credentials::Bearer { token })
            }
            Kind::Certificate => Entry::Credentials(Credentials::Anonymous),
        };
        Ok(Held {
            entry,
            expires: self.expires()?,
        })
    }

    /// Which of the kinds it is; exactly one.
    fn kind(&self) -> Result<Kind, CredentialsError> {
        let basic = self.both(USERNAME, PASSWORD)?;
        let certificate = self.both(CERTIFICATE, KEY)?;
        let mut kinds = Vec::new();
        for name in DOCKER {
            if self.has(name)? {
                kinds.push((name, Kind::Docker(name)));
            }
        }
        if basic {
            kinds.push((USERNAME, Kind::Basic));
        }
        if self.has(TOKEN)? {
            kinds.push((TOKEN, Kind::Token));
        }
        match kinds[..] {
            [(_, kind)] => Ok(kind),
            [(one, _), (other, _), ..] => refused(format!(
                "{} holds `{one}` and `{other}`, which are two sets: keep one",
                self.itself()
            )),
            [] if certificate => Ok(Kind::Certificate),
            [] => refused(format!(
                "{} holds none of `.dockerconfigjson`, `.dockercfg`, `username` and `password`, \
                 `token`, `tls.crt` and `tls.key`",
                self.itself()
            )),
        }
    }

    /// Whether both are there; one without the other is an error.
    fn both(&self, one: &str, other: &str) -> Result<bool, CredentialsError> {
        match (self.has(one)?, self.has(other)?) {
            (true, true) => Ok(true),
            (false, false) => Ok(false),
            (true, false) => refused(format!("{} holds `{one}` without `{other}`", self.itself())),
            (false, true) => refused(format!("{} holds `{other}` without `{one}`", self.itself())),
        }
    }

    /// Nothing of a set is used before it is known that it may go there.
    fn refuse_foreign(&self, kind: Kind, server: &Server) -> Result<(), CredentialsError> {
        match self.hosts()? {
            Some(hosts) if hosts.iter().any(|host| host.allows(server.url())) => Ok(()),
            Some(_) => refused(format!(
                "{} does not let the set go to `{}`",
                self.place(HOSTS),
                server.host()
            )),
            None if self.directory.hosts_known || matches!(kind, Kind::Docker(_)) => Ok(()),
            None => refused(format!(
                "{} does not say where the set may be sent: add a file `hosts`, one host a line",
                self.itself()
            )),
        }
    }

    fn hosts(&self) -> Result<Option<Vec<HostPattern>>, CredentialsError> {
        if !self.has(HOSTS)? {
            return Ok(None);
        }
        let text = self.text(HOSTS)?;
        let mut hosts = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            // The line is not shown: the wrong file may be behind this name.
            let pattern = HostPattern::parse(line).map_err(|why| {
                CredentialsError::unusable(format!(
                    "line {} of {} is no host: {why}",
                    index + 1,
                    self.place(HOSTS)
                ))
            })?;
            hosts.push(pattern);
        }
        Ok(Some(hosts))
    }

    fn pair(&self) -> Result<Credentials, CredentialsError> {
        let place = self.place(USERNAME);
        let username = self.secret(USERNAME)?;
        judge::username(username.expose(), &place)?;
        Ok(Credentials::Basic {
            username: username.expose().to_owned(),
            password: self.secret(PASSWORD)?,
        })
    }

    fn expires(&self) -> Result<Option<i64>, CredentialsError> {
        if !self.has(EXPIRES)? {
            return Ok(None);
        }
        let text = self.text(EXPIRES)?;
        let end = expiry::moment(text.trim());
        if end.is_none() {
            return refused(format!(
                "{} holds neither a date nor a time: write `2027-03-01` or `2027-03-01T12:00:00Z`",
                self.place(EXPIRES)
            ));
        }
        Ok(end)
    }

    fn secret(&self, name: &str) -> Result<crate::secret::Secret, CredentialsError> {
        let source = SecretSource::File(self.root.join(name));
        source.read(&self.place(name), &|_| None)
    }

    fn text(&self, name: &str) -> Result<String, CredentialsError> {
        let place = self.place(name);
        secret_source::read_text(&self.root.join(name)).map_err(|why| why.at(&place))
    }

    /// A link that leads nowhere is there, and cannot be read.
    fn has(&self, name: &str) -> Result<bool, CredentialsError> {
        match fs::symlink_metadata(self.root.join(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Unread::from(error).at(&self.place(name))),
        }
    }

    fn itself(&self) -> String {
        format!("the credential directory `{}`", self.shown("").display())
    }

    fn place(&self, name: &str) -> String {
        format!("the file `{}`", self.shown(name).display())
    }

    /// As the user knows it, not with the name of a generation.
    fn shown(&self, name: &str) -> PathBuf {
        let path: &Path = &self.directory.path;
        if name.is_empty() {
            path.to_owned()
        } else {
            path.join(name)
        }
    }
}

/// What a directory's files come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker(&'static str),
    Basic,
    Token,
    /// A client certificate alone: nothing is sent besides.
    Certificate,
}

const DOCKER: [&str; 2] = [".dockerconfigjson", ".dockercfg"];
const USERNAME: &str = "username";
const PASSWORD: &str = "password";
const TOKEN: &str = "token";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const HOSTS: &str = "hosts";
const EXPIRES: &str = "expires";

#[cfg(test)]
mod tests;
