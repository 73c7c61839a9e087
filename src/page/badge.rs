//! A status: a word in a coloured frame. The word says all of it.

use maud::{Markup, html};

use super::{
    View,
    when::{ago, lasting},
    words::thing,
};
use crate::{
    outcome::Status,
    report::Entry,
    store::{CheckRecord, Since},
};

/// The status as a word; `None`: it has not run yet.
pub(super) fn badge(status: Option<Status>) -> Markup {
    let word = status.map_or("not yet", Status::as_str);
    html! { b class={ "b " (status.map_or("none", Status::as_str)) } { (word) } }
}

/// Since when the status of a check is as it is.
pub(super) fn since(view: &View<'_>, check: Option<&CheckRecord>) -> Option<Markup> {
    let last = check?.transitions().next_back()?;
    Some(lasting(view.now, last.at))
}

/// What changed since the check last worked, in a sentence.
pub(super) fn changed(view: &View<'_>, entry: &Entry) -> Option<Markup> {
    let worked = match entry.report.outcome.status {
        Status::Fail | Status::Unknown => "worked",
        _ => "passed",
    };
    Some(match entry.since_worked.as_ref()? {
        Since::NeverWorked => html! { "It has not worked since the exporter started." },
        Since::Worked { at, changed } if changed.is_empty() => html! {
            "It last " (worked) " " (ago(view.now, *at)) "; nothing visible changed since then."
        },
        Since::Worked { at, changed } => html! {
            "It last " (worked) " " (ago(view.now, *at)) ". Changed since then: "
            @for (place, (what, at)) in changed.iter().enumerate() {
                @if place > 0 { ", " }
                strong { (thing(*what)) } " (" (ago(view.now, *at)) ")"
            }
            "."
        },
    })
}
