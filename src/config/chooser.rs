//! Which credential set a registry or repository uses, and whether it may go there.

use std::{path::Path, sync::Arc};

use url::Url;

use crate::credentials::{HostPattern, Source};

use super::{
    CredentialSet,
    address::host_and_port,
    item::Item,
    keys,
    quote::{listed, shown},
    section::Section,
    sets::{INLINE, Sets, anonymous},
    source,
};

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
        let inline = section.present(keys::names_of(keys::SOURCE));
        if let Some(item) = section.item("credentials") {
            if !inline.is_empty() {
                item.refuse(
                    format!("`credentials` stands beside {}", listed(&inline)),
                    "name a set or write the credentials here, not both",
                );
            }
            let Some(set) = self.sets.find(&item) else {
                return Some(anonymous());
            };
            self.refuse_foreign_host(&item, &set);
            return Some(set);
        }
        match source::read(section, self.base)? {
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
            warn_of_directory(item, set, url);
            return;
        }
        item.refuse(
            may_not(set, &set.hosts, url),
            format!(
                "add {} to the `hosts` of the set, or name another set",
                shown(&host_and_port(url))
            ),
        );
    }
}

/// What a directory says itself is asked again in every cycle, and nothing is sent against
/// it. Others write it, so that it cannot keep a configuration from being used.
fn warn_of_directory(item: &Item<'_>, set: &CredentialSet, url: &Url) {
    let Source::Directory(directory) = &set.source else {
        return;
    };
    if !directory.is_there() {
        return;
    }
    match directory.hosts() {
        Ok(Some(hosts)) if !hosts.iter().any(|host| host.allows(url)) => {
            item.warn(may_not(set, &hosts, url) + FAILS);
        }
        Ok(_) => {}
        Err(error) => item.warn(error.message + FAILS),
    }
}

fn may_not(set: &CredentialSet, hosts: &[HostPattern], url: &Url) -> String {
    let names: Vec<&str> = hosts.iter().map(HostPattern::as_str).collect();
    let hosts = if names.is_empty() {
        "none".to_owned()
    } else {
        listed(&names)
    };
    format!(
        "the credential set {} may not be sent to {}: its hosts are {hosts}",
        shown(&set.name),
        shown(&host_and_port(url)),
    )
}

const FAILS: &str = "; the credentials check will fail";
