//! A real Prometheus scrapes the daemon through TLS, a login and mutual TLS at once.

use std::fs;

use serde_json::{Value, json};

use super::{
    certificates::{Authority, GOOD, Pair},
    prometheus::{Config, Prometheus},
};
use crate::cli::{daemon::Daemon, run::Workplace};

const CONFIG: &str = "registries:\n  - {name: a, url: http://127.0.0.1:1, test_repository: x}\n";

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_through_tls_a_login_and_mutual_tls() {
    let server = Authority::new("the port's CA");
    let clients = Authority::new("the clients' CA");
    let own = server.server(&["exporter.test"]);
    let pair = clients.client("prometheus", GOOD);
    let stranger = server.client("stranger", GOOD);
    let place = Workplace::new(CONFIG);
    let hash = bcrypt::hash("canary-of-the-right-password", 10).expect("a hash");
    let web = format!(
        "tls_server_config:
  cert_file: {}
  key_file: {}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {}
basic_auth_users: {{prometheus: {hash}}}
",
        own.cert.display(),
        own.key.display(),
        clients.root().display(),
    );
    fs::write(place.path("web.yml"), web).expect("a file in the own folder");
    let mut daemon = Daemon::start(&place, &["--web.config.file", "web.yml"]).await;

    let job = |name: &str, password: &str, shown: Option<&Pair>| {
        let mut tls = json!({"ca_file": server.root(), "server_name": "exporter.test"});
        if let Some(shown) = shown {
            tls["cert_file"] = json!(shown.cert);
            tls["key_file"] = json!(shown.key);
        }
        json!({
            "job_name": name,
            "scheme": "https",
            "tls_config": tls,
            "basic_auth": {"username": "prometheus", "password": password},
            "static_configs": [{"targets": [daemon.address.to_string()]}],
        })
    };
    let right = "canary-of-the-right-password";
    let jobs = [
        job("all", right, Some(&pair)),
        job(
            "wrong-password",
            "canary-of-the-wrong-password",
            Some(&pair),
        ),
        job("no-certificate", right, None),
        job("strange-certificate", right, Some(&stranger)),
    ];
    let config = Config(json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": jobs,
    }));
    let Some(prometheus) = Prometheus::start(&config).await else {
        return;
    };
    let targets = prometheus.api("targets", &[("state", "active")]).await;
    let met = |job: &str| -> (String, String) {
        let found = |target: &&Value| target["labels"]["job"] == job;
        let targets = targets["activeTargets"].as_array().expect("a list");
        let target = targets.iter().find(found).expect("the job");
        let word = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
        (word("health"), word("lastError"))
    };
    assert_eq!(met("all"), ("up".to_owned(), String::new()));
    for (job, why) in [
        ("wrong-password", "401 Unauthorized"),
        ("no-certificate", "certificate required"),
        ("strange-certificate", "unknown certificate authority"),
    ] {
        let (health, error) = met(job);
        assert!(
            health == "down" && error.contains(why),
            "{job}: {health} {error}"
        );
    }
    let answer = prometheus.query("oci_registry_info{job=\"all\"}").await;
    assert_eq!(answer[0]["metric"]["registry"], "a", "{answer}");
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("canary"), "{log}");
}
