use proptest::prelude::*;

use super::*;
use crate::scheduler::Entry;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A lane whose entries are (key, first run, interval), in seconds.
fn lane(name: &str, origin: &str, entries: &[(&'static str, u64, u64)]) -> Lane<&'static str> {
    let entry = |&(key, first, interval): &(&'static str, u64, u64)| Entry {
        key,
        interval: seconds(interval),
        first_delay: Some(seconds(first)),
    };
    Lane {
        name: name.to_owned(),
        origin: origin.to_owned(),
        entries: entries.iter().map(entry).collect(),
    }
}

fn limits(concurrency: usize) -> Limits {
    Limits {
        concurrency,
        ..Limits::default()
    }
}

/// The lanes that begin now, and with what.
fn starts(queue: &mut Queue<&'static str>, now: u64) -> Vec<(usize, Vec<&'static str>)> {
    std::iter::from_fn(|| queue.start(seconds(now)))
        .map(|start| (start.lane, start.keys))
        .collect()
}

fn due(queue: &Queue<&'static str>) -> Vec<(&'static str, u64)> {
    queue.due().map(|(key, due)| (key, due.as_secs())).collect()
}

#[test]
fn entries_due_within_a_second_share_a_cycle_in_their_order() {
    let entries = [("c", 1, 60), ("a", 0, 60), ("later", 2, 60), ("b", 0, 90)];
    let mut queue = Queue::new(vec![lane("l", "o", &entries)], &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["c", "a", "b"])]);
    queue.finish(0, seconds(0), Vec::new());
    // `c` was served at 0 for its point at 1: not once more at 1.
    assert_eq!(due(&queue), [("c", 61), ("a", 60), ("later", 2), ("b", 90)]);
    assert_eq!(starts(&mut queue, 1), []);
    assert_eq!(starts(&mut queue, 2), [(0, vec!["later"])]);
}

#[test]
fn entry_that_fell_due_during_a_cycle_runs_once_right_after_it() {
    let entries = [("slow", 0, 1000), ("quick", 5, 10)];
    let mut queue = Queue::new(vec![lane("l", "o", &entries)], &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["slow"])]);
    assert_eq!(starts(&mut queue, 40), []);
    assert_eq!(due(&queue), [("slow", 0), ("quick", 5)]);
    queue.finish(0, seconds(40), Vec::new());
    let start = queue.start(seconds(40));
    assert_eq!(
        start,
        Some(Start {
            lane: 0,
            name: "l".to_owned(),
            keys: vec!["quick"],
            overdue: seconds(35),
        })
    );
    queue.finish(0, seconds(41), Vec::new());
    assert_eq!(due(&queue), [("slow", 1000), ("quick", 45)]);
}

#[test]
fn lanes_of_one_origin_take_turns_first_come_first_served() {
    let lanes = vec![
        lane("a", "o", &[("a", 2, 100)]),
        lane("b", "o", &[("b", 1, 100)]),
        lane("c", "o", &[("c", 0, 100)]),
        lane("d", "other", &[("d", 2, 100)]),
    ];
    let mut queue = Queue::new(lanes, &limits(9));
    assert_eq!(starts(&mut queue, 0), [(2, vec!["c"])]);
    assert_eq!(starts(&mut queue, 5), [(3, vec!["d"])]);
    queue.finish(2, seconds(6), Vec::new());
    assert_eq!(starts(&mut queue, 6), [(1, vec!["b"])]);
    queue.finish(1, seconds(7), Vec::new());
    assert_eq!(starts(&mut queue, 7), [(0, vec!["a"])]);
    queue.finish(0, seconds(8), Vec::new());
    assert_eq!(starts(&mut queue, 8), []);
}

#[test]
fn a_crowded_origin_takes_no_slot_from_others() {
    let mut lanes: Vec<_> = ["a", "b", "c"]
        .map(|name| lane(name, "crowded", &[(name, 0, 100)]))
        .into();
    lanes.push(lane("d", "other", &[("d", 0, 100)]));
    let mut queue = Queue::new(lanes, &limits(2));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["a"]), (3, vec!["d"])]);
}

