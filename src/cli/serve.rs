//! The daemon: the schedule writes into the store, the server reads from it.

use std::{
    collections::BTreeSet,
    io,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    net::TcpListener,
    runtime::Runtime,
    sync::watch::{self, Receiver},
};

use super::{
    Failure, flags::Flags, load, pages::Daemon, signals::Signals, status_log::StatusLog,
    values::ListenAddress,
};
use crate::{
    checks,
    config::{Config, Target},
    outcome::Subject,
    probe::{Prober, first_delay, unasked},
    scheduler::{self, Entry, Lane, Limits, Watch},
    server::{self, Options},
    store::Store,
};

pub(super) fn serve(flags: &Flags) -> Result<ExitCode, Failure> {
    let config = load(flags)?;
    let runtime = runtime()?;
    let ended = runtime.block_on(run(flags, config));
    // Whatever still runs now is not worth waiting for.
    runtime.shutdown_background();
    ended
}

/// What every command runs on that asks registries.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the runtime cannot start: {error}")))
}

async fn run(flags: &Flags, config: Config) -> Result<ExitCode, Failure> {
    let mut signals = Signals::catch()
        .map_err(|error| Failure::other(format!("signals cannot be caught: {error}")))?;
    let listeners = bind(&flags.serve.listen_addresses).await?;
    announce(&config);
    let (targets, lanes) = schedule(&config);
    let daemon = Arc::new(daemon(config, &lanes, &flags.serve.telemetry_path));
    let options = Options {
        telemetry_path: flags.serve.telemetry_path.clone(),
        max_requests: flags.serve.max_requests,
        ..Options::default()
    };
    let (stop, stopped) = watch::channel(false);
    let asking = tokio::spawn(ask(
        Arc::clone(&daemon),
        targets,
        lanes,
        until(stopped.clone()),
    ));
    let serving = server::serve(listeners, Arc::clone(&daemon), options, until(stopped));
    daemon.running.store(true, Ordering::Relaxed);
    let mut both = std::pin::pin!(async { tokio::join!(asking, serving).0 });
    let signal = tokio::select! {
        (signal, _) = signals.next_of_daemon() => signal,
        ended = &mut both => return Err(stopped_early(ended)),
    };
    tracing::info!(signal, "shutting down");
    daemon.running.store(false, Ordering::Relaxed);
    // Both hold a receiver.
    let _ = stop.send(true);
    tokio::select! {
        _ = both => {
            tracing::info!("stopped");
            Ok(ExitCode::SUCCESS)
        }
        (signal, code) = signals.next_of_daemon() => {
            tracing::warn!(signal, "stopped at once");
            Ok(code.into())
        }
    }
}

/// A scheduler that is gone must not be served on as if it lived.
fn stopped_early(ended: Result<(), tokio::task::JoinError>) -> Failure {
    let why = ended.map_or_else(|error| error.to_string(), |()| "it ended".to_owned());
    Failure::other(format!("the scheduler stopped: {why}"))
}

async fn until(mut stopped: Receiver<bool>) {
    // Fails where the sender is gone, and then nothing is left to wait for.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn ask(
    daemon: Arc<Daemon>,
    targets: Arc<[Arc<Target>]>,
    lanes: Vec<Lane<Subject>>,
    stopped: impl Future<Output = ()>,
) {
    let prober = Arc::new(Prober::new());
    let registries = u32::try_from(lanes.len()).unwrap_or(u32::MAX);
    let limits = Limits {
        concurrency: daemon.config.concurrency,
        first_cycle_spread: SPREAD_PER_REGISTRY
            .saturating_mul(registries)
            .min(LONGEST_SPREAD),
        grace: GRACE,
    };
    let watch = Arc::clone(&daemon.watch);
    let sessions = Arc::clone(&prober);
    let looking = tokio::spawn(look_at_secrets(
        Arc::clone(&prober),
        Arc::clone(&targets),
        Arc::clone(&watch),
    ));
    let cycle = move |lane: usize, due: Vec<Subject>| {
        let daemon = Arc::clone(&daemon);
        let prober = Arc::clone(&prober);
        let target = targets.get(lane).cloned();
        async move {
            let Some(target) = target else {
                return Vec::new();
            };
            let sink = StatusLog(&daemon.store);
            prober.cycle(&target, &due, &sink).await
        }
    };
    scheduler::run(lanes, limits, watch, cycle, stopped).await;
    looking.abort();
    // Cycles may have been cut off; what they opened is still being cancelled.
    sessions.sessions_ended().await;
}

