//! What the daemon's routes show, from its store and schedule.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use tokio::time::Instant;

use super::daemon::Daemon;
use crate::{
    checks,
    config::Target,
    exposition::{self, Exporter, Format, Lag, Process, View},
    report::{self, About, Audience, Entry, RegistryReports},
    scheduler::LAG_BUCKETS,
    server::{PageError, Pages, Reloading},
    store::Snapshot,
};

impl Pages for Daemon {
    fn metrics(&self, format: Format) -> Result<String, PageError> {
        let lag = self.watch.lag();
        let (loaded, store) = self.seen();
        let view = View {
            config: Arc::clone(&loaded.config),
            store,
            scheduled: Arc::clone(&loaded.scheduled),
            next_runs: Arc::new(self.watch.next_runs()),
            exporter: Exporter {
                version: env!("CARGO_PKG_VERSION"),
                revision: option_env!("OCI_REGISTRY_EXPORTER_REVISION").unwrap_or_default(),
                reload_successful: self.reload_successful.load(Ordering::Relaxed),
                reload_success: loaded.at,
                heartbeat: self.heartbeat(),
                cycles_in_flight: self.watch.in_flight(),
                lag: Lag::new(&LAG_BUCKETS, &lag.counts, lag.sum),
            },
            process: Process::read(),
        };
        Ok(exposition::encode(&view, format)?)
    }

    fn reports(
        &self,
        registry: Option<&str>,
        audience: Audience,
    ) -> Result<Option<String>, PageError> {
        let (loaded, store) = self.seen();
        let wanted = |target: &&Arc<Target>| registry.is_none_or(|name| name == target.name);
        let registries: Vec<RegistryReports> = loaded
            .config
            .registries
            .iter()
            .filter(wanted)
            .map(|target| reports_of(target, &store))
            .collect();
        if registry.is_some() && registries.is_empty() {
            return Ok(None);
        }
        let page = report::json(&registries, SystemTime::now(), audience)?;
        Ok(Some(page))
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        Some(self.watch.heartbeat())
    }

    fn ready(&self) -> bool {
        Daemon::ready(self, Instant::now())
    }

    fn reload(self: Arc<Self>) -> Reloading {
        Box::pin(async move { Daemon::reload(&self, "POST /-/reload").await })
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
