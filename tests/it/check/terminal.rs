//! What a person at a terminal sees, and a file does not.

use std::process::Command;

use registry_sim::{Fault, Scheme};

use super::sim;
use crate::{
    cli::run::{PASSWORD, WRONG, Workplace, registry},
    lab::process::{self, Program},
};

const SCRIPT: Program = Program {
    name: "script",
    brought_by: "package bsdutils",
};

/// Both streams of a run at a terminal, one after another as they came.
fn at_a_terminal(place: &Workplace, arguments: &str, no_colour: bool) -> Option<String> {
    let script = process::find(SCRIPT)?;
    let line = format!(
        "{} {arguments}",
        env!("CARGO_BIN_EXE_oci-registry-exporter")
    );
    let mut command = Command::new(script);
    command
        .args(["-qec", &line, "/dev/null"])
        .current_dir(place.path(""))
        .env_clear()
        .env("TERM", "xterm")
        .env("PATH", "/usr/bin:/bin");
    if no_colour {
        command.env("NO_COLOR", "1");
    }
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_progress_is_gone_before_anything_else_is_written() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, WRONG));
    let Some(shown) = at_a_terminal(&place, "check --check credentials", false) else {
        return;
    };
    let (before, after) = shown.split_once("asking 1 registry ...").unwrap();
    assert_eq!(before, "");
    assert!(
        after.starts_with("\r\u{1b}[KRegistry Checks Summary\r\n"),
        "{after:?}"
    );
    assert!(after.contains("\u{1b}[1;31mFAIL"), "{after:?}");
    let plain = at_a_terminal(&place, "check --check credentials", true).unwrap();
    assert!(!plain.contains("\u{1b}[1;31m"), "{plain:?}");

    let log = "check --check credentials --log.level debug";
    let logged = at_a_terminal(&place, log, true).unwrap();
    for (at, _) in logged.match_indices("time=20") {
        let before = &logged[..at];
        let alone = before.is_empty() || before.ends_with('\n') || before.ends_with("\u{1b}[K");
        assert!(alone, "{logged:?}");
    }
}

/// A round's news takes the place of the one before it.
#[tokio::test(flavor = "multi_thread")]
async fn while_it_waits_one_line_tells_for_what() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::any().status(503).times(3));
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let wait = "check --check pull --until pass --deadline 1m";
    let Some(shown) = at_a_terminal(&place, wait, true) else {
        return;
    };
    let told = "\r\u{1b}[Knot yet: pull of production; asking again in 2s, ";
    assert!(shown.contains(told), "{shown:?}");
    assert!(
        shown.contains("\r\u{1b}[KRegistry Checks Summary"),
        "{shown:?}"
    );
}
