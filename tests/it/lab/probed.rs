//! A real Prometheus asks the daemon in both ways of `examples/prometheus.yml`.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use registry_sim::{RegistrySim, Scheme};
use serde_json::{Value, json};

use super::{
    process::{self, Program},
    prometheus::{Config, Prometheus},
};
use crate::cli::{daemon::Daemon, run::Workplace};

const EXAMPLE: &str = "examples/prometheus.yml";
const REGISTRIES: usize = 9;

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(EXAMPLE);
    fs::read_to_string(path).unwrap()
}

#[test]
fn promtool_finds_no_fault_in_the_example() {
    let promtool = Program {
        name: "promtool",
        brought_by: "Debian package prometheus",
    };
    let Some(promtool) = process::find(promtool) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prometheus.yml"), example()).unwrap();
    fs::write(folder.path().join("rules.yml"), "groups: []\n").unwrap();
    let ended = Command::new(promtool)
        .args(["check", "config", "prometheus.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

fn row(number: usize, sim: &RegistrySim) -> String {
    format!(
        "  - {{name: 'registry {number}', url: '{}', labels: {{tier: '{number}'}}, repositories: [{{name: team/app, push: false, labels: {{team: a}}}}]}}\n",
        sim.url()
    )
}

/// The example for an exporter at this address, with the second half as a third
/// job: together they must be all.
fn in_two_halves(address: &str) -> Value {
    let text = example().replace("oci-registry-exporter:9968", address);
    let mut config: Value = serde_yaml::from_str(&text).unwrap();
    let jobs = config["scrape_configs"].as_array_mut().unwrap();
    let mut other = jobs[1].clone();
    other["job_name"] = json!("oci-registries-too");
    other["relabel_configs"][1]["regex"] = json!("1");
    jobs.push(other);
    for job in jobs {
        job["scrape_interval"] = json!("1s");
        job["scrape_timeout"] = json!("1s");
    }
    for of_others in ["rule_files", "alerting"] {
        config.as_object_mut().unwrap().remove(of_others);
    }
    config
}

/// The labels of each series, without those that say who was asked and how.
fn labels(result: &Value) -> BTreeSet<String> {
    let series = result.as_array().unwrap().iter();
    series
        .map(|series| {
            let mut labels = series["metric"].clone();
            for own in ["job", "instance", "host"] {
                labels.as_object_mut().unwrap().remove(own);
            }
            labels.to_string()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_show_the_same_at_once() {
    let sim = RegistrySim::profile(registry_sim::Profile::NATIVE)
        .auth(Scheme::None)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let rows: String = (0..REGISTRIES).map(|number| row(number, &sim)).collect();
    let place = Workplace::new(&format!(
        "defaults: {{probe: {{enabled: true}}}}\nregistries:\n{rows}"
    ));
    let mut daemon = Daemon::start(&place, &[]).await;
    for number in 0..REGISTRIES {
        let up = format!("oci_registry_up{{registry=\"registry {number}\"");
        daemon.page("/metrics", &up).await;
    }
    let seen = sim.total_requests();
    let address = daemon.address.to_string();
    let config = in_two_halves(&address);
    let Some(prometheus) = Prometheus::start(&Config(config)).await else {
        return;
    };
    let probed = format!("count(probe_success{{job=~\"oci-registries.*\"}} == 1) == {REGISTRIES}");
    while prometheus.query(&probed).await == json!([]) {}
    let page = "up{job=\"oci-registry-exporter\"} == 1";
    while prometheus.query(page).await == json!([]) {}
    for family in [
        "oci_registry_up",
        "oci_registry_info",
        "oci_registry_check_status",
        "oci_registry_check_interval_seconds",
        "oci_registry_pull_authorized",
        "oci_registry_capability_supported",
        "oci_registry_http_requests_total",
    ] {
        let of = |job: &str| format!("{family}{{job=~\"{job}\"}}");
        // A scrape that came too late takes its series with it until the next.
        let (mut together, mut one_by_one) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..2000 {
            together = labels(&prometheus.query(&of("oci-registry-exporter")).await);
            one_by_one = labels(&prometheus.query(&of("oci-registries.*")).await);
            if !together.is_empty() && together == one_by_one {
                break;
            }
        }
        assert!(together.len() >= REGISTRIES, "{family}: {together:?}");
        assert_eq!(together, one_by_one, "{family}");
    }
    for job in ["oci-registries", "oci-registries-too"] {
        let up = prometheus
            .query(&format!("count(up{{job=\"{job}\"}})"))
            .await;
        let count: usize = up[0]["value"][1].as_str().unwrap().parse().unwrap();
        assert!((1..REGISTRIES).contains(&count), "{job}: {count}");
    }
    // Nobody was asked for all these scrapes.
    assert_eq!(sim.total_requests(), seen);
    daemon.signal("TERM").await;
    daemon.end().await;
}
