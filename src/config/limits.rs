//! `limits:`: how much may be configured before it is taken for a flood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Limits, Target, TestRepository, entries::Read, keys, quote::shown, section::Section};

/// Reads `limits:`.
pub(super) fn read(root: &Section<'_>) -> Limits {
    let limits = root.section("limits");
    limits.only(keys::LIMITS);
    let otherwise = Limits::default();
    let limit = |key: &str, otherwise: usize| {
        let number = limits.number(key, "a whole number", otherwise);
        if !(1..=MOST).contains(&number) {
            limits.refuse_at(
                &limits.spot_of(key),
                format!("`{key}` is from 1 to {MOST}: {number}"),
                "choose a value within these bounds",
            );
            return otherwise;
        }
        number
    };
    Limits {
        registries: limit("registries", otherwise.registries),
        repositories: limit("repositories", otherwise.repositories),
        label_values: limit("label_values", otherwise.label_values),
    }
}

/// Refuses more than that.
pub(super) fn judge(limits: Limits, root: &Section<'_>, read: &[Read]) {
    let spot = root.spot_of("registries");
    let mut tally = Tally::default();
    for Read { target, .. } in read {
        tally.add_registry(target);
    }
    for (message, hint) in Tally::default().beyond(&tally, limits) {
        root.refuse_at(&spot, message, hint);
    }
}

/// What is counted against the limits.
#[derive(Default)]
pub(super) struct Tally {
    registries: usize,
    repositories: usize,
    values: BTreeMap<String, BTreeSet<String>>,
}

impl Tally {
    pub(super) fn add_registry(&mut self, target: &Target) {
        self.registries += 1;
        self.add_labels(&target.labels);
        for repository in &target.repositories {
            self.add_repository(repository);
        }
    }

    pub(super) fn add_repository(&mut self, repository: &TestRepository) {
        self.repositories += 1;
        self.add_labels(&repository.labels);
    }

    fn add_labels(&mut self, labels: &BTreeMap<String, String>) {
        for (name, value) in labels {
            let values = self.values.entry(name.clone()).or_default();
            values.insert(value.clone());
        }
    }

    /// Counts this too.
    pub(super) fn add(&mut self, other: Self) {
        self.registries += other.registries;
        self.repositories += other.repositories;
        for (name, mut values) in other.values {
            self.values.entry(name).or_default().append(&mut values);
        }
    }

    /// What there is more of than may be with this too, and what to do about it.
    pub(super) fn beyond(&self, other: &Self, limits: Limits) -> Vec<(String, String)> {
        let mut beyond = Vec::new();
        let mut look = |found: usize, what: &str, limit: usize, key: &str| {
            if found > limit {
                beyond.push((
                    format!("{found} {what}, and the limit is {limit}"),
                    format!("raise `limits: {{{key}: …}}` if they are all meant"),
                ));
            }
        };
        let key = "registries";
        look(
            self.registries + other.registries,
            key,
            limits.registries,
            key,
        );
        let key = "repositories";
        look(
            self.repositories + other.repositories,
            key,
            limits.repositories,
            key,
        );
        for (name, values) in &other.values {
            let known = self.values.get(name);
            let new = values
                .iter()
                .filter(|it| known.is_none_or(|known| !known.contains(*it)));
            let found = known.map_or(0, BTreeSet::len) + new.count();
            let what = format!("different values of the label {}", shown(name));
            look(found, &what, limits.label_values, "label_values");
        }
        beyond
    }
}

const MOST: usize = 1_000_000;
