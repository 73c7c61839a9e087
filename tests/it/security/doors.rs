//! The ways into a running daemon: closed until somebody opens them, and leading nowhere else.

use std::net::TcpListener;

use registry_sim::Scheme;

use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

#[tokio::test]
async fn what_changes_or_reveals_something_is_closed_by_default() {
    let sim = sim(Scheme::Basic).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    for (request, status) in [
        ("POST /-/reload", "403"),
        ("PUT /-/reload", "405"),
        ("GET /-/reload", "405"),
        ("POST /-/quit", "404"),
        ("PUT /-/quit", "404"),
        ("GET /probe?target=production", "403"),
        ("GET /probe?target=production&force=true", "403"),
        ("GET /probe?target=production&debug=true", "403"),
        ("GET /sd", "403"),
        ("GET /debug/pprof/", "404"),
        ("GET /debug/pprof/heap", "404"),
        ("POST /metrics", "405"),
        ("DELETE /api/v1/reports/production", "405"),
        ("PUT /config", "405"),
        ("TRACE /metrics", "405"),
        ("GET /../../etc/passwd", "404"),
        ("GET /%2e%2e/%2e%2e/etc/passwd", "404"),
        ("GET /api/v1/reports/..%2f..%2fetc%2fpasswd", "404"),
        ("GET //169.254.169.254/latest", "404"),
    ] {
        let (method, path) = request.split_once(' ').unwrap();
        let answer = daemon.request(method, path).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{request}: {answer}");
        assert!(!answer.contains(PASSWORD), "{request}: {answer}");
    }
    let shown = daemon.get("/config").await;
    assert!(
        !shown.contains(PASSWORD) && !shown.contains("robot"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_probe_goes_to_nobody_but_the_configured_registries() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let sim = sim(Scheme::Basic).await;
    let open = "    probe: {enabled: true}\n";
    let place = Workplace::new(&(registry("production", &sim, PASSWORD) + open));
    let daemon = Daemon::start(&place, &[]).await;
    for target in [
        format!("http://127.0.0.1:{port}/v2/"),
        format!("127.0.0.1:{port}"),
        format!("production@127.0.0.1:{port}"),
        format!("//127.0.0.1:{port}/"),
        format!("http%3A%2F%2F127.0.0.1%3A{port}"),
        format!("%5B%3A%3Affff%3A127.0.0.1%5D%3A{port}"),
        format!("2130706433:{port}"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "production%00".to_owned(),
        "production%0d%0aHost:%20evil".to_owned(),
        "PRODUCTION".to_owned(),
        sim.url(),
    ] {
        let answer = daemon.get(&format!("/probe?target={target}")).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
    }
    // A host in the request line or in `Host` chooses nothing: it is no proxy.
    let here = format!("Host: 127.0.0.1:{port}\r\nX-Forwarded-Host: 127.0.0.1:{port}\r\n");
    let address = format!("127.0.0.1:{port}");
    let url = format!("http://{address}/metrics");
    for (method, path) in [
        ("GET", url.as_str()),
        ("GET", "/metrics"),
        ("CONNECT", &address),
    ] {
        daemon.bare(method, path, &here).await;
    }
    let came = elsewhere.accept().map(|(_, from)| from);
    assert!(came.is_err(), "somebody was asked: {came:?}");
}
