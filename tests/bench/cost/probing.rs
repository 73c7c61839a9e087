//! What asking costs: a full cycle, the same at the pace of a scraped exporter, and
//! one request on a new connection.

use std::time::Duration;

use registry_sim::Scheme;
use tokio::time::sleep;

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

/// All that takes turns.
struct Sides<'a> {
    bench: &'a Bench,
    basic: Fleet,
    open: Fleet,
    blackbox: Program,
    probes: Vec<String>,
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
        "the cycles of a registry with Basic, which the daemon asks in two: {} requests on a new connection (counted over {requests})",
        number(requests as f64 / handshakes as f64)
    ));
    for (what, ours, theirs, bar) in ROWS {
        let ratio = each(theirs) / each(ours);
        table.row(what, said(ours), said(theirs), ratio, Bar::AtLeast(bar));
    }
}

impl<'a> Sides<'a> {
    async fn new(bench: &'a Bench) -> Self {
        let (place, count) = (bench.place(), bench.registries);
        let basic = Fleet::new(count, Scheme::Basic, place).await;
        let open = Fleet::new(count, Scheme::None, place).await;
        Self {
            bench,
            blackbox: peers::blackbox(&bench.blackbox, place, open.ca(), 0),
            probes: peers::probes(&open.sim.urls(), |_| "open".to_owned()),
            basic,
            open,
        }
    }

    async fn take(&self, turn: Turn, window: Duration) -> Cost {
        let blackbox = &self.blackbox;
        match turn {
            Turn::Cycles => {
                let plan = Plan::All(10.0, 20.0);
                self.scheduled(&self.basic, self.bench.registries, plan, window)
                    .await
            }
            Turn::Single => {
                let plan = Plan::Ping(5.0, 10.0);
                self.scheduled(&self.open, self.bench.registries, plan, window)
                    .await
            }
            // Twelve requests each; the intervals of a hundred come to 67 requests a second.
            Turn::PacedCycles => {
                let plan = Plan::All(12.0, 25.0);
                self.scheduled(&self.basic, 100, plan, window * 2).await
            }
            Turn::Blackbox => {
                let work = closed_loop(blackbox.address, 4, &self.probes, window);
                cost(blackbox, None, work).await
            }
            Turn::PacedBlackbox => {
                let work = paced(blackbox.address, PROBES, &self.probes, window * 2);
                cost(blackbox, None, work).await
            }
        }
    }

    /// The exporter, once all that is asked at a start has been.
    async fn scheduled(&self, fleet: &Fleet, count: usize, plan: Plan, window: Duration) -> Cost {
        let (bench, login) = (self.bench, matches!(plan, Plan::All(..)));
        let program = fleet.exporter(&bench.exporter, bench.place(), count, plan, login);
        ready(&program).await;
        sleep(AFTER_START).await;
        let work = async {
            sleep(window).await;
            0
        };
        cost(&program, Some(fleet), work).await
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

/// The first uploads come within three seconds; then everything goes by its interval.
const AFTER_START: Duration = Duration::from_secs(10);
/// Requests a second.
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
