//! TLS itself: what is spoken, with what, and what is not.

use std::time::Duration;

use http::Version;
use oci_registry_exporter::server::Options;
use rustls::{
    crypto::ring::{cipher_suite, kx_group},
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{
    Fixed, Port,
    https::{Client, plain},
    tls_section,
};
use crate::lab::certificates::Authority;

/// An own CA, the port it certifies, and the client that trusts it.
async fn port(further: &[&str], rest: &str) -> (Authority, Port, Client) {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let further: Vec<_> = further.iter().map(|&line| line.to_owned()).collect();
    let config = tls_section(&pair.cert, &pair.key, &further) + rest;
    let port = Port::open(&config).await;
    let client = Client::trusting(&authority.root());
    (authority, port, client)
}

#[tokio::test]
async fn the_handshake_says_which_http_is_spoken() {
    let without = "http_server_config: {http2: false}\n";
    for (rest, offered, version) in [
        ("", &["h2", "http/1.1"][..], Version::HTTP_2),
        ("", &["http/1.1", "h2"], Version::HTTP_2),
        ("", &["http/1.1"], Version::HTTP_11),
        ("", &[], Version::HTTP_11),
        (without, &["h2", "http/1.1"], Version::HTTP_11),
        (without, &[], Version::HTTP_11),
    ] {
        let (_authority, port, client) = port(&[], rest).await;
        let client = client.offering(offered);
        let answer = client.get(port.address, "/metrics").await.unwrap();
        assert_eq!(
            (answer.status, answer.version),
            (200, version),
            "{offered:?}"
        );
        assert_eq!(answer.text(), "oci_registry_up 1\n");
        assert_eq!(answer.header("content-length"), Some("18"));
        let head = client
            .ask(port.address, "HEAD", "/metrics", None)
            .await
            .unwrap();
        assert_eq!(
            (head.status, head.text().as_str()),
            (200, ""),
            "{offered:?}"
        );
        assert_eq!(head.header("content-length"), Some("18"), "{offered:?}");
    }
    let (_authority, port, client) = port(&[], without).await;
    let refused = client.offering(&["h2"]).get(port.address, "/").await;
    assert!(refused.unwrap_err().contains("NoApplicationProtocol"));
}

#[tokio::test]
async fn versions_suites_and_curves_are_those_of_the_file() {
    type Adapt = fn(Client) -> Client;
    let suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]";
    let curves = "curve_preferences: [CurveP384]";
    let older: Adapt = |client| client.speaking(&TLS12);
    let newer: Adapt = |client| client.speaking(&TLS13);
    let rows: [(&str, Adapt, bool); 11] = [
        ("min_version: TLS12", older, true),
        ("min_version: TLS12", newer, true),
        ("min_version: TLS13", older, false),
        ("min_version: TLS13", newer, true),
        ("max_version: TLS12", older, true),
        ("max_version: TLS12", newer, false),
        (
            suites,
            |client| client.suites(&[cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]),
            true,
        ),
        (
            suites,
            |client| client.suites(&[cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]),
            false,
        ),
        // Those of TLS 1.3 are not chosen.
        (
            suites,
            |client| client.suites(&[cipher_suite::TLS13_AES_128_GCM_SHA256]),
            true,
        ),
        (curves, |client| client.groups(&[kx_group::SECP384R1]), true),
        (curves, |client| client.groups(&[kx_group::X25519]), false),
    ];
    for (at, (line, adapt, spoken)) in rows.into_iter().enumerate() {
        let (_authority, port, client) = port(&[line], "").await;
        let met = adapt(client).get(port.address, "/-/ready").await;
        assert_eq!(met.is_ok(), spoken, "{at}: {line}: {met:?}");
    }
}

