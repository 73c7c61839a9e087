//! The Helm chart as it stands in its files; `lab::helm` renders it with Helm's own code.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::golden;

/// The folder of the chart.
pub(crate) fn chart() -> PathBuf {
    root().join("examples/helm/oci-registry-exporter")
}

/// Rules and dashboards have one source; a chart can only hold what lies in its folder.
#[test]
fn rules_and_dashboards_are_those_of_their_source() {
    let rules = "oci-registry.rules.yml";
    hold(
        &chart().join("files").join(rules),
        &root().join("alerts").join(rules),
    );
    let dashboards = names(&root().join("dashboards"));
    for name in &dashboards {
        hold(
            &chart().join("files/dashboards").join(name),
            &root().join("dashboards").join(name),
        );
    }
    assert_eq!(names(&chart().join("files/dashboards")), dashboards);
}

#[test]
fn the_chart_is_of_the_programs_version() {
    let about = yaml("Chart.yaml");
    assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"));
    assert_eq!(about["name"], env!("CARGO_PKG_NAME"));
    assert_eq!(about["description"], env!("CARGO_PKG_DESCRIPTION"));
}

#[test]
fn every_value_is_in_the_schema_and_every_property_has_a_value() {
    let schema: Value = serde_json::from_str(&text("values.schema.json")).unwrap();
    let (mut properties, mut values) = (BTreeSet::new(), BTreeSet::new());
    properties_of(&schema, "", &mut properties);
    // Helm's own, for charts within charts.
    assert!(properties.remove(".global"));
    paths_of(&yaml("values.yaml"), &schema, "", &mut values);
    assert_eq!(properties, values);
}

#[test]
fn every_path_in_the_templates_is_a_value_and_every_value_is_used() {
    let values = yaml("values.yaml");
    let mut used = BTreeSet::new();
    for name in names(&chart().join("templates")) {
        let template = text(&format!("templates/{name}"));
        for rest in template.split(".Values").skip(1) {
            let inside = |char: char| char.is_ascii_alphanumeric() || char == '.';
            let path = rest.split(|char| !inside(char)).next().unwrap();
            let path = path.trim_end_matches('.');
            let pointer = path.replace('.', "/");
            // What may stand in the configuration is the program's business.
            if !path.starts_with(".config.") {
                assert!(values.pointer(&pointer).is_some(), "{name}: .Values{path}");
            }
            used.insert(path.to_owned());
        }
    }
    let schema: Value = serde_json::from_str(&text("values.schema.json")).unwrap();
    let mut all = BTreeSet::new();
    paths_of(&values, &schema, "", &mut all);
    for path in all {
        // A whole map may be used at once.
        let whole = used
            .iter()
            .any(|it| path == *it || path.starts_with(&format!("{it}.")));
        assert!(whole, "no template reads {path}");
    }
}

#[test]
fn the_schema_takes_the_values_of_the_chart_and_of_its_examples() {
    let mut files = vec!["values.yaml".to_owned()];
    files.extend(
        names(&chart().join("ci"))
            .iter()
            .map(|it| format!("ci/{it}")),
    );
    assert!(files.len() > 3, "{files:?}");
    let schema = schema();
    for file in files {
        let values = yaml(&file);
        let errors: Vec<_> = schema
            .iter_errors(&values)
            .map(|it| it.to_string())
            .collect();
        assert_eq!(errors, [""; 0], "{file}");
    }
}

#[test]
fn the_schema_refuses_what_would_only_show_in_the_cluster() {
    let schema = schema();
    for wrong in [
        json!({"shard": 2}),
        json!({"shards": 0}),
        json!({"shards": "2"}),
        json!({"image": {"digest": "latest"}}),
        json!({"image": {"repository": ""}}),
        json!({"credentials": [{"name": "harbor"}]}),
        json!({"credentials": [{"name": "harbor", "existingSecret": "a", "stringData": {}}]}),
        // The name of a directory, of a volume and of a set.
        json!({"credentials": [{"name": "Team_A", "existingSecret": "a"}]}),
        json!({"credentials": [{"name": "../etc", "existingSecret": "a"}]}),
        json!({"credentials": [{"name": "a", "existingSecret": "a", "hosts": []}]}),
        json!({"log": {"level": "trace"}}),
        json!({"service": {"port": 70000}}),
        json!({"networkPolicy": {"egressPorts": ["443"]}}),
        json!({"serviceMonitor": {"interval": "often"}}),
        json!({"prometheusRule": {"runbooks": "https://wiki.example.org"}}),
        json!({"podLabels": {"tier": 1}}),
    ] {
        assert!(!schema.is_valid(&wrong), "{wrong}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(file: &str) -> String {
    fs::read_to_string(chart().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn yaml(file: &str) -> Value {
    serde_yaml::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&text("values.schema.json")).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn hold(copy: &Path, source: &Path) {
    let wanted = fs::read_to_string(source).unwrap();
    if golden::update() {
        fs::write(copy, &wanted).unwrap();
    }
    let held = fs::read_to_string(copy).unwrap_or_default();
    assert!(
        held == wanted,
        "{} is old: run this test with UPDATE_GOLDEN=1",
        copy.display()
    );
}

/// The paths of a schema's properties, down to those that hold anything.
fn properties_of(schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        into.insert(path.to_owned());
        return;
    };
    for (name, schema) in properties {
        properties_of(schema, &format!("{path}.{name}"), into);
    }
}

/// The same paths of values, as deep as the schema knows them.
fn paths_of(values: &Value, schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    let (Some(map), true) = (values.as_object(), schema["properties"].is_object()) else {
        into.insert(path.to_owned());
        return;
    };
    for (name, value) in map {
        paths_of(
            value,
            &schema["properties"][name],
            &format!("{path}.{name}"),
            into,
        );
    }
}
