//! What a registry showed of itself beside the answers of its checks.

use std::{collections::BTreeMap, time::Duration};

use maud::{Markup, html};

use super::{
    Registry, View,
    when::{ago, exact, measured, of_epoch, span},
    words::{clean, thing},
};
use crate::{
    oci::RateLimit,
    outcome::{Observation, Phases},
    report::Hidden,
    store::{FactKey, Record},
};

/// `hidden`: what must not show; `None` hides nothing.
pub(super) fn section(view: &View<'_>, registry: &Registry<'_>, hidden: Option<&Hidden>) -> Markup {
    let target = registry.target;
    html! {
        section aria-labelledby="seen" {
            h2 id="seen" { "What it shows of itself" }
            dl class="facts" {
                dt { "URL" }
                dd { bdi { (registry.reports.url) } }
                @if !target.labels.is_empty() {
                    dt { "Labels" }
                    dd {
                        @for (at, (name, value)) in target.labels.iter().enumerate() {
                            @if at > 0 { ", " }
                            (name) "=" bdi { (clean(value)) }
                        }
                    }
                }
                @match registry.record {
                    Some(record) => {
                        (credentials(view, record))
                        (server(&record.seen))
                        (limits(view, &record.seen))
                        (certificates(view, &record.seen))
                        (phases(record.seen.phases.as_ref()))
                        (changes(view, record))
                    },
                    None => { dt { "So far" } dd { "nothing" } },
                }
            }
            @let warnings = &registry.reports.about.warnings;
            @if !warnings.is_empty() {
                h3 { "It warns" }
                ul {
                    @for warning in warnings {
                        @let shown = hidden.map_or_else(|| warning.clone(), |hidden| hidden.without(warning));
                        li { bdi { (clean(&shown)) } }
                    }
                }
            }
        }
    }
}

fn credentials(view: &View<'_>, record: &Record) -> Markup {
    html! {
        @for (key, proof) in &record.facts {
            @match key {
                FactKey::CredentialsValid { credential } => {
                    dt { "Credential set " bdi { (clean(credential.as_deref().unwrap_or_default())) } }
                    dd {
                        @if proof.value == 1 { "valid" } @else { "not valid" }
                        ", proven " (ago(view.now, proof.proven))
                    }
                },
                FactKey::CredentialsExpiry { credential, source } => {
                    dt { "End of " bdi { (clean(credential.as_deref().unwrap_or_default())) } }
                    dd {
                        @match of_epoch(proof.value) {
                            Some(end) => (exact(view.now, end)),
                            None => "never",
                        }
                        ", says its " (source)
                    }
                },
                _ => {},
            }
        }
    }
}

fn server(seen: &Observation) -> Markup {
    let up = seen.up.map(|up| if up { "yes" } else { "no" });
    let tls = seen.tls_version.map(|version| format!("TLS {version}"));
    let http = seen.http_version.map(|version| format!("HTTP/{version}"));
    let protocols: Vec<String> = tls.into_iter().chain(http).collect();
    html! {
        @if let Some(up) = up { dt { "Answers" } dd { (up) } }
        @if let Some(method) = seen.auth_method { dt { "Login" } dd { (method) } }
        @if let Some(version) = &seen.distribution_version {
            dt { "API version" } dd { bdi { (clean(version)) } }
        }
        @if !protocols.is_empty() { dt { "Protocols" } dd { (protocols.join(", ")) } }
    }
}

fn limits(view: &View<'_>, seen: &Observation) -> Markup {
    let paused = seen.backoff_until.filter(|until| *until > view.now);
    html! {
        @for (set, limit) in &seen.rate_limits {
            dt { "Rate limit of " bdi { (clean(set)) } }
            dd { (limit_text(limit)) }
        }
        @if seen.throttled == Some(true) || paused.is_some() {
            dt { "Throttled" }
            dd {
                "yes"
                @if let Some(until) = paused { ", asked again " (ago(view.now, until)) }
            }
        }
    }
}

fn limit_text(limit: &RateLimit) -> String {
    let mut text = match (limit.remaining, limit.limit) {
        (Some(remaining), Some(limit)) => format!("{remaining} of {limit} left"),
        (Some(remaining), None) => format!("{remaining} left"),
        (None, Some(limit)) => format!("{limit} in all"),
        (None, None) => "–".to_owned(),
    };
    if let Some(window) = limit.window_seconds {
        text.push_str(", in ");
        text.push_str(&span(Duration::from_secs(window)));
    }
    text
}

fn certificates(view: &View<'_>, seen: &Observation) -> Markup {
    let mut shown = seen.certificates.iter().map(|it| it.not_after);
    let ends = [
        ("Certificate", shown.next()),
        ("Certificates above it", shown.min()),
        ("Client certificate", seen.client_certificate_not_after),
    ];
    html! {
        @for (which, end) in ends {
            @if let Some(end) = end.and_then(of_epoch) {
                dt { (which) }
                dd {
                    @if end < view.now {
                        strong class="alarm" { "ended " } (exact(view.now, end))
                    } @else {
                        "ends " (exact(view.now, end))
                    }
                }
            }
        }
    }
}

fn phases(phases: Option<&Phases>) -> Markup {
    let Some(phases) = phases else {
        return html! {};
    };
    let parts: Vec<String> = [
        ("resolve", phases.resolve),
        ("connect", phases.connect),
        ("TLS", phases.tls),
        ("processing", phases.processing),
        ("transfer", phases.transfer),
    ]
    .into_iter()
    .filter_map(|(phase, time)| Some(format!("{phase} {}", measured(time?))))
    .collect();
    html! {
        @if !parts.is_empty() { dt { "First request" } dd { (parts.join(", ")) } }
    }
}

/// When each thing last became another, and of which credential set it then was. The
/// time of first sight is none of a change.
fn changes(view: &View<'_>, record: &Record) -> Markup {
    let mut changes = BTreeMap::new();
    for (what, set, time) in record.changes() {
        let latest = changes.entry(what).or_insert((time, set));
        *latest = (*latest).max((time, set));
    }
    html! {
        dt { "Changed while watched" }
        dd {
            @if changes.is_empty() { "nothing visible" }
            @for (at, (what, (time, set))) in changes.into_iter().enumerate() {
                @if at > 0 { ", " }
                (thing(what))
                @if let Some(set) = set { " of " code { (set) } }
                " (" (ago(view.now, time)) ")"
            }
        }
    }
}