#[tokio::test]
async fn the_servers_order_of_suites_decides_unless_told_otherwise() {
    let both = [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    let suites = "cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]";
    for (prefer, chosen) in [
        (None, both[1]),
        (Some("prefer_server_cipher_suites: true"), both[1]),
        (Some("prefer_server_cipher_suites: false"), both[0]),
    ] {
        let lines: Vec<_> = [suites].into_iter().chain(prefer).collect();
        let (_authority, port, client) = port(&lines, "").await;
        let stream = client.suites(&both).connect(port.address).await.unwrap();
        let met = stream.get_ref().1.negotiated_cipher_suite();
        assert_eq!(met, Some(chosen), "{prefer:?}");
    }
}

#[tokio::test]
async fn service_discovery_says_that_it_is_tls() {
    let (_authority, port, client) = port(&[], "").await;
    for offered in ["h2", "http/1.1"] {
        let client = client.clone().offering(&[offered]);
        let answer = client.get(port.address, "/sd").await.unwrap();
        assert_eq!(answer.text(), "https://localhost/probe", "{offered}");
    }
    let port = Port::open("").await;
    let answer = plain(port.address, "/sd", None).await.unwrap();
    assert_eq!(answer.text(), "http://localhost/probe");
}

#[tokio::test]
async fn plain_http_on_a_port_of_tls_is_told_so() {
    let (_authority, port, client) = port(&[], "").await;
    let answer = plain(port.address, "/metrics", None).await.unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.text(), "this port speaks HTTPS\n");
    // What is neither is let go, and the next one is answered.
    let mut stream = TcpStream::connect(port.address).await.unwrap();
    stream
        .write_all(b"\x16\x03\x01\x00\x01nonsense")
        .await
        .unwrap();
    stream.read_to_end(&mut Vec::new()).await.ok();
    let answer = client.get(port.address, "/metrics").await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn who_does_not_shake_hands_keeps_nobody_else_waiting() {
    let (_authority, port, client) = port(&[], "").await;
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(port.address).await.unwrap());
    }
    let answer = client.get(port.address, "/-/ready").await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_its_deadline() {
    let (_authority, port, _) = port(&[], "").await;
    for begun in [&b""[..], b"\x16\x03\x01"] {
        let mut stream = TcpStream::connect(port.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let began = Instant::now();
        stream.read_to_end(&mut Vec::new()).await.ok();
        assert!(
            began.elapsed() < Duration::from_secs(11),
            "{:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_handshakes_at_once() {
    for offered in [&["h2"][..], &["http/1.1"]] {
        let (_authority, port, client) = port(&[], "").await;
        let shaking = TcpStream::connect(port.address).await.unwrap();
        let idle = client
            .offering(offered)
            .connect(port.address)
            .await
            .unwrap();
        let ended = timeout(oci_registry_exporter::server::GRACE, async {
            let mut idle = idle;
            if offered == ["h2"] {
                idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                    .await
                    .unwrap();
            }
            tokio::join!(port.end(), async {
                idle.read_to_end(&mut Vec::new()).await.ok()
            });
        });
        ended.await.unwrap();
        drop(shaking);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_http2_that_nobody_reads_keeps_nobody_else_waiting() {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let options = Options {
        max_requests: 1,
        ..Options::default()
    };
    let pages = Fixed {
        metrics: "x".repeat(1024 * 1024).into(),
    };
    let port = Port::with(options, pages, &tls_section(&pair.cert, &pair.key, &[])).await;
    let client = Client::trusting(&authority.root());
    let mut stalled = client.keep(port.address).await;
    let _unread = stalled.begin("/metrics").await;
    let began = Instant::now();
    // Others on the same connection are answered, and hide nothing.
    while let Ok(answer) = stalled.get("/-/ready").await {
        assert_eq!(answer.status, 200);
        let other = client.get(port.address, "/metrics").await.unwrap();
        assert_eq!(other.status, 503, "the only page is still being sent");
        sleep(Duration::from_secs(5)).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(170),
        "{:?}",
        began.elapsed()
    );
    let answer = client.ask(port.address, "HEAD", "/metrics", None).await;
    assert_eq!(answer.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_http2_that_asks_nothing_is_ended() {
    let (_authority, port, client) = port(&[], "").await;
    let began = Instant::now();
    client.keep(port.address).await.ended().await;
    assert!(
        began.elapsed() < Duration::from_secs(11),
        "{:?}",
        began.elapsed()
    );
    // Pings are answered all the while.
    let began = Instant::now();
    let mut idle = client.keep(port.address).await;
    idle.get("/-/ready").await.unwrap();
    idle.ended().await;
    let lasted = began.elapsed();
    assert!((150..=170).contains(&lasted.as_secs()), "{lasted:?}");
}
