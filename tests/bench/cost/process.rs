//! Programs that are measured, and what the kernel says of them.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use tokio::time::Instant;

/// A running program; killed where it goes out of sight.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start to where its port took the first connection.
    pub(crate) listening_after: Duration,
}

/// What a process has used since its start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// User and system time of the process and its children (seconds).
    pub(crate) cpu: f64,
    /// Times that it gave up a processor, waiting.
    pub(crate) waits: u64,
}

impl Program {
    /// Starts it and waits until its port takes connections.
    pub(crate) fn start(command: &mut Command, address: SocketAddr, log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let began = Instant::now();
        let mut child = command.stderr(log).spawn().unwrap();
        while !listens(address) {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(began.elapsed() < PATIENCE, "{command:?} does not listen");
            thread::sleep(Duration::from_micros(100));
        }
        Self {
            child,
            address,
            listening_after: began.elapsed(),
        }
    }

    /// Of the process and, where it has any, its workers.
    pub(crate) fn used(&self) -> Used {
        let all = self.family().into_iter().map(used);
        all.fold(Used::default(), |sum, one| Used {
            cpu: sum.cpu + one.cpu,
            waits: sum.waits + one.waits,
        })
    }

    /// Resident memory, in MB.
    pub(crate) fn resident(&self) -> f64 {
        let family = self.family();
        family.into_iter().map(|it| status(it, "VmRSS:")).sum()
    }

    /// The most of it that there ever was.
    pub(crate) fn peak(&self) -> f64 {
        let family = self.family();
        family.into_iter().map(|it| status(it, "VmHWM:")).sum()
    }

    fn family(&self) -> Vec<u32> {
        let parent = self.child.id();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let numbers = processes.filter_map(|it| it.file_name().to_str()?.parse().ok());
        let mine = |process: &u32| *process == parent || parent_of(*process) == Some(parent);
        numbers.filter(mine).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // nginx ends its worker itself when it is asked to end.
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        let began = Instant::now();
        while told.as_ref().is_ok_and(ExitStatus::success) && began.elapsed() < GRACE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection to a port that nobody listens on may come out as one to itself.
fn listens(address: SocketAddr) -> bool {
    let own = TcpStream::connect(address).and_then(|stream| stream.local_addr());
    own.is_ok_and(|own| own != address)
}

/// A port that nobody listens on just now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// The first line of what a program says of its version.
pub(crate) fn version(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().unwrap();
    let all = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&all);
    text.lines().next().unwrap_or_default().to_owned()
}

/// Where a program is, if it is anywhere on the path.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let look = format!("command -v {name}");
    let output = Command::new("sh").args(["-c", &look]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| path.trim().into())
}

fn stat(process: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent_of(process: u32) -> Option<u32> {
    stat(process)?.get(1)?.parse().ok()
}

fn used(process: u32) -> Used {
    let number = |fields: &[String], place: usize| fields[place].parse::<f64>().unwrap();
    let fields = stat(process).unwrap_or_else(|| panic!("process {process} is gone"));
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let waits = threads.flatten().map(|thread| {
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        field(&status, "voluntary_ctxt_switches:").unwrap_or_default()
    });
    Used {
        cpu: (number(&fields, 11) + number(&fields, 12)) / TICKS,
        waits: waits.sum(),
    }
}

fn status(process: u32, name: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kibibytes = field(&status, name).unwrap_or_default();
    f64::from(u32::try_from(kibibytes).unwrap()) * 1024.0 / 1e6
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

const PATIENCE: Duration = Duration::from_mins(1);
const GRACE: Duration = Duration::from_secs(5);
/// Of `/proc/PID/stat`, in a second: `USER_HZ`, the same on every Linux.
const TICKS: f64 = 100.0;
