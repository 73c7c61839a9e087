//! Whose turn it is: a state machine without clock and tasks.
//!
//! An idle lane costs one timer. When one of its entries is due, the lane joins
//! the line of its origin; the origins that have somebody in line, and nobody
//! running, stand in line for a free slot.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use super::{
    Lane, Limits, Next,
    grid::{Grid, splay},
};

/// The lanes, and where each of them stands; times count from the scheduler's start.
#[derive(Debug)]
pub(super) struct Queue<K> {
    lanes: Vec<Row<K>>,
    origins: Vec<Origin>,
    /// The earliest due time of each lane that is neither waiting nor running.
    timers: BTreeSet<(Duration, usize)>,
    /// The origins whose first lane only waits for a slot.
    ready: VecDeque<usize>,
    free: usize,
}

/// A cycle to begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start<K> {
    pub(super) lane: usize,
    pub(super) keys: Vec<K>,
    /// How long the first of them was due.
    pub(super) overdue: Duration,
}

impl<K: Ord + Clone> Queue<K> {
    pub(super) fn new(lanes: Vec<Lane<K>>, limits: &Limits) -> Self {
        let mut numbers = BTreeMap::new();
        let lanes: Vec<_> = lanes
            .into_iter()
            .map(|lane| {
                let number = numbers.len();
                let origin = *numbers.entry(lane.origin.clone()).or_insert(number);
                Row::new(lane, origin, limits.first_cycle_spread)
            })
            .collect();
        let timers = lanes
            .iter()
            .enumerate()
            .filter_map(|(number, lane)| Some((lane.earliest()?, number)))
            .collect();
        Self {
            lanes,
            origins: numbers.iter().map(|_| Origin::default()).collect(),
            timers,
            ready: VecDeque::new(),
            free: limits.concurrency.max(1),
        }
    }

    /// The name of a lane.
    pub(super) fn name(&self, lane: usize) -> &str {
        &self.lanes[lane].name
    }

    /// Every entry and when it is, or was, due.
    pub(super) fn due(&self) -> impl Iterator<Item = (K, Duration)> {
        self.lanes.iter().flat_map(Row::due)
    }

    /// The entries of one lane and when they are, or were, due.
    pub(super) fn due_of(&self, lane: usize) -> impl Iterator<Item = (K, Duration)> {
        self.lanes[lane].due()
    }

    /// When the next idle lane is due.
    ///
    /// What is waiting already is not in it: that begins when a cycle ends.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The next cycle that may begin now; call it until there is none.
    pub(super) fn start(&mut self, now: Duration) -> Option<Start<K>> {
        self.line_up(now);
        if self.free == 0 {
            return None;
        }
        let number = self.ready.pop_front()?;
        let origin = &mut self.origins[number];
        let lane = origin.waiting.pop_front()?;
        origin.busy = true;
        self.free -= 1;
        let (keys, overdue) = self.lanes[lane].begin(now);
        Some(Start {
            lane,
            keys,
            overdue,
        })
    }

    /// A cycle of this lane ended with these words about its entries.
    pub(super) fn finish(&mut self, lane: usize, now: Duration, said: Vec<(K, Next)>) {
        let row = &mut self.lanes[lane];
        row.end(now, &said.into_iter().collect());
        self.timers.extend(row.earliest().map(|due| (due, lane)));
        let number = row.origin;
        let origin = &mut self.origins[number];
        origin.busy = false;
        self.free += 1;
        if !origin.waiting.is_empty() {
            self.ready.push_back(number);
        }
    }

    /// Makes an entry due now, or again as soon as its lane's running cycle has
    /// ended; says whose lane it is. An unknown entry is no entry.
    pub(super) fn wake(&mut self, key: &K, now: Duration) -> Option<usize> {
        let lane = self.lanes.iter().position(|row| row.holds(key))?;
        let row = &mut self.lanes[lane];
        let timer = row.earliest().map(|due| (due, lane));
        row.wake(key, now);
        // A lane that waits or runs has no timer: it sees to its entries itself.
        if timer.is_some_and(|timer| self.timers.remove(&timer)) {
            self.timers.extend(row.earliest().map(|due| (due, lane)));
        }
        Some(lane)
    }

    /// Moves the lanes that are due from their timers to the lines of their origins.
    fn line_up(&mut self, now: Duration) {
        while let Some((due, lane)) = self.timers.pop_first() {
            if due > now {
                self.timers.insert((due, lane));
                return;
            }
            let number = self.lanes[lane].origin;
            let origin = &mut self.origins[number];
            if !origin.busy && origin.waiting.is_empty() {
                self.ready.push_back(number);
            }
            origin.waiting.push_back(lane);
        }
    }
}

#[derive(Debug, Default)]
struct Origin {
    busy: bool,
    waiting: VecDeque<usize>,
}

#[derive(Debug)]
struct Row<K> {
    name: String,
    origin: usize,
    running: bool,
    entries: Vec<Slot<K>>,
}

#[derive(Debug)]
struct Slot<K> {
    key: K,
    grid: Grid,
    due: Duration,
    running: bool,
    /// It was woken while a cycle of its lane ran: what that cycle saw may be old.
    woken: bool,
}

impl<K: Ord + Clone> Row<K> {
    fn new(lane: Lane<K>, origin: usize, spread: Duration) -> Self {
        let place = splay(&lane.name, spread);
        let entries = lane.entries.into_iter().map(|entry| {
            let grid = Grid::new(entry.first_delay.unwrap_or(place), entry.interval);
            Slot {
                key: entry.key,
                grid,
                due: grid.first(),
                running: false,
                woken: false,
            }
        });
        Self {
            name: lane.name,
            origin,
            running: false,
            entries: entries.collect(),
        }
    }

    fn due(&self) -> impl Iterator<Item = (K, Duration)> {
        self.entries.iter().map(|slot| (slot.key.clone(), slot.due))
    }

    fn earliest(&self) -> Option<Duration> {
        self.entries.iter().map(|slot| slot.due).min()
    }

    fn holds(&self, key: &K) -> bool {
        self.entries.iter().any(|slot| slot.key == *key)
    }

    fn wake(&mut self, key: &K, now: Duration) {
        for slot in self.entries.iter_mut().filter(|slot| slot.key == *key) {
            if self.running {
                slot.woken = true;
            } else {
                slot.due = slot.due.min(now);
            }
        }
    }

    /// Takes what is due by now, or so soon that it is not worth a cycle of its own.
    fn begin(&mut self, now: Duration) -> (Vec<K>, Duration) {
        let overdue = now.saturating_sub(self.earliest().unwrap_or(now));
        let horizon = now.saturating_add(TOGETHER);
        self.running = true;
        let taken = self.entries.iter_mut().filter(|slot| slot.due <= horizon);
        let keys = taken.map(|slot| {
            slot.running = true;
            slot.key.clone()
        });
        (keys.collect(), overdue)
    }

    fn end(&mut self, now: Duration, said: &BTreeMap<K, Next>) {
        for slot in &mut self.entries {
            let next = said.get(&slot.key).copied().unwrap_or_default();
            slot.due = if slot.running {
                slot.grid.following(slot.due, now, next)
            } else {
                slot.grid.moved(slot.due, now, next)
            };
            if std::mem::take(&mut slot.woken) {
                slot.due = slot.due.min(now);
            }
            slot.running = false;
        }
        self.running = false;
    }
}

/// Entries of a lane that are due within this time of one another share a cycle.
const TOGETHER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
