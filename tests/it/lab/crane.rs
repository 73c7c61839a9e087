//! `crane registry serve` (go-containerregistry): answers that look wrong and are real.
//! JSON is called plain text, a cancel is 400, the delete of an unknown blob 500.

use std::{net::SocketAddr, path::Path, process::Command};

use super::process::{Program, Setup};

/// A registry that keeps everything in memory and asks nobody who it is.
#[derive(Debug)]
pub(crate) struct Crane;

impl Setup for Crane {
    const PROGRAM: Program = Program {
        name: "crane",
        brought_by: "Debian package crane, from forky on: ./tests/run tools",
    };

    fn configure(&self, command: &mut Command, _: &Path, address: SocketAddr) {
        command.args(["registry", "serve", "--address", &address.to_string()]);
    }
}
