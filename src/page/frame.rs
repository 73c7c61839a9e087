//! What stands around every page.

use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{View, exporter, query::Query, style, when::span};

/// What a page is by itself.
pub(super) struct Page {
    /// In one line, for the tab of a browser.
    pub(super) title: String,
    /// With its one `h1`.
    pub(super) main: Markup,
}

pub(super) fn html(view: &View<'_>, query: &Query, page: &Page) -> Markup {
    let all = Query {
        registry: None,
        ..query.clone()
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if query.refresh.is_some() { meta http-equiv="refresh" content=(query.seconds()); }
                title { (page.title) " – oci-registry-exporter" }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                a class="jump" href="#main" { "Skip to the content" }
                header {
                    nav aria-label="Site" {
                        a href=(all.link()) aria-current=[query.registry.is_none().then_some("page")] {
                            "oci-registry-exporter"
                        }
                        @if query.registry.is_some() { span { " / registry" } }
                    }
                    p { (refresh(query)) }
                }
                main id="main" {
                    @for notice in &query.notices { p class="notice" { (notice) } }
                    (page.main)
                }
                footer { (exporter::section(view)) }
            }
        }
    }
}

/// How often the page is loaded again, and the way to stop or start that.
fn refresh(query: &Query) -> Markup {
    let with = |refresh: Option<Duration>| {
        let query = Query {
            refresh,
            ..query.clone()
        };
        query.link()
    };
    html! {
        @match query.refresh {
            Some(every) => {
                "Refreshes every " (span(every)) ". " a href=(with(None)) { "Stop" }
            },
            None => {
                "Does not refresh. " a href=(with(Query::default().refresh)) { "Start" }
            },
        }
    }
}
