//! A real Prometheus scrapes the daemon, which asks real registries.

use super::{
    prometheus::{Config, Prometheus},
    registry::{Kind, REPOSITORY, Registry, good, wrong},
};
use crate::cli::{daemon::Daemon, run::Workplace};

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "a row for every question")]
async fn prometheus_shows_what_the_daemon_found_out() {
    let (Some(token), Some(ferro)) = (
        Registry::start(Kind::Token).await,
        Registry::start(Kind::Ferro).await,
    ) else {
        return;
    };
    token.fill().await;
    ferro.fill().await;
    let place = Workplace::new(&format!(
        "registries:
  - {{name: native, url: {}, test_repository: {REPOSITORY}}}
  - name: tokens
    url: {}
    username: {}
    password: {}
    test_repository: {REPOSITORY}
    labels: {{note: 'a \"quoted\" \\ label'}}
  - name: rejected
    url: {}
    username: {}
    password: {}
    test_repository: {REPOSITORY}
",
        ferro.url,
        token.url,
        good().username,
        good().password,
        token.url,
        wrong().username,
        wrong().password,
    ));
    let mut daemon = Daemon::start(&place, &[]).await;
    for name in ["native", "tokens", "rejected"] {
        let ran = format!(
            "oci_registry_check_last_run_timestamp_seconds{{registry=\"{name}\",check=\"referrers\""
        );
        daemon.page("/metrics", &ran).await;
    }
    let config = Config::scraping("oci", &daemon.address.to_string(), "/metrics");
    let Some(prometheus) = Prometheus::start(&config).await else {
        return;
    };
    for (query, expected) in [
        ("up", "1"),
        (r#"oci_registry_credentials_valid{registry="tokens"}"#, "1"),
        (
            r#"oci_registry_credentials_valid{registry="rejected"}"#,
            "0",
        ),
        (
            r#"oci_registry_check_status{registry="rejected",check="pull",status="fail"}"#,
            "1",
        ),
        (
            r#"oci_registry_capability_supported{registry="native",capability="referrers_api"}"#,
            "1",
        ),
        (
            r#"oci_registry_capability_supported{registry="tokens",capability="referrers_api"}"#,
            "0",
        ),
        (r#"oci_registry_referrers{registry="native"}"#, "1"),
        (r#"oci_registry_up{note="a \"quoted\" \\ label"}"#, "1"),
        (
            r#"count(oci_registry_check_interval_seconds{registry="tokens"})"#,
            "5",
        ),
    ] {
        let answer = prometheus.query(query).await;
        let value = &answer[0]["value"][1];
        assert_eq!(value, expected, "{query}: {answer}");
    }
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    for login in [good(), wrong()] {
        assert!(!log.contains(&login.password), "{log}");
    }
}
