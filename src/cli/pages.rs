//! What the daemon's routes show, from its store and schedule.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use crate::{
    checks,
    config::{Config, Target},
    exposition::{self, Exporter, Format, Lag, Process, View},
    outcome::Subject,
    report::{self, About, Audience, Entry, RegistryReports},
    scheduler::{LAG_BUCKETS, Watch},
    server::{PageError, Pages},
    store::{Snapshot, Store},
};

/// All that a running daemon knows.
pub(super) struct Daemon {
    pub(super) config: Arc<Config>,
    /// When the configuration was loaded.
    pub(super) loaded: SystemTime,
    pub(super) store: Store,
    /// What is asked on a schedule.
    pub(super) scheduled: Arc<BTreeSet<Subject>>,
    pub(super) watch: Arc<Watch<Subject>>,
    /// The scheduler runs.
    pub(super) running: AtomicBool,
}

impl Pages for Daemon {
    fn metrics(&self, format: Format) -> Result<String, PageError> {
        let lag = self.watch.lag();
        let view = View {
            config: Arc::clone(&self.config),
            store: self.store.snapshot(),
            scheduled: Arc::clone(&self.scheduled),
            next_runs: Arc::new(self.watch.next_runs()),
            exporter: Exporter {
                version: env!("CARGO_PKG_VERSION"),
                revision: option_env!("OCI_REGISTRY_EXPORTER_REVISION").unwrap_or_default(),
                reload_successful: true,
                reload_success: self.loaded,
                heartbeat: self.heartbeat(),
                cycles_in_flight: self.watch.in_flight(),
                lag: Lag::new(&LAG_BUCKETS, &lag.counts, lag.sum),
            },
            process: Process::read(),
        };
        Ok(exposition::encode(&view, format)?)
    }

    fn reports(&self, registry: Option<&str>) -> Result<Option<String>, PageError> {
        let store = self.store.snapshot();
        let wanted = |target: &&Arc<Target>| registry.is_none_or(|name| name == target.name);
        let registries: Vec<RegistryReports> = self
            .config
            .registries
            .iter()
            .filter(wanted)
            .map(|target| reports_of(target, &store))
            .collect();
        if registry.is_some() && registries.is_empty() {
            return Ok(None);
        }
        let page = report::json(&registries, SystemTime::now(), Audience::Anybody)?;
        Ok(Some(page))
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        Some(self.watch.heartbeat())
    }

    fn ready(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }
}

/// What is known of a target, in the order of its questions; what has not been
/// asked yet is left out.
fn reports_of(target: &Target, store: &Snapshot) -> RegistryReports {
    let record = store.registry(&target.name);
    let entries = checks::questions(target)
        .into_iter()
        .filter_map(|(subject, _)| {
            let check = record?.checks.get(&subject)?;
            Some(Entry {
                report: Arc::clone(&check.report),
                last_conclusive: check.last_conclusive,
                fact_since: check.fact_since,
                since_worked: record?.since_worked(&subject),
            })
        })
        .collect();
    RegistryReports {
        name: target.name.clone(),
        url: target.url.as_str().trim_end_matches('/').to_owned(),
        entries,
        about: record.map_or_else(About::default, |record| {
            About::new(&record.seen, target.product.as_deref())
        }),
    }
}
