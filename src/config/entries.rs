//! The registries of a document, each with what it inherits.
//!
//! It knows nothing of the rest of the document, so that another document can be read
//! by the same rules.

use std::{collections::HashSet, path::Path};

use url::Url;

use super::{
    Environment, Target,
    item::Item,
    keys,
    layers::{displaced, inherit},
    origins::Layers,
    problem::{Problems, Spot},
    profiles::Profiles,
    quote::{listed, shown},
    registry,
    section::{Names, Section},
    sets::Sets,
    tree::{Entry, Kind, Node, Place, Value},
};

/// The warning of a variable that belongs to no registry.
pub const IDLE_VARIABLE: &str = "has no effect without `OCI__RegistryUrl` or an `OCI:` block";

/// What every registry is read with.
pub(super) struct Reader<'a> {
    pub(super) defaults: &'a [Entry],
    pub(super) profiles: &'a Profiles<'a>,
    pub(super) sets: &'a Sets,
    pub(super) base: &'a Path,
    pub(super) problems: &'a Problems,
}

/// A registry, where it stands, and where its values do.
pub(super) struct Read {
    pub(super) spot: Spot,
    pub(super) target: Target,
    pub(super) layers: Layers,
}

impl Reader<'_> {
    /// The list under `registries`.
    pub(super) fn registries(&self, root: &Section<'_>) -> Vec<Read> {
        let Some(item) = root.item("registries") else {
            return Vec::new();
        };
        let list = item.list().unwrap_or_default();
        if list.is_empty() {
            item.warn("no registry is configured");
        }
        list.iter().flat_map(|item| self.listed(item)).collect()
    }

    fn listed(&self, item: &Item<'_>) -> Vec<Read> {
        if item.is_text() {
            item.refuse(
                "a registry is more than a text",
                "write `- url: https://registry.example.com`",
            );
            return Vec::new();
        }
        let Some(own) = item.section() else {
            return Vec::new();
        };
        own.only(keys::ENTRY);
        let Some(urls) = own.item("urls") else {
            return self.entry(&own, own.entries(), None).into_iter().collect();
        };
        let alone = own.present(["url", "name"]);
        if !alone.is_empty() {
            urls.refuse(
                format!("`urls` stands beside {}", listed(&alone)),
                "each of `urls` is named after its host; a registry with a name of its own is an item of its own",
            );
            return Vec::new();
        }
        let shared: Vec<Entry> = own
            .entries()
            .iter()
            .filter(|entry| entry.key != "urls")
            .cloned()
            .collect();
        let read = |url: &Item<'_>| {
            let mut entries = shared.clone();
            entries.push(Entry {
                key: "url".to_owned(),
                key_place: url.spot.place,
                node: url.node().clone(),
            });
            self.entry(&own, &entries, Some(&url.spot.path))
        };
        distinct(&urls).iter().filter_map(read).collect()
    }

    /// A registry with these keys of its own; its URL may be an item of a list.
    fn entry(&self, own: &Section<'_>, entries: &[Entry], url_at: Option<&str>) -> Option<Read> {
        let profile = own
            .item("profile")
            .and_then(|item| self.profiles.find(&item));
        let mut layers = Layers::of(entries, Names::Ours);
        layers.profile = profile.map(|(name, _)| name.to_owned());
        let lower = profile.map_or(self.defaults, |(_, whole)| whole);
        let entries = inherit(lower, entries);
        self.problems.reading(&own.spot.path, called(&entries, own));
        let read = self.target(own.spot.clone(), &entries, Names::Ours, url_at, layers);
        self.problems.read();
        read
    }

    /// The `OCI:` block and the variables that override it; `None` without both.
    pub(super) fn oci_block(&self, root: &Section<'_>, environment: &Environment) -> Option<Read> {
        let block = match root.item("OCI") {
            Some(item) => item.section()?,
            None => root.section("OCI"),
        };
        block.only(keys::OCI);
        let variables = self.variables(environment);
        if !root.has("OCI") && !variables.iter().any(|entry| entry.key == "RegistryUrl") {
            if let Some(entry) = variables.first() {
                let spot = Spot {
                    place: Place::Environment,
                    path: format!("OCI__{}", entry.key),
                };
                self.problems.warn(&spot, IDLE_VARIABLE);
            }
            return None;
        }
        let mut own: Vec<Entry> = block
            .entries()
            .iter()
            .filter(|entry| !displaced(&entry.key, &variables))
            .cloned()
            .collect();
        own.extend(variables);
        let entries = inherit(self.defaults, &own);
        let spot = Spot {
            place: if root.has("OCI") {
                block.spot.place
            } else {
                Place::Environment
            },
            path: "OCI".to_owned(),
        };
        let layers = Layers::of(&own, Names::Oci);
        self.problems.reading("OCI", "OCI".to_owned());
        let read = self.target(spot, &entries, Names::Oci, None, layers);
        self.problems.read();
        read
    }

    fn target(
        &self,
        spot: Spot,
        entries: &[Entry],
        names: Names,
        url_at: Option<&str>,
        layers: Layers,
    ) -> Option<Read> {
        let section = Section::composed(spot, entries, names, self.problems).with_url_at(url_at);
        let target = registry::read(&section, self.sets, self.base)?;
        let place = if section.has("name") { "name" } else { "url" };
        Some(Read {
            spot: section.spot_of(place),
            target,
            layers,
        })
    }

    /// The variables `OCI__…` as entries of the block; empty ones count as not set.
    fn variables(&self, environment: &Environment) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, value) in environment.oci() {
            let spot = Spot {
                place: Place::Environment,
                path: format!("OCI__{key}"),
            };
            let names: Vec<&str> = keys::names(keys::OCI).collect();
            if !names.contains(&key) {
                let hint = super::suggest::instead_of(key, &names);
                self.problems
                    .warn(&spot, format!("unknown variable, not read; {hint}"));
                continue;
            }
            match value.to_str() {
                None => self.problems.refuse(
                    &spot,
                    "the variable is not UTF-8",
                    "set it to text, or unset it",
                ),
                Some("") => self
                    .problems
                    .warn(&spot, "the variable is empty and counts as not set"),
                Some(text) => entries.push(Entry {
                    key: key.to_owned(),
                    key_place: Place::Environment,
                    node: Node {
                        place: Place::Environment,
                        value: Value::Scalar(Kind::Text, text.to_owned()),
                    },
                }),
            }
        }
        entries
    }
}

