//! The effective configuration as YAML: every value of every registry, whatever layer it
//! came from, and if wanted which.
//!
//! It holds no secret. Without an inline one it loads again to the same configuration.

mod registry;
mod set;
mod yaml;

use super::Config;
use registry::Paths;
use yaml::{Level, number};

/// The effective configuration, made for people and for `config::load`; with `origin`
/// every value has a comment that says where it came from.
pub fn show(config: &Config, origin: bool) -> String {
    written(config, &[], origin)
}

/// The effective configuration for whoever reaches the port: without the names of
/// users, and of the hosts that get credentials for a token.
pub fn show_to_anybody(config: &Config) -> String {
    written(
        config,
        &["username", "proxy_username", "token_hosts"],
        false,
    )
}

fn written(config: &Config, withheld: &[&str], origin: bool) -> String {
    let base = config.path.as_deref().and_then(|path| path.parent());
    let paths = Paths(base);
    let document = |path: &str| config.origins.of_document(path);
    let defaults = |path: &str| config.origins.of_defaults(path);

    let mut root = Level::root(&document);
    let mut exporter = Level::root(&defaults);
    exporter.put("concurrency", number(config.concurrency));
    if config.histogram_buckets.is_empty() {
        exporter.put("histogram_buckets", number(false));
    } else {
        let bounds = config.histogram_buckets.iter().map(number);
        exporter.list("histogram_buckets", bounds);
    }
    root.within("defaults", exporter);
    let limits = config.limits;
    root.map("limits", |level| {
        level.put("registries", number(limits.registries));
        level.put("repositories", number(limits.repositories));
        level.put("label_values", number(limits.label_values));
    });
    root.map("credentials", |level| {
        for set in &config.credential_sets {
            level.map(&set.name, |level| set::put_named(level, set, paths));
        }
    });
    let registries = config.registries.iter().enumerate();
    root.maps(
        "registries",
        registries.map(|(index, target)| {
            registry::lines(target, paths, &|path: &str| {
                config.origins.of_registry(index, path)
            })
        }),
    );
    root.withhold(withheld, WITHHELD);
    root.written(origin)
}

const WITHHELD: &str = "<withheld>";
