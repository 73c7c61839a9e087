//! One case: a cycle in which one fault meets one request, and what came of it.

use std::{fmt::Write as _, time::Duration};

use oci_registry_exporter::{
    outcome::{Report, SessionEnd, Value},
    store::Store,
};
use registry_sim::{Action, Entrance, Fault, Profile, RegistrySim, Scheme};
use tokio::time::Instant;

use super::{
    faults::{Torture, Way},
    invariants::{self, Healthy},
    logs::Logs,
    virtual_time::{drive, runtime},
    world::{ALL, Place, World, canaries, places, tidy},
};
use crate::asked::{Asked, Cycle, verdict};

/// What came of one case, for the golden table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Came(pub(super) String);

/// A cycle in which nothing goes wrong.
pub(super) fn healthy(world: World) -> Healthy {
    runtime().block_on(async {
        let sim = world.start().await;
        let asked = world.asked(&sim);
        let cycle = drive(&[&sim], asked.cycle(&ALL)).await;
        let store = Store::new(&BUCKETS);
        put(&store, &cycle);
        tidy(&sim);
        Healthy {
            places: places(&sim.requests()),
            facts: facts(&cycle),
            requests: sim.total_requests(),
            sessions: cycle.observation().sessions,
            page: invariants::page(asked.target(), &store),
            reports: cycle.reports(),
            observation: cycle.observation(),
        }
    })
}

/// The faults of a world, as many in every run: their addresses differ, their names do not.
pub(super) fn names(of: fn(&RegistrySim, &RegistrySim) -> Vec<Torture>) -> Vec<String> {
    runtime().block_on(async {
        let (own, thief) = (World::Open.start().await, thief().await);
        of(&own, &thief).into_iter().map(|it| it.name).collect()
    })
}

/// One fault at one place of one world; `loud`: with all that any package logs.
///
/// # Panics
/// Where an invariant does not hold, with the case's name.
pub(super) fn run(
    world: World,
    place: &Place,
    of: fn(&RegistrySim, &RegistrySim) -> Vec<Torture>,
    fault: usize,
    healthy: &Healthy,
    loud: bool,
) -> Came {
    let logs = Logs::default();
    let _listening = logs.listen(loud);
    runtime().block_on(async {
        let (sim, thief) = (world.start().await, thief().await);
        let torture = of(&sim, &thief).swap_remove(fault);
        let name = format!("{world} {} {torture:?}", place.number);
        apply(&sim, place, &torture, healthy);
        let asked = world.asked(&sim);
        let begun = Instant::now();
        let sims = [&sim, &thief];
        let cycle = drive(&sims, asked.cycle(&ALL)).await;
        let took = begun.elapsed();
        drive(&sims, asked.sessions_ended()).await;
        let late = begun.elapsed();
        tidy(&sim);
        assert!(
            took <= MOST_TIME && late <= MOST_TIME + Duration::from_secs(25),
            "{name}: {took:?} {late:?}"
        );
        invariants::reports(&name, &cycle.reports());
        let facts = facts(&cycle);
        if torture.transient {
            for fact in &facts {
                assert!(healthy.facts.contains(fact), "{name}: {fact} {cycle:#?}");
            }
        }
        secrets(&name, &sim, &thief, &cycle, &logs);
        invariants::sessions(&name, &sim, place, &torture, &cycle);
        pages(&name, &asked, healthy, &cycle, &sim);
        came(healthy, &cycle, &facts, &sim, &thief)
    })
}

async fn thief() -> RegistrySim {
    RegistrySim::profile(Profile::PLAIN)
        .auth(Scheme::None)
        .ip([127, 0, 0, 2])
        .start()
        .await
}

fn apply(sim: &RegistrySim, place: &Place, torture: &Torture, healthy: &Healthy) {
    match &torture.way {
        Way::Answer(action) => {
            let fault = Fault::on(place.operation).skip(place.before);
            let fault = if torture.stays { fault } else { fault.once() };
            let fault = if torture.after { fault.after() } else { fault };
            sim.fault(fault.then(action.clone()));
        }
        Way::Connection(entrance) => meets(sim, place, *entrance, healthy),
    }
}

