//! What the service manager hands over and is told
//! (<https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>).
//!
//! Without one nothing of this does anything.

use std::{
    io,
    net::TcpListener,
    time::{Duration, SystemTime},
};

use tokio::time::{MissedTickBehavior, interval};

use super::{super::Failure, Daemon};
use crate::scheduler;

/// What the service manager is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The port is open, or a reload has ended, however it did.
    Ready,
    /// A reload begins.
    Reloading,
    /// The end begins.
    Stopping,
}

/// The sockets of `--web.systemd-socket`.
///
/// # Errors
/// None was handed over, or one that is no TCP socket that listens.
pub(super) fn sockets() -> Result<Vec<TcpListener>, Failure> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut sockets = Vec::new();
    for number in 0..handed.len() {
        let socket = handed.take_tcp_listener(number).map_err(|error| {
            Failure::other(format!(
                "socket {number} of the service manager cannot be served on: {error}\n  hint: `ListenStream=` takes a port or an address here"
            ))
        })?;
        sockets.extend(socket);
    }
    if sockets.is_empty() {
        return Err(Failure::other(
            "the service manager handed over no socket\n  hint: `--web.systemd-socket` is for a unit that a `.socket` unit starts",
        ));
    }
    Ok(sockets)
}

/// Tells the service manager, if there is one.
#[cfg(unix)]
pub(super) fn tell(state: State) {
    use sd_notify::NotifyState;
    let told = match state {
        State::Ready => notify(&[NotifyState::Ready]),
        State::Reloading => {
            NotifyState::monotonic_usec_now().and_then(|now| notify(&[NotifyState::Reloading, now]))
        }
        State::Stopping => notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = told {
        tracing::warn!(%error, ?state, "the service manager could not be told");
    }
}

/// There is none.
#[cfg(not(unix))]
pub(super) fn tell(_: State) {}

/// Shows the service manager that the scheduler lives, as often as it wants to
/// see it; silent otherwise, so that it starts the daemon anew. Never ends.
#[cfg(unix)]
pub(super) async fn watchdog(daemon: &Daemon) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    // Half of it, as sd_watchdog_enabled(3) asks for.
    let mut beats = interval((limit / 2).max(SHORTEST));
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beats.tick().await;
        if scheduler::lives(daemon.watch.heartbeat(), SystemTime::now()) {
            if let Err(error) = notify(&[sd_notify::NotifyState::Watchdog]) {
                tracing::warn!(%error, "the service manager could not be told");
            }
        } else {
            tracing::error!("the scheduler shows no sign of life; the service manager will see it");
        }
    }
}

/// Sends what stands in `states`, also to a socket of Linux' abstract names: `@` and the
/// name, which `sd_notify` takes for a path.
#[cfg(unix)]
fn notify(states: &[sd_notify::NotifyState<'_>]) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use std::os::{
            linux::net::SocketAddrExt as _,
            unix::{
                ffi::OsStrExt as _,
                net::{SocketAddr, UnixDatagram},
            },
        };

        #[expect(
            clippy::disallowed_methods,
            reason = "the service manager's word for its socket is no configuration"
        )]
        let socket = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
        if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
            let address = SocketAddr::from_abstract_name(name)?;
            let lines: Vec<_> = states.iter().map(ToString::to_string).collect();
            return UnixDatagram::unbound()?
                .send_to_addr(lines.join("\n").as_bytes(), &address)
                .map(|_| ());
        }
    }
    sd_notify::notify(states)
}

/// There is none.
#[cfg(not(unix))]
pub(super) async fn watchdog(_: &Daemon) {
    std::future::pending().await
}

const SHORTEST: Duration = Duration::from_millis(10);
