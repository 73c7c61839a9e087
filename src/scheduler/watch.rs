//! What can be seen of the scheduler from outside, at any time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::sync::{Notify, oneshot};

use super::{Lane, Limits};

/// Upper bounds of the buckets of [`Lag`] (seconds).
pub const LAG_BUCKETS: [f64; 10] = [0.005, 0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// How late cycles began.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lag {
    /// The cycles in each bucket of [`LAG_BUCKETS`], not cumulated; the last
    /// count is of those beyond the last bound.
    pub counts: [u64; LAG_BUCKETS.len() + 1],
    /// The lateness of all cycles (seconds).
    pub sum: f64,
}

impl Lag {
    /// How many cycles began.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn observe(&mut self, late: Duration) {
        let late = late.as_secs_f64();
        let bucket = LAG_BUCKETS.partition_point(|bound| *bound < late);
        self.counts[bucket] += 1;
        self.sum += late;
    }
}

/// Whether a scheduler whose last sign of life is of this time still lives.
pub fn lives(beat: SystemTime, now: SystemTime) -> bool {
    // A beat that lies ahead was seen before the clock was set back.
    now.duration_since(beat)
        .map_or(true, |age| age <= OLDEST_BEAT)
}

/// Several beats of ten seconds.
const OLDEST_BEAT: Duration = Duration::from_mins(1);

/// The window into a running scheduler; shared with whoever shows it.
pub struct Watch<K> {
    wall_clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    seen: Mutex<Seen<K>>,
    waker: Notify,
}

impl<K: Ord + Clone> Watch<K> {
    /// A window that shows the system's time.
    pub fn new() -> Self {
        Self::with_wall_clock(SystemTime::now)
    }

    /// A window that shows the time of this clock.
    ///
    /// The schedule itself never looks at it: it may jump.
    pub fn with_wall_clock(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let anchor = (Duration::ZERO, now());
        Self {
            wall_clock: Box::new(now),
            seen: Mutex::new(Seen {
                anchor,
                heartbeat: anchor.1,
                next_runs: Arc::default(),
                in_flight: 0,
                lag: Lag::default(),
                woken: BTreeSet::new(),
                plan: None,
                ended: false,
            }),
            waker: Notify::new(),
        }
    }

    /// Makes an entry due at once, or, while a cycle of its lane runs, as soon
    /// as that has ended. An unknown key wakes nobody.
    pub fn wake(&self, key: K) {
        self.seen().woken.insert(key);
        self.waker.notify_one();
    }

    /// Other lanes and bounds from now on, and returns when the scheduler has
    /// taken them over; at once where it has ended.
    ///
    /// An entry whose lane stays, by name and origin, keeps its schedule; with
    /// another interval it is due at the next point of that at the latest. What
    /// is new begins as at a start. A running cycle of a lane that is gone is
    /// aborted.
    pub async fn replace(&self, lanes: Vec<Lane<K>>, limits: Limits) {
        let (taken, done) = oneshot::channel();
        {
            let mut seen = self.seen();
            if seen.ended {
                return;
            }
            seen.plan = Some(Plan {
                lanes,
                limits,
                taken,
            });
        }
        self.waker.notify_one();
        // Nothing is sent: the plan is dropped when it runs, or when a later one took its place.
        let _ = done.await;
    }

    /// When each entry runs next; while it runs or waits for its turn: when it was due.
    ///
    /// Shared, so that asking costs nothing; what changes later does not change it.
    pub fn next_runs(&self) -> Arc<BTreeMap<K, SystemTime>> {
        Arc::clone(&self.seen().next_runs)
    }

    /// When the scheduler last showed that it lives: at least every ten seconds.
    pub fn heartbeat(&self) -> SystemTime {
        self.seen().heartbeat
    }

    /// How many cycles run just now.
    pub fn in_flight(&self) -> usize {
        self.seen().in_flight
    }

    /// How late the cycles so far began.
    pub fn lag(&self) -> Lag {
        self.seen().lag
    }

    /// The scheduler begins, at time zero, with these entries and nothing else.
    pub(super) fn begin(&self, due: impl IntoIterator<Item = (K, Duration)>) {
        let anchor = (Duration::ZERO, (self.wall_clock)());
        let mut seen = self.seen();
        seen.anchor = anchor;
        seen.heartbeat = anchor.1;
        seen.put_all(due);
        seen.in_flight = 0;
        seen.ended = false;
    }

