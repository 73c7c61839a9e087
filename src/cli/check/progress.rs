//! A line on the terminal of a person who waits; gone before anything else is
//! written there.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the line stands there, without an end.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Takes the line away. The log and every message call it before they write.
pub(in crate::cli) fn clear() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let _ = io::stderr().write_all(CLEAR);
    }
}

/// What a person who waits is told.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
}

impl Progress {
    /// On stderr, where it is a terminal.
    pub(super) fn begin() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows what is going on, in place of what was shown before.
    pub(super) fn going_on(&self, line: &str) {
        if self.terminal {
            clear();
            SHOWN.store(true, Ordering::Relaxed);
            let _ = write!(io::stderr(), "{line}");
        }
    }

    /// A line that also stands in the log of a pipeline, where nothing replaces it.
    pub(super) fn news(&self, line: &str) {
        if self.terminal {
            self.going_on(line);
        } else {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        clear();
    }
}

/// To the beginning of the line, and everything there away.
const CLEAR: &[u8] = b"\r\x1b[K";
