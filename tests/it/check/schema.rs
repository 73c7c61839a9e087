//! The published schema of the reports: all that is printed is in it, and its words
//! are those of the program.

use std::fs;

use oci_registry_exporter::{
    matrix,
    outcome::{Capability, Change, CheckName, Reason, Severity, Status},
    report::Turn,
};
use serde_json::{Map, Value};

use super::root;

/// Whether a document is as the schema says, and has no key that it does not name.
pub(crate) fn hold(document: &str) {
    let document = serde_json::from_str(document).unwrap_or_else(|error| panic!("{error}"));
    let schema = Schema::read();
    schema.hold(&document, &schema.0, "$");
}

#[test]
fn golden_reports_are_as_the_schema_says() {
    let mut found = 0;
    for entry in fs::read_dir(root().join("tests/golden/report")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            hold(&fs::read_to_string(path).unwrap());
            found += 1;
        }
    }
    assert!(found > 0);
}

#[test]
fn its_words_are_those_of_the_program() {
    let schema = Schema::read();
    let words = |place: &str| -> Vec<String> {
        let list = schema.0.pointer(place).unwrap_or_else(|| panic!("{place}"));
        let list = list.as_array().unwrap().iter();
        list.map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let report = "/$defs/report/properties";
    let statuses: Vec<&str> = Status::ALL.iter().map(|(_, word)| *word).collect();
    assert_eq!(words("/$defs/status/enum"), statuses);
    assert_eq!(words("/properties/summary/required"), statuses);
    assert_eq!(
        words("/$defs/reason/enum"),
        Reason::ALL.map(|(_, word)| word)
    );
    assert_eq!(
        words("/$defs/check/enum"),
        CheckName::ALL.map(|(check, _)| check.id())
    );
    assert_eq!(
        words("/$defs/capability/enum"),
        Capability::ALL.map(|(_, word)| word)
    );
    assert_eq!(
        words("/$defs/change/enum"),
        Change::ALL.map(|(_, word)| word)
    );
    assert_eq!(
        words(&format!("{report}/severity/enum")),
        Severity::ALL.map(|(_, word)| word)
    );
    assert_eq!(
        words("/$defs/comparison/properties/changes/items/properties/change/enum"),
        Turn::ALL.map(|(_, word)| word)
    );
    let definite = matrix::Value::ALL
        .into_iter()
        .filter(|(value, _)| value.expects().is_some());
    let definite: Vec<&str> = definite.map(|(_, word)| word).collect();
    assert_eq!(
        words("/$defs/registry/properties/differs_from_matrix/items/properties/expected/enum"),
        definite
    );
}

/// What is not as it says, with its place.
#[test]
fn what_is_otherwise_is_found() {
    let golden = fs::read_to_string(root().join("tests/golden/report/fallback.json")).unwrap();
    for (from, to, place) in [
        ("\"version\": 1", "\"version\": 2", "$.version"),
        ("\"pass\": 3", "\"pass\": -1", "$.summary.pass"),
        (
            "\"fact_since\": null",
            "\"since\": null",
            "$.reports[0].since",
        ),
        (
            "\"status\": \"pass\"",
            "\"status\": \"fine\"",
            "$.reports[0].status",
        ),
        (
            "\"attempts\": 1",
            "\"attempts\": 1.5",
            "$.reports[0].attempts",
        ),
        (
            "\"evidence\": {}",
            "\"evidence\": {\"a\": []}",
            "$.reports[0].evidence.a",
        ),
        ("T16:00:00Z", " noon", "$.generated_at"),
        ("\"version\": 1", "\"version\": 1, \"more\": 1", "$.more"),
    ] {
        let other = golden.replacen(from, to, 1);
        let judged = std::panic::catch_unwind(|| hold(&other));
        let said = judged.expect_err("it is otherwise");
        let said = said.downcast_ref::<String>().expect("words");
        assert!(said.starts_with(&format!("{place}: ")), "{said}");
    }
}

/// JSON Schema, draft 2020-12, as far as ours needs it; another keyword is refused, so
/// that nothing stands there without being held.
struct Schema(Value);

impl Schema {
    fn read() -> Self {
        let text = fs::read_to_string(root().join("examples/reports.schema.json")).unwrap();
        Self(serde_json::from_str(&text).unwrap())
    }

    fn hold(&self, value: &Value, schema: &Value, place: &str) {
        if let Some(wrong) = self.wrong(value, schema, place) {
            panic!("{wrong}");
        }
    }

    /// The first place where a value is otherwise.
    fn wrong(&self, value: &Value, schema: &Value, place: &str) -> Option<String> {
        let rules = schema.as_object().expect("a schema is an object");
        rules
            .iter()
            .find_map(|(rule, argument)| self.breaks(rule, argument, value, rules, place))
    }

    fn breaks(
        &self,
        rule: &str,
        argument: &Value,
        value: &Value,
        rules: &Map<String, Value>,
        place: &str,
    ) -> Option<String> {
        let unless = |good: bool| (!good).then(|| format!("{place}: {rule} {argument}: {value}"));
        match rule {
            "$schema" | "title" | "description" | "$defs" => None,
            "$ref" => {
                let at = argument.as_str()?.strip_prefix('#').expect("a place here");
                let named = self.0.pointer(at).unwrap_or_else(|| panic!("no {at}"));
                self.wrong(value, named, place)
            }
            "const" => unless(value == argument),
            "enum" => unless(argument.as_array()?.contains(value)),
            "anyOf" => {
                let mut ways = argument.as_array()?.iter();
                unless(ways.any(|way| self.wrong(value, way, place).is_none()))
            }
            "type" => {
                let is = |kind: &Value| is_a(value, kind.as_str().expect("a word"));
                unless(
                    argument
                        .as_array()
                        .map_or_else(|| is(argument), |all| all.iter().any(is)),
                )
            }
            "minimum" => unless(value.as_f64() >= argument.as_f64()),
            "format" => {
                assert_eq!(argument, "date-time");
                unless(value.as_str()?.parse::<jiff::Timestamp>().is_ok())
            }
            "required" => {
                let keys = argument.as_array()?.iter();
                let mut missing = keys
                    .filter_map(Value::as_str)
                    .filter(|key| value.get(key).is_none());
                missing.next().map(|key| format!("{place}: no {key}"))
            }
            "items" => value
                .as_array()?
                .iter()
                .enumerate()
                .find_map(|(at, item)| self.wrong(item, argument, &format!("{place}[{at}]"))),
            "properties" => value.as_object()?.iter().find_map(|(key, item)| {
                let place = format!("{place}.{key}");
                match argument.get(key) {
                    Some(schema) => self.wrong(item, schema, &place),
                    None if rules.contains_key("additionalProperties") => None,
                    None => Some(format!("{place}: the schema does not name it")),
                }
            }),
            "additionalProperties" => value
                .as_object()?
                .iter()
                .find_map(|(key, item)| self.wrong(item, argument, &format!("{place}.{key}"))),
            other => panic!("{place}: the keyword `{other}` is not held here"),
        }
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    }
}
