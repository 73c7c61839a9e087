//! The whole document: `OCI:` with its environment variables, `defaults:`, `credentials:` and `registries:`.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{
    Config, Environment, Target, fingerprint,
    problem::{Problems, Spot},
    registry,
    section::{Item, Names, OCI_KEYS, Section, shown},
    sets::Sets,
    settings::SETTINGS_KEYS,
    tree::{Entry, Kind, Node, Place, Value},
};

const ROOT_KEYS: [&str; 4] = ["OCI", "defaults", "credentials", "registries"];

/// Keys of `defaults:` that are the exporter's, not a registry's.
const EXPORTER_KEYS: [&str; 2] = ["concurrency", "histogram_buckets"];

/// Keys that displace inherited ones, because only one of them can hold.
const ALTERNATIVES: [&[&str]; 1] = [&["proxy_url", "proxy_from_environment"]];

/// Keys of the `OCI:` block that an environment variable displaces, beside its own.
const DISPLACED: [(&str, &[&str]); 4] = [
    ("Username", &["Token"]),
    ("Password", &["PasswordSecretRef", "Token"]),
    ("PasswordSecretRef", &["Password", "Token"]),
    ("Token", &["Username", "Password", "PasswordSecretRef"]),
];

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
    let oci = environment.names_a_registry() || root.has("OCI");
    if !oci && !root.has("registries") {
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
    config.concurrency = concurrency(&defaults);
    config.histogram_buckets = histogram_buckets(&defaults);

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
                self.problems.warn(
                    &spot,
                    "has no effect without `OCI__RegistryUrl` or an `OCI:` block",
                );
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

fn displaced(key: &str, variables: &[Entry]) -> bool {
    let by: &[&str] = DISPLACED
        .iter()
        .find(|(displaced, _)| *displaced == key)
        .map_or(&[], |(_, by)| by);
    variables
        .iter()
        .any(|variable| variable.key == key || by.contains(&variable.key.as_str()))
}

/// The entries of `upper`, and those of `lower` that it does not replace; maps
/// are merged by key, lists and scalars are replaced.
///
/// A profile is to become one more layer between the two.
fn inherit(lower: &[Entry], upper: &[Entry]) -> Vec<Entry> {
    let mut entries = upper.to_vec();
    for inherited in lower
        .iter()
        .filter(|entry| !EXPORTER_KEYS.contains(&entry.key.as_str()))
    {
        let own = entries.iter_mut().find(|entry| entry.key == inherited.key);
        match own {
            Some(own) => {
                if let (Value::Map(lower), Value::Map(upper)) =
                    (&inherited.node.value, &mut own.node.value)
                {
                    *upper = inherit(lower, upper);
                }
            }
            None if replaced(&inherited.key, upper) => {}
            None => entries.push(inherited.clone()),
        }
    }
    entries
}

fn replaced(key: &str, upper: &[Entry]) -> bool {
    ALTERNATIVES
        .iter()
        .filter(|group| group.contains(&key))
        .any(|group| {
            upper
                .iter()
                .any(|entry| group.contains(&entry.key.as_str()))
        })
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

fn concurrency(defaults: &Section<'_>) -> usize {
    let concurrency = defaults.number("concurrency", "a whole number", DEFAULT_CONCURRENCY);
    if !(1..=MOST_CONCURRENCY).contains(&concurrency) {
        defaults.refuse_at(
            &defaults.spot_of("concurrency"),
            format!("`concurrency` is from 1 to {MOST_CONCURRENCY}: {concurrency}"),
            "choose a value within these bounds",
        );
    }
    concurrency
}

/// Upper bounds in seconds; `false` or an empty list switches the histogram off.
fn histogram_buckets(defaults: &Section<'_>) -> Vec<f64> {
    let Some(item) = defaults.item("histogram_buckets") else {
        return DEFAULT_BUCKETS.to_vec();
    };
    if item.is_off() {
        return Vec::new();
    }
    let mut bounds: Vec<f64> = Vec::new();
    for item in item.list().unwrap_or_default() {
        let Some(bound) = item.number::<f64>("a number of seconds") else {
            continue;
        };
        let ascending = bounds.last().is_none_or(|last| *last < bound);
        if !bound.is_finite() || bound <= 0.0 || !ascending {
            item.refuse(
                format!("the bound `{bound}` is not above 0 and above the one before it"),
                "write the upper bounds in seconds, the smallest first: `[0.1, 0.5, 1, 5]`",
            );
        }
        bounds.push(bound);
    }
    if bounds.len() > MOST_BUCKETS {
        item.refuse(
            format!("{} buckets for every registry", bounds.len()),
            format!("name at most {MOST_BUCKETS}"),
        );
    }
    bounds
}

const DEFAULT_CONCURRENCY: usize = 256;
const MOST_CONCURRENCY: usize = 4096;
const MOST_BUCKETS: usize = 50;
/// The bounds of the Prometheus client libraries: 5ms to the 10s of a request.
const DEFAULT_BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
