//! Many, slow and rude clients of a running daemon: a scrape gets through all the same.

use std::{net::SocketAddr, time::Duration};

use registry_sim::Scheme;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

/// A thousand sockets, twice as many as have a place: silent ones, half heads, answers that
/// nobody takes, heads that never end.
#[tokio::test]
async fn a_scrape_gets_through_a_thousand_others() {
    more_descriptors();
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    let up = r#"oci_registry_up{registry="production"} 1"#;
    daemon.page("/metrics", up).await;
    let mut others = Vec::new();
    for at in 0..1000 {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        let sent: &[u8] = match at % 4 {
            0 => b"",
            1 => b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: ",
            2 => b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
            _ => b"\x16\x03\x01\x02\x00",
        };
        stream.write_all(sent).await.unwrap();
        others.push(stream);
    }
    // Far less than the head of a connection may take: places are given back before.
    let scrape = timeout(Duration::from_secs(30), ask(daemon.address, "GET /metrics"));
    let page = scrape.await.expect("a scrape gets through");
    assert!(page.is_some_and(|page| page.contains(up)));
    drop(others);
    assert!(daemon.get("/-/healthy").await.contains("200 OK"));
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_and_the_next_is_answered() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    let long = "a".repeat(1 << 20);
    let many = "X-A: b\r\n".repeat(10_000);
    for request in [
        format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /metrics?name[]={long} HTTP/1.1\r\nHost: x\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"),
        format!("GET /metrics HTTP/1.1\r\nHost: x\r\n{many}\r\n"),
        format!("{long} /metrics HTTP/1.1\r\n\r\n"),
        format!(
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{long}"
        ),
        format!(
            "POST /-/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{long}"
        ),
    ] {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        // It may hang up before it has all.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let read = timeout(Duration::from_mins(1), stream.read_to_end(&mut answer));
        let _ = read.await.expect("the connection ends");
        let answer = String::from_utf8_lossy(&answer);
        let begin: String = request.chars().take(40).collect();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{begin}: {answer:.200}"
        );
        assert!(answer.len() < 4096, "{begin}: {} bytes", answer.len());
        let next = ask(daemon.address, "GET /-/healthy").await;
        assert!(
            next.is_some_and(|next| next.starts_with("HTTP/1.1 200 ")),
            "{begin}"
        );
    }
}

/// One request on a connection of its own; `None` where nothing listens, or nothing comes.
pub(super) async fn ask(address: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let head = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    String::from_utf8(answer).ok()
}

/// The test itself needs more than the usual thousand.
fn more_descriptors() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(4096, |maximum| maximum.min(4096));
    if current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum,
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    }
}
