//! What `/probe` says of itself, in the names that probing exporters have.

use std::time::{Duration, SystemTime};

use super::{
    family::{Family, Kind, Series, Value},
    labels::Labels,
    scene::Scene,
};
use crate::outcome::Subject;

/// One answer of `/probe`.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Whether everything that was wanted was answered in time, and nothing of it
    /// failed or is unknown.
    pub success: bool,
    /// How long it took.
    pub duration: Duration,
    /// What was wanted, as far as it is asked at all.
    pub subjects: Vec<Subject>,
    /// When it was answered.
    pub now: SystemTime,
}

/// The families that only `/probe` has.
pub const PROBE_FAMILIES: [Family; 3] = [
    Family {
        name: "probe_success",
        kind: Kind::Gauge,
        help: "1 if every wanted check was answered in time and none of them failed or is unknown",
        labels: &[],
        series: |scene| own(scene, |probe| probe.success.into()),
    },
    Family {
        name: "probe_duration_seconds",
        kind: Kind::Gauge,
        help: "Time that this answer took; little where all came from runs before it",
        labels: &[],
        series: |scene| own(scene, |probe| probe.duration.into()),
    },
    Family {
        name: "probe_result_age_seconds",
        kind: Kind::Gauge,
        help: "Time since the run that this answer shows ended, of each wanted check",
        labels: &["check", "repository", "credential"],
        series: ages,
    },
];

fn own<'a>(scene: &'a Scene<'a>, value: impl Fn(&Probe) -> Value<'a>) -> Vec<Series<'a>> {
    let probe = scene.view.scope.probe.as_ref();
    let series = |probe| Series {
        labels: Labels::default(),
        value: value(probe),
    };
    probe.map(series).into_iter().collect()
}

fn ages<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    let Some(probe) = &scene.view.scope.probe else {
        return Vec::new();
    };
    let checks = scene.checks();
    let wanted = checks.filter(|(_, subject, _)| probe.subjects.contains(subject));
    wanted
        .map(|(registry, subject, check)| {
            // A clock that was set back makes nothing younger than new.
            let age = probe.now.duration_since(check.last_run).unwrap_or_default();
            registry.series(subject.into(), &[], age)
        })
        .collect()
}