/// The items of `urls`, each once.
fn distinct<'a>(urls: &Item<'a>) -> Vec<Item<'a>> {
    let Some(list) = urls.list() else {
        return Vec::new();
    };
    if list.is_empty() {
        urls.refuse(
            "the list of URLs is empty",
            "name at least one: `urls: [https://registry.example.com]`",
        );
    }
    let mut seen = HashSet::new();
    let new = |item: &Item<'a>| {
        let Some(text) = item.text() else {
            return false;
        };
        let new = seen.insert(text.trim_end_matches('/'));
        if !new {
            item.refuse("this URL stands twice in the list", "keep one of the two");
        }
        new
    };
    list.into_iter().filter(new).collect()
}

/// What people call a registry that may turn out to have no name: a URL may hold a
/// password, so that nothing but its host is taken from it.
fn called(entries: &[Entry], own: &Section<'_>) -> String {
    let text = |key: &str| {
        let entry = entries.iter().find(|entry| entry.key == key)?;
        match &entry.node.value {
            Value::Scalar(_, text) => Some(text.as_str()),
            _ => None,
        }
    };
    let host = || {
        let url = text("url").filter(|url| !url.contains('@'))?;
        Url::parse(url).ok()?.host_str().map(str::to_owned)
    };
    text("name")
        .map(str::to_owned)
        .or_else(host)
        .unwrap_or_else(|| own.spot.path.clone())
}

/// For messages about names.
pub(super) fn refuse_names_twice(read: &[Read], problems: &Problems) {
    let mut first = std::collections::HashMap::new();
    for Read { spot, target, .. } in read {
        if let Some(other) = first.get(target.name.as_str()) {
            let other: &&Spot = other;
            problems.refuse(
                spot,
                format!(
                    "two registries are named {}; the first at `{}`",
                    shown(&target.name),
                    other.path
                ),
                "give one of them another `name`; without one, a registry is named after its host",
            );
        } else {
            first.insert(target.name.as_str(), spot);
        }
    }
}
