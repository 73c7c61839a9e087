//! One cycle of every chosen registry, printed.

use std::{
    io::{self, IsTerminal, Write},
    panic::AssertUnwindSafe,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use futures_util::{FutureExt, StreamExt, stream};

use super::{
    Failure,
    flags::{CheckFlags, Flags, ReportFormat},
    load, output, say, select,
    signals::Signals,
    warn_of,
};
use crate::{
    config::Target,
    outcome::{CheckName, Observation, Outcome, Reason, Report, Subject},
    probe::{Prober, Sink, unasked},
    report::{self, About, Audience, Entry, RegistryReports},
};

pub(super) fn check(flags: &Flags, names: &[String]) -> Result<ExitCode, Failure> {
    let config = load(flags)?;
    warn_of(&config);
    let checks = select::checks(&flags.check)?;
    let targets: Vec<Arc<Target>> = select::targets(&config, names)?
        .into_iter()
        .map(|target| adjusted(target, &flags.check))
        .collect();
    if flags.check.insecure {
        say(&"warning: `--insecure`: certificates of the registries are not verified in this run");
    }
    let runtime = super::serve::runtime()?;
    let progress = Progress::begin(targets.len());
    let answered = runtime.block_on(ask_until_signal(&targets, &checks, config.concurrency));
    progress.end();
    let registries = match answered {
        Ok(registries) => registries,
        Err(code) => return Ok(code.into()),
    };
    publish(&registries, &flags.check)?;
    Ok(report::exit_status(&registries, &report::Rules::default()).into())
}

/// The target as the flags of this run want it.
fn adjusted(target: Arc<Target>, flags: &CheckFlags) -> Arc<Target> {
    if !flags.insecure && flags.timeout.is_none() {
        return target;
    }
    let mut target = Arc::unwrap_or_clone(target);
    target.tls.insecure_skip_verify |= flags.insecure;
    if let Some(timeout) = flags.timeout {
        target.timeout = timeout;
        target.request_timeout = target.request_timeout.min(timeout);
        target.connect_timeout = target.connect_timeout.min(timeout);
    }
    Arc::new(target)
}

/// Asks all targets. A signal ends the asking, but not before every upload
/// session that is open was cancelled or given up; a second one ends at once.
async fn ask_until_signal(
    targets: &[Arc<Target>],
    checks: &[CheckName],
    concurrency: usize,
) -> Result<Vec<RegistryReports>, u8> {
    let prober = Prober::new();
    let Ok(mut signals) = Signals::catch() else {
        return Ok(ask(&prober, targets, checks, concurrency).await);
    };
    tokio::select! {
        registries = ask(&prober, targets, checks, concurrency) => return Ok(registries),
        (signal, _) = signals.next() => tracing::warn!(signal, "stopping"),
    }
    tokio::select! {
        () = prober.sessions_ended() => Err(INTERRUPTED),
        (_, code) = signals.next() => Err(code),
    }
}

/// Asks all targets, those of one origin one after another, and brings the
/// reports in the order of the configuration.
async fn ask(
    prober: &Prober,
    targets: &[Arc<Target>],
    checks: &[CheckName],
    concurrency: usize,
) -> Vec<RegistryReports> {
    let mut origins: Vec<(String, Vec<usize>)> = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        let origin = target.url.origin().ascii_serialization();
        match origins.iter_mut().find(|(known, _)| *known == origin) {
            Some((_, members)) => members.push(at),
            None => origins.push((origin, vec![at])),
        }
    }
    let lanes = origins.into_iter().map(|(_, members)| async move {
        let mut done = Vec::with_capacity(members.len());
        for at in members {
            done.push((at, cycle(prober, &targets[at], checks).await));
        }
        done
    });
    let mut done: Vec<(usize, RegistryReports)> = stream::iter(lanes)
        .buffer_unordered(concurrency.max(1))
        .map(stream::iter)
        .flatten()
        .collect()
        .await;
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, registry)| registry).collect()
}

async fn cycle(prober: &Prober, target: &Arc<Target>, checks: &[CheckName]) -> RegistryReports {
    let subjects = select::subjects(target, checks);
    let collected = Collected::default();
    let cycle = prober.cycle(target, &subjects, &collected);
    // The hook has logged where; what was not answered says so.
    let _ = AssertUnwindSafe(cycle).catch_unwind().await;
    let Collected { reports, seen } = collected;
    let mut reports = reports.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    RegistryReports {
        name: target.name.clone(),
        url: target.url.as_str().trim_end_matches('/').to_owned(),
        entries: subjects
            .into_iter()
            .map(|subject| {
                let at = reports.iter().position(|report| report.subject == subject);
                at.map_or_else(|| lost(subject), |at| reports.swap_remove(at))
            })
            .map(Entry::once)
            .collect(),
        about: About::new(&seen, target.product.as_deref()),
    }
}

fn lost(subject: Subject) -> Report {
    let message = "a bug in oci-registry-exporter ended this cycle; its log says where";
    unasked(subject, Outcome::unknown(Reason::Panic, message))
}

fn publish(registries: &[RegistryReports], flags: &CheckFlags) -> Result<(), Failure> {
    let file = flags
        .output
        .as_deref()
        .filter(|path| *path != Path::new("-"));
    let text = match flags.format {
        ReportFormat::Text => report::text(
            registries,
            report::Options {
                verbose: flags.verbose,
                remediation: !flags.no_remediation,
                colour: file.is_none() && coloured(),
                width: None,
                compared: None,
            },
        ),
        ReportFormat::Json => report::json(registries, SystemTime::now(), Audience::Operator)
            .map_err(|error| Failure::other(error.to_string()))?,
    };
    match file {
        None => output::to_stdout(&text)
            .map_err(|error| Failure::usage(format!("the report cannot be printed: {error}"))),
        Some(path) => output::to_file(path, &text).map_err(|error| {
            Failure::usage(format!("`{}` cannot be written: {error}", path.display()))
        }),
    }
}

/// On a terminal that can, unless `NO_COLOR` and its like say otherwise.
fn coloured() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

#[derive(Default)]
struct Collected {
    reports: Mutex<Vec<Report>>,
    seen: Mutex<Observation>,
}

impl Sink for Collected {
    fn report(&self, report: Report) {
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report);
    }

    fn observe(&self, _: &str, observation: Observation) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = observation;
    }
}

/// A line on the terminal of a person who waits; gone before the report comes.
struct Progress {
    shown: bool,
}

impl Progress {
    fn begin(registries: usize) -> Self {
        let shown = io::stderr().is_terminal();
        if shown {
            let noun = if registries == 1 {
                "registry"
            } else {
                "registries"
            };
            let _ = write!(io::stderr(), "asking {registries} {noun} ...");
        }
        Self { shown }
    }

    fn end(self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// The exit status of a process that a signal ended early, by the shell's custom.
const INTERRUPTED: u8 = 130;
