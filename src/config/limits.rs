//! `limits:`: how much may be configured before it is taken for a flood.

use std::collections::{BTreeMap, BTreeSet};

use super::{Limits, entries::Read, keys, problem::Spot, quote::shown, section::Section};

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
    let refuse = |found: usize, what: &str, limit: usize, key: &str| {
        if found > limit {
            refuse(root, &spot, &format!("{found} {what}"), limit, key);
        }
    };
    refuse(read.len(), "registries", limits.registries, "registries");
    let repositories = read
        .iter()
        .map(|read| read.target.repositories.len())
        .sum::<usize>();
    let key = "repositories";
    refuse(repositories, key, limits.repositories, key);
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Read { target, .. } in read {
        let of_repositories = target.repositories.iter().flat_map(|it| &it.labels);
        for (name, value) in target.labels.iter().chain(of_repositories) {
            values.entry(name).or_default().insert(value);
        }
    }
    for (name, values) in values {
        let what = format!("different values of the label {}", shown(name));
        refuse(values.len(), &what, limits.label_values, "label_values");
    }
}

fn refuse(root: &Section<'_>, spot: &Spot, found: &str, limit: usize, key: &str) {
    root.refuse_at(
        spot,
        format!("{found}, and the limit is {limit}"),
        format!("raise `limits: {{{key}: …}}` if they are all meant"),
    );
}

const MOST: usize = 1_000_000;
