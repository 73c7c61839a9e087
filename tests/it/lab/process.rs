//! Starts a server on a free port, waits until it answers, and ends it by its pid.

use std::{
    env, fs,
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use url::Url;

use super::http;

/// A program and the Debian package (or crate) that brings it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) brought_by: &'static str,
}

/// How a server is started and how it shows that it is ready.
pub(crate) trait Setup {
    /// The program.
    const PROGRAM: Program;

    /// Writes what it needs into `dir` and completes its command line (its
    /// environment is empty) to listen on `address`.
    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr);

    /// Whether it is ready: by default, whether it answers HTTP at all.
    fn ready(&self, url: &Url) -> impl Future<Output = bool> {
        async { http::get(url).await.is_ok() }
    }
}

/// A server that runs; dropping it kills the process and waits for its end.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where it listens: `http://127.0.0.1:PORT/`.
    pub(crate) url: Url,
    child: Child,
    dir: TempDir,
}

impl Running {
    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its directory: configuration, data and `log`.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; waiting takes the zombie away in both cases.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts a server and waits until it is ready. `None`: its program is not installed,
/// and it was said so.
///
/// # Panics
/// When the program is missing in a strict run, or the server does not come up; with
/// the end of its log.
pub(crate) async fn start<S: Setup>(setup: &S) -> Option<Running> {
    let program = find(S::PROGRAM)?;
    let mut last_log = String::new();
    for _ in 0..PORTS_TRIED {
        let mut running = launch(setup, &program);
        if becomes_ready(setup, &mut running).await {
            return Some(running);
        }
        // Ended by itself: another process may have taken the port in between.
        last_log = log_end(running.dir());
    }
    panic!("{} does not start:\n{last_log}", S::PROGRAM.name);
}

/// The path of a program, or `None` after saying that it is missing.
///
/// # Panics
/// When it is missing in a strict run.
pub(crate) fn find(program: Program) -> Option<PathBuf> {
    let found = look_up(program.name, &search_path());
    if found.is_none() {
        let reason = format!("{} is not installed ({})", program.name, program.brought_by);
        assert!(!promised(program), "{reason}");
        // Past the capture, which would show it of failing tests only.
        writeln!(io::stderr(), "skipped: {reason}").expect("stderr takes it");
    }
    found
}

fn launch<S: Setup>(setup: &S, program: &Path) -> Running {
    let dir = TempDir::with_prefix("oci-registry-exporter-lab-").expect("a temporary directory");
    let address = free_address();
    let log = fs::File::create(dir.path().join("log")).expect("a log in the own directory");
    let mut command = Command::new(program);
    command.env_clear().current_dir(dir.path());
    setup.configure(&mut command, dir.path(), address);
    let child = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle of the log"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    Running {
        url: Url::parse(&format!("http://{address}/")).expect("an address makes a URL"),
        child,
        dir,
    }
}

/// Whether it became ready; `false` when it ended instead.
async fn becomes_ready<S: Setup>(setup: &S, running: &mut Running) -> bool {
    for _ in 0..READY_ATTEMPTS {
        if running
            .child
            .try_wait()
            .expect("the state of a child")
            .is_some()
        {
            return false;
        }
        if setup.ready(&running.url).await {
            // Not another process that had the same port.
            return running
                .child
                .try_wait()
                .expect("the state of a child")
                .is_none();
        }
        tokio::time::sleep(READY_PAUSE).await;
    }
    panic!(
        "{} runs but does not become ready:\n{}",
        S::PROGRAM.name,
        log_end(running.dir())
    );
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port on loopback")
}

fn log_end(dir: &Path) -> String {
    let log = fs::read(dir.join("log")).unwrap_or_default();
    let start = log.len().saturating_sub(4096);
    String::from_utf8_lossy(&log[start..]).into_owned()
}

fn look_up(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// PATH, where cargo installs, and where Debian keeps servers.
fn search_path() -> Vec<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let cargo = variable("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cargo")));
    env::split_paths(&path)
        .chain(cargo.map(|home| home.join("bin")))
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .collect()
}

/// A missing program is a failure, not a reason to skip; unless whoever runs the tests
/// knows that it cannot be had.
fn promised(program: Program) -> bool {
    let strict = variable("OCI_REGISTRY_EXPORTER_TESTS_STRICT").is_some_and(|it| it == "1");
    let without = variable("OCI_REGISTRY_EXPORTER_TESTS_WITHOUT").unwrap_or_default();
    let without = without.to_string_lossy();
    strict && !without.split_whitespace().any(|name| name == program.name)
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the tests says by the environment where programs are"
)]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name)
}

const PORTS_TRIED: usize = 5;
/// 60 s: two cores may be busy with compiling.
const READY_ATTEMPTS: usize = 2400;
const READY_PAUSE: Duration = Duration::from_millis(25);

mod tests {
    use super::*;

    const SLEEP: Program = Program {
        name: "sleep",
        brought_by: "coreutils",
    };

    struct Sleeper;

    impl Setup for Sleeper {
        const PROGRAM: Program = SLEEP;

        fn configure(&self, command: &mut Command, _: &Path, _: SocketAddr) {
            command.arg("600");
        }

        async fn ready(&self, _: &Url) -> bool {
            true
        }
    }

    struct Broken;

    impl Setup for Broken {
        const PROGRAM: Program = SLEEP;

        fn configure(&self, command: &mut Command, _: &Path, _: SocketAddr) {
            command.arg("no-number");
        }

        async fn ready(&self, _: &Url) -> bool {
            false
        }
    }

    fn runs(pid: u32) -> bool {
        Path::new("/proc").join(pid.to_string()).exists()
    }

    #[tokio::test]
    async fn a_panicking_test_leaves_no_process_and_no_directory() {
        let Some(running) = start(&Sleeper).await else {
            return;
        };
        let (pid, dir) = (running.pid(), running.dir().to_owned());
        assert!(runs(pid) && dir.exists());
        let test = tokio::spawn(async move {
            let _held = running;
            panic!("on purpose");
        });
        assert!(test.await.is_err_and(|end| end.is_panic()));
        assert!(!runs(pid), "{pid} still runs");
        assert!(!dir.exists(), "{} is still there", dir.display());
    }

    #[tokio::test]
    async fn a_server_that_does_not_start_fails_with_its_log() {
        if find(SLEEP).is_none() {
            return;
        }
        let end = tokio::spawn(async { start(&Broken).await.is_some() }).await;
        let panic = end.expect_err("it does not start").into_panic();
        let message = panic.downcast_ref::<String>().expect("a formatted message");
        assert!(message.contains("no-number"), "{message}");
    }

    #[test]
    fn a_program_that_is_nowhere_is_not_found() {
        assert_eq!(look_up("no-such-program", &search_path()), None);
        assert_eq!(look_up("log", &[PathBuf::from("/nonexistent")]), None);
    }
}
