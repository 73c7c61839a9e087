//! What fails, and what changed since it worked: the first thing to read.

use maud::{Markup, html};

use super::{
    View,
    badge::{badge, changed, since},
    query::Query,
    row::Row,
    words::{clean, title},
};
use crate::{
    outcome::{CheckName, Status},
    report::{Audience, Entry, Hidden},
};

/// Failures that are told at the top; the table has all.
const MOST: usize = 6;

/// What fails of these registries; nothing where nothing does.
pub(super) fn section(view: &View<'_>, query: &Query, rows: &[&Row<'_>]) -> Markup {
    let failing: Vec<&&Row<'_>> = rows.iter().filter(|row| row.has(Status::Fail)).collect();
    let told: Vec<(&Row<'_>, Failure<'_>)> = failing
        .iter()
        .flat_map(|row| {
            failures(row)
                .into_iter()
                .map(move |failure| (**row, failure))
        })
        .take(MOST + 1)
        .collect();
    html! {
        @if !told.is_empty() {
            section class="attention" aria-labelledby="attention" {
                h2 id="attention" { "Fails now" }
                ul {
                    @for (row, failure) in told.iter().take(MOST) { (item(view, query, row, failure)) }
                }
                @if told.len() > MOST { p class="soft" { "The table has more." } }
            }
        }
    }
}

/// One cause that a registry gives, and the checks that fail by it.
struct Failure<'a> {
    checks: Vec<CheckName>,
    entry: &'a Entry,
}

/// An unreachable registry has one cause, not five.
fn failures<'a>(row: &Row<'a>) -> Vec<Failure<'a>> {
    let mut all: Vec<Failure<'a>> = Vec::new();
    for entry in row.cells.iter().flat_map(|cell| &cell.entries) {
        let report = &entry.report;
        if report.outcome.status != Status::Fail {
            continue;
        }
        let check = report.subject.check;
        let known = all.iter_mut().find(|failure| {
            let known = &failure.entry.report.outcome;
            known.reason == report.outcome.reason && known.message == report.outcome.message
        });
        match known {
            Some(failure) if !failure.checks.contains(&check) => failure.checks.push(check),
            Some(_) => {}
            None => all.push(Failure {
                checks: vec![check],
                entry,
            }),
        }
    }
    all
}

fn item(view: &View<'_>, query: &Query, row: &Row<'_>, failure: &Failure<'_>) -> Markup {
    let registry = row.registry;
    let report = &failure.entry.report;
    let message = match view.audience {
        Audience::Operator => report.outcome.message.clone(),
        Audience::Anybody => Hidden::of(&registry.reports).message(&report.outcome),
    };
    let link = query.link_to(&registry.target.name);
    let check = registry
        .record
        .and_then(|record| record.checks.get(&report.subject));
    html! {
        li {
            p {
                (badge(Some(Status::Fail))) " "
                a href={ (link) "#" (report.subject.check.as_str()) } {
                    bdi { (clean(&registry.target.name)) }
                }
                " "
                small {
                    @for (at, check) in failure.checks.iter().enumerate() {
                        @if at > 0 { ", " }
                        (title(*check).to_lowercase())
                    }
                    @if let Some(since) = since(view, check) { ", " (since) }
                }
            }
            p { bdi { (clean(&message)) } }
            @if let Some(changed) = changed(view, failure.entry) { p class="soft" { (changed) } }
        }
    }
}