    /// The plan to take over, if there is one.
    pub(super) fn take_plan(&self) -> Option<Plan<K>> {
        self.seen().plan.take()
    }

    /// These entries are due at these times, and no others are there.
    pub(super) fn replaced(&self, due: impl IntoIterator<Item = (K, Duration)>) {
        self.seen().put_all(due);
    }

    /// The scheduler has ended.
    pub(super) fn end(&self) {
        let mut seen = self.seen();
        seen.ended = true;
        seen.plan = None;
    }

    /// The scheduler lives, at this time after its start.
    ///
    /// Times are translated by an anchor that is never further off than
    /// [`TOLERANCE`], so that neither a set clock nor a suspended machine leaves a
    /// wrong one standing, and that moves no further than it must: a time that
    /// wavers by a millisecond would make every page of metrics another one.
    pub(super) fn beat(&self, now: Duration) {
        let wall = (self.wall_clock)();
        let mut seen = self.seen();
        seen.heartbeat = wall;
        let expected = wall_time(seen.anchor, now);
        let off = match wall.duration_since(expected) {
            Ok(ahead) => ahead,
            Err(behind) => behind.duration(),
        };
        if off > TOLERANCE {
            seen.anchor = (now, wall);
            for next in Arc::make_mut(&mut seen.next_runs).values_mut() {
                let moved = if wall > expected {
                    next.checked_add(off)
                } else {
                    next.checked_sub(off)
                };
                *next = moved.unwrap_or(*next);
            }
        }
    }

    /// Waits until somebody is woken.
    pub(super) async fn woken(&self) {
        self.waker.notified().await;
    }

    /// Who was woken since the last time.
    pub(super) fn take_woken(&self) -> BTreeSet<K> {
        std::mem::take(&mut self.seen().woken)
    }

    /// Entries are due at other times.
    pub(super) fn moved(&self, due: impl IntoIterator<Item = (K, Duration)>) {
        self.seen().put(due);
    }

    /// A cycle began, this late.
    pub(super) fn began(&self, late: Duration) {
        let mut seen = self.seen();
        seen.in_flight += 1;
        seen.lag.observe(late);
    }

    /// A cycle ended, and its entries are due at these times.
    pub(super) fn ended(&self, due: impl IntoIterator<Item = (K, Duration)>) {
        let mut seen = self.seen();
        seen.in_flight = seen.in_flight.saturating_sub(1);
        seen.put(due);
    }

    /// Nothing panics while this lock is held, and nothing half written would matter.
    fn seen(&self) -> MutexGuard<'_, Seen<K>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord + Clone> Default for Watch<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug> fmt::Debug for Watch<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Watch")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

/// What was last seen; durations count from the scheduler's start.
#[derive(Debug)]
struct Seen<K> {
    /// One moment on both clocks.
    anchor: (Duration, SystemTime),
    heartbeat: SystemTime,
    next_runs: Arc<BTreeMap<K, SystemTime>>,
    in_flight: usize,
    lag: Lag,
    woken: BTreeSet<K>,
    plan: Option<Plan<K>>,
    ended: bool,
}

impl<K: Ord + Clone> Seen<K> {
    fn put(&mut self, due: impl IntoIterator<Item = (K, Duration)>) {
        let next = due
            .into_iter()
            .map(|(key, due)| (key, wall_time(self.anchor, due)));
        Arc::make_mut(&mut self.next_runs).extend(next);
    }

