//! The referrers of a digest (end-12).

use http::Method;
use serde_json::{Value, json};

use super::{Call, Registry};
use crate::profile::{NativeReferrers, Referrers, Refusal, UnknownSubject};
use crate::reply::{self, Answer};
use crate::state;

impl Registry<'_> {
    pub(super) fn referrers(&self, call: &Call, name: &str, digest: &str) -> Answer {
        match self.profile.referrers {
            Referrers::Native(native) => self.native(call, native, name, digest),
            Referrers::NoRoute => reply::page_not_found(),
            Referrers::Refused(refusal) => {
                let mut answer = reply::refusal(self.profile, refusal);
                // What ggcr does not know it answers as it does `/v2/`.
                if refusal.code == "METHOD_UNKNOWN" {
                    for (name, value) in self.profile.wire.ping.headers {
                        reply::set(answer.headers_mut(), name, value);
                    }
                }
                answer
            }
            Referrers::Redirect(status, location) => {
                reply::moved(status, &location.replace("{name}", name))
            }
        }
    }

    fn native(&self, call: &Call, native: NativeReferrers, name: &str, digest: &str) -> Answer {
        if native.head_refused && call.method == Method::HEAD {
            return self.method_not_allowed();
        }
        if !state::is_digest(digest) {
            return reply::refusal(
                self.profile,
                Refusal::new(400, "DIGEST_INVALID", "invalid digest"),
            );
        }
        let repository = self.state.repository(name);
        let mut entries = repository
            .map(|known| known.referrers(digest))
            .unwrap_or_default();
        let known = repository.is_some_and(|known| known.manifests.contains_key(digest));
        if entries.is_empty() && !known {
            match native.unknown_subject {
                UnknownSubject::EmptyIndex => {}
                UnknownSubject::EmptyObject => return reply::answer(200, native.media_type, "{}"),
                UnknownSubject::Refused(refusal) => return reply::refusal(self.profile, refusal),
            }
        }
        let wanted = call.parameter("artifactType").filter(|_| native.filters);
        if let Some(wanted) = &wanted {
            entries.retain(|entry| entry["artifactType"] == wanted.as_str());
        }
        let mut answer = page(call, native, name, digest, &entries);
        if native.total_count {
            let count = entries.len().to_string();
            reply::set(answer.headers_mut(), "x-total-count", &count);
        }
        if wanted.is_some() {
            reply::set(answer.headers_mut(), "oci-filters-applied", "artifactType");
        }
        answer
    }
}

/// The page that the request asks for, with a `Link` to the next.
fn page(
    call: &Call,
    native: NativeReferrers,
    name: &str,
    digest: &str,
    entries: &[Value],
) -> Answer {
    let size = native.page.unwrap_or(usize::MAX).max(1);
    let start = call.parameter("last").map_or(0, |last| {
        entries
            .iter()
            .position(|entry| entry["digest"] == last.as_str())
            .map_or(0, |at| at + 1)
    });
    let repeated = usize::from(native.overlaps && start > 0);
    let (from, size) = (start - repeated, size + repeated);
    let page: Vec<&Value> = entries.iter().skip(from).take(size).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": page});
    let mut answer = reply::answer(native.status, native.media_type, index.to_string());
    let next = page.last().filter(|_| from + page.len() < entries.len());
    if let Some(last) = next.and_then(|entry| entry["digest"].as_str()) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(wanted) = call.parameter("artifactType") {
            query.append_pair("artifactType", &wanted);
        }
        query.append_pair("last", last);
        let link = format!(
            "</v2/{name}/referrers/{digest}?{}>; rel=\"next\"",
            query.finish()
        );
        reply::set(answer.headers_mut(), "link", &link);
    }
    answer
}

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
