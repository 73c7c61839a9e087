//! A month of the daemon's schedule against a registry that is never well for long: the
//! grid does not drift, every report is counted, and nothing that is remembered grows.

use std::time::Duration;

use oci_registry_exporter::{
    outcome::{CheckName, SessionEnd, Status},
    store::{FactKey, MOST_TRANSITIONS},
};
use registry_sim::{Entrance, Fault, Operation, Profile, RegistrySim, Scheme};

use crate::schedule::simulation::Simulation;

#[tokio::test(start_paused = true)]
async fn a_month_of_trouble_leaves_nothing_behind() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let days = Simulation::of(&format!(
        "registries:\n  - name: one\n    url: {}\n    test_repository: team/app\n    username: robot\n    password: {PASSWORD}\n    upload_start_delay: 1s\n    checks: {{credentials: {{interval: 30m}}, pull: {{interval: 30m}}, push: {{interval: 1h}}, referrers: {{interval: 1h}}}}\n",
        sim.url()
    ));
    let mut sizes = Vec::new();
    for day in 0..DAYS {
        for (number, trouble) in TROUBLES.iter().enumerate() {
            // An image is pushed anew every few hours, as a pipeline does.
            sim.push_image("team/app", "latest");
            trouble(&sim);
            let hours = u32::try_from(number).unwrap() * 3;
            let end = day * DAY + (hours + 2) * HOUR;
            days.until(end, &[&sim], |_| {}).await;
            well(&sim);
            days.until(end + HOUR, &[&sim], |_| {}).await;
        }
        assert_eq!(days.now(), (day + 1) * DAY);
        sizes.push(format!("{:?}", days.prober).len() + format!("{:?}", days.store).len());
    }
    // After a week all that can be known is known; what is left are the digits of numbers.
    let (week, month) = (sizes[6], sizes[sizes.len() - 1]);
    assert!(month <= week + week / 20, "{sizes:?}");
    // A day without trouble, so that all is asked once more.
    days.until((DAYS + 1) * DAY, &[&sim], |_| {}).await;
    consistent(&days, &sim);
    days.end().await;
    assert_eq!(sim.open_sessions(), 0);
}

/// What the store counted is what happened.
fn consistent(days: &Simulation, sim: &RegistrySim) {
    let store = days.store.snapshot();
    let record = store.registry("one").unwrap();
    for (subject, check) in &record.checks {
        let reported = days.diary.of("one", subject.check).len();
        let counted: u64 = Status::ALL
            .iter()
            .map(|(status, _)| check.runs(*status))
            .sum();
        assert_eq!(counted, reported as u64, "{subject:?}");
        assert!(
            check.transitions().count() <= MOST_TRANSITIONS,
            "{subject:?}"
        );
        // It ends well, and so does every fact.
        assert_eq!(
            check.report.outcome.status,
            Status::Pass,
            "{:?}",
            check.report
        );
        assert_eq!(check.consecutive_failures, 0, "{subject:?}");
    }
    let proofs: Vec<_> = record
        .facts
        .iter()
        .filter(|(key, proof)| proof.value == 0 && !matches!(key, FactKey::Referrers { .. }))
        .collect();
    assert!(proofs.is_empty(), "{proofs:?}");
    // On the grid, and a confirmation after each change: never a storm of either.
    let pulls = days.diary.of("one", CheckName::Pull).len();
    let grid = usize::try_from(DAYS + 1).unwrap() * 48;
    assert!(
        (grid..grid + grid / 2).contains(&pulls),
        "{pulls} of {grid}"
    );
    let sessions = sim.sessions();
    let told: u64 = record.sessions.values().sum();
    let lost = record
        .sessions
        .get(&SessionEnd::Lost)
        .copied()
        .unwrap_or_default();
    assert_eq!(sessions.opened, sessions.cancelled, "{sessions:?}");
    assert_eq!(told - lost, sessions.opened, "{:?}", record.sessions);
}

fn well(sim: &RegistrySim) {
    sim.clear_faults();
    sim.set_entrance(Entrance::Open);
    sim.set_password("robot", PASSWORD);
}

/// Eight troubles, for two hours each; then an hour without.
const TROUBLES: [fn(&RegistrySim); 8] = [
    |sim| sim.fault(Fault::any().status(503)),
    |sim| sim.fault(Fault::any().too_many_requests(Some("600"))),
    |sim| sim.set_password("robot", "another"),
    |sim| sim.set_entrance(Entrance::Refused),
    |sim| sim.fault(Fault::on(Operation::Token).status(500)),
    |sim| sim.fault(Fault::on(Operation::ManifestHead).close()),
    |sim| sim.fault(Fault::any().html(200)),
    |sim| sim.fault(Fault::on(Operation::UploadCancel).status(503).times(1)),
];
const DAYS: u32 = 30;
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
const PASSWORD: &str = "canary-s3cret-0f3a";
