//! What is known of one registry.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};

use super::{
    FactKey, Proof, Since, Traffic, Transition, facts,
    history::{Changes, Past, Thing},
};
use crate::outcome::{Change, Fingerprint, Observation, Report, SessionEnd, Status, Subject};

/// Everything known of one registry.
#[derive(Debug, Clone)]
pub struct Record {
    /// Every subject that has reported, in the order of registry, check, repository, credential.
    pub checks: BTreeMap<Subject, CheckRecord>,
    /// The last proof of every fact.
    pub facts: BTreeMap<FactKey, Proof>,
    /// What the cycles showed beside their reports: of each thing the last sight;
    /// of `warnings` the total; rate limits sorted by credential set;
    /// fingerprints stand in `changed`.
    pub seen: Observation,
    /// When the fingerprint of each thing last became another; until then, when the
    /// registry was first looked at. The name is that of the credential set whose it is.
    pub changed: BTreeMap<(Change, Option<String>), SystemTime>,
    /// What was sent.
    pub traffic: Traffic,
    /// The upload sessions that probes opened, by how they ended.
    pub sessions: BTreeMap<SessionEnd, u64>,
    fingerprints: BTreeMap<(Thing, String), u64>,
    first_look: Option<SystemTime>,
    changes: Changes,
}

/// Everything known of one subject.
#[derive(Debug, Clone)]
pub struct CheckRecord {
    /// The last report.
    pub report: Arc<Report>,
    /// Failures in a row: `fail` adds one; pass, info and warn reset; unknown and skip do neither.
    pub consecutive_failures: u64,
    /// When the last run ended.
    pub last_run: SystemTime,
    /// When a run last ended with pass, info or warn.
    pub last_success: Option<SystemTime>,
    /// When a run last said something about the question.
    pub last_conclusive: Option<SystemTime>,
    /// Since when what this check proves is as it is; `None` until it proves anything.
    pub fact_since: Option<SystemTime>,
    /// Runs by status, in the order of [`Status::ALL`].
    runs: [u64; Status::ALL.len()],
    past: Past,
}

impl Record {
    pub(super) fn new(buckets: &Arc<[f64]>) -> Self {
        Self {
            checks: BTreeMap::new(),
            facts: BTreeMap::new(),
            seen: Observation::default(),
            changed: BTreeMap::new(),
            traffic: Traffic::new(buckets),
            sessions: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            first_look: None,
            changes: Changes::default(),
        }
    }

    pub(super) fn put(&mut self, report: Report) {
        let ended = report
            .started
            .checked_add(report.duration)
            .unwrap_or(report.started);
        self.traffic.count(&report.requests);
        let news = facts::prove(&mut self.facts, &report, ended);
        let report = Arc::new(report.compact());
        let check = self
            .checks
            .entry(report.subject.clone())
            .or_insert_with(|| CheckRecord::new(&report, ended));
        check.put(report, ended, &self.changes);
        if news {
            check.fact_since = Some(ended);
        }
    }

    pub(super) fn observe(&mut self, new: Observation, now: SystemTime) {
        self.compare(new.fingerprints, now);
        let seen = &mut self.seen;
        replace(&mut seen.up, new.up);
        replace(&mut seen.product, new.product);
        replace(&mut seen.product_version, new.product_version);
        replace(&mut seen.auth_method, new.auth_method);
        replace(&mut seen.distribution_version, new.distribution_version);
        replace(&mut seen.tls_version, new.tls_version);
        replace(&mut seen.http_version, new.http_version);
        replace(&mut seen.phases, new.phases);
        replace(
            &mut seen.client_certificate_not_after,
            new.client_certificate_not_after,
        );
        replace(&mut seen.throttled, new.throttled);
        replace(&mut seen.backoff_until, new.backoff_until);
        if !new.certificates.is_empty() {
            seen.certificates = new.certificates;
        }
        for (credential, limit) in new.rate_limits {
            seen.rate_limits.retain(|(known, _)| *known != credential);
            seen.rate_limits.push((credential, limit));
        }
        seen.rate_limits
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        seen.warnings += new.warnings;
        if !new.warning_texts.is_empty() {
            seen.warning_texts = new.warning_texts;
        }
        for end in new.sessions {
            *self.sessions.entry(end).or_default() += 1;
        }
        self.changes.end_cycle();
    }

