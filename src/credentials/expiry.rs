//! When a configured credential ends, by its own word.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use jiff::tz::Offset;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Reading;
use crate::{oci::jwt, secret::Credentials};

/// The end of a configured credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// Seconds since the epoch.
    pub at: i64,
    /// Who says so.
    pub source: EndingSource,
}

/// Who says when a credential ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndingSource {
    /// The `exp` of a JWT.
    Jwt,
    /// The `expiration` in a password of AWS ECR.
    Ecr,
    /// `expires` in the configuration, or the file of that name.
    Configuration,
}

impl EndingSource {
    /// The value of the label `source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Ecr => "ecr",
            Self::Configuration => "configuration",
        }
    }
}

impl Reading {
    /// When the credentials end, where they say so themselves. What a helper gave
    /// has an end too, but that of the next answer is another.
    pub fn ending(&self) -> Option<Ending> {
        let said = self.expires.map(|at| Ending {
            at,
            source: EndingSource::Configuration,
        });
        self.own_ending().or(said)
    }

    fn own_ending(&self) -> Option<Ending> {
        match &self.credentials {
            Credentials::Anonymous => None,
            Credentials::Basic { username, password } => {
                ecr(username, password.expose()).or_else(|| jwt(password.expose()))
            }
            Credentials::Bearer { token } | Credentials::Identity { token, .. } => {
                jwt(token.expose())
            }
        }
    }
}

/// A day (its first second, UTC) or a time by RFC 3339, as seconds since the epoch.
pub fn moment(text: &str) -> Option<i64> {
    let day = text
        .parse::<jiff::civil::Date>()
        .ok()
        .filter(|_| text.len() == "2027-03-01".len())
        .and_then(|date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok());
    let time = day.or_else(|| text.parse::<jiff::Timestamp>().ok());
    time.map(jiff::Timestamp::as_second)
}

fn jwt(token: &str) -> Option<Ending> {
    Some(Ending {
        at: jwt::claims(token)?.exp?,
        source: EndingSource::Jwt,
    })
}

/// The password that `aws ecr get-login-password` prints: base64 of a JSON object
/// with `payload`, `datakey`, `version`, `type` and `expiration`.
fn ecr(username: &str, password: &str) -> Option<Ending> {
    #[derive(Deserialize)]
    struct Password {
        expiration: i64,
    }
    if username != "AWS" {
        return None;
    }
    let json = Zeroizing::new(BASE64.decode(password).ok()?);
    let password: Password = serde_json::from_slice(&json).ok()?;
    Some(Ending {
        at: password.expiration,
        source: EndingSource::Ecr,
    })
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::secret::Secret;

    fn jwt(payload: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode(r#"{"alg":"RS256"}"#), encode(payload))
    }

    fn ending(credentials: Credentials) -> Option<(i64, &'static str)> {
        let reading = Reading {
            credentials,
            renews: false,
            expires: None,
        };
        reading
            .ending()
            .map(|ending| (ending.at, ending.source.as_str()))
    }

    fn basic(username: &str, password: &str) -> Credentials {
        Credentials::Basic {
            username: username.to_owned(),
            password: Secret::new(password),
        }
    }

    #[test]
    fn a_jwt_says_when_it_ends_wherever_it_stands() {
        let token = || Secret::new(jwt(r#"{"exp":1800000001}"#));
        let expected = Some((1_800_000_001, "jwt"));
        assert_eq!(ending(Credentials::Bearer { token: token() }), expected);
        let identity = |token| Credentials::Identity {
            username: None,
            token,
        };
        assert_eq!(ending(identity(token())), expected);
        assert_eq!(ending(basic("x", token().expose())), expected);
        for silent in [jwt("{}"), "opaque".to_owned(), String::new()] {
            let token = Secret::new(silent);
            assert_eq!(ending(identity(token.clone())), None);
            assert_eq!(ending(Credentials::Bearer { token }), None);
        }
        assert_eq!(ending(Credentials::Anonymous), None);
    }

    #[test]
    fn a_password_of_ecr_says_when_it_ends() {
        let json = r#"{"payload":"cGF5bG9hZA==","datakey":"a2V5","version":"2","type":"DATA_KEY","expiration":1800043200}"#;
        let password = BASE64_STANDARD.encode(json);
        let expected = Some((1_800_043_200, "ecr"));
        assert_eq!(ending(basic("AWS", &password)), expected);
        assert_eq!(
            ending(basic("AWS", password.trim_end_matches('='))),
            expected
        );
        assert_eq!(ending(basic("robot", &password)), None);
        for other in ["", "hunter2", &BASE64_STANDARD.encode("{}"), "!"] {
            assert_eq!(ending(basic("AWS", other)), None, "{other}");
        }
    }
}
