//! The daemon's port, spoken to in raw bytes.

use std::{
    io::Read as _,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, SystemTime},
};

use flate2::read::GzDecoder;
use oci_registry_exporter::{
    exposition::{Coding, Format, Page, Scope},
    page::POLICY,
    report::Audience,
    server::{
        Answering, GRACE, Options, PageError, Pages, ProbeRefusal, Probing, Reloading, Sought,
        StatusPage, serve,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};

const PAGE: &str = "oci_registry_up{registry=\"a\"} 1\n";

#[tokio::test]
async fn every_route_has_its_type_and_everything_else_is_not_found() {
    let port = Port::open(Fixed::default()).await;
    for (target, status, content_type, part) in [
        (
            "/metrics",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            PAGE,
        ),
        (
            "/metrics?x=1",
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            PAGE,
        ),
        ("/", 200, "text/html; charset=utf-8", "for anybody: ``"),
        ("/-/healthy", 200, "text/plain; charset=utf-8", "healthy"),
        ("/-/ready", 200, "text/plain; charset=utf-8", "ready"),
        ("/api/v1/reports", 200, "application/json", "all"),
        ("/api/v1/reports/a%2Fb", 200, "application/json", "only a/b"),
        (
            "/api/v1/reports/other",
            404,
            "text/plain; charset=utf-8",
            "no registry",
        ),
        (
            "/favicon.ico",
            404,
            "text/plain; charset=utf-8",
            "not found",
        ),
        ("/metrics/", 404, "text/plain; charset=utf-8", "not found"),
        (
            "/../etc/passwd",
            404,
            "text/plain; charset=utf-8",
            "not found",
        ),
        (
            "http://other.example/-/ready",
            200,
            "text/plain; charset=utf-8",
            "ready",
        ),
    ] {
        let answer = port.ask("GET", target, "").await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(
            answer.header("content-type"),
            Some(content_type),
            "{target}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{target}"
        );
        assert!(answer.text().contains(part), "{target}: {}", answer.text());
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_no_body() {
    let port = Port::open(Fixed::default()).await;
    for target in ["/metrics", "/", "/-/healthy", "/api/v1/reports"] {
        let get = port.ask("GET", target, "").await;
        let head = port.ask("HEAD", target, "").await;
        assert_eq!(head.status, 200, "{target}");
        assert_eq!(head.header("content-type"), get.header("content-type"));
        let length = get.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()));
        assert!(head.body.is_empty(), "{target}");
    }
}

#[tokio::test]
async fn the_status_page_has_its_query_and_its_policy() {
    let port = Port::open(Fixed::default()).await;
    let answer = port.ask("GET", "/?registry=a%2Fb&x", "").await;
    assert_eq!(answer.text(), "for anybody: `registry=a%2Fb&x`");
    let policy = answer.header("content-security-policy");
    assert_eq!(policy, Some(POLICY.as_str()));
    assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-"));
    assert!(!POLICY.contains("unsafe"), "{}", *POLICY);
}

/// The page itself says that it is not there.
#[tokio::test]
async fn a_registry_that_is_not_configured_has_no_status_page() {
    let port = Port::open(Fixed::default()).await;
    let answer = port.ask("GET", "/?registry=nobody", "").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.text(), "for anybody: `registry=nobody`");
    let html = Some("text/html; charset=utf-8");
    assert_eq!(answer.header("content-type"), html);
    assert_eq!(port.ask("HEAD", "/?registry=nobody", "").await.status, 404);
}

/// A proxy that goes by the one and a server that goes by the other are a way around both.
#[tokio::test]
async fn a_request_with_two_hosts_is_refused() {
    let port = Port::open(Fixed::default()).await;
    for target in ["/metrics", "/", "/nowhere", "/-/reload"] {
        for second in ["Host: x\r\n", "host: other\r\n"] {
            let answer = port.ask("GET", target, second).await;
            assert_eq!(answer.status, 400, "{target}");
        }
    }
    assert_eq!(port.ask("GET", "/metrics", "").await.status, 200);
}

#[tokio::test]
async fn other_methods_are_told_what_is_allowed() {
    let port = Port::open(Fixed::default()).await;
    for target in ["/metrics", "/", "/-/healthy", "/-/ready", "/api/v1/reports"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
            let answer = port.ask(method, target, "Content-Length: 0\r\n").await;
            assert_eq!(answer.status, 405, "{method} {target}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD"));
        }
    }
    assert_eq!(port.ask("POST", "/nowhere", "").await.status, 404);
}

