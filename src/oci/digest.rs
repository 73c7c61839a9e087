//! Digests by the grammar of the image spec, and the tag that is made of one.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

use super::{GrammarError, Tag, reference::is_tag_byte};

/// A digest: an algorithm, a colon, an encoded value (image-spec v1.1,
/// "Digests"); `sha256` and `sha512` have lower-case hex of their own length.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: String,
    colon: usize,
}

impl Digest {
    /// Parses a digest.
    ///
    /// # Errors
    /// Says which rule of the grammar the text breaks.
    pub fn parse(text: &str) -> Result<Self, GrammarError> {
        let refuse = |rule| Err(GrammarError::new("digest", text, rule));
        if text.len() > DIGEST_LENGTH {
            return refuse("is longer than 255 characters");
        }
        let Some((algorithm, encoded)) = text.split_once(':') else {
            return refuse("has no `:` between algorithm and value");
        };
        match digest_rule(algorithm, encoded) {
            Some(rule) => refuse(rule),
            None => Ok(Self {
                text: text.to_owned(),
                colon: algorithm.len(),
            }),
        }
    }

    /// The sha256 digest of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut text = String::from("sha256:");
        for byte in Sha256::digest(bytes) {
            // Writing into a `String` cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self { text, colon: 6 }
    }

    /// The all-zero sha256 digest, which nothing can have in practice.
    pub fn zero() -> Self {
        let text = format!("sha256:{:064}", 0);
        Self { text, colon: 6 }
    }

    /// The whole digest.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands before the colon.
    pub fn algorithm(&self) -> &str {
        &self.text[..self.colon]
    }

