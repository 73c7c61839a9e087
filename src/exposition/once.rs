//! The page of a single run, for `node_exporter`'s textfile collector.

use std::{collections::BTreeMap, fmt, sync::Arc, time::SystemTime};

use super::{
    Exporter, Family, Format, Kind, Lag, Process, Scope, View, configuration, encode, facts,
    families, observed, runs,
};
use crate::{config::Config, store::Snapshot};

/// What a single run says, in the text format: what is configured, what was seen, the
/// results and what they prove, under the daemon's names and labels.
///
/// Left out is what only a process that goes on can say: counters, which would
/// never count; the schedule; when something changed; and the process itself, whose
/// names belong to whoever serves the file.
///
/// # Errors
/// As of [`encode`].
pub fn encode_once(config: Arc<Config>, store: Snapshot) -> Result<String, fmt::Error> {
    let view = View {
        config,
        store,
        scheduled: Arc::default(),
        next_runs: Arc::new(BTreeMap::new()),
        // None of its families is on this page.
        exporter: Exporter {
            version: env!("CARGO_PKG_VERSION"),
            revision: "",
            reload_successful: true,
            reload_success: SystemTime::UNIX_EPOCH,
            heartbeat: None,
            cycles_in_flight: 0,
            lag: Lag::default(),
        },
        process: Process::default(),
        scope: Scope {
            names: families()
                .filter(|family| is_of_one_run(family))
                .map(|family| family.name.to_owned())
                .collect(),
            ..Scope::default()
        },
    };
    encode(&view, Format::Text)
}

fn is_of_one_run(family: &Family) -> bool {
    let rooms: [&[Family]; 4] = [
        &configuration::FAMILIES,
        &observed::FAMILIES,
        &runs::FAMILIES,
        &facts::FAMILIES,
    ];
    let mut known = rooms.into_iter().flatten();
    matches!(family.kind, Kind::Gauge | Kind::Info)
        && !OVER_TIME.contains(&family.name)
        && known.any(|row| row.name == family.name)
}

/// Gauges that compare a run with those before it.
const OVER_TIME: [&str; 2] = [
    "oci_registry_changed_timestamp_seconds",
    "oci_registry_check_consecutive_failures",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_one_run_can_say_is_on_its_page() {
        let names: Vec<&str> = families()
            .filter(|family| is_of_one_run(family))
            .map(|family| family.name)
            .collect();
        for name in [
            "oci_registry_info",
            "oci_registry_up",
            "oci_registry_check_status",
            "oci_registry_check_latency_seconds",
            "oci_registry_check_last_run_timestamp_seconds",
            "oci_registry_credentials_valid",
            "oci_registry_capability_score",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        for name in names {
            assert!(!name.ends_with("_total"), "{name}");
            assert!(!name.starts_with("process_"), "{name}");
            assert!(!name.starts_with("oci_registry_exporter_"), "{name}");
        }
        for name in OVER_TIME {
            assert!(families().any(|family| family.name == name), "{name}");
        }
    }
}
