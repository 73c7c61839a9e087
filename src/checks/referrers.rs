//! Is there an OCI 1.1 referrers API? One GET, and a look for the fallback tag where there is none.

use std::time::Duration;

use super::{Check, refused_gently, remedy, words};
use crate::{
    client::{Client, Got, Manifest, Referrers, Stage},
    config::{Target, TestRepository},
    oci::{self, Digest, ErrorBody, IndexBody},
    outcome::{Capability, CheckName, Fact, Outcome, Reason, Severity, Status},
};

pub(super) const CHECK: Check = Check {
    name: CheckName::Referrers,
    title: "OCI Registry Referrers API Support",
    summary: "Verify OCI 1.1 referrers API support for artifact linking",
    severity: Severity::Warn,
    tags: &["registry", "oci", "referrers", "oci-1.1"],
    estimated: Duration::from_secs(10),
    run: |client, repository| Box::pin(run(client, repository)),
};

async fn run(client: &Client, repository: &TestRepository) -> Outcome {
    let outcome = ask(client, repository).await;
    with_remedy(outcome, client.target(), repository)
}

/// Asks and judges; the capabilities check reads the same answer.
pub(super) async fn ask(client: &Client, repository: &TestRepository) -> Outcome {
    let manifest = client.manifest(repository).await;
    let subject = match subject(&manifest) {
        Ok(subject) => subject,
        Err(outcome) => return *outcome,
    };
    let answer = client.referrers(repository, subject.as_ref()).await;
    let mut outcome = verdict(&answer);
    if outcome.reason == Some(Reason::Unsupported) {
        let tag = client.fallback_tag(repository, &answer.subject).await;
        outcome = outcome.with("fallback_tag_present", tag);
    }
    if let Ok(got) = &answer.first {
        outcome.latency = (got.stage == Stage::Registry).then_some(got.reply.elapsed);
        outcome = outcome.with("http_status", got.reply.status);
    }
    let (version, _) = client.version();
    outcome
        .with("oci_version", version)
        .with("filter_supported", answer.filtered)
}

fn with_remedy(mut outcome: Outcome, target: &Target, repository: &TestRepository) -> Outcome {
    if let Some(reason) = outcome.reason {
        outcome.remediation = remedy::steps(reason, target, remedy::PULL_ROLE);
    }
    let mut ordered = Outcome {
        evidence: crate::outcome::Evidence::default(),
        ..outcome.clone()
    }
    .with("registry_url", target.url.as_str())
    .with("test_repository", repository.name.as_str());
    for key in KEYS {
        let value = outcome.evidence.value(key).cloned();
        ordered
            .evidence
            .set(key, value.unwrap_or(crate::outcome::Value::Nothing));
    }
    ordered
}

/// Whose referrers to ask for: the image's, the all-zero digest's where there is
/// no image, or nobody's where the image cannot be read.
fn subject(manifest: &Manifest) -> Result<Option<Digest>, Box<Outcome>> {
    let got = match (&manifest.head, &manifest.get) {
        (Err(refusal), _) | (_, Some(Err(refusal))) => {
            return Err(Box::new(refused_gently(refusal)));
        }
        _ => manifest.decisive(),
    };
    let Some(got) = got else {
        return Ok(None);
    };
    let unread = |reason, message: &str| {
        let message = format!("The test image's digest is not known: {message}");
        Err(Box::new(Outcome::unknown(reason, message)))
    };
    match (got.stage, got.reply.status) {
        (Stage::Registry, 200) => Ok(manifest.digest.clone()),
        (Stage::Registry, 404) => Ok(None),
        (_, 401 | 403) => unread(
            Reason::Forbidden,
            "it cannot be read with these credentials",
        ),
        (_, 500..=599) => unread(Reason::ServerError, &words(got)),
        _ => unread(Reason::Protocol, &words(got)),
    }
}

/// What the answer to the referrers GET means.
fn verdict(answer: &Referrers) -> Outcome {
    let got = match &answer.first {
        Ok(got) => got,
        Err(refusal) => return refused_gently(refusal),
    };
    if got.stage == Stage::Token {
        return cannot_say(got);
    }
    let body = oci::read_index(&got.reply.body, got.reply.truncated);
    match got.reply.status {
        200 => judge_200(answer, got, &body),
        404 if matches!(body, IndexBody::Index { .. }) => native(answer, false),
        404 | 400 => judge_error(answer, got),
        // Nothing was asked that could be unmodified.
        304 => unnamed(got),
        405 | 406 | 501 | 300..=399 => unsupported(),
        // Harbor before 2.8: the route is unknown to its auth middleware.
        401 if answer.subject_exists && oci::challenges(&got.reply).is_empty() => unsupported(),
        401 | 403 => cannot_say(got),
        500..=599 => Outcome::unknown(
            Reason::ServerError,
            format!("The referrers API answers {}", words(got)),
        ),
        _ => unnamed(got),
    }
}

