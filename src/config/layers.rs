//! One layer of keys upon another: `defaults:` under a profile under a registry, the
//! environment upon the `OCI:` block.

use super::{
    keys::{self, EXPORTER, SHORT, SOURCE},
    source::{BASIC_KEYS, PASSWORD_KEYS},
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
pub(super) fn inherit(lower: &[Entry], upper: &[Entry]) -> Vec<Entry> {
    let kept: Vec<Entry> = lower
        .iter()
        .filter(|entry| keys::names_of(EXPORTER).all(|key| key != entry.key))
        .filter(|entry| !replaced(&entry.key, upper))
        .cloned()
        .collect();
    merged(&kept, upper)
}

fn merged(lower: &[Entry], upper: &[Entry]) -> Vec<Entry> {
    let mut entries = upper.to_vec();
    for inherited in lower {
        let own = entries.iter_mut().find(|entry| entry.key == inherited.key);
        match own {
            Some(own) => {
                if let (Value::Map(lower), Value::Map(upper)) =
                    (&inherited.node.value, &mut own.node.value)
                {
                    *upper = merged(lower, upper);
                }
            }
            None => entries.push(inherited.clone()),
        }
    }
    entries
}

/// Keys that say the same in another way: the nearer one is meant.
fn replaced(key: &str, upper: &[Entry]) -> bool {
    let has = |name: &str| upper.iter().any(|entry| entry.key == name);
    if has(key) {
        return false;
    }
    let proxy = PROXY.contains(&key) && PROXY_KINDS.iter().any(|name| has(name));
    let is_source = key == "credentials" || keys::names_of(SOURCE).any(|name| name == key);
    let whole_source = keys::names_of(SOURCE)
        .chain(["credentials"])
        .any(|name| has(name) && !BASIC_KEYS.contains(&name));
    let half_source = BASIC_KEYS.iter().any(|name| has(name));
    let half_of_it = BASIC_KEYS.contains(&key)
        && !(PASSWORD_KEYS.contains(&key) && PASSWORD_KEYS.iter().any(|name| has(name)));
    let is_short = keys::names_of(SHORT).any(|name| name == key);
    let has_short = keys::names_of(SHORT).any(has);
    proxy
        || is_source && (whole_source || half_source && !half_of_it)
        || key == "repositories" && has_short
        || is_short && has("repositories")
}

/// Only one proxy can hold, and the login of one is never shown to another.
const PROXY: [&str; 4] = [
    "proxy_url",
    "proxy_username",
    "proxy_password_file",
    "proxy_from_environment",
];
const PROXY_KINDS: [&str; 2] = ["proxy_url", "proxy_from_environment"];

/// Keys of the `OCI:` block that an environment variable displaces, beside its own.
const DISPLACED: [(&str, &[&str]); 4] = [
    ("Username", &["Token"]),
    ("Password", &["PasswordSecretRef", "Token"]),
    ("PasswordSecretRef", &["Password", "Token"]),
    ("Token", &["Username", "Password", "PasswordSecretRef"]),
];

#[cfg(test)]
mod tests {
    use super::{super::tree, *};

    fn entries(text: &str) -> Vec<Entry> {
        match tree::read(text) {
            Ok(Some(node)) => match node.value {
                Value::Map(entries) => entries,
                _ => panic!("{text}"),
            },
            _ => Vec::new(),
        }
    }

    fn keys_of(lower: &str, upper: &str) -> String {
        let merged = inherit(&entries(lower), &entries(upper));
        let keys: Vec<&str> = merged.iter().map(|entry| entry.key.as_str()).collect();
        keys.join(" ")
    }

    #[test]
    fn the_nearer_of_two_ways_to_say_it_is_meant() {
        for (lower, upper, expected) in [
            ("credentials: a", "password_file: x", "password_file"),
            ("credentials: a", "anonymous: true", "anonymous"),
            ("credentials: a", "dir: x", "dir"),
            ("username: a", "password_file: x", "password_file username"),
            (
                "username: a\npassword: b",
                "password_file: x",
                "password_file username",
            ),
            (
                "username: a\npassword: b",
                "username: c",
                "username password",
            ),
            ("username: a\npassword: b", "token_file: x", "token_file"),
            ("username: a\npassword: b", "credentials: x", "credentials"),
            ("token: a", "username: x", "username"),
            ("repositories: [a]", "test_repository: b", "test_repository"),
            (
                "test_repository: a\ntest_tag: b",
                "repositories: [c]",
                "repositories",
            ),
            (
                "test_repository: a\ntest_tag: b",
                "test_tag: c",
                "test_tag test_repository",
            ),
            (
                "proxy_url: a\nproxy_username: b",
                "proxy_url: c",
                "proxy_url",
            ),
            (
                "concurrency: 3\nhttp2: true",
                "timeout: 1s",
                "timeout http2",
            ),
            // A map's keys are the user's own, whatever they are called.
            (
                "labels: {token: a, concurrency: b}",
                "labels: {username: c}",
                "labels",
            ),
        ] {
            assert_eq!(keys_of(lower, upper), expected, "{lower} {upper}");
        }
        let merged = inherit(
            &entries("labels: {token: a, concurrency: b}"),
            &entries("labels: {username: c}"),
        );
        let Value::Map(labels) = &merged[0].node.value else {
            panic!("a map");
        };
        assert_eq!(labels.len(), 3);
    }
}
