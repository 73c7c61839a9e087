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
        let of_directory = match &set.source {
            Source::Directory(directory) if directory.is_there() => directory.hosts(),
            _ => Ok(None),
        };
        let of_directory = of_directory.unwrap_or_else(|error| {
            item.warn(format!("{error}: the credentials check will fail"));
            None
        });
        let forbids = |hosts: &Vec<HostPattern>| !hosts.iter().any(|host| host.allows(url));
        let own = Some(&set.hosts).filter(|hosts| !hosts.is_empty());
        let Some(hosts) = own
            .filter(|hosts| forbids(hosts))
            .or(of_directory.as_ref().filter(|hosts| forbids(hosts)))
        else {
            return;
        };
        let hosts: Vec<&str> = hosts.iter().map(HostPattern::as_str).collect();
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
