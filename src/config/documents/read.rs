//! One document: what it adds, or all that is wrong with it.

use std::{sync::Arc, time::Duration};

use super::{
    super::{
        ConfigError, ConfigErrors, Target, TestRepository, address,
        chooser::Chooser,
        entries::{self, Read},
        item::Item,
        keys as tables,
        layers::inherit,
        load,
        origins::Layers,
        problem::{MOST_ERRORS, Problems, Spot},
        quote::shown,
        registry, repositories,
        section::{Names, Section},
        sets, suggest,
        tree::{self, Entry, Node, Place, Value},
    },
    LARGEST_DOCUMENT, MainFile, Offer, RegistryFiles, keys,
};
use crate::{credentials::Source, outcome::CheckName};

/// What a document adds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) registries: Vec<Read>,
    pub(super) repositories: Vec<Added>,
    pub(super) warnings: Vec<String>,
    pub(super) text: String,
    /// Of each part.
    pub(super) lines: Vec<u32>,
    /// The first of its lists.
    pub(super) spot: Option<Spot>,
}

/// A repository of a registry of the main file.
pub(super) struct Added {
    pub(super) registry: String,
    pub(super) repository: TestRepository,
    pub(super) spot: Spot,
    pub(super) node: Node,
}

/// A document in its present content, and in the one that was last good.
pub(super) struct Candidates {
    pub(super) source: Arc<str>,
    pub(super) now: Result<Content, ConfigErrors>,
    pub(super) good: Option<Content>,
}

/// Reads a document.
pub(super) fn candidates(
    main: &MainFile<'_, '_>,
    offer: &Offer,
    registries: &[Read],
) -> Candidates {
    let source = &offer.source;
    let refused = |message: &str| {
        ConfigErrors::from(whole(
            source,
            message,
            "the one before it goes on, if there was one",
        ))
    };
    let Some(files) = main.files.get(offer.files) else {
        let now = Err(refused("it is named no more"));
        return Candidates {
            source: Arc::clone(source),
            now,
            good: None,
        };
    };
    let reader = |lenient| Reader {
        main,
        files,
        registries,
        source,
        lenient,
    };
    let now = match &offer.now {
        Ok(bytes) => reader(false).document(bytes),
        Err(why) => Err(refused(why)),
    };
    // What the main file has no more is left out of it: the rest was good.
    let good = || reader(true).document(offer.good.as_deref()?).ok();
    Candidates {
        source: Arc::clone(source),
        good: good(),
        now,
    }
}

struct Reader<'a, 'p> {
    main: &'a MainFile<'a, 'p>,
    files: &'a RegistryFiles,
    registries: &'a [Read],
    source: &'a Arc<str>,
    /// Whatever cannot be used is left out, and nothing refused.
    lenient: bool,
}

impl Reader<'_, '_> {
    fn document(&self, bytes: &[u8]) -> Result<Content, ConfigErrors> {
        if bytes.len() > LARGEST_DOCUMENT {
            let message = format!("the document is larger than {} KiB", LARGEST_DOCUMENT >> 10);
            let hint = "name the repositories that are asked, and nothing else";
            return Err(whole(self.source, &message, hint).into());
        }
        let text = load::utf8(self.source, bytes.to_vec())?;
        let Some(root) = load::read_tree(&text, self.source)? else {
            let hint = "write `repositories: []` if nothing is to be asked";
            return Err(whole(self.source, "the document is empty", hint).into());
        };
        let problems = Problems::default();
        let section = Section::root(&root, &problems);
        let lists = section.as_ref().map(|section| {
            keys::only(section, tables::DOCUMENT);
            [
                self.list(section, "registries", self.files.registries),
                self.list(section, "repositories", self.files.repositories),
            ]
        });
        let spot = section.as_ref().and_then(|section| {
            let lists = ["repositories", "registries"].into_iter();
            lists
                .filter_map(|key| section.item(key))
                .map(|item| item.spot)
                .next()
        });
        let [registries, repositories] = lists.unwrap_or_default();
        let mut found = Found::default();
        let read = |item: &Item<'_>, problems: &Problems| self.registry(item, problems);
        let registries = self.each(&registries, &text, &mut found, read);
        entries::refuse_names_twice(&registries, &problems);
        let read = |item: &Item<'_>, _: &Problems| self.repository(item);
        let repositories = self.each(&repositories, &text, &mut found, read);
        refuse_repositories_twice(&repositories, &problems);
        if !self.lenient {
            let whole = problems
                .conclude(self.source, &text)
                .map(|mut it| found.warnings.append(&mut it));
            found.refuse(whole)?;
        } else if !problems.none() {
            // It was good once; something must have gone wrong with it since.
            problems.conclude(self.source, &text)?;
        }
        let lines = tree::lines(&text);
        let registries = registries.into_iter().map(|mut read| {
            read.layers = read.layers.in_document(self.source, &lines);
            read
        });
        Ok(Content {
            registries: registries.collect(),
            repositories,
            warnings: found.warnings,
            lines,
            spot,
            text,
        })
    }

