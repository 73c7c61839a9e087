//! Whose turn it is: a state machine without clock and tasks.
//!
//! An idle lane costs one timer. When one of its entries is due, the lane joins
//! the line of its origin; the origins that have somebody in line, and nobody
//! running, stand in line for a free slot.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

use super::{Lane, Limits, Next, row::Row};

/// The lanes, and where each of them stands; times count from the scheduler's start.
#[derive(Debug)]
pub(super) struct Queue<K> {
    /// By a number that no other lane ever has.
    lanes: BTreeMap<usize, Row<K>>,
    next_number: usize,
    /// The origins of which a lane runs or waits.
    origins: HashMap<Arc<str>, Origin>,
    /// The earliest due time of each lane that is neither waiting nor running.
    timers: BTreeSet<(Duration, usize)>,
    /// The origins whose first lane only waits for a slot.
    ready: VecDeque<Arc<str>>,
    running: usize,
    limits: Limits,
}

/// A cycle to begin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start<K> {
    pub(super) lane: usize,
    pub(super) name: String,
    pub(super) keys: Vec<K>,
    /// How long the first of them was due.
    pub(super) overdue: Duration,
}

impl<K: Ord + Clone> Queue<K> {
    pub(super) fn new(lanes: Vec<Lane<K>>, limits: &Limits) -> Self {
        let mut queue = Self {
            lanes: BTreeMap::new(),
            next_number: 0,
            origins: HashMap::new(),
            timers: BTreeSet::new(),
            ready: VecDeque::new(),
            running: 0,
            limits: *limits,
        };
        queue.replace(lanes, limits, Duration::ZERO);
        queue
    }

    /// Other lanes from now on. A lane that stays, by name and origin, keeps its
    /// number and its schedule, as [`Row::renew`] says; one that is new begins
    /// like one at a start. What is left of the others are the running cycles,
    /// whose lanes are returned: they hold their origins until they are finished.
    pub(super) fn replace(
        &mut self,
        lanes: Vec<Lane<K>>,
        limits: &Limits,
        now: Duration,
    ) -> Vec<usize> {
        self.limits = *limits;
        let known: HashMap<String, usize> = self
            .lanes
            .iter()
            .filter(|(_, row)| !row.gone)
            .map(|(number, row)| (row.name.clone(), *number))
            .collect();
        let mut before = mem::take(&mut self.lanes);
        for lane in lanes {
            let spread = limits.first_cycle_spread;
            let number = known.get(&lane.name).copied();
            match number.and_then(|number| Some((number, before.remove(&number)?))) {
                Some((number, mut row)) if *row.origin == *lane.origin => {
                    row.renew(lane, spread, now);
                    self.lanes.insert(number, row);
                    continue;
                }
                Some((number, row)) => {
                    before.insert(number, row);
                }
                None => {}
            }
            self.lanes
                .insert(self.next_number, Row::new(lane, spread, now));
            self.next_number += 1;
        }
        let gone = before.into_iter().filter(|(_, row)| row.running);
        let gone: Vec<_> = gone.map(|(number, row)| (number, row.leave())).collect();
        let numbers = gone.iter().map(|(number, _)| *number).collect();
        self.lanes.extend(gone);
        self.line_up_anew();
        numbers
    }

    /// Nobody waits any more: who is due lines up again, by how long it is.
    fn line_up_anew(&mut self) {
        self.ready.clear();
        self.origins.clear();
        let idle = self.lanes.iter().filter(|(_, row)| !row.running);
        self.timers = idle
            .filter_map(|(number, row)| Some((row.earliest()?, *number)))
            .collect();
        for row in self.lanes.values().filter(|row| row.running) {
            let origin = self.origins.entry(Arc::clone(&row.origin)).or_default();
            origin.busy = true;
        }
    }

    /// The name of a lane.
    pub(super) fn name(&self, lane: usize) -> &str {
        self.lanes.get(&lane).map_or("", |row| &row.name)
    }

    /// Every entry and when it is, or was, due.
    pub(super) fn due(&self) -> impl Iterator<Item = (K, Duration)> {
        self.lanes.values().flat_map(Row::due)
    }

    /// The entries of one lane and when they are, or were, due.
    pub(super) fn due_of(&self, lane: usize) -> impl Iterator<Item = (K, Duration)> {
        self.lanes.get(&lane).into_iter().flat_map(Row::due)
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
        if self.running >= self.limits.concurrency.max(1) {
            return None;
        }
        let origin = self.origins.get_mut(&self.ready.pop_front()?)?;
        let lane = origin.waiting.pop_front()?;
        let row = self.lanes.get_mut(&lane)?;
        origin.busy = true;
        self.running += 1;
        let (keys, overdue) = row.begin(now);
        Some(Start {
            lane,
            name: row.name.clone(),
            keys,
            overdue,
        })
    }

    /// A cycle of this lane ended with these words about its entries.
    pub(super) fn finish(&mut self, lane: usize, now: Duration, said: Vec<(K, Next)>) {
        let Some(row) = self.lanes.get_mut(&lane) else {
            return;
        };
        row.end(now, &said.into_iter().collect());
        self.timers.extend(row.earliest().map(|due| (due, lane)));
        let name = Arc::clone(&row.origin);
        if row.gone {
            self.lanes.remove(&lane);
        }
        self.running = self.running.saturating_sub(1);
        if let Some(origin) = self.origins.get_mut(&name) {
            origin.busy = false;
            if origin.waiting.is_empty() {
                self.origins.remove(&name);
            } else {
                self.ready.push_back(name);
            }
        }
    }

    /// Makes an entry due now, or again as soon as its lane's running cycle has
    /// ended; says whose lane it is. An unknown entry is no entry.
    pub(super) fn wake(&mut self, key: &K, now: Duration) -> Option<usize> {
        let (&lane, row) = self.lanes.iter_mut().find(|(_, row)| row.holds(key))?;
        let timer = row.earliest().map(|due| (due, lane));
        row.wake(key, now);
        // A lane that waits or runs has no timer: it sees to its entries itself.
        if timer.is_some_and(|timer| self.timers.remove(&timer)) {
            self.timers.extend(row.earliest().map(|due| (due, lane)));
        }
        Some(lane)
    }

    /// What is due by now is due at the place of its lane's name in the first cycles'
    /// spread, counted from now; says which lanes that moved.
    pub(super) fn spread(&mut self, now: Duration) -> Vec<usize> {
        let due: Vec<_> = self.timers.range(..=(now, usize::MAX)).copied().collect();
        for timer in &due {
            if let Some(row) = self.lanes.get_mut(&timer.1) {
                row.spread(self.limits.first_cycle_spread, now);
                self.timers.remove(timer);
                self.timers.extend(row.earliest().map(|due| (due, timer.1)));
            }
        }
        due.into_iter().map(|(_, lane)| lane).collect()
    }

    /// Moves the lanes that are due from their timers to the lines of their origins.
    fn line_up(&mut self, now: Duration) {
        while let Some((due, lane)) = self.timers.pop_first() {
            if due > now {
                self.timers.insert((due, lane));
                return;
            }
            let Some(row) = self.lanes.get(&lane) else {
                continue;
            };
            let origin = self.origins.entry(Arc::clone(&row.origin)).or_default();
            if !origin.busy && origin.waiting.is_empty() {
                self.ready.push_back(Arc::clone(&row.origin));
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

#[cfg(test)]
mod tests;
