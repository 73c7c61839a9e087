//! `/probe` and `/sd`: one registry for whoever asks, at its own pace.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use tokio::time::{Instant, timeout_at};

use super::Daemon;
use crate::{
    config::Target,
    exposition::{Probe, Scope},
    outcome::{CheckName, Report, Status, Subject},
    report::{self, RegistryReports},
    server::{PageError, ProbeRefusal, Probing, Sought},
    store::Snapshot,
};

impl Daemon {
    /// Answers with what is known of a registry, after asking anew what is older
    /// than its interval. All who want the same at once share one cycle; pauses
    /// and credentials that were rejected hold for them as for the schedule.
    ///
    /// # Errors
    /// A registry that is not configured, or not for this.
    pub(super) async fn probe(&self, ask: Probing) -> Result<String, ProbeRefusal> {
        let clock = Instant::now();
        let deadline = clock + ask.timeout;
        let target = self.probed(&ask.target)?;
        let wanted = self.wanted(&target, &ask.checks);
        let mut changes = self.changes.subscribe();
        let stale = self.stale(&target, &wanted, ask.force);
        for (subject, _) in &stale {
            self.ask(subject);
        }
        let mut in_time = true;
        while in_time && !self.answered(&stale) {
            in_time = matches!(timeout_at(deadline, changes.changed()).await, Ok(Ok(())));
            // It may be gone meanwhile, and nobody answers for it any more.
            self.probed(&ask.target)?;
            // And a reload may have lost that it was asked for.
            for (subject, _) in stale.iter().filter(|it| !self.has_answered(it)) {
                self.ask(subject);
            }
        }
        let success = in_time && self.succeeded(&wanted);
        let scope = Scope {
            registries: vec![target.name.clone()],
            probe: Some(Probe {
                success,
                duration: clock.elapsed(),
                subjects: wanted,
                now: SystemTime::now(),
            }),
            ..Scope::default()
        };
        let page = self
            .page(ask.format, scope)
            .map_err(|error| ProbeRefusal::Failed(error.to_string()))?;
        Ok(if ask.debug {
            self.for_a_person(&target, &page)
        } else {
            page
        })
    }

    /// A probe with all that is known, and not only its numbers.
    fn for_a_person(&self, target: &Target, page: &str) -> String {
        let options = report::Options {
            verbose: true,
            remediation: true,
            colour: false,
            ..report::Options::default()
        };
        let store = self.store.snapshot();
        let reports = RegistryReports::of(target, store.registry(&target.name));
        let report = report::text(&[reports], options);
        format!("{report}\nMetrics\n=======\n\n{page}")
    }

    /// The registries that may be probed, for Prometheus' HTTP service discovery
    /// (<https://prometheus.io/docs/prometheus/latest/http_sd/>): each with the
    /// labels that its own metrics have and a probe's lack.
    pub(super) fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError> {
        let loaded = self.loaded();
        let probed = loaded.config.registries.iter().filter(|it| it.probe);
        let groups: Vec<_> = probed.map(|target| group(target, at)).collect();
        if groups.is_empty() && !loaded.config.registries.is_empty() {
            return Ok(None);
        }
        let mut page = serde_json::to_string_pretty(&groups)?;
        page.push('\n');
        Ok(Some(page))
    }

    fn probed(&self, name: &str) -> Result<Arc<Target>, ProbeRefusal> {
        let loaded = self.loaded();
        let target = loaded.target(name).ok_or(ProbeRefusal::NotConfigured)?;
        if target.probe {
            Ok(Arc::clone(target))
        } else {
            Err(ProbeRefusal::NotEnabled)
        }
    }

    /// What is asked at all of the named checks; without any, of those that only read.
    fn wanted(&self, target: &Target, named: &[CheckName]) -> Vec<Subject> {
        let loaded = self.loaded();
        let checks = if named.is_empty() { READ_ONLY } else { named };
        let of_target = |subject: &&Subject| subject.registry == target.name;
        let scheduled = loaded.scheduled.iter().filter(of_target);
        scheduled
            .filter(|subject| checks.contains(&subject.check))
            .cloned()
            .collect()
    }

    /// What is older than its interval, with its last report.
    fn stale(
        &self,
        target: &Target,
        wanted: &[Subject],
        force: bool,
    ) -> Vec<(Subject, Option<Arc<Report>>)> {
        let store = self.store.snapshot();
        let now = SystemTime::now();
        let old = |subject: &&Subject| {
            let interval = target.checks.settings(subject.check).interval;
            let last = record(&store, subject).map(|(_, last_run)| last_run);
            let age = last.map(|last| now.duration_since(last).unwrap_or_default());
            force || age.is_none_or(|age| age > interval)
        };
        let stale = wanted.iter().filter(old);
        stale
            .map(|subject| (subject.clone(), record(&store, subject).map(|(it, _)| it)))
            .collect()
    }

    /// Whether each of them has another report than it had.
    fn answered(&self, stale: &[(Subject, Option<Arc<Report>>)]) -> bool {
        stale.iter().all(|asked| self.has_answered(asked))
    }

    fn has_answered(&self, (subject, before): &(Subject, Option<Arc<Report>>)) -> bool {
        record(&self.store.snapshot(), subject).is_some_and(|(now, _)| {
            let before = before.as_ref();
            before.is_none_or(|before| !Arc::ptr_eq(before, &now))
        })
    }

    fn succeeded(&self, wanted: &[Subject]) -> bool {
        let store = self.store.snapshot();
        let good = |subject: &Subject| {
            record(&store, subject).is_some_and(|(report, _)| {
                !matches!(report.outcome.status, Status::Fail | Status::Unknown)
            })
        };
        // What is not asked proves nothing.
        !wanted.is_empty() && wanted.iter().all(good)
    }
}

fn record(store: &Snapshot, subject: &Subject) -> Option<(Arc<Report>, SystemTime)> {
    let record = store.registry(&subject.registry)?;
    let check = record.checks.get(subject)?;
    Some((Arc::clone(&check.report), check.last_run))
}

/// The target is this exporter itself: no relabelling is needed.
///
/// The labels of repositories stand on their series, and here as what a rule for
/// relabelling can look at: all values of a name, in the way of Prometheus' own
/// discoveries with a comma around each.
fn group(target: &Target, at: &Sought) -> serde_json::Value {
    let mut labels: BTreeMap<String, String> = target.labels.clone();
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in target.repositories.iter().flat_map(|it| &it.labels) {
        values.entry(name).or_default().insert(value);
    }
    for (name, values) in values {
        let values: Vec<_> = values.into_iter().collect();
        labels.insert(
            format!("__meta_oci_registry_repository_label_{name}"),
            format!(",{},", values.join(",")),
        );
    }
    for (name, value) in [
        ("registry", target.name.as_str()),
        ("host", &target.host()),
        ("__scheme__", &at.scheme),
        ("__metrics_path__", &at.path),
        ("__param_target", &target.name),
    ] {
        labels.insert(name.to_owned(), value.to_owned());
    }
    serde_json::json!({"targets": [at.address], "labels": labels})
}

/// What a probe asks where it names nothing: never what opens uploads.
const READ_ONLY: &[CheckName] = &[
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Referrers,
];
