//! The daemon's schedule on a clock that goes by hand.
//!
//! The sockets are real and the clock is paused. A blocking task that is parked
//! for the length of a test keeps tokio from advancing the clock by itself, so no
//! deadline fires while an answer is on its way; [`Simulation`] advances it by
//! hand, and only when nothing but time can bring anything further. Client and
//! server share one thread, so that point is found by yielding to both.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, SystemTime},
};

use oci_registry_exporter::{
    config::{self, Environment, Target},
    outcome::{CheckName, Observation, Report, Subject},
    probe::{Prober, Sink, lane},
    scheduler::{self, Limits, Watch},
    store::Store,
};
use registry_sim::RegistrySim;
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, advance},
};

use crate::asked::verdict;

/// The scheduler and the prober as the daemon wires them, on a clock of our own.
pub(crate) struct Simulation {
    reads_files: bool,
    start: Instant,
    watch: Arc<Watch<Subject>>,
    pub(crate) diary: Arc<Diary>,
    pub(crate) store: Arc<Store>,
    pub(crate) prober: Arc<Prober>,
    stop: oneshot::Sender<()>,
    scheduler: JoinHandle<()>,
    secrets: JoinHandle<()>,
    /// Keeps the blocking task parked.
    parked: mpsc::Sender<()>,
}

/// What was reported, and when (since the start).
#[derive(Default)]
pub(crate) struct Diary(Mutex<Vec<(Duration, Subject, String)>>);

struct Page(Arc<Diary>, Arc<Store>, Instant);

impl Sink for Page {
    fn report(&self, report: Report) {
        let verdict = verdict(report.outcome.status, report.outcome.reason);
        let entry = (self.2.elapsed(), report.subject.clone(), verdict);
        self.0.0.lock().unwrap().push(entry);
        self.1.put(report);
    }

    fn observe(&self, registry: &str, observation: Observation) {
        self.1.observe(registry, observation);
    }
}

impl Diary {
    /// When a check of a registry was reported, and with what; all its repositories together.
    pub(crate) fn of(&self, registry: &str, check: CheckName) -> Vec<(Duration, String)> {
        let entries = self.0.lock().unwrap();
        entries
            .iter()
            .filter(|(_, subject, _)| subject.registry == registry && subject.check == check)
            .map(|(at, _, verdict)| (*at, verdict.clone()))
            .collect()
    }

    /// How often each question was reported within a time.
    pub(crate) fn counts(&self, from: Duration, to: Duration) -> BTreeMap<Subject, usize> {
        let mut counts = BTreeMap::new();
        for (at, subject, _) in self.0.lock().unwrap().iter() {
            if (from..to).contains(at) {
                *counts.entry(subject.clone()).or_default() += 1;
            }
        }
        counts
    }
}

impl Simulation {
    /// Every first cycle begins at the start.
    pub(crate) fn of(yaml: &str) -> Self {
        Self::spread(yaml, Duration::ZERO)
    }

