//! Scrapers that ask for a large page and do not read it: what they cost a running
//! daemon in memory, while the page goes on changing.

use std::{fs, io::Read as _};

use flate2::read::GzDecoder;
use registry_sim::{RegistrySim, Scheme};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use super::{daemon::Daemon, run::Workplace, sim};

/// So many registries with so long a label that the page is larger than what the
/// kernel holds of it on both sides, and one that changes every second.
fn registries(sim: &RegistrySim) -> String {
    let mut text = "registries:\n".to_owned();
    for number in 0..QUIET {
        let note = "x".repeat(250);
        let labels = format!("{{one: {note}, two: {note}, three: {note}, four: {note}}}");
        text += &row(
            &format!("quiet-{number}"),
            sim,
            &format!("labels: {labels}"),
        );
    }
    let often = "checks: {credentials: {interval: 1s}, pull: {interval: 1s}}, timeout: 1s";
    text + &row("often", sim, often)
}

fn row(name: &str, sim: &RegistrySim, more: &str) -> String {
    let url = sim.url();
    format!("  - {{name: {name}, url: '{url}', test_repository: team/app, {more}}}\n")
}

/// One that has sent a request and read the beginning of its answer.
async fn stalled(daemon: &Daemon) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // What is not read stays with the daemon and not in the kernel.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(daemon.address).await.unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut begin = [0; 12];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200");
    stream
}

/// The page as a scraper gets it that takes gzip.
async fn compressed(daemon: &Daemon) -> String {
    let mut stream = TcpStream::connect(daemon.address).await.unwrap();
    let request =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]);
    assert!(head.contains("content-encoding: gzip"), "{head}");
    let mut text = String::new();
    let mut decoder = GzDecoder::new(&answer[end + 4..]);
    decoder.read_to_string(&mut text).unwrap();
    text
}

/// Waits until the one that changes often has changed.
async fn changed(daemon: &Daemon) {
    let runs = "/metrics?registry=often&name[]=oci_registry_check_runs_total";
    let before = body(&daemon.get(runs).await);
    while body(&daemon.get(runs).await) == before {
        tokio::task::yield_now().await;
    }
}

fn body(answer: &str) -> String {
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Resident memory of a process (bytes).
fn resident(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_stalled_scraper_costs_little_beyond_the_page() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registries(&sim));
    let mut daemon = Daemon::start(&place, &[]).await;
    let ups = "/metrics?name[]=oci_registry_up";
    while body(&daemon.get(ups).await).matches("} 1\n").count() < QUIET + 1 {
        tokio::task::yield_now().await;
    }
    let page = daemon.get("/metrics").await.len();
    assert!(page > 8 * 1024 * 1024, "{page}");

    // Compressed it is the same, and the work for it is done.
    let small = compressed(&daemon).await;
    assert!(small.matches("registry=\"quiet-").count() > 10 * QUIET);
    assert!(small.len().abs_diff(page) < page / 100, "{}", small.len());

    // The first of them bring what they share: threads, and their arenas.
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(stalled(&daemon).await);
    }
    let before = resident(daemon.process());
    for _ in 0..MORE {
        changed(&daemon).await;
        held.push(stalled(&daemon).await);
    }
    let each = resident(daemon.process()).saturating_sub(before) / MORE;
    assert!(each < 64 * 1024, "{each} bytes each, of a page of {page}");

    // They were stalled: what is read now is the whole page.
    let mut last = held.pop().unwrap();
    drop(held);
    let mut rest = String::new();
    last.read_to_string(&mut rest).await.unwrap();
    assert!(rest.len() > page - page / 100, "{}", rest.len());
    assert!(rest.lines().last().unwrap().starts_with("process_threads "));
    daemon.signal("KILL").await;
    daemon.end().await;
}

const QUIET: usize = 100;
const MORE: usize = 16;
