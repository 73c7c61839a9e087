//! The web configuration file: TLS, users, headers and rate limit of the own port.
//!
//! Its format is that of Prometheus' exporter-toolkit
//! (`docs/web-configuration.md` there), so that one file serves every exporter.
//! It is read as strictly as the configuration: what the toolkit takes silently
//! and what then leaves the port open, or closed to everybody, is refused here.

mod access;
mod http;
mod options;
mod pem;
mod tls;

use std::{collections::BTreeMap, path::Path, time::Duration};

use sha2::{Digest as _, Sha256};

use super::{
    item::Item,
    load::{read_regular_text, read_tree},
    problem::{ConfigErrors, Problems, Spot},
    quote::shown,
    section::Section,
    suggest,
};

pub use access::{PasswordHash, RateLimit};
pub use options::{CipherSuite, ClientAuth, Curve, WebTls};
pub use pem::Pem;

/// What a web configuration file comes to.
#[derive(Debug, Clone, Default)]
pub struct WebConfig {
    /// Without it the port speaks plain HTTP.
    pub tls: Option<WebTls>,
    /// Whether HTTP/2 is offered; only ever over TLS.
    pub http2: bool,
    /// Headers on every answer.
    pub headers: Vec<(&'static str, String)>,
    /// Who may log in; empty: nobody has to.
    pub users: BTreeMap<String, PasswordHash>,
    /// How often requests are answered; `None`: without a bound.
    pub rate_limit: Option<RateLimit>,
    /// A hash over the file and all files that it names: the same for the same content.
    pub fingerprint: [u8; 32],
    /// What is legal and probably not meant.
    pub warnings: Vec<String>,
}

/// Reads a web configuration file and the files of certificates that it names;
/// relative paths in it begin at its own folder.
///
/// # Errors
///
/// All that is wrong with it, each with its place and a hint; the first syntax
/// error alone. What is in a certificate or key is not judged here.
pub fn load_web(path: &Path) -> Result<WebConfig, ConfigErrors> {
    let text = read_regular_text(path)?;
    let base = path.parent().unwrap_or(Path::new(""));
    parse_web(&text, &path.display().to_string(), base)
}

/// Reads the text of a web configuration file; relative paths in it begin at `base`.
///
/// # Errors
///
/// As [`load_web`].
pub fn parse_web(text: &str, name: &str, base: &Path) -> Result<WebConfig, ConfigErrors> {
    let Some(root) = read_tree(text, name)? else {
        // As the toolkit: nothing is asked for.
        return Ok(finished(WebConfig::default(), text));
    };
    let problems = Problems::default();
    let mut web = WebConfig::default();
    if let Some(root) = Section::root(&root, &problems) {
        only(&root, &KEYS);
        let file = pem::Base {
            file: name,
            text,
            folder: base,
        };
        web = WebConfig {
            tls: part(&root, "tls_server_config").and_then(|section| tls::read(&section, &file)),
            http2: true,
            users: access::users(&root),
            rate_limit: part(&root, "rate_limit").and_then(|section| access::rate_limit(&section)),
            ..WebConfig::default()
        };
        if !web.users.is_empty() && !root.has("tls_server_config") {
            root.warn_at(
                &root.spot_of("basic_auth_users"),
                "passwords come over plain HTTP: whoever is on the way can read them",
            );
        }
        if let Some(section) = part(&root, "http_server_config") {
            (web.http2, web.headers) = http::read(&section);
        }
    }
    web.warnings = problems.conclude(name, text)?;
    Ok(finished(web, text))
}

/// The map under a key; one that holds nothing is as good as absent.
fn part<'a>(root: &Section<'a>, key: &str) -> Option<Section<'a>> {
    let item = root.item(key)?;
    let section = if item.is_nothing() {
        None
    } else {
        Some(item.section()?)
    };
    match section {
        Some(section) if !section.entries().is_empty() => Some(section),
        _ => {
            item.warn("it holds nothing, and so changes nothing");
            None
        }
    }
}

/// Refuses every key that is not one of these, and every key that stands twice.
fn only(section: &Section<'_>, keys: &[&str]) {
    for (key, spot, _) in section.free() {
        if keys.contains(&key) {
            continue;
        }
        let close = suggest::close(key, keys);
        let (begin, words) = if close.is_empty() {
            ("known here:", keys)
        } else {
            ("did you mean", close.as_slice())
        };
        let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
        let end = if close.is_empty() { "" } else { "?" };
        let spot = Spot {
            place: spot.place,
            path: section.spot.path.clone(),
        };
        section.refuse_at(
            &spot,
            format!("unknown key {}", shown(key)),
            format!("{begin} {}{end}", words.join(", ")),
        );
    }
}

/// The value of one of the words of a table.
fn chosen<T: Copy>(item: &Item<'_>, table: &[(T, &'static str)], what: &str) -> Option<T> {
    let text = item.text()?;
    let value = crate::words::value(table, text);
    if value.is_none() {
        let words: Vec<_> = table.iter().map(|(_, word)| format!("`{word}`")).collect();
        item.refuse(
            format!("{} is no {what} that is known here", shown(text)),
            format!("write one of {}", words.join(", ")),
        );
    }
    value
}

fn finished(mut web: WebConfig, text: &str) -> WebConfig {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    add(text.as_bytes());
    for pem in web.tls.iter().flat_map(WebTls::pems) {
        add(pem.content());
    }
    web.fingerprint = hash.finalize().into();
    web
}

const KEYS: [&str; 4] = [
    "tls_server_config",
    "http_server_config",
    "basic_auth_users",
    "rate_limit",
];

/// Reads a duration as Go writes it: the toolkit's own form, finer than the one
/// of the configuration.
fn go_duration(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    if text.trim_start().starts_with('-') {
        return Err("it is negative".to_owned());
    }
    let unit = |unit: &&str| !GO_UNITS.contains(unit);
    if let Some(unit) = text
        .split(|c: char| c.is_ascii_digit() || c == '.')
        .map(str::trim)
        .filter(|unit| !unit.is_empty())
        .find(unit)
    {
        return Err(format!("unknown unit {}", shown(unit)));
    }
    if !text.contains(char::is_alphabetic) {
        return Err("the unit is missing".to_owned());
    }
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) => Err("longer than a day".to_owned()),
        Err(_) => Err("it cannot be read".to_owned()),
    }
}

const GO_UNITS: [&str; 7] = ["ns", "us", "µs", "ms", "s", "m", "h"];
const LONGEST: Duration = Duration::from_hours(24);
