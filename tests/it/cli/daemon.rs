//! The daemon as a process: what it serves, what it logs, how it ends.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use futures_util::FutureExt as _;
use registry_sim::{Fault, Scheme};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStderr},
    time::timeout,
};

use super::{
    run::{PASSWORD, WRONG, Workplace, registry},
    secrets, sim,
};

#[tokio::test]
async fn results_are_served_and_sigterm_ends_it_with_0() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let mut daemon = Daemon::start(&place, &[]).await;
    daemon.page("/metrics", LAST_CHECK_PASSED).await;
    // What a cycle shows beside its reports comes at its end.
    let up = r#"oci_registry_up{registry="production"} 1"#;
    let page = daemon.page("/metrics", up).await;
    for series in [
        r#"oci_registry_credentials_valid{registry="production",credential="inline"} 1"#,
        "oci_registry_check_next_run_timestamp_seconds{",
        "oci_registry_exporter_scheduler_lag_seconds_count 1",
    ] {
        assert!(page.contains(series), "{series}: {page}");
    }
    assert!(!page.contains("robot"), "{page}");
    assert!(daemon.get("/-/ready").await.contains("200 OK"));
    assert!(daemon.get("/-/healthy").await.contains("200 OK"));

    let all = daemon.get("/api/v1/reports").await;
    assert!(all.contains(r#""pull_authorized": true"#), "{all}");
    assert!(
        !all.contains("robot") && !all.contains("auth_challenge"),
        "{all}"
    );
    let one = daemon.get("/api/v1/reports/production").await;
    assert!(one.contains(r#""registry": "production""#), "{one}");
    assert!(
        daemon
            .get("/api/v1/reports/other")
            .await
            .contains("404 Not Found")
    );

    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("msg=\"shutting down\" signal=SIGTERM"),
        "{log}"
    );
}

#[tokio::test]
async fn sigint_ends_it_with_0() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let mut daemon = Daemon::start(&place, &["serve"]).await;
    daemon.signal("INT").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::any().hang());
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    for (name, expected) in [("TERM", 143), ("INT", 130)] {
        let seen = sim.total_requests();
        let mut daemon = Daemon::start(&place, &[]).await;
        sim.requests_arrived(seen + 1).await;
        daemon.signal("TERM").await;
        daemon.logged("shutting down").await;
        daemon.signal(name).await;
        let (code, log) = daemon.end().await;
        assert_eq!(code, Some(expected), "{log}");
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Workplace::new("registries:\n  - url: https://a.example.com\n");
    let ended = place.run(&["--web.listen-address", &address]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    let expected = format!("cannot listen on `{address}`");
    assert!(ended.stderr.contains(&expected), "{}", ended.stderr);
}

#[tokio::test]
async fn flags_come_from_the_environment_too() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let mut command = place.command(&[]);
    command
        .env("OCI_REGISTRY_EXPORTER_WEB_LISTEN_ADDRESS", "127.0.0.1:0")
        .env("OCI_REGISTRY_EXPORTER_WEB_TELEMETRY_PATH", "/all")
        .env("OCI_REGISTRY_EXPORTER_LOG_FORMAT", "json");
    let mut daemon = Daemon::spawn(command).await;
    assert!(daemon.get("/all").await.contains("oci_registry_info"));
    assert!(daemon.get("/metrics").await.contains("404 Not Found"));
    daemon.signal("TERM").await;
    let (_, log) = daemon.end().await;
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"].is_string() && line["message"].is_string(),
            "{line}"
        );
    }
}

