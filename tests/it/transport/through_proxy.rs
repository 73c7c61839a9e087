//! A proxy is used where it is configured, and nowhere else.

use std::{process::Command, sync::Arc};

use oci_registry_exporter::{
    exchange::TransportErrorKind,
    transport::{ProxyOptions, TlsOptions, Transport, TransportOptions},
};
use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use url::Url;

use super::{
    AMPLE, HOST, SHORT, get, options, policy,
    server::{Server, answer},
    tls::{Authority, TlsServer},
};

fn through(server: &Server, no_proxy: &[&str]) -> TransportOptions {
    TransportOptions {
        proxy: ProxyOptions {
            url: Some(Url::parse(&format!("http://bob:pw@{}", server.address)).unwrap()),
            no_proxy: no_proxy.iter().map(|&host| host.to_owned()).collect(),
            ..ProxyOptions::default()
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

/// Asked for this URL, a proxy that gives this answer and closes is blamed so.
async fn blamed(answer: &str, url: &str, words: &str) {
    let proxy = Server::closing_after(answer).await;
    let transport = Transport::new(&through(&proxy, &[])).unwrap();
    let (exchange, _) = transport.send(&get(url), AMPLE).await;
    let error = exchange.expect_err(words);
    assert_eq!(error.kind, TransportErrorKind::Connect, "{error}");
    assert!(error.before_connected, "{error}");
    let expected = format!("the proxy {}{words}", proxy.address);
    assert_eq!(error.detail, expected);
}

#[tokio::test]
async fn a_proxy_that_does_not_connect_is_named() {
    // Nobody but the proxy has to resolve the name.
    let url = "https://registry.invalid/v2/";
    for (answer, words) in [
        (
            "HTTP/1.1 407 No\r\n\r\n",
            " refuses the user and password that it is given",
        ),
        (
            "HTTP/1.1 502 No\r\n\r\n",
            " does not connect to registry.invalid: it cannot reach it, its rules forbid it, or it refuses the user and password",
        ),
        (
            "",
            " closed the connection instead of connecting to registry.invalid",
        ),
    ] {
        blamed(answer, url, words).await;
    }
    let refused = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    let words = " refuses the user and password that it is given";
    blamed(refused, "http://registry.invalid/v2/", words).await;
}

#[tokio::test]
async fn a_login_is_asked_for_where_there_is_none() {
    let answer = "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n";
    let proxy = Server::closing_after(answer).await;
    let mut options = through(&proxy, &[]);
    options.proxy.url = Some(Url::parse(&format!("http://{}", proxy.address)).unwrap());
    for url in [
        "http://registry.invalid/v2/",
        "https://registry.invalid/v2/",
    ] {
        let transport = Transport::new(&options).unwrap();
        let error = transport.send(&get(url), AMPLE).await.0.unwrap_err();
        let words = "asks for a user and a password: set proxy_username and proxy_password_file";
        assert!(error.detail.ends_with(words), "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_reached_is_named() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    for (proxy, kind, words) in [
        (
            format!("http://{gone}"),
            TransportErrorKind::Connect,
            format!("cannot connect to the proxy {gone}: Connection refused"),
        ),
        (
            "http://proxy.invalid:3128".to_owned(),
            TransportErrorKind::Dns,
            "cannot resolve the proxy's name `proxy.invalid`: ".to_owned(),
        ),
    ] {
        let mut options = options();
        options.proxy.url = Some(Url::parse(&proxy).unwrap());
        for scheme in ["http", "https"] {
            let transport = Transport::new(&options).unwrap();
            let request = get(&format!("{scheme}://{HOST}/v2/"));
            let error = transport.send(&request, AMPLE).await.0.unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.detail.starts_with(&words), "{error}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_stands_still_is_named() {
    let proxy = Server::hanging_after("").await;
    let mut options = through(&proxy, &[]);
    options.connect_timeout = SHORT;
    let transport = Transport::new(&options).unwrap();
    let request = get(&format!("https://{HOST}/v2/"));
    let error = transport.send(&request, AMPLE).await.0.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Timeout);
    let expected = format!(
        "no connection to {HOST} (through the proxy {}) within 150ms",
        proxy.address
    );
    assert_eq!(error.detail, expected);
}

#[tokio::test]
async fn the_certificate_of_a_proxy_is_verified_and_is_not_the_registrys() {
    let authority = Authority::new();
    let proxy = TlsServer::with(&authority.leaf(&["other.test"]))
        .start()
        .await;
    let mut options = options();
    options.tls = policy(&TlsOptions {
        insecure_skip_verify: true,
        ..TlsOptions::default()
    });
    let url = format!("https://other.test:{}", proxy.address.port());
    options.proxy.url = Some(Url::parse(&url).unwrap());
    let transport = Transport::new(&options).unwrap();
    let request = get(&format!("https://{HOST}/v2/"));
    let (exchange, sent) = transport.send(&request, AMPLE).await;
    let error = exchange.expect_err("the registry alone is not verified");
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    let expected = format!(
        "TLS with the proxy other.test:{}: the certificate's issuer is unknown: name its root as tls.ca_file",
        proxy.address.port()
    );
    assert_eq!(error.detail, expected);
    assert!(sent.connection.unwrap().certificates.is_empty());
}

#[tokio::test]
async fn the_login_comes_from_a_file_and_its_change_shows() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    let proxy = Server::closing_after("HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n").await;
    let mut options = through(&proxy, &[]);
    options.proxy.url = Some(Url::parse(&format!("http://{}", proxy.address)).unwrap());
    options.proxy.username = Some("Aladdin".to_owned());
    options.proxy.password_file = Some(file.clone());
    for (content, basic) in [
        ("open sesame\n", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("pw", "Basic QWxhZGRpbjpwdw=="),
    ] {
        std::fs::write(&file, content).unwrap();
        for scheme in ["http", "https"] {
            let transport = Transport::new(&options).unwrap();
            let request = get(&format!("{scheme}://{HOST}/v2/"));
            let (exchange, _) = transport.send(&request, AMPLE).await;
            assert_eq!(exchange.is_ok(), scheme == "http");
            let head = proxy.heads().pop().unwrap().to_ascii_lowercase();
            let line = format!("proxy-authorization: {}\r\n", basic.to_ascii_lowercase());
            assert!(head.contains(&line), "{head}");
        }
    }
    std::fs::remove_file(&file).unwrap();
    let error = Transport::new(&options).unwrap_err();
    let expected = format!("proxy_password_file `{}` does not exist", file.display());
    assert_eq!(error.detail, expected);
}

#[tokio::test]
async fn an_ipv6_address_needs_a_name_behind_a_proxy() {
    let proxy = Server::answering(answer("418 Proxy", "")).await;
    let transport = Transport::new(&through(&proxy, &[])).unwrap();
    let (exchange, _) = transport.send(&get("https://[::1]:1/v2/"), AMPLE).await;
    let error = exchange.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(
        error
            .detail
            .starts_with("an IPv6 address is not reached by https through the proxy 127"),
        "{error}"
    );
    assert_eq!(proxy.connections(), 0);
    let reply = transport.send(&get("http://[::1]:1/v2/"), AMPLE).await.0;
    assert_eq!(reply.unwrap().status, 418);
}

/// The proxy is asked for the host all the same; and only the registry may have the other name.
#[tokio::test]
async fn another_name_is_verified_through_a_proxy() {
    let authority = Authority::new();
    for (name, host, expected) in [
        ("inner.test", HOST, Ok(200)),
        (HOST, HOST, Err("not for inner.test")),
        // A token host keeps its own name.
        ("inner.test", "other.test", Err("not for other.test")),
    ] {
        let registry = TlsServer::with(&authority.leaf(&[name])).start().await;
        let proxy = tunnel(registry.address).await;
        let mut options = through(&proxy, &[]);
        options.tls = policy(&TlsOptions {
            server_name: Some("inner.test".to_owned()),
            ..authority.trusted()
        });
        let transport = Transport::new(&options).unwrap();
        let (exchange, _) = transport.send(&get(&registry.https(host)), AMPLE).await;
        match (exchange, expected) {
            (Ok(reply), expected) => assert_eq!(Ok(reply.status), expected, "{name} {host}"),
            (Err(error), Err(words)) => assert!(error.detail.contains(words), "{error}"),
            (Err(error), Ok(_)) => panic!("{name} {host}: {error}"),
        }
        let asked = format!("CONNECT {host}:{} HTTP/1.1", registry.address.port());
        assert!(proxy.heads()[0].starts_with(&asked), "{:?}", proxy.heads());
    }
}

#[tokio::test]
async fn another_name_is_asked_for_where_the_proxy_is_not_used() {
    let authority = Authority::new();
    let registry = TlsServer::with(&authority.leaf(&["inner.test"]))
        .start()
        .await;
    let proxy = Server::closing_after("").await;
    let mut options = through(&proxy, &[HOST]);
    options.tls = policy(&TlsOptions {
        server_name: Some("inner.test".to_owned()),
        ..authority.trusted()
    });
    let transport = Transport::new(&options).unwrap();
    let (exchange, _) = transport.send(&get(&registry.https(HOST)), AMPLE).await;
    assert_eq!(exchange.unwrap().status, 200);
    assert_eq!(proxy.connections(), 0);
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
