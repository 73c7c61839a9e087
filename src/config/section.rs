//! A map of the configuration on its way to typed values: every refusal that does not depend on the key's meaning.

use std::{str::FromStr, time::Duration};

use super::{
    item::Item,
    keys::{self, Keys},
    problem::{Problems, Spot},
    quote::{joined, shown},
    suggest,
    tree::{Entry, Node, Place},
};

/// A map whose keys are read one by one; an absent one reads as empty.
#[derive(Clone)]
pub(super) struct Section<'a> {
    pub(super) spot: Spot,
    entries: &'a [Entry],
    names: Names,
    problems: &'a Problems,
    url_at: Option<&'a str>,
}

/// How keys are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// `test_repository`
    Ours,
    /// `TestRepository`, as in the `OCI:` block.
    Oci,
}

impl Names {
    /// The user's spelling of a key.
    pub(super) fn spell(self, key: &str) -> &str {
        match self {
            Self::Ours => key,
            Self::Oci => OCI_KEYS
                .iter()
                .find(|(ours, _)| *ours == key)
                .map_or(key, |(_, oci)| oci),
        }
    }
}

/// The keys of the `OCI:` block (the source document's) beside ours.
pub(super) const OCI_KEYS: [(&str, &str); 7] = [
    ("url", "RegistryUrl"),
    ("username", "Username"),
    ("password", "Password"),
    ("password_secret_ref", "PasswordSecretRef"),
    ("token", "Token"),
    ("test_repository", "TestRepository"),
    ("test_tag", "TestTag"),
];

impl<'a> Section<'a> {
    /// The whole document.
    pub(super) fn root(node: &'a Node, problems: &'a Problems) -> Option<Self> {
        let spot = Spot {
            place: node.place,
            path: String::new(),
        };
        Item::new(spot, node, problems).section()
    }

    /// A map that was put together: its own keys and inherited ones.
    pub(super) fn composed(
        spot: Spot,
        entries: &'a [Entry],
        names: Names,
        problems: &'a Problems,
    ) -> Self {
        Self {
            spot,
            entries,
            names,
            problems,
            url_at: None,
        }
    }

    /// The same, whose `url` is an item of a list with this path.
    pub(super) fn with_url_at(self, path: Option<&'a str>) -> Self {
        Self {
            url_at: path,
            ..self
        }
    }

    pub(super) fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    /// Refuses every key that is not one of these, and every key that stands twice.
    pub(super) fn only(&self, keys: Keys) {
        let keys: Vec<&str> = keys::names(keys).collect();
        for entry in self.repeated() {
            if keys.contains(&entry.key.as_str()) {
                continue;
            }
            let spot = Spot {
                place: entry.key_place,
                path: self.spot.path.clone(),
            };
            self.problems.refuse(
                &spot,
                format!("unknown key {}", shown(&entry.key)),
                suggest::instead_of(&entry.key, &keys),
            );
        }
    }

    /// The entries of a map whose keys the user chooses; a key that stands twice is refused.
    pub(super) fn free(&self) -> Vec<(&'a str, Spot, Item<'a>)> {
        self.repeated()
            .into_iter()
            .map(|entry| {
                let item = self.at(entry);
                let key = Spot {
                    place: entry.key_place,
                    path: item.spot.path.clone(),
                };
                (entry.key.as_str(), key, item)
            })
            .collect()
    }

    /// The first entry of every key, after refusing the second ones.
    fn repeated(&self) -> Vec<&'a Entry> {
        let mut first: Vec<&Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for entry in self.entries {
            if seen.insert(entry.key.as_str()) {
                first.push(entry);
            } else {
                let spot = Spot {
                    place: entry.key_place,
                    path: self.spot.path.clone(),
                };
                self.problems.refuse(
                    &spot,
                    format!("the key {} stands twice", shown(&entry.key)),
                    "keep one of the two",
                );
            }
        }
        first
    }

    /// The user's spelling of a key.
    pub(super) fn spelled<'key>(&self, key: &'key str) -> &'key str {
        self.names.spell(key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Those of these keys that are there, as the user spells them.
    pub(super) fn present(&self, keys: impl IntoIterator<Item = &'static str>) -> Vec<&'a str> {
        keys.into_iter()
            .filter_map(|key| self.find(key))
            .map(|entry| entry.key.as_str())
            .collect()
    }

    pub(super) fn item(&self, key: &str) -> Option<Item<'a>> {
        self.find(key).map(|entry| self.at(entry))
    }

    /// The map under a key, empty when there is none.
    pub(super) fn section(&self, key: &str) -> Section<'a> {
        self.item(key)
            .and_then(|item| item.section())
            .unwrap_or_else(|| Section {
                spot: self.spot_of(key),
                entries: &[],
                names: Names::Ours,
                problems: self.problems,
                url_at: None,
            })
    }

    pub(super) fn text(&self, key: &str) -> Option<(&'a str, Item<'a>)> {
        let item = self.item(key)?;
        item.text().map(|text| (text, item))
    }

    pub(super) fn flag(&self, key: &str, otherwise: bool) -> bool {
        self.item(key)
            .and_then(|item| item.flag())
            .unwrap_or(otherwise)
    }

    pub(super) fn duration(&self, key: &str, otherwise: Duration) -> Duration {
        self.item(key)
            .and_then(|item| item.duration())
            .unwrap_or(otherwise)
    }

    pub(super) fn number<T: FromStr>(&self, key: &str, what: &str, otherwise: T) -> T {
        self.item(key)
            .and_then(|item| item.number(what))
            .unwrap_or(otherwise)
    }

    /// The texts of a list, each with its place; empty when there is none.
    pub(super) fn texts(&self, key: &str) -> Vec<(&'a str, Item<'a>)> {
        self.item(key)
            .and_then(|item| item.list())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|item| item.text().map(|text| (text, item)))
            .collect()
    }

    /// Where a key stands, or the map when it is not there.
    pub(super) fn spot_of(&self, key: &str) -> Spot {
        self.item(key).map_or_else(
            || Spot {
                place: self.spot.place,
                path: joined(&self.spot.path, self.names.spell(key)),
            },
            |item| item.spot,
        )
    }

    pub(super) fn refuse(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.refuse(&self.spot, message, hint);
    }

    pub(super) fn refuse_at(
        &self,
        spot: &Spot,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.problems.refuse(spot, message, hint);
    }

    pub(super) fn warn_at(&self, spot: &Spot, message: impl Into<String>) {
        self.problems.warn(spot, message);
    }

    fn find(&self, key: &str) -> Option<&'a Entry> {
        let key = self.names.spell(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn at(&self, entry: &'a Entry) -> Item<'a> {
        let path = match entry.node.place {
            Place::Environment => format!("OCI__{}", entry.key),
            Place::Part(_) if self.url_at.is_some() && entry.key == "url" => {
                self.url_at.unwrap_or_default().to_owned()
            }
            Place::Part(_) => joined(&self.spot.path, &entry.key),
        };
        let spot = Spot {
            place: entry.node.place,
            path,
        };
        Item::new(spot, &entry.node, self.problems)
    }
}
