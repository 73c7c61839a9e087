//! What an answer of the login flow says of the credentials:
//! pure functions, one for each request that may decide.

use std::time::Duration;

use super::Refusal;
use crate::{
    credentials::{CredentialsError, Ending, Trouble},
    exchange::{Authorization, Reply},
    oci::{self, Denial, ErrorBody, Scheme},
    outcome::Reason,
    secret::Credentials,
};

/// How the login flow of one credential set ended, and what it showed.
#[derive(Debug, Clone)]
pub struct Login {
    /// How it ended.
    pub end: LoginEnd,
    /// The raw challenge of the anonymous ping.
    pub challenge: Option<String>,
    /// `Basic` or `Bearer`: what the ping asked for.
    pub scheme: Option<Scheme>,
    /// The status of the request that decided.
    pub status: Option<u16>,
    /// Time of the request that decided.
    pub latency: Option<Duration>,
    /// When the exchanged token ends (seconds since the epoch); evidence only.
    pub token_expires_at: Option<i64>,
    /// Whose credentials they are, as far as they could be read.
    pub shown: Option<ShownCredentials>,
    /// The end of configured credentials that is past: they were not sent.
    pub ended: Option<Ending>,
    /// The product, as far as it was recognised.
    pub product: Option<String>,
}

/// What a report may show of the configured credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownCredentials {
    /// Their kind: the evidence `auth_method`.
    pub method: &'static str,
    /// The user name, where there is one.
    pub username: Option<String>,
    /// When they end, by their own word.
    pub ending: Option<Ending>,
    /// A helper gives others before they end.
    pub renews: bool,
}

/// How the login flow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginEnd {
    /// No credentials are configured and none are asked for.
    Open,
    /// Credentials are configured, and the registry is open: it answers whoever asks.
    Unprovable,
    /// The credentials were accepted.
    Accepted,
    /// No credentials are configured, and an anonymous token was granted.
    AnonymousToken,
    /// No credentials are configured, and anonymous access is refused.
    AnonymousRefused,
    /// The same, for a repository that the user did not name.
    AnonymousGuess,
    /// The credentials cannot be used: `unauthorized`, `expired`, `config`, `untrusted_host`.
    Rejected(Reason, String),
    /// The answer says nothing of the credentials.
    Unclear(Reason, String),
    /// There was no answer to judge.
    Refused(Refusal),
}

impl LoginEnd {
    /// Whether the credentials check passes: the set, or nobody in particular, is let in.
    pub(super) fn proves(&self) -> bool {
        matches!(self, Self::Accepted | Self::AnonymousToken | Self::Open)
    }

    /// Why nothing more may be sent with this set, if so.
    pub fn bars(&self) -> Option<Refusal> {
        match self {
            Self::Rejected(reason, message) => Some(Refusal::Rejected(*reason, message.clone())),
            Self::Refused(refusal) => Some(refusal.clone()),
            _ => None,
        }
    }
}

impl Login {
    pub(crate) fn without_request(end: LoginEnd) -> Self {
        Self {
            end,
            challenge: None,
            scheme: None,
            status: None,
            latency: None,
            token_expires_at: None,
            shown: None,
            ended: None,
            product: None,
        }
    }
}

/// A 5xx of the ping or of a token endpoint: nothing else can be asked.
pub(super) fn server_error(what: &str, reply: &Reply) -> Refusal {
    let detail = ErrorBody::of(reply)
        .map(|body| format!(": {}", body.summary()))
        .unwrap_or_default();
    Refusal::Fatal(
        Reason::ServerError,
        format!("{what} answers {}{detail}", reply.status),
    )
}

/// Basic credentials as Basic, a configured token as Bearer.
///
/// # Errors
/// An identity token is for token endpoints alone. Nothing is sent in its place.
pub(super) fn shown_as_they_are(
    credentials: &Credentials,
) -> Result<Option<Authorization>, Refusal> {
    match credentials {
        Credentials::Anonymous => Ok(None),
        Credentials::Basic { username, password } => Ok(Some(Authorization::Basic {
            username: username.clone(),
            password: password.clone(),
        })),
        Credentials::Bearer { token } => Ok(Some(Authorization::Bearer(token.clone()))),
        Credentials::Identity { .. } => Err(Refusal::Rejected(
            Reason::Config,
            "An identity token can only be exchanged at a token endpoint, and the registry asks for \
             a user name and a password"
                .to_owned(),
        )),
    }
}

