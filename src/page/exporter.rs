//! The exporter's own state, and the way to its other pages.

use std::time::SystemTime;

use maud::{Markup, html};

use super::{
    View,
    when::{ago, exact, lasting},
    words::{clean, counted},
};
use crate::{
    config::{ConfigErrors, Document},
    report::Audience,
};

/// This program's own state.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// The version of this program.
    pub version: &'static str,
    /// The revision it was built from; empty where it is not known.
    pub revision: &'static str,
    /// When it started.
    pub started: SystemTime,
    /// When the configuration in force was loaded.
    pub loaded: SystemTime,
    /// Whether the last load of the configuration succeeded.
    pub reload_successful: bool,
    /// When the scheduler last went round; `None` before it began.
    pub heartbeat: Option<SystemTime>,
    /// Cycles that are running.
    pub cycles_in_flight: usize,
    /// The documents that add to the configuration.
    pub documents: Vec<Document>,
}

/// At the foot of every page.
pub(super) fn section(view: &View<'_>) -> Markup {
    let exporter = &view.exporter;
    html! {
        section aria-labelledby="exporter" {
            h2 id="exporter" { "This exporter" }
            dl class="facts" {
                dt { "Version" }
                dd {
                    (exporter.version)
                    @if !exporter.revision.is_empty() { " (" (exporter.revision) ")" }
                }
                dt { "Running" }
                dd { (lasting(view.now, exporter.started)) }
                dt { "Configuration" }
                dd {
                    (counted(view.registries.len(), "registry", "registries"))
                    ", loaded " (exact(view.now, exporter.loaded))
                    @if !exporter.reload_successful {
                        br;
                        strong class="alarm" {
                            "The last reload failed: this older configuration goes on. The log says why."
                        }
                    }
                }
                (documents(view))
                dt { "Scheduler" }
                dd {
                    (counted(exporter.cycles_in_flight, "cycle", "cycles")) " running, "
                    @match exporter.heartbeat {
                        Some(beat) => { "last sign of life " (ago(view.now, beat)) },
                        None => "not started yet",
                    }
                }
            }
            nav aria-label="Other pages" {
                ul class="links" {
                    // With a dot first, so that no path is taken for another host's.
                    li { a href={ "." (view.telemetry_path) } { "Metrics" } }
                    li { a href="./api/v1/reports" { "Reports (JSON)" } }
                    @if view.registries.iter().any(|registry| registry.target.probe) {
                        li { a href="./sd" { "Service discovery" } }
                    }
                    li { a href="./config" { "Configuration" } }
                    li { a href="./-/healthy" { "Healthy" } }
                    li { a href="./-/ready" { "Ready" } }
                }
            }
        }
    }
}

/// The documents of other people; what is wrong with one is for those who run this.
fn documents(view: &View<'_>) -> Markup {
    let documents = &view.exporter.documents;
    let faulty: Vec<&Document> = documents
        .iter()
        .filter(|it| it.problems.is_some())
        .collect();
    html! {
        @if !documents.is_empty() {
            dt { "Documents" }
            dd {
                (counted(documents.len(), "document", "documents")) " read"
                @if faulty.is_empty() { ", all in force" }
                @for document in faulty.iter().take(MOST_DOCUMENTS) {
                    br;
                    strong class="alarm" {
                        @if document.taken { "Not all of " } @else { "Refused: " }
                        code { (clean(&document.source)) }
                        @if let Some((line, column)) = document.problems.as_ref().and_then(first_place) {
                            ", line " (line) ", column " (column)
                        }
                        @if document.taken { " is in force" }
                    }
                    @if let (Some(problems), Audience::Operator) = (&document.problems, view.audience) {
                        pre { (lines(problems)) }
                    }
                }
                @if faulty.len() > MOST_DOCUMENTS {
                    br;
                    "and " (faulty.len() - MOST_DOCUMENTS) " more, which the log names"
                }
            }
        }
    }
}

fn lines(problems: &ConfigErrors) -> String {
    let problems = problems.to_string();
    let lines: Vec<String> = problems.lines().map(clean).collect();
    lines.join("\n")
}

fn first_place(problems: &ConfigErrors) -> Option<(usize, usize)> {
    problems.errors.first().and_then(|error| error.position)
}

/// More would hide the page.
const MOST_DOCUMENTS: usize = 20;