    fn put_all(&mut self, due: impl IntoIterator<Item = (K, Duration)>) {
        self.next_runs = Arc::default();
        self.put(due);
    }
}

/// What the scheduler shall run from now on; dropped when that is so.
#[derive(Debug)]
pub(super) struct Plan<K> {
    pub(super) lanes: Vec<Lane<K>>,
    pub(super) limits: Limits,
    /// Nothing is sent: whoever waits is told by its end.
    #[expect(dead_code, reason = "it is there to be dropped")]
    taken: oneshot::Sender<()>,
}

/// How far the anchor may be off: less than the slots of the schedule.
const TOLERANCE: Duration = Duration::from_millis(50);

/// A time of the schedule on the wall's clock, as near as that can show it.
fn wall_time((at, wall): (Duration, SystemTime), time: Duration) -> SystemTime {
    let shifted = match time.checked_sub(at) {
        Some(ahead) => wall.checked_add(ahead),
        None => wall.checked_sub(at.saturating_sub(time)),
    };
    shifted.unwrap_or(wall)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn wall(count: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + seconds(count)
    }

    #[test]
    fn next_runs_follow_the_wall_clock_when_it_is_set() {
        let clock = Arc::new(AtomicU64::new(1000));
        let read = Arc::clone(&clock);
        let watch = Watch::with_wall_clock(move || wall(read.load(Ordering::Relaxed)));
        watch.begin([("a", seconds(5)), ("b", seconds(60))]);
        let shown = |a, b| Arc::new(BTreeMap::from([("a", wall(a)), ("b", wall(b))]));
        assert_eq!(watch.next_runs(), shown(1005, 1060));

        // Ten seconds later, and the clock was set an hour ahead; `a` is late.
        clock.store(1000 + 10 + 3600, Ordering::Relaxed);
        watch.beat(seconds(10));
        assert_eq!(watch.next_runs(), shown(1005 + 3600, 1060 + 3600));
        assert_eq!(watch.heartbeat(), wall(4610));
    }

    #[test]
    fn next_runs_do_not_waver_with_the_readings_of_the_clocks() {
        let clock = Arc::new(Mutex::new(wall(1000)));
        let read = Arc::clone(&clock);
        let watch = Watch::with_wall_clock(move || *read.lock().unwrap());
        watch.begin([("a", seconds(60))]);
        let millis = Duration::from_millis;
        let at = |mono, wall| {
            *clock.lock().unwrap() = SystemTime::UNIX_EPOCH + millis(wall);
            watch.beat(millis(mono));
            assert_eq!(watch.heartbeat(), SystemTime::UNIX_EPOCH + millis(wall));
            let next = watch.next_runs()["a"];
            next.duration_since(wall_clock_start()).unwrap().as_millis()
        };
        assert_eq!(at(1_000, 1_001_003), 60_000);
        assert_eq!(at(2_000, 1_001_950), 60_000);
        // It drifts: by so much that it is followed, at once and to the point.
        assert_eq!(at(3_000, 1_003_051), 60_051);
        assert_eq!(at(4_000, 1_004_001), 60_051);
        assert_eq!(at(5_000, 1_005_000), 60_000);
    }

    fn wall_clock_start() -> SystemTime {
        wall(1000)
    }

    #[test]
    fn lag_falls_into_its_bucket() {
        let mut lag = Lag::default();
        for millis in [0, 5, 6, 1000, 1001, 300_000, 300_001, 86_400_000] {
            lag.observe(Duration::from_millis(millis));
        }
        assert_eq!(lag.counts, [2, 1, 0, 1, 1, 0, 0, 0, 0, 1, 2]);
        assert_eq!(lag.count(), 8);
        assert!((lag.sum - 87_002.013).abs() < 0.001, "{}", lag.sum);
    }

    #[test]
    fn a_new_beginning_forgets_entries_but_no_lag() {
        let watch = Watch::new();
        watch.begin([("a", seconds(1))]);
        watch.began(seconds(2));
        assert_eq!(watch.in_flight(), 1);
        watch.begin([("b", seconds(1))]);
        assert_eq!(watch.in_flight(), 0);
        assert_eq!(watch.next_runs().keys().collect::<Vec<_>>(), [&"b"]);
        assert_eq!(watch.lag().count(), 1);
    }

    #[test]
    fn a_wall_clock_at_its_end_shows_itself() {
        let anchor = (seconds(5), SystemTime::UNIX_EPOCH);
        assert_eq!(wall_time(anchor, Duration::MAX), SystemTime::UNIX_EPOCH);
    }

    #[test]
    fn a_beat_is_alive_for_a_minute_and_across_a_clock_that_is_set_back() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        for (beat, expected) in [
            (now, true),
            (now - Duration::from_mins(1), true),
            (now - Duration::from_millis(60_001), false),
            (now + Duration::from_hours(1), true),
        ] {
            assert_eq!(lives(beat, now), expected, "{beat:?}");
        }
    }
}
