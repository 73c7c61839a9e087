//! Where each value of the effective configuration came from.

use std::collections::BTreeMap;

use super::{
    entries::Read,
    profiles::Profiles,
    quote::joined,
    section::{Names, OCI_KEYS, Section},
    tree::{Entry, Node, Place, Value},
};

/// Where the values of a configuration came from: the lines of the file, layer by layer.
/// It holds keys and lines, and no value.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    root: Layer,
    defaults: Layer,
    profiles: BTreeMap<String, Layer>,
    registries: Vec<Layers>,
}

/// What a registry's values are looked for in, beside the defaults.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    own: Layer,
    pub(super) profile: Option<String>,
}

/// Key paths, and where their values stand.
type Layer = BTreeMap<String, At>;

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Part(u32),
    Line(u32),
    Variable(String),
}

impl Layers {
    /// A registry's own keys.
    pub(super) fn of(entries: &[Entry], names: Names) -> Self {
        let mut own = Layer::new();
        for entry in entries {
            add(&mut own, ours(names, &entry.key).to_owned(), entry);
        }
        Self { own, profile: None }
    }
}

impl Origins {
    /// Those of a document that was read.
    pub(super) fn of(root: &Section<'_>, profiles: &Profiles<'_>, read: &[Read]) -> Self {
        let layer = |entries: &[Entry]| Layers::of(entries, Names::Ours).own;
        let own = |entry: &&Entry| !ELSEWHERE.contains(&entry.key.as_str());
        let rest: Vec<Entry> = root.entries().iter().filter(own).cloned().collect();
        Self {
            root: layer(&rest),
            defaults: layer(root.section("defaults").entries()),
            profiles: profiles
                .all()
                .map(|(name, entries)| (name.to_owned(), layer(entries)))
                .collect(),
            registries: read.iter().map(|read| read.layers.clone()).collect(),
        }
    }

    /// From the numbers of parts to lines.
    pub(super) fn locate(&mut self, lines: &[u32]) {
        let layers = [&mut self.root, &mut self.defaults]
            .into_iter()
            .chain(self.profiles.values_mut())
            .chain(self.registries.iter_mut().map(|layers| &mut layers.own));
        for at in layers.flat_map(BTreeMap::values_mut) {
            if let At::Part(part) = at {
                let line = usize::try_from(*part).ok().and_then(|it| lines.get(it));
                *at = At::Line(line.copied().unwrap_or_default());
            }
        }
    }

    /// Where the value under a key path of a registry came from, in words.
    pub(super) fn of_registry(&self, registry: usize, path: &str) -> String {
        let layers = self.registries.get(registry);
        let own = layers.and_then(|layers| layers.own.get(path));
        let profile = layers.and_then(|layers| {
            let name = layers.profile.as_ref()?;
            Some((name, self.profiles.get(name)?.get(path)?))
        });
        match (own, profile) {
            (Some(at), _) => at.within("entry"),
            (None, Some((name, at))) => at.within(&format!("profile {name}")),
            (None, None) => self.of_defaults(path),
        }
    }

    /// Where the value under a key path of `defaults:` came from.
    pub(super) fn of_defaults(&self, path: &str) -> String {
        let at = self.defaults.get(path);
        at.map_or_else(|| BUILT_IN.to_owned(), |at| at.within("defaults"))
    }

    /// Where the value under a key path of the document came from.
    pub(super) fn of_document(&self, path: &str) -> String {
        let at = self.root.get(path);
        at.map_or_else(|| BUILT_IN.to_owned(), |at| at.within(""))
    }
}

impl At {
    fn within(&self, layer: &str) -> String {
        match self {
            Self::Part(_) | Self::Line(0) => layer.to_owned(),
            Self::Line(line) => format!("{layer} line {line}").trim_start().to_owned(),
            Self::Variable(name) => format!("environment OCI__{name}"),
        }
    }
}

fn add(layer: &mut Layer, path: String, entry: &Entry) {
    let at = match entry.key_place {
        Place::Part(part) => At::Part(part),
        Place::Environment => At::Variable(entry.key.clone()),
    };
    walk(layer, &path, &entry.node);
    layer.insert(path, at);
}

fn walk(layer: &mut Layer, path: &str, node: &Node) {
    match &node.value {
        Value::Scalar(..) => {}
        Value::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                let path = format!("{path}[{index}]");
                walk(layer, &path, node);
                if let Place::Part(part) = node.place {
                    layer.insert(path, At::Part(part));
                }
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                add(layer, joined(path, &entry.key), entry);
            }
        }
    }
}

/// Our spelling of a key.
fn ours(names: Names, key: &str) -> &str {
    match names {
        Names::Ours => key,
        Names::Oci => OCI_KEYS
            .iter()
            .find(|(_, oci)| *oci == key)
            .map_or(key, |(ours, _)| ours),
    }
}

const BUILT_IN: &str = "built-in";
/// Parts of the document that are layers of their own.
const ELSEWHERE: [&str; 4] = ["OCI", "defaults", "profiles", "registries"];
