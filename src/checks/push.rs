//! May these credentials push? One upload session, opened and cancelled at once.

use std::{sync::Arc, time::Duration};

use super::{Check, denied, refused, remedy, words};
use crate::{
    client::{Client, Got, Grant, Guard, Stage, Standing, Upload},
    config::{PushWish, Target, TestRepository},
    credentials::Source,
    oci::{self, Denial},
    outcome::{CheckName, Fact, Outcome, Reason, SessionEnd, Severity, Status},
};

pub(super) const CHECK: Check = Check {
    name: CheckName::Push,
    title: "OCI Registry Push Authorization",
    summary: "Verify push authorization for the configured test repository",
    severity: Severity::Fail,
    tags: &["registry", "oci", "push", "authorization"],
    estimated: Duration::from_secs(10),
    run: |client, repository| Box::pin(run(client, repository)),
};

/// Push is asked only where the user named the repository for it, and who asks.
pub(super) fn skipped(target: &Target, repository: &TestRepository) -> Option<Outcome> {
    if repository.push == PushWish::No {
        return Some(Outcome::skip(
            Reason::NotConfigured,
            "Push is asked only of a repository that is named for it (`push: true`)",
        ));
    }
    let anonymous = repository.credential.source == Source::Anonymous;
    (anonymous && !target.checks.push_options.anonymous).then(|| {
        Outcome::skip(
            Reason::NotConfigured,
            "Push is not asked without credentials (`checks.push.anonymous: true` asks all the same)",
        )
    })
}

async fn run(client: &Arc<Client>, repository: &TestRepository) -> Outcome {
    let (outcome, end) = answer(client, repository).await;
    with_evidence(outcome, end, client, repository)
}

async fn answer(
    client: &Arc<Client>,
    repository: &TestRepository,
) -> (Outcome, Option<SessionEnd>) {
    let allow_create = client.target().checks.push_options.allow_create;
    if let Some(outcome) = guarded(&client.guard(repository).await, allow_create) {
        return (outcome, None);
    }
    // Capabilities needs the same upload in this cycle: one serves both.
    let shared = client.is_due(CheckName::Capabilities) && client.is_push_repository(repository);
    if shared || client.upload_due(repository) {
        return uploaded(client, repository).await;
    }
    match client.grant(repository).await {
        Ok(Grant::Missing) if client.upload_allowed(repository) => {
            uploaded(client, repository).await
        }
        Ok(grant) => {
            let said = client.last_said_of_upload(repository);
            let outcome = between_uploads(&grant, client.upload_proven(repository), said);
            if said.is_none() {
                // Capabilities made the upload; it proves the same.
                client.said_of_upload(repository, outcome.status, outcome.reason);
            }
            (outcome, None)
        }
        Err(refusal) => (refused(&refusal), None),
    }
}

async fn uploaded(
    client: &Arc<Client>,
    repository: &TestRepository,
) -> (Outcome, Option<SessionEnd>) {
    let known_refused = client.cancel_is_refused(repository);
    let upload = client.upload(repository).await;
    let standing = client.standing_of(&repository.credential);
    let mut outcome = verdict(&upload, standing, repository.push, known_refused);
    client.said_of_upload(repository, outcome.status, outcome.reason);
    if let Ok(got) = &upload.start {
        outcome = outcome.with("http_status", got.reply.status);
        outcome.latency = (got.stage == Stage::Registry).then_some(got.reply.elapsed);
    }
    (outcome, upload.end)
}

/// What the guard says where it keeps the upload from being tried.
fn guarded(guard: &Guard, allow_create: bool) -> Option<Outcome> {
    match guard {
        Guard::Seen => None,
        Guard::NotSeen if allow_create => None,
        Guard::NotSeen => Some(Outcome::info(
            Reason::NotFound,
            "Push repository not found, and asking may create it (`allow_create: true` asks all the same)",
        )),
        Guard::Denied(got, standing) => Some(match got.reply.status {
            401 | 403 => {
                let (reason, message) = denied(got, *standing, "Pull, which comes before push,");
                Outcome::fail(reason, message)
            }
            500..=599 => Outcome::fail(
                Reason::ServerError,
                format!("The registry answers {}", words(got)),
            ),
            300..=399 => Outcome::fail(
                Reason::Redirect,
                format!("The push repository cannot be looked at: {}", words(got)),
            ),
            412 => Outcome::fail(
                Reason::Policy,
                format!(
                    "A policy of the registry blocks the pull, which comes before push: {}",
                    words(got)
                ),
            ),
            _ => Outcome::unknown(
                Reason::Protocol,
                format!("The push repository cannot be looked at: {}", words(got)),
            ),
        }),
        Guard::Refused(refusal) => Some(refused(refusal)),
    }
}

