//! Upload sessions and mounts (end-4, 5, 6, 11, 14).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Call, Registry};
use crate::log::Operation;
use crate::profile::{Chunks, MissingRepository, Mount, Ranges, Refusal};
use crate::reply::{self, Answer};
use crate::state;

impl Registry<'_> {
    /// POST: a whole blob (`digest`), a mount, or a new session.
    pub(super) fn start(&mut self, call: &Call, name: &str) -> Answer {
        if self.state.repository(name).is_none() {
            match self.profile.uploads.missing_repository {
                MissingRepository::Opens => {}
                MissingRepository::Creates | MissingRepository::CreatesForAnybody => {
                    self.state.repository_mut(name);
                }
                MissingRepository::Refused(refusal) => {
                    return reply::refusal(self.profile, refusal);
                }
            }
        }
        if let Some(digest) = call.parameter("mount") {
            if self.mountable(call.parameter("from").as_deref(), &digest) {
                return self.mount(call, name, &digest);
            }
        } else if let Some(digest) = call.parameter("digest") {
            return self.store(call, name, &digest, call.body.to_vec());
        }
        let id = self.state.open(name);
        let mut answer = reply::empty(202);
        self.describe(call, &mut answer, name, &id, 0);
        match self.profile.uploads.range {
            Some(range) => reply::set(answer.headers_mut(), "range", range),
            None => {
                answer.headers_mut().remove("range");
            }
        }
        answer
    }

    /// Anything at the session's own URL.
    pub(super) fn upload(
        &mut self,
        call: &Call,
        operation: Operation,
        name: &str,
        id: &str,
    ) -> Answer {
        if let (Operation::UploadCancel | Operation::UploadStatus, Some(refusal)) =
            (operation, self.profile.uploads.cancel_refused)
        {
            return reply::refusal(self.profile, refusal);
        }
        if let Err(refusal) = self.resume(call, name, id) {
            return reply::refusal_with(self.profile, refusal, refusal.message, &json!({}));
        }
        match operation {
            Operation::UploadStatus => {
                let mut answer = reply::empty(204);
                let size = self.session_size(name, id);
                self.describe(call, &mut answer, name, id, size);
                answer
            }
            Operation::UploadPatch => self.patch(call, name, id),
            Operation::UploadPut => self.finish(call, name, id),
            Operation::UploadCancel => {
                self.state.cancel(id);
                let mut answer = reply::empty(204);
                let uploads = self.profile.uploads;
                if let Some(header) = uploads.id_header.filter(|_| uploads.cancel_names_session) {
                    reply::set(answer.headers_mut(), header, id);
                }
                answer
            }
            _ => self.method_not_allowed(),
        }
    }

    /// Whether the session is there, and the state in its URL is the latest
    /// one. Distribution drops a session asked for with a stale state
    /// (source: `blobupload.go`, `ResumeBlobUpload`).
    fn resume(&mut self, call: &Call, name: &str, id: &str) -> Result<(), Refusal> {
        let stateful = self.profile.uploads.location.contains("{state}");
        let offset = if stateful {
            Some(
                call.parameter("_state")
                    .and_then(|text| offset(&text, name, id))
                    .ok_or(UPLOAD_INVALID)?,
            )
        } else {
            None
        };
        let Some(session) = self.state.session(name, id) else {
            return Err(UPLOAD_UNKNOWN);
        };
        if offset.is_some_and(|offset| offset != session.data.len()) {
            self.state.cancel(id);
            return Err(UPLOAD_INVALID);
        }
        Ok(())
    }

    fn patch(&mut self, call: &Call, name: &str, id: &str) -> Answer {
        let size = self.session_size(name, id);
        let status = match self.profile.uploads.chunks {
            Chunks::AtLeast(least, _, refusal) if call.body.len() < least => {
                return reply::refusal(self.profile, refusal);
            }
            Chunks::Refused(refusal) => return reply::refusal(self.profile, refusal),
            Chunks::AnyOrder(status) | Chunks::AtLeast(_, status, _) => status,
            Chunks::Overwrites(status) => {
                if let Some(session) = self.state.session(name, id) {
                    session.data.clear();
                }
                status
            }
            Chunks::InOrder(status, code) => {
                if call
                    .header("content-range")
                    .is_some_and(|range| !follows(range, size))
                {
                    let refusal = Refusal::new(416, code, "chunk out of order");
                    return reply::refusal(self.profile, refusal);
                }
                status
            }
        };
        let (held, first) = match self.state.session(name, id) {
            Some(session) => {
                session.data.extend_from_slice(&call.body);
                let first = *session.first_chunk.get_or_insert(call.body.len());
                (session.data.len(), first)
            }
            None => (0, 0),
        };
        let mut answer = reply::empty(status);
        self.describe(call, &mut answer, name, id, held);
        let last = held.saturating_sub(1);
        let range = match self.profile.uploads.ranges {
            Ranges::FromZero => format!("0-{last}"),
            Ranges::Sticks => format!("0-{}", first.saturating_sub(1)),
            Ranges::OfTheChunk => format!("{}-{last}", held.saturating_sub(call.body.len())),
        };
        reply::set(answer.headers_mut(), "range", &range);
        answer
    }

    fn finish(&mut self, call: &Call, name: &str, id: &str) -> Answer {
        let Some(digest) = call
            .parameter("digest")
            .filter(|text| state::is_digest(text))
        else {
            let refusal = Refusal::new(400, "DIGEST_INVALID", "digest missing or malformed");
            return reply::refusal(self.profile, refusal);
        };
        let mut data = self
            .state
            .complete(id)
            .map(|session| session.data)
            .unwrap_or_default();
        data.extend_from_slice(&call.body);
        self.store(call, name, &digest, data)
    }

    fn store(&mut self, call: &Call, name: &str, digest: &str, data: Vec<u8>) -> Answer {
        if !state::has_digest(&data, digest) {
            let refusal = Refusal::new(
                400,
                "DIGEST_INVALID",
                "provided digest did not match uploaded content",
            );
            return reply::refusal(self.profile, refusal);
        }
        self.state
            .repository_mut(name)
            .blobs
            .insert(digest.to_owned(), Bytes::from(data));
        created(call, name, digest)
    }

    fn mountable(&self, from: Option<&str>, digest: &str) -> bool {
        let holds = |name: &str| {
            self.state
                .repository(name)
                .is_some_and(|repository| repository.blobs.contains_key(digest))
        };
        match self.profile.mount {
            Mount::Never => false,
            Mount::FromRepository => from.is_some_and(holds),
            Mount::FromAnywhere => self.state.repositories.keys().any(|name| holds(name)),
        }
    }

    fn mount(&mut self, call: &Call, name: &str, digest: &str) -> Answer {
        let blob = self
            .state
            .repositories
            .values()
            .find_map(|known| known.blobs.get(digest))
            .cloned();
        if let Some(blob) = blob {
            self.state
                .repository_mut(name)
                .blobs
                .insert(digest.to_owned(), blob);
        }
        created(call, name, digest)
    }

    fn session_size(&mut self, name: &str, id: &str) -> usize {
        self.state
            .session(name, id)
            .map_or(0, |session| session.data.len())
    }

    /// Location, range and id, as on every answer about a session.
    fn describe(&self, call: &Call, answer: &mut Answer, name: &str, id: &str, size: usize) {
        let uploads = &self.profile.uploads;
        let location = uploads
            .location
            .replace("{origin}", &call.origin)
            .replace("{name}", name)
            .replace("{id}", id)
            .replace("{state}", &state_of(name, id, size));
        let headers = answer.headers_mut();
        reply::set(headers, "location", &location);
        reply::set(headers, "range", &format!("0-{}", size.saturating_sub(1)));
        if let Some(header) = uploads.id_header {
            reply::set(headers, header, id);
        }
        if let Some(length) = uploads.chunk_min_length {
            reply::set(headers, "oci-chunk-min-length", &length.to_string());
        }
    }
}

