//! A running daemon's reports in place of asking the registries.

use std::net::SocketAddr;

use registry_sim::Scheme;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{answers, run, schema, sim};
use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
};

#[tokio::test]
async fn a_daemons_reports_are_printed_and_judged_and_no_registry_is_asked() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    let page = daemon
        .page(
            "/api/v1/reports",
            r#""check": "check.integration.oci.referrers""#,
        )
        .await;
    let (_, body) = page.split_once("\r\n\r\n").unwrap();
    schema::hold(body);
    let asked = sim.total_requests();
    let from = format!("http://{}", daemon.address);
    let elsewhere = Workplace::empty();
    let checks = ["--check", "credentials", "--check", "pull"];
    let ended = elsewhere
        .run(&[&["check", "--from", &from][..], &checks].concat())
        .await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(answers(&ended.stdout), ["credentials PASS", "pull PASS"]);
    let arguments = ["check", "production", "--from", &from, "--format", "json"];
    let ended = elsewhere.run(&arguments).await;
    schema::hold(&ended.stdout);
    let ended = elsewhere
        .run(&["check", "prodution", "--from", &from])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("did you mean `production`?"),
        "{}",
        ended.stderr
    );
    // Push waits after a start of the daemon: it has no answer yet.
    let required = ["check", "--from", &from, "--require", "push"];
    let ended = elsewhere.run(&required).await;
    assert_eq!(ended.code, Some(1), "{}", ended.stdout);
    assert_eq!(
        ended.stderr,
        "required to pass: push of `production` has no answer\n"
    );
    let ended = elsewhere
        .run(&["check", "--from", &from, "--check", "push"])
        .await;
    assert_eq!(ended.code, Some(3), "{}", ended.stdout);
    assert_eq!(sim.total_requests(), asked);
}

/// A server that answers every request with this.
async fn server(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let said = String::from_utf8_lossy(&request[..read]).into_owned();
            let wanted = said.contains("authorization: Basic Ym9iOmh1bnRlcjI=\r\n");
            let answer = if answer.is_empty() {
                let status = if wanted { "200 OK" } else { "401 Unauthorized" };
                let body = r#"{"version": 1, "generated_at": "2026-11-23T16:00:00Z", "reports": [], "registries": [{"registry": "a"}]}"#;
                format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes()
            } else {
                answer.clone()
            };
            // Who has read enough goes away.
            let _ = stream.write_all(&answer).await;
        }
    });
    address
}

fn page(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn what_is_no_daemon_is_said() {
    let place = Workplace::empty();
    let huge = "x".repeat(33 << 20);
    for (answer, said) in [
        (page("200 OK", "<html>"), "it is no JSON object"),
        (
            page("200 OK", r#"{"version": 2}"#),
            "`version` is 2, and only version 1",
        ),
        (
            page("404 Not Found", ""),
            "is this the address of the daemon?",
        ),
        (page("302 Found", ""), "redirects are not followed (302)"),
        (
            page("503 Service Unavailable", ""),
            "the daemon answered 503",
        ),
        (page("200 OK", &huge), "larger than 32 MiB"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{".to_vec(),
            "or broke off",
        ),
        (b"SSH-2.0-x\r\n".to_vec(), "--from http://127.0.0.1:"),
        (
            page(
                "200 OK",
                r#"{"version": 1, "generated_at": "2026-11-23T16:00:00Z", "reports": []}"#,
            ),
            "the daemon has no registry",
        ),
    ] {
        let from = format!("http://{}", server(answer).await);
        let ended = place.run(&["check", "--from", &from]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{said}");
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_ends_with_the_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let from = format!("http://{}", listener.local_addr().unwrap());
    let ended = Workplace::empty()
        .run(&["check", "--from", &from, "--timeout", "1s"])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("1s"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_login_is_sent_to_the_daemon_and_asked_for_where_it_is_missing() {
    let place = Workplace::empty();
    let from = format!("http://{}", server(Vec::new()).await);
    let ended = place.run(&["check", "--from", &from]).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("wants a login (401): use `--username`"),
        "{}",
        ended.stderr
    );
    let login = [
        "check",
        "--from",
        &from,
        "--username",
        "bob",
        "--password-stdin",
    ];
    let ended = run(&place, &login, &[], "hunter3").await;
    assert!(
        ended.stderr.contains("refuses the login (401)"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("hunter"), "{}", ended.stderr);
    // Nothing is known of its only registry.
    let ended = run(&place, &login, &[], "hunter2\n").await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(3), ""));
}
