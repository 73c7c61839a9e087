//! What was sent to each registry, counted since the start.

use std::{borrow::Cow, sync::Arc};

use super::{
    family::{Family, Kind, Series, Value},
    scene::{Of, Registry, Scene},
};
use crate::{
    outcome::{CheckName, SessionEnd},
    store::{Histogram, Traffic},
};

pub(super) const FAMILIES: [Family; 6] = [
    Family {
        name: "oci_registry_rate_limited_total",
        kind: Kind::Counter,
        help: "Answers with status 429",
        labels: &["registry"],
        series: |scene| total(scene, |traffic| traffic.rate_limited),
    },
    Family {
        name: "oci_registry_retries_total",
        kind: Kind::Counter,
        help: "Requests that were a repeated try",
        labels: &["registry"],
        series: |scene| total(scene, |traffic| traffic.retries),
    },
    Family {
        name: "oci_registry_warnings_total",
        kind: Kind::Counter,
        help: "Warning headers in the registry's answers",
        labels: &["registry"],
        series: |scene| {
            scene.each(|registry| Some(registry.record.map_or(0, |record| record.seen.warnings)))
        },
    },
    Family {
        name: "oci_registry_upload_sessions_total",
        kind: Kind::Counter,
        help: "Upload sessions that probes opened, by how they ended; a lost one may be left behind",
        labels: &["registry", "result"],
        series: sessions,
    },
    Family {
        name: "oci_registry_http_requests_total",
        kind: Kind::Counter,
        help: "Requests by what they were for and how they ended (a status, its class, or error without an answer)",
        labels: &["registry", "operation", "code"],
        series: requests,
    },
    Family {
        name: "oci_registry_http_request_duration_seconds",
        kind: Kind::Histogram,
        help: "Time of each request, answered or not, waits between tries excluded",
        labels: &["registry"],
        series: durations,
    },
];

/// At 0 from load on.
fn total<'a>(scene: &'a Scene<'a>, count: impl Fn(&Traffic) -> u64) -> Vec<Series<'a>> {
    scene.each(|registry| Some(traffic(registry).map_or(0, &count)))
}

/// Only what was sent: most of the 140 pairs never happen.
fn requests<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| Some((registry, traffic(registry)?)))
        .flat_map(|(registry, traffic)| {
            traffic.requests.iter().map(move |((operation, code), n)| {
                let labels = [("operation", operation.as_str()), ("code", *code)];
                registry.series(Of::default(), &labels, *n)
            })
        })
        .collect()
}

/// At 0 from load on, where push is asked at all.
fn sessions<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter(|registry| registry.asks(CheckName::Push))
        .flat_map(|registry| {
            SessionEnd::ALL.iter().map(move |(end, word)| {
                let count = registry
                    .record
                    .and_then(|record| record.sessions.get(end).copied())
                    .unwrap_or_default();
                registry.series(Of::default(), &[("result", *word)], count)
            })
        })
        .collect()
}

fn durations<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    let bounds: Arc<[f64]> = scene.view.config.histogram_buckets.as_slice().into();
    if bounds.is_empty() {
        return Vec::new();
    }
    scene.each(|registry| {
        Some(Value::Histogram(match traffic(registry) {
            Some(traffic) => Cow::Borrowed(&traffic.durations),
            None => Cow::Owned(Histogram::new(&bounds)),
        }))
    })
}

fn traffic<'a>(registry: &'a Registry<'a>) -> Option<&'a Traffic> {
    Some(&registry.record?.traffic)
}
