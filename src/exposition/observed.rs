//! What the cycles showed of a registry beside the answers of its checks: of each
//! thing the last sight.

use std::time::Duration;

use super::{
    family::{Family, Kind, Series, Value},
    labels::bounded,
    scene::{Of, Registry, Scene},
};
use crate::{
    oci::RateLimit,
    outcome::{Observation, Phases},
};

pub(super) const FAMILIES: [Family; 10] = [
    Family {
        name: "oci_registry_up",
        kind: Kind::Gauge,
        help: "1 if, in the last cycle that sent a request, the first answer of the registry's own origin was under 500 and shaped like a registry (429 counts)",
        labels: &["registry"],
        series: |scene| scene.each(|registry| seen(registry)?.up),
    },
    Family {
        name: "oci_registry_server_info",
        kind: Kind::Info,
        help: "What the registry shows of itself, as last seen",
        labels: &[
            "registry",
            "product",
            "auth_method",
            "distribution_version",
            "tls_version",
            "http_version",
        ],
        series: server_infos,
    },
    Family {
        name: "oci_registry_changed_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When it was last seen to have become another (its fingerprint changed), of a secret and the rights that it is granted by credential set; until then, when its registry was first looked at",
        labels: &["registry", "credential", "what"],
        series: changes,
    },
    Family {
        name: "oci_registry_tls_certificate_expiry_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the certificate ends: the server's own (leaf), the earliest of those above it (chain), the configured one (client); also of one that was refused",
        labels: &["registry", "certificate"],
        series: certificates,
    },
    Family {
        name: "oci_registry_rate_limit_limit",
        kind: Kind::Gauge,
        help: "Requests that the registry says it allows in a window; absent when it says nothing",
        labels: &["registry", "credential"],
        series: |scene| rate_limits(scene, |limit| limit.limit),
    },
    Family {
        name: "oci_registry_rate_limit_remaining",
        kind: Kind::Gauge,
        help: "Requests that the registry says are left in the window; absent when it says nothing",
        labels: &["registry", "credential"],
        series: |scene| rate_limits(scene, |limit| limit.remaining),
    },
    Family {
        name: "oci_registry_rate_limit_window_seconds",
        kind: Kind::Gauge,
        help: "Length of the window that the registry says its limit is for; absent when it says nothing",
        labels: &["registry", "credential"],
        series: |scene| rate_limits(scene, |limit| limit.window_seconds),
    },
    Family {
        name: "oci_registry_throttled",
        kind: Kind::Gauge,
        help: "1 from a 429 that ended a probe without an answer until a request is answered otherwise",
        labels: &["registry"],
        series: |scene| scene.each(|registry| seen(registry)?.throttled),
    },
    Family {
        name: "oci_registry_backoff_until_timestamp_seconds",
        kind: Kind::Gauge,
        help: "Until when the last 429 keeps requests from the registry; in the past: it no longer does",
        labels: &["registry"],
        series: |scene| scene.each(|registry| seen(registry)?.backoff_until),
    },
    Family {
        name: "oci_registry_http_phase_duration_seconds",
        kind: Kind::Gauge,
        help: "Time of each phase of the first request of the last cycle; absent for a phase that was not gone through",
        labels: &["registry", "phase"],
        series: phases,
    },
];

/// A reader of one phase, with its word.
type Phase = (&'static str, fn(&Phases) -> Option<Duration>);

const PHASES: [Phase; 5] = [
    ("resolve", |phases| phases.resolve),
    ("connect", |phases| phases.connect),
    ("tls", |phases| phases.tls),
    ("processing", |phases| phases.processing),
    ("transfer", |phases| phases.transfer),
];

fn seen<'a>(registry: &'a Registry<'a>) -> Option<&'a Observation> {
    Some(&registry.record?.seen)
}

fn server_infos<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| {
            let seen = seen(registry)?;
            let version = seen.distribution_version.as_deref();
            let labels = [
                ("product", seen.product.unwrap_or_default()),
                ("auth_method", seen.auth_method.unwrap_or_default()),
                ("distribution_version", version.map_or("", bounded)),
                ("tls_version", seen.tls_version.unwrap_or_default()),
                ("http_version", seen.http_version.unwrap_or_default()),
            ];
            let known = labels.iter().any(|(_, value)| !value.is_empty());
            known.then(|| registry.series(Of::default(), &labels, Value::One))
        })
        .collect()
}

fn changes<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| Some((registry, registry.record?)))
        .flat_map(|(registry, record)| {
            record.changed.iter().map(move |((what, credential), at)| {
                let of = Of {
                    credential: credential.as_deref(),
                    ..Of::default()
                };
                registry.series(of, &[("what", what.as_str())], *at)
            })
        })
        .collect()
}

fn certificates<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| Some((registry, seen(registry)?)))
        .flat_map(|(registry, seen)| {
            let mut shown = seen.certificates.iter().map(|it| it.not_after);
            let ends = [
                ("leaf", shown.next()),
                ("chain", shown.min()),
                ("client", seen.client_certificate_not_after),
            ];
            ends.into_iter().filter_map(move |(which, end)| {
                Some(registry.series(Of::default(), &[("certificate", which)], end?))
            })
        })
        .collect()
}

fn rate_limits<'a>(
    scene: &'a Scene<'a>,
    value: impl Fn(&RateLimit) -> Option<u64> + Copy,
) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| Some((registry, seen(registry)?)))
        .flat_map(|(registry, seen)| {
            seen.rate_limits
                .iter()
                .filter_map(move |(credential, limit)| {
                    let of = Of {
                        credential: Some(credential),
                        ..Of::default()
                    };
                    Some(registry.series(of, &[], value(limit)?))
                })
        })
        .collect()
}

fn phases<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .filter_map(|registry| Some((registry, seen(registry)?.phases.as_ref()?)))
        .flat_map(|(registry, phases)| {
            PHASES.iter().filter_map(move |(word, time)| {
                Some(registry.series(Of::default(), &[("phase", word)], time(phases)?))
            })
        })
        .collect()
}
