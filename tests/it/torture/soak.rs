//! Ten real minutes at a hundred times the usual pace: registries that are never well for
//! long, reloads in a loop, a scraper that never rests. Descriptors, threads and memory
//! stay flat, every page can be read, and the daemon ends as it should.

use std::{fmt::Write as _, fs, io::Write as _, path::Path, time::Duration};

use registry_sim::{Entrance, Fault, Operation, Profile, RegistrySim, Scheme};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    cli::{daemon::Daemon, run::Workplace},
    exposition::page::Page,
};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten minutes: `./tests/run --full`"]
async fn ten_minutes_at_a_hundred_times_the_pace_leave_it_as_it_was() {
    soak(Duration::from_mins(10)).await;
}

/// One moment of the process.
#[derive(Debug, Clone, Copy)]
struct Sample {
    second: u64,
    descriptors: u64,
    threads: u64,
    /// KiB.
    resident: u64,
}

async fn soak(length: Duration) {
    let mut sims = Vec::new();
    for _ in 0..REGISTRIES {
        let sim = RegistrySim::profile(Profile::NATIVE)
            .auth(Scheme::Bearer)
            .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
            .without_log()
            .start()
            .await;
        sim.push_image("team/app", "latest");
        sims.push(sim);
    }
    let place = Workplace::new(&configuration(&sims, 0));
    let mut daemon = Daemon::start(&place, &["--web.enable-lifecycle"]).await;
    let begun = Instant::now();
    let mut samples = Vec::new();
    let mut tick = interval(PACE);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = 0_usize;
    while begun.elapsed() < length {
        tick.tick().await;
        turn += 1;
        trouble(&sims[turn % REGISTRIES], turn);
        if turn.is_multiple_of(7) {
            let file = place.path("oci-registry-exporter.yml");
            fs::write(file, configuration(&sims, turn / 7)).expect("a file in the own folder");
            let answer = daemon.request("POST", "/-/reload").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        scrape(&daemon).await;
        daemon.listen();
        if turn.is_multiple_of(SAMPLED) {
            samples.push(Sample::now(daemon.process(), begun.elapsed()));
        }
    }
    let asked: u64 = sims.iter().map(RegistrySim::total_requests).sum();
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(PASSWORD));
    tell(&samples, asked);
    flat(&samples);
}

/// A scrape in the middle of it all can be read.
async fn scrape(daemon: &Daemon) {
    let answer = daemon.get("/metrics").await;
    let (head, page) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let page = Page::parse(&whole(head, page));
    assert!(page.families.len() > 20, "{}", page.families.len());
}

/// The body, also where it came in chunks.
fn whole(head: &str, body: &str) -> String {
    if !head
        .to_ascii_lowercase()
        .contains("transfer-encoding: chunked")
    {
        return body.to_owned();
    }
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        text.push_str(&after[..size]);
        rest = after[size..]
            .strip_prefix("\r\n")
            .expect("an end of the chunk");
        if size == 0 {
            break;
        }
    }
    text
}

/// Another trouble at every turn, and none in between.
fn trouble(sim: &RegistrySim, turn: usize) {
    sim.clear_faults();
    sim.set_entrance(Entrance::Open);
    sim.set_password("robot", PASSWORD);
    match turn / REGISTRIES % 10 {
        1 => sim.fault(Fault::any().status(503)),
        2 => sim.fault(Fault::any().too_many_requests(Some("2"))),
        3 => sim.set_password("robot", "another"),
        4 => sim.set_entrance(Entrance::Refused),
        5 => sim.fault(Fault::any().hang()),
        6 => sim.fault(Fault::on(Operation::ManifestHead).close()),
        7 => sim.set_entrance(Entrance::Silent),
        8 => {
            // An image that is pushed anew.
            sim.push_image("team/app", "latest");
        }
        9 => sim.fault(Fault::any().html(200)),
        _ => {}
    }
}

/// The registries, one of them left out at each turn, and a name that is new each time.
fn configuration(sims: &[RegistrySim], turn: usize) -> String {
    let mut yaml = "registries:\n".to_owned();
    for (number, sim) in sims.iter().enumerate() {
        if number == turn % (REGISTRIES * 2) {
            continue;
        }
        let name = if number == 0 {
            format!("registry-of-turn-{turn}")
        } else {
            format!("registry-{number}")
        };
        let _ = write!(
            yaml,
            "  - name: {name}\n    url: {}\n    test_repository: team/app\n    username: robot\n    password: {PASSWORD}\n    timeout: 2s\n    request_timeout: 1s\n    connect_timeout: 1s\n    upload_start_delay: 1s\n    checks: {{credentials: {{interval: 3s}}, pull: {{interval: 3s}}, push: {{interval: 3s, upload_interval: 36s}}, referrers: {{interval: 18s}}, capabilities: {{interval: 36s}}}}\n",
            sim.url(),
        );
    }
    yaml
}

impl Sample {
    fn now(process: u32, at: Duration) -> Self {
        let process = Path::new("/proc").join(process.to_string());
        let status = fs::read_to_string(process.join("status")).expect("it runs");
        let number = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            number
                .and_then(|number| number.parse().ok())
                .expect("a number")
        };
        Self {
            second: at.as_secs(),
            descriptors: fs::read_dir(process.join("fd")).expect("it runs").count() as u64,
            threads: number("Threads:"),
            resident: number("VmRSS:"),
        }
    }
}

/// The curve, in a file and on the terminal.
fn tell(samples: &[Sample], asked: u64) {
    let mut curve = "second,descriptors,threads,resident_kib\n".to_owned();
    for Sample {
        second,
        descriptors,
        threads,
        resident,
    } in samples
    {
        let _ = writeln!(curve, "{second},{descriptors},{threads},{resident}");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("soak.csv");
    fs::write(&file, &curve).expect("the folder of the tests");
    let lines: Vec<&str> = curve.lines().collect();
    let mut shown = format!("soak: {asked} requests, {}\n{}\n", file.display(), lines[0]);
    for line in lines[1..].iter().step_by((lines.len() / 20).max(1)) {
        let _ = writeln!(shown, "{line}");
    }
    // What a test that passes prints is not shown.
    std::io::stderr()
        .write_all(shown.as_bytes())
        .expect("stderr takes it");
}

/// The last fifth is as the second was; the first is the start.
fn flat(samples: &[Sample]) {
    let fifth = samples.len() / 5;
    let part = |number: usize, of: fn(&Sample) -> u64| {
        let mut values: Vec<u64> = samples[fifth * number..fifth * (number + 1)]
            .iter()
            .map(of)
            .collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    for (what, of, slack) in [
        (
            "descriptors",
            (|it| it.descriptors) as fn(&Sample) -> u64,
            12,
        ),
        ("threads", |it| it.threads, 4),
        ("resident KiB", |it| it.resident, 4096),
    ] {
        let (early, late) = (part(1, of), part(4, of));
        assert!(
            late <= early + early / 10 + slack,
            "{what}: {early}, then {late}"
        );
    }
}

const REGISTRIES: usize = 10;
const PACE: Duration = Duration::from_millis(300);
/// Every so many turns.
const SAMPLED: usize = 4;
const PASSWORD: &str = "canary-s3cret-0f3a";
