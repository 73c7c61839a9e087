//! The error body of a registry, in all the shapes that registries give it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{loose::Loose, one_line::one_line};
use crate::exchange::{Reply, SMALL_BODY};

/// What a registry says of a failure (distribution-spec v1.1.1, "Error Codes").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// At least one entry, at most 16.
    pub entries: Vec<ErrorEntry>,
}

/// One error of an error body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorEntry {
    /// The code, as it was written: the spec's, or the product's own.
    pub code: Option<String>,
    /// The words for a person.
    pub message: Option<String>,
    /// Artifactory's way: the HTTP status in place of a code.
    pub status: Option<u16>,
}

impl ErrorBody {
    /// The error body of a reply, whatever its content type; `None` where the
    /// body is no registry's JSON error. Read are `{"errors":[...]}` with one
    /// entry or more, and zot's bare `{"code":"...","message":"..."}`.
    pub fn of(reply: &Reply) -> Option<Self> {
        let body = &reply.body[..reply.body.len().min(SMALL_BODY)];
        let document: Document = serde_json::from_slice(body).ok()?;
        let entries = match document.errors {
            Some(entries) => entries,
            None if document.own.code.is_some() => vec![document.own],
            None => Vec::new(),
        };
        (!entries.is_empty()).then_some(Self { entries })
    }

    /// Whether an entry has this code, in any case.
    pub fn has_code(&self, code: &str) -> bool {
        let mut codes = self.entries.iter().filter_map(|e| e.code.as_deref());
        codes.any(|known| known.eq_ignore_ascii_case(code))
    }

    /// Whether a code or a message holds one of these phrases, in any case.
    pub fn says(&self, phrases: &[&str]) -> bool {
        let texts = self.entries.iter().flat_map(|e| [&e.code, &e.message]);
        texts.flatten().any(|text| {
            let text = text.to_lowercase();
            phrases.iter().any(|p| text.contains(&p.to_lowercase()))
        })
    }

    /// The entries on one line of at most 200 characters, without control characters.
    pub fn summary(&self) -> String {
        let entries: Vec<_> = self.entries.iter().map(ToString::to_string).collect();
        one_line(&entries.join("; "), SUMMARY)
    }
}

impl fmt::Display for ErrorEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.map(|status| status.to_string());
        match (self.code.as_ref().or(status.as_ref()), &self.message) {
            (Some(code), Some(message)) => write!(formatter, "{code}: {message}"),
            (Some(only), None) | (None, Some(only)) => formatter.write_str(only),
            (None, None) => formatter.write_str("an error without words"),
        }
    }
}

/// The outermost object.
struct Document {
    errors: Option<Vec<ErrorEntry>>,
    /// The object read as an entry of its own.
    own: ErrorEntry,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an error body")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Document, A::Error> {
        let mut errors = None;
        let mut own = ErrorEntry::default();
        while let Some(key) = object.next_key::<Loose<'de>>()? {
            match key.into_text().as_deref() {
                Some("errors") => errors = Some(object.next_value::<Entries>()?.0),
                Some(key) => own.set(key, object.next_value()?),
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Document { errors, own })
    }
}

/// The list under `errors`; `null` is an empty one.
struct Entries(Vec<ErrorEntry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of errors")
    }

    fn visit_unit<E>(self) -> Result<Entries, E> {
        Ok(Entries(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element::<Entry>()? {
            if entries.len() < MAX_ENTRIES {
                entries.push(entry.0);
            }
        }
        Ok(Entries(entries))
    }
}

struct Entry(ErrorEntry);

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an error")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Entry, A::Error> {
        let mut entry = ErrorEntry::default();
        while let Some(key) = object.next_key::<Loose<'de>>()? {
            let value = object.next_value()?;
            entry.set(&key.into_text().unwrap_or_default(), value);
        }
        Ok(Entry(entry))
    }
}

impl ErrorEntry {
    fn set(&mut self, key: &str, value: Loose<'_>) {
        match key {
            "code" => self.code = value.into_text(),
            "message" => self.message = value.into_text(),
            "status" => self.status = value.number().and_then(|n| u16::try_from(n).ok()),
            _ => {}
        }
    }
}

