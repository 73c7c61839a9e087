//! Every query of every panel, asked of a real Prometheus that scraped the golden page.

use std::{
    fmt::Write,
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc,
    time::timeout,
};

use super::{dashboards, for_panels, label_values, text};
use crate::{
    alerts::promql::scan,
    lab::prometheus::{Config, Prometheus},
};

#[tokio::test]
async fn every_query_is_understood_and_finds_data() {
    let (tell, mut scrapes) = mpsc::unbounded_channel();
    let target = serve(page(), tell).await;
    let config = Config::scraping("oci", &target.to_string(), "/metrics");
    let Some(prometheus) = Prometheus::start(&config).await else {
        return;
    };
    // A rate needs two scrapes, and a third has begun when the second is stored.
    for _ in 0..3 {
        next(&mut scrapes).await;
    }
    let mut wrong = String::new();
    for (which, query) in queries() {
        let outcome = match ask(&prometheus, &query).await {
            Ok(0) => "no data".to_owned(),
            Ok(_) => continue,
            Err(error) => error,
        };
        writeln!(wrong, "{which}\n  {query}\n  {outcome}").expect("a string takes it");
    }
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

async fn next(scrapes: &mut mpsc::UnboundedReceiver<()>) {
    timeout(Duration::from_mins(1), scrapes.recv())
        .await
        .expect("prometheus scrapes every second")
        .expect("the server lives as long as the test");
}

/// How many series a query finds, or what is wrong with it.
async fn ask(prometheus: &Prometheus, query: &str) -> Result<usize, String> {
    let answer = prometheus.answer("query", &[("query", query)]).await;
    let found = answer["data"]["result"].as_array();
    found
        .map(Vec::len)
        .ok_or_else(|| answer["error"].to_string())
}
