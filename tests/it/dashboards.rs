//! What stands in `dashboards/`: the rules of Grafana's dashboard-linter (which is not
//! installable everywhere), the layout, and that every query is right and finds data.

mod prometheus;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::Value;

use crate::alerts::promql::{Query, declared, scan};

/// A dashboard by the name of its file.
type Dashboards = BTreeMap<String, Value>;

#[test]
fn a_dashboard_is_classic_and_cannot_be_edited_in_place() {
    let mut uids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert_eq!(dashboard["schemaVersion"], 42, "{name}");
        assert_eq!(dashboard["editable"], false, "{name}");
        assert!(
            dashboard.get("id").is_none(),
            "{name}: an id is of one server"
        );
        let uid = dashboard["uid"].as_str().expect("a uid");
        assert_eq!(format!("{uid}.json"), name);
        assert!(uids.insert(uid.to_owned()), "{name}");
        for key in ["title", "description"] {
            assert_ne!(dashboard[key].as_str().unwrap_or_default(), "", "{name}");
        }
        let tags = dashboard["tags"].as_array().expect("tags");
        assert!(tags.contains(&"oci-registry-exporter".into()), "{name}");
    }
}

#[test]
fn variables_are_those_that_the_linter_wants() {
    for (name, dashboard) in dashboards() {
        let list = dashboard["templating"]["list"].as_array().expect("a list");
        let names: Vec<_> = list.iter().map(|it| text(&it["name"])).collect();
        assert_eq!(names[..3], ["datasource", "job", "instance"], "{name}");
        let sources = list.iter().filter(|it| it["type"] == "datasource");
        assert_eq!(sources.count(), 1, "{name}");
        assert_eq!(list[0]["type"], "datasource", "{name}");
        assert_eq!(list[0]["label"], "Data source", "{name}");
        assert_eq!(list[0]["query"], "prometheus", "{name}");
        for variable in &list[1..] {
            let which = format!("{name}: {}", variable["name"]);
            assert_eq!(variable["type"], "query", "{which}");
            assert_eq!(variable["datasource"]["uid"], "$datasource", "{which}");
            assert_eq!(variable["refresh"], 2, "{which}");
            if matches!(text(&variable["name"]), "job" | "instance") {
                assert_eq!(variable["label"], variable["name"], "{which}");
                assert_eq!(variable["multi"], true, "{which}");
            }
            if variable["multi"] == true {
                assert_eq!(variable["allValue"], ".+", "{which}");
            }
            let (metric, label) = label_values(variable);
            let metric = &scan(&metric).expect("a selector").selectors[0].metric;
            let labels = declared(metric).unwrap_or_else(|| panic!("{which}: {metric}"));
            let of_target = ["job", "instance"].contains(&&*label);
            assert!(of_target || labels.contains(&&*label), "{which}: {label}");
        }
    }
}

#[test]
fn every_panel_is_described_and_asks_the_chosen_source() {
    for_panels(|which, panel| {
        assert_ne!(text(&panel["title"]), "", "{which}");
        assert!(text(&panel["description"]).ends_with('.'), "{which}");
        assert_eq!(panel["datasource"]["uid"], "$datasource", "{which}");
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{which}");
        let mut ids = BTreeSet::new();
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "$datasource", "{which}");
            assert!(ids.insert(text(&target["refId"])), "{which}");
            let instant = ["stat", "table"].contains(&text(&panel["type"]));
            assert_eq!(target["instant"] == true, instant, "{which}");
            let legend = target["legendFormat"].as_str();
            assert_eq!(legend.is_some(), panel["type"] != "table", "{which}");
        }
    });
}

#[test]
fn every_number_has_a_unit_or_words() {
    for_panels(|which, panel| {
        let fields = &panel["fieldConfig"];
        let unit = text(&fields["defaults"]["unit"]);
        assert!(UNITS.contains(&unit), "{which}: {unit:?}");
        for rule in fields["overrides"].as_array().expect("overrides") {
            for property in rule["properties"].as_array().expect("properties") {
                if property["id"] == "unit" {
                    let unit = text(&property["value"]);
                    assert!(UNITS.contains(&unit), "{which}: {unit:?}");
                }
            }
        }
        // What is coloured says what it means by a word too: colours alone do not.
        let written = panel.to_string();
        let worded = ["\"mappings\":[{", "\"id\":\"mappings\",\"value\":[{"];
        let worded = worded.iter().any(|it| written.contains(it));
        assert!(worded || !written.contains("color-background"), "{which}");
    });
}

#[test]
fn every_selector_is_bound_to_the_variables() {
    for_queries(|which, query| {
        for selector in &query.selectors {
            let mut wanted = vec!["job", "instance"];
            if declared(&selector.metric).is_some_and(|it| it.contains(&"registry")) {
                wanted.push("registry");
            }
            for label in wanted {
                let matcher = (label.to_owned(), "=~".to_owned(), format!("${label}"));
                assert!(
                    selector.matchers.contains(&matcher),
                    "{which}: {selector:?}"
                );
            }
        }
    });
}

