//! The daemon: all that it knows while it runs, and how it takes over another
//! configuration. Its schedule and its port are tied together in `serve`.

mod descriptors;
mod discovering;
pub(super) mod flags;
mod loaded;
mod pages;
mod probing;
mod reload;
mod serve;
mod status_log;
mod systemd;

pub(super) use serve::serve;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex as SyncMutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use tokio::{
    sync::{Mutex, Notify, watch},
    time::Instant,
};

use crate::{
    config::{Config, Load, Main, Target},
    discovery::Discovery,
    exposition::Cache,
    outcome::{Observation, Report, Subject},
    probe::{Prober, Sink},
    scheduler::{Next, Watch},
    store::{Snapshot, Store},
};

use super::values::Shard;
use loaded::Loaded;

/// The daemon's state, shared by its schedule, its port and its reloads.
struct Daemon {
    /// Whoever writes into the store looks here first, and holds it meanwhile: what
    /// an old configuration asked never lands among the answers of a new one.
    loaded: RwLock<Arc<Loaded>>,
    store: Store,
    watch: Arc<Watch<Subject>>,
    prober: Prober,
    /// The metrics as they were last written.
    cache: Cache,
    /// The questions whose next report is on its way: a cycle that asks them has
    /// begun, or somebody woke it.
    awaited: SyncMutex<BTreeSet<Subject>>,
    /// Changes with every report.
    changes: watch::Sender<()>,
    /// Where the configuration is read from.
    load: Load,
    /// The part of the registries that is asked; `None`: all.
    shard: Option<Shard>,
    /// What the configuration was read from; held by whoever reads it.
    reading: Mutex<Reading>,
    /// Told when documents may be looked for elsewhere.
    sources: Notify,
    /// When each document was last seen without fault.
    documents_good: SyncMutex<BTreeMap<Arc<str>, SystemTime>>,
    /// The last load of the configuration succeeded.
    reload_successful: AtomicBool,
    /// The scheduler runs.
    running: AtomicBool,
    /// When this program started.
    started: SystemTime,
    /// Where the metrics are.
    telemetry_path: String,
    began: Instant,
    /// The first cycles are done.
    asked: AtomicBool,
}

/// What a configuration was read from.
struct Reading {
    /// The content of the file that was last read, good or bad.
    content: Option<u64>,
    /// The main file of the configuration that is in force.
    main: Arc<Main>,
    /// The documents that it names.
    discovery: Discovery,
}

impl Daemon {
    /// A daemon that has not asked anything yet.
    ///
    /// `reading`: what `config` was read from.
    fn new(
        config: Config,
        load: Load,
        reading: Reading,
        shard: Option<Shard>,
        telemetry_path: String,
    ) -> Self {
        let store = Store::new(&config.histogram_buckets);
        let loaded = Loaded::new(part(config, shard), SystemTime::now());
        for report in &loaded.skipped {
            store.put(report.clone());
        }
        Self {
            loaded: RwLock::new(Arc::new(loaded)),
            store,
            watch: Arc::new(Watch::new()),
            prober: Prober::new(),
            cache: Cache::new(),
            awaited: SyncMutex::default(),
            changes: watch::Sender::new(()),
            load,
            shard,
            documents_good: SyncMutex::new(reading.discovery.last_good()),
            reading: Mutex::new(reading),
            sources: Notify::new(),
            reload_successful: AtomicBool::new(true),
            running: AtomicBool::new(false),
            started: SystemTime::now(),
            telemetry_path,
            began: Instant::now(),
            asked: AtomicBool::new(false),
        }
    }

