//! The daemon: the schedule writes into the store, the server reads from it.

use std::{
    io,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};

use tokio::{
    net::TcpListener,
    sync::watch::{self, Receiver},
    task::JoinSet,
};

use super::{
    super::{
        Failure,
        flags::Flags,
        runtime,
        signals::{Hangup, Signals},
        values::ListenAddress,
        web,
    },
    Daemon, Reading, descriptors, discovering,
    systemd::{self, State},
};
use crate::{
    config::{self, Config, Load, Main},
    discovery::{Discovery, Kind},
    outcome::Subject,
    scheduler,
    server::{self, Options, Web},
};

pub(in crate::cli) fn serve(flags: &Flags) -> Result<ExitCode, Failure> {
    let load = Load::new(flags.config_file.clone());
    // Before it is read: what is written meanwhile is seen as a change.
    let content = config::content(&load);
    let main = Main::read(&load)?;
    let mut discovery = Discovery::default();
    let config = discovery.read(&main)?;
    let reading = Reading {
        content,
        main: Arc::new(main),
        discovery,
    };
    let web = web(flags)?.map(Arc::new);
    let runtime = runtime()?;
    let telemetry_path = flags.serve.telemetry_path.clone();
    let shard = flags.serve.daemon.shard;
    let daemon = Daemon::new(config, load, reading, shard, telemetry_path);
    let ended = runtime.block_on(run(flags, Arc::new(daemon), web));
    // Whatever still runs now is not worth waiting for.
    runtime.shutdown_background();
    ended
}

async fn run(
    flags: &Flags,
    daemon: Arc<Daemon>,
    web: Option<Arc<Web>>,
) -> Result<ExitCode, Failure> {
    let uncaught = |error| Failure::other(format!("signals cannot be caught: {error}"));
    let mut signals = Signals::catch().map_err(uncaught)?;
    let hangup = Hangup::catch().map_err(uncaught)?;
    let listeners = if flags.serve.daemon.systemd_socket {
        handed_over()?
    } else {
        bind(&flags.serve.listen_addresses).await?
    };
    announce(&daemon.loaded().config);
    announce_web(web.as_deref());
    let options = options(flags, web);
    descriptors::raise(wanted(&daemon.loaded().config, &options));
    let (stop, stopped) = watch::channel(false);
    let asking = tokio::spawn(ask(Arc::clone(&daemon), until(stopped.clone())));
    let serving = server::serve(listeners, Arc::clone(&daemon), options, until(stopped));
    let beside = beside(flags, &daemon, hangup);
    daemon.running.store(true, Ordering::Relaxed);
    systemd::tell(State::Ready);
    let mut both = std::pin::pin!(async { tokio::join!(asking, serving).0 });
    let signal = tokio::select! {
        (signal, _) = signals.next_of_daemon() => signal,
        ended = &mut both => return Err(stopped_early(ended)),
    };
    tracing::info!(signal, "shutting down");
    systemd::tell(State::Stopping);
    daemon.running.store(false, Ordering::Relaxed);
    // A reload now would begin what is about to end.
    drop(beside);
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

fn options(flags: &Flags, web: Option<Arc<Web>>) -> Options {
    Options {
        telemetry_path: flags.serve.telemetry_path.clone(),
        max_requests: flags.serve.max_requests,
        route_prefix: flags.serve.daemon.prefix(),
        external_url: flags.serve.daemon.external_url.clone(),
        lifecycle: flags.serve.daemon.enable_lifecycle,
        show_evidence: flags.serve.daemon.show_evidence.into(),
        web,
        ..Options::default()
    }
}

/// A cycle has a connection and now and then a second one; some files are always open.
fn wanted(config: &Config, options: &Options) -> u64 {
    let cycles = config.concurrency.min(config.registries.len());
    u64::try_from(2 * cycles + options.max_connections).unwrap_or(u64::MAX) + ALWAYS_OPEN
}

/// What goes on beside the schedule and the port until it is dropped: reloads by
/// signal, and by content if that is wanted, the watchdog, and pages that nobody
/// asks for any more.
fn beside(flags: &Flags, daemon: &Arc<Daemon>, hangup: Hangup) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let by_signal = Arc::clone(daemon);
    tasks.spawn(async move { by_signal.reload_by_signal(hangup).await });
    let keeper = Arc::clone(daemon);
    tasks.spawn(async move { keeper.forget_unasked().await });
    let watched = Arc::clone(daemon);
    tasks.spawn(async move { systemd::watchdog(&watched).await });
    for kind in [Kind::Files, Kind::Remote] {
        let daemon = Arc::clone(daemon);
        tasks.spawn(async move { daemon.discover(kind).await });
    }
    if flags.serve.daemon.auto_reload {
        let (every, by_content) = (flags.serve.daemon.auto_reload_interval, Arc::clone(daemon));
        tasks.spawn(async move { by_content.reload_by_content(every).await });
    }
    tasks
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

async fn ask(daemon: Arc<Daemon>, stopped: impl Future<Output = ()>) {
    let loaded = daemon.loaded();
    let looking = tokio::spawn(look_at_secrets(Arc::clone(&daemon)));
    let asked = Arc::clone(&daemon);
    let cycle = move |registry: String, due: Vec<Subject>| {
        let daemon = Arc::clone(&asked);
        async move { daemon.cycle(&registry, &due).await }
    };
    let watch = Arc::clone(&daemon.watch);
    scheduler::run(loaded.lanes(), loaded.limits(), watch, cycle, stopped).await;
    looking.abort();
    // Cycles may have been cut off; what they opened is still being cancelled.
    daemon.prober.sessions_ended().await;
}

/// A new secret is tried at once where the old one was of no use.
async fn look_at_secrets(daemon: Arc<Daemon>) {
    let targets = || daemon.loaded().config.registries.clone();
    let wake = |subject| daemon.watch.wake(subject);
    daemon.prober.watch_secrets(targets, wake).await;
}

fn announce(config: &Config) {
    for warning in &config.warnings {
        tracing::warn!(warning, "configuration");
    }
    discovering::tell(&[], &config.documents);
    let file = config.path.as_ref().map(|path| path.display().to_string());
    let registries = config.registries.len();
    tracing::info!(file, registries, "configuration loaded");
    for target in &config.registries {
        let repositories = target.repositories.len();
        let url = target.url.as_str().trim_end_matches('/');
        tracing::info!(registry = target.name, url, repositories, "registry");
    }
}

fn announce_web(web: Option<&Web>) {
    let Some(web) = web else {
        return;
    };
    for warning in web.warnings() {
        tracing::warn!(warning, "web configuration");
    }
    let (tls, authentication) = (web.tls(), web.authenticates());
    tracing::info!(tls, authentication, "web configuration loaded");
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

/// The sockets of the service manager.
fn handed_over() -> Result<Vec<TcpListener>, Failure> {
    let unusable = |error: io::Error| {
        Failure::other(format!(
            "a socket of the service manager cannot be used: {error}"
        ))
    };
    let adopted = |socket: std::net::TcpListener| {
        socket.set_nonblocking(true)?;
        let listener = TcpListener::from_std(socket)?;
        tracing::info!(address = %listener.local_addr()?, "listening");
        Ok(listener)
    };
    let sockets = systemd::sockets()?.into_iter();
    sockets.map(|it| adopted(it).map_err(unusable)).collect()
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

const ALWAYS_OPEN: u64 = 64;
