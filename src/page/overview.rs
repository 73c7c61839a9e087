//! All registries: how they are in one line, what to look at, and a row for each.

use maud::{Markup, html};

use super::{
    View, attention,
    badge::badge,
    filter,
    frame::Page,
    query::Query,
    row::{Cell, Row, ended, wanted},
    when::{ago, measured, of_epoch},
    words::{calm, clean, counted, title},
};
use crate::{
    matrix::matrix,
    outcome::{CheckName, Reason, Status},
    store::FactKey,
};

/// Registries on one page.
const PAGE_SIZE: usize = 100;

pub(super) fn page(view: &View<'_>, query: &Query) -> Page {
    let rows: Vec<Row<'_>> = view
        .registries
        .iter()
        .map(|registry| Row::new(view, registry))
        .collect();
    let wanted = wanted(&rows, query);
    let pages = wanted.len().div_ceil(PAGE_SIZE).max(1);
    let at = query.page.min(pages);
    let first = (at - 1) * PAGE_SIZE;
    let shown: Vec<&Row<'_>> = wanted
        .iter()
        .skip(first)
        .take(PAGE_SIZE)
        .map(|at| &rows[*at])
        .collect();
    let (worst, overall) = overall(&rows);
    let many = view.registries.len() > 1;
    let main = html! {
        h1 { "OCI registries" }
        p class={ "overall " (worst.map_or("none", Status::as_str)) } { (overall) }
        // Who filters has seen it, and wants the rows.
        @if at == 1 && !query.filters() { (attention::section(view, query, &shown)) }
        section aria-labelledby="registries" {
            h2 id="registries" { "Registries" }
            @if many { (filter::form(query, &rows)) }
            @if shown.is_empty() {
                p class="empty" { (nothing(query, rows.is_empty())) }
            } @else {
                (table(view, query, &shown, &caption(first, shown.len(), wanted.len())))
                (filter::pager(query, at, pages))
            }
        }
    };
    Page {
        title: overall,
        main,
    }
}

/// How all registries are, in one line, and the status that gives it its colour.
fn overall(rows: &[Row<'_>]) -> (Option<Status>, String) {
    let all = rows.len();
    let of = |status| rows.iter().filter(|row| row.verdict() == status).count();
    let worst = rows.iter().map(Row::verdict).min_by_key(|it| calm(*it));
    let Some(worst) = worst else {
        return (None, "No registry is configured".to_owned());
    };
    let count = of(worst);
    let s = if count == 1 { "s" } else { "" };
    let some = match (count, all) {
        (1, 1) => "The registry".to_owned(),
        (count, all) => format!("{count} of {all} registries"),
    };
    let line = match worst {
        Some(Status::Fail) => format!("{some} fail{s}"),
        Some(Status::Warn) => format!("{some} warn{s}, none fails"),
        Some(Status::Unknown) => format!("{some} cannot be judged, none fails"),
        None => format!("{some} not asked yet"),
        Some(_) if all == 1 => "The registry works".to_owned(),
        Some(_) => format!("All {all} registries work"),
    };
    (worst, line)
}

fn nothing(query: &Query, none: bool) -> Markup {
    if none {
        return html! { "No registry is configured: name them under “registries” in the configuration file." };
    }
    let all = Query {
        name: String::new(),
        statuses: Vec::new(),
        page: 1,
        ..query.clone()
    };
    html! { "No registry is as asked for. " a href=(all.link()) { "Show all" } }
}

fn caption(first: usize, shown: usize, of: usize) -> String {
    let all = counted(of, "registry", "registries");
    if of == 1 {
        all
    } else if shown == of {
        format!("{all}, those to look at first")
    } else {
        format!(
            "{} to {} of {all}, those to look at first",
            first + 1,
            first + shown
        )
    }
}

/// The roles stand beside the elements because on a narrow screen cells are laid
/// out as blocks, and then some browsers no longer take it for a table.
fn table(view: &View<'_>, query: &Query, rows: &[&Row<'_>], caption: &str) -> Markup {
    html! {
        table role="table" class="rows" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Registry" }
                    @for (check, _) in CheckName::ALL {
                        th role="columnheader" scope="col" { (title(check)) }
                    }
                    th role="columnheader" scope="col" { "Last result" }
                    th role="columnheader" scope="col" { "Next run" }
                }
            }
            tbody role="rowgroup" {
                @for row in rows { (line(view, query, row)) }
            }
        }
    }
}