    fn compare(&mut self, fingerprints: Vec<Fingerprint>, now: SystemTime) {
        // What comes in sight later (a certificate after an outage, a team's set) was
        // there before: a time of its own would read as a change.
        let first_look = *self.first_look.get_or_insert(now);
        for fingerprint in fingerprints {
            let thing = (fingerprint.what, fingerprint.credential);
            let part = (thing.clone(), fingerprint.part);
            let known = self.fingerprints.insert(part, fingerprint.value);
            if known.is_some_and(|known| known != fingerprint.value) {
                self.changes.note(thing.clone(), now);
                self.changed.insert(thing, now);
            } else {
                self.changed.entry(thing).or_insert(first_look);
            }
        }
    }

    /// When each thing last became another, of those that did, with the name of the
    /// credential set whose it is: unlike `changed`, without what was only seen.
    pub fn changes(&self) -> impl Iterator<Item = (Change, Option<&str>, SystemTime)> {
        self.changes.iter()
    }

    /// What happened since this check last worked, where it does not work any more:
    /// for fail and unknown since its last pass, info or warn, for info and warn since
    /// its last pass, and of its own credential set alone. `None` where it works, is not asked or has not reported, and for
    /// an info or warn that was never better.
    pub fn since_worked(&self, subject: &Subject) -> Option<Since> {
        let past = &self.checks.get(subject)?.past;
        past.since_worked(&self.changes, subject.credential.as_deref())
    }

    /// Keeps only what belongs to these subjects, all of them of this registry.
    pub(super) fn retain(&mut self, subjects: &[&Subject]) {
        self.checks.retain(|subject, _| subjects.contains(&subject));
        self.facts.retain(|key, _| key.belongs_to_any(subjects));
        let sets = subjects.iter().filter_map(|it| it.credential.as_deref());
        let sets: BTreeSet<&str> = sets.collect();
        let wanted =
            |(_, credential): &Thing| credential.as_deref().is_none_or(|set| sets.contains(set));
        self.changed.retain(|thing, _| wanted(thing));
        self.fingerprints.retain(|(thing, _), _| wanted(thing));
        self.changes.retain(wanted);
        let limits = &mut self.seen.rate_limits;
        limits.retain(|(credential, _)| sets.contains(credential.as_str()));
    }
}

impl CheckRecord {
    /// How many runs ended with this status.
    pub fn runs(&self, status: Status) -> u64 {
        place(status).map_or(0, |place| self.runs[place])
    }

    /// The last changes of its status, at most [`super::MOST_TRANSITIONS`], the oldest
    /// first; the first of all is that of the first run.
    pub fn transitions(&self) -> impl DoubleEndedIterator<Item = &Transition> {
        self.past.transitions()
    }

    fn new(report: &Arc<Report>, ended: SystemTime) -> Self {
        Self {
            report: Arc::clone(report),
            consecutive_failures: 0,
            last_run: ended,
            last_success: None,
            last_conclusive: None,
            fact_since: None,
            runs: [0; Status::ALL.len()],
            past: Past::default(),
        }
    }

    fn put(&mut self, report: Arc<Report>, ended: SystemTime, changes: &Changes) {
        let status = report.outcome.status;
        self.past.put(status, report.outcome.reason, ended, changes);
        if let Some(place) = place(status) {
            self.runs[place] += 1;
        }
        match status {
            Status::Fail => self.consecutive_failures += 1,
            Status::Pass | Status::Info | Status::Warn => {
                self.consecutive_failures = 0;
                self.last_success = Some(ended);
            }
            Status::Skip | Status::Unknown => {}
        }
        if report.outcome.conclusive() {
            self.last_conclusive = Some(ended);
        }
        self.last_run = ended;
        self.report = report;
    }
}

fn place(status: Status) -> Option<usize> {
    Status::ALL.iter().position(|(known, _)| *known == status)
}

/// `None` is "not seen" and replaces nothing.
fn replace<T>(known: &mut Option<T>, new: Option<T>) {
    if new.is_some() {
        *known = new;
    }
}
