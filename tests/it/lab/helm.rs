//! The Helm chart, rendered by Helm's own code: its Go SDK, which the Python package
//! `helm-python-sdk` brings. `tests/run tools` puts it below `target/tools`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oci_registry_exporter::config::{self, Environment};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::process::{self, Program};
use crate::{cli::run::Workplace, golden, helm::chart, readme::Readme};

/// What `tests/it/helm/render.py` prints.
#[derive(Deserialize)]
struct Rendered {
    lint: Vec<String>,
    manifests: BTreeMap<String, String>,
    error: Option<String>,
}

#[test]
fn the_chart_renders_what_was_read_and_found_good() {
    for name in ["plain", "fleet", "sharded"] {
        let values = chart().join(format!("ci/{name}-values.yaml"));
        let Some(rendered) = render(&[values]) else {
            return;
        };
        let mut text = String::new();
        for (template, manifest) in rendered.good() {
            // They are compared with their source below.
            if template.ends_with("prometheusrule.yaml") || template.ends_with("dashboards.yaml") {
                continue;
            }
            let manifest = manifest.trim();
            if !manifest.is_empty() {
                let _ = write!(text, "# {template}\n{manifest}\n\n");
            }
        }
        golden::compare(&format!("helm-{name}.txt"), &text);
    }
}

#[test]
fn an_installation_without_values_starts_and_watches_nothing() {
    let Some(rendered) = render(&[]) else {
        return;
    };
    let config = of_kind(&rendered, "ConfigMap");
    let text = config["data"]["config.yml"].as_str().unwrap();
    assert_eq!(loaded(text).registries.len(), 0);
    assert!(
        rendered.manifests["oci-registry-exporter/templates/NOTES.txt"].contains("nothing yet")
    );
    assert!(rendered.documents().iter().all(|it| it["kind"] != "Secret"));
}