/// The answer before this place is the last of its connection.
fn meets(sim: &RegistrySim, place: &Place, entrance: Entrance, healthy: &Healthy) {
    let Some(before) = place.number.checked_sub(2) else {
        return sim.set_entrance(entrance);
    };
    let before = &healthy.places[before];
    sim.fault(
        Fault::on(before.operation)
            .skip(before.before)
            .once()
            .then(Action::Last(entrance)),
    );
}

/// What must never be seen elsewhere is not: not at another origin, not in what is shown.
fn secrets(name: &str, sim: &RegistrySim, thief: &RegistrySim, cycle: &Cycle, logs: &Logs) {
    let shown = format!("{cycle:?}");
    let said = logs.said();
    for canary in canaries(sim) {
        assert!(!thief.saw(&canary), "{name}: {:?}", thief.requests());
        assert!(!shown.contains(&canary), "{name}: {shown}");
        assert!(!said.contains(&canary), "{name}: {said}");
    }
    for request in thief.requests() {
        assert_eq!(request.authorization, None, "{name}: {request}");
    }
}

fn pages(name: &str, asked: &Asked, healthy: &Healthy, cycle: &Cycle, sim: &RegistrySim) {
    let store = Store::new(&BUCKETS);
    for report in &healthy.reports {
        store.put(report.clone());
    }
    store.observe("sim", healthy.observation.clone());
    put(&store, cycle);
    let page = invariants::page(asked.target(), &store);
    invariants::pages(name, &healthy.page, &page);
    let status = invariants::status_page(asked.target(), &store);
    let json = format!("{:?}", store.snapshot().registry("sim"));
    for canary in canaries(sim) {
        for text in [&page, &status, &json] {
            assert!(!text.contains(&canary), "{name}: {text}");
        }
    }
}

fn put(store: &Store, cycle: &Cycle) {
    for report in cycle.reports() {
        store.put(report);
    }
    if let Some(observation) = cycle.seen() {
        store.observe("sim", observation);
    }
}

/// In words, what differs from a cycle in which nothing goes wrong.
fn came(
    healthy: &Healthy,
    cycle: &Cycle,
    facts: &[String],
    sim: &RegistrySim,
    thief: &RegistrySim,
) -> Came {
    let mut text = String::new();
    for (report, usual) in cycle.reports().iter().zip(&healthy.reports) {
        let said = said(report);
        if said != self::said(usual) {
            let _ = write!(text, " {}={said}", report.subject.check.as_str());
        }
    }
    let news = facts.iter().filter(|fact| !healthy.facts.contains(fact));
    for fact in news {
        let _ = write!(text, " {fact}");
    }
    let sessions = cycle.seen().map(|seen| seen.sessions).unwrap_or_default();
    for (end, word) in SessionEnd::ALL {
        let count = |ends: &[SessionEnd]| ends.iter().filter(|known| **known == end).count();
        if count(&sessions) != count(&healthy.sessions) {
            let _ = write!(text, " {word}:{}", count(&sessions));
        }
    }
    let requests = i64::try_from(sim.total_requests()).unwrap_or_default()
        - i64::try_from(healthy.requests).unwrap_or_default();
    if requests != 0 {
        let _ = write!(text, " {requests:+}");
    }
    if thief.total_requests() > 0 {
        let _ = write!(text, " elsewhere:{}", thief.total_requests());
    }
    Came(if text.is_empty() {
        " as usual".to_owned()
    } else {
        text
    })
}

fn said(report: &Report) -> String {
    let outcome = &report.outcome;
    let verdict = verdict(outcome.status, outcome.reason);
    // A score is part of what is said.
    match outcome.evidence.value("capability_score") {
        Some(Value::Text(score)) => format!("{verdict}({score})"),
        _ => verdict,
    }
}

fn facts(cycle: &Cycle) -> Vec<String> {
    let facts = cycle.facts();
    facts.split_whitespace().map(str::to_owned).collect()
}

/// Five budgets, and what stays of the last of them for two cancels.
const MOST_TIME: Duration = Duration::from_secs(5 * 30 + 25);
const BUCKETS: [f64; 3] = [0.1, 1.0, 10.0];
