//! The pure arithmetic of due times.
//!
//! Every time is counted from the scheduler's start.

use std::time::Duration;

use super::Next;

/// The points `first + n * interval` at which an entry runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    first: Duration,
    interval: Duration,
}

impl Grid {
    pub(super) fn new(first: Duration, interval: Duration) -> Self {
        Self {
            first: first.min(FAR),
            interval: interval.clamp(SHORTEST_INTERVAL, FAR),
        }
    }

    /// The same first point, and another interval from there on.
    pub(super) fn with_interval(self, interval: Duration) -> Self {
        Self::new(self.first, interval)
    }

    /// The first point of all.
    pub(super) fn first(self) -> Duration {
        self.first
    }

    /// When an entry that was `due`, and ran until `now`, runs again.
    ///
    /// Points that passed meanwhile are gone: they are not made up for.
    pub(super) fn following(self, due: Duration, now: Duration, next: Next) -> Duration {
        // An entry may have run a little before its point, together with others.
        let point = self.after(now.max(due));
        match next {
            Next::Grid => point,
            Next::After(delay) => sooner(now, delay).min(point),
            Next::NotBefore(delay) => self.at_or_after(now.saturating_add(delay)).max(point),
        }
    }

    /// When an entry that is `due` and did not run shall run, by the word of a
    /// cycle of its lane that ended `now`.
    pub(super) fn moved(self, due: Duration, now: Duration, next: Next) -> Duration {
        match next {
            Next::Grid => due,
            Next::After(delay) => sooner(now, delay).min(due),
            Next::NotBefore(delay) => {
                let earliest = now.saturating_add(delay);
                if due < earliest {
                    self.at_or_after(earliest)
                } else {
                    due
                }
            }
        }
    }

    fn after(self, time: Duration) -> Duration {
        self.at_or_after(time.saturating_add(Duration::from_nanos(1)))
    }

    fn at_or_after(self, time: Duration) -> Duration {
        let Some(since) = time.checked_sub(self.first) else {
            return self.first;
        };
        let beyond = since.as_nanos() % self.interval.as_nanos();
        if beyond == 0 {
            return time.min(FAR);
        }
        // Less than an interval, and so less than the 584 years of a u64.
        let beyond = Duration::from_nanos(u64::try_from(beyond).unwrap_or(u64::MAX));
        let before = time.saturating_sub(beyond);
        before.saturating_add(self.interval).min(FAR)
    }
}

/// The time of a run beside the grid; a cycle that always asks for one must not spin.
fn sooner(now: Duration, delay: Duration) -> Duration {
    now.saturating_add(delay.max(SHORTEST_INTERVAL))
}

/// Where in `spread` a name has its place: whole milliseconds, evenly spread
/// over all names, the same in every build and on every machine.
///
/// ```
/// use std::time::Duration;
/// use oci_registry_exporter::scheduler::splay;
///
/// let spread = Duration::from_secs(300);
/// assert!(splay("production", spread) < spread);
/// assert_eq!(splay("production", spread), splay("production", spread));
/// ```
pub fn splay(name: &str, spread: Duration) -> Duration {
    let millis = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
    let place = (u128::from(stable_hash(name)) * u128::from(millis)) >> 64;
    Duration::from_millis(u64::try_from(place).unwrap_or(u64::MAX))
}

