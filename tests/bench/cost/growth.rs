//! From ten registries to ten thousand, at the default intervals.

use std::{fs, process::Command, time::Duration};

use registry_sim::Scheme;
use tokio::time::{Instant, sleep};

use super::{
    Bench,
    client::Scraper,
    fleet::{Fleet, Plan, ready},
    process::{Program, find, free_address},
    table::{Bar, Table, number},
};

/// One size.
struct Grown {
    size: usize,
    fleet: Fleet,
    exporter: Program,
    cpu: f64,
    requests: u64,
}

pub(crate) async fn measure(bench: &Bench, table: &mut Table) {
    let sizes: &[usize] = if bench.quick { &SIZES[..3] } else { &SIZES };
    table.growth(HEAD.map(str::to_owned).into());
    let mut all = Vec::new();
    for size in sizes {
        let fleet = Fleet::new(*size, Scheme::Basic, bench.place()).await;
        let plan = Plan::Defaults {
            upload_start_delay: "5m",
        };
        let exporter = fleet.exporter(&bench.exporter, bench.place(), *size, plan, true);
        ready(&exporter).await;
        all.push(Grown {
            size: *size,
            fleet,
            exporter,
            cpu: 0.0,
            requests: 0,
        });
    }
    for one in &mut all {
        one.cpu = one.exporter.used().cpu;
        one.requests = one.fleet.sim.total_requests();
    }
    // A scrape every half minute, as Prometheus does with gzip.
    let begin = Instant::now();
    while begin.elapsed() < bench.growth {
        for one in &all {
            let mut scraper = Scraper::new(one.exporter.address).await;
            scraper.get("/metrics", true).await;
        }
        let left = bench.growth.saturating_sub(begin.elapsed());
        sleep(left.min(Duration::from_secs(30))).await;
    }
    for one in all {
        let seconds = begin.elapsed().as_secs_f64();
        row(bench, table, one, seconds).await;
    }
}

async fn row(bench: &Bench, table: &mut Table, one: Grown, seconds: f64) {
    let share = (one.exporter.used().cpu - one.cpu) / seconds * 100.0;
    let requests = (one.fleet.sim.total_requests() - one.requests) as f64 / seconds;
    let mut scraper = Scraper::new(one.exporter.address).await;
    let resident = one.exporter.resident();
    let squeezed = scraper.get("/metrics", true).await.bytes as f64 / 1e6;
    let plain = scraper.get("/metrics", false).await.bytes as f64 / 1e6;
    let (took, scrape_cpu, memory) = prometheus(bench, &one).await.unwrap_or_default();
    let megabytes = |value: f64| format!("{} MB", number(value));
    table.growth(vec![
        one.size.to_string(),
        format!("{} %", number(share)),
        number(requests),
        megabytes(resident),
        format!("{} / {}", megabytes(plain), megabytes(squeezed)),
        format!(
            "{} s, {} s of CPU, {}",
            number(took),
            number(scrape_cpu),
            megabytes(memory)
        ),
    ]);
    if one.size == 10_000 {
        table.row(
            "CPU of 10,000 registries at the default intervals, scraped twice a minute (% of a core)",
            format!("{} %, {} requests/s", number(share), number(requests)),
            String::new(),
            share,
            Bar::AtMost(15.0),
        );
        table.row(
            "its resident memory, beyond the plain page (MB)",
            megabytes(resident),
            format!("page {}", megabytes(plain)),
            resident - plain,
            Bar::AtMost(150.0),
        );
    }
}

/// How long a scrape takes Prometheus, what it costs it, what it then holds.
async fn prometheus(bench: &Bench, one: &Grown) -> Option<(f64, f64, f64)> {
    let program = find("prometheus")?;
    let place = bench.place().join(format!("prometheus-{}", one.size));
    fs::create_dir(&place).unwrap();
    let every = if one.size > 1000 { 15 } else { 2 };
    let file = place.join("prometheus.yml");
    let text = format!(
        "global: {{scrape_interval: {every}s, scrape_timeout: {every}s}}\nscrape_configs:\n  - job_name: exporter\n    static_configs: [{{targets: ['{}']}}]\n",
        one.exporter.address
    );
    fs::write(&file, text).unwrap();
    let address = free_address();
    let mut command = Command::new(program);
    command.arg(format!("--config.file={}", file.display()));
    command.arg(format!(
        "--storage.tsdb.path={}",
        place.join("data").display()
    ));
    command.arg(format!("--web.listen-address={address}"));
    let prometheus = Program::start(&mut command, address, &place.join("log"));
    // The first two scrapes make the series; the ones after them are like all later ones.
    sleep(Duration::from_secs(every * 2 + every / 2)).await;
    let before = prometheus.used().cpu;
    sleep(Duration::from_secs(every * SCRAPES)).await;
    let cpu = (prometheus.used().cpu - before) / SCRAPES as f64;
    let mut scraper = Scraper::new(address).await;
    let path = "/api/v1/query?query=scrape_duration_seconds";
    let answer = scraper.body(path, false).await;
    let answer: serde_json::Value = serde_json::from_slice(&answer).ok()?;
    let value = answer["data"]["result"][0]["value"][1].as_str()?;
    Some((value.parse().ok()?, cpu, prometheus.resident()))
}

const SIZES: [usize; 4] = [10, 100, 1000, 10_000];
const SCRAPES: u64 = 3;
const HEAD: [&str; 6] = [
    "registries",
    "CPU of a core",
    "requests/s",
    "memory",
    "page plain / gzip",
    "Prometheus: a scrape, its CPU, its memory",
];
