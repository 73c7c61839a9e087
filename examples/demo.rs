//! The exporter at work against registries that are not there: no network, no
//! credentials of yours, nothing left behind.
//!
//! ```text
//! cargo run --release --example demo             until Ctrl-C
//! cargo run --release --example demo -- --once   only the report of one cycle
//! ```
//!
//! The registries are simulators on 127.0.0.1 (`tests/registry-sim/`), which answer
//! as the products do; the rest is the exporter itself, reading a configuration and
//! running its own commands `check` and `serve`.

#[path = "demo/registries.rs"]
mod registries;

use std::{
    error::Error,
    ffi::OsString,
    fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use oci_registry_exporter::cli;
use registries::Registries;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let asked = std::env::args().skip(1).collect::<Vec<String>>();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let ended = match asked.as_slice() {
        [] => demo(false),
        ["--once"] => demo(true),
        _ => Err("the demo knows one option, `--once`: print the report and end".into()),
    };
    ended.unwrap_or_else(|error| {
        // Nobody is left to be told when this cannot be written.
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

fn demo(once: bool) -> Result<ExitCode, Box<dyn Error>> {
    only_the_demo()?;
    // The registries live on it; the exporter brings its own.
    let runtime = Runtime::new()?;
    let registries = runtime.block_on(Registries::start())?;
    let folder = tempfile::Builder::new()
        .prefix("oci-registry-exporter-demo-")
        .tempdir()?;
    let file = folder.path().join("demo.yml");
    fs::write(&file, registries.config())?;

    say(&introduction())?;
    let reported = exporter("check", &file, &["--log.level", "info"]);
    // 1 and 3 too are as they should be: some registries are here to fail.
    if reported == ExitCode::from(2) {
        return Ok(reported);
    }
    if once {
        return Ok(ExitCode::SUCCESS);
    }

    let address = listen_address()?;
    say(&directions(address, &file))?;
    runtime.spawn(lose_a_capability(registries));
    let address = address.to_string();
    let flags = [
        "--web.listen-address",
        &address,
        "--web.telemetry-path",
        "/metrics",
    ];
    Ok(exporter("serve", &file, &flags))
}

/// The configuration also comes from `OCI__…`, and then names a real registry.
fn only_the_demo() -> Result<(), String> {
    let set = std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .find(|name| name.starts_with("OCI__"));
    set.map_or(Ok(()), |name| {
        Err(format!(
            "`{name}` is set, so the demo would not ask its own registries alone\n  hint: unset it"
        ))
    })
}

/// Runs a command of the exporter as if it had been typed.
fn exporter(command: &str, file: &Path, flags: &[&str]) -> ExitCode {
    let typed = ["oci-registry-exporter", command, "--config.file"];
    let words = typed.map(OsString::from).into_iter();
    let words = words.chain([file.as_os_str().to_owned()]);
    cli::run(words.chain(flags.iter().map(OsString::from)))
}

/// The usual port, or any where that is taken; on this machine only.
fn listen_address() -> io::Result<SocketAddr> {
    [USUAL_PORT, 0]
        .into_iter()
        .find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok())
        .ok_or_else(|| io::Error::other("127.0.0.1 has no free port"))?
        .local_addr()
}

fn introduction() -> String {
    let stories = registries::STORIES.map(|(name, story)| format!("  {name:<16} {story}\n"));
    format!(
        "Registries that are not there, simulated on this machine:

{}
One cycle of each, as `oci-registry-exporter check` prints it:

",
        stories.concat()
    )
}

fn directions(address: SocketAddr, file: &Path) -> String {
    let port = match address.port() {
        USUAL_PORT => String::new(),
        port => format!("Port {USUAL_PORT} is taken, so this is port {port}.\n"),
    };
    let wait = CHANGE_AFTER.as_secs();
    let file = file.display();
    format!(
        "
From now on the daemon asks each of them every 10 seconds, until Ctrl-C:

  http://{address}/metrics   what Prometheus scrapes
  http://{address}/          the other pages
  {file}

{port}In {wait} seconds `changing` loses its referrers API; its line in the log, and
oci_registry_capability_supported{{registry=\"changing\"}} on the page, tell so.

To scrape it, in prometheus.yml:

scrape_configs:
  - job_name: oci-registry-exporter
    static_configs:
      - targets: [\"{address}\"]

"
    )
}

/// Keeps the registries, and after a while takes something away from one.
async fn lose_a_capability(registries: Registries) {
    tokio::time::sleep(CHANGE_AFTER).await;
    registries.lose_referrers();
    // Without a reader the demo goes on.
    let _ = say("demo: `changing` has just lost its referrers API\n");
    std::future::pending::<()>().await;
}

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

const USUAL_PORT: u16 = 9968;
const CHANGE_AFTER: Duration = Duration::from_mins(1);
