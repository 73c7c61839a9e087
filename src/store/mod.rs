//! The latest report of every check of every registry, the last proof of every
//! fact, and the totals; all of it in memory, all of it read in one consistent view.
//!
//! It has no opinion on names or formats: the exposition and the reports read a
//! [`Snapshot`].

mod facts;
mod histogram;
mod history;
mod record;
mod traffic;

pub use facts::{FactKey, Proof};
pub use histogram::Histogram;
pub use history::{MOST_TRANSITIONS, Since, Transition};
pub use record::{CheckRecord, Record};
pub use traffic::Traffic;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::SystemTime,
};

use crate::outcome::{Observation, Report, Subject};

/// What the daemon knows, shared by the cycles that write and the pages that read.
///
/// ```
/// use oci_registry_exporter::{
///     outcome::{CheckName, Outcome, Subject},
///     probe::unasked,
///     store::Store,
/// };
///
/// let store = Store::new(&[]);
/// let subject = Subject {
///     registry: "production".to_owned(),
///     check: CheckName::Pull,
///     repository: Some("platform/canary".to_owned()),
///     credential: Some("inline".to_owned()),
/// };
/// store.put(unasked(subject, Outcome::pass("it may be pulled")));
/// let snapshot = store.snapshot();
/// assert_eq!(snapshot.registry("production").map(|it| it.checks.len()), Some(1));
/// ```
#[derive(Debug)]
pub struct Store {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    registries: Snapshot,
    /// Upper bounds of the request duration histogram (seconds).
    buckets: Arc<[f64]>,
}

/// Everything as it was at one moment.
///
/// Taking one copies a pointer; a later write copies what it changes and leaves
/// the snapshot as it is.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    registries: Arc<BTreeMap<Arc<str>, Arc<Record>>>,
}

/// What a snapshot is known again by; it keeps nothing of it.
#[derive(Debug, Clone)]
pub struct Mark(Weak<BTreeMap<Arc<str>, Arc<Record>>>);

impl Store {
    /// An empty store; `buckets` are the upper bounds (seconds, ascending) of the
    /// request duration histograms.
    pub fn new(buckets: &[f64]) -> Self {
        Self {
            state: Mutex::new(State {
                registries: Snapshot::default(),
                buckets: buckets.into(),
            }),
        }
    }

    /// Takes a report in: it becomes the last one of its subject, what it proves
    /// becomes the fact, its requests are counted.
    pub fn put(&self, report: Report) {
        let mut state = self.lock();
        let registry = report.subject.registry.clone();
        state.record(&registry).put(report);
    }

    /// Takes in what a cycle showed beside its reports; what it did not see stays as it was.
    pub fn observe(&self, registry: &str, observation: Observation) {
        self.observe_at(registry, observation, SystemTime::now());
    }

    /// [`Store::observe`] with the time that a changed fingerprint is dated with.
    pub fn observe_at(&self, registry: &str, observation: Observation, now: SystemTime) {
        self.lock().record(registry).observe(observation, now);
    }

    /// Keeps only what belongs to these subjects, for a configuration that has
    /// just been loaded: every other subject, fact and registry loses everything at once.
    /// `subjects` are all that may report, also those whose report is a `skip`.
    pub fn retain(&self, subjects: &BTreeSet<Subject>) {
        let mut by_registry: BTreeMap<&str, Vec<&Subject>> = BTreeMap::new();
        for subject in subjects {
            by_registry
                .entry(subject.registry.as_str())
                .or_default()
                .push(subject);
        }
        let mut state = self.lock();
        let registries = Arc::make_mut(&mut state.registries.registries);
        registries.retain(|name, _| by_registry.contains_key(&**name));
        for (name, record) in registries.iter_mut() {
            if let Some(subjects) = by_registry.get(&**name) {
                Arc::make_mut(record).retain(subjects);
            }
        }
    }

    /// Drops a registry, for one that keeps its name and becomes another (a new URL).
    pub fn forget(&self, registry: &str) {
        let mut state = self.lock();
        Arc::make_mut(&mut state.registries.registries).remove(registry);
    }

    /// Other buckets (seconds, ascending) from here on. Where they differ the
    /// request duration histograms begin anew: observations cannot be moved
    /// from one set of buckets to another.
    pub fn rebucket(&self, buckets: &[f64]) {
        let mut state = self.lock();
        if *state.buckets == *buckets {
            return;
        }
        state.buckets = buckets.into();
        let buckets = Arc::clone(&state.buckets);
        for record in Arc::make_mut(&mut state.registries.registries).values_mut() {
            Arc::make_mut(record).traffic.durations = Histogram::new(&buckets);
        }
    }

    /// Everything as it is now.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().registries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Writing is counting and moving values: whoever panicked elsewhere while
        // holding the lock left nothing half done that would be worth losing the rest for.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn record(&mut self, registry: &str) -> &mut Record {
        let registries = Arc::make_mut(&mut self.registries.registries);
        let record = registries
            .entry(registry.into())
            .or_insert_with(|| Arc::new(Record::new(&self.buckets)));
        Arc::make_mut(record)
    }
}

impl Snapshot {
    /// What is known of a registry; `None` before anything was heard of it.
    pub fn registry(&self, name: &str) -> Option<&Record> {
        self.shared(name).map(AsRef::as_ref)
    }

    /// The same, shared. Another pointer is another state: whoever holds one, be it
    /// weakly, sees by a later snapshot's pointer whether anything was written.
    pub fn shared(&self, name: &str) -> Option<&Arc<Record>> {
        self.registries.get(name)
    }

    /// By this a later snapshot tells whether anything at all was written since.
    pub fn mark(&self) -> Mark {
        Mark(Arc::downgrade(&self.registries))
    }

    /// Every registry of which something is known, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Record)> {
        self.registries
            .iter()
            .map(|(name, record)| (&**name, record.as_ref()))
    }
}

impl Mark {
    /// Whether nothing was written between the two.
    pub fn is_of(&self, snapshot: &Snapshot) -> bool {
        // What a weak pointer points to is not given to anybody else.
        self.0.as_ptr() == Arc::as_ptr(&snapshot.registries)
    }
}

#[cfg(test)]
mod tests;
