use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use tokio::{
    sync::oneshot,
    time::{advance, timeout},
};

use super::{grid::splay, *};

type Key = &'static str;

const DAY: Duration = Duration::from_hours(24);

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A lane on an origin of its own, whose entries are (key, interval in seconds)
/// and first run at the start.
fn lane(name: &str, entries: &[(Key, u64)]) -> Lane<Key> {
    let entry = |&(key, interval): &(Key, u64)| Entry {
        key,
        interval: seconds(interval),
        first_delay: Some(Duration::ZERO),
    };
    Lane {
        name: name.to_owned(),
        origin: name.to_owned(),
        entries: entries.iter().map(entry).collect(),
    }
}

/// Many lanes of one entry, the key of which is the lane's number.
fn numbered(count: usize, interval: u64) -> Vec<Lane<usize>> {
    let lane = |number: usize| Lane {
        name: format!("registry-{number}"),
        origin: format!("origin-{number}"),
        entries: vec![Entry {
            key: number,
            interval: seconds(interval),
            first_delay: None,
        }],
    };
    (0..count).map(lane).collect()
}

/// Every cycle that began: when, on which lane, with what.
#[derive(Debug)]
struct Record<K> {
    start: Instant,
    begun: Mutex<Vec<(Duration, String, Vec<K>)>>,
}

impl<K: Clone + PartialEq> Record<K> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            begun: Mutex::default(),
        })
    }

    fn note(&self, lane: String, keys: &[K]) {
        let now = self.start.elapsed();
        self.begun.lock().unwrap().push((now, lane, keys.to_vec()));
    }

    /// When an entry ran (seconds).
    fn runs(&self, key: &K) -> Vec<f64> {
        let begun = self.begun.lock().unwrap();
        begun
            .iter()
            .filter(|(_, _, keys)| keys.contains(key))
            .map(|(at, _, _)| at.as_secs_f64())
            .collect()
    }

    fn count(&self) -> usize {
        self.begun.lock().unwrap().len()
    }
}

/// Runs lanes for a time whose cycles take `takes` and say nothing.
async fn simulate<K: Ord + Clone + Send + Sync + 'static>(
    lanes: Vec<Lane<K>>,
    limits: Limits,
    takes: Duration,
    length: Duration,
) -> (Arc<Record<K>>, Arc<Watch<K>>) {
    let (record, watch) = (Record::new(), Arc::new(Watch::new()));
    let noted = Arc::clone(&record);
    let cycle = move |lane, keys: Vec<K>| {
        noted.note(lane, &keys);
        async move {
            sleep(takes).await;
            Vec::new()
        }
    };
    run(lanes, limits, Arc::clone(&watch), cycle, sleep(length)).await;
    (record, watch)
}

