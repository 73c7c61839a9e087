//! Users and their passwords, the rate limit, and the headers of every answer.

use std::fmt::Write as _;

use oci_registry_exporter::server::ShowEvidence;

use super::{
    Folder, Port,
    https::{Answer, basic, plain},
    users_section,
};

const PATHS: [&str; 6] = [
    "/metrics",
    "/",
    "/-/healthy",
    "/-/ready",
    "/api/v1/reports",
    "/nowhere",
];

#[tokio::test]
async fn nothing_is_shown_to_who_is_no_user() {
    let port = Port::open(&users_section(&[("anna", "right")])).await;
    assert!(port.web.authenticates() && !port.web.tls());
    for path in PATHS {
        for authorization in [
            None,
            Some(basic("anna:wrong")),
            Some(basic("anna:")),
            Some(basic("anna:right ")),
            Some(basic("anna:righ")),
            Some(basic("anna")),
            Some(basic("Anna:right")),
            Some(basic("nobody:right")),
            Some(basic(":right")),
            Some(basic("right:anna")),
            Some("Basic".to_owned()),
            Some("Basic !!!".to_owned()),
            Some("Bearer right".to_owned()),
            Some("anna:right".to_owned()),
        ] {
            let answer = plain(port.address, path, authorization.as_deref())
                .await
                .unwrap();
            assert_eq!(answer.status, 401, "{path} {authorization:?}");
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Basic realm="), "{challenge}");
            assert_eq!(answer.text(), "unauthorized\n");
        }
        let expected = if path == "/nowhere" { 404 } else { 200 };
        let right = basic("anna:right");
        // The second one is remembered.
        for _ in 0..2 {
            let answer = plain(port.address, path, Some(&right)).await.unwrap();
            assert_eq!(answer.status, expected, "{path}");
            // What was proven for one stands for no other.
            let other = plain(port.address, path, Some(&basic("anna:wrong")))
                .await
                .unwrap();
            assert_eq!(other.status, 401, "{path}");
        }
    }
}

#[tokio::test]
async fn users_of_different_costs_log_in_side_by_side() {
    let mut section = "basic_auth_users:\n".to_owned();
    for (name, cost) in [("cheap", 4), ("middle", 5), ("dear", 6)] {
        let hash = bcrypt::hash(name, cost).unwrap();
        let older = hash.replace("$2b$", "$2y$");
        writeln!(section, "  {name}: {hash}\n  {name}-y: {older}").unwrap();
    }
    let port = Port::open(&section).await;
    for (pair, status) in [
        ("cheap:cheap", 200),
        ("middle:middle", 200),
        ("dear:dear", 200),
        ("dear-y:dear", 200),
        ("cheap:dear", 401),
        ("dear:cheap", 401),
    ] {
        let answer = plain(port.address, "/metrics", Some(&basic(pair)))
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{pair}");
    }
}

#[tokio::test]
async fn evidence_is_shown_to_whom_it_is_meant_for() {
    let users = users_section(&[("anna", "right")]);
    let right = basic("anna:right");
    for (show, config, authorization, shown) in [
        (ShowEvidence::Auth, "", None, "for Anybody"),
        // Who sends a password that nobody asks for has proven nothing.
        (ShowEvidence::Auth, "", Some(&right), "for Anybody"),
        (
            ShowEvidence::Auth,
            users.as_str(),
            Some(&right),
            "for Operator",
        ),
        (ShowEvidence::Always, "", None, "for Operator"),
        (
            ShowEvidence::Never,
            users.as_str(),
            Some(&right),
            "for Anybody",
        ),
    ] {
        let port = Port::showing(show, config).await;
        let authorization = authorization.map(String::as_str);
        for path in ["/api/v1/reports", "/"] {
            let answer = plain(port.address, path, authorization).await.unwrap();
            assert_eq!(answer.text(), shown, "{path} {show:?} {config}");
        }
    }
}

#[tokio::test]
async fn the_rate_limit_holds_for_everything() {
    let port = Port::open("rate_limit: {interval: 1h, burst: 3}\n").await;
    for (path, status) in [
        ("/metrics", 200),
        ("/-/healthy", 200),
        ("/nowhere", 404),
        ("/metrics", 429),
        ("/-/healthy", 429),
        ("/nowhere", 429),
    ] {
        let answer = plain(port.address, path, None).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
        if status == 429 {
            let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!((3590..=3600).contains(&wait), "{wait}");
        }
    }
}

#[tokio::test]
async fn guesses_of_passwords_count_for_the_rate_limit() {
    let users = users_section(&[("anna", "right")]);
    let port = Port::open(&(users + "rate_limit: {interval: 1h, burst: 2}\n")).await;
    let mut found = Vec::new();
    for pair in ["anna:a", "anna:b", "anna:right"] {
        let answer = plain(port.address, "/metrics", Some(&basic(pair)))
            .await
            .unwrap();
        found.push(answer.status);
    }
    assert_eq!(found, [401, 401, 429]);
}

#[tokio::test]
async fn the_headers_are_on_every_answer() {
    let headers = "http_server_config:
  headers:
    Content-Security-Policy: \"default-src 'self'\"
    Strict-Transport-Security: max-age=31536000; includeSubDomains
    X-Content-Type-Options: nosniff
    X-Frame-Options: deny
    X-XSS-Protection: 1
";
    let dressed = |answer: &Answer| {
        for (name, value) in [
            ("content-security-policy", "default-src 'self'"),
            (
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("x-xss-protection", "1"),
        ] {
            let found: Vec<_> = answer.headers.get_all(name).iter().collect();
            assert_eq!(found, [value], "{name} {answer:?}");
        }
    };
    let port = Port::open(headers).await;
    for path in PATHS {
        dressed(&plain(port.address, path, None).await.unwrap());
    }
    let users = users_section(&[("anna", "right")]);
    let limit = "rate_limit: {interval: 1h, burst: 1}\n";
    let port = Port::open(&format!("{headers}{users}{limit}")).await;
    for status in [401, 429] {
        let answer = plain(port.address, "/", None).await.unwrap();
        assert_eq!(answer.status, status);
        dressed(&answer);
    }
}

#[test]
fn neither_a_hash_nor_a_password_is_in_what_can_be_printed() {
    let folder = Folder::new(&users_section(&[("anna", "right")]));
    let web = oci_registry_exporter::server::Web::load(&folder.file()).unwrap();
    let config = oci_registry_exporter::config::load_web(&folder.file()).unwrap();
    let shown = format!("{web:?} {config:?}");
    assert!(shown.contains("anna") && !shown.contains("$2b$"), "{shown}");
}
