//! What goes out, and what is seen of the connection that carried it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use bytes::Bytes;
use http::{Method, header::ACCEPT};
use oci_registry_exporter::{
    exchange::{Authorization, Operation, Request},
    secret::Secret,
};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};
use url::Url;

use super::{
    AMPLE, get,
    server::{Heads, Server, answer},
    transport,
};

fn request(method: Method, url: &str) -> Request {
    Request::new(Operation::UploadStart, method, Url::parse(url).unwrap())
}

/// The values of a header in a head as it stood on the wire.
fn header<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect()
}

#[tokio::test]
async fn a_request_says_no_more_than_it_must() {
    let server = Server::answering(answer("200 OK", "")).await;
    let request = get(&server.url("/v2/?n=1"))
        .header(ACCEPT, "application/json")
        .authorized(Some(Authorization::Bearer(Secret::new("t0ken"))));
    transport().send(&request, AMPLE).await.0.unwrap();
    let heads = server.heads();
    let head = &heads[0];
    assert!(head.starts_with("GET /v2/?n=1 HTTP/1.1\r\n"), "{head}");
    let agent = format!(
        "oci-registry-exporter/{} (tests)",
        env!("CARGO_PKG_VERSION")
    );
    let host = server.address.to_string();
    for (name, values) in [
        ("accept", vec!["application/json"]),
        ("authorization", vec!["Bearer t0ken"]),
        ("host", vec![host.as_str()]),
        ("user-agent", vec![agent.as_str()]),
        ("accept-encoding", vec![]),
        ("referer", vec![]),
        ("cookie", vec![]),
        ("content-length", vec![]),
    ] {
        assert_eq!(header(head, name), values, "{name}");
    }
}

#[tokio::test]
async fn an_empty_body_is_sent_with_its_length() {
    let server = Server::answering(answer("202 Accepted", "")).await;
    for (method, body, length) in [
        (Method::POST, "", vec!["0"]),
        (Method::PATCH, "", vec!["0"]),
        (Method::DELETE, "", vec![]),
        (Method::HEAD, "", vec![]),
    ] {
        let mut request = request(method.clone(), &server.url("/v2/a/blobs/uploads/"));
        request.body = Bytes::from_static(body.as_bytes());
        transport().send(&request, AMPLE).await.0.unwrap();
        let heads = server.heads();
        let head = heads.last().unwrap();
        assert!(head.starts_with(method.as_str()), "{head}");
        assert_eq!(header(head, "content-length"), length, "{head}");
        assert!(header(head, "transfer-encoding").is_empty(), "{head}");
    }
}

#[tokio::test]
async fn a_body_is_sent_with_its_length() {
    let server = Server::answering(answer("202 Accepted", "")).await;
    let mut request = request(Method::PATCH, &server.url("/v2/a/blobs/uploads/1"));
    request.body = Bytes::from_static(b"chunk");
    transport().send(&request, AMPLE).await.0.unwrap();
    assert_eq!(header(&server.heads()[0], "content-length"), ["5"]);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_a_cookie_is_forgotten() {
    let target = Server::answering(answer("200 OK", "")).await;
    let server = Server::answering(format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
        target.url("/v2/")
    ))
    .await;
    let transport = transport();
    for _ in 0..2 {
        let (exchange, sent) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
        let reply = exchange.unwrap();
        assert_eq!((reply.status, sent.end), (302, Ok(302)));
        assert_eq!(reply.header("location"), Some(target.url("/v2/").as_str()));
    }
    assert_eq!(target.connections(), 0);
    assert!(
        server
            .heads()
            .iter()
            .all(|head| header(head, "cookie").is_empty())
    );
}

#[tokio::test]
async fn a_body_stays_as_it_was_sent() {
    let server = Server::answering(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x0b\x08\x00",
    )
    .await;
    let reply = transport()
        .send(&get(&server.url("/v2/")), AMPLE)
        .await
        .0
        .unwrap();
    assert_eq!(reply.body.as_ref(), b"\x1f\x0b\x08\x00");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
}

