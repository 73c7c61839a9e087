//! What a scraper, or whoever knocks at the own port, sends.

use std::{collections::BTreeMap, path::Path, sync::OnceLock, time::Duration};

use http::{HeaderMap, HeaderValue, Uri, header::HOST};
use oci_registry_exporter::{
    config::{self, Config, Environment},
    exposition::Format,
    outcome::CheckName,
    page::{self, Exporter, Registry, View},
    report::Audience,
    server::{self, Probing},
};
use url::form_urlencoded;

use super::{assert_harmless, assert_shown_on_one_line, now};
use crate::status_page::markup;

/// The query of `/probe` and of `/metrics`, and the header with the scraper's patience: the
/// first line is the query, the second the header, a third one `Accept`.
pub(super) fn probe_query(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let Some(uri) = uri(&query) else { return };
    let mut headers = HeaderMap::new();
    if let Some(Ok(patience)) = lines.next().map(HeaderValue::from_bytes) {
        headers.insert("x-prometheus-scrape-timeout-seconds", patience);
    }
    let accept = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let format = Format::negotiate([&*accept]);
    let scope = server::scope(&uri);
    assert!(scope.names.len() + scope.registries.len() <= query.len() + 1);
    assert!(scope.probe.is_none());
    match server::probing(&uri, &headers, format) {
        Ok(probing) => {
            assert!(!probing.target.is_empty());
            assert!(probing.timeout > Duration::ZERO && probing.timeout <= Duration::from_mins(2));
            let again = Uri::try_from(format!("/probe?{}", written(&probing)));
            let again = server::probing(&again.expect("an address"), &headers, format);
            assert_eq!(again, Ok(probing));
        }
        Err(why) => assert_shown_on_one_line(&why, 200),
    }
}

fn written(probing: &Probing) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("target", &probing.target);
    for check in &probing.checks {
        let word = CheckName::ALL.iter().find(|(known, _)| known == check);
        query.append_pair("check", word.expect("it is in the table").1);
    }
    query.append_pair("force", &probing.force.to_string());
    query.append_pair("debug", &probing.debug.to_string());
    query.finish()
}

/// `Host`: what `/sd` hands out can be connected to, and is nothing but host and port.
pub(super) fn host(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(HOST, value);
    let Some(address) = server::address(&Uri::from_static("/sd"), &headers) else {
        return;
    };
    let text = address.as_str();
    assert!(
        !text.contains(['@', '/', '?', '#', ' ', '"', '\\']),
        "{text}"
    );
    assert!(!address.host().is_empty());
    assert!(
        address
            .port()
            .is_none_or(|port| port.as_str().parse().is_ok_and(|port: u16| port > 0))
    );
    assert!(text.is_ascii());
}

/// The query of the status page: whatever it is, the page is well-formed and not long.
pub(super) fn page_query(input: &[u8]) {
    let query = String::from_utf8_lossy(input);
    let config = shown();
    let none = BTreeMap::new();
    let time = |seconds: u64| now() + Duration::from_secs(seconds);
    for audience in [Audience::Anybody, Audience::Operator] {
        let registries = config.registries.iter();
        let view = View {
            now: time(3600),
            audience,
            telemetry_path: "/metrics",
            exporter: Exporter {
                version: "0.0.0",
                revision: "",
                started: time(0),
                loaded: time(0),
                reload_successful: true,
                heartbeat: Some(time(3599)),
                cycles_in_flight: 0,
                documents: Vec::new(),
            },
            registries: registries
                .map(|target| Registry::new(target, None))
                .collect(),
            next_runs: &none,
        };
        let page = page::status(&view, &query);
        markup::read(&page).unwrap_or_else(|why| panic!("{why}: {query}"));
        assert_harmless(&page);
        assert!(
            page.len() <= 64 * 1024 + 128 * query.len(),
            "{} bytes",
            page.len()
        );
    }
}

fn shown() -> &'static Config {
    static CONFIG: OnceLock<Config> = OnceLock::new();
    CONFIG.get_or_init(|| {
        let text =
            "registries: [{url: https://a.example.com}, {name: 'b <&> \"', url: http://b:5000}]";
        config::parse(text, "fuzz.yml", Path::new("/"), &Environment::default())
            .expect("it is good")
    })
}

fn uri(query: &str) -> Option<Uri> {
    Uri::try_from(format!("/probe?{query}")).ok()
}

pub(super) const QUERY: &[&str] = &[
    "target=",
    "check=",
    "force=true",
    "debug=true",
    "&",
    "=",
    "%",
    "%00",
    "%0a",
    "+",
    "name[]=",
    "registry=",
    "name=",
    "status=",
    "page=",
    "refresh=",
    "18446744073709551616",
    "-1",
    "NaN",
    "1e9",
    "pull",
    "credentials",
    "\n",
    "application/openmetrics-text",
    ";q=",
    "%e2%80%ae",
    "%3Cscript%3E",
    "fail",
];
