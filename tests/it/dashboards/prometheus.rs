//! Every query of every panel, asked of a real Prometheus that scraped the golden page.

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::{dashboards, for_panels, label_values, text};
use crate::alerts::{promql::scan, skip};

#[tokio::test]
async fn every_query_is_understood_and_finds_data() {
    let directory = tempfile::tempdir().expect("a directory");
    let (tell, mut scrapes) = mpsc::unbounded_channel();
    let target = serve(page(), tell).await;
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs: [{{job_name: oci, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(directory.path().join("prometheus.yml"), config).expect("it can be written");
    let Some((prometheus, api)) = start(directory.path(), &mut scrapes).await else {
        skip("prometheus");
        return;
    };
    // A rate needs two scrapes, and a third has begun when the second is stored.
    for _ in 0..3 {
        next(&mut scrapes).await;
    }
    let mut wrong = String::new();
    for (which, query) in queries() {
        let outcome = match ask(api, &query).await {
            Ok(0) => "no data".to_owned(),
            Ok(_) => continue,
            Err(error) => error,
        };
        writeln!(wrong, "{which}\n  {query}\n  {outcome}").expect("a string takes it");
    }
    drop(prometheus);
    assert_eq!(wrong, "");
}

/// All queries, as Grafana would send them with everything chosen.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for_panels(|which, panel| {
        for target in panel["targets"].as_array().expect("targets") {
            let query = text(&target["expr"]);
            if !scan(query).expect("a query").waits() {
                queries.push((which.to_owned(), query.to_owned()));
            }
        }
    });
    for (name, dashboard) in dashboards() {
        let variables = dashboard["templating"]["list"].as_array().expect("a list");
        for variable in &variables[1..] {
            let (selector, label) = label_values(variable);
            let which = format!("{name}: variable {}", variable["name"]);
            queries.push((which, format!("count by ({label}) ({selector})")));
        }
    }
    for (_, query) in &mut queries {
        for (variable, value) in [
            ("$__rate_interval", "1m"),
            ("$__range", "5m"),
            ("$job", ".+"),
            ("$instance", ".+"),
            ("$registry", ".+"),
        ] {
            *query = query.replace(variable, value);
        }
        assert!(!query.contains('$'), "a variable that nobody sets: {query}");
    }
    queries
}

/// The golden page, moved in time so that its scheduler went round just now.
fn page() -> String {
    let golden = include_str!("../../golden/metrics-text.txt");
    // Before Prometheus 3 `.+` stops at a line break, and its registry were not chosen.
    let golden = golden.replace(r"new\nline", "new line");
    let value = |line: &str| line.rsplit_once(' ').map(|(_, value)| value.parse::<f64>());
    let heartbeat = "oci_registry_exporter_scheduler_heartbeat_timestamp_seconds ";
    let then = golden.lines().find(|it| it.starts_with(heartbeat));
    let then = then
        .and_then(value)
        .expect("a heartbeat")
        .expect("a number");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let shift = (now.expect("after 1970").as_secs_f64() - then).round();
    let mut page = String::new();
    for line in golden.lines() {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        match line.rsplit_once(' ') {
            Some((series, at)) if name.ends_with("_timestamp_seconds") => {
                let at: f64 = at.parse().expect("a number");
                writeln!(page, "{series} {}", at + shift).expect("a string takes it");
            }
            _ => writeln!(page, "{line}").expect("a string takes it"),
        }
    }
    page
}

/// Serves the page to whoever asks, and tells of every one who does.
async fn serve(page: String, tell: mpsc::UnboundedSender<()>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            // The beginning is enough: there is one page.
            if stream.read(&mut request).await.is_ok() {
                // Prometheus may be gone when the test is over.
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = tell.send(());
            }
        }
    });
    address
}

/// Starts Prometheus on a free port; `None` where it is not installed.
async fn start(
    directory: &Path,
    scrapes: &mut mpsc::UnboundedReceiver<()>,
) -> Option<(Child, SocketAddr)> {
    for _ in 0..3 {
        // The port is free now; where somebody else takes it first, another try.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let free = free.expect("a port");
        let api = free.local_addr().expect("an address");
        drop(free);
        let prometheus = Command::new("prometheus")
            .current_dir(directory)
            .arg("--config.file=prometheus.yml")
            .arg("--storage.tsdb.path=data")
            .arg(format!("--web.listen-address={api}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let mut prometheus = match prometheus {
            Ok(prometheus) => prometheus,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("prometheus: {error}"),
        };
        tokio::select! {
            () = next(scrapes) => return Some((prometheus, api)),
            ended = prometheus.wait() => drop(ended),
        }
    }
    panic!("prometheus ended three times before its first scrape");
}

async fn next(scrapes: &mut mpsc::UnboundedReceiver<()>) {
    timeout(Duration::from_mins(1), scrapes.recv())
        .await
        .expect("prometheus scrapes every second")
        .expect("the server lives as long as the test");
}

/// How many series a query finds, or what is wrong with it.
async fn ask(api: SocketAddr, query: &str) -> Result<usize, String> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    // 1.0: the answer is not chunked, and its end is the connection's.
    let request = format!("GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {api}\r\n\r\n");
    let answer = async {
        let mut stream = TcpStream::connect(api).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = answer.await.map_err(|it| it.to_string())?;
    let body = answer.split_once("\r\n\r\n").ok_or("no body")?.1;
    let body: Value = serde_json::from_str(body).map_err(|it| it.to_string())?;
    let found = body["data"]["result"].as_array();
    found.map(Vec::len).ok_or(body["error"].to_string())
}
