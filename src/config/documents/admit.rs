//! What of the documents is in force: limits, and names that two of them claim.

use std::{collections::HashMap, sync::Arc};

use super::{
    super::{
        ConfigError, ConfigErrors, Limits,
        entries::Read,
        fingerprint,
        limits::Tally,
        problem::{MOST_ERRORS, Spot},
        quote::shown,
        tree::{self, Place},
    },
    Document,
    read::{Candidates, Content},
};

/// A document, the content that may be used, and what stands in for that.
struct Standing {
    document: Document,
    content: Option<Content>,
    spare: Option<Content>,
}

/// Adds to the main file's registries what the documents hold, in the order of their names.
pub(super) fn admit(
    limits: Limits,
    candidates: Vec<Candidates>,
    registries: &mut Vec<Read>,
) -> Vec<Document> {
    let mut standing: Vec<Standing> = candidates.into_iter().map(Standing::of).collect();
    judge(limits, &mut standing, registries);
    standing.sort_by(|one, other| one.document.source.cmp(&other.document.source));
    let main = registries.len();
    let mut names = Names::of(registries);
    let mut documents = Vec::new();
    for Standing {
        mut document,
        content,
        ..
    } in standing
    {
        if let Some(content) = content {
            document.warnings.clone_from(&content.warnings);
            names.take(content, &mut document, registries);
        }
        documents.push(document);
    }
    for Read { target, .. } in &mut registries[..main] {
        target.fingerprint = fingerprint::of(target);
    }
    documents
}

impl Standing {
    fn of(candidates: Candidates) -> Self {
        let Candidates { source, now, good } = candidates;
        let (content, spare, problems) = match now {
            Ok(now) => (Some(now), good, None),
            Err(errors) => (good, None, Some(errors)),
        };
        let document = Document {
            source,
            taken: problems.is_none(),
            problems,
            warnings: Vec::new(),
            registries: 0,
            repositories: 0,
        };
        Self {
            document,
            content,
            spare,
        }
    }
}

/// Takes what there is room for, small documents first: so a flood in one is what is
/// refused, and nobody else.
fn judge(limits: Limits, standing: &mut [Standing], registries: &[Read]) {
    standing.sort_by_cached_key(|it| {
        let size = it.content.as_ref().map(Content::size);
        (size, Arc::clone(&it.document.source))
    });
    let mut tally = Tally::default();
    for Read { target, .. } in registries {
        tally.add_registry(target);
    }
    for Standing {
        document,
        content,
        spare,
    } in standing
    {
        let Some(found) = content.take() else {
            continue;
        };
        let own = found.tally();
        let beyond = tally.beyond(&own, limits);
        if beyond.is_empty() {
            tally.add(own);
            *content = Some(found);
            continue;
        }
        let errors = beyond.into_iter().map(|(message, hint)| ConfigError {
            file: Some(document.source.to_string()),
            position: found
                .spot
                .as_ref()
                .and_then(|spot| position(spot, &found.text)),
            path: found
                .spot
                .as_ref()
                .map_or_else(String::new, |spot| spot.path.clone()),
            message: format!("with this document there would be {message}"),
            hint,
        });
        document.problems = Some(ConfigErrors {
            errors: errors.collect(),
            omitted: 0,
        });
        document.taken = false;
        if let Some(spare) = spare.take() {
            let own = spare.tally();
            if tally.beyond(&own, limits).is_empty() {
                tally.add(own);
                *content = Some(spare);
            }
        }
    }
}

impl Content {
    fn size(&self) -> usize {
        let own = self
            .registries
            .iter()
            .map(|it| it.target.repositories.len());
        own.sum::<usize>() + self.repositories.len()
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for Read { target, .. } in &self.registries {
            tally.add_registry(target);
        }
        for added in &self.repositories {
            tally.add_repository(&added.repository);
        }
        tally
    }
}

/// Who has which name: the main file before all documents, then the first by name.
struct Names {
    registries: HashMap<String, usize>,
    repositories: HashMap<(usize, String, String), Arc<str>>,
    owners: HashMap<String, Arc<str>>,
}

impl Names {
    fn of(registries: &[Read]) -> Self {
        let main: Arc<str> = Arc::from(MAIN_FILE);
        let mut names = Self {
            registries: HashMap::new(),
            repositories: HashMap::new(),
            owners: HashMap::new(),
        };
        for (index, Read { target, .. }) in registries.iter().enumerate() {
            names.registries.insert(target.name.clone(), index);
            names.owners.insert(target.name.clone(), Arc::clone(&main));
            for it in &target.repositories {
                let identity = (index, it.name.to_string(), it.credential.name.clone());
                names.repositories.insert(identity, Arc::clone(&main));
            }
        }
        names
    }

    /// Adds what the document holds, but for what somebody has already.
    fn take(&mut self, content: Content, document: &mut Document, registries: &mut Vec<Read>) {
        let mut left_out = Vec::new();
        let source = Arc::clone(&document.source);
        for added in content.repositories {
            let Some(at) = self.registries.get(&added.registry).copied() else {
                continue;
            };
            let repository = added.repository;
            let identity = (
                at,
                repository.name.to_string(),
                repository.credential.name.clone(),
            );
            if let Some(owner) = self.repositories.get(&identity) {
                left_out.push((
                    added.spot,
                    format!(
                        "the repository {} of {} with the credentials {} is named by {owner} already, and left out here",
                        shown(&identity.1), shown(&added.registry), shown(&identity.2),
                    ),
                ));
                continue;
            }
            self.repositories.insert(identity, Arc::clone(&source));
            let Read { target, layers, .. } = &mut registries[at];
            let path = format!("repositories[{}]", target.repositories.len());
            layers.add(&path, &added.node, &source, &content.lines);
            target.repositories.push(repository);
            document.repositories += 1;
        }
        for read in content.registries {
            let name = read.target.name.clone();
            if let Some(owner) = self.owners.get(&name) {
                left_out.push((
                    read.spot,
                    format!(
                        "a registry {} is named by {owner} already, and left out here",
                        shown(&name)
                    ),
                ));
                continue;
            }
            self.owners.insert(name, Arc::clone(&source));
            registries.push(read);
            document.registries += 1;
        }
        if document.taken && !left_out.is_empty() {
            left_out.sort_by_key(|(spot, _)| spot.place);
            document.problems = Some(said(&left_out, &source, &content.text));
        }
    }
}

/// What was left out, with its places.
fn said(left_out: &[(Spot, String)], source: &str, text: &str) -> ConfigErrors {
    let error = |(spot, message): &(Spot, String)| {
        ConfigError {
        file: Some(source.to_owned()),
        position: position(spot, text),
        path: spot.path.clone(),
        message: message.clone(),
        hint: "the main file comes first, then the documents by name; choose another name, or remove one of the two".to_owned(),
    }
    };
    ConfigErrors {
        // Each costs a pass through the document.
        errors: left_out.iter().take(MOST_ERRORS).map(error).collect(),
        omitted: left_out.len().saturating_sub(MOST_ERRORS),
    }
}

fn position(spot: &Spot, text: &str) -> Option<(usize, usize)> {
    match spot.place {
        Place::Part(part) => tree::locate(text, part),
        Place::Environment => None,
    }
}

const MAIN_FILE: &str = "the main file";
