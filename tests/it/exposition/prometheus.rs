//! A real Prometheus scrapes both formats and says what it understood.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::{Request, Response, header};
use http_body_util::Full;
use hyper::{body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use oci_registry_exporter::exposition::{Format, View, encode};
use tokio::net::TcpListener;

use super::scenario;
use crate::lab::prometheus::{Config, Prometheus};

/// A label value with what `scenario::HOSTILE` leaves out: these need no escape
/// and must survive all the same.
const CONTROLS: &str =
    "cr\r nul\u{0} esc\u{1b}[31m del\u{7f} rtl\u{202e} quote\" back\\slash \\n new\nline";

#[tokio::test]
async fn a_real_prometheus_understands_both_formats_alike() {
    let view = Arc::new(hostile_view());
    let negotiated = serve(&view, None).await;
    let text = serve(&view, Some(Format::Text)).await;
    // It is ready when it has scraped both.
    let config = Config::scraping("negotiated", &negotiated.to_string(), "/metrics").and_scraping(
        "text",
        &text.to_string(),
        "/metrics",
    );
    let Some(prometheus) = Prometheus::start(&config).await else {
        return;
    };
    let targets = prometheus.api("targets", &[]).await;
    for target in targets["activeTargets"].as_array().expect("targets") {
        assert_eq!(target["health"], "up", "{target}");
    }
    compare(&prometheus).await.expect("both are alike");
}

/// Both formats came to the same series with the same values, the hostile ones unchanged.
async fn compare(prometheus: &Prometheus) -> Result<(), String> {
    let negotiated = series(prometheus, "negotiated").await?;
    let text = series(prometheus, "text").await?;
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
    prometheus: &Prometheus,
    job: &str,
) -> Result<BTreeMap<BTreeMap<String, String>, String>, String> {
    let query = format!(r#"{{job="{job}",__name__=~"oci_registry_.+|process_.+"}}"#);
    let result = prometheus.query(&query).await;
    let found = result.as_array().ok_or("no result")?;
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

/// Serves the view in the negotiated format, or always in this one, until the test ends.
async fn serve(view: &Arc<View>, always: Option<Format>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let view = Arc::clone(view);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let view = Arc::clone(&view);
            let answer = service_fn(move |request: Request<Incoming>| {
                let response = respond(&view, always, &request);
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
