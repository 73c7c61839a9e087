//! One layer of keys upon another: `defaults:` under a registry, the environment upon the `OCI:` block.

use super::{
    exporter::EXPORTER_KEYS,
    tree::{Entry, Value},
};

/// Whether a variable takes the place of this key of the `OCI:` block.
pub(super) fn displaced(key: &str, variables: &[Entry]) -> bool {
    let by: &[&str] = DISPLACED
        .iter()
        .find(|(displaced, _)| *displaced == key)
        .map_or(&[], |(_, by)| by);
    variables
        .iter()
        .any(|variable| variable.key == key || by.contains(&variable.key.as_str()))
}

/// The entries of `upper`, and those of `lower` that it does not replace; maps
/// are merged by key, lists and scalars are replaced.
///
/// A profile is to become one more layer between the two.
pub(super) fn inherit(lower: &[Entry], upper: &[Entry]) -> Vec<Entry> {
    let mut entries = upper.to_vec();
    for inherited in lower
        .iter()
        .filter(|entry| !EXPORTER_KEYS.contains(&entry.key.as_str()))
    {
        let own = entries.iter_mut().find(|entry| entry.key == inherited.key);
        match own {
            Some(own) => {
                if let (Value::Map(lower), Value::Map(upper)) =
                    (&inherited.node.value, &mut own.node.value)
                {
                    *upper = inherit(lower, upper);
                }
            }
            None if replaced(&inherited.key, upper) => {}
            None => entries.push(inherited.clone()),
        }
    }
    entries
}

fn replaced(key: &str, upper: &[Entry]) -> bool {
    REPLACED
        .iter()
        .filter(|(replaced, _)| replaced.contains(&key))
        .any(|(_, by)| upper.iter().any(|entry| by.contains(&entry.key.as_str())))
}

/// Inherited keys, and the keys that displace them: only one proxy can hold, and
/// the login of one is never shown to another.
const REPLACED: [(&[&str], &[&str]); 1] = [(
    &[
        "proxy_url",
        "proxy_username",
        "proxy_password_file",
        "proxy_from_environment",
    ],
    &["proxy_url", "proxy_from_environment"],
)];

/// Keys of the `OCI:` block that an environment variable displaces, beside its own.
const DISPLACED: [(&str, &[&str]); 4] = [
    ("Username", &["Token"]),
    ("Password", &["PasswordSecretRef", "Token"]),
    ("PasswordSecretRef", &["Password", "Token"]),
    ("Token", &["Username", "Password", "PasswordSecretRef"]),
];
