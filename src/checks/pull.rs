//! May these credentials pull the test image? A HEAD on its manifest, nothing more.

use std::time::Duration;

use super::{Check, denied, refused, remedy, words};
use crate::{
    client::{Client, Got, Manifest, Stage, Standing},
    config::TestRepository,
    oci::{self, ErrorBody, media_type},
    outcome::{CheckName, Fact, Outcome, Reason, Severity},
};

pub(super) const CHECK: Check = Check {
    name: CheckName::Pull,
    title: "OCI Registry Pull Authorization",
    summary: "Verify pull authorization for the configured test repository",
    severity: Severity::Fail,
    tags: &["registry", "oci", "pull", "authorization"],
    estimated: Duration::from_secs(5),
    run: |client, repository| Box::pin(run(client, repository)),
};

async fn run(client: &Client, repository: &TestRepository) -> Outcome {
    let manifest = client.manifest(repository).await;
    let target = client.target();
    let mut outcome = verdict(&manifest, repository.guessed);
    let status = manifest.decisive().map(|got| got.reply.status);
    let authorized = outcome.proved(Fact::PullAuthorized);
    let digest = manifest.digest.as_ref().map(ToString::to_string);
    let media_type = manifest
        .decisive()
        .filter(|got| got.reply.status == 200)
        .and_then(|got| got.reply.media_type());
    outcome.latency = manifest.head.as_ref().ok().map(|got| got.reply.elapsed);
    if let Some(reason) = outcome.reason {
        outcome.remediation = remedy::steps(reason, target, remedy::PULL_ROLE);
    }
    outcome
        .with("registry_url", target.url.as_str())
        .with("test_repository", repository.name.as_str())
        .with("test_tag", repository.reference.as_str())
        .with("pull_authorized", authorized)
        .with("manifest_digest", digest)
        .with("http_status", status)
        .with("media_type", media_type)
}