/// FNV-1a (64 bit), then the finaliser of `MurmurHash3`, because FNV alone
/// hardly moves the high bits of short names.
///
/// Not std's hasher: that one may differ from one release of Rust to the next.
pub fn stable_hash(name: &str) -> u64 {
    let mut hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// An entry never runs more often.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
/// No time is further away (100 years), so that every sum of times is a time.
const FAR: Duration = Duration::from_hours(100 * 365 * 24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn an_entry_goes_back_to_its_grid() {
        // Points 3, 13, 23, ...
        let grid = Grid::new(seconds(3), seconds(10));
        for (what, due, now, next, at) in [
            ("in time", 3, 4, Next::Grid, 13),
            ("ended on the next point", 3, 13, Next::Grid, 23),
            ("ran over a point", 3, 14, Next::Grid, 23),
            ("a day late", 3, 86_400, Next::Grid, 86_403),
            ("ran before its point", 13, 12, Next::Grid, 23),
            ("sooner", 3, 4, Next::After(seconds(2)), 6),
            (
                "no more than once a second",
                3,
                4,
                Next::After(Duration::ZERO),
                5,
            ),
            (
                "not later than the grid",
                3,
                4,
                Next::After(seconds(60)),
                13,
            ),
            ("pause under a point", 3, 4, Next::NotBefore(seconds(1)), 13),
            ("pause to a point", 3, 4, Next::NotBefore(seconds(9)), 13),
            ("pause over a point", 3, 4, Next::NotBefore(seconds(10)), 23),
            ("long pause", 3, 4, Next::NotBefore(seconds(100)), 113),
            ("no pause", 3, 4, Next::NotBefore(Duration::ZERO), 13),
            (
                "no pause, before its point",
                13,
                12,
                Next::NotBefore(Duration::ZERO),
                23,
            ),
        ] {
            let at_time = grid.following(seconds(due), seconds(now), next);
            assert_eq!(at_time, seconds(at), "{what}");
        }
    }

    #[test]
    fn an_entry_that_did_not_run_is_only_moved() {
        let grid = Grid::new(seconds(3), seconds(10));
        for (what, due, now, next, at) in [
            ("left alone", 13, 4, Next::Grid, 13),
            ("late and left alone", 3, 4, Next::Grid, 3),
            ("sooner", 13, 4, Next::After(seconds(2)), 6),
            ("later is not sooner", 13, 4, Next::After(seconds(20)), 13),
            ("pause", 13, 4, Next::NotBefore(seconds(20)), 33),
            (
                "pause that is over by then",
                13,
                4,
                Next::NotBefore(seconds(2)),
                13,
            ),
        ] {
            let at_time = grid.moved(seconds(due), seconds(now), next);
            assert_eq!(at_time, seconds(at), "{what}");
        }
    }

    #[test]
    fn endless_times_do_not_overflow() {
        let grid = Grid::new(Duration::MAX, Duration::MAX);
        assert_eq!(grid.first(), FAR);
        let grid = Grid::new(Duration::ZERO, Duration::MAX);
        assert_eq!(grid.following(FAR, FAR, Next::Grid), FAR);
        let grid = Grid::new(Duration::ZERO, Duration::from_secs(7));
        let never = Next::NotBefore(Duration::MAX);
        assert_eq!(grid.following(Duration::ZERO, seconds(1), never), FAR);
        assert_eq!(grid.moved(seconds(7), seconds(1), never), FAR);
    }

    #[test]
    fn an_interval_of_nothing_is_a_second() {
        let grid = Grid::new(Duration::ZERO, Duration::ZERO);
        assert_eq!(grid.after(Duration::ZERO), seconds(1));
    }

    /// Pinned: another hash would move every grid, and every shard, at an update.
    #[test]
    fn place_of_a_name_never_changes() {
        let spread = seconds(10);
        let places = ["", "a", "production", "harbor.example.com:8443", "b"]
            .map(|name| splay(name, spread).as_millis());
        assert_eq!(places, [9367, 5102, 1349, 8290, 4312]);
    }

    #[test]
    fn names_are_spread_evenly() {
        let mut tenths = [0; 10];
        for number in 0..10_000 {
            let place = splay(&format!("registry-{number}"), seconds(10));
            tenths[usize::try_from(place.as_secs()).unwrap()] += 1;
        }
        assert!(
            tenths.iter().all(|count| (850..1150).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn nothing_to_spread_over_is_the_start() {
        assert_eq!(splay("production", Duration::ZERO), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn following_point_is_on_the_grid_and_ahead(
            first in 0u64..1_000_000,
            interval in 1_000u64..100_000_000,
            due in 0u64..1_000_000_000,
            ran in 0u64..1_000_000_000,
        ) {
            let [first, interval, due, ran] = [first, interval, due, ran].map(Duration::from_millis);
            let now = due + ran;
            let next = Grid::new(first, interval).following(due, now, Next::Grid);
            prop_assert!(next > now);
            prop_assert!(next <= now.max(first) + interval);
            prop_assert_eq!(next.abs_diff(first).as_nanos() % interval.as_nanos(), 0);
        }

        #[test]
        fn a_pause_is_kept_and_ends_within_an_interval(
            interval in 1_000u64..100_000_000,
            now in 0u64..1_000_000_000,
            pause in 0u64..1_000_000_000,
        ) {
            let [interval, now, pause] = [interval, now, pause].map(Duration::from_millis);
            let grid = Grid::new(Duration::ZERO, interval);
            let next = grid.following(now, now, Next::NotBefore(pause));
            prop_assert!(next >= now + pause && next > now);
            prop_assert!(next <= now + pause.max(Duration::from_nanos(1)) + interval);
        }

        #[test]
        fn a_place_lies_in_the_spread(name: String, spread in 1u64..1_000_000) {
            let spread = Duration::from_millis(spread);
            prop_assert!(splay(&name, spread) < spread);
        }
    }
}
