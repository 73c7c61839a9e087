//! What a token says of itself. Nothing here is verified: these are words for
//! evidence and messages, never a reason to trust anyone.

use base64::{Engine, alphabet, engine};
use serde_json::{Map, Value};

/// The claims that a probe can use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// Seconds since the epoch when the token ends.
    pub exp: Option<i64>,
    /// The granted rights by repository (distribution's "Token Authentication
    /// Implementation"); `None` where the token does not speak of rights.
    pub access: Option<Vec<(String, Vec<String>)>>,
}

/// Decodes the claims of a JWT; `None` for an opaque token, and for what looks
/// like a JWT but does not decode.
pub fn claims(token: &str) -> Option<Claims> {
    if !looks_like(token) || token.len() > MAX_TOKEN {
        return None;
    }
    let payload = token.split('.').nth(1)?;
    let payload = BASE64.decode(payload).ok()?;
    let claims: Map<String, Value> = serde_json::from_slice(&payload).ok()?;
    Some(Claims {
        exp: claims.get("exp").and_then(seconds),
        access: claims.get("access").and_then(access),
    })
}

/// Whether a token has the outer form of a signed JWT: three parts with dots
/// between, the first of which begins as an encoded JSON object does.
pub fn looks_like(token: &str) -> bool {
    token.starts_with("eyJ") && token.split('.').count() == 3
}

/// A `NumericDate` (RFC 7519, 2), which may have a fraction.
fn seconds(value: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "saturates at the ends of i64"
    )]
    let whole = |float: f64| float as i64;
    value.as_i64().or_else(|| value.as_f64().map(whole))
}

/// `[{"type":"repository","name":"a/b","actions":["pull"]}]`; Go prints an empty list as `null`.
fn access(value: &Value) -> Option<Vec<(String, Vec<String>)>> {
    if value.is_null() {
        return Some(Vec::new());
    }
    let right = |entry: &Value| {
        let kind = entry
            .get("type")
            .map_or(Some("repository"), Value::as_str)?;
        let name = entry.get("name")?.as_str()?.to_owned();
        let actions = entry.get("actions").and_then(Value::as_array);
        let actions = actions.into_iter().flatten().filter_map(Value::as_str);
        (kind == "repository").then(|| (name, actions.map(str::to_owned).collect()))
    };
    Some(value.as_array()?.iter().filter_map(right).collect())
}

/// The alphabet of RFC 7515; its missing padding is the rule, but some add it.
const BASE64: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::URL_SAFE,
    engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// No header would carry a longer one (bytes).
const MAX_TOKEN: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(payload: &str) -> String {
        let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.sig", encode(r#"{"alg":"RS256"}"#), encode(payload))
    }

    #[test]
    fn claims_are_decoded() {
        let granted = |rights: &[(&str, &[&str])]| {
            let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
            Some(
                rights
                    .iter()
                    .map(|(n, a)| (n.to_string(), owned(a)))
                    .collect(),
            )
        };
        for (payload, exp, access) in [
            (
                r#"{"exp":1700000000,"access":[{"type":"repository","name":"a/b","actions":["pull","push"]},{"type":"registry","name":"catalog","actions":["*"]}]}"#,
                Some(1_700_000_000),
                granted(&[("a/b", &["pull", "push"])]),
            ),
            (
                r#"{"exp":1.7e9,"access":[]}"#,
                Some(1_700_000_000),
                granted(&[]),
            ),
            (r#"{"access":null}"#, None, granted(&[])),
            (
                r#"{"access":[{"name":"a","actions":null},{"name":1},2]}"#,
                None,
                granted(&[("a", &[])]),
            ),
            (r#"{"access":"all","exp":"soon"}"#, None, None),
            (r#"{"exp":1e300}"#, Some(i64::MAX), None),
            ("{}", None, None),
        ] {
            assert_eq!(
                claims(&token(payload)),
                Some(Claims { exp, access }),
                "{payload}"
            );
        }
    }

    #[test]
    fn padding_is_tolerated() {
        let padded = format!(
            "eyJ9.{}.sig",
            base64::prelude::BASE64_URL_SAFE.encode(r#"{"exp":10}"#)
        );
        assert!(padded.contains('='), "{padded}");
        assert_eq!(claims(&padded).unwrap().exp, Some(10));
    }

    #[test]
    fn opaque_and_broken_tokens_have_no_claims() {
        for (opaque, jwt_like) in [
            ("", false),
            ("Z2hwX2FiYw==", false),
            ("ya29.a0AfH6SM.x", false),
            ("eyJwYXlsb2FkIjoi", false),
            ("eyJ.eyJ", false),
            ("eyJ.a.b.c.d", false),
            ("eyJhbGciOiJIUzI1NiJ9.!!!.sig", true),
            ("eyJhbGciOiJIUzI1NiJ9..sig", true),
            ("eyJhbGciOiJIUzI1NiJ9.W10.sig", true),
        ] {
            assert_eq!(claims(opaque), None, "{opaque}");
            assert_eq!(looks_like(opaque), jwt_like, "{opaque}");
        }
        let long = token(&format!(r#"{{"x":"{}"}}"#, "a".repeat(MAX_TOKEN)));
        assert_eq!(claims(&long), None);
    }

    proptest! {
        #[test]
        fn no_token_is_too_wild_for_the_reader(token in "eyJ[A-Za-z0-9_=-]{0,20}\\.[A-Za-z0-9_=-]{0,40}\\.x|.{0,40}") {
            prop_assert!(claims(&token).is_none() || looks_like(&token));
        }
    }
}
