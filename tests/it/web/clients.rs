//! Certificates of clients: who is let in, and who has proven who they are.

use std::net::{Ipv4Addr, Ipv6Addr};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType, date_time_ymd};
use rustls::version::{TLS12, TLS13};

use super::{Port, https::Client, tls_section, users_section};
use crate::lab::certificates::{Authority, GOOD, PAST, Pair};

/// What a client shows.
struct Shown {
    nothing: Client,
    good: Client,
    expired: Client,
    foreign: Client,
}

/// The port's CA and the clients', and what clients may show.
struct Place {
    server: Authority,
    clients: Authority,
    shown: Shown,
    /// Keeps its files.
    _foreign: Authority,
}

impl Place {
    fn new() -> Self {
        let server = Authority::new("the port's CA");
        let clients = Authority::new("the clients' CA");
        let foreign = Authority::new("another CA");
        let nothing = Client::trusting(&server.root());
        let with = |pair: Pair| nothing.clone().showing(&pair);
        let shown = Shown {
            good: with(clients.client("good", GOOD)),
            expired: with(clients.client("expired-client", PAST)),
            foreign: with(foreign.client("foreign", GOOD)),
            nothing: nothing.clone(),
        };
        Self {
            server,
            clients,
            shown,
            _foreign: foreign,
        }
    }

    async fn port(&self, lines: &[String], rest: &str) -> Port {
        let pair = self.server.server(&["localhost"]);
        Port::open(&(tls_section(&pair.cert, &pair.key, lines) + rest)).await
    }

    fn ca(&self) -> String {
        format!("client_ca_file: {}", self.clients.root().display())
    }
}

/// `for Operator`, `for Anybody`, or that the connection was refused.
async fn met(port: &Port, client: &Client) -> &'static str {
    match client.get(port.address, "/api/v1/reports").await {
        Ok(answer) if answer.text() == "for Operator" => "proven",
        Ok(answer) if answer.text() == "for Anybody" => "let in",
        Ok(answer) => panic!("{answer:?}"),
        Err(_) => "refused",
    }
}

#[tokio::test]
async fn every_policy_of_client_certificates_holds() {
    let place = Place::new();
    let Shown {
        nothing,
        good,
        expired,
        foreign,
    } = &place.shown;
    for (policy, verifies, expected) in [
        // Nothing, a good one, an expired one, one of another CA.
        ("NoClientCert", false, ["let in"; 4]),
        ("RequestClientCert", false, ["let in"; 4]),
        (
            "RequireAnyClientCert",
            false,
            ["refused", "let in", "let in", "let in"],
        ),
        // The toolkit's older name.
        (
            "RequireClientCert",
            false,
            ["refused", "let in", "let in", "let in"],
        ),
        (
            "VerifyClientCertIfGiven",
            true,
            ["let in", "proven", "refused", "refused"],
        ),
        (
            "RequireAndVerifyClientCert",
            true,
            ["refused", "proven", "refused", "refused"],
        ),
    ] {
        let mut lines = vec![format!("client_auth_type: {policy}")];
        lines.extend(verifies.then(|| place.ca()));
        let port = place.port(&lines, "").await;
        assert_eq!(port.web.authenticates(), verifies, "{policy}");
        for version in [&TLS12, &TLS13] {
            let mut found = Vec::new();
            for client in [nothing, good, expired, foreign] {
                let client = client.clone().speaking(version);
                found.push(met(&port, &client).await);
            }
            assert_eq!(found, expected, "{policy} {version:?}");
        }
    }
}

#[tokio::test]
async fn one_of_the_names_must_be_allowed() {
    let place = Place::new();
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let mail = |name: &str| SanType::Rfc822Name(name.try_into().unwrap());
    let uri = |name: &str| SanType::URI(name.try_into().unwrap());
    let four = SanType::IpAddress(Ipv4Addr::new(10, 0, 0, 7).into());
    let six = SanType::IpAddress(Ipv6Addr::LOCALHOST.into());
    let list = "client_allowed_sans: ['prometheus.test', '10.0.0.7', '::1', 'ops@example.com', 'spiffe://example.com/prometheus']";
    let lines = [
        "client_auth_type: RequireAndVerifyClientCert".to_owned(),
        place.ca(),
        list.to_owned(),
    ];
    let port = place.port(&lines, "").await;
    for (at, (names, expected)) in [
        (vec![dns("prometheus.test")], "proven"),
        (vec![four], "proven"),
        (vec![six], "proven"),
        (vec![mail("ops@example.com")], "proven"),
        (vec![uri("spiffe://example.com/prometheus")], "proven"),
        (vec![dns("other.test"), dns("prometheus.test")], "proven"),
        (vec![dns("other.test")], "refused"),
        // No part of a name, and no pattern, is the name.
        (vec![dns("prometheus.test.evil.test")], "refused"),
        (vec![dns("*.test")], "refused"),
        (vec![uri("spiffe://example.com/prometheus/x")], "refused"),
        (vec![], "refused"),
    ]
    .into_iter()
    .enumerate()
    {
        let pair = place.clients.client_of(&format!("client-{at}"), names);
        let client = place.shown.nothing.clone().showing(&pair);
        assert_eq!(met(&port, &client).await, expected, "{at}");
    }
    // The right name under another CA proves nothing.
    let stranger = Authority::new("another CA");
    let pair = stranger.client_of("stranger", vec![dns("prometheus.test")]);
    let client = place.shown.nothing.clone().showing(&pair);
    assert_eq!(met(&port, &client).await, "refused");
}

#[tokio::test]
async fn a_home_made_certificate_may_be_its_own_ca() {
    let place = Place::new();
    let make = |name: &str, until: (i32, u8, u8)| {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        Pair {
            cert: place.clients.file(&format!("{name}.pem"), &cert.pem()),
            key: place
                .clients
                .file(&format!("{name}.key"), &key.serialize_pem()),
        }
    };
    for (pair, expected) in [
        (make("home", GOOD), "proven"),
        (make("old-home", PAST), "refused"),
    ] {
        let lines = [
            "client_auth_type: RequireAndVerifyClientCert".to_owned(),
            format!("client_ca_file: {}", pair.cert.display()),
        ];
        let port = place.port(&lines, "").await;
        let client = place.shown.nothing.clone().showing(&pair);
        assert_eq!(met(&port, &client).await, expected);
        // Another one of the same maker is not the same.
        let twin = place.shown.nothing.clone().showing(&make("twin", GOOD));
        assert_eq!(met(&port, &twin).await, "refused");
    }
}

#[tokio::test]
async fn a_certificate_does_not_stand_for_a_password() {
    let place = Place::new();
    let lines = [
        "client_auth_type: RequireAndVerifyClientCert".to_owned(),
        place.ca(),
    ];
    let port = place
        .port(&lines, &users_section(&[("anna", "right")]))
        .await;
    let answer = place
        .shown
        .good
        .get(port.address, "/metrics")
        .await
        .unwrap();
    assert_eq!(answer.status, 401);
    let basic = super::https::basic("anna:right");
    let good = place
        .shown
        .good
        .ask(port.address, "GET", "/metrics", Some(&basic));
    assert_eq!(good.await.unwrap().status, 200);
    let nothing = place
        .shown
        .nothing
        .ask(port.address, "GET", "/metrics", Some(&basic));
    nothing.await.expect_err("a certificate is required");
}
