//! Repository, tag and reference by the grammar of the distribution spec
//! (v1.1.1, "Pulling manifests").

use std::fmt;

use super::{Digest, one_line::one_line};

/// A text that the grammar refuses: says the rule and the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarError(pub String);

/// A repository name: components of lower-case letters and digits joined by
/// `.`, `_`, `__` or dashes, separated by `/`; at most 255 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(String);

/// A tag: up to 128 letters, digits, `_`, `.` and `-`, the first neither `.` nor `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

/// What names a manifest within a repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// By a name that may move.
    Tag(Tag),
    /// By its content.
    Digest(Digest),
}

impl GrammarError {
    /// `what` with the value (cut, on one line) and the rule that refuses it.
    pub(super) fn new(what: &str, value: &str, rule: &str) -> Self {
        let shown = one_line(value, SHOWN);
        Self(format!("{what} `{shown}` {rule}"))
    }
}

impl fmt::Display for GrammarError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for GrammarError {}

impl Repository {
    /// Parses a name.
    ///
    /// # Errors
    /// Says which rule of the grammar the text breaks.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        match repository_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(GrammarError::new("repository name", text, rule)),
        }
    }

    /// The name as it stands in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Tag {
    /// Parses a tag.
    ///
    /// # Errors
    /// Says which rule of the grammar the text breaks.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        match tag_rule(text) {
            None => Ok(Self(text.to_owned())),
            Some(rule) => Err(GrammarError::new("tag", text, rule)),
        }
    }

    /// A text that was built to fit the grammar.
    pub(super) fn fitted(text: String) -> Self {
        debug_assert_eq!(tag_rule(&text), None);
        Self(text)
    }

    /// The tag as it stands in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Reference {
    /// The reference as it stands in a URL.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl From<Tag> for Reference {
    fn from(tag: Tag) -> Self {
        Self::Tag(tag)
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

/// The rule that a repository name breaks, the most helpful first.
fn repository_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > REPOSITORY_LENGTH {
        Some("is longer than 255 characters")
    } else if text.split('/').all(is_component) {
        None
    } else if text.contains("://") {
        Some("is a URL: write the name alone, such as `library/alpine`")
    } else if text.contains([':', '@']) {
        Some("holds a port, a tag or a digest: write the name alone, such as `library/alpine`")
    } else if text.chars().any(char::is_uppercase) {
        Some("has upper-case letters: a repository name is lower case")
    } else if text.split('/').any(str::is_empty) {
        Some("has an empty component: no `/` at its beginning or end and no two in a row")
    } else {
        Some(
            "breaks the grammar: components of a-z and 0-9, \
             joined by `.`, `_`, `__` or dashes, separated by `/`",
        )
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let joint = |run: &str| matches!(run, "" | "." | "_" | "__") || run.bytes().all(|b| b == b'-');
    text.starts_with(plain) && text.ends_with(plain) && text.split(plain).all(joint)
}

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn tag_rule(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if text.len() > TAG_LENGTH {
        Some("is longer than 128 characters")
    } else if text.starts_with(['.', '-']) {
        Some("begins with `.` or `-`")
    } else if text.bytes().all(is_tag_byte) {
        None
    } else {
        Some("breaks the grammar: only letters, digits, `_`, `.` and `-`")
    }
}

/// What may stand in a tag after its first character.
pub(super) fn is_tag_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// The spec leaves the length to implementations and names 255, with the host, as usual.
const REPOSITORY_LENGTH: usize = 255;
const TAG_LENGTH: usize = 128;
/// How much of a refused value a message shows (characters).
const SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repository_follows_the_grammar() {
        let longest = "a".repeat(255);
        for good in [
            "a",
            "0",
            "library/alpine",
            "a.b/c_d/e__f/g-h/i---j",
            "a/b/c/d/e/f",
            longest.as_str(),
        ] {
            assert_eq!(Repository::parse(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn repository_names_the_rule_it_breaks() {
        let too_long = "a".repeat(256);
        for (bad, rule) in [
            ("", "is empty"),
            (too_long.as_str(), "longer than 255"),
            ("Library/alpine", "upper-case"),
            ("ÄB", "upper-case"),
            ("/a", "empty component"),
            ("a/", "empty component"),
            ("a//b", "empty component"),
            ("alpine:latest", "a tag"),
            ("a@sha256:b", "a digest"),
            ("localhost:5000/a", "a port"),
            ("https://ghcr.io/a", "is a URL"),
            (".a", "breaks the grammar"),
            ("a.", "breaks the grammar"),
            ("a..b", "breaks the grammar"),
            ("a___b", "breaks the grammar"),
            ("a._b", "breaks the grammar"),
            ("a/-b", "breaks the grammar"),
            ("a b", "breaks the grammar"),
            ("a?b", "breaks the grammar"),
            ("a/../b", "breaks the grammar"),
            ("é", "breaks the grammar"),
        ] {
            let error = Repository::parse(bad).unwrap_err().to_string();
            assert!(error.contains(rule), "{bad}: {error}");
        }
    }

    #[test]
    fn tag_follows_the_grammar() {
        let longest = "a".repeat(128);
        for good in ["latest", "_", "v1.0.0-rc.1", "A__b", longest.as_str()] {
            assert_eq!(Tag::parse(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(129);
        for (bad, rule) in [
            ("", "is empty"),
            (too_long.as_str(), "longer than 128"),
            (".a", "begins with"),
            ("-a", "begins with"),
            ("a/b", "breaks the grammar"),
            ("a:b", "breaks the grammar"),
            ("ü", "breaks the grammar"),
            ("a\n", "breaks the grammar"),
        ] {
            let error = Tag::parse(bad).unwrap_err().to_string();
            assert!(error.contains(rule), "{bad}: {error}");
        }
    }

    #[test]
    fn a_refused_value_is_shown_cut_and_on_one_line() {
        let value = format!("A\n\u{1b}[2J{}", "b".repeat(300));
        let error = Tag::parse(&value).unwrap_err().to_string();
        assert!(error.starts_with("tag `A [2Jbbb"), "{error}");
        assert!(error.contains("...` is longer"), "{error}");
        assert!(!error.contains(['\n', '\u{1b}']), "{error}");
        assert!(error.len() < 150, "{error}");
    }

    proptest! {
        #[test]
        fn every_name_of_the_spec_s_expression_is_taken(
            name in r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}(/[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}){0,4}"
        ) {
            prop_assert_eq!(Repository::parse(&name).unwrap().to_string(), name);
        }

        #[test]
        fn every_tag_of_the_spec_s_expression_is_taken(tag in r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert_eq!(Tag::parse(&tag).unwrap().to_string(), tag);
        }

        #[test]
        fn what_is_taken_needs_no_escaping_in_a_path(text in "[a-zA-Z0-9._/:@?#%-]{0,12}|.{0,12}") {
            let safe = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
            if let Ok(name) = Repository::parse(&text) {
                prop_assert!(name.as_str().chars().all(safe));
                prop_assert!(name.as_str().split('/').all(|part| !part.is_empty() && part != ".."));
            }
            if let Ok(tag) = Tag::parse(&text) {
                prop_assert!(tag.as_str().chars().all(|c| safe(c) && c != '/'));
            }
        }
    }
}
