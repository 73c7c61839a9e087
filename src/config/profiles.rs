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
    sets::Sets,
    suggest,
    tree::Entry,
};

/// The profiles, and which of them are used.
pub(super) struct Profiles<'a> {
    profiles: BTreeMap<&'a str, Profile<'a>>,
    used: RefCell<HashSet<&'a str>>,
}

struct Profile<'a> {
    own: Section<'a>,
    /// Its own keys and those of the defaults that it does not replace.
    whole: Vec<Entry>,
}

impl<'a> Profiles<'a> {
    /// Reads the map under `profiles`.
    pub(super) fn read(root: &Section<'a>, defaults: &[Entry], problems: &Problems) -> Self {
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
            let Some(own) = item.section() else {
                continue;
            };
            own.only(keys::PROFILE);
            problems.inherited(item.spot.path.clone(), item.node());
            let whole = inherit(defaults, own.entries());
            profiles.insert(name, Profile { own, whole });
        }
        Self {
            profiles,
            used: RefCell::default(),
        }
    }

    /// The name of the profile that a registry names, and all that is inherited with it.
    pub(super) fn find(&self, item: &Item<'_>) -> Option<(&'a str, &[Entry])> {
        let name = item.text()?;
        if let Some((name, profile)) = self.profiles.get_key_value(name) {
            self.used.borrow_mut().insert(name);
            return Some((name, &profile.whole));
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

    /// Every profile with its own keys.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a [Entry])> {
        self.profiles
            .iter()
            .map(|(name, profile)| (*name, profile.own.entries()))
    }

    /// Warns of profiles that no registry names, and says what is wrong with them: what
    /// is wrong with the others was said by the registries that inherit it.
    pub(super) fn judge_unused(&self, sets: &Sets, base: &Path, problems: &Problems) {
        for (name, Profile { own, whole }) in &self.profiles {
            if self.used.borrow().contains(name) {
                continue;
            }
            own.warn_at(&own.spot, "no registry uses this profile");
            let spot = own.spot.clone();
            let whole = Section::composed(spot, whole, Names::Ours, problems);
            registry::judge_profile(&whole, sets, base);
        }
    }
}

const LONGEST_NAME: usize = 128;
