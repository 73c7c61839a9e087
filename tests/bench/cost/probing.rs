//! What asking costs: a full cycle, the same at the pace of a scraped exporter, and
//! one request on a new connection.

use std::time::Duration;

use registry_sim::Scheme;

use super::{
    Bench,
    client::{closed_loop, paced},
    fleet::{Fleet, Plan, ready},
    peers,
    process::{Program, Used},
    table::{Bar, Table, median, number},
};

/// What one side did in one window.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Microseconds of CPU a request.
    each: f64,
    /// Times that it waited, a request.
    waits: f64,
}

/// All that takes turns, and what each is asked.
struct Sides {
    basic: Fleet,
    open: Fleet,
    cycles: (Program, Vec<String>),
    single: (Program, Vec<String>),
    blackbox: (Program, Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Cycles,
    Single,
    Blackbox,
    PacedCycles,
    PacedBlackbox,
}

pub(crate) async fn measure(bench: &Bench, table: &mut Table) {
    let sides = Sides::new(bench).await;
    let mut costs: Vec<(Turn, Cost)> = Vec::new();
    let (mut requests, mut handshakes) = (0, 0);
    for round in 0..bench.rounds {
        let mut turns = TURNS;
        if round % 2 == 1 {
            turns.reverse();
        }
        for turn in turns {
            let counted = (
                sides.basic.sim.total_requests(),
                sides.basic.sim.handshakes(),
            );
            costs.push((turn, sides.take(turn, bench.window).await));
            if turn == Turn::Cycles {
                requests += sides.basic.sim.total_requests() - counted.0;
                handshakes += sides.basic.sim.handshakes() - counted.1;
            }
        }
    }
    let of = |turn: Turn, part: fn(&Cost) -> f64| {
        let mine = costs.iter().filter(|(whose, _)| *whose == turn);
        median(&mine.map(|(_, cost)| part(cost)).collect::<Vec<_>>())
    };
    let each = |turn| of(turn, |cost| cost.each);
    let said = |turn| {
        let waits = of(turn, |cost| cost.waits);
        format!("{} µs, {} waits", number(each(turn)), number(waits))
    };
    table.note(format!(
        "a full cycle of a registry with Basic: {} requests on one new connection (counted over {requests})",
        number(requests as f64 / handshakes as f64)
    ));
    for (what, ours, theirs, bar) in ROWS {
        let ratio = each(theirs) / each(ours);
        table.row(what, said(ours), said(theirs), ratio, Bar::AtLeast(bar));
    }
}

impl Sides {
    async fn new(bench: &Bench) -> Self {
        let (place, count) = (bench.place(), bench.registries);
        let basic = Fleet::new(count, Scheme::Basic, place).await;
        let open = Fleet::new(count, Scheme::None, place).await;
        let cycles = basic.exporter(&bench.exporter, place, count, Plan::Probed, true);
        let single = open.exporter(&bench.exporter, place, count, Plan::Probed, false);
        let blackbox = peers::blackbox(&bench.blackbox, place, open.ca(), 0);
        ready(&cycles).await;
        ready(&single).await;
        let theirs = peers::probes(&open.sim.urls(), |_| "open".to_owned());
        Self {
            basic,
            cycles: (cycles, paths(count, &FIVE)),
            single: (single, paths(count, &["credentials"])),
            blackbox: (blackbox, theirs),
            open,
        }
    }

    async fn take(&self, turn: Turn, window: Duration) -> Cost {
        let (program, paths) = match turn {
            Turn::Cycles | Turn::PacedCycles => &self.cycles,
            Turn::Single => &self.single,
            Turn::Blackbox | Turn::PacedBlackbox => &self.blackbox,
        };
        let address = program.address;
        let at_once = closed_loop(address, 4, paths, window);
        let in_time = |rate| paced(address, rate, paths, window * 2);
        match turn {
            Turn::Cycles => cost(program, Some(&self.basic), at_once).await,
            Turn::Single => cost(program, Some(&self.open), at_once).await,
            Turn::Blackbox => cost(program, None, at_once).await,
            Turn::PacedCycles => cost(program, Some(&self.basic), in_time(PROBES / 12.0)).await,
            Turn::PacedBlackbox => cost(program, None, in_time(PROBES)).await,
        }
    }
}

/// Of a process while that goes on: by what its simulator counts, or by what is counted here.
async fn cost(program: &Program, fleet: Option<&Fleet>, work: impl Future<Output = u64>) -> Cost {
    let requests = || fleet.map_or(0, |fleet| fleet.sim.total_requests());
    let (before, first): (Used, _) = (program.used(), requests());
    let done = work.await;
    let (after, last) = (program.used(), requests());
    let count = if fleet.is_some() { last - first } else { done } as f64;
    Cost {
        each: (after.cpu - before.cpu) / count * 1e6,
        waits: after.waits.saturating_sub(before.waits) as f64 / count,
    }
}

fn paths(registries: usize, checks: &[&str]) -> Vec<String> {
    let checks = checks.join("&check=");
    let path = |number| format!("/probe?target=registry-{number:05}&force=true&check={checks}");
    (0..registries).map(path).collect()
}

const FIVE: [&str; 5] = ["credentials", "pull", "push", "referrers", "capabilities"];
/// Requests a second; a full cycle with Basic has twelve.
const PROBES: f64 = 67.0;
const TURNS: [Turn; 5] = [
    Turn::Cycles,
    Turn::Single,
    Turn::Blackbox,
    Turn::PacedCycles,
    Turn::PacedBlackbox,
];
const ROWS: [(&str, Turn, Turn, f64); 3] = [
    (
        "CPU of an HTTPS request in a full cycle, beside a `/probe` of the blackbox exporter",
        Turn::Cycles,
        Turn::Blackbox,
        12.0,
    ),
    (
        "the same at 67 requests a second",
        Turn::PacedCycles,
        Turn::PacedBlackbox,
        8.0,
    ),
    (
        "CPU of one request on a new, verified connection",
        Turn::Single,
        Turn::Blackbox,
        2.0,
    ),
];
