//! The table of all cases, and a seeded part of it in every run.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use registry_sim::RegistrySim;

use super::{
    case::{self, Came},
    faults::{self, Torture},
    invariants::Healthy,
    world::World,
};
use crate::golden;

/// The faults of a world.
type Faults = fn(&RegistrySim, &RegistrySim) -> Vec<Torture>;

/// One case of the matrix.
#[derive(Debug, Clone, Copy)]
struct Case {
    world: usize,
    place: usize,
    fault: usize,
}

/// A world, the cycle in which nothing goes wrong, and the names of its faults.
struct Row {
    world: World,
    of: Faults,
    healthy: Healthy,
    names: Vec<String>,
}

/// One of three in every run, by the number of the run's day; all of them with `--full`.
#[test]
fn every_fault_at_every_request_is_what_the_table_says() {
    let rows = rows();
    let cases = cases(&rows);
    let part: Vec<Case> = if golden::update() {
        cases.clone()
    } else {
        let seed = seed();
        cases
            .iter()
            .copied()
            .filter(|case| hash(*case, seed).is_multiple_of(3))
            .collect()
    };
    let came = run_all(&rows, &part);
    say(&format!("torture: {} of {} cases", part.len(), cases.len()));
    compare(&rows, &came);
}

/// All of them.
#[test]
#[ignore = "minutes: `./tests/run --full`"]
fn every_fault_at_every_request_of_all() {
    let rows = rows();
    let cases = cases(&rows);
    let came = run_all(&rows, &cases);
    say(&format!("torture: all {} cases", cases.len()));
    compare(&rows, &came);
}

fn rows() -> Vec<Row> {
    let tls = |_: &RegistrySim, _: &RegistrySim| faults::handshakes();
    let http2 = |_: &RegistrySim, thief: &RegistrySim| faults::http2(thief);
    let plain = World::PLAIN.map(|world| (world, faults::plain as Faults));
    plain
        .into_iter()
        .chain([(World::Http2, http2 as Faults), (World::Tls, tls as Faults)])
        .map(|(world, of)| Row {
            world,
            of,
            healthy: case::healthy(world),
            names: case::names(of),
        })
        .collect()
}

fn cases(rows: &[Row]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (world, row) in rows.iter().enumerate() {
        for place in 0..row.healthy.places.len() {
            for fault in 0..row.names.len() {
                cases.push(Case {
                    world,
                    place,
                    fault,
                });
            }
        }
    }
    cases
}

/// On every core; a case that breaks an invariant is told with its name, after the others.
fn run_all(rows: &[Row], cases: &[Case]) -> Vec<(Case, Came)> {
    let next = AtomicUsize::new(0);
    let came = Mutex::new(Vec::with_capacity(cases.len()));
    let broken = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = &rows[case.world];
                    let place = &row.healthy.places[case.place];
                    let loud = hash(*case, 0).is_multiple_of(LOUD);
                    let run =
                        || case::run(row.world, place, row.of, case.fault, &row.healthy, loud);
                    match catch_unwind(AssertUnwindSafe(run)) {
                        Ok(this) => came.lock().unwrap().push((*case, this)),
                        Err(panic) => broken.lock().unwrap().push(words(&*panic)),
                    }
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(
        broken.is_empty(),
        "{} cases:\n{}",
        broken.len(),
        broken.join("\n")
    );
    came.into_inner().unwrap()
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without words")
        .chars()
        .take(2000)
        .collect()
}

/// Compares what came with the table, or writes the table anew.
fn compare(rows: &[Row], came: &[(Case, Came)]) {
    if golden::update() {
        golden::compare(TABLE, &table(rows, came));
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/torture.txt");
    let known = read(&std::fs::read_to_string(path).expect("the golden table"));
    let mut other = String::new();
    for (case, Came(now)) in came {
        let (head, fault) = (head(rows, *case), &rows[case.world].names[case.fault]);
        let golden = known.get(&(head.clone(), fault.clone()));
        if golden != Some(now) {
            let _ = writeln!(
                other,
                "{head}, {fault}:\n golden:{golden:?}\n    now:{now:?}"
            );
        }
    }
    assert!(other.is_empty(), "{other}");
}

/// Below each place every outcome, with the faults that lead to it.
fn table(rows: &[Row], came: &[(Case, Came)]) -> String {
    let mut places: BTreeMap<(usize, usize), BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (case, Came(came)) in came {
        let place = places.entry((case.world, case.place)).or_default();
        place.entry(came).or_default().push(case.fault);
    }
    let mut table = HEAD.to_owned();
    for ((world, place), outcomes) in places {
        let first = Case {
            world,
            place,
            fault: 0,
        };
        let _ = write!(table, "\n{}\n", head(rows, first));
        for (outcome, mut faults) in outcomes {
            faults.sort_unstable();
            let names = faults
                .iter()
                .map(|fault| rows[world].names[*fault].as_str());
            let names: Vec<&str> = names.collect();
            let _ = writeln!(table, " {outcome}\n      {}", names.join("; "));
        }
    }
    table
}

fn head(rows: &[Row], case: Case) -> String {
    let place = &rows[case.world].healthy.places[case.place];
    let (world, operation) = (rows[case.world].world, place.operation.as_str());
    format!("{world} {} {operation}", place.number)
}

/// By place and fault, what the table says.
fn read(table: &str) -> BTreeMap<(String, String), String> {
    let mut known = BTreeMap::new();
    let (mut head, mut outcome) = ("", "");
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        if let Some(faults) = line.strip_prefix("      ") {
            for fault in faults.split("; ") {
                let key = (head.to_owned(), fault.to_owned());
                known.insert(key, outcome.to_owned());
            }
        } else if let Some(said) = line.strip_prefix(' ') {
            outcome = said;
        } else {
            head = line;
        }
    }
    known
}

/// Another third every day.
fn seed() -> u64 {
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() / 86_400)
}

fn hash(case: Case, seed: u64) -> u64 {
    let key = (case.world as u64) << 32 | (case.place as u64) << 16 | case.fault as u64;
    // SplitMix64's finisher.
    let mut hash = key.wrapping_add(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 27)
}

/// To the terminal itself: what a test that passes prints is not shown.
fn say(line: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{line}").expect("stderr takes it");
}

/// In one of so many cases all is listened to that is logged.
const LOUD: u64 = 16;
const TABLE: &str = "torture.txt";
const HEAD: &str = "\
# What comes of a cycle in which one fault meets one request.
#
# For each way of asking who somebody is, and each request of its cycle: every outcome,
# and below it the faults that lead to it. An outcome is what differs from a cycle in
# which nothing goes wrong: reports (check=status/reason), facts that are proven
# otherwise, how upload sessions ended, how many requests more or less were sent, and
# how many another origin got. `*`: the fault stays, for every further request of that
# kind. `(done)`: the registry did what was asked, and its answer was lost.
";
