//! One document: what it adds, or all that is wrong with it.

use std::sync::Arc;

use super::{
    super::{
        ConfigError, ConfigErrors, TestRepository,
        entries::{self, Read},
        item::Item,
        keys as tables, load,
        problem::{MOST_ERRORS, Problems, Spot},
        quote::shown,
        section::Section,
        tree::{self, Node},
    },
    LARGEST_DOCUMENT, MainFile, Offer, RegistryFiles, keys,
};

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

pub(super) struct Reader<'a, 'p> {
    pub(super) main: &'a MainFile<'a, 'p>,
    files: &'a RegistryFiles,
    pub(super) registries: &'a [Read],
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

fn whole(source: &str, message: &str, hint: &str) -> ConfigError {
    ConfigError {
        file: Some(source.to_owned()),
        position: None,
        path: String::new(),
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}
