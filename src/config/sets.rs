//! Credential sets: named ones with the hosts they may be sent to, and unnamed ones beside a registry.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::credentials::{self, Directory, HostPattern, Source};

use super::{
    CredentialSet,
    directories::{self, Family, Found},
    item::Item,
    keys,
    problem::Spot,
    quote::{listed, shown},
    section::Section,
    source, suggest,
};

/// The named sets, and which of them are used.
pub(super) struct Sets {
    known: BTreeMap<String, Arc<CredentialSet>>,
    used: RefCell<HashSet<String>>,
    families: Vec<Family>,
    /// Sets that were named before their directories are there.
    to_come: RefCell<BTreeMap<String, Arc<CredentialSet>>>,
}

impl Sets {
    /// No named sets.
    pub(super) fn none() -> Self {
        Self {
            known: BTreeMap::new(),
            used: RefCell::default(),
            families: Vec::new(),
            to_come: RefCell::default(),
        }
    }

    /// Reads the map under `credentials` of the whole document, and the list of
    /// directories under `credential_dirs`.
    pub(super) fn read(root: &Section<'_>, base: &Path) -> Self {
        let mut sets = BTreeMap::new();
        for (name, key, item) in root.section("credentials").free() {
            if !may_be_called(name) {
                refuse_name(root, &key, name);
                continue;
            }
            if let Some(section) = item.section() {
                sets.insert(name.to_owned(), Arc::new(named(name, &section, base)));
            }
        }
        let (found, families) = directories::read(root, base);
        for found in found {
            if let Some(Found { name, path, .. }) = found.accepted(root, &sets) {
                sets.insert(name.clone(), Arc::new(of_directory(name, path)));
            }
        }
        Self {
            known: sets,
            used: RefCell::default(),
            families,
            to_come: RefCell::default(),
        }
    }

    /// Every named set, by name.
    pub(super) fn all(&self) -> Vec<Arc<CredentialSet>> {
        let mut all = self.known.clone();
        all.extend(self.to_come.borrow().clone());
        all.into_values().collect()
    }

    /// The set that a registry or repository names.
    pub(super) fn find(&self, item: &Item<'_>) -> Option<Arc<CredentialSet>> {
        let name = item.text()?;
        if let Some(set) = self.known.get(name) {
            self.used.borrow_mut().insert(name.to_owned());
            return Some(Arc::clone(set));
        }
        if let Some(set) = self.to_come(name, item) {
            return Some(set);
        }
        let known: Vec<&str> = self.known.keys().map(String::as_str).collect();
        let hint = if known.is_empty() {
            "define it under `credentials:`, or see what `credential_dirs` names".to_owned()
        } else {
            suggest::instead_of(name, &known)
        };
        item.refuse(format!("there is no credential set {}", shown(name)), hint);
        None
    }

    /// The set of a directory that is not there yet: one team's missing Secret must not
    /// keep the others' registries from being asked.
    fn to_come(&self, name: &str, item: &Item<'_>) -> Option<Arc<CredentialSet>> {
        let member = |family: &Family| family.member(name);
        let path = self.families.iter().find_map(member)?;
        if !may_be_called(name) {
            return None;
        }
        item.warn(format!(
            "there is no directory {} yet: until there is, the credentials check fails",
            shown(&path.to_string_lossy())
        ));
        let mut to_come = self.to_come.borrow_mut();
        let set = to_come
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(of_directory(name.to_owned(), path)));
        Some(Arc::clone(set))
    }

    /// Warns of sets that no registry names.
    pub(super) fn warn_of_unused(&self, root: &Section<'_>) {
        let section = root.section("credentials");
        for name in self.known.keys() {
            // A directory of directories may well hold more than is needed here.
            if section.has(name) && !self.used.borrow().contains(name) {
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

/// Whether a set is one without a name.
pub(super) fn is_inline(set: &CredentialSet) -> bool {
    set.name == INLINE
}

impl Found {
    /// Itself, if its name is free. What a pattern finds was named by somebody who must
    /// not be able to keep the exporter from starting.
    fn accepted(
        self,
        root: &Section<'_>,
        sets: &BTreeMap<String, Arc<CredentialSet>>,
    ) -> Option<Self> {
        let (name, spot) = (&self.name, &self.spot);
        let taken = sets.contains_key(name);
        match (may_be_called(name), taken, self.by_pattern) {
            (true, false, _) => return Some(self),
            (false, _, false) => refuse_name(root, spot, name),
            (true, true, false) => root.refuse_at(
                spot,
                format!("there are two credential sets named {}", shown(name)),
                "a directory is a set named after its last part; rename one of the two",
            ),
            (_, taken, true) => {
                let why = if taken {
                    "is taken"
                } else {
                    "is no name of a set"
                };
                root.warn_at(
                    spot,
                    format!("a directory is left out: its name {} {why}", shown(name)),
                );
            }
        }
        None
    }
}

fn may_be_called(name: &str) -> bool {
    !RESERVED_NAMES.contains(&name) && !name.is_empty() && name.len() <= LONGEST_NAME
}

fn refuse_name(root: &Section<'_>, spot: &Spot, name: &str) {
    root.refuse_at(
        spot,
        format!("a credential set cannot be named {}", shown(name)),
        format!(
            "names have 1 to {LONGEST_NAME} bytes; {} stand for unnamed sets",
            listed(&RESERVED_NAMES)
        ),
    );
}

/// Nothing but the directory itself says where this set may be sent.
fn of_directory(name: String, path: PathBuf) -> CredentialSet {
    CredentialSet {
        name,
        source: Source::Directory(Directory {
            path,
            hosts_known: false,
        }),
        hosts: Vec::new(),
        expires: None,
    }
}

fn named(name: &str, section: &Section<'_>, base: &Path) -> CredentialSet {
    section.only(keys::SET);
    let mut source = source::read(section, base).unwrap_or_else(|| {
        section.refuse(
            format!("the credential set {} has no source", shown(name)),
            "give it `username` and `password_file`, `token_file`, `docker_config`, `dir`, `credential_helper` or `anonymous: true`",
        );
        Source::Anonymous
    });
    let hosts = hosts(section);
    if let Source::Directory(directory) = &mut source {
        directory.hosts_known = section.has("hosts");
    }
    // The others say it themselves.
    let silent = matches!(
        source,
        Source::Basic { .. } | Source::Token(_) | Source::Helper(_)
    );
    if silent && !section.has("hosts") {
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

fn expires(text: &str, item: &Item<'_>) -> Option<i64> {
    let end = credentials::moment(text);
    if end.is_none() {
        item.refuse(
            format!("{} is neither a date nor a time", shown(text)),
            "write `2027-03-01` or `2027-03-01T12:00:00Z`",
        );
    }
    end
}

const ANONYMOUS: &str = "anonymous";
pub(super) const INLINE: &str = "inline";
const RESERVED_NAMES: [&str; 2] = [ANONYMOUS, INLINE];
const LONGEST_NAME: usize = 128;
