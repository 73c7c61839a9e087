//! Where one credential set comes from: the keys beside a registry, a repository or a name.

use std::path::Path;

use crate::{
    credentials::{SecretSource, Source},
    secret::Secret,
};

use super::{
    item::Item,
    quote::{listed, shown},
    section::Section,
};

/// The keys that say where credentials come from.
pub(super) const SOURCE_KEYS: [&str; 9] = [
    "username",
    "password",
    "password_file",
    "password_env",
    "password_secret_ref",
    "token",
    "token_file",
    "token_env",
    "anonymous",
];

const PASSWORD_KEYS: [&str; 4] = [
    "password",
    "password_file",
    "password_env",
    "password_secret_ref",
];
const BASIC_KEYS: [&str; 5] = [
    "username",
    "password",
    "password_file",
    "password_env",
    "password_secret_ref",
];
const TOKEN_KEYS: [&str; 3] = ["token", "token_file", "token_env"];

/// The source that these keys name; `None` when none of them stands there.
pub(super) fn read(section: &Section<'_>, base: &Path) -> Option<Source> {
    let basic = section.present(&BASIC_KEYS);
    let token = section.present(&TOKEN_KEYS);
    let nobody = section.flag("anonymous", false);
    for group in [PASSWORD_KEYS.as_slice(), TOKEN_KEYS.as_slice()] {
        let sources = section.present(group);
        if sources.len() > 1 {
            section.refuse_at(
                &section.spot_of(group.iter().rev().find(|key| section.has(key))?),
                format!("{} name the same secret", listed(&sources)),
                "keep one of them",
            );
            return Some(Source::Anonymous);
        }
    }
    if let (Some(first), Some(second)) = (basic.first(), token.first()) {
        section.refuse_at(
            &section.spot_of(TOKEN_KEYS.iter().find(|key| section.has(key))?),
            format!("{} stand together", listed(&[first, second])),
            "a token is sent as it is, without a user name and password; keep one kind",
        );
        return Some(Source::Anonymous);
    }
    if nobody {
        if let Some(other) = basic.first().or(token.first()) {
            section.refuse_at(
                &section.spot_of("anonymous"),
                format!("{} stand together", listed(&["anonymous", other])),
                "keep one of them",
            );
        }
        return Some(Source::Anonymous);
    }
    if !token.is_empty() {
        let token = secret(section, "token", base).unwrap_or_else(placeholder);
        return Some(Source::Token(token));
    }
    if basic.is_empty() {
        return None;
    }
    let username = section.text("username").map(|(text, _)| text.to_owned());
    let password = secret(section, "password", base);
    warn_of_half(section);
    Some(Source::Basic { username, password })
}

/// Half a pair is the finding of the credentials check, and worth a word before it.
fn warn_of_half(section: &Section<'_>) {
    let password = section.present(&PASSWORD_KEYS);
    match (section.has("username"), password.first()) {
        (true, None) => section.warn_at(
            &section.spot_of("username"),
            "a user name without a password: the credentials check will fail",
        ),
        (false, Some(key)) => section.warn_at(
            &section.spot,
            format!(
                "{} without a user name: the credentials check will fail",
                shown(key)
            ),
        ),
        _ => {}
    }
}

/// One secret by the keys `x`, `x_file`, `x_env` and `x_secret_ref`.
fn secret(section: &Section<'_>, name: &str, base: &Path) -> Option<SecretSource> {
    if let Some((text, _)) = section.text(name) {
        return Some(SecretSource::Inline(Secret::new(text)));
    }
    if let Some((text, item)) = section.text(&format!("{name}_file")) {
        return file(text, &item, base);
    }
    if let Some((text, item)) = section.text(&format!("{name}_env")) {
        return variable(text, &item);
    }
    let (text, item) = section.text(&format!("{name}_secret_ref"))?;
    reference(text, &item, base)
}

/// `PasswordSecretRef`: `file:<path>`, `env:<NAME>`, or a bare path. Its
/// value is never shown: it may be the password itself.
fn reference(text: &str, item: &Item<'_>, base: &Path) -> Option<SecretSource> {
    if let Some(path) = text.strip_prefix("file:") {
        return file(path, item, base);
    }
    if let Some(name) = text.strip_prefix("env:") {
        return variable(name, item);
    }
    if text.starts_with('/') || text.starts_with("./") {
        return file(text, item, base);
    }
    item.refuse(
        "this reference to a secret is of no known kind",
        "write `file:<path>`, `env:<NAME>`, or a path that begins with `/` or `./`",
    );
    None
}

fn file(path: &str, item: &Item<'_>, base: &Path) -> Option<SecretSource> {
    if path.trim().is_empty() || path.contains(char::is_control) {
        item.refuse(
            "this is no path of a file",
            "name the file that holds the secret",
        );
        return None;
    }
    Some(SecretSource::File(base.join(path)))
}

fn variable(name: &str, item: &Item<'_>) -> Option<SecretSource> {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !name.starts_with(letter) || !name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
        item.refuse(
            "this is no name of an environment variable",
            "write the name alone (letters, digits and `_`), without `$`",
        );
        return None;
    }
    Some(SecretSource::Env(name.to_owned()))
}

/// Stands for a secret whose key was refused; such a configuration is never used.
fn placeholder() -> SecretSource {
    SecretSource::Inline(Secret::new(""))
}
