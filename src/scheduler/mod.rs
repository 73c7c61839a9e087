//! When each entry is due; never two cycles of one origin at once.
//!
//! Generic over what an entry is and what a cycle does. It does not know what
//! a check, a registry or a report is, and it sends nothing.
//!
//! The rules:
//! - An entry runs on its grid, `first + n * interval`. Points that pass while
//!   it runs, waits or the machine sleeps are gone: it runs at most once for
//!   all of them and goes back to its grid.
//! - The first cycles are spread by a stable hash of the lane's name.
//! - The due entries of a lane run as one cycle, in the order of the lane.
//! - Lanes of one origin wait for one another, first come, first served.
//! - Whoever holds the [`Watch`] may wake an entry: it is due at once. It may also
//!   put other lanes in the place of these, of which those that stay notice nothing.
//! - A cycle that panics takes nobody with it.
//! - After a standstill (a process that was stopped, a machine that was paused) what
//!   became due meanwhile is spread as the first cycles are.
//!
//! The schedule is kept on the monotonic clock: a set wall clock moves nothing.

mod grid;
mod queue;
mod row;
mod watch;

pub use grid::{splay, stable_hash};
pub use watch::{LAG_BUCKETS, Lag, Watch, lives};

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use tokio::{
    task::{self, AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use queue::Queue;

/// Entries that share cycles: one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane<K> {
    /// Its name; gives it its place among the first cycles.
    pub name: String,
    /// Lanes with the same origin never run at once.
    pub origin: String,
    /// Its entries, in the order in which a cycle gets them.
    pub entries: Vec<Entry<K>>,
}

/// Something that is due again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<K> {
    /// What it is; unique among all lanes.
    pub key: K,
    /// From one point of its grid to the next; under a second counts as a second.
    pub interval: Duration,
    /// When it first runs, from the start on; `None`: with the lane's first cycle.
    pub first_delay: Option<Duration>,
}

/// What a cycle says of an entry's next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Next {
    /// At the next point of its grid.
    #[default]
    Grid,
    /// After this time, at least a second, if that is sooner than the grid: one run more.
    After(Duration),
    /// At the first point of its grid that is at least this far away.
    NotBefore(Duration),
}

/// The bounds of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many cycles run at once at most; none counts as one.
    pub concurrency: usize,
    /// Over which time the first cycles are spread.
    pub first_cycle_spread: Duration,
    /// How long running cycles may go on after the shutdown.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 256,
            first_cycle_spread: Duration::from_secs(10),
            grace: Duration::from_secs(30),
        }
    }
}

/// Runs the lanes until `shutdown`, then waits for the cycles that run.
///
/// `cycle` gets the name of the lane and its due entries, in order. What it
/// says counts for every entry of the lane, also for those that were not due;
/// an entry of which it says nothing stays on its grid. Cycles that still run
/// after the grace are aborted: what must not be cut off belongs into a task of
/// its own. Dropping the future aborts the running cycles at once.
pub async fn run<K, F, Fut, S>(
    lanes: Vec<Lane<K>>,
    limits: Limits,
    watch: Arc<Watch<K>>,
    cycle: F,
    shutdown: S,
) where
    K: Ord + Clone + Send + 'static,
    F: Fn(String, Vec<K>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Vec<(K, Next)>> + Send + 'static,
    S: Future<Output = ()>,
{
    let mut cycles = Cycles::new(lanes, &limits, Arc::clone(&watch));
    let cycle = Arc::new(cycle);
    let mut shutdown = pin!(shutdown);
    let mut awaited = Duration::ZERO;
    loop {
        let now = cycles.now();
        if now > awaited.saturating_add(STANDSTILL) {
            cycles.spread(now);
        }
        cycles.watch.beat(now);
        cycles.replace(now);
        cycles.wake(now);
        cycles.start_due(now, &cycle);
        let beat = now.saturating_add(HEARTBEAT);
        let wake = cycles.queue.next_due().map_or(beat, |due| due.min(beat));
        awaited = wake.max(now);
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = cycles.tasks.join_next_with_id() => cycles.finish(ended),
            () = watch.woken() => {}
            () = sleep_until(cycles.start + wake) => {}
        }
    }
    cycles.drain().await;
}