#[test]
fn slots_go_round_by_origin() {
    let lanes = vec![
        lane("a1", "a", &[("a1", 0, 100)]),
        lane("a2", "a", &[("a2", 0, 100)]),
        lane("b", "b", &[("b", 0, 100)]),
    ];
    // None at once counts as one.
    let mut queue = Queue::new(lanes, &limits(0));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["a1"])]);
    queue.finish(0, seconds(1), Vec::new());
    assert_eq!(starts(&mut queue, 1), [(2, vec!["b"])]);
    queue.finish(2, seconds(2), Vec::new());
    assert_eq!(starts(&mut queue, 2), [(1, vec!["a2"])]);
}

#[test]
fn a_cycle_may_move_entries_that_were_not_due() {
    let entries = [("now", 0, 10), ("paused", 20, 50), ("sooner", 90, 100)];
    let mut queue = Queue::new(vec![lane("l", "o", &entries)], &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["now"])]);
    let said = vec![
        ("sooner", Next::After(seconds(30))),
        ("paused", Next::NotBefore(seconds(60))),
        ("stranger", Next::After(seconds(1))),
    ];
    queue.finish(0, seconds(1), said);
    assert_eq!(due(&queue), [("now", 10), ("paused", 70), ("sooner", 31)]);
    assert_eq!(queue.next_due(), Some(seconds(10)));
}

#[test]
fn a_woken_entry_is_due_now_and_goes_back_to_its_grid() {
    let lanes = vec![
        lane("l", "o", &[("a", 0, 100), ("b", 50, 100)]),
        lane("m", "p", &[("c", 500, 1000)]),
    ];
    let mut queue = Queue::new(lanes, &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["a"])]);
    queue.finish(0, seconds(1), Vec::new());
    assert_eq!(queue.wake(&"b", seconds(20)), Some(0));
    assert_eq!(queue.wake(&"stranger", seconds(20)), None);
    assert_eq!(queue.next_due(), Some(seconds(20)));
    assert_eq!(starts(&mut queue, 20), [(0, vec!["b"])]);
    queue.finish(0, seconds(21), Vec::new());
    assert_eq!(due(&queue), [("a", 100), ("b", 50), ("c", 500)]);
}

#[test]
fn an_entry_woken_during_a_cycle_of_its_lane_runs_after_it_whatever_that_says() {
    let entries = [("runs", 0, 100), ("idle", 60, 100)];
    let mut queue = Queue::new(vec![lane("l", "o", &entries)], &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["runs"])]);
    for key in ["runs", "idle"] {
        assert_eq!(queue.wake(&key, seconds(5)), Some(0));
    }
    assert_eq!(starts(&mut queue, 5), []);
    let said = vec![
        ("runs", Next::NotBefore(seconds(900))),
        ("idle", Next::NotBefore(seconds(900))),
    ];
    queue.finish(0, seconds(9), said);
    assert_eq!(starts(&mut queue, 9), [(0, vec!["runs", "idle"])]);
    queue.finish(0, seconds(10), Vec::new());
    assert_eq!(due(&queue), [("runs", 100), ("idle", 60)]);
}

#[test]
fn an_entry_woken_while_its_lane_waits_joins_that_cycle() {
    let lanes = vec![
        lane("a", "o", &[("a", 0, 100)]),
        lane("b", "o", &[("b1", 1, 100), ("b2", 60, 100)]),
    ];
    let mut queue = Queue::new(lanes, &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["a"])]);
    assert_eq!(starts(&mut queue, 2), []);
    assert_eq!(queue.wake(&"b2", seconds(3)), Some(1));
    queue.finish(0, seconds(4), Vec::new());
    assert_eq!(starts(&mut queue, 4), [(1, vec!["b1", "b2"])]);
    queue.finish(1, seconds(5), Vec::new());
    assert_eq!(queue.next_due(), Some(seconds(60)));
}

#[test]
fn a_lane_without_entries_never_begins() {
    let mut queue = Queue::new(vec![lane("empty", "o", &[])], &limits(9));
    assert_eq!(queue.next_due(), None);
    assert_eq!(starts(&mut queue, 1_000_000), []);
}

