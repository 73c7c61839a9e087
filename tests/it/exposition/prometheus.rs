//! A real Prometheus scrapes both formats and says what it understood.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use http::{Request, Response, header};
use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oci_registry_exporter::exposition::{Format, View, encode};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use super::scenario;

/// A label value with what `scenario::HOSTILE` leaves out: these need no escape
/// and must survive all the same.
const CONTROLS: &str =
    "cr\r nul\u{0} esc\u{1b}[31m del\u{7f} rtl\u{202e} quote\" back\\slash \\n new\nline";

#[tokio::test]
async fn a_real_prometheus_understands_both_formats_alike() {
    let (tell, mut scrapes) = mpsc::unbounded_channel();
    let view = Arc::new(hostile_view());
    let negotiated = serve(&view, None, tell.clone()).await;
    let text = serve(&view, Some(Format::Text), tell).await;

    let directory = tempfile::tempdir().expect("a directory");
    let configuration = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
         scrape_configs:\n\
         - {{job_name: negotiated, static_configs: [{{targets: ['{negotiated}']}}]}}\n\
         - {{job_name: text, static_configs: [{{targets: ['{text}']}}]}}\n"
    );
    std::fs::write(directory.path().join("prometheus.yml"), configuration).expect("written");
    let Some((mut prometheus, api)) = start(directory.path(), &mut scrapes).await else {
        super::say_aloud("skipped: prometheus is not installed");
        return;
    };

    let verdict = judge(api, &mut scrapes).await;
    prometheus.kill().await.expect("it can be ended");
    verdict.expect("prometheus says what it understood");
}

/// Asks after each scrape, until both targets have been judged.
async fn judge(api: SocketAddr, scrapes: &mut Scrapes) -> Result<(), String> {
    for _ in 0..ATTEMPTS {
        next(scrapes).await;
        let Some(targets) = ask(api, "/api/v1/targets").await else {
            continue;
        };
        let targets = targets["activeTargets"].as_array().ok_or("no targets")?;
        let health = |target: &Value| target["health"].as_str() != Some("unknown");
        if targets.len() < 2 || !targets.iter().all(health) {
            continue;
        }
        for target in targets {
            if target["health"] != "up" {
                return Err(format!("a target is not up: {target}"));
            }
        }
        return compare(api).await;
    }
    Err(format!("no verdict after {ATTEMPTS} scrapes"))
}

/// Both formats came to the same series with the same values, the hostile ones unchanged.
async fn compare(api: SocketAddr) -> Result<(), String> {
    let negotiated = series(api, "negotiated").await?;
    let text = series(api, "text").await?;
    if negotiated.len() < 200 {
        return Err(format!("only {} series", negotiated.len()));
    }
    for (labels, value) in &negotiated {
        if text.get(labels) != Some(value) {
            return Err(format!("only in OpenMetrics: {labels:?} {value}"));
        }
    }
    if negotiated.len() != text.len() {
        return Err("the text form has more series".to_owned());
    }
    let found = negotiated.keys().any(|labels| {
        labels.get("registry").map(String::as_str) == Some(scenario::HOSTILE)
            && labels.get("note").map(String::as_str) == Some(CONTROLS)
    });
    if !found {
        return Err("the hostile labels did not arrive unchanged".to_owned());
    }
    Ok(())
}

/// Every series of a job of ours, without the labels that the scrape adds, with its value.
async fn series(
    api: SocketAddr,
    job: &str,
) -> Result<BTreeMap<BTreeMap<String, String>, String>, String> {
    let query = format!(r#"{{job="{job}",__name__=~"oci_registry_.+|process_.+"}}"#);
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = ask(api, &format!("/api/v1/query?query={query}")).await;
    let answer = answer.ok_or("no answer to a query")?;
    let found = answer["result"].as_array().ok_or("no result")?;
    found
        .iter()
        .map(|series| {
            let mut labels: BTreeMap<String, String> =
                serde_json::from_value(series["metric"].clone()).map_err(|it| it.to_string())?;
            labels.remove("job");
            labels.remove("instance");
            // `1.0` is OpenMetrics' canonical form of `1`; Prometheus 3 makes them one.
            if let Some(bound) = labels.get_mut("le") {
                *bound = bound.trim_end_matches(".0").to_owned();
            }
            Ok((labels, series["value"][1].to_string()))
        })
        .collect()
}

fn hostile_view() -> View {
    let mut view = scenario::view();
    let mut config = oci_registry_exporter::config::Config::clone(&view.config);
    for target in &mut config.registries {
        if target.name == scenario::HOSTILE {
            let labels = [("note".to_owned(), CONTROLS.to_owned())];
            Arc::make_mut(target).labels = labels.into();
        }
    }
    view.config = Arc::new(config);
    view
}

type Scrapes = mpsc::UnboundedReceiver<()>;

/// Serves the view in the negotiated format, or always in this one, until the test ends.
async fn serve(
    view: &Arc<View>,
    always: Option<Format>,
    tell: mpsc::UnboundedSender<()>,
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let view = Arc::clone(view);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let view = Arc::clone(&view);
            let tell = tell.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let response = respond(&view, always, &request);
                // The receiver is gone when the test is over.
                let _ = tell.send(());
                async move { Ok::<_, Infallible>(response) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    });
    address
}

fn respond(
    view: &View,
    always: Option<Format>,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    let accept = request.headers().get_all(header::ACCEPT);
    let accept = accept.iter().filter_map(|value| value.to_str().ok());
    let negotiated = Format::negotiate(accept);
    assert_eq!(negotiated, Format::OpenMetrics, "what prometheus asks for");
    let format = always.unwrap_or(negotiated);
    let page = encode(view, format).expect("a view always encodes");
    Response::builder()
        .header(header::CONTENT_TYPE, format.content_type())
        .body(Full::from(page))
        .expect("a response")
}

/// Starts Prometheus on a free port; `None` where it is not installed.
async fn start(directory: &Path, scrapes: &mut Scrapes) -> Option<(Child, SocketAddr)> {
    for _ in 0..3 {
        // The port is free now; where somebody else takes it first, another try.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a port");
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

/// The next scrape's beginning: whatever the one before it brought has been judged by then.
async fn next(scrapes: &mut Scrapes) {
    timeout(Duration::from_mins(1), scrapes.recv())
        .await
        .expect("prometheus scrapes every second")
        .expect("the servers live as long as the test");
}

/// The `data` of an answer of Prometheus' API; `None` while it gives none.
async fn ask(api: SocketAddr, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(api).await.ok()?;
    // 1.0: the answer is not chunked, and its end is the connection's.
    let request = format!("GET {path} HTTP/1.0\r\nHost: {api}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    (body["status"] == "success").then(|| body["data"].clone())
}

const ATTEMPTS: usize = 30;