/// The running cycles and whose turn it is after them.
struct Cycles<K> {
    start: Instant,
    queue: Queue<K>,
    tasks: JoinSet<Vec<(K, Next)>>,
    lanes: HashMap<task::Id, (usize, AbortHandle)>,
    watch: Arc<Watch<K>>,
    grace: Duration,
}

impl<K: Ord + Clone + Send + 'static> Cycles<K> {
    fn new(lanes: Vec<Lane<K>>, limits: &Limits, watch: Arc<Watch<K>>) -> Self {
        let queue = Queue::new(lanes, limits);
        watch.begin(queue.due());
        Self {
            start: Instant::now(),
            queue,
            tasks: JoinSet::new(),
            lanes: HashMap::new(),
            watch,
            grace: limits.grace,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Takes over the lanes that somebody put in the place of these.
    fn replace(&mut self, now: Duration) {
        let Some(plan) = self.watch.take_plan() else {
            return;
        };
        self.grace = plan.limits.grace;
        let gone = self.queue.replace(plan.lanes, &plan.limits, now);
        let running = self.lanes.values();
        for (_, cycle) in running.filter(|(lane, _)| gone.contains(lane)) {
            cycle.abort();
        }
        self.watch.replaced(self.queue.due());
    }

    fn spread(&mut self, now: Duration) {
        for lane in self.queue.spread(now) {
            self.watch.moved(self.queue.due_of(lane));
        }
    }

    fn wake(&mut self, now: Duration) {
        for key in self.watch.take_woken() {
            if let Some(lane) = self.queue.wake(&key, now) {
                self.watch.moved(self.queue.due_of(lane));
            }
        }
    }

    fn start_due<F, Fut>(&mut self, now: Duration, cycle: &Arc<F>)
    where
        F: Fn(String, Vec<K>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Vec<(K, Next)>> + Send + 'static,
    {
        while let Some(due) = self.queue.start(now) {
            self.watch.began(due.overdue);
            let cycle = Arc::clone(cycle);
            // The closure is called inside the task, so that its panic stays there too.
            let task = self
                .tasks
                .spawn(async move { cycle(due.name, due.keys).await });
            self.lanes.insert(task.id(), (due.lane, task));
        }
    }

    fn finish(&mut self, ended: Result<(task::Id, Vec<(K, Next)>), JoinError>) {
        let (id, said) = match ended {
            Ok((id, said)) => (id, Ok(said)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some((lane, _)) = self.lanes.remove(&id) else {
            return;
        };
        let said = said.unwrap_or_else(|error| {
            let registry = self.queue.name(lane);
            if error.is_panic() {
                tracing::error!(registry, %error, "cycle panicked; its checks stay on their grid");
            } else {
                tracing::info!(registry, "cycle was aborted");
            }
            Vec::new()
        });
        self.queue.finish(lane, self.now(), said);
        self.watch.ended(self.queue.due_of(lane));
    }

    async fn drain(mut self) {
        self.watch.end();
        let mut over = pin!(sleep(self.grace));
        loop {
            tokio::select! {
                biased;
                ended = self.tasks.join_next_with_id() => match ended {
                    Some(ended) => self.finish(ended),
                    None => return,
                },
                () = &mut over => break,
            }
        }
        tracing::warn!(
            cycles = self.tasks.len(),
            "cycles did not end within the grace"
        );
        self.tasks.abort_all();
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.finish(ended);
        }
    }
}

/// Who wakes so much later than it meant to did not run meanwhile.
const STANDSTILL: Duration = Duration::from_secs(5);
/// The longest time without a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
