//! The exporter's own state, and the way to its other pages.

use std::time::SystemTime;

use maud::{Markup, html};

use super::{
    View,
    when::{ago, exact, lasting},
    words::counted,
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
