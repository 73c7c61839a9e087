//! The user's own labels.

use std::collections::BTreeMap;

use super::{quote::shown, section::Section};

/// Reads the map under `labels`; a series has each label once, so those that
/// are `taken` by the registry cannot stand on its repository too.
pub(super) fn read(
    section: &Section<'_>,
    taken: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, key, value) in section.section("labels").free() {
        if let Err((message, hint)) = name_rule(name) {
            section.refuse_at(&key, message, hint);
            continue;
        }
        if taken.contains_key(name) {
            section.refuse_at(
                &key,
                format!("the registry has the label {} already", shown(name)),
                "write it on each repository, or on the registry alone",
            );
        }
        let Some(text) = value.text() else { continue };
        if text.len() > LONGEST_VALUE {
            value.refuse(
                format!("the label's value has {} bytes", text.len()),
                format!("shorten it to {LONGEST_VALUE} bytes"),
            );
            continue;
        }
        labels.insert(name.to_owned(), text.to_owned());
    }
    labels
}

/// The data model's grammar of label names, less those that a metric already has.
/// <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>
fn name_rule(name: &str) -> Result<(), (String, &'static str)> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    let grammar = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
    if !grammar {
        return Err((
            format!("{} is no label name", shown(name)),
            "label names are ASCII letters, digits and `_`, and do not begin with a digit",
        ));
    }
    if name.starts_with("__") {
        return Err((
            format!("the label name {} is reserved", shown(name)),
            "names that begin with `__` belong to Prometheus; choose another",
        ));
    }
    if RESERVED.contains(&name) {
        return Err((
            format!("the label name {} is reserved", shown(name)),
            "the exporter's own metrics, or Prometheus, use it; choose another",
        ));
    }
    if name.len() > LONGEST_VALUE {
        return Err((
            format!("the label name has {} bytes", name.len()),
            "choose a shorter one",
        ));
    }
    Ok(())
}

/// Every label of the exporter's own metrics, those of histograms, and the two
/// that Prometheus adds to every target.
const RESERVED: [&str; 24] = [
    "auth_method",
    "capability",
    "certificate",
    "check",
    "code",
    "credential",
    "distribution_version",
    "host",
    "http_version",
    "instance",
    "job",
    "le",
    "operation",
    "phase",
    "product",
    "reason",
    "registry",
    "repository",
    "result",
    "source",
    "status",
    "tls_version",
    "url",
    "what",
];

const LONGEST_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_follow_the_data_model() {
        for name in ["tier", "_tier", "Tier2", "a__b"] {
            assert!(name_rule(name).is_ok(), "{name}");
        }
        for name in [
            "", "2tier", "ti-er", "ti er", "tiér", "a:b", "__name__", "__x", "registry", "le",
            "what",
        ] {
            assert!(name_rule(name).is_err(), "{name}");
        }
    }
}
