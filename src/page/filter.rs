//! Which registries are shown: the form that asks, and the way through a long list.

use maud::{Markup, html};

use super::{badge::badge, query::Query, row::Row};
use crate::outcome::Status;

pub(super) fn form(query: &Query, rows: &[Row<'_>]) -> Markup {
    let all = Query {
        name: String::new(),
        statuses: Vec::new(),
        page: 1,
        ..query.clone()
    };
    html! {
        form method="get" role="search" aria-label="Registries" {
            label class="name" {
                span { "Name or host" }
                input type="search" name="name" value=(query.name) autocomplete="off";
            }
            fieldset {
                legend { "With a check that is" }
                @for (status, word) in Status::ALL {
                    @let count = rows.iter().filter(|row| row.has(status)).count();
                    label class="choice" {
                        input type="checkbox" name="status" value=(word)
                            checked[query.statuses.contains(&status)];
                        (badge(Some(status)))
                        span class="count" { (count) }
                    }
                }
            }
            @if query.seconds() != Query::default().seconds() {
                input type="hidden" name="refresh" value=(query.seconds());
            }
            div class="do" {
                button type="submit" { "Show" }
                @if query.filters() { a href=(all.link()) { "Show all" } }
            }
        }
    }
}

pub(super) fn pager(query: &Query, at: usize, pages: usize) -> Markup {
    let to = |page| {
        let query = Query {
            page,
            ..query.clone()
        };
        query.link()
    };
    html! {
        @if pages > 1 {
            nav class="pager" aria-label="Pages of the list" {
                @if at > 1 { a rel="prev" href=(to(at - 1)) { "Previous" } }
                span { "Page " (at) " of " (pages) }
                @if at < pages { a rel="next" href=(to(at + 1)) { "Next" } }
            }
        }
    }
}
