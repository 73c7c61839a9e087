//! No room, no reader, no descriptors: an error in words, and no half of anything.

use std::{fs, net::SocketAddr, process::Stdio};

use registry_sim::{RegistrySim, Scheme};
use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command};

use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

/// `/dev/full` says that a device is full (full(4)).
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_device_is_an_error_and_the_verdict_is_not_lost() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for format in ["text", "table", "json", "markdown", "junit", "prometheus"] {
        let arguments = ["check", "--format", format, "--output", "/dev/full"];
        let ended = place.run(&arguments).await;
        assert_eq!(ended.code, Some(2), "{format}: {ended:?}");
        assert!(ended.stderr.contains("/dev/full"), "{ended:?}");
        assert!(ended.stderr.contains("No space left"), "{ended:?}");
        let mut command = place.command(&["check", "--format", format]);
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let ended = child.wait_with_output().await.unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{format}: {said}");
        assert!(said.contains("No space left"), "{format}: {said}");
    }
}

/// Who reads no more, or never did, has read enough: no panic, no signal.
#[tokio::test]
async fn a_closed_stdout_or_stderr_ends_nothing() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for redirected in ["| true", ">&- | true", "2>&-", "2>/dev/full", ">&- 2>&-"] {
        for command in [
            "check",
            "check --format json",
            "check --verbose",
            "config show",
        ] {
            let script = format!("\"$0\" {command} {redirected}; echo $? >&3");
            let status = shell(&place, &script).await;
            assert!(
                ["0", "1", "2"].contains(&status.as_str()),
                "{script}: {status}"
            );
        }
    }
    // The verdict stays the exit code where only the log has no place.
    assert_eq!(
        shell(&place, "\"$0\" check 2>&- >/dev/null; echo $? >&3").await,
        "0"
    );
}

/// A daemon whose log nobody takes goes on.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_daemon_without_a_log_goes_on() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for stderr in ["2>&-", "2>/dev/full"] {
        let port = free_port();
        let script =
            format!("exec \"$0\" --log.level debug --web.listen-address 127.0.0.1:{port} {stderr}");
        let mut command = wrapped(&place, &script);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        let page = shown(address, r#"oci_registry_up{registry="production"} 1"#).await;
        assert!(!page.contains(PASSWORD));
        child.kill().await.unwrap();
    }
}

/// With few descriptors: what cannot be accepted or asked is said so, and when there are
/// some again all goes on as before.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn with_few_descriptors_it_recovers() {
    let sim = sim(Scheme::Basic).await;
    let often =
        "    timeout: 1s\n    checks: {credentials: {interval: 1s}, pull: {interval: 1s}}\n";
    let place = Workplace::new(&(registry("production", &sim, PASSWORD) + often));
    let script = "ulimit -n 64; exec \"$0\" --web.listen-address 127.0.0.1:0";
    let mut daemon = Daemon::spawn(wrapped(&place, script)).await;
    let up = r#"oci_registry_up{registry="production"} 1"#;
    daemon.page("/metrics", up).await;
    // More than it can have: the rest waits in the kernel's queue.
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        stream.write_all(b"GET /met").await.unwrap();
        idle.push(stream);
    }
    daemon.logged("Too many open files").await;
    drop(idle);
    daemon.page("/metrics", up).await;
    let seen = sim.total_requests();
    sim.requests_arrived(seen + 4).await;
    daemon.page("/metrics", up).await;
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(PASSWORD) && !log.contains("panic"), "{log}");
    // It was tried again after a pause each time, and not in a circle.
    let failed = log
        .lines()
        .filter(|line| line.contains("not accepted"))
        .count();
    assert!(failed < 1000, "{failed} lines");
    assert_eq!(sim_left(&sim), 0);
}

fn sim_left(sim: &RegistrySim) -> usize {
    sim.open_sessions()
}

/// The program under `sh`, with this as `$0`.
fn wrapped(place: &Workplace, script: &str) -> Command {
    let program = env!("CARGO_BIN_EXE_oci-registry-exporter");
    let mut command = Command::new("sh");
    command
        .args(["-c", script, program])
        .current_dir(place.path(""))
        .env_clear()
        .kill_on_drop(true);
    command
}

/// What a script writes to its third descriptor.
async fn shell(place: &Workplace, script: &str) -> String {
    let told = place.path("told");
    let script = format!("exec 3>told; {script}");
    let mut command = wrapped(place, &script);
    let ended = command.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(ended.status().await.unwrap().code().is_some(), "{script}");
    fs::read_to_string(told).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The metrics, as soon as they hold this.
async fn shown(address: SocketAddr, part: &str) -> String {
    let page = async {
        loop {
            let answer = super::clients::ask(address, "GET /metrics").await;
            if let Some(answer) = answer.filter(|answer| answer.contains(part)) {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    let page = tokio::time::timeout(std::time::Duration::from_mins(1), page);
    page.await.unwrap_or_else(|_| panic!("no `{part}`"))
}