#[tokio::test(start_paused = true)]
async fn an_hour_has_exactly_its_ticks() {
    let lanes = vec![
        lane("one", &[("pull", 60), ("credentials", 300)]),
        lane("two", &[("referrers", 1800)]),
    ];
    let length = seconds(3600 - 1);
    let (record, watch) = simulate(lanes, Limits::default(), seconds(2), length).await;
    let every = |step: u32| (0..3600 / step).map(|n| f64::from(n * step)).collect();
    let expected: Vec<f64> = every(60);
    assert_eq!(record.runs(&"pull"), expected);
    let expected: Vec<f64> = every(300);
    assert_eq!(record.runs(&"credentials"), expected);
    let expected: Vec<f64> = every(1800);
    assert_eq!(record.runs(&"referrers"), expected);
    // What is due together is one cycle.
    assert_eq!(record.count(), 60 + 2);
    assert_eq!(watch.lag().count(), 62);
    assert_eq!(watch.lag().counts[0], 62, "{:?}", watch.lag());
    assert_eq!(watch.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn first_cycles_are_spread_by_name() {
    let lanes = numbered(1000, 3600);
    let places: Vec<_> = lanes
        .iter()
        .map(|lane| splay(&lane.name, seconds(10)).as_secs_f64())
        .collect();
    let limits = Limits::default();
    let (record, _) = simulate(lanes, limits, Duration::ZERO, seconds(60)).await;
    assert_eq!(record.count(), 1000);
    for (number, place) in places.into_iter().enumerate() {
        assert_eq!(record.runs(&number), [place]);
    }
}

#[tokio::test(start_paused = true)]
async fn first_delay_stands_for_the_place_of_the_name() {
    let mut entries = lane("one", &[("soon", 60), ("upload", 60)]);
    entries.entries[1].first_delay = Some(seconds(333));
    let (record, _) = simulate(
        vec![entries],
        Limits::default(),
        Duration::ZERO,
        seconds(460),
    )
    .await;
    assert_eq!(record.runs(&"upload"), [333.0, 393.0, 453.0]);
}

#[tokio::test(start_paused = true)]
async fn one_origin_never_has_two_cycles_at_once() {
    let lanes: Vec<Lane<usize>> = numbered(20, 10)
        .into_iter()
        .enumerate()
        .map(|(number, lane)| Lane {
            origin: format!("origin-{}", number % 4),
            ..lane
        })
        .collect();
    // Per origin: how many run, and how many ever ran at once.
    let active: Arc<[[AtomicUsize; 2]; 4]> = Arc::default();
    let record = Record::new();
    let (noted, counted) = (Arc::clone(&record), Arc::clone(&active));
    let cycle = move |lane: String, keys: Vec<usize>| {
        let origin = keys[0] % 4;
        noted.note(lane, &keys);
        let counted = Arc::clone(&counted);
        async move {
            let [now, most] = &counted[origin];
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(seconds(3)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Vec::new()
        }
    };
    let watch = Arc::new(Watch::new());
    run(lanes, Limits::default(), watch, cycle, sleep(seconds(600))).await;
    for [now, most] in active.iter() {
        assert_eq!(now.load(Ordering::SeqCst), 0);
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }
    // Five lanes of 3s share an origin and want to run every 10s: each runs every 15s.
    for number in 0..20 {
        let runs = record.runs(&number).len();
        assert!((39..=40).contains(&runs), "lane {number} ran {runs} times");
    }
}

#[tokio::test(start_paused = true)]
async fn late_run_is_skipped_and_not_stacked() {
    let lanes = vec![lane("slow", &[("pull", 10)])];
    let (record, _) = simulate(lanes, Limits::default(), seconds(25), seconds(100)).await;
    assert_eq!(record.runs(&"pull"), [0.0, 30.0, 60.0, 90.0]);
}

#[tokio::test(start_paused = true)]
async fn cycles_at_once_are_bounded() {
    let limits = Limits {
        concurrency: 7,
        first_cycle_spread: Duration::ZERO,
        ..Limits::default()
    };
    let (active, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let record = Record::new();
    let (noted, peak) = (Arc::clone(&record), Arc::clone(&most));
    let cycle = move |lane, keys: Vec<usize>| {
        noted.note(lane, &keys);
        let (active, peak) = (Arc::clone(&active), Arc::clone(&peak));
        async move {
            let now = active.fetch_add(1, Ordering::SeqCst) + 1;
            peak.fetch_max(now, Ordering::SeqCst);
            sleep(seconds(1)).await;
            active.fetch_sub(1, Ordering::SeqCst);
            Vec::new()
        }
    };
    let watch = Arc::new(Watch::new());
    let seen = Arc::clone(&watch);
    run(numbered(50, 3600), limits, watch, cycle, sleep(seconds(60))).await;
    assert_eq!(most.load(Ordering::SeqCst), 7);
    assert_eq!(record.count(), 50);
    // Seven a second: the fiftieth began seven seconds late.
    let last = record.begun.lock().unwrap().last().unwrap().0;
    assert_eq!(last.as_secs(), 7);
    assert_eq!(seen.lag().counts[0], 7);
}

#[tokio::test(start_paused = true)]
async fn shutdown_lets_running_cycles_end_and_begins_none() {
    let (record, watch) = (Record::new(), Arc::new(Watch::new()));
    let done = Arc::new(AtomicBool::new(false));
    let (noted, ended) = (Arc::clone(&record), Arc::clone(&done));
    let cycle = move |lane, keys: Vec<Key>| {
        noted.note(lane, &keys);
        let ended = Arc::clone(&ended);
        async move {
            sleep(seconds(20)).await;
            ended.store(true, Ordering::SeqCst);
            Vec::new()
        }
    };
    let mut waiting = lane("waiting", &[("b", 5)]);
    waiting.origin = "running".to_owned();
    let lanes = vec![lane("running", &[("a", 5)]), waiting];
    let start = Instant::now();
    let stop = sleep(seconds(2));
    run(lanes, Limits::default(), Arc::clone(&watch), cycle, stop).await;
    assert_eq!(start.elapsed(), seconds(20));
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(record.count(), 1);
    assert_eq!(watch.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn shutdown_aborts_what_outlives_the_grace() {
    /// Tells of its end, whichever it is.
    struct Told(Option<oneshot::Sender<()>>);
    impl Drop for Told {
        fn drop(&mut self) {
            if let Some(sender) = self.0.take() {
                sender.send(()).unwrap();
            }
        }
    }
    let (sender, ended) = oneshot::channel();
    let sender = Mutex::new(Some(sender));
    let cycle = move |_, _: Vec<Key>| {
        let told = Told(sender.lock().unwrap().take());
        async move {
            std::future::pending::<()>().await;
            drop(told);
            Vec::new()
        }
    };
    let start = Instant::now();
    let watch = Arc::new(Watch::new());
    let seen = Arc::clone(&watch);
    let stop = sleep(seconds(2));
    let lanes = vec![lane("stuck", &[("a", 5)])];
    run(lanes, Limits::default(), watch, cycle, stop).await;
    assert_eq!(start.elapsed(), seconds(2 + 30));
    ended.await.unwrap();
    assert_eq!(seen.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_scheduler_stops_at_once() {
    let start = Instant::now();
    let (record, _) =
        simulate::<Key>(Vec::new(), Limits::default(), Duration::ZERO, seconds(100)).await;
    assert_eq!(start.elapsed(), seconds(100));
    assert_eq!(record.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_takes_nobody_with_it() {
    let record = Record::new();
    let noted = Arc::clone(&record);
    let cycle = move |lane, keys: Vec<Key>| {
        noted.note(lane, &keys);
        assert_ne!(keys, ["closure"], "a panic while the cycle is made");
        async move {
            sleep(seconds(1)).await;
            assert_ne!(keys, ["cycle"], "a panic within the cycle");
            Vec::new()
        }
    };
    let lanes = vec![
        lane("a", &[("closure", 10)]),
        lane("b", &[("cycle", 10)]),
        lane("c", &[("good", 10)]),
    ];
    let watch = Arc::new(Watch::new());
    let seen = Arc::clone(&watch);
    run(lanes, Limits::default(), watch, cycle, sleep(seconds(35))).await;
    for key in ["closure", "cycle", "good"] {
        assert_eq!(record.runs(&key), [0.0, 10.0, 20.0, 30.0], "{key}");
    }
    assert_eq!(seen.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_cycle_says_when_to_come_back() {
    let record = Record::new();
    let noted = Arc::clone(&record);
    let cycle = move |lane, keys: Vec<Key>| {
        let first = noted.runs(&keys[0]).is_empty();
        noted.note(lane, &keys);
        async move {
            let next = match keys[0] {
                "sooner" if first => Next::After(seconds(10)),
                "paused" if first => Next::NotBefore(seconds(90)),
                _ => Next::Grid,
            };
            vec![(keys[0], next)]
        }
    };
    let lanes = vec![lane("a", &[("sooner", 60)]), lane("b", &[("paused", 60)])];
    let watch = Arc::new(Watch::new());
    run(lanes, Limits::default(), watch, cycle, sleep(seconds(200))).await;
    assert_eq!(record.runs(&"sooner"), [0.0, 10.0, 60.0, 120.0, 180.0]);
    assert_eq!(record.runs(&"paused"), [0.0, 120.0, 180.0]);
}

#[tokio::test(start_paused = true)]
async fn a_jump_by_a_day_gives_one_run_of_each_entry() {
    let record = Record::new();
    let noted = Arc::clone(&record);
    let cycle = move |lane, keys: Vec<usize>| {
        noted.note(lane, &keys);
        async move {
            sleep(Duration::from_millis(20)).await;
            Vec::new()
        }
    };
    let lanes = numbered(100, 300);
    let (stop, stopped) = oneshot::channel::<()>();
    let scheduler = tokio::spawn(run(
        lanes,
        Limits::default(),
        Arc::new(Watch::new()),
        cycle,
        async { stopped.await.unwrap() },
    ));
    sleep(seconds(20)).await;
    assert_eq!(record.count(), 100);

    // To 100 seconds before the next points of the grid.
    advance(DAY + seconds(180)).await;
    sleep(seconds(90)).await;
    assert_eq!(record.count(), 200);
    sleep(seconds(30)).await;
    assert_eq!(record.count(), 300);
    stop.send(()).unwrap();
    scheduler.await.unwrap();

    for number in 0..100 {
        let runs = record.runs(&number);
        let [first, late, next] = runs[..] else {
            panic!("{runs:?}")
        };
        // As at the start: spread over ten seconds.
        let after = late - DAY.as_secs_f64() - 200.0;
        assert!((-1.0..=10.0).contains(&after), "{runs:?}");
        assert!((after - first).abs() < 1.0, "{runs:?}");
        let on_grid = (next - first) / 300.0;
        assert!((on_grid - on_grid.round()).abs() < 1e-6, "{runs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_lanes_keep_their_grids() {
    let limits = Limits::default();
    let takes = Duration::from_millis(50);
    let (record, watch) = simulate(numbered(10_000, 300), limits, takes, seconds(910)).await;
    let begun = record.begun.lock().unwrap();
    // Three whole rounds, and those of the fourth whose place is within ten seconds: all.
    assert_eq!(begun.len(), 40_000);
    let lanes: BTreeSet<_> = begun.iter().rev().take(10_000).map(|run| &run.1).collect();
    assert_eq!(lanes.len(), 10_000);
    // 50 of the 256 slots are in use at a time: nobody waits for one.
    let lag = watch.lag();
    assert_eq!(lag.counts[..2].iter().sum::<u64>(), 40_000, "{lag:?}");
}

/// A window whose wall clock goes with the paused clock.
fn simulated_watch<K: Ord + Clone>() -> Arc<Watch<K>> {
    let start = Instant::now();
    Arc::new(Watch::with_wall_clock(move || epoch() + start.elapsed()))
}

fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

#[tokio::test(start_paused = true)]
async fn next_runs_are_when_they_will_be_and_while_running_when_they_were_due() {
    let watch = simulated_watch();
    let lanes = vec![lane("one", &[("a", 60), ("b", 100)])];
    let (stop, stopped) = oneshot::channel::<()>();
    let scheduler = tokio::spawn(run(
        lanes,
        Limits::default(),
        Arc::clone(&watch),
        |_: String, _| async {
            sleep(seconds(7)).await;
            Vec::new()
        },
        async { stopped.await.unwrap() },
    ));
    let mut shown = Vec::new();
    let start = Instant::now();
    for at in [1, 5, 50, 61, 70, 130] {
        sleep_until(start + seconds(at)).await;
        let due = |key| {
            let due: SystemTime = watch.next_runs()[key];
            due.duration_since(epoch()).unwrap().as_secs()
        };
        shown.push((at, due("a"), due("b"), watch.in_flight()));
    }
    assert_eq!(
        shown,
        [
            (1, 0, 0, 1),
            (5, 0, 0, 1),
            (50, 60, 100, 0),
            (61, 60, 100, 1),
            (70, 120, 100, 0),
            (130, 180, 200, 0),
        ]
    );
    stop.send(()).unwrap();
    scheduler.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn heart_beats_when_idle_and_when_a_cycle_is_stuck() {
    let watch = simulated_watch();
    let lanes = vec![lane("stuck", &[("a", 5)]), lane("idle", &[("b", 86_400)])];
    let scheduler = run(
        lanes,
        Limits::default(),
        Arc::clone(&watch),
        |name, _| async move {
            if name == "stuck" {
                std::future::pending::<()>().await;
            }
            Vec::new()
        },
        std::future::pending(),
    );
    timeout(seconds(3605), scheduler).await.unwrap_err();
    let beat = watch.heartbeat().duration_since(epoch()).unwrap();
    assert_eq!(beat, seconds(3600));
    assert_eq!(watch.in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_woken_entry_runs_at_once_and_is_shown() {
    let (record, watch) = (Record::new(), simulated_watch());
    let noted = Arc::clone(&record);
    let cycle = move |lane, keys: Vec<Key>| {
        noted.note(lane, &keys);
        async move {
            sleep(seconds(5)).await;
            vec![(keys[0], Next::NotBefore(seconds(600)))]
        }
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let scheduler = tokio::spawn(run(
        vec![lane("one", &[("a", 60)]), lane("two", &[("b", 3600)])],
        Limits::default(),
        Arc::clone(&watch),
        cycle,
        async { stopped.await.unwrap() },
    ));
    let shown = |key| {
        let due: SystemTime = watch.next_runs()[key];
        due.duration_since(epoch()).unwrap().as_secs()
    };
    sleep(seconds(30)).await;
    assert_eq!((shown("a"), shown("b")), (660, 3600));
    watch.wake("a");
    watch.wake("nobody");
    sleep(seconds(1)).await;
    // It runs: shown is when it was due.
    assert_eq!((shown("a"), shown("b")), (30, 3600));
    // Woken once more while it runs.
    watch.wake("a");
    sleep(seconds(600)).await;
    assert_eq!(record.runs(&"a"), [0.0, 30.0, 35.0]);
    assert_eq!(record.runs(&"b"), [0.0]);
    assert_eq!((shown("a"), shown("b")), (660, 3600));
    stop.send(()).unwrap();
    scheduler.await.unwrap();
}

/// A scheduler that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    task: task::JoinHandle<()>,
}

impl Running {
    /// Cycles of the lane `stuck` never end.
    fn start(lanes: Vec<Lane<Key>>, record: &Arc<Record<Key>>, watch: &Arc<Watch<Key>>) -> Self {
        let noted = Arc::clone(record);
        let cycle = move |lane: String, keys: Vec<Key>| {
            let stuck = lane == "stuck";
            noted.note(lane, &keys);
            async move {
                if stuck {
                    std::future::pending::<()>().await;
                }
                Vec::new()
            }
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async { stopped.await.unwrap() };
        let watch = Arc::clone(watch);
        let task = tokio::spawn(run(lanes, Limits::default(), watch, cycle, stopped));
        Self { stop, task }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn other_lanes_take_the_place_of_these_and_those_that_stay_notice_nothing() {
    let (record, watch) = (Record::new(), simulated_watch());
    let lanes = vec![
        lane("stays", &[("stays", 60)]),
        lane("goes", &[("goes", 60)]),
        lane("stuck", &[("stuck", 60)]),
    ];
    let running = Running::start(lanes, &record, &watch);
    sleep(seconds(30)).await;
    assert_eq!(watch.in_flight(), 1);
    let lanes = vec![
        lane("comes", &[("comes", 60)]),
        lane("stays", &[("stays", 60), ("joins", 40)]),
    ];
    watch.replace(lanes, Limits::default()).await;
    let shown: Vec<_> = watch.next_runs().keys().copied().collect();
    assert_eq!(shown, ["comes", "joins", "stays"]);
    sleep(seconds(85)).await;
    assert_eq!(watch.in_flight(), 0);
    assert_eq!(record.runs(&"stays"), [0.0, 60.0]);
    assert_eq!(record.runs(&"joins"), [30.0, 70.0, 110.0]);
    assert_eq!(record.runs(&"comes"), [30.0, 90.0]);
    assert_eq!(record.runs(&"goes"), [0.0]);
    assert_eq!(record.runs(&"stuck"), [0.0]);

    watch.replace(Vec::new(), Limits::default()).await;
    assert!(watch.next_runs().is_empty());
    let before = record.count();
    sleep(seconds(600)).await;
    assert_eq!(record.count(), before);
    running.stop().await;
    // Nobody is there who could take it over.
    watch.replace(Vec::new(), Limits::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_lane_that_moves_to_another_origin_begins_anew_once_the_old_cycle_is_gone() {
    let (record, watch) = (Record::new(), simulated_watch());
    let running = Running::start(vec![lane("stuck", &[("a", 3600)])], &record, &watch);
    sleep(seconds(5)).await;
    let mut moved = lane("stuck", &[("a", 3600)]);
    moved.origin = "elsewhere".to_owned();
    watch.replace(vec![moved], Limits::default()).await;
    sleep(seconds(5)).await;
    assert_eq!(record.runs(&"a"), [0.0, 5.0]);
    assert_eq!(watch.in_flight(), 1);
    watch.replace(Vec::new(), Limits::default()).await;
    sleep(seconds(1)).await;
    assert_eq!(watch.in_flight(), 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_a_later_one_overtakes_keeps_nobody_waiting() {
    let (record, watch) = (Record::new(), simulated_watch());
    let running = Running::start(Vec::new(), &record, &watch);
    let plans = ["a", "b", "c"].map(|name| {
        let lanes = vec![lane(name, &[(name, 60)])];
        watch.replace(lanes, Limits::default())
    });
    let [a, b, c] = plans;
    tokio::join!(a, b, c);
    let shown: Vec<_> = watch.next_runs().keys().copied().collect();
    assert_eq!(shown, ["c"]);
    running.stop().await;
}