/// What the answers about the manifest mean.
fn verdict(manifest: &Manifest, guessed: bool) -> Outcome {
    if let Err(refusal) = &manifest.head {
        return refused(refusal);
    }
    if let Some(Err(refusal)) = &manifest.get {
        // The HEAD was answered; without the GET it is not understood.
        return refused(refusal);
    }
    let Some(got) = manifest.decisive() else {
        return Outcome::unknown(Reason::Protocol, "no answer");
    };
    if guessed && matches!(got.reply.status, 401 | 403 | 404) {
        return Outcome::info(
            Reason::NotConfigured,
            "The default image cannot be seen here: name a `test_repository`",
        );
    }
    match (got.stage, got.reply.status) {
        (Stage::Registry, 200) => found(manifest, got),
        (_, 401 | 403) => refusal(got, manifest.standing),
        (Stage::Registry, 404) => missing(got),
        (Stage::Registry, 412) => Outcome::fail(
            Reason::Policy,
            format!("A policy of the registry blocks the pull: {}", words(got)),
        )
        .proving(Fact::PullAuthorized(true)),
        (Stage::Registry, 300..=399) => Outcome::fail(
            Reason::Redirect,
            format!(
                "The manifest redirects, {}, and is not found there",
                got.reply.status
            ),
        ),
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

fn found(manifest: &Manifest, got: &Got) -> Outcome {
    let typed = got
        .reply
        .media_type()
        .is_some_and(|media_type| media_type::is_manifest(&media_type));
    if !typed && !oci::is_manifest_reply(&got.reply) {
        return Outcome::fail(
            Reason::Protocol,
            format!(
                "The answer is no manifest but {}",
                got.reply
                    .media_type()
                    .unwrap_or_else(|| "untyped".to_owned())
            ),
        );
    }
    let message = match &manifest.digest {
        Some(digest) => format!("Pull authorized ({})", digest.short()),
        None => "Pull authorized (no digest header)".to_owned(),
    };
    Outcome::pass(message).proving(Fact::PullAuthorized(true))
}

fn refusal(got: &Got, standing: Standing) -> Outcome {
    let (reason, message) = denied(got, standing, "Pull");
    let outcome = Outcome::fail(reason, message);
    match reason {
        Reason::Policy => outcome.proving(Fact::PullAuthorized(true)),
        Reason::Forbidden | Reason::Unauthorized | Reason::Expired => {
            outcome.proving(Fact::PullAuthorized(false))
        }
        _ => outcome,
    }
}

fn missing(got: &Got) -> Outcome {
    let Some(body) = ErrorBody::of(&got.reply) else {
        // A registry without words (a HEAD of Docker Hub) is believed; a web page is not.
        if got.reply.body.is_empty() && !oci::is_html(&got.reply) {
            return Outcome::info(Reason::NotFound, "Test image not found, cannot verify pull");
        }
        return Outcome::fail(
            Reason::Protocol,
            "The registry answers 404 without a registry's error: the path is wrong, or this is no registry",
        );
    };
    let what = if body.has_code("NAME_UNKNOWN") {
        "Test repository not found"
    } else if body.has_code("MANIFEST_UNKNOWN") || body.has_code("TAG_EXPIRED") {
        "Test tag not found"
    } else {
        "Test image not found"
    };
    Outcome::info(Reason::NotFound, format!("{what}, cannot verify pull"))
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
        oci::Digest,
        outcome::Status,
    };

    const OCI: &[(&str, &str)] = &[("content-type", "application/vnd.oci.image.manifest.v1+json")];
    const HTML: &[(&str, &str)] = &[("content-type", "text/html")];

    fn got(stage: Stage, reply: Reply) -> Got {
        Got { stage, reply }
    }

    fn head(reply: Reply) -> Manifest {
        Manifest {
            head: Ok(got(Stage::Registry, reply)),
            get: None,
            digest: None,
            standing: Standing::Proven,
        }
    }

    fn head_then_get(first: Reply, second: Reply) -> Manifest {
        Manifest {
            get: Some(Ok(got(Stage::Registry, second))),
            ..head(first)
        }
    }

    fn at_token(reply: Reply, standing: Standing) -> Manifest {
        Manifest {
            head: Ok(got(Stage::Token, reply)),
            standing,
            ..head(error(401, "X", ""))
        }
    }

    fn suspect(manifest: Manifest) -> Manifest {
        Manifest {
            standing: Standing::Suspect,
            ..manifest
        }
    }

    /// Whoever sends nothing is not told that it was not accepted.
    #[test]
    fn a_refusal_of_nobody_asks_for_credentials() {
        for (standing, words) in [
            (
                Standing::Nobody,
                "wants credentials, and none are configured",
            ),
            (Standing::Unproven, "the credentials are not accepted"),
        ] {
            let refused = head(error(401, "UNAUTHORIZED", "authentication required"));
            let outcome = refusal(refused.head.as_ref().unwrap(), standing);
            assert_eq!(outcome.reason, Some(Reason::Unauthorized));
            assert!(outcome.message.contains(words), "{}", outcome.message);
            let said = "UNAUTHORIZED: authentication required";
            assert!(outcome.message.contains(said), "{}", outcome.message);
        }
    }

    fn unproven(manifest: Manifest) -> Manifest {
        Manifest {
            standing: Standing::Unproven,
            ..manifest
        }
    }

    fn scope_401() -> Reply {
        reply(
            401,
            &[(
                "www-authenticate",
                "Bearer realm=\"https://r/token\",error=\"insufficient_scope\"",
            )],
            "",
        )
    }

    type Row<T> = (&'static str, T, Status, Option<Reason>, Option<bool>);

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn every_answer_has_its_row() {
        use Reason::*;
        use Status::*;
        let bare = |status| reply(status, &[], "");
        let rows: Vec<Row<Manifest>> = vec![
            ("200", head(reply(200, OCI, "")), Pass, None, Some(true)),
            (
                "200 json whose body parses",
                head_then_get(
                    reply(200, &[("content-type", "application/json")], ""),
                    reply(
                        200,
                        &[("content-type", "application/json")],
                        r#"{"schemaVersion":2,"config":{"digest":"sha256:0"},"layers":[]}"#,
                    ),
                ),
                Pass,
                None,
                Some(true),
            ),
            (
                "200 html",
                head(reply(200, HTML, "")),
                Fail,
                Some(Protocol),
                None,
            ),
            (
                "401 proven",
                head(error(401, "UNAUTHORIZED", "")),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "401 unproven",
                unproven(head(error(401, "UNAUTHORIZED", ""))),
                Fail,
                Some(Unauthorized),
                Some(false),
            ),
            (
                "401 insufficient_scope",
                unproven(head(scope_401())),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "401 at the token endpoint",
                at_token(error(401, "UNAUTHORIZED", ""), Standing::Proven),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403 at the token endpoint",
                at_token(error(403, "DENIED", ""), Standing::Unproven),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403",
                head_then_get(
                    bare(403),
                    error(403, "DENIED", "requested access is denied"),
                ),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403 after own rejected logins (Artifactory)",
                suspect(head_then_get(bare(403), error(403, "", "Forbidden"))),
                Fail,
                Some(Unauthorized),
                Some(false),
            ),
            (
                "the same at the token endpoint",
                at_token(error(403, "", "Forbidden"), Standing::Suspect),
                Fail,
                Some(Forbidden),
                Some(false),
            ),
            (
                "403 after own rejected logins, with a cause of its own",
                suspect(head_then_get(
                    bare(403),
                    error(403, "DENIED", "The token has expired"),
                )),
                Fail,
                Some(Expired),
                Some(false),
            ),
            (
                "403 expired (ECR)",
                head_then_get(
                    bare(403),
                    error(
                        403,
                        "DENIED",
                        "Your authorization token has expired. Reauthenticate and try again.",
                    ),
                ),
                Fail,
                Some(Expired),
                Some(false),
            ),
            (
                "404 name",
                head_then_get(bare(404), error(404, "NAME_UNKNOWN", "")),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "404 tag",
                head_then_get(bare(404), error(404, "MANIFEST_UNKNOWN", "")),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "404 harbor",
                head_then_get(bare(404), error(404, "NOT_FOUND", "")),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "404 without words (Docker Hub's HEAD)",
                head(bare(404)),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "404 text",
                head_then_get(
                    bare(404),
                    reply(404, &[("content-type", "text/plain")], "404 page not found"),
                ),
                Fail,
                Some(Protocol),
                None,
            ),
            (
                "404 html",
                head_then_get(bare(404), reply(404, HTML, "<html>")),
                Fail,
                Some(Protocol),
                None,
            ),
            (
                "404 on HEAD, 200 on GET",
                head_then_get(bare(404), reply(200, OCI, "{}")),
                Pass,
                None,
                Some(true),
            ),
            (
                "403 on HEAD, 200 on GET",
                head_then_get(bare(403), reply(200, OCI, "{}")),
                Pass,
                None,
                Some(true),
            ),
            (
                "405 on HEAD, 200 on GET",
                head_then_get(bare(405), reply(200, OCI, "{}")),
                Pass,
                None,
                Some(true),
            ),
            ("412", head(bare(412)), Fail, Some(Policy), Some(true)),
            (
                "302 without an end",
                head(reply(302, &[("location", "https://elsewhere/")], "")),
                Fail,
                Some(Redirect),
                None,
            ),
            ("500", head(bare(500)), Fail, Some(ServerError), None),
            ("418", head(bare(418)), Unknown, Some(Protocol), None),
        ];
        for (name, manifest, status, reason, fact) in rows {
            let outcome = verdict(&manifest, false);
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, reason),
                "{name}: {}",
                outcome.message
            );
            let proved = outcome.proved(Fact::PullAuthorized);
            assert_eq!(proved, fact, "{name}");
        }
    }

    #[test]
    fn a_guessed_repository_is_only_a_guess() {
        for status in [401, 403, 404] {
            let outcome = verdict(&head(error(status, "DENIED", "")), true);
            assert_eq!(outcome.status, Status::Info, "{status}");
            assert_eq!(outcome.reason, Some(Reason::NotConfigured), "{status}");
            assert!(outcome.facts.is_empty(), "{status}");
        }
        assert_eq!(
            verdict(&head(reply(200, OCI, "")), true).status,
            Status::Pass
        );
    }

    #[test]
    fn the_digest_is_shown_short() {
        let manifest = Manifest {
            digest: Some(
                Digest::parse(&format!("sha256:abc123{}", "0".repeat(58))).expect("a digest"),
            ),
            ..head(reply(200, OCI, ""))
        };
        assert_eq!(
            verdict(&manifest, false).message,
            "Pull authorized (sha256:abc123...)"
        );
    }

    #[test]
    fn no_answer_is_no_proof() {
        use Reason::*;
        use Status::*;
        let rows = [
            (Refusal::Fatal(Dns, String::new()), Fail, Dns),
            (Refusal::Broken(Connect, String::new()), Fail, Connect),
            (Refusal::RateLimited(String::new()), Unknown, RateLimited),
            (
                Refusal::Rejected(Unauthorized, String::new()),
                Fail,
                Unauthorized,
            ),
            (Refusal::Unclear(Protocol, String::new()), Unknown, Protocol),
        ];
        for (refusal, status, reason) in rows {
            let manifest = Manifest {
                head: Err(refusal.clone()),
                ..head(reply(200, OCI, ""))
            };
            let outcome = verdict(&manifest, false);
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, Some(reason)),
                "{refusal:?}"
            );
            assert!(outcome.facts.is_empty(), "{refusal:?}");
        }
    }
}