    /// The configuration that is in force.
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.hold())
    }

    /// The configuration, and what the store holds for it, at one moment.
    fn seen(&self) -> (Arc<Loaded>, Snapshot) {
        let loaded = self.hold();
        (Arc::clone(&loaded), self.store.snapshot())
    }

    /// Keeps the configuration, and what the store holds for it, as they are meanwhile.
    fn hold(&self) -> RwLockReadGuard<'_, Arc<Loaded>> {
        // Whoever panicked while holding it had replaced it as a whole, or not at all.
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts another configuration in force. What it does not ask any more loses
    /// everything at once; a question stays what it was if its registry keeps its
    /// name and URL, and the question its repository and credential set.
    async fn replace(&self, config: Config) {
        let config = part(config, self.shard);
        let loaded = Arc::new(Loaded::new(config, SystemTime::now()));
        self.swap(&loaded);
        self.watch.replace(loaded.lanes(), loaded.limits()).await;
        // Now that no cycle of what is gone can bring it back.
        self.prober.retain(&loaded.config.registries);
        // Nothing comes any more of what is gone, of a cycle that is aborted, and of
        // what was woken before the schedule was the new one: whoever waits asks again.
        self.awaited().clear();
        self.changes.send_replace(());
    }

    fn swap(&self, loaded: &Arc<Loaded>) {
        let mut current = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        self.store.retain(&loaded.kept_from(&current));
        self.store.rebucket(&loaded.config.histogram_buckets);
        let known = self.store.snapshot();
        for report in &loaded.skipped {
            let last = known
                .registry(&report.subject.registry)
                .and_then(|record| record.checks.get(&report.subject));
            // It would count as one more run.
            if last.is_none_or(|last| last.report.outcome != report.outcome) {
                self.store.put(report.clone());
            }
        }
        *current = Arc::clone(loaded);
    }

    /// Runs the due questions of a registry, if it is still configured.
    async fn cycle(&self, registry: &str, due: &[Subject]) -> Vec<(Subject, Next)> {
        let target = self.loaded().target(registry).cloned();
        let Some(target) = target else {
            return Vec::new();
        };
        let sink = Intake {
            daemon: self,
            target: &target,
        };
        self.awaited().extend(due.iter().cloned());
        self.prober.cycle(&target, due, &sink).await
    }

    /// Makes a question be asked at once, unless its report is on its way: all who
    /// want it share that.
    fn ask(&self, subject: &Subject) {
        if self.awaited().insert(subject.clone()) {
            self.watch.wake(subject.clone());
        }
    }

    fn awaited(&self) -> MutexGuard<'_, BTreeSet<Subject>> {
        // Every change is a single insertion or removal.
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether every registry has had its first cycle, or its time for it. From
    /// then on it stays so: what is added later is no reason to stop serving.
    fn ready(&self, now: Instant) -> bool {
        if !self.running.load(Ordering::Relaxed) {
            return false;
        }
        let ready = self.asked.load(Ordering::Relaxed) || self.first_cycles_done(now);
        self.asked.store(ready, Ordering::Relaxed);
        ready
    }

    fn first_cycles_done(&self, now: Instant) -> bool {
        let (loaded, store) = self.seen();
        let spread = loaded.limits().first_cycle_spread;
        let waited = now.duration_since(self.began);
        let done = |target: &Arc<Target>| {
            let record = store.registry(&target.name);
            let answered = |subject: &Subject| {
                record.is_some_and(|record| record.checks.contains_key(subject))
            };
            waited > spread + target.timeout || loaded.at_once(target).all(|it| answered(&it))
        };
        loaded.config.registries.iter().all(done)
    }
}

/// Without the registries of the other parts.
fn part(mut config: Config, shard: Option<Shard>) -> Config {
    if let Some(shard) = shard {
        config.registries.retain(|target| shard.holds(&target.name));
    }
    config
}

/// The store, for what one cycle brings; what nobody asks any more is dropped.
struct Intake<'a> {
    daemon: &'a Daemon,
    target: &'a Target,
}

impl Sink for Intake<'_> {
    fn report(&self, report: Report) {
        let loaded = self.daemon.hold();
        if loaded.admits(self.target, &report.subject) {
            self.daemon.awaited().remove(&report.subject);
            status_log::log(&report, &self.daemon.store.snapshot());
            self.daemon.store.put(report);
            self.daemon.changes.send_replace(());
        }
    }

    fn observe(&self, registry: &str, observation: Observation) {
        let loaded = self.daemon.hold();
        if loaded.holds(self.target) {
            self.daemon.store.observe(registry, observation);
        }
    }
}