/// A set that cannot be used is a finding about the set, not about the registry;
/// one that does not come in time is none at all.
pub(super) fn unusable(error: &CredentialsError) -> Refusal {
    let message = sentence(&error.message);
    match error.trouble {
        Trouble::Unusable | Trouble::NoEntry => Refusal::Rejected(Reason::Config, message),
        Trouble::Expired(_) => Refusal::Rejected(Reason::Expired, message),
        Trouble::TimedOut => Refusal::Unclear(Reason::Timeout, message),
        Trouble::OutOfFiles => Refusal::Unclear(Reason::Resource, message),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

pub(super) fn anonymous_refused(guessed: bool) -> LoginEnd {
    if guessed {
        LoginEnd::AnonymousGuess
    } else {
        LoginEnd::AnonymousRefused
    }
}

pub(super) fn refused(refusal: Refusal) -> LoginEnd {
    match refusal {
        Refusal::Rejected(reason, message) => LoginEnd::Rejected(reason, message),
        Refusal::Unclear(reason, message) => LoginEnd::Unclear(reason, message),
        other => LoginEnd::Refused(other),
    }
}

pub(super) fn judge_open(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 => LoginEnd::Unprovable,
        401 => unauthorized(reply),
        _ => unnamed("`/v2/`", reply),
    }
}

pub(super) fn judge_basic(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        401 => unauthorized(reply),
        403 => match oci::denial(reply) {
            Denial::Expired => expired(reply),
            Denial::NetworkPolicy => network_policy(reply),
            _ => LoginEnd::Unclear(Reason::Forbidden, said("`/v2/` answers 403", reply)),
        },
        _ => unnamed("`/v2/`", reply),
    }
}

pub(super) fn judge_exchanged_token(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        401 => unauthorized(reply),
        403 if oci::denial(reply) == Denial::NetworkPolicy => network_policy(reply),
        403 => LoginEnd::Unclear(Reason::Forbidden, said("`/v2/` answers 403", reply)),
        _ => unnamed("`/v2/`", reply),
    }
}

pub(super) fn judge_configured_token(reply: &Reply) -> LoginEnd {
    match reply.status {
        200..=299 if !oci::is_html(reply) => LoginEnd::Accepted,
        400 | 401 if oci::denial(reply) == Denial::Expired => expired(reply),
        // ECR Public answers 400 to a bearer token that is past its end or wrong.
        400 | 401 => unauthorized(reply),
        403 => match oci::denial(reply) {
            Denial::Expired => expired(reply),
            Denial::NetworkPolicy => network_policy(reply),
            _ => unauthorized(reply),
        },
        _ => unnamed("`/v2/`", reply),
    }
}

/// The token endpoint's refusal; `scoped` where a scope was asked in the second try.
pub(super) fn judge_token_endpoint(reply: &Reply, scoped: bool) -> LoginEnd {
    match reply.status {
        401 | 403 if scoped => LoginEnd::Unclear(
            Reason::Forbidden,
            said("The token endpoint refuses the test repository", reply),
        ),
        401 | 403 if oci::denial(reply) == Denial::Expired => expired(reply),
        401 | 403 => unauthorized(reply),
        _ if invalid_grant(reply) => unauthorized(reply),
        _ => unnamed("The token endpoint", reply),
    }
}

/// How OAuth2 says that an identity token or a password is wrong, revoked or past
/// its end (RFC 6749, 5.2): 400, `{"error": "invalid_grant"}`.
pub(super) fn invalid_grant(reply: &Reply) -> bool {
    #[derive(serde::Deserialize)]
    struct Answer {
        error: String,
    }
    reply.status == 400
        && serde_json::from_slice::<Answer>(&reply.body)
            .is_ok_and(|answer| answer.error == "invalid_grant")
}

/// What an end means that came so soon after rejected logins that the account may be
/// suspended for them: then everything is 403, and that is no question of rights.
pub(super) fn after_rejections(end: LoginEnd, status: Option<u16>) -> LoginEnd {
    match (end, status) {
        (LoginEnd::Unclear(Reason::Forbidden | Reason::Protocol, said), Some(403)) => {
            LoginEnd::Rejected(
                Reason::Unauthorized,
                format!("The account is suspended after rejected logins: {said}"),
            )
        }
        (end, _) => end,
    }
}