#[tokio::test]
async fn what_is_rendered_is_what_the_program_takes() {
    for name in ["plain", "fleet", "sharded"] {
        let values = chart().join(format!("ci/{name}-values.yaml"));
        let Some(rendered) = render(&[values]) else {
            return;
        };
        let config = of_kind(&rendered, "ConfigMap");
        let config = loaded(config["data"]["config.yml"].as_str().unwrap());
        assert!(!config.registries.is_empty(), "{name}");
        let documents = rendered.documents();
        let workload = documents.iter().find(|it| it["kind"] == "StatefulSet");
        let workload = workload.unwrap_or_else(|| {
            documents
                .iter()
                .find(|it| it["kind"] == "Deployment")
                .expect("a workload")
        });
        let container = &workload["spec"]["template"]["spec"]["containers"][0];
        let place = Workplace::new("registries: []\n");
        let mut arguments: Vec<String> = vec!["--config.check".to_owned()];
        for argument in container["args"].as_array().unwrap() {
            let argument = argument.as_str().unwrap().replace("$(POD_INDEX)", "0");
            // Those files are in the pod.
            if !argument.contains(".file=") {
                arguments.push(argument);
            }
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ended = place.run(&arguments).await;
        assert_eq!(ended.code, Some(0), "{arguments:?}: {}", ended.stderr);
    }
}

/// The credential set that the configuration names is the directory that is mounted.
#[test]
fn every_set_is_mounted_where_it_is_read() {
    for name in ["plain", "fleet"] {
        let values = chart().join(format!("ci/{name}-values.yaml"));
        let Some(rendered) = render(&[values]) else {
            return;
        };
        let config = of_kind(&rendered, "ConfigMap");
        let text = config["data"]["config.yml"].as_str().unwrap();
        let pod = &of_kind(&rendered, "Deployment")["spec"]["template"]["spec"];
        let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
        let volumes = pod["volumes"].as_array().unwrap();
        let mut sets = 0;
        for mount in mounts {
            assert!(
                volumes.iter().any(|it| it["name"] == mount["name"]),
                "{mount}"
            );
            let path = mount["mountPath"].as_str().unwrap();
            if path.starts_with("/etc/registry-secrets/") {
                assert!(text.contains(path), "{path}\n{text}");
                sets += 1;
            }
        }
        assert!(sets > 0);
    }
}

/// What stands in examples/kubernetes and in the chart is one thing in two forms.
#[test]
fn the_plain_form_is_the_pod_of_the_kubernetes_example() {
    let Some(rendered) = render(&[chart().join("ci/plain-values.yaml")]) else {
        return;
    };
    let path = chart().join("../../kubernetes/exporter.yml");
    let example = documents::<Value>(&fs::read_to_string(path).unwrap());
    let of_example = |kind: &str| {
        let mut found = example.iter().filter(|it| it["kind"] == kind);
        found.next().unwrap().clone()
    };
    let mut pods = [of_example("Deployment"), of_kind(&rendered, "Deployment")]
        .map(|it| it["spec"]["template"]["spec"].clone());
    let [ours, charts] = pods.each_mut();
    for argument in ours["containers"][0]["args"].as_array().unwrap() {
        let charts = charts["containers"][0]["args"].as_array().unwrap();
        assert!(charts.contains(argument), "{argument}");
    }
    for pod in [ours, charts] {
        // Where the secrets lie, and what is said more explicitly.
        pod.as_object_mut().unwrap().remove("volumes");
        let container = pod["containers"][0].as_object_mut().unwrap();
        for key in ["args", "volumeMounts", "imagePullPolicy"] {
            container.remove(key);
        }
    }
    assert_eq!(pods[0], pods[1]);
    for key in ["replicas", "strategy"] {
        assert_eq!(
            of_example("Deployment")["spec"][key],
            of_kind(&rendered, "Deployment")["spec"][key]
        );
    }
    let policies = [
        of_example("NetworkPolicy"),
        of_kind(&rendered, "NetworkPolicy"),
    ];
    for key in ["policyTypes", "ingress", "egress"] {
        assert_eq!(policies[0]["spec"][key], policies[1]["spec"][key]);
    }
    assert_eq!(
        of_example("Service")["spec"]["ports"],
        of_kind(&rendered, "Service")["spec"]["ports"]
    );
    assert_eq!(
        of_example("ServiceAccount")["automountServiceAccountToken"],
        of_kind(&rendered, "ServiceAccount")["automountServiceAccountToken"]
    );
}

#[test]
fn selectors_choose_the_pods_and_no_other_release_of_them() {
    for name in ["plain", "fleet", "sharded"] {
        let values = chart().join(format!("ci/{name}-values.yaml"));
        let Some(rendered) = render(&[values]) else {
            return;
        };
        let documents = rendered.documents();
        let workload = documents
            .iter()
            .find(|it| it["kind"] == "Deployment" || it["kind"] == "StatefulSet");
        let labels = &workload.unwrap()["spec"]["template"]["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/instance"], "watch");
        for document in &documents {
            let spec = &document["spec"];
            let selector = match document["kind"].as_str().unwrap() {
                "Service" => &spec["selector"],
                "NetworkPolicy" => &spec["podSelector"]["matchLabels"],
                "Deployment" | "StatefulSet" | "ServiceMonitor" => &spec["selector"]["matchLabels"],
                _ => continue,
            };
            assert_eq!(selector, labels, "{document}");
        }
    }
}

#[test]
fn rules_and_dashboards_arrive_whole() {
    let Some(rendered) = render(&[chart().join("ci/fleet-values.yaml")]) else {
        return;
    };
    let rule = of_kind(&rendered, "PrometheusRule");
    let source = fs::read_to_string(chart().join("files/oci-registry.rules.yml")).unwrap();
    let source = source
        .replace(
            "https://example.com/oci-registry-exporter/",
            "https://wiki.example.org/registries/",
        )
        .replace(
            "https://example.com/grafana/",
            "https://grafana.example.org/",
        );
    let source: Value = serde_yaml::from_str(&source).unwrap();
    assert_eq!(rule["spec"], source);
    let mut maps = rendered.documents();
    maps.retain(|it| it["metadata"]["labels"]["grafana_dashboard"] == "1");
    assert_eq!(maps.len(), 3);
    for map in maps {
        assert_eq!(map["metadata"]["namespace"], "monitoring");
        for (file, held) in map["data"].as_object().unwrap() {
            let source = fs::read_to_string(chart().join("files/dashboards").join(file)).unwrap();
            let [held, source] = [held.as_str().unwrap(), &source]
                .map(|it| serde_json::from_str::<Value>(it).unwrap());
            assert!(held == source, "{file}");
        }
    }
}