/// Between two uploads: what the last one said, and what the token says. A token proves
/// nothing, so it changes no fact; an upload of which push has not spoken (`said`) does.
fn between_uploads(
    grant: &Grant,
    proven: Option<Duration>,
    said: Option<(Status, Option<Reason>)>,
) -> Outcome {
    let Some(ago) = proven else {
        let (status, reason) = said.unwrap_or((Status::Unknown, Some(Reason::Protocol)));
        return Outcome::new(
            status,
            reason,
            "Push authorization is not proven: the last upload was not taken, and today's uploads are used up",
        );
    };
    let ago = format!("proven by an upload {} ago", rounded(ago));
    let outcome = match (grant, said) {
        (Grant::Missing, _) => {
            return Outcome::unknown(
                Reason::Forbidden,
                format!(
                    "The token grants no push any more ({ago}); today's uploads are used up, so it is not tried"
                ),
            );
        }
        (_, Some((Status::Warn, reason))) => Outcome::new(
            Status::Warn,
            reason,
            format!(
                "Push authorized ({ago}), but its session could not be cancelled: the delete right is missing"
            ),
        ),
        (Grant::Held, _) => Outcome::pass(format!("Push authorization granted ({ago})")),
        (Grant::Unreadable, _) => Outcome::pass(format!("Push authorization verified ({ago})")),
    };
    if said.is_none() {
        outcome.proving(Fact::PushAuthorized(true))
    } else {
        outcome
    }
}

/// What the answer to the `POST` means.
fn verdict(upload: &Upload, standing: Standing, wish: PushWish, known_refused: bool) -> Outcome {
    let got = match &upload.start {
        Ok(got) => got,
        Err(refusal) => return refused(refusal),
    };
    match (got.stage, got.reply.status) {
        (Stage::Registry, 202) => accepted(upload.end, known_refused),
        (Stage::Registry, 405) => read_only(wish, got),
        (Stage::Registry, 403) if oci::denial(&got.reply) == Denial::ReadOnly => {
            read_only(wish, got)
        }
        (_, 401 | 403) => refusal(got, standing),
        (Stage::Registry, 404) => Outcome::info(
            Reason::NotFound,
            format!("The push repository does not exist: {}", words(got)),
        ),
        (Stage::Registry, 412 | 413 | 507) => Outcome::fail(
            Reason::Policy,
            format!("A policy of the registry blocks the push: {}", words(got)),
        )
        .proving(Fact::PushAuthorized(true)),
        (Stage::Registry, 500..=599) => Outcome::fail(
            Reason::ServerError,
            format!("The registry answers {}", words(got)),
        ),
        (stage, _) => Outcome::unknown(
            Reason::Protocol,
            format!(
                "{} answers {}, which no rule names",
                stage.name(),
                words(got)
            ),
        ),
    }
}

fn accepted(end: Option<SessionEnd>, known_refused: bool) -> Outcome {
    let outcome = if end == Some(SessionEnd::Refused) && !known_refused {
        Outcome::warn(
            Reason::CancelRefused,
            "Push authorized, but the upload session could not be cancelled: the delete right is missing",
        )
    } else if end == Some(SessionEnd::Refused) {
        Outcome::pass(
            "Push authorization verified (sessions cannot be cancelled without the delete right, so it is asked weekly)",
        )
    } else {
        Outcome::pass("Push authorization verified")
    };
    outcome.proving(Fact::PushAuthorized(true))
}

/// A pull-through cache takes no push by design: it is a fault only where push was named.
fn read_only(wish: PushWish, got: &Got) -> Outcome {
    let message = format!("The registry takes no push here: {}", words(got));
    let outcome = match wish {
        PushWish::Named => Outcome::fail(Reason::ReadOnly, message),
        PushWish::Implied | PushWish::No => Outcome::info(Reason::ReadOnly, message),
    };
    outcome.proving(Fact::PushAuthorized(false))
}

fn refusal(got: &Got, standing: Standing) -> Outcome {
    let (reason, message) = denied(got, standing, "Push");
    let outcome = Outcome::fail(reason, message);
    match reason {
        Reason::Policy => outcome.proving(Fact::PushAuthorized(true)),
        Reason::Forbidden | Reason::Unauthorized | Reason::Expired | Reason::ReadOnly => {
            outcome.proving(Fact::PushAuthorized(false))
        }
        _ => outcome,
    }
}

