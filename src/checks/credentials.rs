//! Are the credentials good? The login flow, judged.

use std::{
    fmt::{self, Write as _},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Check, refused, remedy};
use crate::{
    client::{Client, Login, LoginEnd, Refusal},
    config::{CredentialSet, Target, TestRepository},
    credentials::{Ending, EndingSource},
    outcome::{CheckName, Fact, Outcome, Reason, Severity, Status},
};

pub(super) const CHECK: Check = Check {
    name: CheckName::Credentials,
    title: "OCI Registry Credentials",
    summary: "Validate registry credential configuration and authentication",
    severity: Severity::Fail,
    tags: &["registry", "oci", "credentials", "secrets", "auth"],
    estimated: Duration::from_secs(5),
    run: |client, repository| Box::pin(run(client, repository)),
};

async fn run(client: &Client, repository: &TestRepository) -> Outcome {
    let login = client.login(repository).await;
    let set = &repository.credential;
    let target = client.target();
    let outcome = verdict(&login, &target.host());
    with_evidence(outcome, &login, set, target)
}

/// What the end of the login flow means.
fn verdict(login: &Login, host: &str) -> Outcome {
    match &login.end {
        LoginEnd::Open => Outcome::pass(format!("{host} is open: no credentials are needed"))
            .proving(Fact::CredentialsValid(true)),
        LoginEnd::AnonymousToken => Outcome::pass(format!("Anonymous access granted by {host}"))
            .proving(Fact::CredentialsValid(true)),
        LoginEnd::Accepted => Outcome::pass(format!("Credentials valid for {host}"))
            .proving(Fact::CredentialsValid(true)),
        LoginEnd::Unprovable => Outcome::info(
            Reason::NotConfigured,
            format!("{host} is open: it asks for no credentials, so these cannot be proven here"),
        ),
        LoginEnd::AnonymousRefused => Outcome::fail(
            Reason::Unauthorized,
            "The registry refuses anonymous access and no credentials are configured",
        )
        .proving(Fact::CredentialsValid(false)),
        LoginEnd::AnonymousGuess => Outcome::info(
            Reason::NotConfigured,
            "The registry grants no anonymous access to the default image: name a `test_repository`, or credentials",
        ),
        LoginEnd::Rejected(
            reason @ (Reason::Unauthorized | Reason::Expired | Reason::Config),
            message,
        ) => Outcome::fail(*reason, message).proving(Fact::CredentialsValid(false)),
        LoginEnd::Rejected(reason, message) => Outcome::fail(*reason, message),
        LoginEnd::Unclear(reason, message) => Outcome::unknown(*reason, message),
        LoginEnd::Refused(refusal) => refused(refusal),
    }
}

fn with_evidence(
    mut outcome: Outcome,
    login: &Login,
    set: &CredentialSet,
    target: &Target,
) -> Outcome {
    outcome = outcome
        .with("registry_url", target.url.as_str())
        .with("auth_method", method(set, login));
    let shown = login.shown.as_ref();
    let read = shown.and_then(|shown| shown.username.as_deref());
    if let Some(username) = read.or(set.source.username()) {
        outcome = outcome.with("username", username);
    }
    let valid = outcome.proved(Fact::CredentialsValid);
    outcome = outcome
        .with("credentials_valid", valid)
        .with("auth_challenge", login.challenge.clone())
        .with(
            "auth_scheme",
            login
                .scheme
                .as_ref()
                .map(|scheme| scheme.as_str().to_ascii_lowercase()),
        )
        .with("token_expires_at", login.token_expires_at.map(timestamp))
        .with("product", login.product.clone());
    if let Some(status) = login.status {
        outcome = outcome.with("http_status", status);
    }
    outcome = with_ending(outcome, set, login);
    if !matches!(login.end, LoginEnd::Refused(Refusal::Fatal(..))) || login.status.is_some() {
        outcome.latency = login.latency;
    }
    if let Some(reason) = outcome.reason {
        outcome.remediation = remedy::steps(reason, target, remedy::PULL_ROLE);
    }
    outcome
}

