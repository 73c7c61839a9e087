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
    config::{Config, Target},
    exposition::{self, Exporter, Format, Lag, Process, View},
    outcome::Subject,
    page,
    report::{self, Audience, RegistryReports},
    scheduler::{LAG_BUCKETS, Watch},
    server::{PageError, Pages},
    store::Store,
};

/// All that a running daemon knows.
pub(super) struct Daemon {
    pub(super) config: Arc<Config>,
    /// When the configuration was loaded.
    pub(super) loaded: SystemTime,
    /// When this program started.
    pub(super) started: SystemTime,
    /// Where the metrics are.
    pub(super) telemetry_path: String,
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
                revision: REVISION,
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
            .map(|target| RegistryReports::of(target, store.registry(&target.name)))
            .collect();
        if registry.is_some() && registries.is_empty() {
            return Ok(None);
        }
        let page = report::json(&registries, SystemTime::now(), Audience::Anybody)?;
        Ok(Some(page))
    }

    fn status(&self, query: &str, audience: Audience) -> Result<String, PageError> {
        let store = self.store.snapshot();
        let next_runs = self.watch.next_runs();
        let registries = self.config.registries.iter();
        let registries =
            registries.map(|target| page::Registry::new(target, store.registry(&target.name)));
        let view = page::View {
            now: SystemTime::now(),
            audience,
            telemetry_path: &self.telemetry_path,
            exporter: page::Exporter {
                version: env!("CARGO_PKG_VERSION"),
                revision: REVISION,
                started: self.started,
                loaded: self.loaded,
                reload_successful: true,
                heartbeat: self.heartbeat(),
                cycles_in_flight: self.watch.in_flight(),
            },
            registries: registries.collect(),
            next_runs: &next_runs,
        };
        Ok(page::status(&view, query))
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        Some(self.watch.heartbeat())
    }

    fn ready(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }
}

const REVISION: &str = match option_env!("OCI_REGISTRY_EXPORTER_REVISION") {
    Some(revision) => revision,
    None => "",
};
