//! Each way in which a server can fail has one kind of error, and no request
//! outlives its deadline or outgrows its cap.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use oci_registry_exporter::{
    exchange::{SMALL_BODY, TransportError, TransportErrorKind},
    transport::Transport,
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use super::{
    AMPLE, HOST, SHORT, get, options,
    server::{Server, answer, until_closed},
    transport,
};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

async fn failure(url: &str, deadline: Duration) -> TransportError {
    let (exchange, sent) = transport().send(&get(url), deadline).await;
    let error = exchange.expect_err("the server fails");
    assert_eq!(sent.end, Err(error.kind));
    assert!(error.detail.chars().count() <= 200, "{}", error.detail);
    assert!(!error.detail.chars().any(char::is_control), "{error}");
    error
}

async fn port_that_refuses() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_name_without_address_is_dns() {
    let error = failure("http://registry.invalid/v2/", AMPLE).await;
    assert_eq!(error.kind, TransportErrorKind::Dns);
    assert!(error.before_connected);
    assert!(
        error
            .detail
            .starts_with("cannot resolve `registry.invalid`: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_refused_connection_is_connect() {
    let port = port_that_refuses().await;
    for scheme in ["http", "https"] {
        let error = failure(&format!("{scheme}://127.0.0.1:{port}/v2/?token=x"), AMPLE).await;
        assert_eq!(error.kind, TransportErrorKind::Connect);
        assert!(error.before_connected);
        assert_eq!(
            error.detail,
            format!("cannot connect to 127.0.0.1:{port}: Connection refused")
        );
    }
}

#[tokio::test]
async fn what_is_not_http_is_protocol() {
    let many = "a: b\r\n".repeat(5000);
    let huge = format!("a: {}\r\n", "b".repeat(2 * 1024 * 1024));
    for (name, bytes) in [
        ("banner", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        ("random", (0..=255).cycle().take(4096).collect()),
        ("tls alert", b"\x15\x03\x01\x00\x02\x02\x16".to_vec()),
        ("status", b"HTTP/1.1 abc\r\n\r\n".to_vec()),
        ("header", b"HTTP/1.1 200 OK\r\na: \x1b\0\r\n\r\n".to_vec()),
        (
            "length",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_vec(),
        ),
        (
            "many headers",
            format!("HTTP/1.1 200 OK\r\n{many}\r\n").into_bytes(),
        ),
        (
            "huge header",
            format!("HTTP/1.1 200 OK\r\n{huge}\r\n").into_bytes(),
        ),
    ] {
        let server = Server::hanging_after(bytes).await;
        let error = failure(&server.url("/v2/"), AMPLE).await;
        assert_eq!(error.kind, TransportErrorKind::Protocol, "{name}: {error}");
        assert!(!error.before_connected, "{name}");
        let hint = " (if this is a TLS port, write the URL with https://)";
        assert!(
            error.detail.starts_with("the answer is not valid HTTP: ")
                && error.detail.ends_with(hint),
            "{name}: {error}"
        );
    }
}

#[tokio::test]
async fn a_flood_of_interim_answers_ends() {
    let server = Server::endless("", "HTTP/1.1 100 Continue\r\n\r\n").await;
    let error = failure(&server.url("/v2/"), Duration::from_millis(300)).await;
    assert!(
        matches!(
            error.kind,
            TransportErrorKind::Timeout | TransportErrorKind::Protocol
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_reset() {
    let closed = Server::closing_after("").await;
    let half = Server::closing_after("HTTP/1.1 200 OK\r\nContent-").await;
    let reset = Server::new(|mut stream, heads| async move {
        heads.read(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    for server in [closed, half, reset] {
        let error = failure(&server.url("/v2/"), AMPLE).await;
        assert_eq!(error.kind, TransportErrorKind::Reset, "{error}");
        assert!(!error.before_connected);
        assert_eq!(
            error.detail,
            format!(
                "{} closed the connection before it answered",
                server.address
            )
        );
        assert_eq!(server.heads().len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_is_reset_and_nothing_was_sent() {
    let server = Server::new(|stream, _| async move {
        stream.readable().await.unwrap();
    })
    .await;
    let error = failure(&server.https(HOST), AMPLE).await;
    assert_eq!(error.kind, TransportErrorKind::Reset, "{error}");
    assert!(error.before_connected);
    assert!(
        error.detail.ends_with("during the TLS handshake"),
        "{error}"
    );
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_tls() {
    let server = Server::new(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        until_closed(stream).await;
    })
    .await;
    let error = failure(&server.https(HOST), AMPLE).await;
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    assert!(error.before_connected);
    assert!(error.detail.contains("is it plain HTTP?"), "{error}");
}

#[tokio::test]
async fn the_deadline_spans_head_and_body() {
    let dripping_head = Server::new(|mut stream, heads| async move {
        heads.read(&mut stream).await;
        // Too slow to end in time, never still for long.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\na: ").await;
        while stream.write_all(b"b").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    let dripping_body = Server::new(|mut stream, heads| async move {
        heads.read(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
            .await;
        while stream.write_all(b"b").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    })
    .await;
    for (server, words) in [
        (Server::hanging_after("").await, "no answer from "),
        (dripping_head, "no answer from "),
        (Server::hanging_after(OK).await, "did not end within "),
        (dripping_body, "did not end within "),
    ] {
        let error = failure(&server.url("/v2/"), SHORT).await;
        assert_eq!(error.kind, TransportErrorKind::Timeout);
        assert!(!error.before_connected);
        assert!(error.detail.contains(words), "{error}");
        assert!(error.detail.ends_with("within 150ms"), "{error}");
    }
}

#[tokio::test]
async fn the_connect_timeout_spans_the_handshake() {
    let server = Server::new(|stream, _| until_closed(stream)).await;
    let mut options = options();
    options.connect_timeout = SHORT;
    let transport = Transport::new(&options).unwrap();
    let (exchange, sent) = transport.send(&get(&server.https(HOST)), AMPLE).await;
    let error = exchange.expect_err("the handshake stands still");
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    assert!(error.before_connected);
    assert_eq!(
        error.detail,
        format!(
            "the TLS handshake with {HOST}:{} did not end within 150ms",
            server.address.port()
        )
    );
    let connection = sent.connection.expect("one was begun");
    assert!(connection.connect.is_some() && connection.tls.is_none());
    assert_eq!((transport.connections(), transport.handshakes()), (0, 1));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_cap() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let server = Server::new(move |mut stream, heads| {
        let written = Arc::clone(&counter);
        async move {
            heads.read(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {
                written.fetch_add(4096, Ordering::SeqCst);
            }
        }
    })
    .await;
    let transport = transport();
    let (exchange, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
    let reply = exchange.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.truncated);
    assert_eq!(reply.body.len(), SMALL_BODY);
    // The rest stays in the buffers of the sockets: it was never read.
    assert!(written.load(Ordering::SeqCst) < 32 * 1024 * 1024);
    let (next, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
    assert!(next.is_ok());
    assert_eq!(
        transport.connections(),
        2,
        "a cut connection is not used again"
    );
}

#[tokio::test]
async fn a_body_is_whole_up_to_its_cap_and_cut_after_it() {
    let server = Server::answering(answer("200 OK", "0123456789")).await;
    for (cap, body, truncated) in [
        (11, "0123456789", false),
        (10, "0123456789", false),
        (9, "012345678", true),
        (0, "", true),
    ] {
        let request = get(&server.url("/v2/")).body_cap(cap);
        let reply = transport().send(&request, AMPLE).await.0.unwrap();
        assert_eq!(
            (reply.body.as_ref(), reply.truncated),
            (body.as_bytes(), truncated)
        );
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_truncated_answer() {
    for (name, status, bytes) in [
        (
            "length",
            200,
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234",
        ),
        (
            "length",
            500,
            "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n01234",
        ),
        (
            "chunk",
            200,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n",
        ),
        (
            "chunk size",
            200,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\nzz\r\n",
        ),
    ] {
        let server = Server::closing_after(bytes).await;
        let (exchange, sent) = transport().send(&get(&server.url("/v2/")), AMPLE).await;
        let reply = exchange.unwrap();
        assert_eq!(sent.end, Ok(status));
        assert_eq!(reply.status, status, "{name}");
        assert!(reply.truncated, "{name}");
        assert_eq!(reply.body.as_ref(), b"01234", "{name}");
    }
}

#[tokio::test]
async fn extreme_deadlines_are_deadlines() {
    let server = Server::answering(answer("200 OK", "")).await;
    let error = failure(&server.url("/v2/"), Duration::ZERO).await;
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    assert!(error.before_connected);
    assert_eq!(server.connections(), 0);
    let (exchange, _) = transport()
        .send(&get(&server.url("/v2/")), Duration::MAX)
        .await;
    assert_eq!(exchange.unwrap().status, 200);
}

#[tokio::test]
async fn addresses_that_are_never_sent_to_are_refused() {
    for url in ["http://bob:hunter2@registry.test/", "file:///etc/passwd"] {
        let error = failure(url, AMPLE).await;
        assert_eq!(error.kind, TransportErrorKind::Protocol);
        assert!(!error.detail.contains("hunter2"), "{error}");
    }
}

/// The limit of open files belongs to the whole process, so the test runs itself
/// in a process of its own.
#[test]
fn a_process_without_file_descriptors_says_so() {
    let own = std::env::current_exe().unwrap();
    let status = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 64 && exec \"$0\" --exact transport::faults::out_of_files --ignored")
        .arg(own)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

#[tokio::test]
#[ignore = "run by a_process_without_file_descriptors_says_so, under a limit"]
async fn out_of_files() {
    let server = Server::answering(answer("200 OK", "")).await;
    let transport = transport();
    let mut open = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        open.push(file);
        assert!(open.len() < 10_000, "there is no limit");
    }
    let (exchange, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
    let error = exchange.expect_err("no socket can be made");
    assert_eq!(error.kind, TransportErrorKind::Resource, "{error}");
    assert!(error.before_connected);
    assert!(error.detail.contains("file descriptors"), "{error}");
    drop(open);
    let (exchange, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
    assert!(exchange.is_ok(), "it recovers");
}
