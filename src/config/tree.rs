//! A YAML document as a tree: nothing is lost of its texts, and every part can be found again.
//!
//! It is read without a schema, so that all that is wrong with a file can be
//! said together, each with its place, and so that the parser never words an
//! error around a value (it might be a secret). Two properties of the parser
//! shape it: `deserialize_any` turns a plain `1.10` into a number, so a second
//! pass asks for the exact texts; and only an error has a line and a column, so
//! [`locate`] reads the document once more and stops at the part.

use std::ops::RangeInclusive;

use serde::de::DeserializeSeed;

use super::{
    lines::{LineSeed, Lines},
    yaml::{NodeSeed, OWN_WORDS, TOO_MANY_PARTS, TextSeed, Walk},
};

/// Where a part of the configuration comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// An environment variable.
    Environment,
    /// The part of the file with this number, counted in reading order.
    Part(u32),
}

/// One value with its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone)]
pub(super) enum Value {
    Scalar(Kind, String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// What YAML's core schema takes a scalar for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    Text,
}

/// A key and its value; keys may stand twice, which the reader of the map reports.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_place: Place,
    pub(super) node: Node,
}

impl Node {
    /// The numbers of its parts, which follow each other; none outside of a file.
    pub(super) fn parts(&self) -> Option<RangeInclusive<u32>> {
        let Place::Part(first) = self.place else {
            return None;
        };
        let inner = match &self.value {
            Value::Scalar(..) => None,
            Value::List(nodes) => nodes.last().and_then(Self::parts),
            Value::Map(entries) => entries.last().and_then(|entry| entry.node.parts()),
        };
        Some(first..=inner.map_or(first, |parts| *parts.end()))
    }

    /// In words for an error, never the value itself.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(Kind::Null, _) => "nothing",
            Value::Scalar(Kind::Bool, _) => "a boolean",
            Value::Scalar(Kind::Number, _) => "a number",
            Value::Scalar(Kind::Text, _) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// What the parser refuses.
pub(super) struct SyntaxError {
    /// Line and column, from 1.
    pub(super) position: Option<(usize, usize)>,
    pub(super) message: String,
}

/// Reads the only document of a text; `None` when there is nothing in it.
pub(super) fn read(text: &str) -> Result<Option<Node>, SyntaxError> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(document) = documents.next() else {
        return Ok(None);
    };
    let mut walk = Walk {
        next: 0,
        stop: None,
    };
    let mut root = NodeSeed(&mut walk)
        .deserialize(document)
        .map_err(|error| syntax_error(&error))?;
    if documents.next().is_some() {
        return Err(SyntaxError {
            position: None,
            message: "the file holds more than one YAML document".to_owned(),
        });
    }
    if let Value::Scalar(Kind::Null, _) = root.value {
        return Ok(None);
    }
    TextSeed(&mut root)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| syntax_error(&error))?;
    Ok(Some(root))
}

/// Line and column (from 1) of a part of a text that was read before.
pub(super) fn locate(text: &str, part: u32) -> Option<(usize, usize)> {
    let mut walk = Walk {
        next: 0,
        stop: Some(part),
    };
    let error = NodeSeed(&mut walk)
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    error
        .location()
        .map(|location| (location.line(), location.column()))
}

/// The line (from 1) of every part of a text that was read before; of a map or list the
/// line of the first thing in it.
pub(super) fn lines(text: &str) -> Vec<u32> {
    let mut lines = Lines::default();
    // It was read before, so there is nothing to be said about it.
    let _ = LineSeed(&mut lines).deserialize(serde_yaml::Deserializer::from_str(text));
    lines.finish()
}

