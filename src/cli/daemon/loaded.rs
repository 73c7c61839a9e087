//! A configuration that is in force, and what follows from it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    checks,
    config::{Config, Target},
    outcome::{Report, Subject},
    probe::{first_delay, lane, unasked},
    scheduler::{Lane, Limits},
};

/// A configuration with its questions.
pub(super) struct Loaded {
    pub(super) config: Arc<Config>,
    /// When it was loaded.
    pub(super) at: SystemTime,
    /// What is asked on a schedule.
    pub(super) scheduled: Arc<BTreeSet<Subject>>,
    /// What is not asked because of the configuration, as the report that says why.
    pub(super) skipped: Vec<Report>,
    targets: HashMap<String, Arc<Target>>,
}

impl Loaded {
    /// A configuration that was loaded at this time.
    pub(super) fn new(config: Config, at: SystemTime) -> Self {
        let mut scheduled = BTreeSet::new();
        let mut skipped = Vec::new();
        for target in &config.registries {
            for (subject, repository) in checks::questions(target) {
                match checks::skipped(target, subject.check, repository) {
                    Some(outcome) => skipped.push(unasked(subject, outcome)),
                    None => {
                        scheduled.insert(subject);
                    }
                }
            }
        }
        let named = |target: &Arc<Target>| (target.name.clone(), Arc::clone(target));
        Self {
            at,
            scheduled: Arc::new(scheduled),
            skipped,
            targets: config.registries.iter().map(named).collect(),
            config: Arc::new(config),
        }
    }

    /// The registry of this name.
    pub(super) fn target(&self, name: &str) -> Option<&Arc<Target>> {
        self.targets.get(name)
    }

    /// Whether the answer to a question that was asked of this target still counts.
    pub(super) fn admits(&self, asked: &Target, subject: &Subject) -> bool {
        self.holds(asked) && self.scheduled.contains(subject)
    }

    /// Whether a registry of this name at this URL is configured.
    pub(super) fn holds(&self, asked: &Target) -> bool {
        let target = self.target(&asked.name);
        target.is_some_and(|target| target.url == asked.url)
    }

    /// The questions that the first cycle of a target asks.
    pub(super) fn at_once(&self, target: &Target) -> impl Iterator<Item = Subject> {
        let questions = checks::questions(target).into_iter();
        questions
            .map(|(subject, _)| subject)
            .filter(|subject| first_delay(target, subject.check).is_none())
            .filter(|subject| self.scheduled.contains(subject))
    }

    /// The questions of which everything stays that is known: those that the
    /// configuration before asked, or did not ask, in the same way, of a registry
    /// at the same URL.
    pub(super) fn kept_from(&self, before: &Self) -> BTreeSet<Subject> {
        let stays = |subject: &Subject| {
            self.target(&subject.registry)
                .is_some_and(|target| before.holds(target))
        };
        let skipped = |loaded: &Self| -> BTreeSet<Subject> {
            let subjects = loaded.skipped.iter().map(|report| report.subject.clone());
            subjects.collect()
        };
        let skipped = &skipped(self) & &skipped(before);
        (&*self.scheduled & &*before.scheduled)
            .into_iter()
            .chain(skipped)
            .filter(stays)
            .collect()
    }

    /// What the scheduler runs: the registries of which anything is asked.
    pub(super) fn lanes(&self) -> Vec<Lane<Subject>> {
        let lanes = self.config.registries.iter().map(|target| lane(target));
        lanes.filter(|lane| !lane.entries.is_empty()).collect()
    }

    /// The bounds of the schedule.
    pub(super) fn limits(&self) -> Limits {
        let registries = u32::try_from(self.config.registries.len()).unwrap_or(u32::MAX);
        Limits {
            concurrency: self.config.concurrency,
            first_cycle_spread: SPREAD_PER_REGISTRY
                .saturating_mul(registries)
                .min(LONGEST_SPREAD),
            grace: GRACE,
        }
    }
}

/// The first cycles are spread over this time for each registry, up to [`LONGEST_SPREAD`].
const SPREAD_PER_REGISTRY: Duration = Duration::from_millis(1);
const LONGEST_SPREAD: Duration = Duration::from_secs(10);
/// How long running cycles may go on after a signal; a cancel takes at most two seconds.
const GRACE: Duration = Duration::from_secs(10);
