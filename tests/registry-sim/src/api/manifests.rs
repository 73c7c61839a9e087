//! Manifests and tags (end-3, 7, 8, 9).

use serde_json::{Value, json};

use super::{Call, Registry};
use crate::log::Operation;
use crate::profile::{PullLimit, Referrers, Refusal, Tags};
use crate::reply::{self, Answer};
use crate::state;

impl Registry<'_> {
    pub(super) fn manifest(
        &mut self,
        call: &Call,
        operation: Operation,
        name: &str,
        reference: &str,
    ) -> Answer {
        match operation {
            Operation::ManifestHead | Operation::ManifestGet => {
                let left = self.spend(operation);
                let mut answer = match left {
                    Some(0) if operation == Operation::ManifestGet => pull_limit_reached(self),
                    _ => self.read_manifest(call, name, reference),
                };
                self.announce(&mut answer);
                answer
            }
            Operation::ManifestPut => self.put_manifest(call, name, reference),
            Operation::ManifestDelete => self.delete_manifest(name, reference),
            _ => self.method_not_allowed(),
        }
    }

    pub(super) fn tags(&self, call: &Call, name: &str) -> Answer {
        let Some(repository) = self.state.repository(name) else {
            let Some(refusal) = self.profile.manifests.tags_of_nothing else {
                return reply::json(self.profile, 200, &json!({"name": name, "tags": []}));
            };
            return reply::refusal_with(
                self.profile,
                refusal,
                refusal.message,
                &json!({"name": name}),
            );
        };
        let last = call.parameter("last").unwrap_or_default();
        let limit = call
            .parameter("n")
            .and_then(|n| n.parse().ok())
            .filter(|_| self.profile.manifests.tags != Tags::All)
            .unwrap_or(usize::MAX);
        let rest: Vec<&String> = repository.tags.keys().filter(|tag| **tag > last).collect();
        let page: Vec<&String> = rest.iter().copied().take(limit).collect();
        let mut answer = reply::json(self.profile, 200, &json!({"name": name, "tags": page}));
        let full = self.profile.manifests.tags == Tags::PagedWhenFull && page.len() == limit;
        let more = page.len() < rest.len() && self.profile.manifests.tags != Tags::Cut;
        if let (true, Some(last)) = (full || more, page.last()) {
            let link = format!("</v2/{name}/tags/list?last={last}&n={limit}>; rel=\"next\"");
            reply::set(answer.headers_mut(), "link", &link);
        }
        answer
    }

    fn read_manifest(&self, call: &Call, name: &str, reference: &str) -> Answer {
        let Some(repository) = self.state.repository(name) else {
            return reply::refusal(self.profile, self.profile.manifests.unknown_repository);
        };
        let unknown = self.profile.manifests.unknown;
        let subject = self.profile.manifests.referrers_tag_is_subject;
        let untagged = subject.then(|| reference.replacen('-', ":", 1));
        let found = repository
            .find(reference)
            .or_else(|| repository.find(untagged.as_deref()?));
        let Some((digest, manifest)) = found else {
            let detail = if state::is_digest(reference) {
                Value::Null
            } else {
                json!({"Tag": reference})
            };
            return reply::refusal_with(self.profile, unknown, unknown.message, &detail);
        };
        if self.profile.manifests.accept_decides && !accepts(call, &manifest.media_type) {
            let kind = if manifest.media_type.contains("index") {
                "OCI index"
            } else {
                "OCI manifest"
            };
            let message = format!("{kind} found, but accept header does not support {kind}s");
            return reply::refusal_with(self.profile, unknown, &message, &Value::Null);
        }
        let mut answer = reply::answer(200, &manifest.media_type, manifest.bytes.clone());
        let headers = answer.headers_mut();
        if self.profile.manifests.digest_on_get || call.operation == Operation::ManifestHead {
            reply::set(headers, "docker-content-digest", digest);
            reply::set(headers, "etag", &format!("\"{digest}\""));
        }
        answer
    }

    fn put_manifest(&mut self, call: &Call, name: &str, reference: &str) -> Answer {
        let Ok(json) = serde_json::from_slice::<Value>(&call.body) else {
            return reply::refusal(
                self.profile,
                Refusal::new(400, "MANIFEST_INVALID", "manifest invalid"),
            );
        };
        let by_digest = state::is_digest(reference);
        if by_digest && !state::has_digest(&call.body, reference) {
            return reply::refusal(self.profile, DIGEST_INVALID);
        }
        let media_type = call
            .header("content-type")
            .or_else(|| json["mediaType"].as_str())
            .unwrap_or("application/vnd.oci.image.manifest.v1+json");
        let repository = self.state.repository_mut(name);
        if let Some(missing) = missing_blob(&json, repository) {
            let refusal = Refusal::new(404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry");
            return reply::refusal_with(
                self.profile,
                refusal,
                refusal.message,
                &json!({"Digest": missing}),
            );
        }
        let tag = (!by_digest).then_some(reference);
        let digest = repository.put(tag, media_type, call.body.clone());
        let mut answer = reply::empty(201);
        let headers = answer.headers_mut();
        reply::set(
            headers,
            "location",
            &format!("{}/v2/{name}/manifests/{digest}", call.origin),
        );
        reply::set(headers, "docker-content-digest", &digest);
        if let (Referrers::Native(_), Some(subject)) = (
            self.profile.referrers,
            json["subject"]["digest"]
                .as_str()
                .filter(|text| state::is_digest(text)),
        ) {
            reply::set(headers, "oci-subject", subject);
        }
        answer
    }

    fn delete_manifest(&mut self, name: &str, reference: &str) -> Answer {
        let deletes = self.profile.deletes;
        let by_digest = state::is_digest(reference);
        let refused = if by_digest {
            deletes.manifests
        } else {
            deletes.tags
        };
        if let Some(refusal) = refused {
            return reply::refusal(self.profile, refusal);
        }
        let Some(repository) = self.state.repositories.get_mut(name) else {
            return reply::refusal(self.profile, deletes.unknown_repository);
        };
        let gone = if by_digest {
            repository.remove(reference)
                || (deletes.blob_as_manifest && repository.blobs.remove(reference).is_some())
        } else {
            repository.tags.remove(reference).is_some()
        };
        if gone {
            reply::empty(202)
        } else {
            reply::refusal(self.profile, self.profile.manifests.unknown)
        }
    }

    /// Counts a GET against the pull limit; the rest that was left before it.
    fn spend(&mut self, operation: Operation) -> Option<u32> {
        self.profile.pull_limit?;
        let before = *self.pulls_left;
        if operation == Operation::ManifestGet {
            *self.pulls_left = before.saturating_sub(1);
        }
        Some(before)
    }

    fn announce(&self, answer: &mut Answer) {
        let Some(PullLimit {
            limit,
            window_seconds,
            source,
            ..
        }) = self.profile.pull_limit
        else {
            return;
        };
        let headers = answer.headers_mut();
        reply::set(
            headers,
            "ratelimit-limit",
            &format!("{limit};w={window_seconds}"),
        );
        reply::set(
            headers,
            "ratelimit-remaining",
            &format!("{};w={window_seconds}", self.pulls_left),
        );
        reply::set(headers, "docker-ratelimit-source", source);
    }
}

