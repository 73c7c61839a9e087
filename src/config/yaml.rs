//! The two passes through a YAML document: what stands where, and how it is written.

use std::fmt;

use serde::de::{self, DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::tree::{Entry, Kind, Node, Place, Value};

/// Counts the parts of a document in reading order.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) next: u32,
    /// Where to end with an error, which has a line and a column.
    pub(super) stop: Option<u32>,
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

/// One value with all that is in it.
pub(super) struct NodeSeed<'walk>(pub(super) &'walk mut Walk);

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

impl Visitor<'_> for KeySeed<'_> {
    type Value = (String, Place);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(PLAIN_KEYS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok((text.to_owned(), self.0.enter()?))
    }
}

/// Fills in how numbers and booleans are written.
pub(super) struct TextSeed<'node>(pub(super) &'node mut Node);

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

pub(super) const TOO_MANY_PARTS: &str = "its aliases (`*name`) unfold to too many parts";
const NO_TAGS: &str = "YAML tags (`!name`) have no meaning here";
const PLAIN_KEYS: &str = "a key of plain text";
/// What to look for in the parser's words, and what is said instead of all of them.
pub(super) const OWN_WORDS: [(&str, &str); 5] = [
    (TOO_MANY_PARTS, TOO_MANY_PARTS),
    (NO_TAGS, NO_TAGS),
    (PLAIN_KEYS, "a key is a list or a map"),
    // serde's words go on with the value, as in `password: !!int hunter2`.
    (
        "invalid value: ",
        "a value does not fit its YAML tag (`!!int` and its like)",
    ),
    ("invalid type: ", "a value is of no kind that is known here"),
];