fn created(call: &Call, name: &str, digest: &str) -> Answer {
    let mut answer = reply::empty(201);
    reply::set(
        answer.headers_mut(),
        "location",
        &format!("{}/v2/{name}/blobs/{digest}", call.origin),
    );
    reply::set(answer.headers_mut(), "docker-content-digest", digest);
    answer
}

/// The state in a session's URL: what distribution puts there, without a MAC.
fn state_of(name: &str, id: &str, size: usize) -> String {
    URL_SAFE_NO_PAD.encode(json!({"Name": name, "UUID": id, "Offset": size}).to_string())
}

/// The offset in a state, if it belongs to this session.
fn offset(state: &str, name: &str, id: &str) -> Option<usize> {
    let json: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(state).ok()?).ok()?;
    let belongs = json["Name"] == name && json["UUID"] == id;
    json["Offset"]
        .as_u64()
        .filter(|_| belongs)
        .and_then(|offset| usize::try_from(offset).ok())
}

/// Whether a `Content-Range` (`<start>-<end>`, end-5) begins where the session
/// ends.
fn follows(range: &str, size: usize) -> bool {
    range
        .split_once('-')
        .and_then(|(start, _)| start.trim().parse().ok())
        == Some(size)
}

const UPLOAD_INVALID: Refusal = Refusal::new(404, "BLOB_UPLOAD_INVALID", "blob upload invalid");
const UPLOAD_UNKNOWN: Refusal = Refusal::new(
    404,
    "BLOB_UPLOAD_UNKNOWN",
    "blob upload unknown to registry",
);