fn judge_200(answer: &Referrers, got: &Got, body: &IndexBody) -> Outcome {
    let index_type = got
        .reply
        .media_type()
        .is_some_and(|media_type| oci::media_type::is_index(&media_type));
    match body {
        // An index whose own digest is the subject's is the subject, not its referrers.
        IndexBody::Index { own_digest, .. } if *own_digest == answer.subject => unsupported(),
        IndexBody::Index { .. } | IndexBody::Truncated { .. } => native(answer, index_type),
        IndexBody::Empty => native(answer, false),
        IndexBody::Unparsable if index_type => Outcome::unknown(
            Reason::Protocol,
            "The referrers API answers an index that cannot be parsed",
        ),
        // No proof of anything: what cannot be read may be the index.
        IndexBody::Unparsable | IndexBody::Other if unreadable(got) => Outcome::unknown(
            Reason::Protocol,
            "The answer of the referrers API breaks off before it shows what it is, or is compressed",
        ),
        IndexBody::Unparsable | IndexBody::Other => unsupported(),
    }
}

/// Whether the answer is cut while it may still become a JSON object, or is coded, which
/// nobody asked for.
fn unreadable(got: &Got) -> bool {
    let begun = got.reply.body.trim_ascii_start();
    let cut = got.reply.truncated && (begun.is_empty() || begun.starts_with(b"{"));
    let coding = got.reply.header("content-encoding");
    cut || coding.is_some_and(|coding| !coding.eq_ignore_ascii_case("identity"))
}

fn judge_error(answer: &Referrers, got: &Got) -> Outcome {
    let Some(body) = ErrorBody::of(&got.reply) else {
        return if got.reply.status == 404 {
            unsupported()
        } else {
            unnamed(got)
        };
    };
    let not_found = got.reply.status == 404;
    if not_found && body.has_code("NAME_UNKNOWN") && !answer.subject_exists {
        return Outcome::info(
            Reason::NotFound,
            "Test repository not found, cannot verify the referrers API",
        );
    }
    // Quay knows the API and not the digest.
    let digest_unknown =
        body.has_code("MANIFEST_UNKNOWN") || (!not_found && body.has_code("MANIFEST_INVALID"));
    match (digest_unknown, answer.subject_exists) {
        (true, false) => native(answer, true),
        (true, true) if !not_found => unnamed(got),
        _ if not_found || body.has_code("UNSUPPORTED") => unsupported(),
        _ => unnamed(got),
    }
}

fn native(answer: &Referrers, conformant: bool) -> Outcome {
    let count = answer.pages.map_or(0, |pages| pages.count);
    let whole = answer.pages.is_none_or(|pages| pages.complete);
    let mut outcome = Outcome::pass("Referrers API supported (OCI 1.1)")
        .with("referrers_supported", true)
        .with("fallback_required", false)
        .with("referrers_count", count)
        .with("conformant", conformant)
        .proving(Fact::Capability(Capability::ReferrersApi, true));
    if !whole {
        outcome = outcome.with("referrers_count_complete", false);
    }
    let broken_off = answer.pages.is_some_and(|pages| pages.broken_off);
    if answer.subject_exists && !broken_off {
        outcome = outcome.proving(Fact::Referrers(count));
    }
    outcome
}

fn unsupported() -> Outcome {
    let mut outcome = Outcome::warn(
        Reason::Unsupported,
        "Referrers API not supported (using fallback)",
    )
    .with("referrers_supported", false)
    .with("fallback_required", true)
    .proving(Fact::Capability(Capability::ReferrersApi, false));
    outcome.recommendations = vec![
        "Referrers API: StellaOps will use tag-based fallback automatically".to_owned(),
        "Consider upgrading to a registry with OCI 1.1 support for better performance".to_owned(),
    ];
    outcome
}

fn cannot_say(got: &Got) -> Outcome {
    Outcome::unknown(
        Reason::Forbidden,
        format!("{} refuses the question: {}", got.stage.name(), words(got)),
    )
}

