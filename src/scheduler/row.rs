//! A lane and its entries, and when each of them is due.

use std::{collections::BTreeMap, mem, sync::Arc, time::Duration};

use super::{
    Entry, Lane, Next,
    grid::{Grid, splay},
};

#[derive(Debug)]
pub(super) struct Row<K> {
    pub(super) name: String,
    pub(super) origin: Arc<str>,
    pub(super) running: bool,
    /// It was taken away while a cycle of it ran.
    pub(super) gone: bool,
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

impl<K> Slot<K> {
    fn new(entry: Entry<K>, place: Duration, now: Duration) -> Self {
        let first = now.saturating_add(entry.first_delay.unwrap_or(place));
        let grid = Grid::new(first, entry.interval);
        Self {
            key: entry.key,
            grid,
            due: grid.first(),
            running: false,
            woken: false,
        }
    }

    fn renewed(mut self, interval: Duration, now: Duration) -> Self {
        let grid = self.grid.with_interval(interval);
        if grid != self.grid {
            self.grid = grid;
            // It may be due already, and wait for its turn.
            self.due = self.due.min(grid.following(now, now, Next::Grid));
        }
        self
    }
}

impl<K: Ord + Clone> Row<K> {
    /// A lane whose first runs count from `now`.
    pub(super) fn new(lane: Lane<K>, spread: Duration, now: Duration) -> Self {
        let place = splay(&lane.name, spread);
        let entries = lane.entries.into_iter();
        Self {
            name: lane.name,
            origin: lane.origin.into(),
            running: false,
            gone: false,
            entries: entries.map(|entry| Slot::new(entry, place, now)).collect(),
        }
    }

    /// Other entries from now on: one that stays keeps when it is due, and with
    /// another interval comes at the next point of that at the latest; one that
    /// is new begins like one at a start.
    pub(super) fn renew(&mut self, lane: Lane<K>, spread: Duration, now: Duration) {
        let place = splay(&lane.name, spread);
        let mut known = mem::take(&mut self.entries);
        let entries = lane.entries.into_iter().map(|entry| {
            match known.iter().position(|slot| slot.key == entry.key) {
                Some(at) => known.swap_remove(at).renewed(entry.interval, now),
                None => Slot::new(entry, place, now),
            }
        });
        self.entries = entries.collect();
    }

    /// What is left of a running lane that was taken away.
    pub(super) fn leave(self) -> Self {
        Self {
            gone: true,
            entries: Vec::new(),
            ..self
        }
    }

    pub(super) fn due(&self) -> impl Iterator<Item = (K, Duration)> {
        self.entries.iter().map(|slot| (slot.key.clone(), slot.due))
    }

    pub(super) fn earliest(&self) -> Option<Duration> {
        self.entries.iter().map(|slot| slot.due).min()
    }

    pub(super) fn holds(&self, key: &K) -> bool {
        self.entries.iter().any(|slot| slot.key == *key)
    }

    pub(super) fn wake(&mut self, key: &K, now: Duration) {
        for slot in self.entries.iter_mut().filter(|slot| slot.key == *key) {
            if self.running {
                slot.woken = true;
            } else {
                slot.due = slot.due.min(now);
            }
        }
    }

    /// What is due by now is due at the place of the name in `spread`, counted from now.
    pub(super) fn spread(&mut self, spread: Duration, now: Duration) {
        let place = now.saturating_add(splay(&self.name, spread));
        for slot in self.entries.iter_mut().filter(|slot| slot.due <= now) {
            slot.due = place;
        }
    }

    /// Takes what is due by now, or so soon that it is not worth a cycle of its own.
    pub(super) fn begin(&mut self, now: Duration) -> (Vec<K>, Duration) {
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

    pub(super) fn end(&mut self, now: Duration, said: &BTreeMap<K, Next>) {
        for slot in &mut self.entries {
            let next = said.get(&slot.key).copied().unwrap_or_default();
            slot.due = if slot.running {
                slot.grid.following(slot.due, now, next)
            } else {
                slot.grid.moved(slot.due, now, next)
            };
            if mem::take(&mut slot.woken) {
                slot.due = slot.due.min(now);
            }
            slot.running = false;
        }
        self.running = false;
    }
}

/// Entries of a lane that are due within this time of one another share a cycle.
const TOGETHER: Duration = Duration::from_secs(1);
