//! What the page costs: to send it, to keep it, to bring it up to date, to wait for it.

use std::{fs, process::Command, time::Duration};

use registry_sim::Scheme;
use tokio::time::{Instant, sleep};

use super::{
    Bench,
    client::{Scraper, closed_loop},
    fleet::{Fleet, Plan, ready, until},
    peers,
    process::Program,
    table::{Bar, Table, median, number},
};

pub(crate) async fn measure(bench: &Bench, table: &mut Table) {
    let place = bench.place();
    let fleet = Fleet::new(bench.registries, Scheme::Basic, place).await;
    let early = Plan::Defaults {
        upload_start_delay: "1s",
    };
    let exporter = fleet.exporter(&bench.exporter, place, bench.registries, early, true);
    ready(&exporter).await;
    let mut scraper = Scraper::new(exporter.address).await;
    let registries = bench.registries as u64;
    until(async || fleet.sim.sessions().opened >= registries && fleet.sim.open_sessions() == 0)
        .await;
    // The last of their reports is written a little later.
    sleep(Duration::from_millis(500)).await;

    let plain = scraper.body("/metrics", false).await;
    let squeezed = scraper.body("/metrics", true).await;
    let text = String::from_utf8_lossy(&plain);
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    table.note(format!(
        "the page: {samples} samples, {} MB plain, {} MB with gzip",
        number(plain.len() as f64 / 1e6),
        number(squeezed.len() as f64 / 1e6)
    ));
    sending(bench, table, &exporter, &plain, &squeezed).await;

    let page = plain.len() as f64 / 1e6;
    memory(bench, table, &exporter, &fleet, page).await;
    drop(exporter);
    drop(fleet);
    update(bench, table);
    waiting(bench, table).await;
}

async fn sending(
    bench: &Bench,
    table: &mut Table,
    exporter: &Program,
    plain: &[u8],
    squeezed: &[u8],
) {
    let pages = bench.place().join("pages");
    fs::create_dir(&pages).unwrap();
    fs::write(pages.join("page"), plain).unwrap();
    fs::write(pages.join("page.gz"), squeezed).unwrap();
    let nginx = peers::nginx(bench.place());
    for (gzip, times, bar, what) in [
        (
            false,
            60,
            1.2,
            "CPU of one scrape, plain, beside nginx serving the same bytes (`sendfile`)",
        ),
        (
            true,
            400,
            1.5,
            "CPU of one scrape with gzip, beside nginx' `gzip_static`",
        ),
    ] {
        let times = if bench.quick { times / 2 } else { times };
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..bench.rounds {
            for turn in [0, 1] {
                if (turn + round) % 2 == 0 {
                    ours.push(scrapes(exporter, "/metrics", gzip, times).await);
                } else {
                    theirs.push(scrapes(&nginx, "/page", gzip, times).await);
                }
            }
        }
        let (ours, theirs) = (median(&ours), median(&theirs));
        let said = |seconds: f64| format!("{} ms", number(seconds * 1e3));
        let ratio = ours / theirs;
        table.row(what, said(ours), said(theirs), ratio, Bar::AtMost(bar));
    }
}

/// Seconds of CPU each.
async fn scrapes(program: &Program, path: &str, gzip: bool, times: u32) -> f64 {
    let mut scraper = Scraper::new(program.address).await;
    for _ in 0..3 {
        scraper.get(path, gzip).await;
    }
    let before = program.used().cpu;
    for _ in 0..times {
        assert_eq!(scraper.get(path, gzip).await.status, 200);
    }
    (program.used().cpu - before) / f64::from(times)
}

async fn memory(bench: &Bench, table: &mut Table, exporter: &Program, fleet: &Fleet, page: f64) {
    let ours = exporter.resident();
    let modules = bench.registries * 5;
    let blackbox = peers::blackbox(&bench.blackbox, bench.place(), fleet.ca(), modules);
    let started = blackbox.resident();
    let probes = peers::probes(&fleet.sim.urls(), |number| format!("https-{}", number * 5));
    closed_loop(blackbox.address, 4, &probes, Duration::from_secs(2)).await;
    let theirs = blackbox.resident().max(started);
    let said = format!(
        "{} MB, both forms kept; at most {} MB",
        number(ours),
        number(exporter.peak())
    );
    table.row(
        "resident memory, beyond the plain page (MB)",
        said,
        format!("page {} MB", number(page)),
        ours - page,
        Bar::AtMost(25.0),
    );
    table.row(
        "resident memory, beside the blackbox exporter with five modules a registry",
        format!("{} MB", number(ours)),
        format!("{} MB", number(theirs)),
        ours / theirs,
        Bar::AtMost(1.0),
    );
}

/// By callgrind: `page.rs` beside this.
fn update(bench: &Bench, table: &mut Table) {
    let registries = bench.registries.to_string();
    let mut command = Command::new("cargo");
    command.args(["bench", "--quiet", "--locked", "--bench", "page", "--"]);
    command.args(["ratio", &registries]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let counts: Vec<f64> = text
        .split_whitespace()
        .filter_map(|it| it.parse().ok())
        .collect();
    let [encode, one] = counts[..] else {
        table.note("valgrind is not installed: the update was not counted");
        return;
    };
    table.row(
        "instructions after one registry changed, beside encoding all of it",
        format!("{} million", number(one / 1e6)),
        format!("{} million", number(encode / 1e6)),
        encode / one,
        Bar::AtLeast(5.0),
    );
}

/// Scrapes while every registry is asked everything, again and again.
async fn waiting(bench: &Bench, table: &mut Table) {
    let place = bench.place();
    let fleet = Fleet::new(bench.registries, Scheme::Basic, place).await;
    let exporter = fleet.exporter(
        &bench.exporter,
        place,
        bench.registries,
        Plan::All(8.0, 16.0),
        true,
    );
    ready(&exporter).await;
    for (gzip, what) in [
        (
            true,
            "slowest of a hundred scrapes during full cycles, with gzip (ms)",
        ),
        (false, "the same, plain (ms)"),
    ] {
        let mut scraper = Scraper::new(exporter.address).await;
        scraper.get("/metrics", gzip).await;
        let asked = fleet.sim.total_requests();
        let mut times = Vec::new();
        let begin = Instant::now();
        let window = bench.window * if bench.quick { 2 } else { 5 };
        while begin.elapsed() < window {
            times.push(scraper.get("/metrics", gzip).await.took.as_secs_f64() * 1e3);
            sleep(Duration::from_millis(100)).await;
        }
        let asked = fleet.sim.total_requests() - asked;
        times.sort_by(f64::total_cmp);
        let p99 = times[(times.len() * 99).div_ceil(100) - 1];
        let said = format!(
            "p99 of {}, median {} ms, {:.0} requests/s meanwhile",
            times.len(),
            number(median(&times)),
            asked as f64 / begin.elapsed().as_secs_f64()
        );
        table.row(what, said, String::new(), p99, Bar::AtMost(10.0));
    }
}
