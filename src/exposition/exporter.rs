//! The exporter itself: what it is, what it runs on and whether it keeps up.

use std::time::SystemTime;

use super::{
    family::{Family, Kind, Series, Value},
    labels::Labels,
};

/// This program's own state, as the daemon hands it over for a page.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// The version of this program.
    pub version: &'static str,
    /// The revision it was built from; empty where it is not known.
    pub revision: &'static str,
    /// Whether the last load of the configuration succeeded.
    pub reload_successful: bool,
    /// When a load of the configuration last succeeded.
    pub reload_success: SystemTime,
    /// When the scheduler last went round; `None` before it began.
    pub heartbeat: Option<SystemTime>,
    /// Cycles that are running.
    pub cycles_in_flight: usize,
    /// How late cycles began.
    pub lag: Lag,
}

/// How late cycles began, as a histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lag {
    /// Upper bounds (seconds, ascending, the last one infinite), each with how
    /// many cycles fell into that bucket alone (not cumulated). Without buckets
    /// there is no series.
    pub buckets: Vec<(f64, u64)>,
    /// The sum of all lags (seconds).
    pub sum: f64,
}

impl Lag {
    /// From the finite upper bounds (seconds, ascending), the counts of their
    /// buckets and of what lies above all of them, and the sum (seconds).
    pub fn new(bounds: &[f64], counts: &[u64], sum: f64) -> Self {
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.zip(counts.iter().copied()).collect();
        Self { buckets, sum }
    }
}

pub(super) const FAMILIES: [Family; 8] = [
    Family {
        name: "oci_registry_exporter_build_info",
        kind: Kind::Info,
        help: "Version and source revision of this exporter",
        labels: &["version", "revision"],
        series: |scene| {
            let exporter = &scene.view.exporter;
            let mut labels = Labels::default();
            labels.push("version", exporter.version);
            labels.push("revision", exporter.revision);
            let value = Value::One;
            vec![Series { labels, value }]
        },
    },
    Family {
        name: "oci_registry_exporter_config_last_reload_successful",
        kind: Kind::Gauge,
        help: "1 if the last load of the configuration succeeded, 0 if the one before it is still in force",
        labels: &[],
        series: |scene| bare(scene.view.exporter.reload_successful),
    },
    Family {
        name: "oci_registry_exporter_config_last_reload_success_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When a load of the configuration last succeeded",
        labels: &[],
        series: |scene| bare(scene.view.exporter.reload_success),
    },
    Family {
        name: "oci_registry_exporter_config_hash",
        kind: Kind::Gauge,
        help: "Hash of the configuration in force, for comparing replicas",
        labels: &[],
        // 48 bits, because a sample is a float and must tell two hashes apart exactly.
        series: |scene| bare(scene.view.config.hash & ((1 << 48) - 1)),
    },
    Family {
        name: "oci_registry_exporter_registries",
        kind: Kind::Gauge,
        help: "Configured registries",
        labels: &[],
        series: |scene| bare(scene.view.config.registries.len()),
    },
    Family {
        name: "oci_registry_exporter_scheduler_heartbeat_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the scheduler last went round",
        labels: &[],
        series: |scene| scene.view.exporter.heartbeat.map_or_else(Vec::new, bare),
    },
    Family {
        name: "oci_registry_exporter_scheduler_lag_seconds",
        kind: Kind::Histogram,
        help: "How much later than due each cycle began",
        labels: &[],
        series: |scene| {
            let Lag { buckets, sum } = &scene.view.exporter.lag;
            if buckets.is_empty() {
                return Vec::new();
            }
            bare(Value::Buckets(buckets, *sum))
        },
    },
    Family {
        name: "oci_registry_exporter_cycles_in_flight",
        kind: Kind::Gauge,
        help: "Cycles that are running",
        labels: &[],
        series: |scene| bare(scene.view.exporter.cycles_in_flight),
    },
];

/// The one series of a family without labels.
pub(super) fn bare<'a>(value: impl Into<Value<'a>>) -> Vec<Series<'a>> {
    vec![Series {
        labels: Labels::default(),
        value: value.into(),
    }]
}
