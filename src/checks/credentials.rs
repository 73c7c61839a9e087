//! Are the credentials good? The login flow, judged.

use std::time::Duration;

use super::{Check, refused, remedy};
use crate::{
    client::{Client, Login, LoginEnd, Refusal},
    config::{CredentialSet, Target, TestRepository},
    outcome::{CheckName, Fact, Outcome, Reason, Severity},
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

/// What the end of the login flow means (`checks.md` 3.1).
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
        .with("auth_method", set.source.method());
    if let Some(username) = set.source.username() {
        outcome = outcome.with("username", username);
    }
    let valid = outcome.facts.iter().find_map(|fact| match fact {
        Fact::CredentialsValid(valid) => Some(*valid),
        _ => None,
    });
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
    if let Some((at, source)) = expiry(set, login) {
        outcome = outcome.proving(Fact::CredentialsExpiry(at, source));
    }
    if !matches!(login.end, LoginEnd::Refused(Refusal::Fatal(..))) || login.status.is_some() {
        outcome.latency = login.latency;
    }
    if let Some(reason) = outcome.reason {
        outcome.remediation = remedy::steps(reason, target, remedy::PULL_ROLE);
    }
    outcome
}

/// When the configured credential itself ends: its own word, else the user's.
fn expiry(set: &CredentialSet, login: &Login) -> Option<(i64, &'static str)> {
    let own = login.credential_expires_at.map(|at| (at, "jwt"));
    own.or(set.expires.map(|at| (at, "configuration")))
}

fn timestamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |timestamp| timestamp.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;

    fn login(end: LoginEnd) -> Login {
        Login {
            end,
            challenge: None,
            scheme: None,
            status: None,
            latency: None,
            token_expires_at: None,
            credential_expires_at: None,
            product: None,
        }
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
            let proved = outcome.facts.iter().find_map(|fact| match fact {
                Fact::CredentialsValid(valid) => Some(*valid),
                _ => None,
            });
            assert_eq!(proved, fact, "{end:?}");
        }
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
