//! What a page of metrics costs: `cargo bench --bench page [REGISTRIES]`.
//!
//! Counts instructions with valgrind's callgrind, where that is installed: of the
//! same work done once and eleven times, so that the difference is ten times the
//! work alone. Memory is what the kernel says of a process of its own. Nothing
//! here passes or fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    reason = "it is run by hand, and what fails shall be seen"
)]

#[expect(dead_code, reason = "the tests' own, of which less is needed here")]
#[path = "../it/exposition/scenario.rs"]
mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{IoSlice, Read as _, Write as _},
    process::Command,
    sync::Arc,
    time::SystemTime,
};

use bytes::Buf as _;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use oci_registry_exporter::{
    config::Config,
    exchange::Operation,
    exposition::{Cache, Coding, Format, Page, Process, Scope, View, encode},
    outcome::{Capability, CheckName, Fact, Outcome, Report, Subject},
    store::Store,
};
use tokio::time::Instant;

const FORMAT: Format = Format::OpenMetrics;

/// What is counted, with what it is.
const WORK: [(&str, &str); 10] = [
    ("encode", "everything through prometheus-client"),
    ("encode-gzip", "the same, and gzip of the whole"),
    ("idle", "from the cache, nothing changed"),
    ("one", "from the cache, one registry changed"),
    ("all", "from the cache, every registry changed"),
    ("idle-gzip", "with gzip, nothing changed"),
    ("one-gzip", "with gzip, one registry changed"),
    ("all-gzip", "with gzip, every registry changed"),
    ("store", "not a page: what happened to every registry"),
    ("send", "handing the page out, 64 pieces at a time"),
];

/// States of memory, with what they are.
const MEMORY: [(&str, &str); 6] = [
    ("rss-state", "the state alone"),
    ("rss-encode", "and one page, made and dropped"),
    ("rss-plain", "and the cache of one format"),
    ("rss-gzip", "and its gzip"),
    (
        "rss-stalled",
        "and 40 held pages, a registry changing between them",
    ),
    ("rss-stalled-gzip", "and 40 held pages with gzip, likewise"),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    match &arguments[..] {
        [work, registries, times] => {
            let registries = registries.parse().unwrap();
            work_off(work, &State::new(registries), times.parse().unwrap());
        }
        [work, registries] if work == "ratio" => {
            let registries = registries.parse().unwrap();
            for work in ["encode", "one"] {
                if let Some(count) = each(work, registries) {
                    println!("{count}");
                }
            }
        }
        [] => report(1000),
        [registries] => report(registries.parse().unwrap()),
        _ => panic!("[REGISTRIES] | ratio REGISTRIES | WORK REGISTRIES TIMES"),
    }
}

fn report(registries: usize) {
    sizes(&State::new(registries));
    println!("| resident memory, MiB | |\n|---|---|");
    for (work, what) in MEMORY {
        let output = child(&[], work, registries, 1).output().unwrap();
        let kibibytes: f64 = String::from_utf8(output.stdout)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        println!("| {what} | {:.1} |", kibibytes / 1024.0);
    }
    println!("\n| instructions, millions | | of the first |\n|---|---|---|");
    let mut first = None;
    for (work, what) in WORK {
        let Some(one) = each(work, registries) else {
            println!("(valgrind is not installed)");
            return;
        };
        let of_first = one / *first.get_or_insert(one);
        println!("| {what} | {:.3} | {:.4} |", one / 1e6, of_first);
    }
}

fn sizes(state: &State) {
    let plain = encode(&state.view(), FORMAT).unwrap();
    let whole = gzip(plain.as_bytes());
    let cache = Cache::new();
    let pieces = read(state.page(&cache, Coding::Gzip));
    let mut back = String::new();
    GzDecoder::new(&pieces[..])
        .read_to_string(&mut back)
        .unwrap();
    assert!(back == plain);
    let samples = plain.lines().filter(|line| !line.starts_with('#')).count();
    println!("| page | |\n|---|---|");
    println!("| registries | {} |", state.config.registries.len());
    println!("| samples | {samples} |");
    println!("| bytes | {} |", plain.len());
    println!("| gzip of the whole | {} |", whole.len());
    println!("| gzip in shared pieces | {} |\n", pieces.len());
}

fn child(under: &[&str], work: &str, registries: usize, times: usize) -> Command {
    let me = env::current_exe().unwrap();
    let mut all = under.to_vec();
    let me = me.to_str().unwrap();
    all.push(me);
    let mut command = Command::new(all[0]);
    command.args(&all[1..]);
    command.args([work.to_owned(), registries.to_string(), times.to_string()]);
    command
}

/// Of doing it once more; `None` without valgrind.
fn each(work: &str, registries: usize) -> Option<f64> {
    let count = |times| instructions(work, registries, times);
    Some((count(11)? - count(1)?) / 10.0)
}

/// Of the whole process; `None` without valgrind.
fn instructions(work: &str, registries: usize, times: usize) -> Option<f64> {
    let valgrind = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
    ];
    let output = child(&valgrind, work, registries, times).output().ok()?;
    let said = String::from_utf8(output.stderr).unwrap();
    let line = said.lines().find(|line| line.contains("Collected :"));
    let count = line.unwrap_or_else(|| panic!("{said}")).rsplit(' ').next();
    Some(count?.parse().unwrap())
}

