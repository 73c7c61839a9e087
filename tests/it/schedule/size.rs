//! The schedule of a thousand registries, and of a week in which little works.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use oci_registry_exporter::{
    outcome::CheckName,
    scheduler::{self, Entry, Lane, Limits, Next, Watch},
};
use registry_sim::{Fault, Operation, Profile, RegistrySim, Scheme};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, advance, sleep},
};

use super::{DAY, HOUR, MINUTE, SECOND, simulation::Simulation};

/// What a registry with one repository and Basic may be asked in a day: the pings
/// without a login (one an hour), the login and the image every five minutes, the
/// referrers every thirty, a look at the repository and an upload with its cancel
/// every six hours, the capabilities once.
fn plan_of_a_day() -> u64 {
    let day = DAY.as_secs();
    let every = |time: Duration| day / time.as_secs() + 1;
    let (fast, slow) = (every(5 * MINUTE), every(30 * MINUTE));
    every(HOUR) + 2 * fast + slow + 3 * every(6 * HOUR) + CAPABILITIES
}

/// Requests of capabilities beyond those that it shares.
const CAPABILITIES: u64 = 8;

async fn basic() -> (RegistrySim, String) {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("robot", "right", [("team/a", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/a", "latest");
    let yaml = format!(
        "registries:\n  - {{name: one, url: '{}', username: robot, password: right, test_repository: team/a}}\n",
        sim.url()
    );
    (sim, yaml)
}

/// A week of storms: an answer of 429 brings at most the one request that tries again.
#[tokio::test(start_paused = true)]
async fn a_week_is_never_asked_more_than_planned_also_with_429s() {
    let (sim, yaml) = basic().await;
    let days = Simulation::of(&yaml);
    let storms = [
        Fault::any().skip(50).times(300).too_many_requests(None),
        Fault::any()
            .skip(9)
            .times(400)
            .too_many_requests(Some("30")),
        Fault::on(Operation::ManifestHead)
            .times(90)
            .too_many_requests(Some("1200")),
        Fault::on(Operation::UploadStart)
            .times(3)
            .too_many_requests(None),
        Fault::any()
            .skip(100)
            .times(100)
            .too_many_requests(Some("nonsense")),
    ];
    let (mut total, mut refused) = (0, 0);
    let mut storms = storms.into_iter();
    for day in 1..=7 {
        if let Some(storm) = storms.next() {
            sim.fault(storm);
        }
        days.until(day * DAY, &[&sim], |_| {}).await;
        let requests = sim.take_requests();
        let refusals = requests.iter().filter(|it| it.status == Some(429)).count() as u64;
        let asked = requests.len() as u64;
        let plan = plan_of_a_day() + refusals;
        assert!(asked <= plan, "day {day}: {asked} of {plan}");
        total += asked;
        refused += refusals;
        // A day in which nothing is refused is asked what is planned, not less.
        let least = plan_of_a_day() * 9 / 10;
        assert!(
            refusals > 0 || asked > least,
            "day {day}: {asked} of {plan}"
        );
    }
    assert!(refused > 500, "{refused} of {total}");
    assert_eq!(sim.open_sessions(), 0);
    let (_, last) = days.diary.of("one", CheckName::Pull).pop().unwrap();
    assert_eq!(last, "pass");
    days.end().await;
}

/// When every cycle of every lane began.
#[derive(Default)]
struct Begun(Mutex<Vec<(Duration, usize)>>);

impl Begun {
    fn since(&self, from: Duration) -> Vec<(Duration, usize)> {
        let begun = self.0.lock().unwrap();
        let late = begun.iter().filter(|(at, _)| *at >= from);
        late.copied().collect()
    }

    /// The most that began within a tenth of a second.
    fn most_at_once(&self, from: Duration) -> usize {
        let mut tenths: BTreeMap<u128, usize> = BTreeMap::new();
        for (at, _) in self.since(from) {
            *tenths.entry(at.as_millis() / 100).or_default() += 1;
        }
        tenths.into_values().max().unwrap_or_default()
    }
}

/// A thousand registries whose cycles take a fiftieth of a second; the first never
/// ends where `hangs`.
struct Thousand {
    start: Instant,
    begun: Arc<Begun>,
    watch: Arc<Watch<usize>>,
    stop: oneshot::Sender<()>,
    scheduler: JoinHandle<()>,
}

impl Thousand {
    fn new(lanes: Vec<Lane<usize>>, hangs: bool) -> Self {
        let start = Instant::now();
        let begun = Arc::new(Begun::default());
        let noted = Arc::clone(&begun);
        let cycle = move |_, keys: Vec<usize>| {
            noted.0.lock().unwrap().push((start.elapsed(), keys[0]));
            async move {
                if hangs && keys[0] == 0 {
                    std::future::pending::<()>().await;
                }
                sleep(Duration::from_millis(20)).await;
                Vec::<(usize, Next)>::new()
            }
        };
        let watch = Arc::new(Watch::new());
        let (stop, stopped) = oneshot::channel();
        let scheduler = tokio::spawn(scheduler::run(
            lanes,
            limits(),
            Arc::clone(&watch),
            cycle,
            async {
                // A test that panics drops the sender, and there is nobody left to tell.
                let _ = stopped.await;
            },
        ));
        Self {
            start,
            begun,
            watch,
            stop,
            scheduler,
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.scheduler.await.unwrap();
    }
}

fn lanes(numbers: std::ops::Range<usize>) -> Vec<Lane<usize>> {
    let lane = |number| Lane {
        name: format!("registry-{number}"),
        origin: format!("https://registry-{number}.example"),
        entries: vec![Entry {
            key: number,
            interval: 5 * MINUTE,
            first_delay: None,
        }],
    };
    numbers.map(lane).collect()
}

/// As the daemon's for a thousand registries.
fn limits() -> Limits {
    Limits {
        first_cycle_spread: SECOND,
        ..Limits::default()
    }
}

/// By chance some more of the names than a tenth have their place in one tenth of it.
const MOST_AT_ONCE: usize = 150;

#[tokio::test(start_paused = true)]
async fn a_thousand_registries_are_no_herd_after_a_start_a_reload_and_a_standstill() {
    let thousand = Thousand::new(lanes(0..1000), false);
    sleep(2 * SECOND).await;
    assert_eq!(thousand.begun.since(Duration::ZERO).len(), 1000);
    let started = thousand.begun.most_at_once(Duration::ZERO);
    assert!(started <= MOST_AT_ONCE, "{started}");

    // Another thousand beside them, all at once: those that stay are not asked again.
    let reloaded = thousand.now();
    thousand.watch.replace(lanes(0..2000), limits()).await;
    sleep(2 * SECOND).await;
    let begun = thousand.begun.since(reloaded);
    assert_eq!(begun.len(), 1000);
    assert!(begun.iter().all(|(_, lane)| *lane >= 1000));
    let most = thousand.begun.most_at_once(reloaded);
    assert!(most <= MOST_AT_ONCE, "{most}");

    // All are due; each begins once, as spread as at the start.
    advance(HOUR + 100 * SECOND).await;
    let awake = thousand.now();
    sleep(2 * SECOND).await;
    let begun = thousand.begun.since(awake);
    let once: BTreeSet<_> = begun.iter().map(|(_, lane)| *lane).collect();
    assert_eq!((begun.len(), once.len()), (2000, 2000));
    let most = thousand.begun.most_at_once(awake);
    assert!(most <= 2 * MOST_AT_ONCE, "{most}");
    thousand.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_among_a_thousand_delays_no_other() {
    let thousand = Thousand::new(lanes(0..1000), true);
    sleep(HOUR).await;
    let mut runs: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
    for (at, lane) in thousand.begun.since(Duration::ZERO) {
        runs.entry(lane).or_default().push(at);
    }
    assert_eq!(runs.len(), 1000);
    let hanging = runs.remove(&0).unwrap();
    assert_eq!(hanging.len(), 1, "{hanging:?}");
    let period = 5 * MINUTE;
    for (lane, runs) in runs {
        assert_eq!(runs.len(), 12, "{lane}: {runs:?}");
        for two in runs.windows(2) {
            let late = two[1].abs_diff(two[0] + period);
            assert!(late <= period / 20, "{lane}: {late:?}");
        }
    }
    // It does not end by itself, and the grace is for it too.
    thousand.scheduler.abort();
}