fn line(view: &View<'_>, query: &Query, row: &Row<'_>) -> Markup {
    let target = row.registry.target;
    let link = query.link_to(&target.name);
    let name = clean(&target.name);
    let host = target.host();
    html! {
        tr role="row" class=(row.verdict().map_or("none", Status::as_str)) {
            th role="rowheader" scope="row" {
                a href=(link) { bdi { (name) } }
                @if host != name { small { (host) } }
                @if let Some(product) = product(row) { small { (product) } }
            }
            @for cell in &row.cells {
                td role="cell" data-l=(title(cell.check)) { (cell_of(view, row, cell, &link)) }
            }
            td role="cell" data-l="Last result" {
                @match row.last { Some(at) => (ago(view.now, at)), None => "–" }
            }
            td role="cell" data-l="Next run" {
                @match row.next { Some(at) => (ago(view.now, at)), None => "–" }
            }
        }
    }
}

/// `Harbor 2.9.0`.
pub(super) fn product(row: &Row<'_>) -> Option<String> {
    let about = &row.registry.reports.about;
    let name = matrix().name(about.product.as_deref()?).replace('`', "");
    let version = about.product_version.as_deref().map(clean);
    Some(version.map_or_else(|| name.clone(), |version| format!("{name} {version}")))
}

fn cell_of(view: &View<'_>, row: &Row<'_>, cell: &Cell<'_>, link: &str) -> Markup {
    let Some(worst) = cell.worst() else {
        let due = cell.waiting().filter_map(|it| view.next_runs.get(it)).min();
        return html! {
            @if cell.questions.is_empty() { "–" } @else { (badge(None)) }
            @if let Some(due) = due { small { (ago(view.now, *due)) } }
        };
    };
    let outcome = &worst.report.outcome;
    let quiet = matches!(outcome.status, Status::Pass | Status::Skip);
    html! {
        @let (count, all) = cell.share(outcome.status);
        span class="is" {
            @if quiet {
                (badge(Some(outcome.status)))
            } @else {
                a class="to" href={ (link) "#" (cell.check.as_str()) } { (badge(Some(outcome.status))) }
            }
            @if all > 1 { span class="of" { (count) " of " (all) } }
        }
        @if let Some(reason) = outcome.reason { small { (reason_words(reason)) } }
        @match cell.check {
            // A failure says itself that they are rejected.
            CheckName::Credentials if outcome.status != Status::Fail => { (login(view, row)) },
            CheckName::Capabilities => {
                @if let Some((supported, all)) = row.score() { small { (supported) "/" (all) " supported" } }
            },
            _ => {},
        }
        @if outcome.status != Status::Skip {
            small {
                @if let Some(latency) = outcome.latency { (measured(latency)) ", " }
                (ago(view.now, ended(worst)))
            }
        }
    }
}

/// `rate_limited` as words.
pub(super) fn reason_words(reason: Reason) -> String {
    reason.as_str().replace('_', " ")
}

/// What is proven of the registry's credential sets, and which end comes first.
fn login(view: &View<'_>, row: &Row<'_>) -> Markup {
    let facts = row.registry.record.map(|record| &record.facts);
    let facts = || facts.into_iter().flatten();
    let valid = facts().filter_map(|(key, proof)| {
        matches!(key, FactKey::CredentialsValid { .. }).then_some(proof.value == 1)
    });
    let (good, bad) = valid.fold((0, 0), |(good, bad), valid| {
        (good + usize::from(valid), bad + usize::from(!valid))
    });
    let end = facts()
        .filter(|(key, _)| matches!(key, FactKey::CredentialsExpiry { .. }))
        .filter_map(|(_, proof)| of_epoch(proof.value))
        .min();
    html! {
        @if good + bad > 0 {
            small {
                @match (good, bad) {
                    (_, 0) => "valid",
                    (0, _) => "not valid",
                    (good, bad) => { (good) " valid, " (bad) " not" },
                }
                @if let Some(end) = end {
                    @if end < view.now { ", ended " } @else { ", ends " }
                    (ago(view.now, end))
                }
            }
        }
    }
}
