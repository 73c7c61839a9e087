//! What each answer says of one capability: pure, with a table under each.

use std::time::Duration;

use crate::{
    client::{Chunks, Got, Mounted, Refusal, Stage, Upload},
    oci::ErrorBody,
    outcome::{Capability, Reason, Support},
};

/// One item of the matrix, found out or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Which.
    pub(super) capability: Capability,
    /// What was found out.
    pub(super) support: Support,
    /// Why it is unknown.
    pub(super) why: Option<(Reason, String)>,
    /// Time of its own request.
    pub(super) elapsed: Option<Duration>,
}

impl Item {
    /// An item that was found out.
    pub(super) fn new(capability: Capability, support: Support, elapsed: Option<Duration>) -> Self {
        Self {
            capability,
            support,
            why: None,
            elapsed,
        }
    }

    /// An item that was not.
    pub(super) fn unknown(capability: Capability, reason: Reason, message: &str) -> Self {
        Self {
            capability,
            support: Support::Unknown,
            why: Some((reason, message.to_owned())),
            elapsed: None,
        }
    }

    /// The evidence key that says why it is unknown.
    pub(super) fn note_key(&self) -> Option<&'static str> {
        match self.capability {
            Capability::DistributionVersion => None,
            Capability::ReferrersApi => Some("referrers_api_unknown"),
            Capability::ChunkedUpload => Some("chunked_upload_unknown"),
            Capability::CrossRepoMount => Some("cross_repo_mount_unknown"),
            Capability::ManifestDelete => Some("manifest_delete_unknown"),
            Capability::BlobDelete => Some("blob_delete_unknown"),
        }
    }
}

/// Items 3 to 6, unknown for one reason.
pub(super) fn all_unknown(reason: Reason, message: &str) -> Vec<Item> {
    WRITES
        .iter()
        .map(|capability| Item::unknown(*capability, reason, message))
        .collect()
}

/// Item 1: a version header. A front that refuses everybody may leave it out, so
/// its absence counts only where an answer was no refusal.
pub(super) fn distribution_version(version: Option<&str>, answered: bool) -> Item {
    let capability = Capability::DistributionVersion;
    match (version, answered) {
        (Some(_), _) => Item::new(capability, Support::Supported, None),
        (None, true) => Item::new(capability, Support::Unsupported, None),
        (None, false) => Item::unknown(capability, Reason::Forbidden, "every answer was a refusal"),
    }
}

/// Why nothing could be written, where the `POST` was not answered with 202.
pub(super) fn not_written(upload: &Upload) -> Option<(Reason, String)> {
    let got = match &upload.start {
        Ok(got) => got,
        Err(refusal) => return Some(refusal.reason()),
    };
    let reason = match (got.stage, got.reply.status) {
        (Stage::Registry, 202) => return None,
        (Stage::Registry, 405) => Reason::ReadOnly,
        (_, 401 | 403) => Reason::Forbidden,
        (_, 404) => Reason::NotFound,
        (_, 412 | 413 | 507) => Reason::Policy,
        (_, 500..=599) => Reason::ServerError,
        _ => Reason::Protocol,
    };
    Some((
        reason,
        format!("an upload is answered with {}", super::super::words(got)),
    ))
}

/// Item 3: two chunks, the second behind the first.
pub(super) fn chunked_upload(chunks: &Chunks) -> Item {
    let capability = Capability::ChunkedUpload;
    let (first, second) = (&chunks.first, &chunks.second);
    let last = second.as_ref().unwrap_or(first);
    let got = match last {
        Ok(got) => got,
        Err(refusal) => return refused(capability, refusal),
    };
    let elapsed = Some(got.reply.elapsed);
    match got.reply.status {
        200..=299 if second.is_some() && ends_early(got) => Item::unknown(
            capability,
            Reason::Protocol,
            "accepted, but the offset is not confirmed",
        ),
        200..=299 if second.is_some() => Item::new(capability, Support::Supported, elapsed),
        // Too small a chunk is a rule for chunks: ECR and Cloudsmith want 5 MiB.
        400..=499 if chunks.least_size_named || too_small(got) => {
            Item::new(capability, Support::Supported, elapsed)
        }
        404 | 405 | 501 => Item::new(capability, Support::Unsupported, elapsed),
        400 | 415 if ErrorBody::of(&got.reply).is_some() => {
            Item::new(capability, Support::Unsupported, elapsed)
        }
        _ => unnamed(capability, got),
    }
}

/// Item 4: a blob that is certainly there, mounted.
pub(super) fn cross_repo_mount(mounted: &Mounted) -> Item {
    let capability = Capability::CrossRepoMount;
    let got = match &mounted.answer {
        Ok(got) => got,
        Err(refusal) => return refused(capability, refusal),
    };
    let elapsed = Some(got.reply.elapsed);
    match (got.stage, got.reply.status) {
        (Stage::Registry, 201) => Item::new(capability, Support::Supported, elapsed),
        // Not satisfied, with a blob that is there: the registry opened an upload instead.
        (Stage::Registry, 202) => Item::new(capability, Support::Unsupported, elapsed),
        _ => unnamed(capability, got),
    }
}

