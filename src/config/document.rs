//! The whole document: `OCI:` with its environment variables, `defaults:`, `credentials:` and `registries:`.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{
    Config, Environment, Target,
    exporter::{self, EXPORTER_KEYS},
    fingerprint,
    item::Item,
    layers::{displaced, inherit},
    problem::{Problems, Spot},
    quote::shown,
    registry,
    section::{Names, OCI_KEYS, Section},
    sets::Sets,
    settings::SETTINGS_KEYS,
    tree::{Entry, Kind, Node, Place, Value},
};

/// The warning of a variable that belongs to no registry.
pub const IDLE_VARIABLE: &str = "has no effect without `OCI__RegistryUrl` or an `OCI:` block";

const ROOT_KEYS: [&str; 4] = ["OCI", "defaults", "credentials", "registries"];

/// Reads the document; the problems say whether the answer may be used.
pub(super) fn read(
    root: &Node,
    environment: &Environment,
    base: &Path,
    problems: &Problems,
) -> Config {
    let mut config = Config::default();
    let Some(root) = Section::root(root, problems) else {
        return config;
    };
    root.only(&ROOT_KEYS);
    let known = |entry: &Entry| ROOT_KEYS.contains(&entry.key.as_str());
    let named = environment.names_a_registry() || root.has("OCI") || root.has("registries");
    if !named && root.entries().iter().all(known) {
        root.refuse(
            "no registry is configured",
            "name one: `registries: [{url: https://registry.example.com}]`",
        );
    }
    let defaults = root.section("defaults");
    let mut keys = EXPORTER_KEYS.to_vec();
    keys.extend(SETTINGS_KEYS);
    defaults.only(&keys);
    registry::judge_settings(&defaults, base);
    config.concurrency = exporter::concurrency(&defaults);
    config.histogram_buckets = exporter::histogram_buckets(&defaults);

    let sets = Sets::read(&root, base);
    let reader = Reader {
        defaults: defaults.entries(),
        sets: &sets,
        base,
        problems,
    };
    let mut targets = Vec::new();
    targets.extend(reader.oci_block(&root, environment));
    targets.extend(reader.registries(&root));
    sets.warn_of_unused(&root);
    refuse_names_twice(&targets, problems);
    config.registries = targets
        .into_iter()
        .map(|(_, target)| Arc::new(target))
        .collect();
    config.hash = fingerprint::of_all(&config);
    config
}

/// What every registry is read with.
struct Reader<'a> {
    defaults: &'a [Entry],
    sets: &'a Sets,
    base: &'a Path,
    problems: &'a Problems,
}

impl Reader<'_> {
    fn registries(&self, root: &Section<'_>) -> Vec<(Spot, Target)> {
        let Some(item) = root.item("registries") else {
            return Vec::new();
        };
        let list = item.list().unwrap_or_default();
        if list.is_empty() {
            item.warn("no registry is configured");
        }
        list.iter().filter_map(|item| self.listed(item)).collect()
    }

    fn listed(&self, item: &Item<'_>) -> Option<(Spot, Target)> {
        if item.is_text() {
            item.refuse(
                "a registry is more than a text",
                "write `- url: https://registry.example.com`",
            );
            return None;
        }
        let own = item.section()?;
        own.only(&registry::keys());
        let entries = inherit(self.defaults, own.entries());
        self.target(own.spot.clone(), &entries, Names::Ours)
    }

    /// The `OCI:` block and the variables that override it; `None` without both.
    fn oci_block(&self, root: &Section<'_>, environment: &Environment) -> Option<(Spot, Target)> {
        let block = match root.item("OCI") {
            Some(item) => item.section()?,
            None => root.section("OCI"),
        };
        block.only(&OCI_KEYS.map(|(_, oci)| oci));
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
        self.target(spot, &entries, Names::Oci)
    }

    fn target(&self, spot: Spot, entries: &[Entry], names: Names) -> Option<(Spot, Target)> {
        let section = Section::composed(spot, entries, names, self.problems);
        let target = registry::read(&section, self.sets, self.base)?;
        let place = if section.has("name") { "name" } else { "url" };
        Some((section.spot_of(place), target))
    }

    /// The variables `OCI__…` as entries of the block; empty ones count as not set.
    fn variables(&self, environment: &Environment) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (key, value) in environment.oci() {
            let spot = Spot {
                place: Place::Environment,
                path: format!("OCI__{key}"),
            };
            let names: Vec<&str> = OCI_KEYS.iter().map(|(_, oci)| *oci).collect();
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

fn refuse_names_twice(targets: &[(Spot, Target)], problems: &Problems) {
    let mut first: HashMap<&str, &Spot> = HashMap::new();
    for (spot, target) in targets {
        if let Some(other) = first.get(target.name.as_str()) {
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
            first.insert(&target.name, spot);
        }
    }
}
