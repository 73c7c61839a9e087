//! YAML as it is written for people: maps line by line, lists of scalars on one line.

use std::fmt::{Display, Write as _};

use super::super::quote::joined;
use crate::oci::is_format;

/// A map that is being filled, key by key.
pub(super) struct Level<'a> {
    path: String,
    origin: &'a dyn Fn(&str) -> String,
    lines: Vec<Line>,
}

/// A key with its value.
pub(super) struct Line {
    key: String,
    value: Value,
    origin: String,
}

enum Value {
    /// As it is written.
    Scalar(String),
    /// Scalars as they are written.
    List(Vec<String>),
    Map(Vec<Line>),
    Maps(Vec<Vec<Line>>),
}

impl<'a> Level<'a> {
    /// An empty map; `origin` says where the value of a key path came from.
    pub(super) fn root(origin: &'a dyn Fn(&str) -> String) -> Self {
        Self::at(String::new(), origin)
    }

    fn at(path: String, origin: &'a dyn Fn(&str) -> String) -> Self {
        Self {
            path,
            origin,
            lines: Vec::new(),
        }
    }

    /// A scalar, from [`text`] or [`number`].
    pub(super) fn put(&mut self, key: &str, scalar: String) {
        self.put_from(key, scalar, &[&joined("", key)]);
    }

    /// The same, where it may have been written under one of several paths.
    pub(super) fn put_from(&mut self, key: &str, scalar: String, paths: &[&str]) {
        let origin = self.first_of(paths);
        self.add(key, Value::Scalar(scalar), origin);
    }

    /// A scalar whose origin is none of a file's.
    pub(super) fn put_because(&mut self, key: &str, scalar: String, origin: &str) {
        self.add(key, Value::Scalar(scalar), origin.to_owned());
    }

    /// A list of scalars.
    pub(super) fn list(&mut self, key: &str, scalars: impl Iterator<Item = String>) {
        let origin = self.first_of(&[&joined("", key)]);
        self.add(key, Value::List(scalars.collect()), origin);
    }

