//! The configuration as a JSON Schema, for editors and for those who generate one.

use serde_json::{Map, Value, json};

use super::keys::{Key, Keys, ROOT, Shape};

/// The JSON Schema (draft 2020-12) of a configuration file, made of the tables of keys
/// that the readers hold every key against.
pub fn schema() -> String {
    let mut schema = map(ROOT);
    if let Value::Object(root) = &mut schema {
        let draft = "https://json-schema.org/draft/2020-12/schema";
        root.insert("$schema".to_owned(), json!(draft));
        let title = "Configuration of oci-registry-exporter";
        root.insert("title".to_owned(), json!(title));
    }
    format!("{schema:#}\n")
}

fn map(keys: Keys) -> Value {
    let mut properties = Map::new();
    for Key { name, shape, says } in keys.iter().copied().flatten() {
        let mut property = of(shape);
        if let Value::Object(property) = &mut property {
            property.insert("description".to_owned(), json!(says));
        }
        properties.insert((*name).to_owned(), property);
    }
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

fn of(shape: &Shape) -> Value {
    match shape {
        // Any scalar is taken as it is written.
        Shape::Text => json!({"type": ["string", "number", "boolean"]}),
        Shape::Word(words) => json!({"enum": written(words)}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Off => json!({"const": false}),
        Shape::Duration => json!({"type": "string", "pattern": DURATION}),
        Shape::Whole(least, most) => {
            json!({"type": "integer", "minimum": least, "maximum": most})
        }
        Shape::Number => json!({"type": "number"}),
        Shape::List(item) => json!({"type": "array", "items": of(item)}),
        Shape::Map(keys) => map(keys),
        Shape::Each(value) => json!({"type": "object", "additionalProperties": of(value)}),
        Shape::Either(shapes) => {
            json!({"anyOf": shapes.iter().map(of).collect::<Vec<_>>()})
        }
    }
}

/// A word that YAML takes for a number may stand there without quotes.
fn written(words: &[&str]) -> Vec<Value> {
    let mut written: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    let numbers = words.iter().filter_map(|word| word.parse::<f64>().ok());
    written.extend(numbers.map(|number| json!(number)));
    written
}

/// Numbers with units, as in `1h 30m`; which units there are, the reader says.
const DURATION: &str = r"^(\s*[0-9]+(\.[0-9]+)?\s*[A-Za-z]+)+\s*$";
