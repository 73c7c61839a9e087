//! Runs one program to its end, within bounds.

use std::{ffi::OsString, io, process::Stdio};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};
use zeroize::Zeroizing;

/// How a program ended.
pub(super) struct Ended {
    pub(super) success: bool,
    /// In words, such as `exit status: 1`.
    pub(super) how: String,
    pub(super) stdout: Zeroizing<Vec<u8>>,
    /// The beginning of it.
    pub(super) stderr: Zeroizing<Vec<u8>>,
}

/// Why there is no end to speak of.
pub(super) enum Failure {
    Absent,
    Unstartable(io::Error),
    Broken(io::Error),
    /// More output than a credential can have.
    Talkative,
}

/// Starts `program get` with `input` on its stdin, in an environment of its own,
/// and waits for its end. Dropped before, the program and what it started end too.
pub(super) async fn run(
    program: &str,
    input: &str,
    environment: &[(OsString, OsString)],
) -> Result<Ended, Failure> {
    let mut running = start(program, environment)?;
    let child = &mut running.0;
    let stdin = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let write = async {
        if let Some(mut stdin) = stdin {
            // A helper that does not read its question has its reasons.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let answers = async { tokio::try_join!(read(stdout, true), read(stderr, false)) };
    let ((), answers) = tokio::join!(write, answers);
    let (stdout, stderr) = answers?;
    let status = child.wait().await.map_err(Failure::Broken)?;
    Ok(Ended {
        success: status.success(),
        how: status.to_string(),
        stdout,
        stderr,
    })
}

fn start(program: &str, environment: &[(OsString, OsString)]) -> Result<Running, Failure> {
    let mut command = Command::new(program);
    command
        .arg("get")
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    match command.spawn() {
        Ok(child) => Ok(Running(child)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Absent),
        Err(error) => Err(Failure::Unstartable(error)),
    }
}

/// Everything that is printed, if that is little; of `stderr` the beginning.
async fn read(
    stream: Option<impl AsyncRead + Unpin>,
    whole: bool,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // All the room at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST_OUTPUT + 1));
    let Some(mut stream) = stream else {
        return Ok(bytes);
    };
    let mut limited = (&mut stream).take(LARGEST_OUTPUT as u64 + 1);
    limited
        .read_to_end(&mut bytes)
        .await
        .map_err(Failure::Broken)?;
    if bytes.len() > LARGEST_OUTPUT {
        if whole {
            return Err(Failure::Talkative);
        }
        tokio::io::copy(&mut stream, &mut tokio::io::sink())
            .await
            .map_err(Failure::Broken)?;
    }
    Ok(bytes)
}

/// A program that ends with everything it started when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It leads a process group of its own, whose number is not given away as
        // long as it has not been waited for.
        #[cfg(unix)]
        if let Some(leader) = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // It may have ended by itself a moment ago.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

/// More than any credential needs (bytes).
const LARGEST_OUTPUT: usize = 64 * 1024;
