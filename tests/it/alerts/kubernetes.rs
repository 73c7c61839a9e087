//! What Kubernetes takes, made of the one source: the rules as `PrometheusRule`, the
//! dashboards as `ConfigMap`s that Grafana's sidecar finds by a label. `UPDATE_GOLDEN=1`
//! writes both anew.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;

use super::{RULES, directory};
use crate::golden;

#[test]
fn the_prometheus_rule_is_made_of_the_rules() {
    compare("prometheus-rule.yml", &prometheus_rule());
}

#[test]
fn the_config_maps_are_made_of_the_dashboards() {
    compare("dashboards.yml", &config_maps());
}

/// What the operator's schema of `monitoring.coreos.com/v1` says of a rule. (The schema
/// itself comes only with a cluster.)
#[test]
fn the_prometheus_rule_is_one_that_the_operator_takes() {
    let text = fs::read_to_string(path("prometheus-rule.yml")).expect("the file");
    let rule: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(rule["apiVersion"], "monitoring.coreos.com/v1");
    assert_eq!(rule["kind"], "PrometheusRule");
    assert_dns_label(&rule["metadata"]["name"]);
    assert_eq!(keys(&rule["spec"]), ["groups"]);
    for group in rule["spec"]["groups"].as_array().expect("groups") {
        assert_eq!(keys(group), ["interval", "name", "rules"]);
        assert_ne!(group["name"], "");
        assert_duration(&group["interval"]);
        for rule in group["rules"].as_array().expect("rules") {
            let known = [
                "alert",
                "annotations",
                "expr",
                "for",
                "keep_firing_for",
                "labels",
                "record",
            ];
            for key in keys(rule) {
                assert!(known.contains(&&*key), "{key}: {rule}");
            }
            assert!(rule["expr"].is_string(), "{rule}");
            assert_ne!(rule["alert"].is_string(), rule["record"].is_string());
            for key in ["for", "keep_firing_for"] {
                if let Some(time) = rule.get(key) {
                    assert_duration(time);
                }
            }
            for key in ["labels", "annotations"] {
                let texts = rule[key].as_object().into_iter().flatten();
                for (name, text) in texts {
                    assert!(text.is_string(), "{name}: {rule}");
                }
            }
        }
    }
}

#[test]
fn the_config_maps_hold_the_dashboards_and_nothing_that_is_too_large() {
    let text = fs::read_to_string(path("dashboards.yml")).expect("the file");
    let mut files = Vec::new();
    for map in serde_yaml::Deserializer::from_str(&text) {
        let map: Value = serde::Deserialize::deserialize(map).expect("YAML");
        assert_eq!(map["apiVersion"], "v1");
        assert_eq!(map["kind"], "ConfigMap");
        assert_dns_label(&map["metadata"]["name"]);
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        for (file, held) in map["data"].as_object().expect("data") {
            let held = held.as_str().expect("text");
            assert!(held.len() < 256 * 1024, "{file}: {} bytes", held.len());
            let held: Value = serde_json::from_str(held).expect("JSON");
            let source = fs::read_to_string(dashboards().join(file)).expect("a dashboard");
            let source: Value = serde_json::from_str(&source).expect("JSON");
            assert!(held == source, "{file} is another than its source");
            files.push(file.clone());
        }
    }
    assert_eq!(files, dashboard_files());
}

fn prometheus_rule() -> String {
    let rules = fs::read_to_string(directory().join(RULES)).expect("the rules");
    let (_, groups) = rules.split_once("\ngroups:\n").expect("groups");
    let mut text = "\
# The rules of alerts/oci-registry.rules.yml for the Prometheus Operator, whose comments say
# how they are built; made of that file by a test of this project, so change that one.
# Your Prometheus may want a label of its own here (its `ruleSelector`; with
# kube-prometheus-stack `release: NAME`). The bases of the links are changed as there.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: oci-registry-exporter
  labels:
    app.kubernetes.io/name: oci-registry-exporter
spec:
  groups:
"
    .to_owned();
    for line in groups.lines() {
        if !line.is_empty() {
            text.push_str("  ");
            text.push_str(line);
        }
        text.push('\n');
    }
    text
}

fn config_maps() -> String {
    let mut text = "\
# The dashboards of dashboards/ for Grafana's sidecar, which imports every ConfigMap with this
# label; made of those files by a test of this project, so change those.
"
    .to_owned();
    for file in dashboard_files() {
        let source = fs::read_to_string(dashboards().join(&file)).expect("a dashboard");
        let source: Value = serde_json::from_str(&source).expect("JSON");
        let name = file.trim_end_matches(".json");
        let _ = write!(
            text,
            "---
apiVersion: v1
kind: ConfigMap
metadata:
  name: dashboard-{name}
  labels:
    app.kubernetes.io/name: oci-registry-exporter
    grafana_dashboard: \"1\"
data:
  {file}: |-
    {source}
"
        );
    }
    text
}

fn dashboard_files() -> Vec<String> {
    let entries = fs::read_dir(dashboards()).expect("dashboards/");
    let names = entries.map(|it| it.expect("an entry").file_name());
    let mut names: Vec<_> = names
        .map(|it| it.into_string().expect("a plain name"))
        .collect();
    names.sort();
    names
}

fn compare(file: &str, text: &str) {
    if golden::update() {
        fs::write(path(file), text).expect("examples/kubernetes can be written");
    }
    let held = fs::read_to_string(path(file)).unwrap_or_default();
    assert!(
        held == text,
        "examples/kubernetes/{file} is old: run this test with UPDATE_GOLDEN=1"
    );
}

fn keys(value: &Value) -> Vec<String> {
    let keys = value.as_object().expect("a map").keys();
    let mut keys: Vec<_> = keys.cloned().collect();
    keys.sort();
    keys
}

fn assert_duration(value: &Value) {
    let text = value.as_str().expect("a duration");
    let (number, unit) = text.split_at(text.len() - 1);
    assert!(number.parse::<u32>().is_ok(), "{text}");
    assert!(["s", "m", "h", "d", "w", "y"].contains(&unit), "{text}");
}

fn assert_dns_label(name: &Value) {
    let name = name.as_str().expect("a name");
    let legal = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    assert!(name.bytes().all(legal) && name.len() < 64, "{name}");
    assert!(!name.starts_with('-') && !name.ends_with('-'), "{name}");
}

fn path(file: &str) -> PathBuf {
    directory().join("../examples/kubernetes").join(file)
}

fn dashboards() -> PathBuf {
    directory().join("../dashboards")
}
