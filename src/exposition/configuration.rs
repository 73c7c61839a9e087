//! What stands from load to reload, also for a registry that never answered.

use super::{
    family::{Family, Kind, Series, Value},
    scene::{Of, Scene},
};

pub(super) const FAMILIES: [Family; 4] = [
    Family {
        name: "oci_registry_info",
        kind: Kind::Info,
        help: "A configured registry, its host and its URL",
        labels: &["registry", "host", "url"],
        series: infos,
    },
    Family {
        name: "oci_registry_check_interval_seconds",
        kind: Kind::Gauge,
        help: "Configured time from one run of the check to the next; absent for a check that is not asked",
        labels: &["registry", "check", "repository", "credential"],
        series: intervals,
    },
    Family {
        name: "oci_registry_check_next_run_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the check is due next, pauses included; while it runs: when it was due",
        labels: &["registry", "check", "repository", "credential"],
        series: next_runs,
    },
    Family {
        name: "oci_registry_capability_expected",
        kind: Kind::Gauge,
        help: "1 where the configuration expects the registry to have the capability, 0 where it expects it not to",
        labels: &["registry", "capability"],
        series: expectations,
    },
];

fn infos<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .map(|registry| {
            let labels = [("host", &*registry.host), ("url", &*registry.url)];
            registry.series(Of::default(), &labels, Value::One)
        })
        .collect()
}

fn intervals<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .flat_map(|registry| registry.scheduled().map(move |subject| (registry, subject)))
        .map(|(registry, subject)| {
            let interval = registry.target.checks.settings(subject.check).interval;
            registry.series(subject.into(), &[], interval)
        })
        .collect()
}

fn next_runs<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .flat_map(|registry| registry.scheduled().map(move |subject| (registry, subject)))
        .filter_map(|(registry, subject)| {
            let next = *scene.view.next_runs.get(subject)?;
            Some(registry.series(subject.into(), &[], next))
        })
        .collect()
}

fn expectations<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .flat_map(|registry| {
            registry.target.expect.iter().map(|(capability, expected)| {
                let labels = [("capability", capability.as_str())];
                registry.series(Of::default(), &labels, *expected)
            })
        })
        .collect()
}
