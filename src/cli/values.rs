//! Values of flags, each with the words that refuse it.

use std::{net::SocketAddr, str::FromStr, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use url::Url;

use crate::{
    checks::{self, CATALOG},
    config,
    outcome::CheckName,
    scheduler,
};

/// Where to listen: `host:port`, or `:port` for every address of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListenAddress {
    /// Empty: every address.
    pub(super) host: String,
    pub(super) port: u16,
}

/// One of several parts of the registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    part: u64,
    parts: u64,
}

impl Shard {
    /// Whether the registry of this name is in this part.
    pub(super) fn holds(self, name: &str) -> bool {
        scheduler::stable_hash(name) % self.parts == self.part
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/');
        let numbers =
            numbers.and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match numbers {
            Some((part, parts)) if part < parts => Ok(Self { part, parts }),
            Some((_, parts)) if parts > 0 => Err(format!(
                "of {parts} parts the first is 0 and the last {}",
                parts - 1
            )),
            _ => Err("write it as `I/N`, such as `0/3`".to_owned()),
        }
    }
}

/// Every tag of the catalogue, once.
pub(super) fn tags() -> Vec<&'static str> {
    let mut tags: Vec<&str> = Vec::new();
    for tag in CATALOG.iter().flat_map(|check| check.tags) {
        if !tags.contains(tag) {
            tags.push(tag);
        }
    }
    tags
}

/// A check by its id or short name.
pub(super) fn check_name() -> impl TypedValueParser<Value = CheckName> {
    let short = CATALOG.iter().map(|check| check.name.as_str());
    let ids = CATALOG.iter().map(|check| check.name.id());
    PossibleValuesParser::new(short.chain(ids)).map(|word| {
        let named = |check: &&checks::Check| {
            [check.name.as_str(), check.name.id()].contains(&word.as_str())
        };
        // The parser lets through nothing else.
        CATALOG.iter().find(named).unwrap_or(&CATALOG[0]).name
    })
}

/// The budget of a check.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    at_most(LONGEST, text, "a budget is at most 1h")
}

/// How long something is waited for.
pub(super) fn deadline(text: &str) -> Result<Duration, String> {
    at_most(LATEST, text, "a deadline is at most 24h")
}

/// How often to look for another configuration.
pub(super) fn reload_interval(text: &str) -> Result<Duration, String> {
    let words = "a look at the configuration comes at least once a day";
    at_most(LONGEST_LOOK, text, words)
}

fn at_most(most: Duration, text: &str, words: &str) -> Result<Duration, String> {
    let duration = config::parse_duration(text)
        .map_err(|error| format!("{error}; {}", config::DURATION_HINT))?;
    if duration > most {
        return Err(words.to_owned());
    }
    Ok(duration)
}

/// Where people reach the daemon.
pub(super) fn external_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("write it as `https://host/path`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it would show its user and password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it has no `?` and no `#`".to_owned());
    }
    route_prefix(url.path())?;
    Ok(url)
}

/// What stands in front of every route.
pub(super) fn route_prefix(path: &str) -> Result<String, String> {
    if !path.starts_with('/') {
        return Err("a path begins with `/`".to_owned());
    }
    if path.contains("//") || !path.chars().all(plain) {
        return Err("a path here has no blanks, `//`, `?`, `#`, `%` and the like".to_owned());
    }
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err("no client asks for `.` or `..` as a part of a path".to_owned());
    }
    Ok(path.to_owned())
}

/// Where the metrics are; no other route's place.
pub(super) fn telemetry_path(path: &str) -> Result<String, String> {
    if !path.starts_with('/') {
        return Err("a path begins with `/`".to_owned());
    }
    if path.starts_with("/-/") || path.starts_with("/api/") {
        return Err("`/-/` and `/api/` are taken".to_owned());
    }
    if ["/config", "/probe", "/sd"].contains(&path) {
        return Err(format!("`{path}` is taken"));
    }
    if !path.chars().all(plain) {
        return Err("a path here has no blanks, `?`, `#`, `%` and the like".to_owned());
    }
    Ok(path.to_owned())
}

/// What stands in a path as it is.
fn plain(char: char) -> bool {
    char.is_ascii_graphic() && !"?#%\"<>\\^`{|}".contains(char)
}

/// A bound of requests; 0 is none.
pub(super) fn max_requests(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= MOST_REQUESTS => Ok(count),
        _ => Err(format!("a count is from 0 to {MOST_REQUESTS}")),
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                host: address.ip().to_string(),
                port: address.port(),
            });
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err("write it as `host:port` or `:port`".to_owned());
        };
        if host.contains([':', '/', ' ']) {
            return Err("write it as `host:port`, an IPv6 address in brackets".to_owned());
        }
        match port.parse() {
            Ok(port) => Ok(Self {
                host: host.to_owned(),
                port,
            }),
            Err(_) => Err("a port is a number from 0 to 65535".to_owned()),
        }
    }
}

/// Of a check.
const LONGEST: Duration = Duration::from_hours(1);
/// Of a deadline.
const LATEST: Duration = Duration::from_hours(24);
const LONGEST_LOOK: Duration = Duration::from_hours(24);
const MOST_REQUESTS: usize = 100_000;
