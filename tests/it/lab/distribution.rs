//! docker-registry (Debian's `docker-registry`, distribution 2.8) in its modes.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use url::Url;

use super::{
    certificates::Pair,
    http::Login,
    process::{self, Program, Running, Setup},
    tokens::TokenServer,
};

/// A docker-registry; further modes are further values of these fields.
#[derive(Debug, Default)]
pub(crate) struct Distribution<'a> {
    pub(crate) auth: Auth<'a>,
    /// Manifests and blobs may be deleted; off is the default of the program too.
    pub(crate) delete: bool,
    /// Maintenance mode: nothing may be written.
    pub(crate) read_only: bool,
    /// A pull-through cache of this registry.
    pub(crate) pull_through: Option<Url>,
    /// The data of another docker-registry, instead of its own.
    pub(crate) data_of: Option<&'a Running>,
    /// It speaks TLS, and no plain HTTP.
    pub(crate) tls: Option<Tls<'a>>,
    /// The path that it is served below: `/` and what ends with `/`.
    pub(crate) prefix: Option<&'a str>,
}

/// How it speaks TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tls<'a> {
    pub(crate) server: &'a Pair,
    /// The root of the clients' certificates, where it asks for one.
    pub(crate) clients: Option<&'a Path>,
}

/// Whom it lets in.
#[derive(Debug, Default)]
pub(crate) enum Auth<'a> {
    /// Everybody.
    #[default]
    Anonymous,
    /// One user, with Basic.
    Htpasswd(Login),
    /// Who brings a token of this server.
    Token(&'a TokenServer),
}

impl Setup for Distribution<'_> {
    const PROGRAM: Program = Program {
        name: "docker-registry",
        brought_by: "Debian package docker-registry",
    };

    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr) {
        let data = self.data_of.map_or(dir, Running::dir).join("data");
        let mut config = json!({
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": true}},
            "storage": {
                "filesystem": {"rootdirectory": data},
                "delete": {"enabled": self.delete},
                "maintenance": {
                    "readonly": {"enabled": self.read_only},
                    "uploadpurging": {"enabled": false},
                },
            },
            "http": {"addr": address.to_string(), "secret": "lab"},
        });
        if let Some(auth) = self.auth.section(dir) {
            config["auth"] = auth;
        }
        if let Some(tls) = &self.tls {
            config["http"]["tls"] = json!({
                "certificate": tls.server.cert,
                "key": tls.server.key,
                "clientcas": tls.clients.into_iter().collect::<Vec<_>>(),
            });
        }
        if let Some(prefix) = self.prefix {
            config["http"]["prefix"] = json!(prefix);
        }
        if let Some(upstream) = &self.pull_through {
            config["proxy"] = json!({"remoteurl": upstream.as_str()});
        }
        // JSON is YAML too.
        let file = dir.join("config.yml");
        fs::write(&file, config.to_string()).expect("a file in the own directory");
        command.arg("serve").arg(file);
    }
}

impl Auth<'_> {
    fn section(&self, dir: &Path) -> Option<Value> {
        match self {
            Self::Anonymous => None,
            Self::Htpasswd(login) => {
                let file = dir.join("htpasswd");
                fs::write(&file, htpasswd(login)).expect("a file in the own directory");
                Some(json!({"htpasswd": {"realm": "lab", "path": file}}))
            }
            Self::Token(server) => {
                let file = dir.join("tokens.pem");
                fs::write(&file, server.certificate_pem()).expect("a file in the own directory");
                Some(json!({"token": {
                    "realm": server.realm().as_str(),
                    "service": server.service(),
                    "issuer": server.issuer(),
                    "rootcertbundle": file,
                }}))
            }
        }
    }
}

/// What makes htpasswd files; docker-registry reads only bcrypt.
pub(crate) const HTPASSWD: Program = Program {
    name: "htpasswd",
    brought_by: "Debian package apache2-utils",
};

/// One line of an htpasswd file, with the least costly bcrypt.
///
/// # Panics
/// When `htpasswd` is missing: ask [`process::find`] first.
pub(crate) fn htpasswd(login: &Login) -> Vec<u8> {
    let program = process::find(HTPASSWD).expect("htpasswd was looked up before");
    let output = Command::new(program)
        .args(["-nbB", "-C", "4", &login.username, &login.password])
        .stderr(Stdio::inherit())
        .output()
        .expect("htpasswd runs");
    assert!(output.status.success(), "htpasswd: {}", output.status);
    output.stdout
}
