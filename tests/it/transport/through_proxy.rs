//! A proxy is used where it is configured, and nowhere else.

use std::{process::Command, sync::Arc};

use oci_registry_exporter::{
    exchange::TransportErrorKind,
    transport::{ProxyOptions, TlsOptions, Transport, TransportOptions},
};
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
};
use url::Url;

use super::{
    AMPLE, HOST, get, options, policy,
    server::{Server, answer},
    tls::{Authority, TlsServer},
};

fn through(server: &Server, no_proxy: &[&str]) -> TransportOptions {
    TransportOptions {
        proxy: ProxyOptions {
            url: Some(Url::parse(&format!("http://bob:pw@{}", server.address)).unwrap()),
            no_proxy: no_proxy.iter().map(|&host| host.to_owned()).collect(),
            from_environment: false,
        },
        ..options()
    }
}

/// A proxy that connects to one address, whatever it is asked for.
async fn tunnel(to: std::net::SocketAddr) -> Server {
    Server::new(move |mut stream, heads| async move {
        heads.read(&mut stream).await;
        let mut registry = TcpStream::connect(to).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut stream, &mut registry).await;
    })
    .await
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_whole() {
    let proxy = Server::answering(answer("418 Proxy", "")).await;
    let transport = Transport::new(&through(&proxy, &[])).unwrap();
    let (exchange, sent) = transport
        .send(&get("http://registry.invalid/v2/"), AMPLE)
        .await;
    assert_eq!(exchange.unwrap().status, 418);
    let head = &proxy.heads()[0];
    assert!(
        head.starts_with("GET http://registry.invalid/v2/ HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains("Basic Ym9iOnB3"), "{head}");
    let connection = sent.connection.unwrap();
    assert_eq!(
        connection.address, None,
        "the proxy's address is not the registry's"
    );
    assert!(connection.addresses.is_empty());
}

#[tokio::test]
async fn hosts_of_no_proxy_are_reached_without_it() {
    let proxy = Server::answering(answer("418 Proxy", "")).await;
    let registry = Server::answering(answer("200 OK", "")).await;
    let url = format!("http://{HOST}:{}/v2/", registry.address.port());
    for (no_proxy, status) in [
        (vec![], 418),
        (vec!["other.test"], 418),
        (vec![HOST], 200),
        (vec![".test"], 200),
        (vec!["*"], 200),
    ] {
        let transport = Transport::new(&through(&proxy, &no_proxy)).unwrap();
        let reply = transport.send(&get(&url), AMPLE).await.0.unwrap();
        assert_eq!(reply.status, status, "{no_proxy:?}");
    }
}

#[tokio::test]
async fn tls_goes_through_a_tunnel_and_its_certificates_are_seen() {
    let authority = Authority::new();
    let registry = TlsServer::with(&authority.leaf(&[HOST])).start().await;
    let proxy = tunnel(registry.address).await;
    let mut options = through(&proxy, &[]);
    options.tls = policy(&authority.trusted());
    let transport = Transport::new(&options).unwrap();
    let (exchange, sent) = transport.send(&get(&registry.https(HOST)), AMPLE).await;
    assert_eq!(exchange.unwrap().status, 200);
    let asked = format!("CONNECT {HOST}:{} HTTP/1.1", registry.address.port());
    assert!(proxy.heads()[0].starts_with(&asked), "{:?}", proxy.heads());
    let connection = sent.connection.unwrap();
    assert_eq!(connection.certificates.len(), 1);
    assert!(connection.tls.is_some() && connection.address.is_none());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_connect() {
    for (answer, words) in [
        ("HTTP/1.1 407 No\r\n\r\n", "proxy authorization required"),
        ("HTTP/1.1 502 No\r\n\r\n", "unsuccessful"),
    ] {
        let proxy = Server::closing_after(answer).await;
        let transport = Transport::new(&through(&proxy, &[])).unwrap();
        let (exchange, _) = transport
            .send(&get(&format!("https://{HOST}/v2/")), AMPLE)
            .await;
        let error = exchange.expect_err("there is no tunnel");
        assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
        assert!(error.before_connected);
        assert!(error.detail.contains("(or its proxy)"), "{error}");
        assert!(error.detail.contains(words), "{error}");
        assert!(!error.detail.contains("pw"), "{error}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_said_without_its_password() {
    let mut options = options();
    options.proxy.url = Some(Url::parse("socks5://bob:hunter2@127.0.0.1:1").unwrap());
    let error = Transport::new(&options).unwrap_err();
    assert!(
        error
            .detail
            .starts_with("proxy_url has the scheme `socks5`"),
        "{error}"
    );
    assert!(!error.detail.contains("hunter2"), "{error}");
    options.proxy.url = Some(Url::parse("http://127.0.0.1:1").unwrap());
    options.tls = policy(&TlsOptions {
        server_name: Some("inner.test".to_owned()),
        ..TlsOptions::default()
    });
    let error = Transport::new(&options).unwrap_err();
    assert!(error.detail.contains("tls.server_name"), "{error}");
}

/// The environment belongs to the whole process, so the test runs itself in a
/// process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_counts_only_when_asked() {
    let proxy = Arc::new(Server::answering(answer("418 Proxy", "")).await);
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([
            "--exact",
            "transport::through_proxy::environment",
            "--ignored",
        ])
        .envs(
            ["http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
                .map(|name| (name, format!("http://{}", proxy.address))),
        )
        .env("NO_PROXY", HOST);
    let output = tokio::task::spawn_blocking(move || child.output().unwrap())
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
    assert_eq!(proxy.heads().len(), 1, "only the request that asked for it");
}

#[tokio::test]
#[ignore = "run by the_environment_counts_only_when_asked, with an environment"]
async fn environment() {
    let registry = Server::answering(answer("200 OK", "")).await;
    let port = registry.address.port();
    for (host, from_environment, status) in [
        ("other.test", false, 200),
        ("other.test", true, 418),
        (HOST, true, 200),
    ] {
        let mut options = options();
        options.proxy.from_environment = from_environment;
        let transport = Transport::new(&options).unwrap();
        let url = format!("http://{host}:{port}/v2/");
        let reply = transport.send(&get(&url), AMPLE).await.0.unwrap();
        assert_eq!(reply.status, status, "{host} {from_environment}");
    }
}
