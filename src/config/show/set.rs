//! A credential set: where it comes from, never what it holds.

use super::{
    registry::Paths,
    yaml::{Level, number, text},
};
use crate::{
    config::CredentialSet,
    credentials::{SecretSource, Source},
};

/// A set under its name.
pub(super) fn put_named(level: &mut Level<'_>, set: &CredentialSet, paths: Paths<'_>) {
    put_source(level, &set.source, paths, "");
    if !set.hosts.is_empty() {
        level.list("hosts", set.hosts.iter().map(|host| text(host.as_str())));
    }
    if let Some(expires) = set.expires {
        let end = jiff::Timestamp::from_second(expires);
        let end = end.map_or_else(|_| expires.to_string(), |end| end.to_string());
        level.put("expires", text(&end));
    }
}

/// The keys of a source; `also` is a path under which they may stand instead, with its dot.
pub(super) fn put_source(level: &mut Level<'_>, source: &Source, paths: Paths<'_>, also: &str) {
    let mut put = |key: &str, value: String, other: &str| {
        let elsewhere = format!("{also}{key}");
        let other = if other.is_empty() { key } else { other };
        let other_elsewhere = format!("{also}{other}");
        level.put_from(key, value, &[key, other, &elsewhere, &other_elsewhere]);
    };
    match source {
        Source::Anonymous => put("anonymous", number(true), ""),
        Source::Basic { username, password } => {
            if let Some(username) = username {
                put("username", text(username), "");
            }
            match password {
                Some(SecretSource::Inline(_)) => put("password", text(SECRET), ""),
                Some(SecretSource::File(path)) => {
                    put("password_file", paths.shown(path), "password_secret_ref");
                }
                Some(SecretSource::Env(name)) => {
                    put("password_env", text(name), "password_secret_ref");
                }
                None => {}
            }
        }
        Source::Token(SecretSource::Inline(_)) => put("token", text(SECRET), ""),
        Source::Token(SecretSource::File(path)) => put("token_file", paths.shown(path), ""),
        Source::Token(SecretSource::Env(name)) => put("token_env", text(name), ""),
        Source::DockerConfig(path) => put("docker_config", paths.shown(path), ""),
        Source::Helper(name) => put("credential_helper", text(&name.to_string()), ""),
        Source::Directory(directory) => put("dir", paths.shown(&directory.path), ""),
    }
}

/// Stands for a secret that the configuration itself holds.
const SECRET: &str = "<secret>";
