//! One check of one registry, with all that is known of it.

use maud::{Markup, html};

use super::{
    Registry, View,
    badge::{badge, changed, since},
    overview::reason_words,
    row::{Cell, ended},
    when::{ago, exact, measured, span},
    words::clean,
};
use crate::{
    checks,
    exchange::Sent,
    outcome::{Outcome, Report, Status, Subject, Value},
    report::{Entry, Hidden, withheld},
    store::CheckRecord,
};

/// A section with an article for each repository and credential set. `hidden`: what
/// must not show; `None` hides nothing.
pub(super) fn section(
    view: &View<'_>,
    registry: &Registry<'_>,
    cell: &Cell<'_>,
    hidden: Option<&Hidden>,
) -> Markup {
    let check = checks::check(cell.check);
    let id = cell.check.as_str();
    html! {
        section id=(id) aria-labelledby={ (id) "-title" } {
            h2 id={ (id) "-title" } { (check.title) }
            p class="soft" { (check.summary) }
            div class="cards" {
                @for entry in &cell.entries { (article(view, registry, entry, hidden)) }
                @for subject in cell.waiting() { (waiting(view, subject)) }
            }
        }
    }
}

fn waiting(view: &View<'_>, asked: &Subject) -> Markup {
    html! {
        article {
            h3 { (subject(asked)) }
            p class="said" {
                (badge(None)) " "
                @match view.next_runs.get(asked) {
                    Some(at) => { "First run " (ago(view.now, *at)) },
                    None => "Not scheduled",
                }
            }
        }
    }
}

fn article(
    view: &View<'_>,
    registry: &Registry<'_>,
    entry: &Entry,
    hidden: Option<&Hidden>,
) -> Markup {
    let report = &*entry.report;
    let outcome = &report.outcome;
    let check = registry
        .record
        .and_then(|record| record.checks.get(&report.subject));
    let message = match hidden {
        Some(hidden) => hidden.message(outcome),
        None => outcome.message.clone(),
    };
    html! {
        article class=(outcome.status.as_str()) {
            h3 { (subject(&report.subject)) }
            p class="said" { (badge(Some(outcome.status))) " " bdi { (code(&clean(&message))) } }
            @if let Some(changed) = changed(view, entry) { p { (changed) } }
            @if outcome.status != Status::Skip {
                @if let Some(reason) = outcome.reason { p class="soft" { (reason.cause()) "." } }
            }
            div class="halves" {
                div {
                    @if outcome.status != Status::Skip {
                        (steps("What to do", &outcome.remediation, hidden))
                        (steps("Known of this product", &outcome.hints, hidden))
                        (numbers(view, registry, entry, check))
                    }
                }
                div {
                    @if outcome.status != Status::Skip {
                        (evidence(outcome, hidden))
                        @if hidden.is_none() { (requests(report)) }
                    }
                    @if let Some(check) = check { (history(view, check)) }
                }
            }
        }
    }
}

/// Whose rights are tested on what.
fn subject(subject: &Subject) -> Markup {
    let set = subject.credential.as_deref().map(clean);
    html! {
        @match &subject.repository {
            Some(repository) => {
                bdi { (clean(repository)) }
                @if let Some(set) = set { " with credential set " bdi { (set) } }
            },
            None => { "Credential set " bdi { (set.unwrap_or_default()) } },
        }
    }
}

fn steps(heading: &str, steps: &[String], hidden: Option<&Hidden>) -> Markup {
    let shown = |step: &String| match hidden {
        Some(hidden) => clean(&hidden.without(step)),
        None => clean(step),
    };
    html! {
        @if !steps.is_empty() {
            h4 { (heading) }
            ol { @for step in steps { li { (code(&shown(step))) } } }
        }
    }
}

/// What stands between backquotes is something to type.
fn code(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn numbers(
    view: &View<'_>,
    registry: &Registry<'_>,
    entry: &Entry,
    check: Option<&CheckRecord>,
) -> Markup {
    let report = &*entry.report;
    let settings = registry.target.checks.settings(report.subject.check);
    let failures = check.map_or(0, |check| check.consecutive_failures);
    // Of the last run itself it would say nothing new.
    let success = check.and_then(|check| check.last_success);
    let success = success.filter(|success| *success != ended(entry));
    html! {
        dl class="facts" {
            dt { "Status" }
            dd {
                (report.outcome.status.as_str())
                @if let Some(reason) = report.outcome.reason { ", " (reason_words(reason)) }
                @if let Some(since) = since(view, check) { ", " (since) }
                @if failures > 1 { ", " (failures) " failures in a row" }
            }
            dt { "Last run" }
            dd {
                (exact(view.now, ended(entry)))
            }
            dt { "Took" }
            dd {
                (measured(report.duration))
                @if report.attempts > 1 { ", " (report.attempts) " tries" }
                @if let Some(latency) = report.outcome.latency {
                    ", the deciding request " (measured(latency))
                }
            }
            dt { "Next run" }
            dd {
                @match view.next_runs.get(&report.subject) {
                    Some(at) => { (ago(view.now, *at)) ", every " (span(settings.interval)) },
                    None => "not scheduled",
                }
            }
            @if let Some(at) = success {
                dt { "Last success" }
                dd { (exact(view.now, at)) }
            }
        }
    }
}

fn evidence(outcome: &Outcome, hidden: Option<&Hidden>) -> Markup {
    let shown: Vec<_> = outcome
        .evidence
        .iter()
        .filter(|(key, _)| hidden.is_none() || !withheld(key))
        .collect();
    html! {
        @if !shown.is_empty() {
            details open[!matches!(outcome.status, Status::Pass)] {
                summary { "Evidence" }
                dl class="facts evidence" {
                    @for (key, value) in shown {
                        dt { (key) }
                        dd { bdi { (value_text(value, hidden)) } }
                    }
                }
            }
        }
    }
}

fn value_text(value: &Value, hidden: Option<&Hidden>) -> String {
    match (value, hidden) {
        (Value::Text(text), Some(hidden)) => clean(&hidden.without(text)),
        (Value::Text(text), None) => clean(text),
        (Value::Number(number), _) => number.to_string(),
        (Value::Flag(flag), _) => flag.to_string(),
        (Value::Nothing, _) => "–".to_owned(),
    }
}

fn requests(report: &Report) -> Markup {
    html! {
        @if !report.requests.is_empty() {
            details {
                summary { "Requests of the last run (" (report.requests.len()) ")" }
                ol class="requests" { @for sent in &report.requests { li { (request(sent)) } } }
            }
        }
    }
}

fn request(sent: &Sent) -> Markup {
    html! {
        code { (sent.method) " " bdi { (clean(&sent.url)) } }
        " "
        @match &sent.end {
            Ok(status) => strong { (status) },
            Err(kind) => strong { (format!("{kind:?}").to_lowercase()) },
        }
        " " (measured(sent.elapsed))
        @if sent.retry { " (again)" }
    }
}

/// Its changes of status, the latest first.
fn history(view: &View<'_>, check: &CheckRecord) -> Markup {
    let known = check.transitions().count();
    html! {
        @if known > 1 {
            details {
                summary { "Last changes of status (" (known) ")" }
                ol class="history" {
                    @for turn in check.transitions().rev() {
                        li {
                            (exact(view.now, turn.at)) ": "
                            @if let Some(from) = turn.from { (badge(Some(from))) " to " }
                            (badge(Some(turn.to)))
                            @if let Some(reason) = turn.reason { " " (reason_words(reason)) }
                        }
                    }
                }
            }
        }
    }
}
