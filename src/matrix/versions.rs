//! Of which versions a row is true.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// The versions of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Versions {
    /// `any`
    Any,
    /// `2.11+`
    From(Version),
    /// `< 2.8`
    Before(Version),
    /// `2.8 to 2.10`, both inclusive.
    Between(Version, Version),
    /// `2.x`
    Series(Version),
    /// An edition, in words, which no version number tells.
    Edition(String),
}

/// A version's numbers, the most significant first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u32>);

impl Versions {
    /// Reads the versions as the data file writes them.
    pub fn parse(text: &str) -> Self {
        let read = || {
            if let Some(before) = text.strip_prefix("< ") {
                return Some(Self::Before(Version::parse(before)?));
            }
            if let Some(from) = text.strip_suffix('+') {
                return Some(Self::From(Version::parse(from)?));
            }
            if let Some(series) = text.strip_suffix(".x") {
                return Some(Self::Series(Version::parse(series)?));
            }
            let (first, last) = text.split_once(" to ")?;
            Some(Self::Between(Version::parse(first)?, Version::parse(last)?))
        };
        match text {
            "any" => Self::Any,
            _ => read().unwrap_or_else(|| Self::Edition(text.to_owned())),
        }
    }

    /// Whether they hold this version; an unknown one only where they hold any.
    pub fn hold(&self, version: Option<&str>) -> bool {
        if *self == Self::Any {
            return true;
        }
        let Some(version) = version.and_then(Version::parse) else {
            return false;
        };
        match self {
            Self::Any => true,
            Self::From(first) => version >= *first,
            Self::Before(first) => version < *first,
            Self::Between(first, last) => version >= *first && version.begins_at_most(last),
            Self::Series(series) => version.0.starts_with(&series.0),
            Self::Edition(_) => false,
        }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => formatter.write_str("any"),
            Self::From(version) => write!(formatter, "{version}+"),
            Self::Before(version) => write!(formatter, "< {version}"),
            Self::Between(first, last) => write!(formatter, "{first} to {last}"),
            Self::Series(series) => write!(formatter, "{series}.x"),
            Self::Edition(words) => formatter.write_str(words),
        }
    }
}

impl<'de> Deserialize<'de> for Versions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

impl Version {
    /// The numbers at the beginning of a text; what follows them (`-gitlab`) does not count.
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let numbers = text[..end].trim_end_matches('.').split('.');
        let numbers: Option<Vec<u32>> = numbers.map(|number| number.parse().ok()).collect();
        numbers.map(Self)
    }

    /// Whether it is at most `last` in the numbers that `last` has: 2.10.3 belongs to 2.10.
    fn begins_at_most(&self, last: &Self) -> bool {
        let begin = &self.0[..self.0.len().min(last.0.len())];
        *begin <= *last.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, number) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(formatter, "{dot}{number}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_hold_what_they_say() {
        for (versions, version, holds) in [
            ("any", None, true),
            ("any", Some("what ever"), true),
            ("2.11+", Some("2.11"), true),
            ("2.11+", Some("2.15.2"), true),
            ("2.11+", Some("2.9.9"), false),
            ("2.11+", None, false),
            ("2.11+", Some("latest"), false),
            ("< 2.8", Some("2.7.4"), true),
            ("< 2.8", Some("2.8.0"), false),
            ("2.8 to 2.10", Some("2.7"), false),
            ("2.8 to 2.10", Some("2.8.0"), true),
            ("2.8 to 2.10", Some("2.10.3"), true),
            ("2.8 to 2.10", Some("2.11.0"), false),
            ("7.90.1+", Some("7.90.1"), true),
            ("7.90.1+", Some("7.90"), false),
            ("2.x", Some("2.8.3"), true),
            ("2.x", Some("3.0"), false),
            ("2.x", Some("20.1"), false),
            ("4.0+", Some("v4.1.0-gitlab"), true),
            ("with customer-managed keys", Some("1.0"), false),
            ("with customer-managed keys", None, false),
        ] {
            let held = Versions::parse(versions).hold(version);
            assert_eq!(held, holds, "{versions} {version:?}");
        }
    }

    #[test]
    fn what_is_read_is_printed_alike() {
        for text in [
            "any",
            "2.11+",
            "< 7.90.1",
            "2.8 to 2.10",
            "3.x",
            "with customer-managed keys",
        ] {
            assert_eq!(Versions::parse(text).to_string(), text);
        }
    }
}
