//! The answer of a token endpoint.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    exchange::Reply,
    oci::jwt::{self, Claims},
    secret::Secret,
};

/// A token as it was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// How long it is good for, counted from its receipt: the registry's clock
    /// (`issued_at`, a JWT's `exp`) is not asked.
    pub life: Duration,
    /// What it says of itself, where it is a JWT; unverified.
    pub claims: Option<Claims>,
}

/// The token of a 2xx answer (distribution's "Token Authentication
/// Specification"): `token` or `access_token`, whichever is not empty. `None`
/// where there is none, or none that an `Authorization` header can carry.
pub fn token(reply: &Reply) -> Option<Token> {
    if !matches!(reply.status, 200..=299) {
        return None;
    }
    let answer: Map<String, Value> = serde_json::from_slice(&reply.body).ok()?;
    let mut names = ["token", "access_token"].into_iter();
    let secret = names.find_map(|name| {
        let text = answer.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    })?;
    if !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    Some(Token {
        secret: Secret::new(secret),
        life: life(answer.get("expires_in")),
        claims: jwt::claims(secret),
    })
}

/// `expires_in`, a number or a numeric text (seconds), within bounds.
fn life(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    match seconds {
        // Zero, negative and NaN say nothing; what is too long is cut.
        Some(seconds) if seconds >= SHORTEST.as_secs_f64() => {
            Duration::try_from_secs_f64(seconds).map_or(LONGEST, |found| found.min(LONGEST))
        }
        _ => DEFAULT,
    }
}

/// What the token specification says where `expires_in` is missing: ACR, Quay,
/// GHCR, GitLab and Gitea never send it.
const DEFAULT: Duration = Duration::from_mins(1);
const SHORTEST: Duration = Duration::from_secs(1);
/// No cycle lasts that long.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    fn answer(status: u16, body: &str) -> Option<Token> {
        token(&reply(status, &[], body))
    }

    #[test]
    fn the_token_is_under_either_name() {
        for (body, wanted) in [
            (r#"{"token":"a"}"#, Some("a")),
            (r#"{"access_token":"a"}"#, Some("a")),
            (r#"{"token":"a","access_token":"b"}"#, Some("a")),
            (r#"{"token":"","access_token":"b"}"#, Some("b")),
            (r#"{"token":null,"access_token":"b"}"#, Some("b")),
            (r#"{"token":1,"access_token":"b"}"#, Some("b")),
            (r#"{"token":" a\n"}"#, Some("a")),
            (r#"{"token":"a\r\nX-Evil: b"}"#, None),
            (r#"{"token":"é"}"#, None),
            (r#"{"token":" "}"#, None),
            (r#"{"token":null}"#, None),
            (r#"{"refresh_token":"a"}"#, None),
            ("{}", None),
            ("[]", None),
            ("<html></html>", None),
            ("", None),
        ] {
            let found = answer(200, body).map(|t| t.secret.expose().to_owned());
            assert_eq!(found.as_deref(), wanted, "{body}");
        }
        assert_eq!(answer(401, r#"{"token":"a"}"#), None);
    }

    #[test]
    fn lifetime_is_what_is_said_within_reason() {
        let second = Duration::from_secs;
        for (expires_in, wanted) in [
            ("300", second(300)),
            ("\"300\"", second(300)),
            ("299.5", Duration::from_millis(299_500)),
            ("1", second(1)),
            ("86401", LONGEST),
            ("1e300", LONGEST),
            ("\"inf\"", LONGEST),
            ("0", DEFAULT),
            ("0.5", DEFAULT),
            ("-5", DEFAULT),
            ("\"NaN\"", DEFAULT),
            ("\"soon\"", DEFAULT),
            ("null", DEFAULT),
            ("{}", DEFAULT),
        ] {
            let body = format!(r#"{{"token":"a","expires_in":{expires_in}}}"#);
            assert_eq!(answer(200, &body).unwrap().life, wanted, "{expires_in}");
        }
        assert_eq!(answer(200, r#"{"token":"a"}"#).unwrap().life, DEFAULT);
    }

    #[test]
    fn claims_of_a_jwt_come_along_and_never_set_the_lifetime() {
        // {"alg":"none"} and {"exp":1,"access":[]}
        let jwt = "eyJhbGciOiJub25lIn0.eyJleHAiOjEsImFjY2VzcyI6W119.x";
        let found = answer(200, &format!(r#"{{"token":"{jwt}"}}"#)).unwrap();
        let claims = Claims {
            exp: Some(1),
            access: Some(Vec::new()),
        };
        assert_eq!((found.claims, found.life), (Some(claims), DEFAULT));
        assert_eq!(answer(200, r#"{"token":"opaque"}"#).unwrap().claims, None);
    }

    #[test]
    fn a_token_is_never_printed() {
        let shown = format!("{:?}", answer(200, r#"{"token":"hunter2"}"#).unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    proptest! {
        #[test]
        fn every_token_fits_into_a_header(body in r#"\{("token"|"access_token"|"expires_in"):("[ -~é\\n]{0,8}"|-?[0-9]{1,30}|null)\}"#) {
            if let Some(found) = answer(200, &body) {
                prop_assert!(http::HeaderValue::from_str(found.secret.expose()).is_ok());
                prop_assert!((SHORTEST..=LONGEST).contains(&found.life));
            }
        }
    }
}
