//! A real Prometheus scrapes the daemon through TLS, a login and mutual TLS at once.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use super::{
    certificates::{Authority, GOOD, Pair},
    prometheus::{Config, Prometheus},
};
use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD as RIGHT, WRONG, Workplace},
};

const CONFIG: &str = "registries:\n  - {name: a, url: http://127.0.0.1:1, test_repository: x}\n";

/// A daemon whose port asks for all of it, and those who sign for both sides.
struct Lab {
    server: Authority,
    clients: Authority,
    daemon: Daemon,
    _place: Workplace,
}

impl Lab {
    async fn start() -> Self {
        let server = Authority::new("the port's CA");
        let clients = Authority::new("the clients' CA");
        let own = server.server(&["exporter.test"]);
        let place = Workplace::new(CONFIG);
        let hash = bcrypt::hash(RIGHT, 5).expect("a hash");
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
        let daemon = Daemon::start(&place, &["--web.config.file", "web.yml"]).await;
        Self {
            server,
            clients,
            daemon,
            _place: place,
        }
    }

    fn job(&self, name: &str, password: &str, shown: Option<&Pair>) -> Value {
        let mut tls = json!({"ca_file": self.server.root(), "server_name": "exporter.test"});
        if let Some(shown) = shown {
            tls["cert_file"] = json!(shown.cert);
            tls["key_file"] = json!(shown.key);
        }
        json!({
            "job_name": name,
            "scheme": "https",
            "tls_config": tls,
            "basic_auth": {"username": "prometheus", "password": password},
            "static_configs": [{"targets": [self.daemon.address.to_string()]}],
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prometheus_scrapes_through_tls_a_login_and_mutual_tls() {
    let mut lab = Lab::start().await;
    let pair = lab.clients.client("prometheus", GOOD);
    let stranger = lab.server.client("stranger", GOOD);
    let config = Config(json!({
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            lab.job("all", RIGHT, Some(&pair)),
            lab.job("wrong-password", WRONG, Some(&pair)),
            lab.job("no-certificate", RIGHT, None),
            lab.job("strange-certificate", RIGHT, Some(&stranger)),
        ],
    }));
    let Some(prometheus) = Prometheus::start(&config).await else {
        return;
    };
    let mut wrong = Vec::new();
    for _ in 0..ATTEMPTS {
        wrong = differing(&prometheus).await;
        if wrong.is_empty() {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(wrong, [] as [String; 0]);
    lab.daemon.signal("TERM").await;
    let (code, log) = lab.daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(RIGHT) && !log.contains(WRONG), "{log}");
}

/// The jobs that are not met as they should be, and what the first has not brought.
async fn differing(prometheus: &Prometheus) -> Vec<String> {
    let targets = prometheus.api("targets", &[("state", "active")]).await;
    let targets = targets["activeTargets"].as_array().expect("a list");
    let jobs = [
        ("all", ""),
        ("wrong-password", "401 Unauthorized"),
        ("no-certificate", "tls: certificate required"),
        ("strange-certificate", "tls: unknown certificate authority"),
    ];
    let differs = |(job, why): (&str, &str)| {
        let found = |target: &&Value| target["labels"]["job"] == job;
        let target = targets.iter().find(found).expect("the job");
        let error = target["lastError"].as_str().expect("a text");
        let health = if why.is_empty() { "up" } else { "down" };
        let met = target["health"] == health && error.contains(why);
        (!met).then(|| format!("{job}: {} {error}", target["health"]))
    };
    let mut wrong: Vec<_> = jobs.into_iter().filter_map(differs).collect();
    let answer = prometheus.query("oci_registry_info{job=\"all\"}").await;
    if answer[0]["metric"]["registry"] != "a" {
        wrong.push(format!("all: {answer}"));
    }
    wrong
}

/// A minute: two cores may be busy with compiling.
const ATTEMPTS: usize = 240;
const PAUSE: Duration = Duration::from_millis(250);