/// The parser's words without their place, and without the key path, which
/// could go through the inside of a secret.
fn syntax_error(error: &serde_yaml::Error) -> SyntaxError {
    let position = error
        .location()
        .map(|location| (location.line(), location.column()));
    let full = error.to_string();
    let full = full.replace("repetition limit exceeded", TOO_MANY_PARTS);
    let own = OWN_WORDS.iter().find(|(words, _)| full.contains(words));
    let message = match (own, position) {
        (Some((_, message)), _) => (*message).to_owned(),
        (None, Some((line, column))) => {
            full.replacen(&format!(" at line {line} column {column}"), "", 1)
        }
        (None, None) => full,
    };
    SyntaxError { position, message }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// The tree on one line, with the kinds of scalars and the numbers of parts.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Scalar(kind, text) => format!("{kind:?}({text})"),
            Value::List(nodes) => {
                format!(
                    "[{}]",
                    nodes.iter().map(shown).collect::<Vec<_>>().join(" ")
                )
            }
            Value::Map(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|entry| format!("{}:{}", entry.key, shown(&entry.node)))
                    .collect();
                format!("{{{}}}", entries.join(" "))
            }
        }
    }

    fn tree(text: &str) -> String {
        match read(text) {
            Ok(Some(node)) => shown(&node),
            Ok(None) => "empty".to_owned(),
            Err(error) => format!("{:?} {}", error.position, error.message),
        }
    }

    #[test]
    fn texts_are_kept_as_they_are_written() {
        for (text, expected) in [
            ("a: 1.10", "{a:Number(1.10)}"),
            ("a: 0x1F", "{a:Number(0x1F)}"),
            ("a: +1e3", "{a:Number(+1e3)}"),
            ("a: 0123", "{a:Text(0123)}"),
            ("a: True", "{a:Bool(True)}"),
            ("a: yes", "{a:Text(yes)}"),
            ("a: \"true\"", "{a:Text(true)}"),
            ("a: ~", "{a:Null()}"),
            ("a:", "{a:Null()}"),
            ("a: ''", "{a:Text()}"),
            ("a: !!str 7", "{a:Text(7)}"),
            ("1: [2, {3: 4}]", "{1:[Number(2) {3:Number(4)}]}"),
            ("a: 1\na: 2", "{a:Number(1) a:Number(2)}"),
            (
                "a: &x {b: 1.0}\nc: [*x, *x]",
                "{a:{b:Number(1.0)} c:[{b:Number(1.0)} {b:Number(1.0)}]}",
            ),
            ("\u{feff}a: 1", "{a:Number(1)}"),
            ("", "empty"),
            ("# nothing\n", "empty"),
            ("---\n...\n", "empty"),
            ("~", "empty"),
        ] {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_tree_is_refused_with_its_place() {
        for (text, expected) in [
            (
                "a: !vault x",
                "Some((1, 4)) YAML tags (`!name`) have no meaning here",
            ),
            ("a: 1\n[b]: 2", "Some((2, 1)) a key is a list or a map"),
            (
                "a: 1\n---\nb: 1",
                "None the file holds more than one YAML document",
            ),
            (
                "a: [1",
                "Some((2, 1)) did not find expected ',' or ']', while parsing a flow sequence at line 1 column 4",
            ),
        ] {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn every_part_can_be_found_again() {
        let text = "top:\n  - name: x\n    list: [1, {deep: true}]\nlast: \"é\"\n";
        // The map, `top`, its list, the map in it, `name`, `x`, `list`, the list, 1, the map, `deep`, true, `last`, é.
        let expected = [
            (1, 1),
            (1, 1),
            (2, 3),
            (2, 5),
            (2, 5),
            (2, 11),
            (3, 5),
            (3, 11),
            (3, 12),
            (3, 15),
            (3, 16),
            (3, 22),
            (4, 1),
            (4, 7),
        ];
        for (part, position) in (0..).zip(expected) {
            assert_eq!(locate(text, part), Some(position), "{part}");
        }
        assert_eq!(locate(text, 14), None);
        let expected: Vec<u32> = vec![1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4, 4];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut deep = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(deep, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        // Few aliases, each to much: within the parser's own limit.
        let wide = format!(
            "a: &a [{}]\nb: [{}]\n",
            "1,".repeat(10_000),
            "*a,".repeat(60)
        );
        for bomb in [deep, wide] {
            let message = tree(&bomb);
            assert!(message.ends_with(" unfold to too many parts"), "{message}");
        }
        assert!(
            tree("a: &a [*a]").contains("recursion limit"),
            "{}",
            tree("a: &a [*a]")
        );
    }
}
