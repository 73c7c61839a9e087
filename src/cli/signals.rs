//! The signals that end the daemon, and the one that it reloads by.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Waits for SIGTERM, SIGINT and SIGHUP.
#[cfg(unix)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

#[cfg(unix)]
impl Signals {
    /// From here on the signals are caught.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one: its name, and the exit status of a process that it ends.
    pub(super) async fn next(&mut self) -> (&'static str, u8) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 143),
            _ = self.interrupt.recv() => ("SIGINT", 130),
            _ = self.hangup.recv() => (HANGUP, 129),
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Always succeeds.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    /// The next one: its name, and the exit status of a process that it ends.
    pub(super) async fn next(&mut self) -> (&'static str, u8) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        ("Ctrl-C", 130)
    }
}

impl Signals {
    /// The next one that ends a daemon.
    pub(super) async fn next_of_daemon(&mut self) -> (&'static str, u8) {
        loop {
            match self.next().await {
                // Whoever waits for it has a stream of its own.
                (HANGUP, _) => {}
                ends => return ends,
            }
        }
    }
}

/// Waits for SIGHUP, what daemons are told to reload by.
#[cfg(unix)]
pub(super) struct Hangup(Signal);

#[cfg(unix)]
impl Hangup {
    /// From here on it is caught.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// The next one.
    pub(super) async fn next(&mut self) {
        self.0.recv().await;
    }
}

/// There is none.
#[cfg(not(unix))]
pub(super) struct Hangup;

#[cfg(not(unix))]
impl Hangup {
    /// Always succeeds.
    pub(super) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    /// Never ends.
    pub(super) async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}

pub(super) const HANGUP: &str = "SIGHUP";