fn work_off(work: &str, state: &State, times: usize) {
    let cache = Cache::new();
    let coding = coding(work);
    let page = || state.page(&cache, coding);
    let count = state.config.registries.len();
    match work {
        "encode" => (0..times).for_each(|_| drop(encode(&state.view(), FORMAT).unwrap())),
        "encode-gzip" => (0..times).for_each(|_| {
            gzip(encode(&state.view(), FORMAT).unwrap().as_bytes());
        }),
        "send" => {
            let page = page();
            let sent: usize = (0..times).map(|_| hand_out(page.clone())).sum();
            println!("{sent}");
        }
        "store" => (0..times).for_each(|time| {
            (0..count).for_each(|registry| state.cycle(registry, time));
        }),
        "idle" | "idle-gzip" | "one" | "one-gzip" | "all" | "all-gzip" => {
            page();
            for time in 0..times {
                let changed = match work.split('-').next() {
                    Some("idle") => 0,
                    Some("one") => 1,
                    _ => count,
                };
                (0..changed).for_each(|registry| state.cycle(registry * 7 % count, time));
                page();
            }
        }
        _ => resident(work, state),
    }
}

fn coding(work: &str) -> Coding {
    if work.ends_with("-gzip") {
        Coding::Gzip
    } else {
        Coding::Identity
    }
}

fn resident(work: &str, state: &State) {
    let cache = Cache::new();
    let page = |coding| state.page(&cache, coding);
    let mut held = Vec::new();
    if work == "rss-encode" {
        drop(encode(&state.view(), FORMAT).unwrap());
    } else if work != "rss-state" {
        page(Coding::Identity);
    }
    let coding = coding(work);
    if coding == Coding::Gzip {
        page(coding);
    }
    if work.starts_with("rss-stalled") {
        for registry in 0..40 {
            state.cycle(registry, registry);
            held.push(page(coding));
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    println!("{}", line.unwrap().trim().trim_end_matches(" kB"));
}

struct State {
    store: Store,
    config: Arc<Config>,
    scheduled: Arc<BTreeSet<Subject>>,
    next_runs: Arc<BTreeMap<Subject, SystemTime>>,
}

impl State {
    fn new(registries: usize) -> Self {
        let store = Store::new(&scenario::BUCKETS);
        let targets = (0..registries).map(|registry| {
            let repositories = vec![scenario::repository(scenario::CANARY, "platform")];
            let url = format!("https://registry-{registry:05}.example.com");
            scenario::target(&name(registry), &url, repositories)
        });
        let config = scenario::config(targets.collect());
        let all = 0..registries;
        let scheduled: BTreeSet<_> = all
            .flat_map(|it| CheckName::ALL.map(|(check, _)| subject(it, check)))
            .collect();
        let next_runs = scheduled
            .iter()
            .zip(0..)
            .map(|(subject, n)| (subject.clone(), scenario::at(n)));
        let state = Self {
            store,
            config: Arc::new(config),
            next_runs: Arc::new(next_runs.collect()),
            scheduled: Arc::new(scheduled),
        };
        (0..registries).for_each(|registry| state.cycle(registry, 0));
        state
    }

    /// All five checks of a registry have run.
    fn cycle(&self, registry: usize, time: usize) {
        for (check, _) in CheckName::ALL {
            self.store.put(run(registry, check, time));
        }
        let seen = scenario::production_seen();
        self.store
            .observe_at(&name(registry), seen, scenario::at(time as u64));
    }

    fn view(&self) -> View {
        View {
            config: Arc::clone(&self.config),
            store: self.store.snapshot(),
            scheduled: Arc::clone(&self.scheduled),
            next_runs: Arc::clone(&self.next_runs),
            exporter: scenario::exporter(),
            process: Process::default(),
            scope: Scope::default(),
        }
    }

    fn page(&self, cache: &Cache, coding: Coding) -> Page {
        let page = cache.page(|| self.view(), FORMAT, coding, Instant::now());
        page.unwrap()
    }
}

fn run(registry: usize, check: CheckName, time: usize) -> Report {
    let sent = |operation, status| scenario::sent(operation, Ok(status), 40 + time as u64);
    let pass = Outcome::pass("");
    let (outcome, requests) = match check {
        CheckName::Credentials => (
            pass.proving(Fact::CredentialsValid(true)),
            vec![
                sent(Operation::Ping, 401),
                sent(Operation::Token, 200),
                sent(Operation::PingAuth, 200),
            ],
        ),
        CheckName::Pull => (
            pass.proving(Fact::PullAuthorized(true)),
            vec![sent(Operation::ManifestHead, 200)],
        ),
        CheckName::Push => (
            pass.proving(Fact::PushAuthorized(true)),
            vec![
                sent(Operation::UploadStart, 202),
                sent(Operation::UploadCancel, 204),
            ],
        ),
        CheckName::Referrers => (
            pass.proving(Fact::Referrers(3)),
            vec![sent(Operation::Referrers, 200)],
        ),
        CheckName::Capabilities => {
            let all = Capability::ALL.iter();
            let facts = all.map(|(capability, _)| Fact::Capability(*capability, true));
            (facts.fold(pass, Outcome::proving), vec![])
        }
    };
    let mut report = scenario::report(subject(registry, check), outcome, requests);
    report.started = scenario::at(time as u64);
    report
}

fn name(registry: usize) -> String {
    format!("registry-{registry:05}")
}

fn subject(registry: usize, check: CheckName) -> Subject {
    let repository = (check != CheckName::Credentials).then_some(scenario::CANARY);
    scenario::subject(&name(registry), check, repository, "platform")
}

/// As it is written to a socket that takes everything.
fn hand_out(mut page: Page) -> usize {
    let mut sent = 0;
    while page.has_remaining() {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = page.chunks_vectored(&mut slices);
        let taken = slices[..count].iter().map(|slice| slice.len()).sum();
        page.advance(taken);
        sent += taken;
    }
    sent
}

fn read(mut page: Page) -> bytes::Bytes {
    page.copy_to_bytes(page.remaining())
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}
