//! The rows of all registries, by name.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map, btree_set},
    fmt,
    iter::Peekable,
    sync::{Arc, Weak},
    time::SystemTime,
};

use bytes::Bytes;

use super::{
    super::{
        Coding, Format, Page, View,
        page::{Group, Row},
    },
    NONE,
    columns::{Heads, Writer, columns},
};
use crate::{
    config::{Config, Target},
    outcome::Subject,
    store::Record,
};

/// The rows of one format.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// What they were written for.
    plan: Option<(Arc<Config>, Arc<BTreeSet<Subject>>)>,
    sources: Vec<Source>,
    pub(super) groups: Vec<Group>,
    heads: Heads,
    writer: Writer,
}

/// A registry, and what its row was written from.
#[derive(Debug)]
struct Source {
    target: Arc<Target>,
    /// Weak: it tells whether the record is still the same one and keeps nothing of
    /// it; one that changes while it is held so moves to another place.
    record: Option<Weak<Record>>,
    /// Of each scheduled subject, in order.
    next_runs: Box<[Option<SystemTime>]>,
    row: Arc<Row>,
    written: bool,
}

impl Rows {
    /// Writes the rows anew that are not what the view shows.
    pub(super) fn update(&mut self, view: &Arc<View>, format: Format) -> Result<(), fmt::Error> {
        self.follow(view);
        self.heads.resize(columns().count(), None);
        let mut schedule = Schedule::new(view);
        let mut next_runs = Vec::new();
        for source in &mut self.sources {
            schedule.of(&source.target.name, &mut next_runs);
            let record = view.store.shared(&source.target.name);
            if source.written && source.is_of(record) && *source.next_runs == *next_runs {
                continue;
            }
            let row = self
                .writer
                .row(view, &source.target, format, &mut self.heads)?;
            // Much of what happens shows nowhere.
            if *source.row != row {
                source.row = Arc::new(row);
            }
            source.record = record.map(Arc::downgrade);
            source.next_runs = next_runs.as_slice().into();
            source.written = true;
        }
        self.regroup();
        Ok(())
    }

    /// A page that ends like this.
    pub(super) fn page(&self, back: Bytes) -> Page {
        let heads = self.shown_heads();
        Page::new(Coding::Identity, NONE, heads, self.groups.clone(), back)
    }

    /// The heads of the columns in which there is anything.
    pub(super) fn shown_heads(&self) -> Heads {
        let heads = self.heads.iter().enumerate();
        heads
            .map(|(column, head)| head.clone().filter(|_| self.has(column)))
            .collect()
    }

    fn has(&self, column: usize) -> bool {
        let mut rows = self.groups.iter().flat_map(|group| group.iter());
        rows.any(|row| !row.column(column).is_empty())
    }

    /// Has a source for every registry of the view and for no other.
    fn follow(&mut self, view: &View) {
        if self.plan.as_ref().is_some_and(|(config, scheduled)| {
            Arc::ptr_eq(config, &view.config) && Arc::ptr_eq(scheduled, &view.scheduled)
        }) {
            return;
        }
        let known = self.sources.drain(..);
        let mut known: BTreeMap<_, _> = known
            .map(|source| (source.target.name.clone(), source.row))
            .collect();
        let mut targets = view.config.registries.clone();
        targets.sort_by(|one, other| one.name.cmp(&other.name));
        let source = |target: Arc<Target>| Source {
            // To be written anew; if it is the same as before, that one stays.
            row: known.remove(&target.name).unwrap_or_default(),
            target,
            record: None,
            next_runs: Box::default(),
            written: false,
        };
        self.sources = targets.into_iter().map(source).collect();
        self.plan = Some((Arc::clone(&view.config), Arc::clone(&view.scheduled)));
    }

    /// Keeps the groups whose rows are still the same.
    fn regroup(&mut self) {
        let chunks = self.sources.chunks(GROUP);
        self.groups.truncate(chunks.len());
        for (place, sources) in chunks.enumerate() {
            let rows = || sources.iter().map(|source| &source.row);
            match self.groups.get_mut(place) {
                Some(group) if same(group, rows()) => {}
                Some(group) => *group = rows().cloned().collect(),
                None => self.groups.push(rows().cloned().collect()),
            }
        }
    }
}

impl Source {
    fn is_of(&self, record: Option<&Arc<Record>>) -> bool {
        match (&self.record, record) {
            (None, None) => true,
            (Some(known), Some(now)) => known.as_ptr() == Arc::as_ptr(now),
            _ => false,
        }
    }
}

fn same<'a>(group: &Group, rows: impl ExactSizeIterator<Item = &'a Arc<Row>>) -> bool {
    group.len() == rows.len()
        && group
            .iter()
            .zip(rows)
            .all(|(one, other)| Arc::ptr_eq(one, other))
}

/// When the checks run next, registry by registry in the order of their names.
struct Schedule<'a> {
    scheduled: Peekable<btree_set::Iter<'a, Subject>>,
    next_runs: Peekable<btree_map::Iter<'a, Subject, SystemTime>>,
}

impl<'a> Schedule<'a> {
    fn new(view: &'a View) -> Self {
        Self {
            scheduled: view.scheduled.iter().peekable(),
            next_runs: view.next_runs.iter().peekable(),
        }
    }

    /// Of each scheduled subject of a registry, in order.
    fn of(&mut self, registry: &str, into: &mut Vec<Option<SystemTime>>) {
        into.clear();
        let until = |subject: &&Subject| *subject.registry <= *registry;
        while let Some(subject) = self.scheduled.next_if(until) {
            if subject.registry == registry {
                into.push(self.next_run(subject));
            }
        }
    }

    fn next_run(&mut self, subject: &Subject) -> Option<SystemTime> {
        while self.next_runs.next_if(|(key, _)| *key < subject).is_some() {}
        self.next_runs
            .next_if(|(key, _)| *key == subject)
            .map(|(_, next)| *next)
    }
}

/// Registries in a group. What is compressed is compressed by the group: fewer
/// compress worse, more are compressed again when one of them changes.
const GROUP: usize = 32;
