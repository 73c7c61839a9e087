//! Asks the chosen targets and keeps what they answer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::{FutureExt, StreamExt, stream};

use super::{
    super::{select, signals::Signals},
    CheckFlags,
    again::{self, Again, Asking, Brought, Due},
    progress::Progress,
    targets::Chosen,
};
use crate::{
    config::Target,
    outcome::{CheckName, Observation, Outcome, Reason, Report, Status, Subject},
    probe::{Prober, Sink, unasked},
    report::{About, Entry, RegistryReports, Rules, Verdict},
    scheduler::Next,
    store::{Snapshot, Store},
};

/// What came of it.
pub(super) struct Asked {
    pub(super) registries: Vec<RegistryReports>,
    pub(super) store: Snapshot,
    /// The deadline passed before all was well.
    pub(super) over: bool,
}

/// Asks all targets. A signal ends the asking, but not before every upload
/// session that is open was cancelled or given up; a second one ends at once.
///
/// # Errors
/// The exit status of a run that a signal ended.
pub(super) async fn ask_until_signal(
    chosen: &Chosen,
    checks: &[CheckName],
    flags: &CheckFlags,
    rules: &Rules,
) -> Result<Asked, u8> {
    let run = Run {
        prober: Prober::new(),
        store: Store::new(&[]),
        targets: &chosen.targets,
        checks,
        concurrency: chosen.concurrency,
        rules,
        progress: Progress::begin(),
    };
    let Ok(mut signals) = Signals::catch() else {
        return Ok(run.ask(flags).await);
    };
    tokio::select! {
        asked = run.ask(flags) => return Ok(asked),
        (signal, _) = signals.next() => tracing::warn!(signal, "stopping"),
    }
    tokio::select! {
        () = run.prober.sessions_ended() => Err(INTERRUPTED),
        (_, code) = signals.next() => Err(code),
    }
}

/// One run of the command.
struct Run<'a> {
    prober: Prober,
    store: Store,
    targets: &'a [Arc<Target>],
    checks: &'a [CheckName],
    concurrency: usize,
    rules: &'a Rules,
    progress: Progress,
}

impl Run<'_> {
    async fn ask(&self, flags: &CheckFlags) -> Asked {
        let targets = self.targets.len();
        let noun = if targets == 1 {
            "registry"
        } else {
            "registries"
        };
        self.progress
            .going_on(&format!("asking {targets} {noun} ..."));
        let all = self.targets.iter().enumerate();
        let all = all.map(|(at, target)| (at, select::subjects(target, self.checks)));
        let over = if flags.until.is_some() {
            let deadline = flags.deadline.unwrap_or(again::DEADLINE);
            again::until_nothing_is_open(self, all.collect(), deadline).await == Again::Over
        } else {
            self.round(all.collect()).await;
            false
        };
        let store = self.store.snapshot();
        let registries = self.targets.iter();
        let registries = registries
            .map(|target| reports_of(target, &select::subjects(target, self.checks), &store))
            .collect();
        Asked {
            registries,
            store,
            over,
        }
    }

    async fn cycle(&self, at: usize, subjects: &[Subject]) -> Vec<(Subject, Next)> {
        let target = &self.targets[at];
        let sink = Kept(&self.store);
        let cycle = self.prober.cycle(target, subjects, &sink);
        // The hook has logged where; what was not answered says so.
        let next = AssertUnwindSafe(cycle).catch_unwind().await;
        let known = self.store.snapshot();
        let record = known.registry(&target.name);
        for subject in subjects {
            if record.is_none_or(|record| !record.checks.contains_key(subject)) {
                self.store.put(lost(subject.clone()));
            }
        }
        next.unwrap_or_default()
    }
}

impl Asking for Run<'_> {
    /// Those of one origin one after another.
    async fn round(&self, due: Due) -> Brought {
        let mut origins: Vec<(String, Due)> = Vec::new();
        for (at, subjects) in due {
            let origin = self.targets[at].url.origin().ascii_serialization();
            match origins.iter_mut().find(|(known, _)| *known == origin) {
                Some((_, members)) => members.push((at, subjects)),
                None => origins.push((origin, vec![(at, subjects)])),
            }
        }
        let lanes = origins.into_iter().map(|(_, members)| async move {
            let mut done = Vec::with_capacity(members.len());
            for (at, subjects) in members {
                done.push((at, self.cycle(at, &subjects).await));
            }
            done
        });
        stream::iter(lanes)
            .buffer_unordered(self.concurrency.max(1))
            .map(stream::iter)
            .flatten()
            .collect()
            .await
    }

    /// What fails or is unknown. What is not asked stays so, however long one waits.
    fn open(&self, at: usize) -> Vec<Subject> {
        let target = &self.targets[at];
        let subjects = select::subjects(target, self.checks);
        let reports = reports_of(target, &subjects, &self.store.snapshot());
        let open = |entry: &&Entry| {
            entry.report.outcome.status != Status::Skip
                && self.rules.verdict(entry) != Verdict::Good
        };
        let open = reports.entries.iter().filter(open);
        open.map(|entry| entry.report.subject.clone()).collect()
    }

    fn tell(&self, open: &[Subject], wait: std::time::Duration, left: std::time::Duration) {
        let shown: Vec<String> = open
            .iter()
            .take(MOST_SHOWN)
            .map(|it| format!("{} of {}", it.check.as_str(), it.registry))
            .collect();
        let more = match open.len().saturating_sub(MOST_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.progress.news(&format!(
            "not yet: {}{more}; asking again in {:.0}s, {:.0}s left",
            shown.join(", "),
            wait.as_secs_f64(),
            left.as_secs_f64()
        ));
    }
}

/// The reports of these subjects, in their order, as one run has them: without a past.
fn reports_of(target: &Target, subjects: &[Subject], store: &Snapshot) -> RegistryReports {
    let record = store.registry(&target.name);
    let of = |subject: &Subject| {
        let check = record?.checks.get(subject)?;
        Some(Entry {
            report: Arc::clone(&check.report),
            last_conclusive: check.last_conclusive,
            fact_since: None,
            since_worked: None,
        })
    };
    RegistryReports {
        name: target.name.clone(),
        url: target.url.as_str().trim_end_matches('/').to_owned(),
        entries: subjects.iter().filter_map(of).collect(),
        about: record.map_or_else(About::default, |record| {
            About::new(&record.seen, target.product.as_deref())
        }),
    }
}

fn lost(subject: Subject) -> Report {
    let message = "a bug in oci-registry-exporter ended this cycle; its log says where";
    unasked(subject, Outcome::unknown(Reason::Panic, message))
}

/// The store takes everything in.
struct Kept<'a>(&'a Store);

impl Sink for Kept<'_> {
    fn report(&self, report: Report) {
        self.0.put(report);
    }

    fn observe(&self, registry: &str, observation: Observation) {
        self.0.observe(registry, observation);
    }
}

/// The exit status of a process that a signal ended early, by the shell's custom.
const INTERRUPTED: u8 = 130;
/// Of what is still open, in one line.
const MOST_SHOWN: usize = 3;
