//! The repositories of a registry: a list, or the short form of a list of one.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use crate::oci::{GrammarError, Tag};

use super::{
    CredentialSet, PushWish, TestRepository,
    chooser::Chooser,
    item::Item,
    keys, labels,
    quote::{listed, shown},
    section::Section,
    sets,
    settings::{repository, repository_hint, repository_of},
};

/// What the repositories of one registry are read with.
pub(super) struct Context<'a> {
    pub(super) chooser: Chooser<'a>,
    /// The registry's own credential set.
    pub(super) credential: Arc<CredentialSet>,
    /// The registry's own labels.
    pub(super) labels: &'a BTreeMap<String, String>,
    /// Whether the registry is Docker Hub.
    pub(super) hub: bool,
}

/// Reads the repositories of a registry; an empty answer was reported.
pub(super) fn read(section: &Section<'_>, context: &Context<'_>) -> Vec<TestRepository> {
    let Some(item) = section.item("repositories") else {
        return short_form(section, context);
    };
    let short = section.present(keys::names_of(keys::SHORT));
    if !short.is_empty() {
        item.refuse(
            format!("`repositories` stands beside {}", listed(&short)),
            "these keys are the short form of a list of one; put them into the list",
        );
    }
    let Some(list) = item.list() else {
        return Vec::new();
    };
    if list.is_empty() {
        item.refuse(
            "the list of repositories is empty",
            "name at least one repository, or remove the key",
        );
    }
    let alone = list.len() == 1;
    let mut read = Vec::new();
    let mut seen = HashSet::new();
    let mut inline = Some(Arc::clone(&context.credential)).filter(|set| sets::is_inline(set));
    for item in &list {
        let Some(repository) = listed_one(item, alone, context) else {
            continue;
        };
        refuse_second_inline(item, &repository.credential, &mut inline);
        let identity = (repository.name.clone(), repository.credential.name.clone());
        if seen.insert(identity) {
            read.push(repository);
        } else {
            item.refuse(
                format!(
                    "the repository {} with the credentials {} stands twice",
                    shown(repository.name.as_str()),
                    shown(&repository.credential.name)
                ),
                "the two would share their series; keep one of them",
            );
        }
    }
    read
}

/// Series know a set by its name, and every unnamed set has the same one.
fn refuse_second_inline(
    item: &Item<'_>,
    set: &Arc<CredentialSet>,
    inline: &mut Option<Arc<CredentialSet>>,
) {
    if !sets::is_inline(set) {
        return;
    }
    match inline {
        Some(first) if first != set => item.refuse(
            "a registry has only one unnamed credential set, and this is a second one",
            "give it a name under `credentials:` and write `credentials: NAME` here",
        ),
        Some(_) => {}
        None => *inline = Some(Arc::clone(set)),
    }
}

fn listed_one(item: &Item<'_>, alone: bool, context: &Context<'_>) -> Option<TestRepository> {
    if item.is_text() {
        let text = item.text()?;
        let name = repository_of(text, context.hub)
            .map_err(|error| refuse_name(item, text, &error))
            .ok()?;
        return Some(TestRepository {
            push: wish(None, alone),
            name,
            ..unnamed(context)?
        });
    }
    let section = item.section()?;
    section.only(keys::REPOSITORY);
    if !section.has("name") {
        section.refuse(
            "`name` is missing",
            "name the repository: `name: team/image`",
        );
    }
    let push = section.item("push").and_then(|item| item.flag());
    let credential = context.chooser.chosen(&section);
    let tag = tag(&section, "tag");
    let labels = labels::read(&section, context.labels);
    Some(TestRepository {
        name: repository(&section, "name", context.hub)?,
        push: wish(push, alone),
        credential: credential.unwrap_or_else(|| Arc::clone(&context.credential)),
        reference: tag?.into(),
        labels,
        ..unnamed(context)?
    })
}

/// `test_repository`, `test_tag` and `push_repository`, none of which need be there.
fn short_form(section: &Section<'_>, context: &Context<'_>) -> Vec<TestRepository> {
    let test = repository(section, "test_repository", context.hub);
    let push = repository(section, "push_repository", context.hub);
    let (Some(tag), Some(unnamed)) = (tag(section, "test_tag"), unnamed(context)) else {
        return Vec::new();
    };
    let first = TestRepository {
        reference: tag.into(),
        ..unnamed
    };
    match (test, push) {
        (None, None) => vec![TestRepository {
            guessed: !context.hub,
            ..first
        }],
        (Some(name), None) => vec![TestRepository {
            name,
            push: PushWish::Implied,
            ..first
        }],
        (Some(name), Some(push)) if name != push => {
            let second = TestRepository {
                name: push,
                push: PushWish::Named,
                pull: false,
                ..first.clone()
            };
            vec![TestRepository { name, ..first }, second]
        }
        (_, Some(name)) => vec![TestRepository {
            name,
            push: PushWish::Named,
            ..first
        }],
    }
}

/// The source document's default, which the fields that the user names replace.
fn unnamed(context: &Context<'_>) -> Option<TestRepository> {
    Some(TestRepository {
        name: repository_of(DEFAULT_REPOSITORY, context.hub).ok()?,
        reference: Tag::parse(DEFAULT_TAG).ok()?.into(),
        guessed: false,
        credential: Arc::clone(&context.credential),
        push: PushWish::No,
        pull: true,
        labels: BTreeMap::new(),
    })
}

fn wish(push: Option<bool>, alone: bool) -> PushWish {
    match push {
        Some(true) => PushWish::Named,
        None if alone => PushWish::Implied,
        Some(false) | None => PushWish::No,
    }
}

fn tag(section: &Section<'_>, key: &str) -> Option<Tag> {
    let Some((text, item)) = section.text(key) else {
        return Tag::parse(DEFAULT_TAG).ok();
    };
    Tag::parse(text)
        .map_err(|error| {
            item.refuse(
                error.to_string(),
                "write it as `latest` or `1.2.3`, without a digest",
            );
        })
        .ok()
}

fn refuse_name(item: &Item<'_>, text: &str, error: &GrammarError) {
    item.refuse(
        error.to_string(),
        match repository_hint(text) {
            hint if text.contains(':') && !text.contains("://") => {
                format!("{hint}: `{{name: team/image, tag: \"1.2\"}}`")
            }
            hint => hint.to_owned(),
        },
    );
}

const DEFAULT_REPOSITORY: &str = "library/alpine";
const DEFAULT_TAG: &str = "latest";
