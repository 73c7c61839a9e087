//! One item of a document: a repository of the main file's, or a registry of its own.

use std::time::Duration;

use super::{
    super::{
        Target, address,
        chooser::Chooser,
        entries::Read,
        item::Item,
        keys as tables,
        layers::inherit,
        origins::Layers,
        problem::Problems,
        quote::shown,
        registry, repositories,
        section::{Names, Section},
        sets, suggest,
        tree::{Entry, Node, Place, Value},
    },
    keys,
    read::{Added, Reader},
};
use crate::{credentials::Source, outcome::CheckName};

impl Reader<'_, '_> {
    /// An item of `repositories:`.
    pub(super) fn repository(&self, item: &Item<'_>) -> Option<Added> {
        let section = item.section()?;
        if !keys::only(&section, tables::DOCUMENT_REPOSITORY) {
            return None;
        }
        let Some((name, at)) = section.text("registry") else {
            section.refuse(
                "`registry` is missing",
                "name a registry of the main file: `registry: NAME`",
            );
            return None;
        };
        let found = self.registries.iter().find(|read| read.target.name == name);
        let Some(Read { target, .. }) = found else {
            let names: Vec<&str> = self
                .registries
                .iter()
                .map(|read| read.target.name.as_str())
                .collect();
            at.refuse(
                format!("the main file has no registry {}", shown(name)),
                suggest::instead_of(name, &names),
            );
            return None;
        };
        if !section.has("credentials") && !section.flag("anonymous", false) {
            section.refuse(
                "`credentials` is missing",
                "a document says whose rights are tested: `credentials: NAME`, or `anonymous: true`",
            );
        }
        let context = repositories::Context {
            chooser: Chooser {
                sets: self.main.sets,
                base: self.main.base,
                url: Some(&target.url),
            },
            credential: sets::anonymous(),
            labels: &target.labels,
            hub: address::is_docker_hub(&target.url),
        };
        let repository = repositories::one(&section, false, &context)?;
        Some(Added {
            registry: name.to_owned(),
            repository,
            spot: section.spot_of("name"),
            node: item.node().clone(),
        })
    }

    /// An item of `registries:`.
    pub(super) fn registry(&self, item: &Item<'_>, problems: &Problems) -> Option<Read> {
        let own = item.section()?;
        if !(keys::only(&own, tables::DOCUMENT_REGISTRY) & permitted_within(&own)) {
            return None;
        }
        let profile = match own.item("profile") {
            Some(item) => Some(self.main.profiles.find(&item)?),
            None => None,
        };
        let lower = profile.map_or(self.main.defaults, |(_, whole)| whole);
        // What is wrong with something inherited is told where it is inherited.
        let entries = inherit(&moved(lower, own.spot.place), own.entries());
        let section = Section::composed(own.spot.clone(), &entries, Names::Ours, problems);
        let target = registry::read(&section, self.main.sets, self.main.base)?;
        let place = if own.has("name") { "name" } else { "url" };
        refuse_leaks(&own, &target);
        refuse_haste(&own, &target);
        let mut layers = Layers::of(own.entries(), Names::Ours);
        layers.profile = profile.map(|(name, _)| name.to_owned());
        Some(Read {
            spot: own.spot_of(place),
            target,
            layers,
        })
    }
}

/// Looks at the keys of a registry's repositories and checks.
fn permitted_within(own: &Section<'_>) -> bool {
    let mut good = true;
    let list = own.item("repositories").and_then(|item| item.list());
    for item in list.unwrap_or_default() {
        if !item.is_text() {
            let section = item.section();
            good &= section.is_none_or(|it| keys::only(&it, tables::OWN_REPOSITORY));
        }
    }
    if let Some(checks) = own.item("checks").and_then(|item| item.section()) {
        good &= keys::only(&checks, tables::DOCUMENT_CHECKS);
        for name in tables::names(tables::DOCUMENT_CHECKS) {
            let check = checks.item(name).and_then(|item| item.section());
            good &= check.is_none_or(|it| keys::only(&it, tables::DOCUMENT_CHECK));
        }
    }
    good
}

/// A document chooses the URL: nothing secret may follow it there but what its own
/// definition lets go there.
fn refuse_leaks(own: &Section<'_>, target: &Target) {
    let sets = target.credential_sets();
    if sets.iter().any(|set| sets::is_inline(set)) {
        own.refuse_at(
            &own.spot_of("profile"),
            "the credentials of this profile have no name and no `hosts`, so that no document may use them",
            "name a credential set: `credentials: NAME`",
        );
    }
    let secret = sets.iter().any(|set| set.source != Source::Anonymous);
    if secret && target.url.scheme() == "http" && !address::is_loopback(&target.url) {
        own.refuse_at(
            &own.spot_of("url"),
            "credentials would be sent over plain http",
            "write `https://`; the main file alone may send them in clear text",
        );
    }
}

/// Nor does it choose to ask more often than anybody should.
fn refuse_haste(own: &Section<'_>, target: &Target) {
    let checks = own.section("checks");
    for (check, word) in CheckName::ALL {
        let check_section = checks.section(word);
        if check_section.has("interval") && target.checks.settings(check).interval < SHORTEST {
            check_section.refuse_at(
                &check_section.spot_of("interval"),
                "a document asks for a check at most every 30s",
                "choose a longer interval; the main file alone may ask more often",
            );
        }
    }
}

/// The same entries, as if they stood at this place.
fn moved(entries: &[Entry], place: Place) -> Vec<Entry> {
    let moved_one = |entry: &Entry| Entry {
        key: entry.key.clone(),
        key_place: place,
        node: moved_node(&entry.node, place),
    };
    entries.iter().map(moved_one).collect()
}

fn moved_node(node: &Node, place: Place) -> Node {
    let value = match &node.value {
        Value::Scalar(kind, text) => Value::Scalar(*kind, text.clone()),
        Value::List(nodes) => Value::List(nodes.iter().map(|it| moved_node(it, place)).collect()),
        Value::Map(entries) => Value::Map(moved(entries, place)),
    };
    Node { place, value }
}

const SHORTEST: Duration = Duration::from_secs(30);
