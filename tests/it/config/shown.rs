//! `config show` and `config schema`: what they say is what is read.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use oci_registry_exporter::config::{self, Config};

use super::{data, file, parsed, root};
use crate::golden;

/// Every example and every good file.
fn good_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [
        data().join("good"),
        root().join("examples"),
        root().join("examples/credentials"),
        root().join("examples/fleet"),
    ] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let is_yaml = path.extension().is_some_and(|extension| extension == "yml");
            if is_yaml && name != A_TEAMS_DOCUMENT && is_configuration(&path) {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 20, "{}", files.len());
    files
}

/// Prometheus and Kubernetes have YAML files too.
fn is_configuration(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap();
    let begins = |key: &str| {
        text.lines()
            .any(|line| line.trim_start_matches('\u{feff}').starts_with(key))
    };
    begins("registries") || begins("OCI") || begins("\"registries") || begins("{")
}

/// A piece of a configuration.
const A_TEAMS_DOCUMENT: &str = "team-a.yml";

fn said(config: &Config) -> String {
    let Config {
        registries,
        concurrency,
        histogram_buckets,
        credential_sets,
        limits,
        hash,
        ..
    } = config;
    format!("{registries:#?}{concurrency}{histogram_buckets:?}{credential_sets:#?}{limits:?}{hash}")
}

#[test]
fn what_is_shown_loads_again_to_the_same() {
    for path in good_files() {
        let text = fs::read_to_string(&path).unwrap();
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{path:?}: {errors}"));
        for origin in [false, true] {
            let shown = config::show(&config, origin);
            let again = parsed(&shown, &[])
                .unwrap_or_else(|errors| panic!("{}: {errors}\n{shown}", path.display()));
            if shown.contains("<secret>") {
                // It holds another secret, and is the same in all else.
                assert_eq!(config::show(&again, false), config::show(&config, false));
            } else {
                assert_eq!(said(&again), said(&config), "{}", path.display());
            }
        }
    }
}

#[test]
fn no_secret_is_shown() {
    let text = "
OCI: {RegistryUrl: https://a.example.com, Username: robot, Password: CANARY}
credentials:
  a: {token: CANARY, hosts: [b.example.com]}
  b: {username: robot, password: CANARY, hosts: [b.example.com]}
registries:
  - {url: https://b.example.com, credentials: a, repositories: [x/y, {name: z/y, credentials: b}]}
  - {url: https://c.example.com, password: CANARY, username: robot}
  - {url: https://d.example.com, token: CANARY}
";
    let config = parsed(text, &[("OCI__Token", "CANARY")]).unwrap();
    for origin in [false, true] {
        let shown = config::show(&config, origin);
        assert!(!shown.contains("CANARY"), "{shown}");
        assert_eq!(shown.matches("<secret>").count(), 5, "{shown}");
        assert!(!format!("{:?}", config.origins).contains("CANARY"));
    }
}

#[test]
fn every_value_says_where_it_came_from() {
    let variables = [("OCI__TestTag", "edge"), ("OCI__Username", "robot")];
    let config = parsed(&file("origins.yml"), &variables).unwrap();
    golden::compare("config-show-origin.yml", &config::show(&config, true));
}

#[test]
fn the_schema_is_one_and_takes_every_good_file() {
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    jsonschema::meta::validate(&schema).unwrap_or_else(|error| panic!("{error}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    for path in good_files() {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.trim_start_matches('\u{feff}');
        let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{}: {error} at {}", path.display(), error.instance_path());
        }
    }
    let shown = config::show(&parsed(&file("origins.yml"), &[]).unwrap(), false);
    let shown: serde_json::Value = serde_yaml::from_str(&shown).unwrap();
    assert!(validator.is_valid(&shown));
}

#[test]
fn the_schema_refuses_what_an_editor_should_underline() {
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in [
        "duration_without_unit",
        "limits",
        "oci_unknown_key",
        "product_unknown",
        "profile_in_profile",
        "profile_is_text",
        "set_unknown_key",
        "tls_min_version",
        "unknown_check_key",
        "unknown_key",
        "unknown_nested_keys",
        "urls_is_text",
        "wrong_types",
    ] {
        let text = file(&format!("bad/{name}.yml"));
        let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert!(!validator.is_valid(&value), "{name}");
    }
}

/// A key that it does not list does not exist, and every key that it lists does.
#[test]
fn the_schema_knows_the_keys_of_the_readers_and_no_other() {
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    let mut paths = Vec::new();
    keys(&schema, &mut Vec::new(), &mut paths);
    assert!(paths.len() > 150, "{}", paths.len());
    for path in paths {
        // Of a wrong type wherever one is expected, so that nothing but the key is judged.
        let known = document(&path, "[[x]]");
        let message = refusals(&known);
        let last = path.last().unwrap();
        assert!(
            !message.contains(&format!("unknown key `{last}`")),
            "{known}: {message}"
        );
        let mut other = path.clone();
        *other.last_mut().unwrap() = "no_such_key".to_owned();
        let unknown = document(&other, "x");
        assert!(
            refusals(&unknown).contains("unknown key `no_such_key`"),
            "{unknown}: {}",
            refusals(&unknown)
        );
    }
}

/// Every key of a schema with those that lead to it; `*` is a key of the user's, `#` an item.
fn keys(schema: &serde_json::Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        path.push(name.clone());
        found.push(path.clone());
        keys(property, path, found);
        path.pop();
    }
    let inner = [
        ("*", &schema["additionalProperties"]),
        ("#", &schema["items"]),
    ];
    for (step, inner) in inner {
        if inner.is_object() {
            path.push(step.to_owned());
            keys(inner, path, found);
            path.pop();
        }
    }
    for inner in schema["anyOf"].as_array().into_iter().flatten() {
        keys(inner, path, found);
    }
}

/// The name of every key of a schema.
pub(super) fn names(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    let mut paths = Vec::new();
    keys(schema, &mut Vec::new(), &mut paths);
    found.extend(paths.into_iter().filter_map(|mut path| path.pop()));
}

fn document(path: &[String], value: &str) -> String {
    let mut text = value.to_owned();
    for step in path.iter().rev() {
        text = match step.as_str() {
            "#" => format!("[{text}]"),
            "*" => format!("{{a: {text}}}"),
            key => format!("{{{key}: {text}}}"),
        };
    }
    // A profile is read by those who name it.
    match text.strip_prefix("{profiles") {
        Some(rest) => format!("{{registries: [{{profile: a}}], profiles{rest}"),
        None => text,
    }
}

fn refusals(text: &str) -> String {
    match parsed(text, &[]) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    }
}