/// More than any registry answers.
const MAX_ENTRIES: usize = 16;
/// The length of a summary (characters).
const SUMMARY: usize = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    fn summary(body: &str) -> Option<String> {
        // The content type never decides: ggcr answers JSON as text/plain.
        let answer = reply(404, &[("content-type", "text/plain; charset=utf-8")], body);
        Some(ErrorBody::of(&answer)?.summary())
    }

    #[test]
    fn bodies_of_real_registries_are_read() {
        for (case, body, wanted) in [
            (
                "distribution",
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":[{"Type":"repository","Class":"","Name":"lab/x","Action":"delete"}]}]}"#,
                "UNAUTHORIZED: authentication required",
            ),
            (
                "zot, bare",
                r#"{"code":"UNAUTHORIZED","message":"authentication required","description":"x","detail":{}}"#,
                "UNAUTHORIZED: authentication required",
            ),
            (
                "Artifactory",
                r#"{"errors":[{"status":401,"message":"Authentication is required"}]}"#,
                "401: Authentication is required",
            ),
            (
                "Artifactory, only a status",
                r#"{"errors":[{"status":416}]}"#,
                "416",
            ),
            (
                "Gitea, empty message",
                r#"{"errors":[{"code":"NAME_UNKNOWN","message":""}]}"#,
                "NAME_UNKNOWN",
            ),
            (
                "no words at all",
                r#"{"errors":[{}]}"#,
                "an error without words",
            ),
            (
                "two, on one line",
                "{\"errors\":[{\"code\":\"A\",\"message\":\"x\\r\\n\\u001b[2Jy\"},{\"code\":\"B\"}]}",
                "A: x [2Jy; B",
            ),
            (
                "types that are not the spec's",
                r#"{"errors":[{"code":404,"message":{"a":1},"status":"404","detail":null}]}"#,
                "404",
            ),
        ] {
            assert_eq!(summary(body).as_deref(), Some(wanted), "{case}");
        }
    }

    #[test]
    fn what_is_no_registry_s_error_is_none() {
        for body in [
            "",
            "true",
            "{}",
            "[]",
            "null",
            "404 page not found",
            "<html><body>errors</body></html>",
            r#"{"errors":[]}"#,
            r#"{"errors":null}"#,
            r#"{"errors":"no"}"#,
            r#"{"errors":["no"]}"#,
            r#"{"message":"Forbidden"}"#,
            r#"{"code":403,"message":"Forbidden"}"#,
            r#"{"timestamp":1,"status":404,"error":"Not Found","path":"/v2/"}"#,
            r#"{"errors":[{"code":"A"}]"#,
        ] {
            assert_eq!(summary(body), None, "{body}");
        }
    }

    #[test]
    fn only_the_first_64_kib_are_read() {
        let body = format!(r#"{{"errors":[{{"code":"A"}}]{}}}"#, " ".repeat(SMALL_BODY));
        assert_eq!(summary(&body), None);
    }

    #[test]
    fn deep_nesting_in_detail_is_read_past() {
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let body = format!(r#"{{"errors":[{{"detail":{deep},"code":"A"}}]}}"#);
        assert_eq!(summary(&body).as_deref(), Some("A"));
    }

    #[test]
    fn codes_and_words_are_found_in_any_case() {
        let answer = reply(
            403,
            &[],
            r#"{"errors":[{"code":"toomanyrequests","message":"System is READ-Only"}]}"#,
        );
        let body = ErrorBody::of(&answer).unwrap();
        assert!(body.has_code("TOOMANYREQUESTS"));
        assert!(!body.has_code("TOOMANY"));
        assert!(body.says(&["maintenance", "Read-only"]));
        assert!(body.says(&["TOOMANY"]));
        assert!(!body.says(&["quota"]));
    }

    #[test]
    fn summary_is_cut_at_200_characters() {
        let body = format!(
            r#"{{"errors":[{{"code":"A","message":"{}"}}]}}"#,
            "é".repeat(500)
        );
        assert_eq!(summary(&body).unwrap().chars().count(), 200);
    }

    proptest! {
        #[test]
        fn no_body_is_too_wild_for_the_reader(body in r#"(\{|\}|\[|\]|"errors"|"code"|"message"|"status"|:|,|"x"|1|null){0,40}"#) {
            if let Some(summary) = summary(&body) {
                prop_assert!(!summary.is_empty());
            }
        }
    }
}