fn with_evidence(
    outcome: Outcome,
    end: Option<SessionEnd>,
    client: &Client,
    repository: &TestRepository,
) -> Outcome {
    let target = client.target();
    let authorized = outcome.proved(Fact::PushAuthorized);
    let status = outcome.evidence.value("http_status").cloned();
    let mut ordered = Outcome {
        evidence: crate::outcome::Evidence::default(),
        ..outcome
    }
    .with("registry_url", target.url.as_str())
    .with("test_repository", repository.name.as_str())
    .with("push_authorized", authorized)
    .with(
        "upload_session_cancelled",
        end.map(|end| end == SessionEnd::Cancelled),
    )
    .with("http_status", status)
    .with(
        "credentials_valid",
        client.proven(&repository.credential).then_some(true),
    )
    .with("upload_session", end.map(SessionEnd::as_str));
    if let Some(reason) = ordered.reason {
        ordered.remediation = remedy::steps(reason, target, remedy::PUSH_ROLE);
    }
    ordered
}

/// Whole minutes, or hours where there are more than two.
fn rounded(ago: Duration) -> String {
    let minutes = ago.as_secs() / 60;
    if minutes >= 120 {
        format!("{} hours", minutes / 60)
    } else if minutes == 1 {
        "1 minute".to_owned()
    } else {
        format!("{minutes} minutes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::Refusal,
        exchange::{
            Reply,
            testing::{error, reply},
        },
    };

    fn upload(stage: Stage, reply: Reply, end: Option<SessionEnd>) -> Upload {
        Upload {
            start: Ok(Got { stage, reply }),
            chunks: None,
            end,
        }
    }

    fn posted(reply: Reply) -> Upload {
        upload(Stage::Registry, reply, None)
    }

    fn opened(end: SessionEnd) -> Upload {
        upload(Stage::Registry, reply(202, &[], ""), Some(end))
    }

    fn proved(outcome: &Outcome) -> Option<bool> {
        outcome.proved(Fact::PushAuthorized)
    }

    type Row = (&'static str, Upload, Status, Option<Reason>, Option<bool>);

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn every_answer_to_the_post_has_its_row() {
        use Reason::*;
        use Status::*;
        let expired = "Your authorization token has expired. Reauthenticate and try again.";
        let rows: Vec<Row> = vec![
            (
                "202, cancelled",
                opened(SessionEnd::Cancelled),
                Pass,
                None,
                Some(true),
            ),
            (
                "202, not offered",
                opened(SessionEnd::NotOffered),
                Pass,
                None,
                Some(true),
            ),
            (
                "202, lost",
                opened(SessionEnd::Lost),
                Pass,
                None,
                Some(true),
            ),
            (
                "202, refused",
                opened(SessionEnd::Refused),
                Warn,
                Some(CancelRefused),
                Some(true),
            ),
            (
                "401",
                posted(error(401, "UNAUTHORIZED", "")),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "401 at the token endpoint",
                upload(Stage::Token, error(401, "UNAUTHORIZED", ""), None),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403",
                posted(error(403, "DENIED", "requested access is denied")),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403 expired (ECR)",
                posted(error(403, "DENIED", expired)),
                Fail,
                Some(Expired),
                Some(false),
            ),
            (
                "403 read-only (Harbor)",
                posted(error(
                    403,
                    "DENIED",
                    "The system is in read only mode. Any modification is prohibited.",
                )),
                Fail,
                Some(ReadOnly),
                Some(false),
            ),
            (
                "404",
                posted(error(404, "NAME_UNKNOWN", "")),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "405 (maintenance, Quay)",
                posted(reply(405, &[], "Method not allowed")),
                Fail,
                Some(ReadOnly),
                Some(false),
            ),
            (
                "412",
                posted(reply(412, &[], "")),
                Fail,
                Some(Policy),
                Some(true),
            ),
            (
                "413",
                posted(reply(413, &[], "")),
                Fail,
                Some(Policy),
                Some(true),
            ),
            (
                "507",
                posted(reply(507, &[], "")),
                Fail,
                Some(Policy),
                Some(true),
            ),
            (
                "500",
                posted(reply(500, &[], "")),
                Fail,
                Some(ServerError),
                None,
            ),
            (
                "201 without a blob",
                posted(reply(201, &[], "")),
                Unknown,
                Some(Protocol),
                None,
            ),
            (
                "301",
                posted(reply(301, &[("location", "/elsewhere")], "")),
                Unknown,
                Some(Protocol),
                None,
            ),
        ];
        for (name, upload, status, reason, fact) in rows {
            let outcome = verdict(&upload, Standing::Proven, PushWish::Named, false);
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, reason),
                "{name}: {}",
                outcome.message
            );
            assert_eq!(proved(&outcome), fact, "{name}");
        }
    }

    #[test]
    fn a_refusal_is_judged_by_what_is_known_of_the_credentials() {
        use Standing::*;
        for (status, standing, expected) in [
            (401, Proven, Reason::Forbidden),
            (401, Unproven, Reason::Unauthorized),
            (401, Suspect, Reason::Unauthorized),
            (403, Proven, Reason::Forbidden),
            (403, Unproven, Reason::Forbidden),
            // Artifactory suspends the account after rejected logins.
            (403, Suspect, Reason::Unauthorized),
        ] {
            let answer = posted(error(status, "DENIED", ""));
            let outcome = verdict(&answer, standing, PushWish::Named, false);
            assert_eq!(outcome.reason, Some(expected), "{status} {standing:?}");
            assert_eq!(proved(&outcome), Some(false), "{status} {standing:?}");
        }
    }

    #[test]
    fn read_only_is_a_fault_only_where_push_was_named() {
        let answer = posted(reply(405, &[], ""));
        let implied = verdict(&answer, Standing::Proven, PushWish::Implied, false);
        assert_eq!(
            (implied.status, proved(&implied)),
            (Status::Info, Some(false))
        );
        let named = verdict(&answer, Standing::Proven, PushWish::Named, false);
        assert_eq!((named.status, proved(&named)), (Status::Fail, Some(false)));
    }

    #[test]
    fn a_cancel_known_to_be_refused_is_a_note() {
        let outcome = verdict(
            &opened(SessionEnd::Refused),
            Standing::Proven,
            PushWish::Named,
            true,
        );
        assert_eq!(outcome.status, Status::Pass);
        assert!(outcome.message.contains("weekly"), "{}", outcome.message);
    }

    #[test]
    fn what_keeps_the_upload_from_being_tried() {
        let got = |reply| Got {
            stage: Stage::Registry,
            reply,
        };
        assert_eq!(guarded(&Guard::Seen, false), None);
        assert_eq!(guarded(&Guard::NotSeen, true), None);
        for (name, guard, status, reason) in [
            ("not seen", Guard::NotSeen, Status::Info, Reason::NotFound),
            (
                "denied",
                Guard::Denied(got(error(403, "DENIED", "")), Standing::Proven),
                Status::Fail,
                Reason::Forbidden,
            ),
            (
                "5xx",
                Guard::Denied(got(reply(503, &[], "")), Standing::Proven),
                Status::Fail,
                Reason::ServerError,
            ),
            (
                "odd",
                Guard::Denied(got(reply(418, &[], "")), Standing::Proven),
                Status::Unknown,
                Reason::Protocol,
            ),
            (
                "limited",
                Guard::Refused(Refusal::RateLimited(String::new())),
                Status::Unknown,
                Reason::RateLimited,
            ),
        ] {
            let outcome = guarded(&guard, false).expect("it is kept");
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, Some(reason)),
                "{name}"
            );
            assert!(
                outcome.facts.is_empty(),
                "{name}: the guard proves nothing of push"
            );
        }
    }

    #[test]
    fn between_uploads_nothing_is_proven() {
        let ago = Some(Duration::from_mins(125));
        for (grant, status) in [
            (Grant::Held, Status::Pass),
            (Grant::Unreadable, Status::Pass),
            (Grant::Missing, Status::Unknown),
        ] {
            let outcome = between_uploads(&grant, ago, Some((Status::Pass, None)));
            assert_eq!(outcome.status, status, "{grant:?}");
            assert!(outcome.facts.is_empty(), "{grant:?}");
            assert!(outcome.message.contains("2 hours"), "{}", outcome.message);
        }
    }

    #[test]
    fn between_uploads_what_the_last_one_said_stands() {
        let ago = Some(Duration::from_mins(125));
        let refused = Some((Status::Fail, Some(Reason::Forbidden)));
        let warned = Some((Status::Warn, Some(Reason::CancelRefused)));
        for grant in [Grant::Held, Grant::Unreadable] {
            let outcome = between_uploads(&grant, None, refused);
            assert_eq!(outcome.reason, Some(Reason::Forbidden), "{grant:?}");
            assert_eq!(outcome.status, Status::Fail, "{grant:?}");
            assert!(outcome.facts.is_empty(), "{grant:?}");
            let outcome = between_uploads(&grant, None, None);
            assert_eq!(outcome.status, Status::Unknown, "{grant:?}");
            let outcome = between_uploads(&grant, ago, warned);
            assert_eq!(outcome.status, Status::Warn, "{grant:?}");
            // Capabilities uploaded, and push has not spoken of it yet.
            let outcome = between_uploads(&grant, ago, None);
            assert_eq!(outcome.facts, [Fact::PushAuthorized(true)], "{grant:?}");
        }
    }
}
