//! One value of the configuration on its way to a typed one.

use std::{str::FromStr, time::Duration};

use super::{
    duration,
    problem::{Problems, Spot},
    quote::shown,
    section::{Names, Section},
    tree::{Kind, Node, Value},
};

/// A value and where it stands.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub(super) spot: Spot,
    node: &'a Node,
    problems: &'a Problems,
}

impl<'a> Item<'a> {
    pub(super) fn new(spot: Spot, node: &'a Node, problems: &'a Problems) -> Self {
        Self {
            spot,
            node,
            problems,
        }
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    pub(super) fn refuse(&self, message: impl Into<String>, hint: impl Into<String>) {
        self.problems.refuse(&self.spot, message, hint);
    }

    pub(super) fn warn(&self, message: impl Into<String>) {
        self.problems.warn(&self.spot, message);
    }

    /// Any scalar as it is written.
    pub(super) fn text(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Scalar(Kind::Text | Kind::Number | Kind::Bool, text) => Some(text),
            _ => self.expected(TEXT),
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(kind, _) if *kind != Kind::Null)
    }

    /// Whether the key has no value.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(Kind::Null, _))
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match &self.node.value {
            Value::Scalar(Kind::Bool, text) => Some(text.eq_ignore_ascii_case("true")),
            _ => self.not("`true` or `false`"),
        }
    }

    /// Whether it is the word `false`.
    pub(super) fn is_off(&self) -> bool {
        matches!(&self.node.value, Value::Scalar(Kind::Bool, text) if text.eq_ignore_ascii_case("false"))
    }

    pub(super) fn number<T: FromStr>(&self, what: &str) -> Option<T> {
        match &self.node.value {
            Value::Scalar(Kind::Number, text) => text.parse().ok().or_else(|| self.not(what)),
            _ => self.not(what),
        }
    }

    pub(super) fn duration(&self) -> Option<Duration> {
        let Value::Scalar(Kind::Text | Kind::Number, text) = &self.node.value else {
            return self.expected(DURATION);
        };
        match duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(why) => {
                self.refuse(
                    format!("invalid duration {}: {why}", shown(text)),
                    duration::HINT,
                );
                None
            }
        }
    }

    pub(super) fn list(&self) -> Option<Vec<Item<'a>>> {
        let Value::List(nodes) = &self.node.value else {
            return self.expected(LIST);
        };
        let item = |(index, node): (usize, &'a Node)| Item {
            spot: Spot {
                place: node.place,
                path: format!("{}[{index}]", self.spot.path),
            },
            node,
            problems: self.problems,
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    pub(super) fn section(&self) -> Option<Section<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return self.expected(MAP);
        };
        Some(Section::composed(
            self.spot.clone(),
            entries,
            Names::Ours,
            self.problems,
        ))
    }

    /// Shows a scalar that is none of what its key takes; no key of a secret comes here.
    fn not<T>(&self, what: &str) -> Option<T> {
        match &self.node.value {
            Value::Scalar(kind, text) if *kind != Kind::Null => {
                self.refuse(format!("{} is not {what}", shown(text)), how_to_write(what));
                None
            }
            _ => self.expected(what),
        }
    }

    /// Says what the value is, never the value: this may be the key of a secret.
    fn expected<T>(&self, what: &str) -> Option<T> {
        let (message, hint) = match self.node.kind() {
            "nothing" => (
                "the key has no value".to_owned(),
                format!("{}, or remove the key", how_to_write(what)),
            ),
            kind => (format!("expected {what}, found {kind}"), how_to_write(what)),
        };
        self.refuse(message, hint);
        None
    }
}

fn how_to_write(what: &str) -> String {
    match what {
        TEXT => {
            "write it after the colon, in quotes if it begins with `[`, `{`, `*` or `&`".to_owned()
        }
        LIST => "write `[first, second]`, or each item on a line of its own behind `- `".to_owned(),
        MAP => "write its keys on the lines below, indented, each with its value".to_owned(),
        DURATION => duration::HINT.to_owned(),
        what => format!("write {what}"),
    }
}

const TEXT: &str = "text";
const LIST: &str = "a list";
const MAP: &str = "keys with values";
const DURATION: &str = "a duration";