/// A new secret is tried at once where the old one was of no use.
async fn look_at_secrets(
    prober: Arc<Prober>,
    targets: Arc<[Arc<Target>]>,
    watch: Arc<Watch<Subject>>,
) {
    let wake = |subject| watch.wake(subject);
    prober.watch_secrets(&targets, wake).await;
}

/// The daemon before its first cycle: what is not asked has its report already.
fn daemon(config: Config, lanes: &[Lane<Subject>], telemetry_path: &str) -> Daemon {
    let store = Store::new(&config.histogram_buckets);
    for target in &config.registries {
        for (subject, repository) in checks::questions(target) {
            if let Some(outcome) = checks::skipped(target, subject.check, repository) {
                store.put(unasked(subject, outcome));
            }
        }
    }
    let scheduled: BTreeSet<Subject> = lanes
        .iter()
        .flat_map(|lane| lane.entries.iter().map(|entry| entry.key.clone()))
        .collect();
    Daemon {
        config: Arc::new(config),
        loaded: SystemTime::now(),
        started: SystemTime::now(),
        telemetry_path: telemetry_path.to_owned(),
        store,
        scheduled: Arc::new(scheduled),
        watch: Arc::new(Watch::new()),
        running: AtomicBool::new(false),
    }
}

/// A lane for every target that is asked anything, and the targets of the lanes.
fn schedule(config: &Config) -> (Arc<[Arc<Target>]>, Vec<Lane<Subject>>) {
    let lanes = config
        .registries
        .iter()
        .map(|target| (target, lane(target)));
    let (targets, lanes): (Vec<_>, Vec<_>) = lanes
        .filter(|(_, lane)| !lane.entries.is_empty())
        .map(|(target, lane)| (Arc::clone(target), lane))
        .unzip();
    (targets.into(), lanes)
}

fn lane(target: &Target) -> Lane<Subject> {
    let entries = checks::questions(target)
        .into_iter()
        .filter(|(subject, repository)| {
            checks::skipped(target, subject.check, repository).is_none()
        })
        .map(|(subject, _)| Entry {
            interval: target.checks.settings(subject.check).interval,
            first_delay: first_delay(target, subject.check),
            key: subject,
        })
        .collect();
    Lane {
        name: target.name.clone(),
        origin: target.url.origin().ascii_serialization(),
        entries,
    }
}

fn announce(config: &Config) {
    for warning in &config.warnings {
        tracing::warn!(warning, "configuration");
    }
    let file = config.path.as_ref().map(|path| path.display().to_string());
    let registries = config.registries.len();
    tracing::info!(file, registries, "configuration loaded");
    for target in &config.registries {
        let repositories = target.repositories.len();
        let url = target.url.as_str().trim_end_matches('/');
        tracing::info!(registry = target.name, url, repositories, "registry");
    }
}

async fn bind(addresses: &[ListenAddress]) -> Result<Vec<TcpListener>, Failure> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let ListenAddress { host, port } = address;
        let bound = match host.as_str() {
            "" => everywhere(*port).await,
            host => TcpListener::bind((host, *port)).await,
        };
        let listener = bound.map_err(|error| {
            Failure::other(format!(
                "cannot listen on `{host}:{port}`: {error}\n  hint: name another address with `--web.listen-address`"
            ))
        })?;
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "listening");
        }
        listeners.push(listener);
    }
    Ok(listeners)
}

/// On every address, also of IPv6 where the machine has it.
async fn everywhere(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(("::", port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind(("0.0.0.0", port)).await
        }
        bound => bound,
    }
}

/// Of the first cycles; thousands of registries must not all be asked in one second.
const SPREAD_PER_REGISTRY: Duration = Duration::from_millis(1);
const LONGEST_SPREAD: Duration = Duration::from_secs(10);
/// How long cycles may go on after the signal.
const GRACE: Duration = Duration::from_secs(10);
