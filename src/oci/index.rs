//! What a body is that should be an index: read once, from front to back, and
//! never built. The reader remembers how far it came, because a body may be cut.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Digest, digests::Digests, loose::Loose, media_type};
use crate::exchange::Reply;

/// What the body of a referrers answer, or of a fallback tag, turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexBody {
    /// An index: `schemaVersion` 2 and a `manifests` array.
    Index {
        /// The distinct digests in `manifests`.
        digests: Digests,
        /// All of the body was there; else `digests` are some of them and
        /// `own_digest` that of a part.
        complete: bool,
        /// The sha256 of the body.
        own_digest: Digest,
    },
    /// `{}`, as Harbor 2.8 to 2.10 answer where nothing refers to a digest.
    Empty,
    /// The beginning of an index, which broke off.
    Truncated {
        /// The distinct digests up to there.
        at_least: Digests,
    },
    /// No JSON.
    Unparsable,
    /// JSON that is no index.
    Other,
}

/// Reads a body as an index; `truncated` says that it went on after the cap or
/// broke off. A `manifests` of `null` is an empty array: so Go prints an empty one.
pub fn read_index(body: &[u8], truncated: bool) -> IndexBody {
    let mut seen = Seen::default();
    let end = seen.read(body);
    match end {
        End::Whole if seen.is_index() => IndexBody::Index {
            digests: seen.digests,
            complete: !truncated,
            own_digest: Digest::of(body),
        },
        End::Whole if seen.keys == 0 => IndexBody::Empty,
        End::Broken if truncated && seen.begins_as_index() => IndexBody::Truncated {
            at_least: seen.digests,
        },
        End::Broken => IndexBody::Unparsable,
        End::Whole | End::OtherJson => IndexBody::Other,
    }
}

/// Whether a reply holds a manifest or an index: by its media type, or because
/// its body is JSON that reads as one. An answer to HEAD has only the media type.
pub fn is_manifest_reply(reply: &Reply) -> bool {
    if reply
        .media_type()
        .is_some_and(|t| media_type::is_manifest(&t))
    {
        return true;
    }
    let mut seen = Seen::default();
    let end = seen.read(&reply.body);
    match end {
        End::Whole => seen.is_index() || seen.is_manifest(),
        End::Broken => reply.truncated && (seen.begins_as_index() || seen.is_manifest()),
        End::OtherJson => false,
    }
}

/// How the reading of a body ended.
enum End {
    /// An object, whole.
    Whole,
    /// JSON, but no object, or one whose fields have other types.
    OtherJson,
    /// No JSON, or only the beginning of it.
    Broken,
}

/// What was seen of a body so far.
#[derive(Default)]
struct Seen {
    keys: usize,
    schema_version: Option<i64>,
    /// `mediaType` says index.
    typed_index: bool,
    /// The `manifests` array began.
    manifests: bool,
    /// Those of [`PARTS`] that were lists or objects.
    parts: Vec<&'static str>,
    digests: Digests,
}

impl Seen {
    fn read(&mut self, body: &[u8]) -> End {
        let mut json = serde_json::Deserializer::from_slice(body);
        let read = Object(self)
            .deserialize(&mut json)
            .and_then(|()| json.end());
        match read {
            Ok(()) => End::Whole,
            Err(error) if error.is_data() && is_json(body) => End::OtherJson,
            Err(_) => End::Broken,
        }
    }

    fn is_index(&self) -> bool {
        self.schema_version == Some(2) && self.manifests
    }

    /// Enough to tell an index, in whatever order its keys come.
    fn begins_as_index(&self) -> bool {
        let version = self.schema_version.is_none_or(|version| version == 2);
        version
            && (self.is_index()
                || (self.typed_index && self.keys > 1)
                || (self.manifests && !self.digests.is_empty()))
    }

