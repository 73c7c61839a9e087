//! How soon it is there, how much it sends, how large it is.

use std::{fs, process::Command, time::Duration};

use registry_sim::Scheme;
use tokio::time::Instant;

use super::{
    Bench,
    fleet::{Fleet, Plan, ready, start},
    peers,
    table::{Bar, Table, median, number},
};

pub(crate) async fn measure(bench: &Bench, table: &mut Table) {
    let place = bench.place();
    let fleet = Fleet::new(bench.registries, Scheme::Basic, place).await;
    let file = fleet.file(place, bench.registries, DEFAULTS, true);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..bench.rounds * 2 {
        for turn in [0, 1] {
            if (turn + round) % 2 == 0 {
                let program = start(&bench.exporter, &file, place);
                ours.push(program.listening_after.as_secs_f64() * 1e3);
            } else {
                let modules = bench.registries * 5;
                let program = peers::blackbox(&bench.blackbox, place, fleet.ca(), modules);
                theirs.push(program.listening_after.as_secs_f64() * 1e3);
            }
        }
    }
    let (ours, theirs) = (median(&ours), median(&theirs));
    let said = |millis: f64| format!("{} ms", number(millis));
    table.row(
        "from exec to listening (ms)",
        said(ours),
        String::new(),
        ours,
        Bar::AtMost(15.0),
    );
    table.row(
        "the same, beside the blackbox exporter with five modules a registry",
        said(ours),
        said(theirs),
        ours / theirs,
        Bar::AtMost(0.25),
    );

    fleet.slow(Duration::from_millis(5));
    let mut complete = Vec::new();
    for _ in 0..bench.rounds {
        let began = Instant::now();
        let program = start(&bench.exporter, &file, place);
        ready(&program).await;
        complete.push(began.elapsed().as_secs_f64());
    }
    let complete = median(&complete);
    table.row(
        "from exec to the first complete page, 5 ms an answer (s)",
        format!("{} s", number(complete)),
        String::new(),
        complete,
        Bar::AtMost(2.0),
    );
    drop(fleet);
    for (name, scheme, login, most) in [
        ("open", Scheme::None, false, 9.0),
        ("Basic", Scheme::Basic, true, 13.0),
        ("Bearer", Scheme::Bearer, true, 17.0),
    ] {
        requests(bench, table, name, scheme, login, most).await;
    }
    size(bench, table);
}

/// By one run of `check`, which is one cycle of everything.
async fn requests(
    bench: &Bench,
    table: &mut Table,
    name: &str,
    scheme: Scheme,
    login: bool,
    most: f64,
) {
    let fleet = Fleet::new(1, scheme, bench.place()).await;
    let file = fleet.file(bench.place(), 1, DEFAULTS, login);
    let mut command = Command::new(&bench.exporter);
    command.arg("check").arg("--config.file").arg(file);
    let ended = tokio::task::spawn_blocking(move || command.output()).await;
    let code = ended.unwrap().unwrap().status.code();
    assert!(code.is_some_and(|code| code < 2), "{code:?}");
    let (requests, handshakes) = (fleet.sim.total_requests(), fleet.sim.handshakes());
    table.row(
        &format!("requests of the first full cycle, {name}"),
        format!("{requests} on {handshakes} connection(s)"),
        String::new(),
        requests as f64,
        Bar::AtMost(most),
    );
}

fn size(bench: &Bench, table: &mut Table) {
    let megabytes = |program: &std::path::Path| {
        let copy = bench.place().join("stripped");
        fs::copy(program, &copy).unwrap();
        drop(Command::new("strip").arg(&copy).status());
        fs::metadata(&copy).unwrap().len() as f64 / 1e6
    };
    let (ours, theirs) = (megabytes(&bench.exporter), megabytes(&bench.blackbox));
    table.row(
        "stripped program (MB)",
        format!("{} MB", number(ours)),
        format!("{} MB", number(theirs)),
        ours,
        Bar::AtMost(12.0),
    );
}

const DEFAULTS: Plan = Plan::Defaults {
    upload_start_delay: "5m",
};