    /// A map.
    pub(super) fn map(&mut self, key: &str, fill: impl FnOnce(&mut Level<'a>)) {
        let mut level = Self::at(joined(&self.path, key), self.origin);
        fill(&mut level);
        self.add(key, Value::Map(level.lines), String::new());
    }

    /// A map that was filled elsewhere.
    pub(super) fn within(&mut self, key: &str, level: Level<'_>) {
        self.add(key, Value::Map(level.lines), String::new());
    }

    /// A list of maps.
    pub(super) fn maps(&mut self, key: &str, maps: impl Iterator<Item = Vec<Line>>) {
        self.add(key, Value::Maps(maps.collect()), String::new());
    }

    /// A list of maps, each filled under its own path.
    pub(super) fn each<T>(
        &mut self,
        key: &str,
        items: &[T],
        fill: impl Fn(&mut Level<'a>, usize, &T),
    ) {
        let maps = items.iter().enumerate().map(|(index, item)| {
            let path = format!("{}[{index}]", joined(&self.path, key));
            let mut level = Self::at(path, self.origin);
            fill(&mut level, index, item);
            level.lines
        });
        let maps = maps.collect();
        self.add(key, Value::Maps(maps), String::new());
    }

    /// Everything, as lines.
    pub(super) fn lines(self) -> Vec<Line> {
        self.lines
    }

    /// Everything, as text.
    pub(super) fn written(self, origin: bool) -> String {
        let mut text = String::new();
        write_map(&mut text, &self.lines, 0, origin);
        text
    }

    /// Puts `instead` in the place of the values of these keys, wherever they stand.
    pub(super) fn withhold(&mut self, keys: &[&str], instead: &str) {
        withhold(&mut self.lines, keys, instead);
    }

    fn add(&mut self, key: &str, value: Value, origin: String) {
        self.lines.push(Line {
            key: text(key),
            value,
            origin,
        });
    }

    /// The origin of the first of these keys that stands anywhere.
    fn first_of(&self, keys: &[&str]) -> String {
        let origin = |key: &&str| {
            let path = match (self.path.as_str(), *key) {
                ("", key) => key.to_owned(),
                (path, "") => path.to_owned(),
                (path, key) => format!("{path}.{key}"),
            };
            (self.origin)(&path)
        };
        let known = keys.iter().map(origin).find(|at| at != BUILT_IN);
        known.unwrap_or_else(|| BUILT_IN.to_owned())
    }
}

fn withhold(lines: &mut [Line], keys: &[&str], instead: &str) {
    for line in lines {
        if keys.contains(&line.key.as_str()) {
            line.value = Value::Scalar(text(instead));
            continue;
        }
        match &mut line.value {
            Value::Map(lines) => withhold(lines, keys, instead),
            Value::Maps(items) => {
                for lines in items {
                    withhold(lines, keys, instead);
                }
            }
            Value::Scalar(_) | Value::List(_) => {}
        }
    }
}

/// A number or a flag.
pub(super) fn number(value: impl Display) -> String {
    value.to_string()
}

/// A text, in quotes where it could be read as anything else.
pub(super) fn text(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./$+:%=".contains(c);
    let first = |c: char| c.is_ascii_alphanumeric() || c == '/';
    let is_plain = value.starts_with(first)
        && value.chars().all(plain)
        && !value.ends_with(':')
        && value.parse::<f64>().is_err()
        && !OTHER.contains(&value.to_ascii_lowercase().as_str());
    if is_plain {
        return value.to_owned();
    }
    let mut quoted = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() || is_format(c) => {
                // Writing to a `String` cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn write_map(text: &mut String, lines: &[Line], depth: usize, origin: bool) {
    for line in lines {
        indent(text, depth);
        write_line(text, line, depth, origin);
    }
}

/// A line whose beginning is indented already.
fn write_line(text: &mut String, line: &Line, depth: usize, origin: bool) {
    text.push_str(&line.key);
    text.push(':');
    match &line.value {
        Value::Scalar(scalar) => {
            text.push(' ');
            text.push_str(scalar);
            end(text, line, origin);
        }
        Value::List(scalars) => {
            text.push_str(" [");
            text.push_str(&scalars.join(", "));
            text.push(']');
            end(text, line, origin);
        }
        Value::Map(lines) if lines.is_empty() => text.push_str(" {}\n"),
        Value::Map(lines) => {
            text.push('\n');
            write_map(text, lines, depth + 1, origin);
        }
        Value::Maps(maps) if maps.is_empty() => text.push_str(" []\n"),
        Value::Maps(maps) => {
            text.push('\n');
            for lines in maps {
                for (index, line) in lines.iter().enumerate() {
                    indent(text, depth + 1);
                    text.push_str(if index == 0 { "- " } else { "  " });
                    write_line(text, line, depth + 2, origin);
                }
            }
        }
    }
}

fn end(text: &mut String, line: &Line, origin: bool) {
    if origin {
        text.push_str("  # ");
        // The name of a profile may hold anything.
        let moves = |c: char| c.is_control() || is_format(c);
        let one_line = |c: char| if moves(c) { ' ' } else { c };
        text.extend(line.origin.chars().map(one_line));
    }
    text.push('\n');
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

const BUILT_IN: &str = "built-in";
/// Words that YAML takes for something other than text.
const OTHER: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_quotes_where_they_could_be_read_as_anything_else() {
        for (value, expected) in [
            ("platform/canary", "platform/canary"),
            ("https://r.example.com:8443", "https://r.example.com:8443"),
            ("robot$probe", "robot$probe"),
            ("/etc/secrets/harbor", "/etc/secrets/harbor"),
            ("", "\"\""),
            ("1", "\"1\""),
            ("1.10", "\"1.10\""),
            ("true", "\"true\""),
            ("No", "\"No\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("- a", "\"- a\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("a:", "\"a:\""),
            ("[::1]", "\"[::1]\""),
            ("*.example.com", "\"*.example.com\""),
            ("say \"é\\\"", "\"say \\\"é\\\\\\\"\""),
            ("a\nb\u{7f}\u{2028}", "\"a\\u000ab\\u007f\\u2028\""),
            ("a\u{202e}b\u{200b}", "\"a\\u202eb\\u200b\""),
        ] {
            assert_eq!(text(value), expected, "{value}");
            let read: String = serde_yaml::from_str(&text(value)).unwrap();
            assert_eq!(read, value);
        }
    }
}
