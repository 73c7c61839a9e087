//! A YAML document as a tree: nothing is lost of its texts, and every part can be found again.
//!
//! It is read without a schema, so that all that is wrong with a file can be
//! said together, each with its place, and so that the parser never words an
//! error around a value (it might be a secret). Two properties of the parser
//! shape it: `deserialize_any` turns a plain `1.10` into a number, so a second
//! pass asks for the exact texts; and only an error has a line and a column, so
//! [`locate`] reads the document once more and stops at the part.

use std::fmt;

use serde::de::{self, DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

/// Counts the parts of a document in reading order.
struct Walk {
    next: u32,
    stop: Option<u32>,
}

impl Walk {
    fn enter<E: de::Error>(&mut self) -> Result<Place, E> {
        let part = self.next;
        self.next += 1;
        if self.stop == Some(part) {
            return Err(E::custom("here"));
        }
        if part >= MOST_PARTS {
            return Err(E::custom(TOO_MANY_PARTS));
        }
        Ok(Place::Part(part))
    }
}

struct NodeSeed<'walk>(&'walk mut Walk);

impl NodeSeed<'_> {
    fn scalar<E: de::Error>(self, kind: Kind, text: &str) -> Result<Node, E> {
        Ok(Node {
            place: self.0.enter()?,
            value: Value::Scalar(kind, text.to_owned()),
        })
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Kind::Null, "")
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.scalar(Kind::Null, "")
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Node, E> {
        self.scalar(Kind::Bool, "")
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Node, E> {
        self.scalar(Kind::Number, "")
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Node, E> {
        self.scalar(Kind::Number, "")
    }

    fn visit_u128<E: de::Error>(self, _: u128) -> Result<Node, E> {
        self.scalar(Kind::Number, "")
    }

    fn visit_i128<E: de::Error>(self, _: i128) -> Result<Node, E> {
        self.scalar(Kind::Number, "")
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Node, E> {
        self.scalar(Kind::Number, "")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.scalar(Kind::Text, text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let place = self.0.enter()?;
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element_seed(NodeSeed(self.0))? {
            nodes.push(node);
        }
        Ok(Node {
            place,
            value: Value::List(nodes),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let place = self.0.enter()?;
        let mut entries = Vec::new();
        while let Some((key, key_place)) = map.next_key_seed(KeySeed(self.0))? {
            let node = map.next_value_seed(NodeSeed(self.0))?;
            entries.push(Entry {
                key,
                key_place,
                node,
            });
        }
        Ok(Node {
            place,
            value: Value::Map(entries),
        })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(de::Error::custom(NO_TAGS))
    }
}

struct KeySeed<'walk>(&'walk mut Walk);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = (String, Place);

    fn deserialize<D: de::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = (String, Place);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PLAIN_KEYS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.to_owned(), self.0.enter()?))
    }
}

/// Fills in how numbers and booleans are written.
struct TextSeed<'node>(&'node mut Node);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.value {
            Value::Scalar(Kind::Number | Kind::Bool, _) => deserializer.deserialize_str(self),
            Value::Scalar(..) => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Value::List(_) => deserializer.deserialize_seq(self),
            Value::Map(_) => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("what stood there before")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if let Value::Scalar(_, written) = &mut self.0.value {
            text.clone_into(written);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if let Value::List(nodes) = &mut self.0.value {
            for node in nodes {
                list.next_element_seed(TextSeed(node))?;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Value::Map(entries) = &mut self.0.value {
            for entry in entries {
                map.next_key::<IgnoredAny>()?;
                map.next_value_seed(TextSeed(&mut entry.node))?;
            }
        }
        Ok(())
    }
}

/// More than a file of the largest size can hold without aliases (two bytes
/// for each, as in `[1,1,1]`), so that only a bomb made of aliases is refused.
const MOST_PARTS: u32 = 1 << 19;

const TOO_MANY_PARTS: &str = "its aliases (`*name`) unfold to too many parts";
const NO_TAGS: &str = "YAML tags (`!name`) have no meaning here";
const PLAIN_KEYS: &str = "a key of plain text";
/// What to look for in the parser's words, and what is said instead of all of them.
const OWN_WORDS: [(&str, &str); 3] = [
    (TOO_MANY_PARTS, TOO_MANY_PARTS),
    (NO_TAGS, NO_TAGS),
    (PLAIN_KEYS, "a key is a list or a map"),
];

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut deep = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            deep += &format!("a{level}: &a{level} [{aliases}]\n");
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