/// The kind of credentials, as far as they could be read.
fn method(set: &CredentialSet, login: &Login) -> Option<&'static str> {
    let read = login.shown.as_ref().map(|shown| shown.method);
    read.or(set.source.method())
}

/// When the configured credential itself ends: its own word, else the user's; and
/// in words how long that is, where it is soon. Never the end of an exchanged token.
fn with_ending(mut outcome: Outcome, set: &CredentialSet, login: &Login) -> Outcome {
    let shown = login.shown.as_ref();
    let own = shown.and_then(|shown| shown.ending).or(login.ended);
    let configured = set.expires.map(|at| Ending {
        at,
        source: EndingSource::Configuration,
    });
    let Some(ending) = own.or(configured) else {
        return outcome;
    };
    let left = Left::until(ending.at, SystemTime::now());
    outcome = outcome
        .with("credential_expires_at", timestamp(ending.at))
        .with("expires_in", left.to_string());
    // What a helper renews does not run out.
    if own.is_some() && shown.is_some_and(|shown| shown.renews) {
        return outcome;
    }
    if outcome.status == Status::Pass {
        match left.0 {
            ..=0 => outcome.message.push_str("; they should have ended already"),
            1..SOON => {
                let _ = write!(outcome.message, "; they end in {left}");
            }
            _ => {}
        }
    }
    outcome.proving(Fact::CredentialsExpiry(ending.at, ending.source.as_str()))
}

/// The time until a credential ends (seconds; negative afterwards).
#[derive(Debug, Clone, Copy)]
struct Left(i64);

