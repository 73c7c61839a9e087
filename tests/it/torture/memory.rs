//! What a hostile answer may cost in memory: the body's cap, and a megabyte.

use std::{fs, process::Command};

use oci_registry_exporter::exchange::MANIFEST_BODY;
use registry_sim::{Fault, Operation, RegistrySim};

use super::{
    faults::{self, Torture, Way},
    virtual_time::{drive, runtime},
    world::{ALL, World, tidy},
};

/// The peak belongs to the whole process, so the test runs itself in one of its own.
#[test]
fn a_hostile_answer_costs_its_cap_and_a_megabyte() {
    if fs::metadata("/proc/self/clear_refs").is_err() {
        return;
    }
    let own = std::env::current_exe().expect("this program");
    let ended = Command::new(own)
        .args([
            "--exact",
            "torture::memory::peaks",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&ended.stdout);
    let error = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}{error}");
    assert!(said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by a_hostile_answer_costs_its_cap_and_a_megabyte"]
fn peaks() {
    for world in [World::Bearer, World::Http2] {
        for operation in [
            Operation::Ping,
            Operation::Token,
            Operation::ManifestGet,
            Operation::Referrers,
        ] {
            for fault in hostile(world) {
                let most = peak(world, operation, &fault);
                let allowed = MANIFEST_BODY as u64 / 1024 + 1024 + SIMULATOR;
                assert!(
                    most <= allowed,
                    "{world} {operation:?} {fault:?}: {most} KiB"
                );
            }
        }
    }
}

/// What is huge, or never ends.
fn hostile(world: World) -> Vec<Torture> {
    runtime().block_on(async {
        let (own, thief) = (World::Open.start().await, World::Open.start().await);
        let all = match world {
            World::Http2 => faults::http2(&thief),
            _ => faults::plain(&own, &thief),
        };
        let huge = |fault: &Torture| HUGE.contains(&fault.name.as_str());
        all.into_iter().filter(huge).collect()
    })
}

/// By how much the process grew at most while this fault met this kind of request (KiB).
fn peak(world: World, operation: Operation, fault: &Torture) -> u64 {
    let Way::Answer(action) = &fault.way else {
        panic!("{fault:?} is no answer");
    };
    runtime().block_on(async {
        let sim = world.start().await;
        // Everything that a cycle needs is there before it is looked at.
        let asked = world.asked(&sim);
        cycle(&sim, &asked).await;
        sim.fault(Fault::on(operation).then(action.clone()));
        let asked = world.asked(&sim);
        fs::write("/proc/self/clear_refs", "5").expect("the own peak");
        let before = memory("VmRSS:");
        cycle(&sim, &asked).await;
        let peak = memory("VmHWM:");
        tidy(&sim);
        peak.saturating_sub(before)
    })
}

async fn cycle(sim: &RegistrySim, asked: &crate::asked::Asked) {
    drive(&[sim], asked.cycle(&ALL)).await;
}

fn memory(key: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("the own status");
    let line = status.lines().find(|line| line.starts_with(key));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// What the simulator needs to say it, in the same process (KiB).
const SIMULATOR: u64 = 512;
const HUGE: [&str; 10] = [
    "endless body",
    "endless head",
    "huge header",
    "many headers",
    "100s",
    "gzip bomb",
    "json deep",
    "h2 endless body",
    "h2 empty data",
    "h2 continuations",
];