/// Items 5 and 6: the answer to deleting what cannot exist.
pub(super) fn delete(capability: Capability, answer: &Result<Got, Refusal>) -> Item {
    let got = match answer {
        Ok(got) => got,
        Err(refusal) => return refused(capability, refusal),
    };
    let elapsed = Some(got.reply.elapsed);
    let body = ErrorBody::of(&got.reply);
    let says = |codes: &[&str]| {
        body.as_ref()
            .is_some_and(|body| codes.iter().any(|code| body.has_code(code)))
    };
    // Artifactory's errors: a status and words. An error that says nothing says nothing.
    let without_codes = body.as_ref().is_some_and(|body| {
        let mut entries = body.entries.iter();
        entries.all(|entry| {
            entry.code.is_none() && (entry.message.is_some() || entry.status.is_some())
        })
    });
    let support = match (got.stage, got.reply.status) {
        (Stage::Token, _) => Support::Unknown,
        // Gitea answers 202 to the delete of a blob that is not there.
        (_, 202) => Support::Supported,
        (_, 405) => Support::Unsupported,
        (_, 404) if says(&["METHOD_UNKNOWN", "UNSUPPORTED"]) => Support::Unsupported,
        (_, 404) if without_codes || says(&["MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NOT_FOUND"]) => {
            Support::Supported
        }
        (_, 400) if says(&["UNSUPPORTED"]) => Support::Unsupported,
        _ => Support::Unknown,
    };
    match support {
        Support::Unknown => unnamed(capability, got),
        support => Item::new(capability, support, elapsed),
    }
}

fn refused(capability: Capability, refusal: &Refusal) -> Item {
    let (reason, message) = refusal.reason();
    Item::unknown(capability, reason, &message)
}

/// Why an answer that no item names says nothing of it.
pub(super) fn reason(got: &Got) -> Reason {
    match got.reply.status {
        401 | 403 => Reason::Forbidden,
        500..=599 => Reason::ServerError,
        _ => Reason::Protocol,
    }
}

fn unnamed(capability: Capability, got: &Got) -> Item {
    let mut item = Item::unknown(
        capability,
        reason(got),
        &format!("answered with {}", super::super::words(got)),
    );
    item.elapsed = Some(got.reply.elapsed);
    item
}

/// Whether a `Range` that can be read ends before the ten bytes that were sent.
fn ends_early(got: &Got) -> bool {
    let Some(range) = got.reply.header("range") else {
        return false;
    };
    let bare = range.trim().trim_start_matches("bytes=");
    // Quay says `bytes=0--1` and Artifactory nothing: what cannot be read says nothing.
    bare.split_once('-')
        .and_then(|(_, end)| end.parse::<u64>().ok())
        .is_some_and(|end| end < 9)
}

fn too_small(got: &Got) -> bool {
    got.reply.header("oci-chunk-min-length").is_some()
        || ErrorBody::of(&got.reply).is_some_and(|body| {
            body.has_code("SIZE_INVALID") || body.says(&["too small", "toosmall", "minimum"])
        })
}

