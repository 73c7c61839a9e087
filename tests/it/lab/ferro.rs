//! ferro-oci-server: native referrers (OCI 1.1), no authentication of its own.

use std::{net::SocketAddr, path::Path, process::Command};

use super::process::{Program, Setup};

/// A ferro-oci-server that keeps everything in memory.
#[derive(Debug)]
pub(crate) struct Ferro;

impl Setup for Ferro {
    const PROGRAM: Program = Program {
        name: "ferro-oci-server",
        brought_by: "cargo install --locked --version 1.0.0 ferro-oci-server",
    };

    fn configure(&self, command: &mut Command, _: &Path, address: SocketAddr) {
        command.env("FERRO_OCI_LISTEN", address.to_string());
    }
}
