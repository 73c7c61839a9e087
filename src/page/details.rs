//! Everything of one registry.

use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Registry, View,
    badge::badge,
    capabilities, check,
    frame::Page,
    overview::product,
    row::Row,
    seen,
    words::{clean, title},
};
use crate::{
    outcome::Status,
    report::{Audience, Hidden},
};

pub(super) fn page(view: &View<'_>, registry: &Registry<'_>) -> Page {
    let row = Row::new(view, registry);
    let name = clean(&registry.target.name);
    let hidden = match view.audience {
        Audience::Operator => None,
        Audience::Anybody => Some(Hidden::of(&registry.reports)),
    };
    let reports = utf8_percent_encode(&registry.target.name, NON_ALPHANUMERIC);
    let main = html! {
        h1 { bdi { (name) } }
        p class={ "overall " (row.verdict().map_or("none", Status::as_str)) } {
            (verdict(&row))
            small {
                bdi { (registry.reports.url) }
                @if let Some(product) = product(&row) { ", " (product) }
            }
        }
        nav aria-label="Checks of this registry" {
            ul class="links" {
                @for cell in row.cells.iter().filter(|cell| !cell.questions.is_empty()) {
                    li {
                        a href={ "#" (cell.check.as_str()) } { (title(cell.check)) }
                        " " (badge(cell.worst().map(|entry| entry.report.outcome.status)))
                    }
                }
            }
        }
        @for cell in row.cells.iter().filter(|cell| !cell.questions.is_empty()) {
            (check::section(view, registry, cell, hidden.as_ref()))
        }
        (capabilities::section(view, registry))
        (seen::section(view, registry, hidden.as_ref()))
        p { a href={ "./api/v1/reports/" (reports) } { "The same as JSON" } }
    };
    Page {
        title: format!("{name}: {}", verdict(&row).to_lowercase()),
        main,
    }
}

/// For a name that is not configured.
pub(super) fn nobody(name: &str) -> Page {
    let title = "No such registry".to_owned();
    let main = html! {
        h1 { (title) }
        p { "No registry of the name “" bdi { (clean(name)) } "” is configured." }
    };
    Page { title, main }
}

/// How it is, and the checks that make it so.
fn verdict(row: &Row<'_>) -> String {
    let status = row.verdict();
    let line = match status {
        Some(Status::Fail) => "Fails: ",
        Some(Status::Warn) => "Works, with a warning: ",
        Some(Status::Unknown) => "Cannot be judged: ",
        Some(Status::Info) => "Works, with a note: ",
        Some(Status::Pass) => return "Works".to_owned(),
        Some(Status::Skip) => return "Is not asked anything".to_owned(),
        None => return "Has not been asked yet".to_owned(),
    };
    let checks = status.into_iter().flat_map(|status| row.of(status));
    let checks: Vec<String> = checks.map(|check| title(check).to_lowercase()).collect();
    format!("{line}{}", checks.join(", "))
}
