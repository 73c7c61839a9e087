//! A cycle that is dropped between any two of its steps, as a reload does: what it opened
//! is cancelled all the same, or counted by the next cycle.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use oci_registry_exporter::outcome::{CheckName, SessionEnd};
use registry_sim::{Fault, Operation, RegistrySim};

use super::{
    virtual_time::{drive, runtime},
    world::{ALL, World},
};
use crate::asked::Asked;

#[test]
fn a_dropped_cycle_leaves_no_session_that_is_not_counted() {
    for world in [World::Open, World::Basic, World::Bearer] {
        let mut lost = 0;
        for (name, fault) in [
            ("as usual", None),
            (
                "cancels that fail",
                Some(Fault::on(Operation::UploadCancel).status(500)),
            ),
            (
                "a lost answer",
                Some(Fault::on(Operation::UploadStart).after().close()),
            ),
        ] {
            let mut polls = 0;
            while !dropped_after(world, polls, name, fault.clone(), &mut lost) {
                polls += 1;
            }
            assert!(polls > 10, "{world} {name}: {polls}");
        }
        // Otherwise nothing was seen to be counted.
        assert!(lost > 10, "{world}: {lost}");
    }
}

/// Drops a cycle after so many polls; whether it had ended by itself before.
fn dropped_after(
    world: World,
    polls: usize,
    name: &str,
    fault: Option<Fault>,
    lost: &mut usize,
) -> bool {
    runtime().block_on(async {
        let sim = world.start().await;
        if let Some(fault) = fault {
            sim.fault(fault);
        }
        let asked = Arc::new(world.asked(&sim));
        let ended = drive(&[&sim], polled(Arc::clone(&asked), polls)).await;
        if polls.is_multiple_of(2) {
            // A reload: the probe goes on as if nothing had happened.
            drive(&[&sim], tokio::time::sleep(Duration::from_mins(1))).await;
        }
        // A shutdown: it sends no further chunk.
        drive(&[&sim], asked.sessions_ended()).await;
        let sessions = sim.sessions();
        let mut told = next(&asked, &sim).await;
        told.extend(ended.iter().flatten());
        told.retain(|end| *end != SessionEnd::Cancelled);
        *lost += told.len();
        assert_eq!(
            sessions.opened,
            sessions.cancelled + told.len() as u64,
            "{world}, {name}, after {polls} polls: {told:?} {:?}",
            sim.requests()
        );
        ended.is_some()
    })
}

/// As a task, so that it is polled when it can go on, and not when anything else can.
/// What it told of sessions, where it ended before.
async fn polled(asked: Arc<Asked>, most: usize) -> Option<Vec<SessionEnd>> {
    let cycle = tokio::spawn(async move {
        let mut cycle = pin!(asked.cycle(&ALL));
        let mut polls = 0;
        let ended = poll_fn(|context| {
            if polls == most {
                return Poll::Ready(None);
            }
            polls += 1;
            cycle.as_mut().poll(context).map(Some)
        });
        ended.await.map(|cycle| cycle.observation().sessions)
    });
    cycle.await.expect("no panic")
}

/// What the next cycle tells of sessions, although it opens none.
async fn next(asked: &Asked, sim: &RegistrySim) -> Vec<SessionEnd> {
    sim.clear_faults();
    let next = drive(&[sim], asked.cycle(&[CheckName::Credentials])).await;
    next.seen().map(|seen| seen.sessions).unwrap_or_default()
}