impl Left {
    fn until(end: i64, now: SystemTime) -> Self {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(end.saturating_sub(i64::try_from(now.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Left {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |number: i64| if number == 1 { "" } else { "s" };
        match self.0 {
            ..=0 => formatter.write_str("0 hours"),
            1..HOUR => formatter.write_str("less than an hour"),
            HOUR..TWO_DAYS => {
                let hours = self.0 / HOUR;
                write!(formatter, "{hours} hour{}", plural(hours))
            }
            seconds => write!(formatter, "{} days", seconds / DAY),
        }
    }
}

fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |timestamp| timestamp.to_string())
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
const TWO_DAYS: i64 = 2 * DAY;
/// From here on the message says it.
const SOON: i64 = 14 * DAY;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ShownCredentials;

    fn login(end: LoginEnd) -> Login {
        Login::without_request(end)
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn every_end_of_the_login_flow_has_its_row() {
        use Reason::*;
        use Status::*;
        let none = String::new;
        let rows = [
            (LoginEnd::Open, Pass, None, Some(true)),
            (LoginEnd::AnonymousToken, Pass, None, Some(true)),
            (LoginEnd::Accepted, Pass, None, Some(true)),
            (LoginEnd::Unprovable, Info, Some(NotConfigured), None),
            (
                LoginEnd::AnonymousRefused,
                Fail,
                Some(Unauthorized),
                Some(false),
            ),
            (LoginEnd::AnonymousGuess, Info, Some(NotConfigured), None),
            (
                LoginEnd::Rejected(Unauthorized, none()),
                Fail,
                Some(Unauthorized),
                Some(false),
            ),
            (
                LoginEnd::Rejected(Expired, none()),
                Fail,
                Some(Expired),
                Some(false),
            ),
            (
                LoginEnd::Rejected(Config, none()),
                Fail,
                Some(Config),
                Some(false),
            ),
            (
                LoginEnd::Rejected(UntrustedHost, none()),
                Fail,
                Some(UntrustedHost),
                None,
            ),
            // A helper out of time.
            (
                LoginEnd::Unclear(Timeout, none()),
                Unknown,
                Some(Timeout),
                None,
            ),
            (
                LoginEnd::Unclear(Forbidden, none()),
                Unknown,
                Some(Forbidden),
                None,
            ),
            (
                LoginEnd::Refused(Refusal::Fatal(NetworkPolicy, none())),
                Fail,
                Some(NetworkPolicy),
                None,
            ),
            (
                LoginEnd::Refused(Refusal::Fatal(Protocol, none())),
                Fail,
                Some(Protocol),
                None,
            ),
            (
                LoginEnd::Refused(Refusal::RateLimited(none())),
                Unknown,
                Some(RateLimited),
                None,
            ),
        ];
        for (end, status, reason, fact) in rows {
            let outcome = verdict(&login(end.clone()), "registry.example.com");
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, reason),
                "{end:?}"
            );
            let proved = outcome.proved(Fact::CredentialsValid);
            assert_eq!(proved, fact, "{end:?}");
        }
    }

    fn set(expires: Option<i64>) -> CredentialSet {
        CredentialSet {
            name: "set".to_owned(),
            source: crate::credentials::Source::Anonymous,
            hosts: Vec::new(),
            expires,
        }
    }

    fn now() -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_secs()).unwrap()
    }

    /// What is published and what is said of a set that ends after so many seconds.
    fn ending(
        own: Option<(i64, EndingSource, bool)>,
        expires: Option<i64>,
    ) -> (Option<&'static str>, String) {
        let mut login = login(LoginEnd::Accepted);
        login.shown = Some(ShownCredentials {
            method: "basic",
            username: None,
            ending: own.map(|(left, source, _)| Ending {
                at: now() + left,
                source,
            }),
            renews: own.is_some_and(|(_, _, renews)| renews),
        });
        let outcome = Outcome::pass("Valid");
        let outcome = with_ending(outcome, &set(expires.map(|left| now() + left)), &login);
        let published = outcome.facts.iter().find_map(|fact| match fact {
            Fact::CredentialsExpiry(_, source) => Some(*source),
            _ => None,
        });
        (published, outcome.message)
    }

    #[test]
    fn the_end_of_a_credential_is_published_and_said_when_it_is_near() {
        use EndingSource::{Ecr, Jwt};
        let far = 30 * DAY;
        for (own, expires, published, message) in [
            (None, None, None, "Valid"),
            (None, Some(far), Some("configuration"), "Valid"),
            (
                None,
                Some(5 * DAY + HOUR),
                Some("configuration"),
                "Valid; they end in 5 days",
            ),
            (Some((far, Jwt, false)), None, Some("jwt"), "Valid"),
            (
                Some((13 * DAY + HOUR, Jwt, false)),
                Some(far),
                Some("jwt"),
                "Valid; they end in 13 days",
            ),
            (
                Some((11 * HOUR + 60, Ecr, false)),
                None,
                Some("ecr"),
                "Valid; they end in 11 hours",
            ),
            (
                Some((HOUR + 60, Ecr, false)),
                None,
                Some("ecr"),
                "Valid; they end in 1 hour",
            ),
            (
                Some((60, Ecr, false)),
                None,
                Some("ecr"),
                "Valid; they end in less than an hour",
            ),
            (
                Some((-60, Ecr, false)),
                None,
                Some("ecr"),
                "Valid; they should have ended already",
            ),
            // A helper renews it: its end is no news.
            (Some((HOUR, Ecr, true)), None, None, "Valid"),
        ] {
            let expected = (published, message.to_owned());
            assert_eq!(ending(own, expires), expected, "{own:?} {expires:?}");
        }
    }

    #[test]
    fn the_end_of_an_exchanged_token_is_evidence_only() {
        let mut login = login(LoginEnd::Accepted);
        login.token_expires_at = Some(now() + 60);
        let outcome = with_ending(Outcome::pass("Valid"), &set(None), &login);
        assert_eq!(outcome, Outcome::pass("Valid"));
    }

    #[test]
    fn the_message_is_the_source_documents() {
        let outcome = verdict(&login(LoginEnd::Accepted), "registry.example.com");
        assert_eq!(
            outcome.message,
            "Credentials valid for registry.example.com"
        );
    }
}
