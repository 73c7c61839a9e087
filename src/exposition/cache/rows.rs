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
    super::{Coding, Format, Page, View, page, table::Table},
    NONE,
    columns::{Heads, Writer, columns},
};
use crate::{
    config::{Config, Target},
    outcome::Subject,
    store::{Mark, Record},
};

/// The rows of one format.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// What they were written for.
    plan: Option<(Arc<Config>, Arc<BTreeSet<Subject>>)>,
    /// What they were last compared with.
    seen: Option<Seen>,
    sources: Vec<Source>,
    pub(super) table: Table,
    heads: Heads,
    /// The heads of the columns in which there is anything, as of a version of the table.
    shown: Option<(u64, page::Heads)>,
    writer: Writer,
}

/// What changes with every report; weak, so that nothing of it is kept.
#[derive(Debug)]
struct Seen {
    store: Mark,
    next_runs: Weak<BTreeMap<Subject, SystemTime>>,
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
    written: bool,
}

impl Rows {
    /// Writes the rows anew that are not what the view shows.
    pub(super) fn update(&mut self, view: &Arc<View>, format: Format) -> Result<(), fmt::Error> {
        let followed = self.follow(view);
        if followed || !self.seen.as_ref().is_some_and(|seen| seen.is_of(view)) {
            // Known again only once all of it is written.
            self.seen = None;
            self.write(view, format)?;
            self.seen = Some(Seen {
                store: view.store.mark(),
                next_runs: Arc::downgrade(&view.next_runs),
            });
        }
        self.table.settle();
        Ok(())
    }

    fn write(&mut self, view: &Arc<View>, format: Format) -> Result<(), fmt::Error> {
        self.heads.resize(columns().count(), None);
        self.table.resize(self.sources.len(), self.heads.len());
        let mut schedule = Schedule::new(view);
        let mut next_runs = Vec::new();
        for (place, source) in self.sources.iter_mut().enumerate() {
            schedule.of(&source.target.name, &mut next_runs);
            let record = view.store.shared(&source.target.name);
            if source.written && source.is_of(record) && *source.next_runs == *next_runs {
                continue;
            }
            let row = self
                .writer
                .row(view, &source.target, format, &mut self.heads)?;
            // Much of what happens shows nowhere.
            self.table.set(place, row);
            source.record = record.map(Arc::downgrade);
            source.next_runs = next_runs.as_slice().into();
            source.written = true;
        }
        Ok(())
    }

    /// A page that ends like this.
    pub(super) fn page(&mut self, back: Bytes) -> Page {
        let heads = self.shown_heads();
        let groups = self.table.groups().to_vec();
        Page::new(Coding::Identity, NONE, heads, groups, back)
    }

    /// The heads of the columns in which there is anything.
    pub(super) fn shown_heads(&mut self) -> page::Heads {
        let version = self.table.version();
        if let Some((_, heads)) = self.shown.as_ref().filter(|(of, _)| *of == version) {
            return Arc::clone(heads);
        }
        let has = |column| self.table.groups().iter().any(|group| group.has(column));
        let heads = self.heads.iter().enumerate();
        let heads: page::Heads = heads
            .map(|(column, head)| head.clone().filter(|_| has(column)))
            .collect();
        self.shown = Some((version, Arc::clone(&heads)));
        heads
    }

    /// Has a source for every registry of the view and for no other; whether they
    /// are others than before.
    fn follow(&mut self, view: &View) -> bool {
        if self.plan.as_ref().is_some_and(|(config, scheduled)| {
            Arc::ptr_eq(config, &view.config) && Arc::ptr_eq(scheduled, &view.scheduled)
        }) {
            return false;
        }
        let mut targets = view.config.registries.clone();
        targets.sort_by(|one, other| one.name.cmp(&other.name));
        let source = |target: Arc<Target>| Source {
            target,
            record: None,
            next_runs: Box::default(),
            // It is, and stays what it was where the text is the same.
            written: false,
        };
        self.sources = targets.into_iter().map(source).collect();
        self.plan = Some((Arc::clone(&view.config), Arc::clone(&view.scheduled)));
        true
    }
}

impl Seen {
    fn is_of(&self, view: &View) -> bool {
        self.store.is_of(&view.store) && self.next_runs.as_ptr() == Arc::as_ptr(&view.next_runs)
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