#[test]
fn counters_are_rates_over_the_interval_that_fits() {
    for_queries(|which, query| {
        for selector in &query.selectors {
            let function = selector.function.as_deref().unwrap_or_default();
            let rate = ["rate", "irate", "increase"].contains(&function);
            let counts = ["_total", "_bucket", "_sum", "_count"];
            let counter = counts.iter().any(|it| selector.metric.ends_with(it));
            assert_eq!(rate, counter, "{which}: {}", selector.metric);
            if rate {
                let range = selector.range.as_deref();
                assert_eq!(range, Some("$__rate_interval"), "{which}");
            }
        }
    });
}

#[test]
fn queries_name_only_metrics_and_labels_that_the_program_declares() {
    for_queries(|which, query| assert_eq!(query.undeclared(), [""; 0], "{which}"));
}

#[test]
fn tables_rename_only_columns_that_there_are() {
    for_panels(|which, panel| {
        let mut known = BTreeSet::from(["Time".to_owned(), "Value".to_owned()]);
        for target in panel["targets"].as_array().expect("targets") {
            known.insert(format!("Value #{}", text(&target["refId"])));
            known.extend(scan(text(&target["expr"])).expect("a query").listed);
        }
        let none = Vec::new();
        let steps = panel["transformations"].as_array().unwrap_or(&none);
        // A matrix makes its columns of a label's values.
        if steps.iter().any(|it| it["id"] == "groupingToMatrix") {
            return;
        }
        for step in steps.iter().filter(|it| it["id"] == "organize") {
            for key in ["renameByName", "indexByName", "excludeByName"] {
                for column in step["options"][key].as_object().expect("columns").keys() {
                    assert!(known.contains(column), "{which}: {key} {column}");
                }
            }
        }
    });
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_overlap() {
    for (name, dashboard) in dashboards() {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeMap::new();
        for panel in dashboard["panels"].as_array().expect("panels") {
            let id = panel["id"].as_u64().expect("an id");
            assert!(ids.insert(id), "{name}: {id}");
            let side = |key| panel["gridPos"][key].as_u64().expect("a grid position");
            assert!(side("w") > 0 && side("h") > 0, "{name}: {id}");
            assert!(side("x") + side("w") <= 24, "{name}: {id}");
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    let before = taken.insert((x, y), id);
                    assert_eq!(before, None, "{name}: {id} at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn links_lead_to_dashboards_that_exist() {
    let all = dashboards();
    for (name, dashboard) in &all {
        let written = dashboard.to_string();
        for link in written.split("\"/d/").skip(1) {
            let uid = link.split(['/', '?']).next().unwrap_or_default();
            assert!(all.contains_key(&format!("{uid}.json")), "{name}: {uid}");
        }
    }
}

fn dashboards() -> Dashboards {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    let mut all = Dashboards::new();
    for entry in fs::read_dir(directory).expect("dashboards/") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|it| it.to_str());
        let name = name.expect("a name").to_owned();
        let text = fs::read_to_string(&path).expect("text");
        let dashboard = serde_json::from_str(&text);
        all.insert(name, dashboard.expect("JSON"));
    }
    assert!(!all.is_empty(), "no dashboard");
    all
}

/// Every panel that shows data, with words for where it stands.
fn for_panels(mut with: impl FnMut(&str, &Value)) {
    for (name, dashboard) in dashboards() {
        let panels = dashboard["panels"].as_array().expect("panels");
        let shown: Vec<_> = panels.iter().filter(|it| it["type"] != "row").collect();
        assert!(shown.len() > 5, "{name}: only {} panels", shown.len());
        for panel in shown {
            with(&format!("{name}: {}", panel["title"]), panel);
        }
    }
}

fn for_queries(mut with: impl FnMut(&str, &Query)) {
    for_panels(|which, panel| {
        for target in panel["targets"].as_array().expect("targets") {
            let query = scan(text(&target["expr"]));
            let query = query.unwrap_or_else(|it| panic!("{which}: {it}"));
            assert!(!query.selectors.is_empty(), "{which}");
            with(which, &query);
        }
    });
}

/// The selector and the label of `label_values(selector, label)`.
fn label_values(variable: &Value) -> (String, String) {
    let query = text(&variable["query"]["query"]);
    assert_eq!(variable["definition"], query);
    let inner = query.strip_prefix("label_values(");
    let inner = inner.and_then(|it| it.strip_suffix(')'));
    let (selector, label) = inner.and_then(|it| it.rsplit_once(", ")).expect(query);
    (selector.to_owned(), label.to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Units of Grafana that are in use here.
const UNITS: [&str; 7] = [
    "bytes",
    "dtdurations",
    "none",
    "percent",
    "reqps",
    "s",
    "string",
];