/// Docker Hub's pull limit (docs); what HEAD gets then is unknown.
fn pull_limit_reached(registry: &Registry<'_>) -> Answer {
    reply::refusal(
        registry.profile,
        Refusal::new(
            429,
            "TOOMANYREQUESTS",
            "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        ),
    )
}

/// Whether an `Accept` names this type or all types.
fn accepts(call: &Call, media_type: &str) -> bool {
    call.headers
        .get_all("accept")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|part| part.split(';').next().unwrap_or_default().trim() == media_type)
        })
}

/// The first blob or manifest that a manifest names and the repository lacks.
/// The subject may be missing (end-7).
fn missing_blob(manifest: &Value, repository: &state::Repository) -> Option<String> {
    let list = |field: &str| manifest[field].as_array().cloned().unwrap_or_default();
    let blobs = list("layers")
        .into_iter()
        .chain([manifest["config"].clone()]);
    let missing_blob = blobs
        .filter_map(|descriptor| descriptor["digest"].as_str().map(str::to_owned))
        .find(|digest| !repository.blobs.contains_key(digest));
    missing_blob.or_else(|| {
        list("manifests")
            .into_iter()
            .filter_map(|descriptor| descriptor["digest"].as_str().map(str::to_owned))
            .find(|digest| !repository.manifests.contains_key(digest))
    })
}

const DIGEST_INVALID: Refusal = Refusal::new(
    400,
    "DIGEST_INVALID",
    "provided digest did not match uploaded content",
);