fn unnamed(got: &Got) -> Outcome {
    Outcome::new(
        Status::Unknown,
        Some(Reason::Protocol),
        format!(
            "The referrers API answers {}, which no rule names",
            words(got)
        ),
    )
}

/// The evidence, in the order of the source document.
const KEYS: [&str; 8] = [
    "referrers_supported",
    "fallback_required",
    "oci_version",
    "referrers_count",
    "fallback_tag_present",
    "conformant",
    "filter_supported",
    "http_status",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{Pages, Refusal, Standing},
        exchange::{
            Reply,
            testing::{error, reply},
        },
    };

    const INDEX: &[(&str, &str)] = &[("content-type", "application/vnd.oci.image.index.v1+json")];
    const TEXT: &[(&str, &str)] = &[("content-type", "text/plain; charset=utf-8")];
    const EMPTY: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;

    fn answer(reply: Reply, subject_exists: bool) -> Referrers {
        Referrers {
            subject: Digest::zero(),
            subject_exists,
            first: Ok(Got {
                stage: Stage::Registry,
                reply,
            }),
            pages: None,
            filtered: None,
        }
    }

    fn proved(outcome: &Outcome) -> Option<bool> {
        outcome.proved(|yes| Fact::Capability(Capability::ReferrersApi, yes))
    }

    type Row<T> = (&'static str, T, Status, Option<Reason>, Option<bool>);

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn every_answer_has_its_row() {
        use Reason::*;
        use Status::*;
        let json: &[(&str, &str)] = &[("content-type", "application/json")];
        let html: &[(&str, &str)] = &[("content-type", "text/html")];
        let cut = Reply {
            truncated: true,
            ..reply(
                200,
                INDEX,
                r#"{"schemaVersion":2,"manifests":[{"digest":"sha256:"#,
            )
        };
        let basic: &[(&str, &str)] = &[("www-authenticate", "Basic realm=\"x\"")];
        let rows: Vec<Row<Referrers>> = vec![
            (
                "200 index",
                answer(reply(200, INDEX, EMPTY), true),
                Pass,
                None,
                Some(true),
            ),
            (
                "200 index under another type",
                answer(reply(200, json, EMPTY), true),
                Pass,
                None,
                Some(true),
            ),
            (
                "200 {} (Harbor 2.8)",
                answer(reply(200, json, "{}"), true),
                Pass,
                None,
                Some(true),
            ),
            (
                "200 cut off after its beginning",
                answer(cut, true),
                Pass,
                None,
                Some(true),
            ),
            (
                "200 index type, unparsable",
                answer(reply(200, INDEX, "{\"schemaVersion\":"), true),
                Unknown,
                Some(Protocol),
                None,
            ),
            (
                "200 html",
                answer(reply(200, html, "<html>"), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "200 other json",
                answer(reply(200, json, "{\"a\":1}"), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "404 with an index",
                answer(reply(404, INDEX, EMPTY), true),
                Pass,
                None,
                Some(true),
            ),
            (
                "404 NAME_UNKNOWN, no image",
                answer(error(404, "NAME_UNKNOWN", ""), false),
                Info,
                Some(NotFound),
                None,
            ),
            (
                "404 NAME_UNKNOWN, image seen",
                answer(error(404, "NAME_UNKNOWN", ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "404 MANIFEST_UNKNOWN, zero digest (Quay 3.12)",
                answer(error(404, "MANIFEST_UNKNOWN", ""), false),
                Pass,
                None,
                Some(true),
            ),
            (
                "400 MANIFEST_INVALID, zero digest (Quay 3.13)",
                answer(error(400, "MANIFEST_INVALID", ""), false),
                Pass,
                None,
                Some(true),
            ),
            (
                "400 MANIFEST_UNKNOWN, zero digest",
                answer(error(400, "MANIFEST_UNKNOWN", ""), false),
                Pass,
                None,
                Some(true),
            ),
            (
                "404 MANIFEST_UNKNOWN, image seen",
                answer(error(404, "MANIFEST_UNKNOWN", ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "400 MANIFEST_INVALID, image seen",
                answer(error(400, "MANIFEST_INVALID", ""), true),
                Unknown,
                Some(Protocol),
                None,
            ),
            (
                "404 text (distribution)",
                answer(reply(404, TEXT, "404 page not found\n"), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "404 METHOD_UNKNOWN (ggcr)",
                answer(error(404, "METHOD_UNKNOWN", ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "400 UNSUPPORTED",
                answer(error(400, "UNSUPPORTED", ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "400 otherwise",
                answer(error(400, "DIGEST_INVALID", ""), true),
                Unknown,
                Some(Protocol),
                None,
            ),
            (
                "405",
                answer(reply(405, &[], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "406",
                answer(reply(406, &[], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "501",
                answer(reply(501, &[], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "303 (GHCR)",
                answer(reply(303, &[("location", "https://github.com/")], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "401 without challenge (Harbor 2.6)",
                answer(reply(401, &[], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "401 with an empty challenge",
                answer(reply(401, &[("www-authenticate", "")], ""), true),
                Warn,
                Some(Unsupported),
                Some(false),
            ),
            (
                "401 without challenge, no image",
                answer(reply(401, &[], ""), false),
                Unknown,
                Some(Forbidden),
                None,
            ),
            (
                "401 with a challenge",
                answer(reply(401, basic, ""), true),
                Unknown,
                Some(Forbidden),
                None,
            ),
            (
                "403",
                answer(error(403, "DENIED", ""), true),
                Unknown,
                Some(Forbidden),
                None,
            ),
            (
                "500",
                answer(reply(500, &[], ""), true),
                Unknown,
                Some(ServerError),
                None,
            ),
            (
                "418",
                answer(reply(418, &[], ""), true),
                Unknown,
                Some(Protocol),
                None,
            ),
        ];
        for (name, answer, status, reason, fact) in rows {
            let outcome = verdict(&answer);
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
    fn an_index_that_is_the_subject_itself_is_a_false_200() {
        let subject = Digest::of(EMPTY.as_bytes());
        let answer = Referrers {
            subject,
            ..answer(reply(200, INDEX, EMPTY), true)
        };
        assert_eq!(verdict(&answer).reason, Some(Reason::Unsupported));
    }

    #[test]
    fn the_count_is_that_of_the_pages_and_only_of_an_image_that_is_there() {
        let pages = Some(Pages {
            broken_off: false,
            count: 3,
            complete: false,
        });
        let seen = Referrers {
            pages,
            ..answer(reply(200, INDEX, EMPTY), true)
        };
        let outcome = verdict(&seen);
        assert!(outcome.facts.contains(&Fact::Referrers(3)));
        assert_eq!(
            outcome.evidence.value("referrers_count_complete"),
            Some(&false.into())
        );
        let unseen = verdict(&answer(reply(200, INDEX, EMPTY), false));
        assert!(
            !unseen
                .facts
                .iter()
                .any(|fact| matches!(fact, Fact::Referrers(_)))
        );
    }

    #[test]
    fn without_an_answer_nothing_is_said_of_the_api() {
        use Reason::*;
        for (refusal, status) in [
            (Refusal::Fatal(Tls, String::new()), Status::Fail),
            (Refusal::Broken(Timeout, String::new()), Status::Unknown),
            (Refusal::RateLimited(String::new()), Status::Unknown),
            (
                Refusal::Rejected(Unauthorized, String::new()),
                Status::Unknown,
            ),
        ] {
            let answer = Referrers {
                first: Err(refusal.clone()),
                ..answer(reply(200, INDEX, EMPTY), true)
            };
            let outcome = verdict(&answer);
            assert_eq!(outcome.status, status, "{refusal:?}");
            assert!(outcome.facts.is_empty(), "{refusal:?}");
        }
    }

    #[test]
    fn the_subject_is_the_image_or_zero_or_nobody() {
        let manifest = |stage, reply| Manifest {
            head: Ok(Got { stage, reply }),
            get: None,
            digest: Some(Digest::zero()),
            standing: Standing::Proven,
        };
        let of = |stage, reply| subject(&manifest(stage, reply)).map_err(|outcome| outcome.reason);
        assert_eq!(
            of(Stage::Registry, reply(200, &[], "")),
            Ok(Some(Digest::zero()))
        );
        assert_eq!(of(Stage::Registry, reply(404, &[], "")), Ok(None));
        assert_eq!(
            of(Stage::Registry, reply(403, &[], "")),
            Err(Some(Reason::Forbidden))
        );
        assert_eq!(
            of(Stage::Token, reply(401, &[], "")),
            Err(Some(Reason::Forbidden))
        );
        assert_eq!(
            of(Stage::Registry, reply(503, &[], "")),
            Err(Some(Reason::ServerError))
        );
        assert_eq!(
            of(Stage::Registry, reply(418, &[], "")),
            Err(Some(Reason::Protocol))
        );
    }
}
