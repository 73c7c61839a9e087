//! What the daemon's routes show, from its store and schedule.

use std::{
    sync::{Arc, atomic::Ordering},
    time::SystemTime,
};

use tokio::time::Instant;

use super::{daemon::Daemon, version};
use crate::{
    checks,
    config::Target,
    exposition::{self, Coding, Exporter, Format, Lag, Page, Process, Scope, View},
    report::{self, About, Audience, Entry, RegistryReports},
    scheduler::LAG_BUCKETS,
    server::{Answering, PageError, Pages, Probing, Reloading, Sought},
    store::Snapshot,
};

impl Pages for Daemon {
    fn metrics(
        &self,
        format: Format,
        scope: Scope,
        coding: Coding,
    ) -> Result<Option<Page>, PageError> {
        if scope.is_all() {
            let view = || self.view(Scope::default());
            let page = self.cache.page(view, format, coding, Instant::now())?;
            return Ok(Some(page));
        }
        let loaded = self.loaded();
        let known = |name: &String| loaded.target(name).is_some();
        if !scope.registries.iter().all(known) {
            return Ok(None);
        }
        let page = self.page(format, scope)?;
        Ok(Some(page.into()))
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

    fn probe(self: Arc<Self>, ask: Probing) -> Answering {
        Box::pin(async move { Daemon::probe(&self, ask).await })
    }

    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError> {
        Daemon::service_discovery(self, at)
    }

    fn reload(self: Arc<Self>) -> Reloading {
        Box::pin(async move { Daemon::reload(&self, "POST /-/reload").await })
    }
}

impl Daemon {
    /// A part of the metrics as they are now, written anew.
    pub(super) fn page(&self, format: Format, scope: Scope) -> Result<String, PageError> {
        Ok(exposition::encode(&self.view(scope), format)?)
    }

    fn view(&self, scope: Scope) -> View {
        let lag = self.watch.lag();
        let (loaded, store) = self.seen();
        View {
            config: Arc::clone(&loaded.config),
            store,
            scheduled: Arc::clone(&loaded.scheduled),
            next_runs: self.watch.next_runs(),
            exporter: Exporter {
                version: version::NUMBER,
                revision: version::REVISION,
                reload_successful: self.reload_successful.load(Ordering::Relaxed),
                reload_success: loaded.at,
                heartbeat: self.heartbeat(),
                cycles_in_flight: self.watch.in_flight(),
                lag: Lag::new(&LAG_BUCKETS, &lag.counts, lag.sum),
            },
            process: Process::read(),
            scope,
        }
    }
}

/// What is known of a target, in the order of its questions; what has not been
/// asked yet is left out.
pub(super) fn reports_of(target: &Target, store: &Snapshot) -> RegistryReports {
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