const WRITES: [Capability; 4] = [
    Capability::ChunkedUpload,
    Capability::CrossRepoMount,
    Capability::ManifestDelete,
    Capability::BlobDelete,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{
        Reply,
        testing::{error, reply},
    };
    use Support::{Supported, Unknown, Unsupported};

    #[expect(clippy::unnecessary_wraps, reason = "the type of the rows")]
    fn got(reply: Reply) -> Result<Got, Refusal> {
        Ok(Got {
            stage: Stage::Registry,
            reply,
        })
    }

    fn limited() -> Result<Got, Refusal> {
        Err(Refusal::RateLimited(String::new()))
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn two_chunks() {
        let taken = || got(reply(202, &[("range", "0-4")], ""));
        let both = |second| Chunks {
            first: taken(),
            second: Some(second),
            least_size_named: false,
        };
        let first = |answer| Chunks {
            first: answer,
            second: None,
            least_size_named: false,
        };
        let ranged = |range| both(got(reply(202, &[("range", range)], "")));
        for (name, chunks, expected) in [
            ("both taken, to the end", ranged("0-9"), Supported),
            (
                "both taken, to the end, with a unit",
                ranged("bytes=0-9"),
                Supported,
            ),
            (
                "both taken, no range (Artifactory)",
                both(got(reply(202, &[], ""))),
                Supported,
            ),
            (
                "both taken, 201 (ECR)",
                both(got(reply(201, &[], ""))),
                Supported,
            ),
            (
                "both taken, a range that cannot be read (Quay)",
                ranged("bytes=0--1"),
                Supported,
            ),
            ("overwritten (GHCR)", ranged("0-4"), Unknown),
            (
                "too small, by header",
                Chunks {
                    least_size_named: true,
                    ..first(got(reply(400, &[], "")))
                },
                Supported,
            ),
            (
                "too small, by code",
                first(got(error(400, "SIZE_INVALID", ""))),
                Supported,
            ),
            (
                "too small, by words (ECR)",
                first(got(error(405, "X", "LayerPartTooSmall"))),
                Supported,
            ),
            ("405", first(got(reply(405, &[], ""))), Unsupported),
            ("404", first(got(reply(404, &[], ""))), Unsupported),
            ("501", first(got(reply(501, &[], ""))), Unsupported),
            (
                "400 with a registry's error (GAR)",
                first(got(error(400, "UNSUPPORTED", ""))),
                Unsupported,
            ),
            ("400 without", first(got(reply(400, &[], "bad"))), Unknown),
            (
                "the second 416",
                both(got(error(416, "RANGE_INVALID", ""))),
                Unknown,
            ),
            ("403", first(got(error(403, "DENIED", ""))), Unknown),
            ("429", first(limited()), Unknown),
            ("500", first(got(reply(500, &[], ""))), Unknown),
        ] {
            assert_eq!(chunked_upload(&chunks).support, expected, "{name}");
        }
    }

    #[test]
    fn a_version_header() {
        assert_eq!(
            distribution_version(Some("registry/2.0"), false).support,
            Supported
        );
        assert_eq!(distribution_version(None, true).support, Unsupported);
        assert_eq!(distribution_version(None, false).support, Unknown);
    }

    #[test]
    fn a_mount() {
        for (name, answer, expected) in [
            ("201", got(reply(201, &[], "")), Supported),
            ("202: not satisfied", got(reply(202, &[], "")), Unsupported),
            ("401", got(error(401, "UNAUTHORIZED", "")), Unknown),
            ("405", got(reply(405, &[], "")), Unknown),
            ("429", limited(), Unknown),
        ] {
            let mounted = Mounted { answer, end: None };
            assert_eq!(cross_repo_mount(&mounted).support, expected, "{name}");
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn a_delete_of_nothing() {
        let without_codes = reply(
            404,
            &[],
            r#"{"errors":[{"status":404,"message":"not found"}]}"#,
        );
        for (name, answer, expected) in [
            (
                "404 MANIFEST_UNKNOWN",
                got(error(404, "MANIFEST_UNKNOWN", "")),
                Supported,
            ),
            (
                "404 BLOB_UNKNOWN",
                got(error(404, "BLOB_UNKNOWN", "")),
                Supported,
            ),
            (
                "404 NOT_FOUND (Harbor)",
                got(error(404, "NOT_FOUND", "")),
                Supported,
            ),
            (
                "404 without codes (Artifactory)",
                got(without_codes),
                Supported,
            ),
            ("202 (Gitea)", got(reply(202, &[], "")), Supported),
            ("405", got(reply(405, &[], "")), Unsupported),
            (
                "400 UNSUPPORTED",
                got(error(400, "UNSUPPORTED", "")),
                Unsupported,
            ),
            (
                "404 METHOD_UNKNOWN",
                got(error(404, "METHOD_UNKNOWN", "")),
                Unsupported,
            ),
            (
                "404 UNSUPPORTED",
                got(error(404, "UNSUPPORTED", "")),
                Unsupported,
            ),
            (
                "404 NAME_UNKNOWN (ggcr)",
                got(error(404, "NAME_UNKNOWN", "")),
                Unknown,
            ),
            (
                "400 NAME_UNKNOWN (zot)",
                got(error(400, "NAME_UNKNOWN", "")),
                Unknown,
            ),
            (
                "404 with errors that say nothing",
                got(reply(404, &[], r#"{"errors":[{"code":[],"message":7}]}"#)),
                Unknown,
            ),
            (
                "404 text (old ECR)",
                got(reply(404, &[], "404 page not found")),
                Unknown,
            ),
            ("401", got(error(401, "UNAUTHORIZED", "")), Unknown),
            ("500 (ggcr)", got(reply(500, &[], "")), Unknown),
            ("429", limited(), Unknown),
        ] {
            let item = delete(Capability::BlobDelete, &answer);
            assert_eq!(item.support, expected, "{name}");
            assert_eq!(item.why.is_some(), expected == Unknown, "{name}");
        }
        let refused = Ok(Got {
            stage: Stage::Token,
            reply: error(401, "UNAUTHORIZED", ""),
        });
        assert_eq!(delete(Capability::BlobDelete, &refused).support, Unknown);
    }

    #[test]
    fn why_nothing_was_written() {
        let upload = |start| Upload {
            start,
            chunks: None,
            end: None,
        };
        let why = |start| not_written(&upload(start)).map(|(reason, _)| reason);
        assert_eq!(why(got(reply(202, &[], ""))), None);
        assert_eq!(why(got(reply(405, &[], ""))), Some(Reason::ReadOnly));
        assert_eq!(why(got(error(403, "DENIED", ""))), Some(Reason::Forbidden));
        assert_eq!(why(limited()), Some(Reason::RateLimited));
        assert_eq!(why(got(reply(503, &[], ""))), Some(Reason::ServerError));
    }
}
