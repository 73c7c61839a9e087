//! `profiles:`: named groups of keys between `defaults:` and a registry.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    path::Path,
};

use super::{
    item::Item,
    keys,
    layers::inherit,
    problem::Problems,
    quote::shown,
    registry,
    section::{Names, Section},
    suggest,
    tree::Entry,
};

/// The profiles, and which of them are used.
pub(super) struct Profiles<'a> {
    profiles: BTreeMap<&'a str, Section<'a>>,
    used: RefCell<HashSet<&'a str>>,
}

impl<'a> Profiles<'a> {
    /// Reads the map under `profiles`.
    pub(super) fn read(root: &Section<'a>, problems: &Problems) -> Self {
        let mut profiles = BTreeMap::new();
        for (name, key, item) in root.section("profiles").free() {
            if name.is_empty() || name.len() > LONGEST_NAME {
                root.refuse_at(
                    &key,
                    format!("a name of {} bytes", name.len()),
                    format!("choose 1 to {LONGEST_NAME} bytes"),
                );
                continue;
            }
            let Some(section) = item.section() else {
                continue;
            };
            section.only(keys::PROFILE);
            problems.inherited(item.spot.path.clone(), item.node());
            profiles.insert(name, section);
        }
        Self {
            profiles,
            used: RefCell::default(),
        }
    }

    /// The keys of the profile that a registry names, and its name.
    pub(super) fn find(&self, item: &Item<'_>) -> Option<(&'a str, &'a [Entry])> {
        let name = item.text()?;
        if let Some((name, section)) = self.profiles.get_key_value(name) {
            self.used.borrow_mut().insert(name);
            return Some((name, section.entries()));
        }
        let known: Vec<&str> = self.profiles.keys().copied().collect();
        let hint = if known.is_empty() {
            "define it under `profiles:`".to_owned()
        } else {
            suggest::instead_of(name, &known)
        };
        item.refuse(format!("there is no profile {}", shown(name)), hint);
        None
    }

    /// Every profile with its keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a [Entry])> {
        self.profiles
            .iter()
            .map(|(name, section)| (*name, section.entries()))
    }

    /// Warns of profiles that no registry names, and says what is wrong with them: what
    /// is wrong with the others was said by the registries that inherit it.
    pub(super) fn judge_unused(&self, defaults: &[Entry], base: &Path, problems: &Problems) {
        for (name, section) in &self.profiles {
            if self.used.borrow().contains(name) {
                continue;
            }
            section.warn_at(&section.spot, "no registry uses this profile");
            let entries = inherit(defaults, section.entries());
            let spot = section.spot.clone();
            let whole = Section::composed(spot, &entries, Names::Ours, problems);
            registry::judge_settings(&whole, base);
        }
    }
}

const LONGEST_NAME: usize = 128;
