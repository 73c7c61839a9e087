//! `registry_files:`: where documents are, and what they may hold.

use std::{path::Path, time::Duration};

use glob::Pattern;
use url::Url;

use super::{
    super::{
        address::{self, Kind},
        item::Item,
        keys,
        layers::inherit,
        problem::Problems,
        quote::{listed, shown},
        reach,
        section::{Names, Section},
        tree::Entry,
    },
    RegistryFiles, Remote, Whence,
};
use crate::transport::{ProxyOptions, TlsOptions};

/// Reads the list.
pub(in crate::config) fn read(
    root: &Section<'_>,
    defaults: &[Entry],
    base: &Path,
    problems: &Problems,
) -> Vec<RegistryFiles> {
    let Some(item) = root.item("registry_files") else {
        return Vec::new();
    };
    let list = item.list().unwrap_or_default();
    let reader = Reader {
        defaults,
        base,
        problems,
    };
    list.iter().filter_map(|item| reader.one(item)).collect()
}

struct Reader<'a> {
    defaults: &'a [Entry],
    base: &'a Path,
    problems: &'a Problems,
}

impl Reader<'_> {
    fn one(&self, item: &Item<'_>) -> Option<RegistryFiles> {
        if item.is_text() {
            let path = self.path(item)?;
            return Some(RegistryFiles {
                whence: Whence::Paths(vec![path]),
                registries: false,
                repositories: true,
                interval: INTERVAL,
                path: item.spot.path.clone(),
            });
        }
        let section = item.section()?;
        section.only(keys::REGISTRY_FILES);
        let (tls, proxy) = self.way(&section);
        let whence = match (section.item("paths"), section.item("url")) {
            (Some(paths), None) => self.paths(&section, &paths),
            (None, Some(url)) => {
                address(&url).map(|url| Whence::Url(Box::new(Remote { url, tls, proxy })))
            }
            (both, _) => {
                let what = if both.is_some() {
                    "`paths` and `url` stand together"
                } else {
                    "neither `paths` nor `url` stands here"
                };
                section.refuse(what, "write `paths: [teams/*.yml]`, or `url: https://…`");
                None
            }
        };
        let may = may(&section);
        Some(RegistryFiles {
            registries: may.contains(&"registries"),
            repositories: may.contains(&"repositories"),
            interval: interval(&section),
            path: item.spot.path.clone(),
            whence: whence?,
        })
    }

    fn paths(&self, section: &Section<'_>, paths: &Item<'_>) -> Option<Whence> {
        let of_way: Vec<&str> = section.present(keys::names_of(keys::WAY));
        if let Some(key) = of_way.first() {
            section.refuse_at(
                &section.spot_of(key),
                format!("{} stand beside `paths`", listed(&of_way)),
                "they are for a `url`; remove them",
            );
        }
        let list = paths.list()?;
        if list.is_empty() {
            paths.refuse(
                "the list of paths is empty",
                "name a file, or several: `teams/*.yml`",
            );
        }
        let paths = list.iter().filter_map(|item| self.path(item)).collect();
        Some(Whence::Paths(paths))
    }

    fn path(&self, item: &Item<'_>) -> Option<std::path::PathBuf> {
        let text = item.text()?;
        if text.trim().is_empty() || text.contains(char::is_control) || text.contains("://") {
            item.refuse(
                "this is no path of a file",
                "name a file, or several: `teams/*.yml`; a URL stands under `url`",
            );
            return None;
        }
        let path = self.base.join(text);
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Err(error) = Pattern::new(name) {
            item.refuse(
                format!("{} is no pattern of paths: {}", shown(text), error.msg),
                "`*` stands for any characters of the last part of a path",
            );
            return None;
        }
        let above = Path::new(text).parent().unwrap_or(Path::new(""));
        if name.is_empty()
            || text.ends_with('/')
            || above.to_string_lossy().contains(['*', '?', '['])
        {
            item.refuse(
                format!(
                    "{} has a pattern above its last part, or no last part",
                    shown(text)
                ),
                "write a path for each directory: `teams/a/*.yml`, `teams/b/*.yml`",
            );
            return None;
        }
        Some(path)
    }

    /// The way to a server, of which `defaults` says what the item does not.
    fn way(&self, section: &Section<'_>) -> (TlsOptions, ProxyOptions) {
        let way = |entry: &&Entry| keys::names_of(keys::WAY).any(|key| key == entry.key);
        let defaults: Vec<Entry> = self.defaults.iter().filter(way).cloned().collect();
        let entries = inherit(&defaults, section.entries());
        let spot = section.spot.clone();
        let whole = Section::composed(spot, &entries, Names::Ours, self.problems);
        (
            reach::tls(&whole, self.base),
            reach::proxy(&whole, self.base),
        )
    }
}

fn address(item: &Item<'_>) -> Option<Url> {
    let mut url = address::http_url(item, item.text()?, Kind::Document)?;
    if url.scheme() == "http" && !address::is_loopback(&url) {
        item.warn("a document over plain http may be changed by anybody on the way");
    }
    url.set_fragment(None);
    Some(url)
}

fn may(section: &Section<'_>) -> Vec<&'static str> {
    let Some(item) = section.item("may") else {
        return vec!["repositories"];
    };
    let mut may = Vec::new();
    for (text, item) in section.texts("may") {
        match keys::MAY.iter().find(|word| **word == text) {
            Some(word) => may.push(*word),
            None => item.refuse(
                format!("{} is nothing that a document may hold", shown(text)),
                "write `[repositories]`, or `[registries, repositories]`",
            ),
        }
    }
    if item.list().is_some_and(|list| list.is_empty()) {
        item.refuse(
            "a document that may hold nothing is of no use",
            "write `[repositories]`, or `[registries, repositories]`",
        );
    }
    may
}

fn interval(section: &Section<'_>) -> Duration {
    let interval = section.duration("interval", INTERVAL);
    if !(SHORTEST..=LONGEST).contains(&interval) {
        section.refuse_at(
            &section.spot_of("interval"),
            "the interval is not from 1s to 24h",
            "choose a value within these bounds",
        );
    }
    interval
}

const INTERVAL: Duration = Duration::from_secs(30);
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);
