//! What the last run of each check said, whatever it was, and how its runs went so far.

use super::{
    family::{Family, Kind, Series},
    scene::Scene,
};
use crate::outcome::Status;

const SUBJECT: &[&str] = &["registry", "check", "repository", "credential"];

pub(super) const FAMILIES: [Family; 10] = [
    Family {
        name: "oci_registry_check_status",
        kind: Kind::Gauge,
        help: "1 for the status of the last scheduled run, 0 for the others; absent until the check has run",
        labels: &["registry", "check", "repository", "credential", "status"],
        series: statuses,
    },
    Family {
        name: "oci_registry_check_status_code",
        kind: Kind::Gauge,
        help: "Status of the last scheduled run as a number: 0 pass, 1 info, 2 warn, 3 fail, -1 skip, -2 unknown",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| Some(check.report.outcome.status.code())),
    },
    Family {
        name: "oci_registry_check_reason",
        kind: Kind::Gauge,
        help: "1 for the reason of the last scheduled run while its status is not pass; for looking up, not for alerting",
        labels: &["registry", "check", "repository", "credential", "reason"],
        series: reasons,
    },
    Family {
        name: "oci_registry_check_latency_seconds",
        kind: Kind::Gauge,
        help: "Time of the deciding request of the last scheduled run, waits excluded; absent when it was not answered",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| check.report.outcome.latency),
    },
    Family {
        name: "oci_registry_check_duration_seconds",
        kind: Kind::Gauge,
        help: "Time of the whole last scheduled run, retries and waits included",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| Some(check.report.duration)),
    },
    Family {
        name: "oci_registry_check_last_run_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When the last scheduled run ended",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| Some(check.last_run)),
    },
    Family {
        name: "oci_registry_check_last_success_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When a scheduled run last ended with pass, info or warn",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| check.last_success),
    },
    Family {
        name: "oci_registry_check_last_conclusive_timestamp_seconds",
        kind: Kind::Gauge,
        help: "When a scheduled run last answered the question: not unknown, not skip, not a missing test image. The age of the facts",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| check.last_conclusive),
    },
    Family {
        name: "oci_registry_check_runs_total",
        kind: Kind::Counter,
        help: "Scheduled runs by status. Not for objectives: a failing check may run more often",
        labels: &["registry", "check", "repository", "credential", "status"],
        series: runs,
    },
    Family {
        name: "oci_registry_check_consecutive_failures",
        kind: Kind::Gauge,
        help: "Scheduled runs that failed in a row: fail adds one; pass, info and warn reset; unknown and skip do neither",
        labels: SUBJECT,
        series: |scene| scene.each_check(|check| Some(check.consecutive_failures)),
    },
];

fn statuses<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .checks()
        .flat_map(|(registry, subject, check)| {
            Status::ALL.iter().map(move |(status, word)| {
                let is = check.report.outcome.status == *status;
                registry.series(subject.into(), &[("status", word)], is)
            })
        })
        .collect()
}

fn reasons<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .checks()
        .filter(|(_, _, check)| check.report.outcome.status != Status::Pass)
        .filter_map(|(registry, subject, check)| {
            let reason = check.report.outcome.reason?;
            Some(registry.series(subject.into(), &[("reason", reason.as_str())], true))
        })
        .collect()
}

/// At 0 from load on for what is scheduled, so that the first run is an increase.
fn runs<'a>(scene: &'a Scene<'a>) -> Vec<Series<'a>> {
    scene
        .registries
        .iter()
        .flat_map(|registry| {
            registry.subjects().into_iter().flat_map(move |subject| {
                let check = registry.record.and_then(|it| it.checks.get(subject));
                Status::ALL.iter().map(move |(status, word)| {
                    let runs = check.map_or(0, |check| check.runs(*status));
                    registry.series(subject.into(), &[("status", word)], runs)
                })
            })
        })
        .collect()
}