#[test]
fn another_interval_counts_from_the_same_first_point() {
    for (what, before, after, now, expected) in [
        ("the same", 100, 100, 130, 210),
        ("shorter: at its next point", 100, 30, 130, 160),
        ("longer: still when it was promised", 100, 1000, 130, 210),
        ("shorter, right on a point", 100, 30, 160, 190),
    ] {
        let mut queue = Queue::new(vec![lane("l", "o", &[("a", 10, before)])], &limits(9));
        for at in [10, 110] {
            assert_eq!(starts(&mut queue, at).len(), 1);
            queue.finish(0, seconds(at + 1), Vec::new());
        }
        let lanes = vec![lane("l", "o", &[("a", 10, after)])];
        assert!(queue.replace(lanes, &limits(9), seconds(now)).is_empty());
        assert_eq!(due(&queue), [("a", expected)], "{what}");
        assert_eq!(queue.next_due(), Some(seconds(expected)), "{what}");
    }
}

#[test]
fn a_pause_outlives_a_reload_that_does_not_concern_it() {
    let mut queue = Queue::new(vec![lane("l", "o", &[("a", 0, 10)])], &limits(9));
    assert_eq!(starts(&mut queue, 0).len(), 1);
    queue.finish(0, seconds(1), vec![("a", Next::NotBefore(seconds(900)))]);
    let lanes = vec![
        lane("l", "o", &[("a", 0, 10)]),
        lane("new", "p", &[("b", 3, 10)]),
    ];
    queue.replace(lanes, &limits(9), seconds(50));
    // A first run counts from the reload.
    assert_eq!(due(&queue), [("a", 910), ("b", 53)]);
}

#[test]
fn who_waited_for_a_turn_still_does_and_what_is_gone_keeps_its_origin_until_it_ends() {
    let lanes = vec![
        lane("runs", "o", &[("a", 0, 100)]),
        lane("waits", "o", &[("b", 1, 100)]),
        lane("goes", "o", &[("c", 2, 100)]),
    ];
    let mut queue = Queue::new(lanes, &limits(9));
    assert_eq!(starts(&mut queue, 0), [(0, vec!["a"])]);
    assert_eq!(starts(&mut queue, 5), []);
    let lanes = vec![
        lane("waits", "o", &[("b", 1, 100)]),
        lane("runs", "elsewhere", &[("a", 0, 100)]),
    ];
    assert_eq!(queue.replace(lanes, &limits(9), seconds(6)), [0]);
    assert_eq!(queue.name(0), "runs");
    // The old cycle holds the old origin only.
    assert_eq!(starts(&mut queue, 6), [(3, vec!["a"])]);
    queue.finish(0, seconds(7), vec![("a", Next::After(seconds(1)))]);
    assert_eq!(starts(&mut queue, 7), [(1, vec!["b"])]);
    queue.finish(1, seconds(8), Vec::new());
    queue.finish(3, seconds(8), Vec::new());
    assert_eq!(due(&queue), [("b", 101), ("a", 106)]);
}

#[test]
fn another_bound_holds_from_the_next_cycle_on() {
    let three = || {
        ["a", "b", "c"]
            .map(|name| lane(name, name, &[(name, 0, 100)]))
            .into()
    };
    let mut queue = Queue::new(three(), &limits(2));
    assert_eq!(starts(&mut queue, 0).len(), 2);
    queue.replace(three(), &limits(1), seconds(1));
    queue.finish(0, seconds(2), Vec::new());
    assert_eq!(starts(&mut queue, 2), []);
    queue.finish(1, seconds(3), Vec::new());
    assert_eq!(starts(&mut queue, 3), [(2, vec!["c"])]);
}

