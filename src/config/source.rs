//! Where one credential set comes from: the keys beside a registry, a repository or a name.

use std::path::{Path, PathBuf};

use crate::{
    credentials::{Directory, HelperName, SecretSource, Source},
    secret::Secret,
};

use super::{
    item::Item,
    quote::{listed, shown},
    section::Section,
};

pub(super) const PASSWORD_KEYS: [&str; 4] = [
    "password",
    "password_file",
    "password_env",
    "password_secret_ref",
];
pub(super) const BASIC_KEYS: [&str; 5] = [
    "username",
    "password",
    "password_file",
    "password_env",
    "password_secret_ref",
];
const TOKEN_KEYS: [&str; 3] = ["token", "token_file", "token_env"];
/// The kinds of sources, each with its keys and why it stands alone.
const KINDS: [(&[&str], &str); 5] = [
    (&BASIC_KEYS, "keep one kind"),
    (
        &TOKEN_KEYS,
        "a token is sent as it is, without a user name and password; keep one kind",
    ),
    (
        &["docker_config"],
        "Docker's configuration holds user name and password; keep one kind",
    ),
    (
        &["credential_helper"],
        "a helper gives user name and password; keep one kind",
    ),
    (
        &["dir"],
        "the files of the directory are the credentials; keep one kind",
    ),
];

/// The source that these keys name; `None` when none of them stands there.
pub(super) fn read(section: &Section<'_>, base: &Path) -> Option<Source> {
    if refuse_several(section) {
        return Some(Source::Anonymous);
    }
    if section.flag("anonymous", false) {
        return Some(Source::Anonymous);
    }
    if section.has("docker_config") {
        let (text, item) = section.text("docker_config")?;
        let config = path(
            text,
            &item,
            base,
            ("file", "name Docker's configuration file"),
        );
        return Some(config.map_or(Source::Anonymous, Source::DockerConfig));
    }
    if section.has("credential_helper") {
        let (text, item) = section.text("credential_helper")?;
        return Some(helper(text, &item));
    }
    if section.has("dir") {
        let (text, item) = section.text("dir")?;
        let directory = path(
            text,
            &item,
            base,
            ("directory", "name a mounted Secret, or its like"),
        );
        return Some(directory.map_or(Source::Anonymous, |path| directory_at(path, &item)));
    }
    if !section.present(TOKEN_KEYS).is_empty() {
        let token = secret(section, "token", base).unwrap_or_else(placeholder);
        return Some(Source::Token(token));
    }
    if section.present(BASIC_KEYS).is_empty() {
        return None;
    }
    let username = section.text("username").map(|(text, _)| text.to_owned());
    let password = secret(section, "password", base);
    warn_of_half(section);
    Some(Source::Basic { username, password })
}

/// Refuses two sources where one can be meant.
fn refuse_several(section: &Section<'_>) -> bool {
    for group in [PASSWORD_KEYS.as_slice(), TOKEN_KEYS.as_slice()] {
        let sources = section.present(group.iter().copied());
        if let [_, .., last] = sources[..] {
            section.refuse_at(
                &section.spot_of(last),
                format!("{} name the same secret", listed(&sources)),
                "keep one of them",
            );
            return true;
        }
    }
    let mut kinds = KINDS
        .iter()
        .filter_map(|(keys, hint)| Some((*section.present(keys.iter().copied()).first()?, *hint)));
    let first = kinds.next();
    if let (Some((first, _)), Some((second, hint))) = (first, kinds.next()) {
        section.refuse_at(
            &section.spot_of(second),
            format!("{} stand together", listed(&[first, second])),
            hint,
        );
        return true;
    }
    if section.flag("anonymous", false)
        && let Some((other, _)) = first
    {
        section.refuse_at(
            &section.spot_of("anonymous"),
            format!("{} stand together", listed(&["anonymous", other])),
            "keep one of them",
        );
        return true;
    }
    false
}

/// A volume may be mounted after the start; until then the set fails.
fn directory_at(path: PathBuf, item: &Item<'_>) -> Source {
    let directory = Directory {
        path,
        hosts_known: true,
    };
    if !directory.is_there() {
        item.warn("there is no such directory yet: until there is, the credentials check fails");
    }
    Source::Directory(directory)
}

/// A name that makes up the name of a program is never a path or an option.
fn helper(text: &str, item: &Item<'_>) -> Source {
    match HelperName::parse(text) {
        Ok(name) => Source::Helper(name),
        Err(why) => {
            item.refuse(
                format!("the name of the credential helper {why}"),
                "write `ecr-login` for a program `docker-credential-ecr-login` on the PATH",
            );
            Source::Anonymous
        }
    }
}

/// Half a pair is the finding of the credentials check, and worth a word before it.
fn warn_of_half(section: &Section<'_>) {
    let password = section.present(PASSWORD_KEYS);
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

fn file(text: &str, item: &Item<'_>, base: &Path) -> Option<SecretSource> {
    path(
        text,
        item,
        base,
        ("file", "name the file that holds the secret"),
    )
    .map(SecretSource::File)
}

/// The path of a file or directory, as the words say which. It is not shown: it may be
/// the secret itself.
fn path(text: &str, item: &Item<'_>, base: &Path, (what, hint): (&str, &str)) -> Option<PathBuf> {
    if text.trim().is_empty() || text.contains(char::is_control) {
        item.refuse(format!("this is no path of a {what}"), hint);
        return None;
    }
    Some(base.join(text))
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
