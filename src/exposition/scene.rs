//! A view, arranged for reading: registries by name, each with its record and labels.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    View,
    family::{Series, Value},
    labels::{Labels, bounded},
};
use crate::{
    config::Target,
    outcome::{CheckName, Subject},
    store::{CheckRecord, FactKey, Proof, Record},
};

#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) view: &'a View,
    /// By name, whatever the order of the configuration file.
    pub(super) registries: Vec<Registry<'a>>,
}

#[derive(Debug)]
pub(super) struct Registry<'a> {
    pub(super) target: &'a Target,
    /// Whether its series carry its name and its user's labels.
    named: bool,
    /// `None` before anything was heard of it.
    pub(super) record: Option<&'a Record>,
    pub(super) host: String,
    pub(super) url: String,
    scheduled: BTreeSet<&'a Subject>,
    /// The user's labels of each repository, by repository and credential set.
    repositories: BTreeMap<(&'a str, &'a str), &'a BTreeMap<String, String>>,
}

/// Whose a series is, within its registry.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Of<'a> {
    pub(super) check: Option<CheckName>,
    pub(super) repository: Option<&'a str>,
    pub(super) credential: Option<&'a str>,
}

impl<'a> Scene<'a> {
    /// The registries that the view's scope wants.
    pub(super) fn new(view: &'a View) -> Self {
        let wanted = &view.scope.registries;
        let registries = view.config.registries.iter();
        Self::of(
            view,
            registries
                .filter(|target| wanted.is_empty() || wanted.contains(&target.name))
                .map(AsRef::as_ref),
        )
    }

    /// These registries, whatever the view's scope wants.
    pub(super) fn of(view: &'a View, targets: impl IntoIterator<Item = &'a Target>) -> Self {
        let mut registries: Vec<_> = targets
            .into_iter()
            .map(|target| Registry {
                target,
                named: view.scope.probe.is_none(),
                record: view.store.registry(&target.name),
                host: target.host(),
                url: shown_url(target),
                scheduled: scheduled(view, &target.name).collect(),
                repositories: repository_labels(target),
            })
            .collect();
        registries.sort_by(|one, other| one.target.name.cmp(&other.target.name));
        Self { view, registries }
    }

    /// A series of each registry for which `value` has one.
    pub(super) fn each<V: Into<Value<'a>>>(
        &'a self,
        value: impl Fn(&'a Registry<'a>) -> Option<V>,
    ) -> Vec<Series<'a>> {
        self.registries
            .iter()
            .filter_map(|registry| Some(registry.series(Of::default(), &[], value(registry)?)))
            .collect()
    }

    /// A series of each subject that has run, for which `value` has one.
    pub(super) fn each_check<V: Into<Value<'a>>>(
        &'a self,
        value: impl Fn(&'a CheckRecord) -> Option<V>,
    ) -> Vec<Series<'a>> {
        self.checks()
            .filter_map(|(registry, subject, check)| {
                Some(registry.series(subject.into(), &[], value(check)?))
            })
            .collect()
    }

    /// Every subject that has run, with its registry and record.
    pub(super) fn checks(
        &'a self,
    ) -> impl Iterator<Item = (&'a Registry<'a>, &'a Subject, &'a CheckRecord)> {
        self.registries.iter().flat_map(|registry| {
            registry
                .record
                .into_iter()
                .flat_map(|record| &record.checks)
                .map(move |(subject, check)| (registry, subject, check))
        })
    }

    /// Every fact, with its registry.
    pub(super) fn facts(
        &'a self,
    ) -> impl Iterator<Item = (&'a Registry<'a>, &'a FactKey, &'a Proof)> {
        self.registries.iter().flat_map(|registry| {
            registry
                .record
                .into_iter()
                .flat_map(|record| &record.facts)
                .map(move |(key, proof)| (registry, key, proof))
        })
    }
}

impl<'a> Registry<'a> {
    /// Whether the schedule asks this check of it.
    pub(super) fn asks(&self, check: CheckName) -> bool {
        self.scheduled.iter().any(|subject| subject.check == check)
    }

    /// A series with this registry's labels: its own first, then what tells it
    /// apart, then the user's.
    pub(super) fn series(
        &'a self,
        of: Of<'a>,
        further: &[(&'a str, &'a str)],
        value: impl Into<Value<'a>>,
    ) -> Series<'a> {
        let user = self.repository_labels(of);
        let mut labels = Labels::with_capacity(
            4 + further.len() + self.target.labels.len() + user.map_or(0, BTreeMap::len),
        );
        if self.named {
            labels.push("registry", &self.target.name);
        }
        if let Some(check) = of.check {
            labels.push("check", check.as_str());
        }
        labels.push("repository", of.repository.unwrap_or_default());
        labels.push("credential", of.credential.unwrap_or_default());
        for (name, value) in further {
            labels.push(name, value);
        }
        // The repository's first: where both have a label, the nearer one is meant.
        let own = self.named.then_some(&self.target.labels);
        for (name, value) in user.into_iter().chain(own).flatten() {
            labels.push(name, bounded(value));
        }
        let value = value.into();
        Series { labels, value }
    }

    /// Every subject that runs on a schedule.
    pub(super) fn scheduled(&'a self) -> impl Iterator<Item = &'a Subject> {
        self.scheduled.iter().copied()
    }

    /// Every subject that runs on a schedule or has reported, in order.
    pub(super) fn subjects(&'a self) -> BTreeSet<&'a Subject> {
        let mut subjects = self.scheduled.clone();
        subjects.extend(self.record.into_iter().flat_map(|it| it.checks.keys()));
        subjects
    }

    fn repository_labels(&self, of: Of<'a>) -> Option<&'a BTreeMap<String, String>> {
        let repository = of.repository?;
        let credential = of.credential.unwrap_or_default();
        let exact = self.repositories.get(&(repository, credential)).copied();
        exact.or_else(|| {
            // A series without a credential set: the repository's first entry.
            let (found, labels) = self.repositories.range((repository, "")..).next()?;
            (found.0 == repository).then_some(*labels)
        })
    }
}

impl<'a> From<&'a Subject> for Of<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self {
            check: Some(subject.check),
            repository: subject.repository.as_deref(),
            credential: subject.credential.as_deref(),
        }
    }
}

/// The subjects of a registry that run on a schedule.
fn scheduled<'a>(view: &'a View, registry: &'a str) -> impl Iterator<Item = &'a Subject> {
    let first = Subject {
        registry: registry.to_owned(),
        check: CheckName::ALL[0].0,
        repository: None,
        credential: None,
    };
    let from_there = view.scheduled.range(first..);
    from_there.take_while(move |subject| subject.registry == registry)
}

fn repository_labels(target: &Target) -> BTreeMap<(&str, &str), &BTreeMap<String, String>> {
    target
        .repositories
        .iter()
        .map(|repository| {
            let key = (
                repository.name.as_str(),
                repository.credential.name.as_str(),
            );
            (key, &repository.labels)
        })
        .collect()
}

/// Scheme, host and path and nothing else: whatever else a URL may carry has no
/// business in a label.
fn shown_url(target: &Target) -> String {
    let path = target.url.path().trim_end_matches('/');
    let url = format!("{}://{}{path}", target.url.scheme(), target.host());
    bounded(&url).to_owned()
}
