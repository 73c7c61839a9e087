//! Credential sets: named ones with the hosts they may be sent to, and unnamed ones beside a registry.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use jiff::tz::Offset;
use url::Url;

use crate::{
    credentials::{SecretSource, Source},
    secret::Secret,
};

use super::{
    CredentialSet, HostPattern,
    address::host_and_port,
    section::{Item, Section, listed, shown},
    suggest,
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

/// The named sets, and which of them are used.
pub(super) struct Sets {
    sets: BTreeMap<String, Arc<CredentialSet>>,
    used: RefCell<HashSet<String>>,
}

impl Sets {
    /// Reads the map under `credentials` of the whole document.
    pub(super) fn read(root: &Section<'_>, base: &Path) -> Self {
        let mut sets = BTreeMap::new();
        for (name, key, item) in root.section("credentials").free() {
            if RESERVED_NAMES.contains(&name) || name.is_empty() || name.len() > LONGEST_NAME {
                root.refuse_at(
                    &key,
                    format!("a credential set cannot be named {}", shown(name)),
                    format!(
                        "names have 1 to {LONGEST_NAME} bytes; {} stand for unnamed sets",
                        listed(&RESERVED_NAMES)
                    ),
                );
                continue;
            }
            if let Some(section) = item.section() {
                sets.insert(name.to_owned(), Arc::new(named(name, &section, base)));
            }
        }
        Self {
            sets,
            used: RefCell::default(),
        }
    }

    /// The set that a registry or repository names.
    pub(super) fn find(&self, item: &Item<'_>) -> Option<Arc<CredentialSet>> {
        let name = item.text()?;
        if let Some(set) = self.sets.get(name) {
            self.used.borrow_mut().insert(name.to_owned());
            return Some(Arc::clone(set));
        }
        let known: Vec<&str> = self.sets.keys().map(String::as_str).collect();
        let hint = if known.is_empty() {
            "define it under `credentials:`".to_owned()
        } else {
            suggest::instead_of(name, &known)
        };
        item.refuse(format!("there is no credential set {}", shown(name)), hint);
        None
    }

    /// Warns of sets that no registry names.
    pub(super) fn warn_of_unused(&self, root: &Section<'_>) {
        let section = root.section("credentials");
        for name in self.sets.keys() {
            if !self.used.borrow().contains(name) {
                root.warn_at(
                    &section.spot_of(name),
                    "no registry uses this credential set",
                );
            }
        }
    }
}

/// The set of those who have none.
pub(super) fn anonymous() -> Arc<CredentialSet> {
    Arc::new(CredentialSet {
        name: ANONYMOUS.to_owned(),
        source: Source::Anonymous,
        hosts: Vec::new(),
        expires: None,
    })
}

/// Finds the credential set that a registry or one of its repositories chooses.
pub(super) struct Chooser<'a> {
    /// The named ones.
    pub(super) sets: &'a Sets,
    /// The directory that relative paths begin at.
    pub(super) base: &'a Path,
    /// The registry, if its URL is usable.
    pub(super) url: Option<&'a Url>,
}

impl Chooser<'_> {
    /// The named set, or the unnamed one that stands there; `None` when nothing is said.
    pub(super) fn chosen(&self, section: &Section<'_>) -> Option<Arc<CredentialSet>> {
        let inline = section.present(&SOURCE_KEYS);
        if let Some(item) = section.item("credentials") {
            if !inline.is_empty() {
                item.refuse(
                    format!("`credentials` stands beside {}", listed(&inline)),
                    "name a set or write the credentials here, not both",
                );
            }
            let set = self.sets.find(&item).unwrap_or_else(anonymous);
            self.refuse_foreign_host(&item, &set);
            return Some(set);
        }
        match source(section, self.base)? {
            Source::Anonymous => Some(anonymous()),
            source => Some(Arc::new(CredentialSet {
                name: INLINE.to_owned(),
                source,
                hosts: Vec::new(),
                expires: None,
            })),
        }
    }

    /// A named set goes only where its own definition lets it go.
    fn refuse_foreign_host(&self, item: &Item<'_>, set: &CredentialSet) {
        let Some(url) = self.url else { return };
        if set.hosts.is_empty() || set.hosts.iter().any(|host| host.allows(url)) {
            return;
        }
        let hosts: Vec<&str> = set.hosts.iter().map(|host| host.0.as_str()).collect();
        let host = host_and_port(url);
        item.refuse(
            format!(
                "the credential set {} may not be sent to {}: its hosts are {}",
                shown(&set.name),
                shown(&host),
                listed(&hosts)
            ),
            format!(
                "add {} to the `hosts` of the set, or name another set",
                shown(&host)
            ),
        );
    }
}

/// Whether a set is one without a name.
pub(super) fn is_inline(set: &CredentialSet) -> bool {
    set.name == INLINE
}

fn named(name: &str, section: &Section<'_>, base: &Path) -> CredentialSet {
    let mut keys = SOURCE_KEYS.to_vec();
    keys.extend(["hosts", "expires"]);
    section.only(&keys);
    let source = source(section, base).unwrap_or_else(|| {
        section.refuse(
            format!("the credential set {} has no source", shown(name)),
            "give it `username` and `password_file`, `token_file` or `anonymous: true`",
        );
        Source::Anonymous
    });
    let hosts = hosts(section);
    if hosts.is_empty() && source != Source::Anonymous && !section.has("hosts") {
        section.refuse(
            "`hosts` is missing",
            "list the hosts that these credentials may ever be sent to: `hosts: [registry.example.com]`",
        );
    }
    CredentialSet {
        name: name.to_owned(),
        source,
        hosts,
        expires: section
            .text("expires")
            .and_then(|(text, item)| expires(text, &item)),
    }
}

fn hosts(section: &Section<'_>) -> Vec<HostPattern> {
    if let Some(item) = section.item("hosts")
        && item.list().is_some_and(|list| list.is_empty())
    {
        item.refuse(
            "the list of hosts is empty",
            "list the hosts that these credentials may ever be sent to",
        );
    }
    let mut hosts = Vec::new();
    for (text, item) in section.texts("hosts") {
        match HostPattern::parse(text) {
            Ok(pattern) => hosts.push(pattern),
            Err(why) => item.refuse(
                format!("{} is no host: {why}", shown(text)),
                "write `registry.example.com`, or a pattern such as `harbor-*.example.com`",
            ),
        }
    }
    hosts
}

/// A day (its first second, UTC) or a time by RFC 3339, as seconds since the epoch.
fn expires(text: &str, item: &Item<'_>) -> Option<i64> {
    let day = text
        .parse::<jiff::civil::Date>()
        .ok()
        .filter(|_| text.len() == "2027-03-01".len())
        .and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let time = day.or_else(|| text.parse::<jiff::Timestamp>().ok());
    if time.is_none() {
        item.refuse(
            format!("{} is neither a date nor a time", shown(text)),
            "write `2027-03-01` or `2027-03-01T12:00:00Z`",
        );
    }
    time.map(jiff::Timestamp::as_second)
}

/// The source that these keys name; `None` when none of them stands there.
fn source(section: &Section<'_>, base: &Path) -> Option<Source> {
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

const ANONYMOUS: &str = "anonymous";
const INLINE: &str = "inline";
const RESERVED_NAMES: [&str; 2] = [ANONYMOUS, INLINE];
const LONGEST_NAME: usize = 128;
