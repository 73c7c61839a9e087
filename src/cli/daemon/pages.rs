//! What the daemon's routes show, from its store and schedule.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

use super::{super::version, Daemon};
use crate::{
    config::{self, Target},
    exposition::{self, Coding, Exporter, Format, Lag, Page, Process, Scope, View},
    page,
    report::{self, Audience, RegistryReports},
    scheduler::LAG_BUCKETS,
    server::{Answering, PageError, Pages, Probing, Reloading, Sought, StatusPage},
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
            .map(|target| RegistryReports::of(target, store.registry(&target.name)))
            .collect();
        if registry.is_some() && registries.is_empty() {
            return Ok(None);
        }
        let page = report::json(&registries, SystemTime::now(), audience)?;
        Ok(Some(page))
    }

    fn status(&self, query: &str, audience: Audience) -> Result<StatusPage, PageError> {
        let (loaded, store) = self.seen();
        let next_runs = self.watch.next_runs();
        let registries = loaded.config.registries.iter();
        let registries =
            registries.map(|target| page::Registry::new(target, store.registry(&target.name)));
        let view = page::View {
            now: SystemTime::now(),
            audience,
            telemetry_path: &self.telemetry_path,
            exporter: page::Exporter {
                version: version::NUMBER,
                revision: version::REVISION,
                started: self.started,
                loaded: loaded.at,
                reload_successful: self.reload_successful.load(Ordering::Relaxed),
                heartbeat: self.heartbeat(),
                cycles_in_flight: self.watch.in_flight(),
                documents: loaded.config.documents.clone(),
            },
            registries: registries.collect(),
            next_runs: &next_runs,
        };
        Ok(StatusPage {
            html: page::status(&view, query),
            found: !page::names_nobody(&view, query),
        })
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        Some(self.watch.heartbeat())
    }

    fn ready(&self) -> bool {
        Daemon::ready(self, Instant::now())
    }

    fn configuration(&self, audience: Audience) -> String {
        let config = &self.loaded().config;
        match audience {
            Audience::Operator => config::show(config, true),
            Audience::Anybody => config::show_to_anybody(config),
        }
    }

    fn probe(self: Arc<Self>, ask: Probing) -> Answering {
        Box::pin(async move { Daemon::probe(&self, ask).await })
    }

    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError> {
        Daemon::service_discovery(self, at)
    }

    fn reload(self: Arc<Self>) -> Reloading {
        // A task of its own: whoever asked may go away, and what was begun must not
        // be left half done.
        let reload = tokio::spawn(async move { Daemon::reload(&self, "POST /-/reload").await });
        Box::pin(async move {
            // The panic hook has logged where.
            reload
                .await
                .unwrap_or_else(|_| Err("it ended with a panic; the log says where".to_owned()))
        })
    }
}

impl Daemon {
    /// A part of the metrics as they are now, written anew.
    pub(super) fn page(&self, format: Format, scope: Scope) -> Result<String, PageError> {
        Ok(exposition::encode(&self.view(scope), format)?)
    }

    /// Lets go, again and again, of pages that nobody asks for any more.
    pub(super) async fn forget_unasked(&self) {
        loop {
            sleep(FORGET_EVERY).await;
            self.cache.forget_unasked(Instant::now());
        }
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
                documents_good: self.documents_good(),
                lag: Lag::new(&LAG_BUCKETS, &lag.counts, lag.sum),
            },
            process: Process::read(),
            scope,
        }
    }
}

const FORGET_EVERY: Duration = Duration::from_mins(5);