    /// What stands after the colon.
    pub fn encoded(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// A short form for a person: `sha256:abc123...`.
    pub fn short(&self) -> String {
        let encoded = self.encoded();
        match encoded.get(..SHORT) {
            Some(begin) if begin.len() < encoded.len() => {
                format!("{}:{begin}...", self.algorithm())
            }
            _ => self.text.clone(),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The tag under which a registry without the referrers API keeps the referrers
/// of a digest: distribution-spec v1.1.1, "Referrers Tag Schema". The algorithm
/// is cut to 32 characters and the value to 64, what no tag may hold is `-`.
pub fn referrers_tag(digest: &Digest) -> Tag {
    let fit = |text: &str, length: usize| -> String {
        text.chars()
            .take(length)
            .map(|c| match u8::try_from(c) {
                Ok(byte) if is_tag_byte(byte) => c,
                _ => '-',
            })
            .collect()
    };
    let algorithm = fit(digest.algorithm(), 32);
    let encoded = fit(digest.encoded(), 64);
    Tag::fitted(format!("{algorithm}-{encoded}"))
}

/// `component([+._-]component)*:[a-zA-Z0-9=_-]+`, and the registered algorithms' own form.
fn digest_rule(algorithm: &str, encoded: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let component = |text: &str| !text.is_empty() && text.chars().all(plain);
    let encoding = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-');
    if !algorithm.split(['+', '.', '_', '-']).all(component) {
        return Some("has no valid algorithm: a-z and 0-9, joined by one of `+`, `.`, `_`, `-`");
    }
    match algorithm {
        "sha256" if !is_hex(encoded, 64) => Some("is no sha256: 64 lower-case hex digits"),
        "sha512" if !is_hex(encoded, 128) => Some("is no sha512: 128 lower-case hex digits"),
        _ if encoded.is_empty() => Some("has no value after its `:`"),
        _ if !encoded.bytes().all(encoding) => {
            Some("has a value with other characters than letters, digits, `=`, `_` and `-`")
        }
        _ => None,
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The spec names no length; a longer one is no digest that anything made.
const DIGEST_LENGTH: usize = 255;
/// How many characters of the value the short form shows.
const SHORT: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digest_follows_the_grammar() {
        let sha256 = format!("sha256:{}", "0a".repeat(32));
        let sha512 = format!("sha512:{}", "f9".repeat(64));
        for good in [
            sha256.as_str(),
            sha512.as_str(),
            "blake3:QUJD-_==",
            "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564",
            "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
        ] {
            let digest = Digest::parse(good).unwrap();
            assert_eq!(digest.as_str(), good);
            assert_eq!(format!("{}:{}", digest.algorithm(), digest.encoded()), good);
        }
    }

    #[test]
    fn digest_names_the_rule_it_breaks() {
        let upper = format!("sha256:{}", "0A".repeat(32));
        let short = format!("sha256:{}", "0a".repeat(31));
        let sha512 = format!("sha512:{}", "0a".repeat(32));
        let long = format!("x:{}", "a".repeat(300));
        for (bad, rule) in [
            ("", "no `:`"),
            ("sha256", "no `:`"),
            ("sha256:", "64 lower-case hex"),
            (upper.as_str(), "64 lower-case hex"),
            (short.as_str(), "64 lower-case hex"),
            (sha512.as_str(), "128 lower-case hex"),
            ("SHA256:ab", "no valid algorithm"),
            (":ab", "no valid algorithm"),
            ("a++b:ab", "no valid algorithm"),
            ("+a:ab", "no valid algorithm"),
            ("x:", "no value"),
            ("x:a/b", "other characters"),
            ("x:a:b", "other characters"),
            ("x:ä", "other characters"),
            (long.as_str(), "longer than 255"),
        ] {
            let error = Digest::parse(bad).unwrap_err().to_string();
            assert!(error.contains(rule), "{bad}: {error}");
        }
    }

    #[test]
    fn digest_of_bytes_is_their_sha256() {
        // FIPS 180-2, the message "abc".
        assert_eq!(
            Digest::of(b"abc").as_str(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn zero_is_a_digest_of_zeros() {
        let zero = Digest::zero();
        assert_eq!(Digest::parse(zero.as_str()), Ok(zero.clone()));
        assert_eq!(zero.encoded(), "0".repeat(64));
    }

    #[test]
    fn short_shows_six_characters() {
        assert_eq!(Digest::of(b"abc").short(), "sha256:ba7816...");
        assert_eq!(Digest::parse("x:abcdef").unwrap().short(), "x:abcdef");
    }

    #[test]
    fn referrers_tag_is_the_spec_s() {
        let sha512 = format!("sha512:{}", "0a".repeat(64));
        for (digest, tag) in [
            (Digest::zero(), format!("sha256-{}", "0".repeat(64))),
            (
                Digest::parse(&sha512).unwrap(),
                format!("sha512-{}", "0a".repeat(32)),
            ),
            (
                Digest::parse(SPEC_EXAMPLE).unwrap(),
                SPEC_EXAMPLE_TAG.to_owned(),
            ),
        ] {
            assert_eq!(referrers_tag(&digest).as_str(), tag);
        }
    }

    /// The third example of the spec's "Referrers Tag Schema".
    const SPEC_EXAMPLE: &str = "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:\
        alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLotsAndLotsOfCharactersToExcerciseEncodedTruncation";
    const SPEC_EXAMPLE_TAG: &str = "test-algorithm-using-algorithm-s-\
        alsoSome-InTheEncodedSectionToShowHyphenReplacementAndLotsAndLot";

    proptest! {
        #[test]
        fn every_digest_has_a_referrers_tag_of_the_grammar(
            digest in "[a-z0-9]{1,20}([+._-][a-z0-9]{1,20}){0,3}:[a-zA-Z0-9=_-]{1,120}"
        ) {
            if let Ok(digest) = Digest::parse(&digest) {
                let tag = referrers_tag(&digest);
                prop_assert_eq!(Tag::parse(tag.as_str()), Ok(tag));
            }
        }

        #[test]
        fn no_text_is_too_wild_for_the_parser(text in ".{0,80}") {
            if let Ok(digest) = Digest::parse(&text) {
                prop_assert_eq!(digest.to_string(), text);
            }
        }
    }
}
