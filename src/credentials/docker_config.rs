//! Docker's configuration file and its kin: `~/.docker/config.json`, Kubernetes'
//! `.dockerconfigjson`, and the legacy `.dockercfg`, which is what stands under
//! `auths` alone.
//!
//! As Docker does: a helper for the registry in `credHelpers` wins, then the
//! helper for all in `credsStore`, then the entry in `auths`.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    time::SystemTime,
};

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::{
    CredentialsError, HelperName, Server,
    judge::{self, refused},
    secret_source::read_file,
    server::Fit,
};
use crate::secret::{Credentials, Secret};

/// What a file says of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// It holds the credentials.
    Credentials(Credentials),
    /// It names the helper that has them.
    Helper(HelperName),
}

/// What the file says of this registry now.
pub(super) fn read(
    path: &Path,
    server: &Server,
    now: SystemTime,
) -> Result<Entry, CredentialsError> {
    let place = format!("the Docker configuration `{}`", path.display());
    read_as(path, &place, server, now)
}

/// The same under another name of its place.
pub(super) fn read_as(
    path: &Path,
    place: &str,
    server: &Server,
    now: SystemTime,
) -> Result<Entry, CredentialsError> {
    let json = read_file(path, LARGEST_FILE).map_err(|why| why.at(place))?;
    find(&json, place, server, now)
}

/// What this JSON says of this registry; `place` is what errors call it.
///
/// # Errors
/// It is no such file, has no entry of the registry, or one that cannot be used.
pub fn find(
    json: &[u8],
    place: &str,
    server: &Server,
    now: SystemTime,
) -> Result<Entry, CredentialsError> {
    let file = parse(json, place)?;
    let of_registry = file.helpers.iter().filter_map(|(key, name)| {
        let fit = server.fit(key)?;
        (fit != Fit::Elsewhere).then_some((fit, name))
    });
    let helper = of_registry
        .min_by_key(|(fit, _)| *fit)
        .map(|(_, name)| name)
        .or(file.store.as_ref());
    if let Some(name) = helper {
        return match HelperName::parse(name) {
            Ok(name) => Ok(Entry::Helper(name)),
            Err(why) => refused(format!(
                "{place} names a credential helper whose name {why}"
            )),
        };
    }
    let (key, login) = entry(&file.logins, place, server)?;
    let place = format!("the entry `{key}` of {place}");
    login.credentials(&place, now).map(Entry::Credentials)
}

/// The entry that names this registry best.
fn entry<'a>(
    logins: &'a BTreeMap<String, Login>,
    place: &str,
    server: &Server,
) -> Result<(&'a str, &'a Login), CredentialsError> {
    let mut fitting: Vec<(Fit, &str, &Login)> = logins
        .iter()
        .filter_map(|(key, login)| Some((server.fit(key)?, key.as_str(), login)))
        .collect();
    fitting.sort_by_key(|(fit, ..)| *fit);
    let host = server.host();
    match fitting[..] {
        [] => Err(CredentialsError::no_entry(format!(
            "{place} holds no credentials for `{host}`"
        ))),
        [(Fit::Elsewhere, ..), (Fit::Elsewhere, ..), ..] => refused(format!(
            "{place} holds credentials for several paths of `{host}` and none for the whole: \
             add an entry for the host alone"
        )),
        [(_, key, login), ..] => Ok((key, login)),
    }
}

/// The parts of the file that matter here.
#[derive(Default)]
struct File {
    logins: BTreeMap<String, Login>,
    helpers: HashMap<String, String>,
    store: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    auths: Option<BTreeMap<String, Login>>,
    cred_helpers: Option<HashMap<String, String>>,
    creds_store: Option<String>,
}

/// One registry's entry.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    #[serde(deserialize_with = "secret")]
    auth: Option<Secret>,
    username: Option<String>,
    #[serde(deserialize_with = "secret")]
    password: Option<Secret>,
    #[serde(deserialize_with = "secret")]
    identitytoken: Option<Secret>,
    #[serde(deserialize_with = "secret")]
    registrytoken: Option<Secret>,
}

fn parse(json: &[u8], place: &str) -> Result<File, CredentialsError> {
    // Its own words hold what it could not read.
    let wrong = |error: serde_json::Error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "is not of the form that Docker writes",
            _ => "is no JSON",
        };
        let (line, column) = (error.line(), error.column());
        CredentialsError::unusable(format!("{place} {what} (line {line}, column {column})"))
    };
    let config: Config = serde_json::from_slice(json).map_err(wrong)?;
    if config.auths.is_none() && config.cred_helpers.is_none() && config.creds_store.is_none() {
        // The legacy form, in which every key is a registry.
        let logins = serde_json::from_slice(json).map_err(|_| {
            CredentialsError::unusable(format!(
                "{place} holds neither `auths` nor `credHelpers` nor `credsStore`, and is no legacy `.dockercfg` either"
            ))
        })?;
        return Ok(File {
            logins,
            ..File::default()
        });
    }
    Ok(File {
        logins: config.auths.unwrap_or_default(),
        helpers: config.cred_helpers.unwrap_or_default(),
        store: config.creds_store.filter(|name| !name.is_empty()),
    })
}

impl Login {
    fn credentials(&self, place: &str, now: SystemTime) -> Result<Credentials, CredentialsError> {
        let given = |secret: &Option<Secret>| secret.clone().filter(|secret| !secret.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            let place = format!("the `registrytoken` in {place}");
            judge::secret(token.expose(), &place)?;
            judge::token(token.expose(), &place, now)?;
            return Ok(Credentials::Bearer { token });
        }
        let (username, password) = match given(&self.auth) {
            Some(auth) => pair(&auth, place)?,
            None => (
                self.username.clone().unwrap_or_default(),
                given(&self.password),
            ),
        };
        if let Some(token) = given(&self.identitytoken) {
            let place = format!("the `identitytoken` in {place}");
            judge::secret(token.expose(), &place)?;
            judge::token(token.expose(), &place, now)?;
            let username = (!username.is_empty()).then_some(username);
            return Ok(Credentials::Identity { username, token });
        }
        let Some(password) = password else {
            return Err(CredentialsError::no_entry(format!(
                "{place} holds no credentials: they may be in a helper that the file does not name"
            )));
        };
        judge::username(&username, &format!("the user name in {place}"))?;
        judge::secret(password.expose(), &format!("the password in {place}"))?;
        Ok(Credentials::Basic { username, password })
    }
}

/// `auth`: base64 of `user:password`.
fn pair(auth: &Secret, place: &str) -> Result<(String, Option<Secret>), CredentialsError> {
    let no_pair = || {
        CredentialsError::unusable(format!(
            "the `auth` in {place} is not the base64 form of `user:password`"
        ))
    };
    let decoded = BASE64.decode(auth.expose().trim()).map_err(|_| no_pair())?;
    let decoded = Zeroizing::new(decoded);
    let text = std::str::from_utf8(&decoded).map_err(|_| no_pair())?;
    let (username, password) = text.split_once(':').ok_or_else(no_pair)?;
    // Docker pads the decoded text with zeros, and takes them away again.
    let password = password.trim_end_matches('\0');
    let password = (!password.is_empty()).then(|| Secret::new(password));
    Ok((username.to_owned(), password))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}

/// As much as a Kubernetes secret may hold (bytes).
const LARGEST_FILE: u64 = 1024 * 1024;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests;