    /// An image manifest, or Docker's schema 1.
    fn is_manifest(&self) -> bool {
        match self.schema_version {
            Some(2) => self.parts.contains(&"config") && self.parts.contains(&"layers"),
            Some(1) => self.parts.contains(&"fsLayers"),
            _ => false,
        }
    }
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// The outermost object.
struct Object<'s>(&'s mut Seen);

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let seen = self.0;
        while let Some(key) = object.next_key::<Loose<'de>>()? {
            seen.keys += 1;
            match key.into_text().as_deref() {
                Some("schemaVersion") => {
                    // A number; anything else is the version of nothing.
                    seen.schema_version = match object.next_value::<Loose<'de>>()? {
                        Loose::Number(version) => Some(version),
                        _ => Some(0),
                    };
                }
                Some("mediaType") => {
                    let named = object.next_value::<Loose<'de>>()?.into_text();
                    seen.typed_index = named.is_some_and(|t| media_type::is_index(&t));
                }
                Some("manifests") => object.next_value_seed(Manifests(seen))?,
                Some(key) => {
                    let nested = object.next_value::<Loose<'de>>()? == Loose::Nested;
                    let part = PARTS.iter().find(|part| nested && **part == key);
                    seen.parts.extend(part);
                }
                None => drop(object.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The `manifests` array.
struct Manifests<'s>(&'s mut Seen);

impl<'de> DeserializeSeed<'de> for Manifests<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Manifests<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of descriptors")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.0.manifests = true;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.manifests = true;
        while let Some(descriptor) = list.next_element::<Descriptor<'de>>()? {
            if !descriptor.digest.is_empty() {
                self.0.digests.insert(&descriptor.digest);
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Descriptor<'a> {
    #[serde(borrow, default)]
    digest: Cow<'a, str>,
}

