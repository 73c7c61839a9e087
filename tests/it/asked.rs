//! Asks a simulated registry as the daemon does, and keeps what came of it.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use oci_registry_exporter::{
    checks,
    config::{self, Environment, Target},
    outcome::{CheckName, Fact, Observation, Outcome, Reason, Report, Status, Subject},
    probe::{Prober, Sink},
};
use registry_sim::RegistrySim;

/// One configured registry and the prober that asks it again and again.
pub(crate) struct Asked {
    targets: Vec<Arc<Target>>,
    prober: Prober,
}

/// What one cycle brought.
#[derive(Debug, Default)]
pub(crate) struct Cycle {
    reports: Mutex<Vec<Report>>,
    observation: Mutex<Option<Observation>>,
}

impl Sink for Cycle {
    fn report(&self, report: Report) {
        self.reports.lock().unwrap().push(report);
    }

    fn observe(&self, _: &str, observation: Observation) {
        *self.observation.lock().unwrap() = Some(observation);
    }
}

impl Asked {
    /// The registry of this configuration (the first one).
    pub(crate) fn of(yaml: &str) -> Self {
        let environment = Environment::default();
        let config = config::parse(yaml, "test.yml", Path::new("/"), &environment)
            .unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
        Self {
            targets: config.registries,
            prober: Prober::new(),
        }
    }

    /// A simulated registry with the image `team/app:latest`; `more` are further keys, one a line.
    pub(crate) fn sim(sim: &RegistrySim, more: &str) -> Self {
        let mut keys = String::new();
        for line in more.lines().filter(|line| !line.trim().is_empty()) {
            keys.push_str("    ");
            keys.push_str(line.trim_end());
            keys.push('\n');
        }
        let ca = sim.ca_pem().map(|pem| {
            let path =
                std::env::temp_dir().join(format!("ca-{}-{}.pem", std::process::id(), sim.port()));
            std::fs::write(&path, pem).unwrap();
            format!("    tls: {{ca_file: {}}}\n", path.display())
        });
        Self::of(&format!(
            "registries:\n  - name: sim\n    url: {}\n{keys}{}",
            sim.url(),
            ca.unwrap_or_default()
        ))
    }

    /// The first registry of the configuration.
    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.targets[0]
    }

    /// One cycle in which these checks are due.
    pub(crate) async fn cycle(&self, due: &[CheckName]) -> Cycle {
        self.cycle_of(0, due).await
    }

    /// The same of the registry with this number in the configuration.
    pub(crate) async fn cycle_of(&self, number: usize, due: &[CheckName]) -> Cycle {
        let target = &self.targets[number];
        let subjects: Vec<Subject> = checks::questions(target)
            .into_iter()
            .map(|(subject, _)| subject)
            .filter(|subject| due.contains(&subject.check))
            .collect();
        let cycle = Cycle::default();
        self.prober.cycle(target, &subjects, &cycle).await;
        cycle
    }

    /// Waits until no upload probe runs any more.
    pub(crate) async fn sessions_ended(&self) {
        self.prober.sessions_ended().await;
    }

    /// One cycle of the three read-only checks.
    pub(crate) async fn reads(&self) -> Cycle {
        self.cycle(&READS).await
    }
}

impl Cycle {
    /// Every report.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.reports.lock().unwrap().clone()
    }

    /// What the cycle showed beside its reports.
    pub(crate) fn observation(&self) -> Observation {
        self.observation
            .lock()
            .unwrap()
            .clone()
            .expect("the cycle ended")
    }

    /// The same, where the cycle came to have one: it has none when nothing could be sent.
    pub(crate) fn seen(&self) -> Option<Observation> {
        self.observation.lock().unwrap().clone()
    }

    /// The outcome of a check (the first one, where there are several).
    pub(crate) fn outcome(&self, check: CheckName) -> Outcome {
        self.reports()
            .into_iter()
            .find(|report| report.subject.check == check)
            .unwrap_or_else(|| panic!("{check:?} was not asked"))
            .outcome
    }

    /// `status/reason` of every report, in order.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        self.reports()
            .iter()
            .map(|report| verdict(report.outcome.status, report.outcome.reason))
            .collect()
    }

    /// What was proven, in order, in words.
    pub(crate) fn facts(&self) -> String {
        let facts: Vec<String> = self
            .reports()
            .into_iter()
            .flat_map(|report| report.outcome.facts)
            .map(|fact| match fact {
                Fact::CredentialsValid(valid) => format!("valid={valid}"),
                Fact::PullAuthorized(may) => format!("pull={may}"),
                Fact::PushAuthorized(may) => format!("push={may}"),
                Fact::Capability(capability, has) => format!("{}={has}", capability.as_str()),
                Fact::Referrers(count) => format!("referrers={count}"),
                Fact::CredentialsExpiry(at, source) => format!("expiry={at} ({source})"),
            })
            .collect();
        facts.join(" ")
    }

    /// The words of what was sent, in order.
    pub(crate) fn operations(&self) -> Vec<&'static str> {
        self.reports()
            .iter()
            .flat_map(|report| report.requests.iter())
            .map(|sent| sent.operation.as_str())
            .collect()
    }
}

/// `status/reason`.
pub(crate) fn verdict(status: Status, reason: Option<Reason>) -> String {
    match reason {
        Some(reason) => format!("{}/{}", status.as_str(), reason.as_str()),
        None => status.as_str().to_owned(),
    }
}

/// The checks that write nothing.
pub(crate) const READS: [CheckName; 3] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Referrers,
];