/// As a compose file hands on what nobody has set.
#[tokio::test]
async fn an_empty_variable_of_a_flag_is_none() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    for name in [
        "CONFIG_FILE",
        "CONFIG_CHECK",
        "CONFIG_AUTO_RELOAD_INTERVAL",
        "CONFIG_ENABLE_AUTO_RELOAD",
        "LOG_FORMAT",
        "LOG_LEVEL",
        "LOG_PROBER",
        "SHARD",
        "WEB_CONFIG_FILE",
        "WEB_ENABLE_LIFECYCLE",
        "WEB_EXTERNAL_URL",
        "WEB_LISTEN_ADDRESS",
        "WEB_MAX_REQUESTS",
        "WEB_ROUTE_PREFIX",
        "WEB_SHOW_EVIDENCE",
        "WEB_SYSTEMD_SOCKET",
        "WEB_TELEMETRY_PATH",
    ] {
        command.env(format!("OCI_REGISTRY_EXPORTER_{name}"), "");
    }
    let mut daemon = Daemon::spawn(command).await;
    assert!(daemon.get("/metrics").await.contains("oci_registry_info"));
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn a_changed_status_is_one_line_and_no_secret_is_in_the_log() {
    let sim = sim(Scheme::Basic).await;
    let often =
        "    timeout: 1s\n    checks: {credentials: {interval: 1s}, pull: {interval: 1s}}\n";
    let place = Workplace::new(&(registry("production", &sim, PASSWORD) + often));
    let mut daemon = Daemon::start(&place, &["--log.level", "debug"]).await;
    daemon.page("/metrics", LAST_CHECK_PASSED).await;
    sim.set_password("robot", WRONG);
    let line = daemon.logged("status changed").await;
    for part in [
        "level=WARN",
        "registry=production",
        "check=credentials",
        "credential=inline",
        "old=pass",
        "new=fail",
        "reason=unauthorized",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    daemon.page("/metrics", "oci_registry_check_consecutive_failures{registry=\"production\",check=\"pull\",repository=\"team/app\",credential=\"inline\"} 2").await;
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    for check in ["credentials", "pull"] {
        let of_check = format!("check={check} ");
        let lines = log
            .lines()
            .filter(|line| line.contains("status changed") && line.contains(&of_check));
        assert_eq!(lines.count(), 1, "{check}: {log}");
    }
    for secret in secrets() {
        assert!(!log.contains(&secret), "{secret}: {log}");
    }
}

/// Referrers is the last that a cycle asks.
const LAST_CHECK_PASSED: &str = r#"oci_registry_check_status{registry="production",check="referrers",repository="team/app",credential="inline",status="pass"} 1"#;

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    stderr: Lines<BufReader<ChildStderr>>,
    /// Every line so far.
    log: String,
}

impl Daemon {
    pub(crate) async fn start(place: &Workplace, arguments: &[&str]) -> Self {
        let address = ["--web.listen-address", "127.0.0.1:0"];
        Self::spawn(place.command(&[arguments, &address].concat())).await
    }

    pub(crate) async fn spawn(mut command: tokio::process::Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut daemon = Self {
            child,
            address: ([127, 0, 0, 1], 0).into(),
            stderr,
            log: String::new(),
        };
        let line = daemon.logged("listening").await;
        let (_, address) = line.split_once("127.0.0.1:").unwrap();
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        daemon.address.set_port(port.parse().unwrap());
        daemon
    }

    /// The next line that holds this.
    pub(crate) async fn logged(&mut self, part: &str) -> String {
        loop {
            let Some(line) = self.line().await else {
                panic!("ended without `{part}`: {}", self.log);
            };
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The next line; a daemon that hangs must not hang the tests.
    async fn line(&mut self) -> Option<String> {
        let line = timeout(Duration::from_mins(1), self.stderr.next_line()).await;
        let line = line.unwrap_or_else(|_| panic!("nothing more comes: {}", self.log));
        let line = line.unwrap()?;
        self.log.push_str(&line);
        self.log.push('\n');
        Some(line)
    }

    /// Takes what is logged by now: a pipe that nobody reads is full before long.
    pub(crate) fn listen(&mut self) {
        while let Some(Ok(Some(line))) = self.stderr.next_line().now_or_never() {
            self.log.push_str(&line);
            self.log.push('\n');
        }
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.request("GET", path).await
    }

    pub(crate) async fn request(&self, method: &str, path: &str) -> String {
        self.request_with(method, path, "").await
    }

    /// With further header lines, each with its end.
    pub(crate) async fn request_with(&self, method: &str, path: &str, headers: &str) -> String {
        self.bare(method, path, &format!("Host: x\r\n{headers}"))
            .await
    }

    /// With these header lines and `Connection`.
    pub(crate) async fn bare(&self, method: &str, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// The page as soon as it holds this.
    pub(crate) async fn page(&self, path: &str, part: &str) -> String {
        let mut page = String::new();
        for _ in 0..20_000 {
            page = self.get(path).await;
            if page.contains(part) {
                return page;
            }
        }
        panic!("never `{part}`: {page}");
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap();
        let script = format!("kill -{name} {pid}");
        let ended = tokio::process::Command::new("sh")
            .args(["-c", &script])
            .status()
            .await
            .unwrap();
        assert!(ended.success());
    }

    /// The exit status and everything that was logged.
    pub(crate) async fn end(&mut self) -> (Option<i32>, String) {
        while self.line().await.is_some() {}
        let status = self.child.wait().await.unwrap();
        (status.code(), self.log.clone())
    }
}