/// What an image manifest consists of, and one of Docker's schema 1.
const PARTS: [&str; 3] = ["config", "layers", "fsLayers"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    fn index(digests: &[&str]) -> String {
        let descriptors: Vec<_> = digests
            .iter()
            .map(|d| {
                format!(
                    r#"{{"mediaType":"x","size":1,"digest":"{d}","annotations":{{"digest":"no"}}}}"#
                )
            })
            .collect();
        let list = descriptors.join(",");
        format!(
            r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{list}]}}"#
        )
    }

    fn digests(these: &[&str]) -> Digests {
        let mut digests = Digests::default();
        for digest in these {
            digests.insert(digest);
        }
        digests
    }

    fn counted(body: &str) -> IndexBody {
        read_index(body.as_bytes(), false)
    }

    #[test]
    fn an_index_has_its_distinct_digests_counted() {
        for (listed, distinct) in [
            (&[][..], &[][..]),
            (&["sha256:a"], &["sha256:a"]),
            (
                &["sha256:a", "sha256:b", "sha256:a"],
                &["sha256:b", "sha256:a"],
            ),
            (&["sha256:a", ""], &["sha256:a"]),
        ] {
            let body = index(listed);
            let wanted = IndexBody::Index {
                digests: digests(distinct),
                complete: true,
                own_digest: Digest::of(body.as_bytes()),
            };
            assert_eq!(counted(&body), wanted, "{body}");
        }
    }

    #[test]
    fn what_is_an_index_and_what_is_not() {
        for (body, is_index) in [
            (r#"{"manifests":[],"schemaVersion":2}"#, true),
            (r#"{"schemaVersion":2,"manifests":null}"#, true),
            (
                r#" {"schemaVersion":2,"manifests":[{}],"annotations":{"a":[1]}} "#,
                true,
            ),
            (r#"{"schemaVersion":1,"manifests":[]}"#, false),
            (r#"{"schemaVersion":"2","manifests":[]}"#, false),
            (r#"{"manifests":[]}"#, false),
            (r#"{"schemaVersion":2}"#, false),
            (r#"{"schemaVersion":2,"manifests":{}}"#, false),
            (r#"{"schemaVersion":2,"manifests":"x"}"#, false),
            (r#"{"schemaVersion":2,"manifests":["x"]}"#, false),
            (r#"{"schemaVersion":2,"config":{},"layers":[]}"#, false),
            (r#"{"errors":[{"code":"A"}]}"#, false),
            ("[]", false),
            ("true", false),
            (r#""index""#, false),
        ] {
            match counted(body) {
                IndexBody::Index { .. } => assert!(is_index, "{body}"),
                other => {
                    assert!(!is_index, "{body}");
                    assert_eq!(other, IndexBody::Other, "{body}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_json_is_unparsable() {
        let deep = "[".repeat(100_000);
        for body in [
            "",
            "404 page not found",
            "<html></html>",
            r#"{"schemaVersion":2,"manifests":["#,
            r#"{"schemaVersion":2,"manifests":[]}]"#,
            "[1,",
            deep.as_str(),
        ] {
            assert_eq!(counted(body), IndexBody::Unparsable, "{body:.40}");
        }
    }

    #[test]
    fn harbor_s_empty_object_is_told_apart() {
        assert_eq!(counted(" {} \n"), IndexBody::Empty);
    }

    #[test]
    fn a_cut_body_counts_as_far_as_it_goes() {
        let body = index(&["sha256:a", "sha256:b", "sha256:c"]);
        let until = |part: &str| body.find(part).unwrap();
        let cut = |these: &[&str]| IndexBody::Truncated {
            at_least: digests(these),
        };
        for (end, wanted) in [
            (until("\"sha256:a"), cut(&[])),
            (until("sha256:c"), cut(&["sha256:a", "sha256:b"])),
            (body.len() - 1, cut(&["sha256:a", "sha256:b", "sha256:c"])),
            (until(",\"manifests"), cut(&[])),
            (until(",\"mediaType"), IndexBody::Unparsable),
            (1, IndexBody::Unparsable),
            (0, IndexBody::Unparsable),
        ] {
            assert_eq!(read_index(&body.as_bytes()[..end], true), wanted, "{end}");
        }
        let other = br#"{"schemaVersion":1,"manifests":[{"digest":"a"},"#;
        assert_eq!(read_index(other, true), IndexBody::Unparsable);
        let late = br#"{"manifests":[{"digest":"a"},{"dig"#;
        assert_eq!(read_index(late, true), cut(&["a"]));
    }

    #[test]
    fn a_whole_index_with_more_behind_it_is_not_complete() {
        let body = index(&["sha256:a"]);
        let IndexBody::Index {
            digests, complete, ..
        } = read_index(body.as_bytes(), true)
        else {
            panic!("no index");
        };
        assert_eq!((digests.count(), complete), (1, false));
    }

    #[test]
    fn a_manifest_is_told_by_its_type_or_its_body() {
        let typed = [(
            "content-type",
            "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
        )];
        let json = [("content-type", "application/json")];
        let html = [("content-type", "text/html")];
        for (headers, body, wanted) in [
            (&typed[..], "", true),
            (
                &json,
                r#"{"schemaVersion":2,"config":{},"layers":[]}"#,
                true,
            ),
            (&json, r#"{"schemaVersion":2,"manifests":[]}"#, true),
            (
                &json,
                r#"{"schemaVersion":1,"fsLayers":[{"blobSum":"x"}]}"#,
                true,
            ),
            (&[], r#"{"schemaVersion":2,"config":{},"layers":[]}"#, true),
            (
                &json,
                r#"{"schemaVersion":2,"config":"x","layers":[]}"#,
                false,
            ),
            (&json, r#"{"schemaVersion":2}"#, false),
            (&json, "{}", false),
            (&json, "", false),
            (&html, "<html></html>", false),
        ] {
            assert_eq!(
                is_manifest_reply(&reply(200, headers, body)),
                wanted,
                "{headers:?} {body}"
            );
        }
    }

    proptest! {
        #[test]
        fn wherever_a_body_is_cut_the_count_is_a_lower_bound(cut in 0_usize..600) {
            let body = index(&["sha256:a", "sha256:b", "sha256:c", "sha256:b"]);
            let cut = cut.min(body.len());
            match read_index(&body.as_bytes()[..cut], true) {
                IndexBody::Truncated { at_least } => prop_assert!(at_least.count() <= 3),
                IndexBody::Index { digests, .. } => {
                    prop_assert_eq!((cut, digests.count()), (body.len(), 3));
                }
                other => prop_assert_eq!(other, IndexBody::Unparsable),
            }
        }

        #[test]
        fn no_body_is_too_wild_for_the_reader(
            body in r#"(\{|\}|\[|\]|"schemaVersion"|"manifests"|"digest"|"mediaType"|:|,|"x"|2|null){0,40}"#,
            truncated in any::<bool>(),
        ) {
            if let IndexBody::Index { complete, .. } = read_index(body.as_bytes(), truncated) {
                prop_assert_eq!(complete, !truncated);
            }
        }
    }
}
