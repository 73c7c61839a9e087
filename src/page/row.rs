//! A registry in a list: its checks, each with the report that asks most for somebody to look.

use std::time::SystemTime;

use super::{Registry, View, query::Query, words::calm};
use crate::{
    checks,
    outcome::{Capability, CheckName, Status, Subject},
    report::Entry,
    store::FactKey,
};

/// One registry.
pub(super) struct Row<'a> {
    pub(super) registry: &'a Registry<'a>,
    /// One for each check, in the order of a cycle.
    pub(super) cells: Vec<Cell<'a>>,
    /// When its last result came.
    pub(super) last: Option<SystemTime>,
    /// When it is asked next.
    pub(super) next: Option<SystemTime>,
}

/// One check of a registry, of all its repositories and credential sets.
pub(super) struct Cell<'a> {
    pub(super) check: CheckName,
    /// Whom it asks.
    pub(super) questions: Vec<Subject>,
    /// The reports so far.
    pub(super) entries: Vec<&'a Entry>,
}

/// The rows that a query asks for, those to look at first.
pub(super) fn wanted(all: &[Row<'_>], query: &Query) -> Vec<usize> {
    let name = query.name.to_lowercase();
    let mut wanted: Vec<usize> = (0..all.len())
        .filter(|at| all[*at].matches(&name) && all[*at].has_any(&query.statuses))
        .collect();
    wanted.sort_by_cached_key(|at| {
        let row = &all[*at];
        (calm(row.verdict()), row.registry.target.name.clone())
    });
    wanted
}

impl<'a> Row<'a> {
    pub(super) fn new(view: &'a View<'a>, registry: &'a Registry<'a>) -> Self {
        let questions: Vec<Subject> = checks::questions(registry.target)
            .into_iter()
            .map(|(subject, _)| subject)
            .collect();
        let cell = |check| Cell {
            check,
            questions: questions
                .iter()
                .filter(|it| it.check == check)
                .cloned()
                .collect(),
            entries: registry
                .reports
                .entries
                .iter()
                .filter(|entry| entry.report.subject.check == check)
                .collect(),
        };
        let asked = registry
            .reports
            .entries
            .iter()
            .filter(|entry| entry.report.outcome.status != Status::Skip);
        Self {
            cells: CheckName::ALL
                .iter()
                .map(|(check, _)| cell(*check))
                .collect(),
            last: asked.map(ended).max(),
            next: questions
                .iter()
                .filter_map(|subject| view.next_runs.get(subject))
                .min()
                .copied(),
            registry,
        }
    }

    /// The status of the check that asks most for somebody to look; `None` where none has run.
    pub(super) fn verdict(&self) -> Option<Status> {
        let all = self.cells.iter().flat_map(|cell| &cell.entries);
        all.map(|entry| entry.report.outcome.status)
            .min_by_key(|status| calm(Some(*status)))
    }

    /// Whether any check has this status.
    pub(super) fn has(&self, status: Status) -> bool {
        self.of(status).next().is_some()
    }

    /// The checks that have this status in any of their reports.
    pub(super) fn of(&self, status: Status) -> impl Iterator<Item = CheckName> {
        let any = move |cell: &&Cell<'_>| {
            let mut entries = cell.entries.iter();
            entries.any(|entry| entry.report.outcome.status == status)
        };
        self.cells.iter().filter(any).map(|cell| cell.check)
    }

    /// Proven capabilities that are there, of all; `None` where none is proven.
    pub(super) fn score(&self) -> Option<(usize, usize)> {
        let facts = &self.registry.record?.facts;
        let proven = facts.iter().filter_map(|(key, proof)| {
            matches!(key, FactKey::Capability(_)).then_some(proof.value == 1)
        });
        let (known, supported) = proven.fold((0, 0), |(known, supported), is| {
            (known + 1, supported + usize::from(is))
        });
        (known > 0).then_some((supported, Capability::ALL.len()))
    }

    /// `name` is lower case.
    fn matches(&self, name: &str) -> bool {
        let target = self.registry.target;
        name.is_empty()
            || target.name.to_lowercase().contains(name)
            || target.host().to_lowercase().contains(name)
    }

    fn has_any(&self, statuses: &[Status]) -> bool {
        statuses.is_empty() || statuses.iter().any(|status| self.has(*status))
    }
}

impl<'a> Cell<'a> {
    /// The report that asks most for somebody to look.
    pub(super) fn worst(&self) -> Option<&'a Entry> {
        self.entries
            .iter()
            .copied()
            .min_by_key(|entry| calm(Some(entry.report.outcome.status)))
    }

    /// The questions that have not been asked so far.
    pub(super) fn waiting(&self) -> impl Iterator<Item = &Subject> {
        let asked = |subject: &Subject| {
            let mut entries = self.entries.iter();
            entries.any(|entry| entry.report.subject == *subject)
        };
        self.questions.iter().filter(move |it| !asked(it))
    }

    /// How many of its questions have this status, and how many there are; those that
    /// are not asked count only among themselves.
    pub(super) fn share(&self, status: Status) -> (usize, usize) {
        let count = |status| {
            let of = |entry: &&&Entry| entry.report.outcome.status == status;
            self.entries.iter().filter(of).count()
        };
        match status {
            Status::Skip => (count(status), self.questions.len()),
            _ => (count(status), self.questions.len() - count(Status::Skip)),
        }
    }
}

/// When the run of a report ended.
pub(super) fn ended(entry: &Entry) -> SystemTime {
    let report = &entry.report;
    let ended = report.started.checked_add(report.duration);
    ended.unwrap_or(report.started)
}