proptest! {
    /// However often the lanes are replaced, and whatever runs meanwhile: no origin
    /// runs twice at once, the slots are kept, what is gone never begins, and
    /// whoever stays gets a turn.
    #[test]
    fn a_reload_breaks_no_promise(
        steps in proptest::collection::vec(
            (0u64..8, any::<proptest::sample::Index>(), proptest::option::of(0u8..64)),
            100,
        ),
        concurrency in 1usize..4,
    ) {
        // Six lanes on three origins; a bit of the mask for each.
        let lanes = |mask: u8| -> Vec<Lane<usize>> {
            let lane = |number: usize| Lane {
                name: number.to_string(),
                origin: (number % 3).to_string(),
                entries: vec![Entry {
                    key: number,
                    interval: seconds(5 + number as u64),
                    first_delay: Some(Duration::ZERO),
                }],
            };
            (0..6).filter(|number| mask & (1 << number) != 0).map(lane).collect()
        };
        let mut mask = 63;
        let mut queue = Queue::new(lanes(mask), &limits(concurrency));
        // Number of the lane, its key, and whether it was taken away.
        let mut running: Vec<(usize, usize, bool)> = Vec::new();
        let mut now = 0;
        for (pause, which, other) in steps {
            now += pause;
            if let Some(other) = other {
                mask = other;
                let gone = queue.replace(lanes(mask), &limits(concurrency), seconds(now));
                for (lane, key, left) in &mut running {
                    // One that comes back is another lane.
                    *left |= mask & (1 << *key) == 0;
                    prop_assert_eq!(gone.contains(lane), *left);
                }
            }
            while let Some(start) = queue.start(seconds(now)) {
                let key = start.keys[0];
                prop_assert!(mask & (1 << key) != 0);
                prop_assert!(running.iter().all(|(_, other, _)| other % 3 != key % 3));
                running.push((start.lane, key, false));
            }
            prop_assert!(running.len() <= concurrency);
            if !running.is_empty() {
                let (lane, ..) = running.swap_remove(which.index(running.len()));
                queue.finish(lane, seconds(now), Vec::new());
            }
        }
        for (lane, ..) in running.drain(..) {
            queue.finish(lane, seconds(now), Vec::new());
        }
        now += 1000;
        let mut turns = 0;
        while let Some(start) = queue.start(seconds(now)) {
            turns |= 1 << start.keys[0];
            queue.finish(start.lane, seconds(now), Vec::new());
        }
        prop_assert_eq!(turns, mask);
        // Nothing is left of whoever is gone.
        prop_assert_eq!(queue.lanes.len(), mask.count_ones() as usize);
        prop_assert!(queue.origins.is_empty());
    }

    /// Whatever the lanes, the lengths of their cycles and the moments at which
    /// the scheduler wakes: no origin runs twice at once, the slots are kept, no
    /// lane is forgotten, and no entry runs oftener than its grid has points.
    #[test]
    fn nobody_overlaps_and_nobody_is_forgotten(
        lanes in proptest::collection::vec((0u8..4, 0u64..30, 1u64..20), 1..12),
        concurrency in 1usize..4,
        steps in proptest::collection::vec((0u64..8, any::<proptest::sample::Index>()), 200),
    ) {
        let rows = lanes.iter().enumerate().map(|(number, &(origin, first, interval))| Lane {
            name: number.to_string(),
            origin: origin.to_string(),
            entries: vec![Entry {
                key: number,
                interval: seconds(interval),
                first_delay: Some(seconds(first)),
            }],
        });
        let mut queue = Queue::new(rows.collect(), &limits(concurrency));
        let mut running: Vec<usize> = Vec::new();
        let mut runs = vec![0; lanes.len()];
        let mut now = 0;
        let end = |queue: &mut Queue<usize>, running: &mut Vec<usize>, at: usize, now| {
            queue.finish(running.swap_remove(at), seconds(now), Vec::new());
        };
        for (pause, which) in steps {
            now += pause;
            while let Some(start) = queue.start(seconds(now)) {
                prop_assert_eq!(&start.keys, &[start.lane]);
                let origin = |lane: usize| lanes[lane].0;
                prop_assert!(running.iter().all(|other| origin(*other) != origin(start.lane)));
                running.push(start.lane);
                runs[start.lane] += 1;
            }
            prop_assert!(running.len() <= concurrency);
            if !running.is_empty() {
                let which = which.index(running.len());
                end(&mut queue, &mut running, which, now);
            }
        }
        for (runs, (_, first, interval)) in runs.iter().zip(&lanes) {
            // A cycle may begin a second before its point.
            let points = (now + 1).checked_sub(*first).map_or(0, |since| since / interval + 1);
            prop_assert!(*runs <= points, "{} runs of {} points", runs, points);
        }
        // Everybody gets a turn in the end.
        while !running.is_empty() {
            end(&mut queue, &mut running, 0, now);
        }
        now += 1000;
        let mut turns = vec![false; lanes.len()];
        for _ in 0..=2 * lanes.len() {
            while let Some(start) = queue.start(seconds(now)) {
                turns[start.lane] = true;
                running.push(start.lane);
            }
            if !running.is_empty() {
                end(&mut queue, &mut running, 0, now);
            }
        }
        prop_assert!(turns.iter().all(|turn| *turn), "{:?}", turns);
    }
}