#[tokio::test]
async fn format_follows_accept() {
    let port = Port::open(Fixed::default()).await;
    for (accept, format) in [
        (
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.4",
            Format::OpenMetrics,
        ),
        ("text/plain", Format::Text),
        ("image/png", Format::Text),
    ] {
        let answer = port
            .ask("GET", "/metrics", &format!("Accept: {accept}\r\n"))
            .await;
        assert_eq!(
            answer.header("content-type"),
            Some(format.content_type()),
            "{accept}"
        );
        assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    }
}

#[tokio::test]
async fn gzip_is_sent_to_who_asks_for_it() {
    let port = Port::open(Fixed::default()).await;
    for target in ["/", "/metrics", "/api/v1/reports"] {
        let plain = port.ask("GET", target, "").await;
        assert_eq!(plain.header("content-encoding"), None);
        let small = port.ask("GET", target, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(small.header("content-encoding"), Some("gzip"), "{target}");
        let mut text = String::new();
        GzDecoder::new(&small.body[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, plain.text());
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_made_is_an_error_and_not_the_end() {
    for fixed in [
        Fixed {
            error: true,
            ..Fixed::default()
        },
        Fixed {
            panic: true,
            ..Fixed::default()
        },
    ] {
        let port = Port::open(fixed).await;
        let answer = port.ask("GET", "/metrics", "").await;
        assert_eq!(answer.status, 500);
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
        assert_eq!(port.ask("GET", "/-/healthy", "").await.status, 200);
    }
}

#[tokio::test]
async fn a_stale_scheduler_is_unhealthy_and_a_starting_one_not_ready() {
    let heartbeat = Some(SystemTime::now() - Duration::from_secs(61));
    let port = Port::open(Fixed {
        heartbeat,
        starting: true,
        ..Fixed::default()
    })
    .await;
    assert_eq!(port.ask("GET", "/-/healthy", "").await.status, 503);
    assert_eq!(port.ask("GET", "/-/ready", "").await.status, 503);
}

#[tokio::test]
async fn bad_requests_are_refused_and_the_next_is_answered() {
    let port = Port::open(Fixed::default()).await;
    let long = "a".repeat(80_000);
    let headers = "X: x\r\n".repeat(200);
    for (what, bytes, statuses) in [
        (
            "no HTTP",
            "\x16\x03\x01\x02\x00\r\n\r\n".to_owned(),
            &[400][..],
        ),
        ("no version", "GET /metrics\r\n\r\n".to_owned(), &[400]),
        (
            "bad version",
            "GET /metrics HTTP/9.9\r\n\r\n".to_owned(),
            &[400, 505],
        ),
        (
            "bad header",
            "GET /metrics HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "huge header",
            format!("GET / HTTP/1.1\r\nX: {long}\r\n\r\n"),
            &[431],
        ),
        (
            "huge path",
            format!("GET /{long} HTTP/1.1\r\n\r\n"),
            &[414, 431],
        ),
        (
            "many headers",
            format!("GET / HTTP/1.1\r\n{headers}\r\n"),
            &[431],
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "h2 preface",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            &[400, 505],
        ),
    ] {
        let answer = port.send(bytes.as_bytes()).await;
        let status = answer.as_ref().map(|answer| answer.status);
        let refused = status.is_none_or(|status| statuses.contains(&status));
        assert!(refused, "{what}: {status:?}");
        assert_eq!(port.ask("GET", "/-/ready", "").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn pages_beyond_the_bound_are_refused_but_health_is_not() {
    let (fixed, mut gate) = Fixed::gated();
    let options = Options {
        max_requests: 1,
        ..Options::default()
    };
    let port = Port::open_with(fixed, options).await;
    let first = port.spawn("/metrics");
    gate.reached().await;
    let refused = port.ask("GET", "/api/v1/reports", "").await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(port.ask("GET", "/-/healthy", "").await.status, 200);
    gate.open();
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(port.ask("GET", "/api/v1/reports", "").await.status, 200);
}

#[tokio::test]
async fn without_a_bound_all_are_made() {
    let (fixed, mut gate) = Fixed::gated();
    let options = Options {
        max_requests: 0,
        ..Options::default()
    };
    let port = Port::open_with(fixed, options).await;
    let all: Vec<_> = (0..60).map(|_| port.spawn("/metrics")).collect();
    for _ in &all {
        gate.reached().await;
    }
    for _ in &all {
        gate.open();
    }
    for one in all {
        assert_eq!(one.await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let options = Options {
        max_connections: 2,
        ..Options::default()
    };
    let port = Port::open_with(Fixed::default(), options).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = port.connect().await;
        assert_eq!(ask_on(&mut stream).await.status, 200);
        held.push(stream);
    }
    let waiting = port.spawn("/-/ready");
    assert_eq!(ask_on(&mut held[1]).await.status, 200);
    assert!(!waiting.is_finished());
    held.pop();
    assert_eq!(waiting.await.unwrap().status, 200);
}

/// Sockets that ask for nothing, or stop in the middle, or asked once and keep their place.
#[tokio::test(start_paused = true)]
async fn who_holds_a_place_for_nothing_gives_it_to_who_waits() {
    let options = Options {
        max_connections: 8,
        ..Options::default()
    };
    let port = Port::open_with(Fixed::default(), options).await;
    let mut held = Vec::new();
    for at in 0..8 {
        let mut stream = port.connect().await;
        match at % 3 {
            0 => {}
            1 => stream.write_all(b"GET /metrics HTT").await.unwrap(),
            _ => {
                assert_eq!(ask_on(&mut stream).await.status, 200);
                stream.write_all(b"GET /metrics HTT").await.unwrap();
            }
        }
        held.push(stream);
    }
    let began = Instant::now();
    assert_eq!(port.ask("GET", "/metrics", "").await.status, 200);
    assert!(
        began.elapsed() <= Duration::from_secs(6),
        "{:?}",
        began.elapsed()
    );
    for mut stream in held {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
    }
}

#[tokio::test]
async fn probes_that_are_waited_for_leave_half_of_the_connections() {
    let options = Options {
        max_connections: 6,
        ..Options::default()
    };
    let port = Port::open_with(Fixed::default(), options).await;
    let probes = (0..4).map(|_| port.spawn("/probe?target=hangs"));
    let (refused, _, others) = futures_util::future::select_all(probes).await;
    let refused = refused.unwrap();
    assert_eq!(refused.status, 503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(port.ask("GET", "/metrics", "").await.status, 200);
    assert!(others.iter().all(|probe| !probe.is_finished()));
}

#[tokio::test]
async fn many_connections_at_once_are_all_answered() {
    let port = Port::open(Fixed::default()).await;
    let all: Vec<_> = (0..200).map(|_| port.spawn("/-/ready")).collect();
    for one in all {
        assert_eq!(one.await.unwrap().status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn who_sends_half_a_head_is_cut_off() {
    let port = Port::open(Fixed::default()).await;
    for half in ["", "GET /metr", "GET /metrics HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = port.connect().await;
        stream.write_all(half.as_bytes()).await.unwrap();
        let began = Instant::now();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.ok();
        assert!(
            rest.is_empty(),
            "{half}: {}",
            String::from_utf8_lossy(&rest)
        );
        assert!(began.elapsed() <= Duration::from_secs(11), "{half}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scraper_keeps_its_connection_between_scrapes() {
    let port = Port::open(Fixed::default()).await;
    let mut stream = port.connect().await;
    for _ in 0..3 {
        assert_eq!(ask_on(&mut stream).await.status, 200);
        sleep(Duration::from_mins(2)).await;
    }
    sleep(Duration::from_mins(1)).await;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "closed after the longest pause");
}

#[tokio::test]
async fn shutdown_lets_a_request_under_way_end_and_takes_no_new_one() {
    let (fixed, mut gate) = Fixed::gated();
    let mut port = Port::open(fixed).await;
    let mut idle = port.connect().await;
    assert_eq!(ask_on(&mut idle).await.status, 200);
    let under_way = port.spawn("/metrics");
    gate.reached().await;
    port.shut();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "an idle connection is closed at once");
    assert!(TcpStream::connect(port.address).await.is_err());
    assert!(!port.serving().is_finished());
    gate.open();
    let answer = under_way.await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, PAGE));
    port.ended().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_nobody_longer_than_the_grace() {
    let page = "x".repeat(64 * 1024 * 1024);
    let mut port = Port::open(Fixed {
        page: Some(page),
        ..Fixed::default()
    })
    .await;
    let mut stream = port.connect().await;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    // The answer has begun, and the rest of it is never read.
    stream.read_exact(&mut [0; 16]).await.unwrap();
    let began = Instant::now();
    port.shut();
    port.ended().await;
    assert!(began.elapsed() >= GRACE, "{:?}", began.elapsed());
    assert!(
        began.elapsed() < GRACE + Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn all_listeners_are_served() {
    let listeners = [listen().await, listen().await];
    let addresses = [0, 1].map(|at: usize| listeners[at].local_addr().unwrap());
    let (port, shut) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve(
        listeners.into(),
        Arc::new(Fixed::default()),
        Options::default(),
        async move { drop(shut.await) },
    ));
    for address in addresses {
        let request = b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert_eq!(exchange(address, request).await.unwrap().status, 200);
    }
    drop(port);
    serving.await.unwrap();
}

/// Pages that are always the same.
#[derive(Default)]
struct Fixed {
    page: Option<String>,
    heartbeat: Option<SystemTime>,
    starting: bool,
    error: bool,
    panic: bool,
    gate: Option<Hold>,
}

impl Fixed {
    fn gated() -> (Self, Gate) {
        let (reached, at) = tokio::sync::mpsc::unbounded_channel();
        let (open, wait) = channel();
        let wait = Mutex::new(wait);
        let gate = Some(Hold { reached, wait });
        let fixed = Self {
            gate,
            ..Self::default()
        };
        (fixed, Gate { at, open })
    }
}

impl Pages for Fixed {
    fn metrics(&self, _: Format, _: Scope, _: Coding) -> Result<Option<Page>, PageError> {
        if self.error {
            return Err("no page today".into());
        }
        assert!(!self.panic, "hunter2");
        if let Some(gate) = &self.gate {
            gate.reached.send(()).unwrap();
            gate.wait.lock().unwrap().recv().unwrap();
        }
        let page = self.page.clone().unwrap_or_else(|| PAGE.to_owned());
        Ok(Some(page.into()))
    }

    fn configuration(&self, _: Audience) -> String {
        "registries: []".to_owned()
    }

    fn probe(self: Arc<Self>, ask: Probing) -> Answering {
        if ask.target == "hangs" {
            return Box::pin(std::future::pending());
        }
        Box::pin(async { Err(ProbeRefusal::NotConfigured) })
    }

    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError> {
        Ok(Some(format!("{at:?}")))
    }

    fn reports(
        &self,
        registry: Option<&str>,
        audience: Audience,
    ) -> Result<Option<String>, PageError> {
        Ok(match registry {
            None => Some(format!("all for {audience:?}")),
            Some("a/b") => Some("only a/b".to_owned()),
            Some(_) => None,
        })
    }

    fn status(&self, query: &str, audience: Audience) -> Result<StatusPage, PageError> {
        assert_eq!(audience, Audience::Anybody);
        Ok(StatusPage {
            html: format!("for anybody: `{query}`"),
            found: query != "registry=nobody",
        })
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        self.heartbeat
    }

    fn ready(&self) -> bool {
        !self.starting
    }

    fn reload(self: Arc<Self>) -> Reloading {
        Box::pin(async { Err("line 3: no".to_owned()) })
    }
}

/// Where a page that is being made waits.
struct Hold {
    reached: tokio::sync::mpsc::UnboundedSender<()>,
    wait: Mutex<Receiver<()>>,
}

/// Holds the pages that are being made.
struct Gate {
    at: tokio::sync::mpsc::UnboundedReceiver<()>,
    open: Sender<()>,
}

impl Gate {
    async fn reached(&mut self) {
        self.at.recv().await.unwrap();
    }

    fn open(&self) {
        self.open.send(()).unwrap();
    }
}

/// A served port.
struct Port {
    address: SocketAddr,
    shut: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Port {
    async fn open(pages: Fixed) -> Self {
        Self::open_with(pages, Options::default()).await
    }

    async fn open_with(pages: Fixed, options: Options) -> Self {
        let listener = listen().await;
        let address = listener.local_addr().unwrap();
        let (shut, wait) = oneshot::channel::<()>();
        let shutdown = async move { drop(wait.await) };
        let serving = tokio::spawn(serve(vec![listener], Arc::new(pages), options, shutdown));
        Self {
            address,
            shut: Some(shut),
            serving: Some(serving),
        }
    }

    fn shut(&mut self) {
        drop(self.shut.take());
    }

    fn serving(&self) -> &JoinHandle<()> {
        self.serving.as_ref().unwrap()
    }

    async fn ended(&mut self) {
        self.serving.take().unwrap().await.unwrap();
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, method: &str, target: &str, headers: &str) -> Answer {
        let request = request(method, target, headers);
        self.send(request.as_bytes()).await.unwrap()
    }

    fn spawn(&self, target: &str) -> JoinHandle<Answer> {
        let request = request("GET", target, "");
        let address = self.address;
        tokio::spawn(async move { exchange(address, request.as_bytes()).await.unwrap() })
    }

    async fn send(&self, bytes: &[u8]) -> Option<Answer> {
        exchange(self.address, bytes).await
    }
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
}

/// Sends these bytes and reads to the end; `None` where nothing came back.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have closed already, in the middle of what it refuses.
    stream.write_all(bytes).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    Answer::parse(&answer)
}

/// One request on a connection that goes on.
async fn ask_on(stream: &mut TcpStream) -> Answer {
    stream
        .write_all(b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    loop {
        let answer = Answer::parse(&bytes);
        let length = |answer: &Answer| answer.header("content-length")?.parse::<usize>().ok();
        if let Some(answer) = answer.filter(|answer| length(answer) == Some(answer.body.len())) {
            return answer;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed");
    }
}

struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let body = bytes[end + 4..].to_vec();
        Some(Self {
            status,
            headers,
            body,
        })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}
