//! Blobs (end-2, 10).

use super::Registry;
use crate::log::Operation;
use crate::profile::Refusal;
use crate::reply::{self, Answer};
use crate::state;

impl Registry<'_> {
    pub(super) fn blob(&mut self, operation: Operation, name: &str, digest: &str) -> Answer {
        if !state::is_digest(digest) {
            return reply::refusal(
                self.profile,
                Refusal::new(400, "DIGEST_INVALID", "invalid digest"),
            );
        }
        match operation {
            Operation::BlobHead | Operation::BlobGet => self.read_blob(name, digest),
            Operation::BlobDelete => self.delete_blob(name, digest),
            _ => self.method_not_allowed(),
        }
    }

    fn read_blob(&self, name: &str, digest: &str) -> Answer {
        let blob = self
            .state
            .repository(name)
            .and_then(|repository| repository.blobs.get(digest));
        let Some(blob) = blob else {
            return reply::refusal(
                self.profile,
                Refusal::new(404, "BLOB_UNKNOWN", "blob unknown to registry"),
            );
        };
        let mut answer = reply::answer(200, "application/octet-stream", blob.clone());
        reply::set(answer.headers_mut(), "docker-content-digest", digest);
        reply::set(answer.headers_mut(), "etag", &format!("\"{digest}\""));
        answer
    }

    fn delete_blob(&mut self, name: &str, digest: &str) -> Answer {
        let deletes = self.profile.deletes;
        if let Some(refusal) = deletes.blobs {
            let mut answer = reply::refusal(self.profile, refusal);
            if let Some(allow) = deletes.blob_allow {
                reply::set(answer.headers_mut(), "allow", allow);
            }
            return answer;
        }
        let repository = self.state.repositories.get_mut(name);
        match repository.and_then(|repository| repository.blobs.remove(digest)) {
            Some(_) => reply::empty(202),
            None => reply::refusal(self.profile, deletes.unknown_blob),
        }
    }
}
