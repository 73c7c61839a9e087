//! What of a credential can be judged without a request.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{CredentialsError, Ending, EndingSource, Trouble};
use crate::oci::jwt;

/// RFC 7617, 2: a user name holds no colon, which ends it.
pub(super) fn username(username: &str, place: &str) -> Result<(), CredentialsError> {
    if username.trim().is_empty() {
        return refused(format!("{place} is empty or blank"));
    }
    if username.chars().any(char::is_control) {
        return refused(format!("{place} holds a control character"));
    }
    if username.contains(':') {
        return refused(format!("{place} holds a `:`, which cannot be sent"));
    }
    Ok(())
}

/// A password or token, whatever it is used for.
pub(super) fn secret(value: &str, place: &str) -> Result<(), CredentialsError> {
    if value.trim().is_empty() {
        return refused(format!("{place} is empty or blank"));
    }
    if value.chars().any(char::is_control) {
        return refused(format!(
            "{place} holds a control character, such as a line break"
        ));
    }
    Ok(())
}

/// A token that is sent as it is, or exchanged.
pub(super) fn token(token: &str, place: &str, now: SystemTime) -> Result<(), CredentialsError> {
    let scheme = token.get(..7).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer ") {
        return refused(format!(
            "{place} begins with `Bearer `: write the token alone"
        ));
    }
    if token.contains(char::is_whitespace) {
        return refused(format!("{place} holds white space"));
    }
    if !jwt::looks_like(token) {
        return Ok(());
    }
    let Some(claims) = jwt::claims(token) else {
        return refused(format!(
            "{place} looks like a JWT and does not decode: it is cut or damaged"
        ));
    };
    match claims.exp {
        Some(end) if end <= seconds(now) => Err(CredentialsError {
            message: format!("{place} is past its end ({})", shown(end)),
            trouble: Trouble::Expired(Some(Ending {
                at: end,
                source: EndingSource::Jwt,
            })),
        }),
        _ => Ok(()),
    }
}

pub(super) fn refused<T>(message: impl Into<String>) -> Result<T, CredentialsError> {
    Err(CredentialsError::unusable(message))
}

fn seconds(now: SystemTime) -> i64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn shown(end: i64) -> String {
    jiff::Timestamp::from_second(end).map_or_else(|_| end.to_string(), |end| end.to_string())
}