#[tokio::test]
async fn every_value_of_a_header_comes_back() {
    let server = Server::answering(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Bearer\r\n\
         Content-Length: 0\r\n\r\n",
    )
    .await;
    let reply = transport()
        .send(&get(&server.url("/v2/")), AMPLE)
        .await
        .0
        .unwrap();
    let values: Vec<_> = reply.header_all("www-authenticate").collect();
    assert_eq!(values, ["Basic", "Bearer"]);
}

#[tokio::test]
async fn only_the_request_that_opened_a_connection_tells_of_it() {
    let server = Server::answering(answer("200 OK", "{}")).await;
    let url = format!(
        "http://registry.test:{}/v2/?_state=x",
        server.address.port()
    );
    let transport = transport();
    let (_, first) = transport.send(&get(&url), AMPLE).await;
    let (_, second) = transport.send(&get(&url), AMPLE).await;
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let connection = first.connection.unwrap();
    assert_eq!(connection.address, Some(loopback));
    assert_eq!(connection.addresses, [loopback]);
    for (phase, there) in [
        (connection.resolve, true),
        (connection.connect, true),
        (connection.tls, false),
        (connection.processing, true),
        (connection.transfer, true),
    ] {
        assert_eq!(phase.is_some(), there);
    }
    assert_eq!(connection.tls_version, None);
    assert_eq!(connection.certificates, []);
    assert_eq!(second.connection, None);
    assert_eq!(first.url, url.replace("_state=x", "_state=***"));
    assert!(!first.retry);
}

#[tokio::test]
async fn an_address_needs_no_resolution() {
    let server = Server::answering(answer("200 OK", "")).await;
    let (_, sent) = transport().send(&get(&server.url("/v2/")), AMPLE).await;
    let connection = sent.connection.unwrap();
    assert_eq!(connection.resolve, None);
    assert_eq!(connection.address, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
}

#[tokio::test]
async fn an_ipv6_address_is_an_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        // This machine has no IPv6 at all; nothing of the program can be wrong then.
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let head = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let heads = Heads::default();
        heads.read(&mut stream).await;
        stream.write_all(&answer("200 OK", "")).await.unwrap();
        heads.all().remove(0)
    });
    let url = format!("http://[::1]:{port}/v2/");
    let (exchange, sent) = transport().send(&get(&url), AMPLE).await;
    assert_eq!(exchange.unwrap().status, 200);
    assert_eq!(sent.url, url);
    let connection = sent.connection.unwrap();
    assert_eq!(connection.resolve, None);
    assert_eq!(connection.address, Some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
    let head = head.await.unwrap();
    assert_eq!(header(&head, "host"), [format!("[::1]:{port}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_one_after_another_share_a_connection() {
    let server = Server::answering(answer("200 OK", &"x".repeat(5000))).await;
    let transport = transport();
    for _ in 0..500 {
        let (exchange, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
        assert_eq!(exchange.unwrap().body.len(), 5000);
    }
    assert_eq!((transport.connections(), server.connections()), (1, 1));
}

#[tokio::test]
async fn a_connection_that_the_server_ends_is_replaced() {
    let server = Server::closing_after(answer("200 OK", "x")).await;
    let transport = transport();
    for _ in 0..5 {
        let (exchange, _) = transport.send(&get(&server.url("/v2/")), AMPLE).await;
        exchange.unwrap();
    }
    assert_eq!(server.connections(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_each_tell_of_their_own_connection() {
    let server = Server::answering(answer("200 OK", "x")).await;
    let transport = Arc::new(transport());
    let mut tasks = tokio::task::JoinSet::new();
    for index in 0..50 {
        let (transport, url) = (Arc::clone(&transport), server.url(&format!("/{index}")));
        tasks.spawn(async move {
            let (exchange, sent) = transport.send(&get(&url), AMPLE).await;
            assert_eq!(sent.url, url);
            exchange.unwrap();
            sent.connection
        });
    }
    let told = tasks.join_all().await;
    let opened = told.iter().flatten().count();
    assert!((1..=50).contains(&opened));
    assert!(opened <= transport.connections(), "{opened}");
    assert!(
        told.iter()
            .flatten()
            .all(|connection| connection.processing.is_some())
    );
}
