//! The daemon and its one-shot form; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    oci_registry_exporter::cli::run(std::env::args_os())
}
