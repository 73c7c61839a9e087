//! The file and what it names change under a running port.

use std::{fs, time::Duration};

use rustls::pki_types::CertificateDer;
use tokio::time::sleep;

use super::{
    Port,
    https::{Client, basic, plain},
    tls_section, users_section,
};
use crate::lab::certificates::{Authority, GOOD};

/// Waits for what must come; the port looks at its file once a second.
async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..1200 {
        if condition().await {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// The certificate that the port shows.
async fn shown(client: &Client, port: &Port) -> CertificateDer<'static> {
    let stream = client.connect(port.address).await.expect("it is trusted");
    let chain = stream.get_ref().1.peer_certificates().expect("a chain");
    chain[0].clone().into_owned()
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let port = Port::open(&tls_section(&pair.cert, &pair.key, &[])).await;
    let client = Client::trusting(&authority.root());
    let first = shown(&client, &port).await;
    let (old_key, old_cert) = (fs::read(&pair.key).unwrap(), fs::read(&pair.cert).unwrap());

    // Signed anew, into the same files.
    let renewed = authority.server(&["localhost"]);
    assert_eq!(renewed.cert, pair.cert);
    let (new_key, new_cert) = (fs::read(&pair.key).unwrap(), fs::read(&pair.cert).unwrap());
    let (client, port) = (&client, &port);
    let first = &first;
    until("the renewed one is shown", || async move {
        shown(client, port).await != *first
    })
    .await;

    // Half a renewal is none: the certificate is there and its key is not.
    fs::write(&pair.cert, &old_cert).unwrap();
    let users = users_section(&[("anna", "right")]);
    port.folder
        .write(&(tls_section(&pair.cert, &pair.key, &[]) + &users));
    let refused = port.web.reload().unwrap_err().to_string();
    assert!(
        refused.contains("is not the key of the certificate"),
        "{refused}"
    );
    assert_ne!(shown(client, port).await, *first);
    let answer = client.get(port.address, "/metrics").await.unwrap();
    assert_eq!(answer.status, 200, "as a whole the file does not hold yet");
    // With the other half it is one.
    fs::write(&pair.key, &old_key).unwrap();
    until("the first one is shown again", || async move {
        shown(client, port).await == *first
    })
    .await;
    let answer = client.get(port.address, "/metrics").await.unwrap();
    assert_eq!(answer.status, 401);
    assert!(new_key != old_key && new_cert != old_cert);
}

#[tokio::test]
async fn users_come_and_go_without_a_restart() {
    let port = Port::open(&users_section(&[("anna", "right")])).await;
    let status = |pair: &'static str| {
        let address = port.address;
        async move {
            plain(address, "/metrics", Some(&basic(pair)))
                .await
                .unwrap()
                .status
        }
    };
    assert_eq!(status("anna:right").await, 200);
    port.folder.write(&users_section(&[("bea", "left")]));
    until("bea is let in", || async {
        status("bea:left").await == 200
    })
    .await;
    assert_eq!(status("anna:right").await, 401);
    // A new password for the same user.
    port.folder.write(&users_section(&[("bea", "other")]));
    until("bea needs the new one", || async {
        status("bea:left").await == 401
    })
    .await;
    assert_eq!(status("bea:other").await, 200);
    // And all of them may go.
    port.folder
        .write("http_server_config: {headers: {X-Frame-Options: deny}}\n");
    until("nobody is asked", || async {
        status("nobody:x").await == 200
    })
    .await;
    assert!(!port.web.authenticates());
}

#[tokio::test]
async fn a_bad_file_changes_nothing() {
    let port = Port::open(&users_section(&[("anna", "right")])).await;
    let status = |pair: &'static str| {
        let address = port.address;
        async move {
            plain(address, "/metrics", Some(&basic(pair)))
                .await
                .unwrap()
                .status
        }
    };
    for bad in [
        "nonsense",
        "basic_auth_users: {anna: right}",
        "basic_auth_users: {",
        "unknown: 1",
    ] {
        port.folder.write(bad);
        port.web.reload().unwrap_err();
        for (pair, expected) in [("anna:right", 200), ("anna:wrong", 401), ("bea:left", 401)] {
            assert_eq!(status(pair).await, expected, "{bad}: {pair}");
        }
    }
    fs::remove_file(port.folder.file()).unwrap();
    port.web.reload().unwrap_err();
    assert_eq!(status("anna:right").await, 200, "the file is gone");
    assert_eq!(status("anna:wrong").await, 401, "the file is gone");
    port.folder.write(&users_section(&[("bea", "left")]));
    until("a good file holds again", || async {
        status("bea:left").await == 200
    })
    .await;
}

#[tokio::test]
async fn tls_is_neither_removed_nor_added_while_it_runs() {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let tls = tls_section(&pair.cert, &pair.key, &[]);
    let users = users_section(&[("anna", "right")]);
    let client = Client::trusting(&authority.root());

    let port = Port::open(&tls).await;
    port.folder.write("http_server_config: {http2: false}\n");
    let refused = port.web.reload().unwrap_err().to_string();
    assert!(refused.contains("it was removed"), "{refused}");
    assert_eq!(
        client.get(port.address, "/metrics").await.unwrap().status,
        200
    );
    assert_eq!(
        plain(port.address, "/metrics", None).await.unwrap().status,
        400
    );

    let port = Port::open(&users).await;
    port.folder.write(&tls);
    let refused = port.web.reload().unwrap_err().to_string();
    assert!(refused.contains("it was added"), "{refused}");
    client.get(port.address, "/metrics").await.unwrap_err();
    assert_eq!(
        plain(port.address, "/metrics", None).await.unwrap().status,
        401
    );
}

#[tokio::test]
async fn a_client_that_is_no_longer_allowed_is_refused_at_its_next_handshake() {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let (one, other) = (authority.client("one", GOOD), Authority::new("another"));
    let config = |ca: &Authority| {
        let lines = [
            "client_auth_type: RequireAndVerifyClientCert".to_owned(),
            format!("client_ca_file: {}", ca.root().display()),
        ];
        tls_section(&pair.cert, &pair.key, &lines)
    };
    let port = Port::open(&config(&authority)).await;
    let client = Client::trusting(&authority.root()).showing(&one);
    assert_eq!(
        client.get(port.address, "/metrics").await.unwrap().status,
        200
    );
    port.folder.write(&config(&other));
    let (client, port) = (&client, &port);
    until("it is refused", || async move {
        client.get(port.address, "/metrics").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn connections_end_with_the_version_that_they_began_under() {
    let authority = Authority::new("the port's CA");
    let pair = authority.server(&["localhost"]);
    let tls = tls_section(&pair.cert, &pair.key, &[]);
    for offered in ["h2", "http/1.1"] {
        let port = Port::open(&tls).await;
        let client = Client::trusting(&authority.root()).offering(&[offered]);
        let mut kept = client.keep(port.address).await;
        for _ in 0..3 {
            assert_eq!(kept.get("/metrics").await.unwrap().status, 200);
            assert!(!port.web.reload().unwrap(), "nothing has changed");
        }
        port.folder
            .write(&(tls.clone() + &users_section(&[("anna", "right")])));
        assert!(port.web.reload().unwrap());
        kept.ended().await;
        let anew = client.get(port.address, "/metrics").await.unwrap();
        assert_eq!(anew.status, 401);
    }
}