#[test]
fn the_values_of_the_readme_are_good() {
    let readme = Readme::read();
    let [values] = readme.values().collect::<Vec<_>>()[..] else {
        panic!("one block of values");
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my-values.yaml");
    fs::write(&file, values).unwrap();
    let Some(rendered) = render(&[file]) else {
        return;
    };
    let config = of_kind(&rendered, "ConfigMap");
    let config = loaded(config["data"]["config.yml"].as_str().unwrap());
    assert_eq!(config.registries[0].name, "production");
    for kind in ["Deployment", "ServiceMonitor", "PrometheusRule"] {
        of_kind(&rendered, kind);
    }
}

#[test]
fn what_would_be_wrong_in_the_cluster_is_refused_with_a_way_out() {
    for (values, told) in [
        (
            "config: {registries: [{name: a, url: https://a.example.com, password: s3cret}]}",
            "put it into a Secret",
        ),
        (
            "config: {credentials: {a: {token: s3cret}}}",
            "put it into a Secret",
        ),
        (
            "config: {OCI: {RegistryUrl: https://a.example.com, Password: s3cret}}",
            "put it into a Secret",
        ),
        (
            "probe: {enabled: true, targets: [a]}",
            "defaults: {probe: {enabled: true}}",
        ),
        (
            "probe: {enabled: true, targets: [a]}\nshards: 2",
            "only one of them knows",
        ),
        ("probe: {enabled: true}", "name the registries"),
        (
            "probe: {enabled: true, targets: [a]}\nserviceMonitor: {enabled: true}\nconfig: {defaults: {probe: {enabled: true}}}",
            "take one",
        ),
        ("shards: none", "shards"),
        ("replicas: 2", "replicas"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        fs::write(&file, values).unwrap();
        let Some(rendered) = render(&[file]) else {
            return;
        };
        let error = rendered.error.unwrap_or_else(|| panic!("taken: {values}"));
        assert!(error.contains(told), "{values}: {error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
}

impl Rendered {
    fn good(&self) -> &BTreeMap<String, String> {
        assert_eq!((&self.error, &self.lint), (&None, &Vec::new()));
        &self.manifests
    }

    fn documents(&self) -> Vec<Value> {
        let manifests = self
            .good()
            .iter()
            .filter(|(name, _)| !name.ends_with("/NOTES.txt"));
        manifests
            .flat_map(|(_, text)| documents(text))
            .filter(|it: &Value| !it.is_null())
            .collect()
    }
}

fn of_kind(rendered: &Rendered, kind: &str) -> Value {
    let documents = rendered.documents();
    let mut found = documents
        .iter()
        .filter(|it| it["kind"] == kind && it["metadata"]["labels"]["grafana_dashboard"].is_null());
    found.next().unwrap_or_else(|| panic!("no {kind}")).clone()
}

fn documents<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_yaml::Deserializer::from_str(text)
        .map(|it| T::deserialize(it).expect("YAML"))
        .collect()
}

fn loaded(text: &str) -> config::Config {
    let config = config::parse(text, "config.yml", Path::new("/"), &Environment::default());
    config.unwrap_or_else(|errors| panic!("{errors}\n{text}"))
}

fn render(values: &[PathBuf]) -> Option<Rendered> {
    let program = process::find(PYTHON_WITH_HELM)?;
    let ended = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/helm/render.py"))
        .arg(chart())
        .args(["watch", "oci-registry-exporter"])
        .args(values)
        .output()
        .expect("it starts");
    assert!(ended.status.success(), "{ended:?}");
    Some(serde_json::from_slice(&ended.stdout).expect("its JSON"))
}

const PYTHON_WITH_HELM: Program = Program {
    name: "python-with-helm",
    brought_by: "PyPI package helm-python-sdk, by `tests/run tools`",
};