fn unauthorized(reply: &Reply) -> LoginEnd {
    LoginEnd::Rejected(
        Reason::Unauthorized,
        said("The credentials are rejected", reply),
    )
}

fn expired(reply: &Reply) -> LoginEnd {
    LoginEnd::Rejected(
        Reason::Expired,
        said("The credentials are past their end", reply),
    )
}

fn network_policy(reply: &Reply) -> LoginEnd {
    LoginEnd::Refused(Refusal::Fatal(
        Reason::NetworkPolicy,
        said("A network rule refuses this machine", reply),
    ))
}

pub(super) fn unnamed(who: &str, reply: &Reply) -> LoginEnd {
    LoginEnd::Unclear(
        Reason::Protocol,
        said(
            &format!("{who} answers {}, which no rule names", reply.status),
            reply,
        ),
    )
}

/// The registry's own words behind ours.
fn said(ours: &str, reply: &Reply) -> String {
    match ErrorBody::of(reply) {
        Some(body) if !body.summary().is_empty() => format!("{ours} ({})", body.summary()),
        _ => ours.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::{error, reply};

    fn reason(end: &LoginEnd) -> Option<(&'static str, Reason)> {
        match end {
            LoginEnd::Rejected(reason, _) => Some(("rejected", *reason)),
            LoginEnd::Unclear(reason, _) => Some(("unclear", *reason)),
            LoginEnd::Refused(Refusal::Fatal(reason, _)) => Some(("fatal", *reason)),
            _ => None,
        }
    }

    const ECR_EXPIRED: &str = "Your authorization token has expired. Reauthenticate and try again.";

    #[test]
    fn basic_on_the_ping() {
        assert_eq!(judge_basic(&reply(200, &[], "{}")), LoginEnd::Accepted);
        for (name, reply, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired (ECR)",
                error(403, "DENIED", ECR_EXPIRED),
                ("rejected", Reason::Expired),
            ),
            (
                "403",
                error(403, "DENIED", "no"),
                ("unclear", Reason::Forbidden),
            ),
            ("404", reply(404, &[], ""), ("unclear", Reason::Protocol)),
            (
                "a login page",
                reply(200, &[("content-type", "text/html")], "<html>"),
                ("unclear", Reason::Protocol),
            ),
        ] {
            assert_eq!(reason(&judge_basic(&reply)), Some(expected), "{name}");
        }
    }

    #[test]
    fn an_exchanged_token_on_the_ping() {
        assert_eq!(
            judge_exchanged_token(&reply(200, &[], "{}")),
            LoginEnd::Accepted
        );
        for (name, reply, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403",
                error(403, "DENIED", ""),
                ("unclear", Reason::Forbidden),
            ),
            ("400", reply(400, &[], ""), ("unclear", Reason::Protocol)),
        ] {
            assert_eq!(
                reason(&judge_exchanged_token(&reply)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_configured_token_on_the_ping() {
        assert_eq!(
            judge_configured_token(&reply(200, &[], "")),
            LoginEnd::Accepted
        );
        for (name, reply, expected) in [
            (
                "400 (ECR Public)",
                reply(400, &[], ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "401",
                reply(401, &[], ""),
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired",
                error(403, "DENIED", ECR_EXPIRED),
                ("rejected", Reason::Expired),
            ),
            (
                "403",
                error(403, "DENIED", ""),
                ("rejected", Reason::Unauthorized),
            ),
            ("404", reply(404, &[], ""), ("unclear", Reason::Protocol)),
        ] {
            assert_eq!(
                reason(&judge_configured_token(&reply)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn the_token_endpoint() {
        for (name, reply, scoped, expected) in [
            (
                "401",
                error(401, "UNAUTHORIZED", ""),
                false,
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 (GHCR's bad token)",
                error(403, "DENIED", "denied"),
                false,
                ("rejected", Reason::Unauthorized),
            ),
            (
                "403 expired",
                error(403, "DENIED", ECR_EXPIRED),
                false,
                ("rejected", Reason::Expired),
            ),
            (
                "401 to the scoped second try",
                error(401, "UNAUTHORIZED", ""),
                true,
                ("unclear", Reason::Forbidden),
            ),
            (
                "403 to the scoped second try",
                error(403, "DENIED", ""),
                true,
                ("unclear", Reason::Forbidden),
            ),
            (
                "400",
                reply(400, &[], ""),
                true,
                ("unclear", Reason::Protocol),
            ),
            (
                "400 to a wrong identity token (RFC 6749, 5.2)",
                reply(400, &[], r#"{"error":"invalid_grant"}"#),
                false,
                ("rejected", Reason::Unauthorized),
            ),
            (
                "400 to a grant that the endpoint does not know",
                reply(400, &[], r#"{"error":"unsupported_grant_type"}"#),
                false,
                ("unclear", Reason::Protocol),
            ),
        ] {
            assert_eq!(
                reason(&judge_token_endpoint(&reply, scoped)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_403_after_rejected_logins_is_a_suspended_account() {
        let unclear = |reason| LoginEnd::Unclear(reason, "`/v2/` answers 403 (Forbidden)".into());
        let rejected = LoginEnd::Rejected(Reason::Expired, String::new());
        let refused = LoginEnd::Refused(Refusal::RateLimited(String::new()));
        for (end, status, expected) in [
            (unclear(Reason::Forbidden), Some(403), None),
            // That of an open registry, which no rule names.
            (unclear(Reason::Protocol), Some(403), None),
            (
                unclear(Reason::Forbidden),
                Some(401),
                Some(unclear(Reason::Forbidden)),
            ),
            (
                unclear(Reason::Protocol),
                Some(418),
                Some(unclear(Reason::Protocol)),
            ),
            (
                unclear(Reason::Timeout),
                Some(403),
                Some(unclear(Reason::Timeout)),
            ),
            (LoginEnd::Accepted, Some(200), Some(LoginEnd::Accepted)),
            (rejected.clone(), Some(403), Some(rejected)),
            (refused.clone(), None, Some(refused)),
        ] {
            let suspended = LoginEnd::Rejected(
                Reason::Unauthorized,
                "The account is suspended after rejected logins: `/v2/` answers 403 (Forbidden)"
                    .to_owned(),
            );
            let found = after_rejections(end.clone(), status);
            assert_eq!(found, expected.unwrap_or(suspended), "{end:?} {status:?}");
        }
    }

    #[test]
    fn credentials_on_an_open_registry() {
        assert_eq!(judge_open(&reply(200, &[], "{}")), LoginEnd::Unprovable);
        let rejected = judge_open(&reply(401, &[], ""));
        assert_eq!(reason(&rejected), Some(("rejected", Reason::Unauthorized)));
        assert_eq!(
            reason(&judge_open(&reply(418, &[], ""))),
            Some(("unclear", Reason::Protocol))
        );
    }

    #[test]
    fn what_cannot_be_read_bars_and_what_is_late_proves_nothing() {
        let error = |trouble| CredentialsError {
            message: "the password file `x` does not exist".to_owned(),
            trouble,
        };
        for (trouble, expected) in [
            (Trouble::Unusable, ("rejected", Reason::Config)),
            (Trouble::NoEntry, ("rejected", Reason::Config)),
            (Trouble::Expired(None), ("rejected", Reason::Expired)),
            (Trouble::TimedOut, ("unclear", Reason::Timeout)),
            (Trouble::OutOfFiles, ("unclear", Reason::Resource)),
        ] {
            let end = refused(unusable(&error(trouble)));
            assert_eq!(reason(&end), Some(expected));
            assert!(matches!(
                end,
                LoginEnd::Rejected(_, message) | LoginEnd::Unclear(_, message)
                    if message == "The password file `x` does not exist"
            ));
        }
    }

    #[test]
    fn an_identity_token_is_never_shown_to_a_registry_nor_left_out() {
        let credentials = Credentials::Identity {
            username: Some("robot".to_owned()),
            token: crate::secret::Secret::new("hunter2"),
        };
        let refusal = shown_as_they_are(&credentials).unwrap_err();
        assert!(matches!(refusal, Refusal::Rejected(Reason::Config, _)));
    }

    #[test]
    fn what_bars_further_requests() {
        let rejected = LoginEnd::Rejected(Reason::Expired, String::new());
        assert!(rejected.bars().is_some());
        let limited = LoginEnd::Refused(Refusal::RateLimited(String::new()));
        assert!(limited.bars().is_some());
        // The question is open, and the answer of another route may still tell.
        let unclear = LoginEnd::Unclear(Reason::Forbidden, String::new());
        assert_eq!(unclear.bars(), None);
        assert_eq!(LoginEnd::AnonymousRefused.bars(), None);
    }
}