    /// The first cycles are spread by the names of their registries.
    pub(crate) fn spread(yaml: &str, spread: Duration) -> Self {
        let config = config::parse(yaml, "test.yml", Path::new("/"), &Environment::default())
            .unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
        let reads_files = yaml.contains("_file:");
        let (parked, wait) = mpsc::channel::<()>();
        // Ends with the sender; until then the clock only goes when it is told to.
        drop(tokio::task::spawn_blocking(move || wait.recv()));
        let start = Instant::now();
        let watch = Arc::new(Watch::with_wall_clock(move || epoch() + start.elapsed()));
        let diary = Arc::new(Diary::default());
        let store = Arc::new(Store::new(&config.histogram_buckets));
        let prober = Arc::new(Prober::new());
        let targets: Arc<[Arc<Target>]> = config.registries.into();
        let lanes = targets.iter().map(|target| lane(target)).collect();
        let (stop, stopped) = oneshot::channel();
        let cycle = {
            let (prober, targets) = (Arc::clone(&prober), Arc::clone(&targets));
            let (diary, store) = (Arc::clone(&diary), Arc::clone(&store));
            move |registry: String, due: Vec<Subject>| {
                let target = targets.iter().find(|target| target.name == registry);
                let (prober, target) = (Arc::clone(&prober), Arc::clone(target.unwrap()));
                let page = Page(Arc::clone(&diary), Arc::clone(&store), start);
                async move { prober.cycle(&target, &due, &page).await }
            }
        };
        let limits = Limits {
            first_cycle_spread: spread,
            ..Limits::default()
        };
        let scheduler = tokio::spawn(scheduler::run(
            lanes,
            limits,
            Arc::clone(&watch),
            cycle,
            async {
                // A test that panics drops the sender, and there is nobody left to tell.
                let _ = stopped.await;
            },
        ));
        let (waker, watching) = (Arc::clone(&watch), Arc::clone(&prober));
        let secrets = tokio::spawn(async move {
            let wake = |subject| waker.wake(subject);
            watching.watch_secrets(|| targets.to_vec(), wake).await;
        });
        Self {
            reads_files,
            start,
            watch,
            diary,
            store,
            prober,
            stop,
            scheduler,
            secrets,
            parked,
        }
    }

    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Lets client and server do what they can do without time passing.
    async fn settle(&self, sims: &[&RegistrySim]) {
        self.quiet(sims).await;
        // A file may be being read on a thread of its own, which no yield shows.
        for _ in 0..READS {
            if self.reads_files {
                let read = || std::fs::read(file!());
                tokio::task::spawn_blocking(read).await.unwrap().ok();
                self.quiet(sims).await;
            }
        }
    }

    async fn quiet(&self, sims: &[&RegistrySim]) {
        let traffic = || -> u64 {
            let seen = |sim: &&RegistrySim| {
                sim.total_requests() + sim.connections() + sim.token_connections()
            };
            sims.iter().map(seen).sum()
        };
        let mut last = (traffic(), self.watch.in_flight());
        let mut quiet = 0;
        // An idle scheduler needs a few turns to see that something is due.
        while quiet < if last.1 > 0 { QUIET } else { IDLE } {
            tokio::task::yield_now().await;
            let seen = (traffic(), self.watch.in_flight());
            quiet = if seen == last { quiet + 1 } else { 0 };
            last = seen;
        }
    }

    /// Goes on until this time after the start, from one due time to the next; `look` sees each of them.
    pub(crate) async fn until(
        &self,
        end: Duration,
        sims: &[&RegistrySim],
        mut look: impl FnMut(Duration),
    ) {
        loop {
            self.settle(sims).await;
            look(self.now());
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return;
            }
            let step = if self.watch.in_flight() > 0 {
                // A cycle waits for time to pass, between two tries of a request.
                WAIT
            } else {
                self.next_due().saturating_sub(self.now()).max(TICK)
            };
            advance(step.min(left)).await;
        }
    }

    /// The clock jumps, as after a suspension of the machine.
    pub(crate) async fn jump(&self, time: Duration, sims: &[&RegistrySim]) {
        self.settle(sims).await;
        assert_eq!(self.watch.in_flight(), 0);
        advance(time).await;
    }

    /// When a check of a registry runs next, its first repository.
    pub(crate) fn next_run(&self, registry: &str, check: CheckName) -> Duration {
        let next_runs = self.watch.next_runs();
        let of_check = next_runs
            .iter()
            .filter(|(subject, _)| subject.registry == registry && subject.check == check);
        let due = of_check.map(|(_, due)| *due).min().unwrap();
        due.duration_since(epoch()).unwrap()
    }

    fn next_due(&self) -> Duration {
        let next_runs = self.watch.next_runs();
        let due = next_runs.values().min().unwrap();
        due.duration_since(epoch()).unwrap()
    }

    pub(crate) async fn end(self) {
        // From here the clock goes by itself, for a cycle that still waits.
        drop(self.parked);
        self.secrets.abort();
        // The scheduler holds the receiver.
        self.stop.send(()).unwrap();
        self.scheduler.await.unwrap();
    }
}

fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

/// So many yields without any change mean that only time can bring one.
const QUIET: usize = 100;
const IDLE: usize = 10;
/// As many reads of a file as a cycle may wait for, and then some.
const READS: usize = 8;
/// A step of time while a cycle waits.
const WAIT: Duration = Duration::from_millis(500);
const TICK: Duration = Duration::from_millis(1);
