//! The files of a directory, and which set they come to.

use std::{fs, io, path::PathBuf, time::SystemTime};

use super::{Directory, Held};
use crate::{
    credentials::{
        CredentialsError, HostPattern, SecretSource, Server,
        docker_config::{self, Entry},
        expiry,
        judge::{self, refused},
        secret_source::{self, Unread},
    },
    secret::{Credentials, Secret},
};

/// The files of a directory, all of one generation.
pub(super) struct Files<'a> {
    directory: &'a Directory,
    /// Kubernetes replaces a volume as a whole, by the symbolic link `..data`.
    pub(super) root: PathBuf,
}

impl<'a> Files<'a> {
    pub(super) fn of(directory: &'a Directory) -> Result<Self, CredentialsError> {
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

    pub(super) fn read(&self, server: &Server, now: SystemTime) -> Result<Held, CredentialsError> {
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

    pub(super) fn hosts(&self) -> Result<Option<Vec<HostPattern>>, CredentialsError> {
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

    fn secret(&self, name: &str) -> Result<Secret, CredentialsError> {
        let source = SecretSource::File(self.root.join(name));
        source.read(&self.place(name), &|_| None)
    }

    fn text(&self, name: &str) -> Result<String, CredentialsError> {
        let place = self.place(name);
        secret_source::read_text(&self.root.join(name)).map_err(|why| why.at(&place))
    }

    /// A link that leads nowhere is there, and cannot be read.
    pub(super) fn has(&self, name: &str) -> Result<bool, CredentialsError> {
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
        let path = &self.directory.path;
        if name.is_empty() {
            path.clone()
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
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
const HOSTS: &str = "hosts";
const EXPIRES: &str = "expires";
