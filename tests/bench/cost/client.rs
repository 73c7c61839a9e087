//! A scraper: one connection, kept, that reads answers and looks at none.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep_until},
};

/// One connection to one server.
pub(crate) struct Scraper {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer: its status, how long its body is, how long it took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) bytes: usize,
    pub(crate) took: Duration,
}

impl Scraper {
    pub(crate) async fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: vec![0; 1024 * 1024],
        }
    }

    /// As Prometheus asks, with gzip or without.
    pub(crate) async fn get(&mut self, path: &str, gzip: bool) -> Answer {
        self.read(path, gzip, |_| {}).await
    }

    /// The same, with the body.
    pub(crate) async fn body(&mut self, path: &str, gzip: bool) -> Vec<u8> {
        let mut body = Vec::new();
        let answer = self.read(path, gzip, |part| body.extend_from_slice(part));
        let answer = answer.await;
        assert_eq!(answer.status, 200, "{path}");
        body
    }

    async fn read(&mut self, path: &str, gzip: bool, mut keep: impl FnMut(&[u8])) -> Answer {
        let coding = if gzip { "gzip" } else { "identity" };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: text/plain;version=0.0.4\r\nAccept-Encoding: {coding}\r\n\r\n"
        );
        let began = Instant::now();
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let (head, mut last) = self.head().await;
        let status = head[9..12].parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: Option<usize> = length.map(|length| length.trim().parse().unwrap());
        let mut bytes = last.len();
        keep(&last);
        // In chunks, of which the last one is empty, where the length is not said;
        // such answers are small here.
        while length.map_or(!last.ends_with(b"0\r\n\r\n"), |length| bytes < length) {
            let count = self.stream.read(&mut self.buffer).await.unwrap();
            assert!(count > 0, "{path}: the connection ended");
            keep(&self.buffer[..count]);
            bytes += count;
            if length.is_none() {
                last.extend_from_slice(&self.buffer[..count]);
            }
        }
        Answer {
            status,
            bytes,
            took: began.elapsed(),
        }
    }

    /// The head in small letters, and what came with it of the body.
    async fn head(&mut self) -> (String, Vec<u8>) {
        let mut filled = 0;
        loop {
            let count = self.stream.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(count > 0, "the connection ended");
            filled += count;
            let mut head = self.buffer[..filled].windows(4);
            if let Some(end) = head.position(|it| it == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]);
                let rest = self.buffer[end + 4..filled].to_vec();
                return (head.to_ascii_lowercase(), rest);
            }
        }
    }
}

/// Asks for these paths in turn, from this many connections without a pause, for this
/// long; each connection has paths of its own where their number goes by that.
pub(crate) async fn closed_loop(
    address: SocketAddr,
    connections: usize,
    paths: &[String],
    time: Duration,
) -> u64 {
    let end = Instant::now() + time;
    let one = async |first: usize| {
        let mut scraper = Scraper::new(address).await;
        let mut count = 0;
        for path in paths.iter().cycle().skip(first).step_by(connections) {
            if Instant::now() >= end {
                break;
            }
            assert_eq!(scraper.get(path, true).await.status, 200);
            count += 1;
        }
        count
    };
    let all = (0..connections).map(one);
    futures_util::future::join_all(all).await.into_iter().sum()
}

/// Asks for these paths in turn, so many in a second, each at its time.
pub(crate) async fn paced(address: SocketAddr, rate: f64, paths: &[String], time: Duration) -> u64 {
    let begin = Instant::now();
    let mut scraper = Scraper::new(address).await;
    let mut count: u32 = 0;
    for path in paths.iter().cycle() {
        let due = begin + Duration::from_secs_f64(f64::from(count) / rate);
        if due >= begin + time {
            break;
        }
        sleep_until(due).await;
        assert_eq!(scraper.get(path, true).await.status, 200);
        count += 1;
    }
    sleep_until(begin + time).await;
    count.into()
}