    fn list<'a>(&self, section: &Section<'a>, key: &str, may: bool) -> Vec<Item<'a>> {
        let Some(item) = section.item(key) else {
            return Vec::new();
        };
        if !may {
            item.refuse(
                format!("`{key}` may not stand in this document"),
                format!(
                    "`may` of `{}` in the main file does not name them",
                    self.files.path
                ),
            );
            return Vec::new();
        }
        item.list().unwrap_or_default()
    }

    /// Reads each item by itself: what is wrong with one does not hide the others.
    fn each<T>(
        &self,
        items: &[Item<'_>],
        text: &str,
        found: &mut Found,
        read: impl Fn(&Item<'_>, &Problems) -> Option<T>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for item in items {
            // More would not be read, and each costs a pass through the document.
            if found.errors.len() >= MOST_ERRORS {
                break;
            }
            let problems = Problems::default();
            let own = Item::new(item.spot.clone(), item.node(), &problems);
            let read = read(&own, &problems);
            if self.lenient && !problems.none() {
                continue;
            }
            match problems.conclude(self.source, text) {
                Ok(mut warnings) => {
                    found.warnings.append(&mut warnings);
                    all.extend(read);
                }
                Err(mut errors) => found.errors.append(&mut errors.errors),
            }
        }
        all
    }

    /// An item of `repositories:`.
    fn repository(&self, item: &Item<'_>) -> Option<Added> {
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
    fn registry(&self, item: &Item<'_>, problems: &Problems) -> Option<Read> {
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

/// What is wrong with the items of a document.
#[derive(Default)]
struct Found {
    errors: Vec<ConfigError>,
    warnings: Vec<String>,
}

impl Found {
    /// All of it, in the order of the document.
    fn refuse(&mut self, whole: Result<(), ConfigErrors>) -> Result<(), ConfigErrors> {
        let mut errors = std::mem::take(&mut self.errors);
        let mut omitted = 0;
        if let Err(whole) = whole {
            errors.extend(whole.errors);
            omitted = whole.omitted;
        }
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by_key(|error| error.position);
        omitted += errors.len().saturating_sub(MOST_ERRORS);
        errors.truncate(MOST_ERRORS);
        Err(ConfigErrors { errors, omitted })
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

fn refuse_repositories_twice(added: &[Added], problems: &Problems) {
    let mut seen = std::collections::HashSet::new();
    for Added {
        registry,
        repository,
        spot,
        ..
    } in added
    {
        let credential = &repository.credential.name;
        if !seen.insert((registry, repository.name.as_str(), credential)) {
            problems.refuse(
                spot,
                format!(
                    "the repository {} of {} with the credentials {} stands twice",
                    shown(repository.name.as_str()),
                    shown(registry),
                    shown(credential)
                ),
                "the two would share their series; keep one of them",
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

fn whole(source: &str, message: &str, hint: &str) -> ConfigError {
    ConfigError {
        file: Some(source.to_owned()),
        position: None,
        path: String::new(),
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

const SHORTEST: Duration = Duration::from_secs(30);
