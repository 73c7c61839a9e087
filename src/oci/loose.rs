//! A JSON value of whatever type, of which only the plain ones are kept.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A field whose type a registry may get wrong without spoiling its neighbours.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Loose<'de> {
    Text(Cow<'de, str>),
    Number(i64),
    /// A list or an object, read past without being built.
    Nested,
    /// `null`, `true`, `1.5`.
    Nothing,
}

impl Loose<'_> {
    /// The text, where it is one and not empty.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The number, also where it was written as a text.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Nested | Self::Nothing => None,
        }
    }
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Loose::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Loose::Nothing, Loose::Number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Nested)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_is_taken() {
        for (json, text, number) in [
            (r#""a""#, Some("a"), None),
            (r#""\u0061""#, Some("a"), None),
            (r#"" 300 ""#, Some(" 300 "), Some(300)),
            (r#""""#, None, None),
            ("300", None, Some(300)),
            ("-1", None, Some(-1)),
            ("18446744073709551615", None, None),
            ("1e999", None, None),
            ("null", None, None),
            ("[1,[2]]", None, None),
            (r#"{"a":{"b":[]}}"#, None, None),
        ] {
            // 1e999 is beyond what serde_json takes at all.
            let Ok(loose) = serde_json::from_str::<Loose<'_>>(json) else {
                assert_eq!(json, "1e999");
                continue;
            };
            assert_eq!(loose.number(), number, "{json}");
            assert_eq!(loose.into_text().as_deref(), text, "{json}");
        }
    }

    #[test]
    fn deep_nesting_is_read_past() {
        let json = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(serde_json::from_str(&json).ok(), Some(Loose::Nested));
    }
}
