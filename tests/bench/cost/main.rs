//! What the exporter costs beside others: `./tests/bench/run [--quick]`.
//!
//! Everything is measured in one run and in turns, so that what else the machine
//! does falls on both sides; of several rounds the median counts. The registries
//! are simulated by this process, which also plays Prometheus. CPU and memory are
//! what the kernel says of the process that is measured, requests and handshakes
//! are counted by the simulator. Nothing here passes or fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "it is run by hand, and what fails shall be seen"
)]

mod client;
mod fleet;
mod growth;
mod page;
mod peers;
mod probing;
mod process;
mod start;
mod table;

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use table::Table;

/// What is measured with what.
pub(crate) struct Bench {
    exporter: PathBuf,
    blackbox: PathBuf,
    /// Gone at the end, with all that was written there.
    place: TempDir,
    rounds: usize,
    /// Of one measurement.
    window: Duration,
    /// How long the growth table looks.
    growth: Duration,
    quick: bool,
    registries: usize,
}

impl Bench {
    fn place(&self) -> &Path {
        self.place.path()
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|it| it == name)?;
        arguments.get(place + 1).map(PathBuf::from)
    };
    let quick = arguments.iter().any(|it| it == "--quick");
    let results = value("--results").expect("--results DIRECTORY");
    let bench = Bench {
        exporter: value("--exporter").expect("--exporter PROGRAM"),
        blackbox: value("--blackbox").expect("--blackbox PROGRAM"),
        place: TempDir::new().unwrap(),
        rounds: if quick { 2 } else { 5 },
        window: Duration::from_secs(if quick { 2 } else { 4 }),
        growth: Duration::from_secs(if quick { 30 } else { 300 }),
        registries: if quick { 200 } else { 1000 },
        quick,
    };
    let only = value("--only").map(|it| it.to_str().unwrap().to_owned());
    let wanted = |name: &str| {
        let only = only.as_deref();
        only.is_none_or(|only| only.split(',').any(|it| it == name))
    };
    let mut table = Table::default();
    table.note(process::version(&bench.exporter, "--version"));
    table.note(process::version(&bench.blackbox, "--version"));
    table.note(process::version(&process::find("nginx").unwrap(), "-v"));
    table.note(format!(
        "{} rounds in turns, medians; {} registries with five checks{}",
        bench.rounds,
        bench.registries,
        if quick {
            " (quick: bars are meant for 1000)"
        } else {
            ""
        }
    ));
    if wanted("probing") {
        probing::measure(&bench, &mut table).await;
    }
    if wanted("page") {
        page::measure(&bench, &mut table).await;
    }
    if wanted("start") {
        start::measure(&bench, &mut table).await;
    }
    if wanted("growth") {
        growth::measure(&bench, &mut table).await;
    }
    fs::create_dir_all(&results).unwrap();
    table.write(&results);
    println!("\n{}", table.markdown());
}
