//! The whole document: defaults, profiles, credential sets, limits, and the registries
//! of `OCI:` and `registries:`.

use std::{path::Path, sync::Arc};

use super::{
    Config, Environment,
    entries::{self, Reader},
    exporter, fingerprint, keys, limits,
    origins::Origins,
    problem::Problems,
    profiles::Profiles,
    registry,
    section::Section,
    sets::Sets,
    tree::{Entry, Node},
};

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
    root.only(keys::ROOT);
    let known = |entry: &Entry| keys::names(keys::ROOT).any(|key| key == entry.key);
    let named = environment.names_a_registry() || root.has("OCI") || root.has("registries");
    if !named && root.entries().iter().all(known) {
        root.refuse(
            "no registry is configured",
            "name one: `registries: [{url: https://registry.example.com}]`",
        );
    }
    let defaults = root.section("defaults");
    defaults.only(keys::DEFAULTS);
    registry::judge_settings(&defaults, base);
    if let Some(item) = root.item("defaults") {
        problems.inherited(item.spot.path.clone(), item.node());
    }
    config.concurrency = exporter::concurrency(&defaults);
    config.histogram_buckets = exporter::histogram_buckets(&defaults);
    config.limits = limits::read(&root);

    let profiles = Profiles::read(&root, defaults.entries(), problems);
    let sets = Sets::read(&root, base);
    let reader = Reader {
        defaults: defaults.entries(),
        profiles: &profiles,
        sets: &sets,
        base,
        problems,
    };
    let mut read = Vec::new();
    read.extend(reader.oci_block(&root, environment));
    read.extend(reader.registries(&root));
    profiles.judge_unused(&sets, base, problems);
    sets.warn_of_unused(&root);
    entries::refuse_names_twice(&read, problems);
    limits::judge(config.limits, &root, &read);
    config.origins = Origins::of(&root, &profiles, &read);
    config.credential_sets = sets.all();
    config.registries = read.into_iter().map(|read| Arc::new(read.target)).collect();
    config.hash = fingerprint::of_all(&config);
    config
}
