//! What a registry holds: repositories and upload sessions.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

/// Everything a registry holds.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) repositories: BTreeMap<String, Repository>,
    sessions: HashMap<String, Session>,
    pub(crate) tally: Sessions,
}

/// Upload sessions over the simulator's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Opened by POST.
    pub opened: u64,
    /// Ended by DELETE.
    pub cancelled: u64,
    /// Ended by PUT.
    pub completed: u64,
}

/// One repository.
#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) manifests: BTreeMap<String, Manifest>,
    /// In the order of their arrival, as referrers are listed.
    order: Vec<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) blobs: BTreeMap<String, Bytes>,
}

/// One manifest.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
    pub(crate) subject: Option<String>,
    artifact_type: Option<String>,
    annotations: Value,
}

/// One upload.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) repository: String,
    pub(crate) data: Vec<u8>,
    /// Bytes of the first chunk.
    pub(crate) first_chunk: Option<usize>,
}

impl State {
    pub(crate) fn repository(&self, name: &str) -> Option<&Repository> {
        self.repositories.get(name)
    }

    pub(crate) fn repository_mut(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }

    /// Whether the name's first segment holds a repository.
    pub(crate) fn has_project(&self, name: &str) -> bool {
        let project = name.split('/').next().unwrap_or_default();
        self.repositories
            .keys()
            .any(|known| known.split('/').next() == Some(project))
    }

    /// Opens a session and says its id.
    pub(crate) fn open(&mut self, repository: &str) -> String {
        self.tally.opened += 1;
        let id = unique_id();
        let session = Session {
            repository: repository.to_owned(),
            data: Vec::new(),
            first_chunk: None,
        };
        self.sessions.insert(id.clone(), session);
        id
    }

    pub(crate) fn session(&mut self, repository: &str, id: &str) -> Option<&mut Session> {
        self.sessions
            .get_mut(id)
            .filter(|session| session.repository == repository)
    }

    /// Ends a session by DELETE.
    pub(crate) fn cancel(&mut self, id: &str) {
        if self.sessions.remove(id).is_some() {
            self.tally.cancelled += 1;
        }
    }

    /// Ends a session by PUT and hands out what it holds.
    pub(crate) fn complete(&mut self, id: &str) -> Option<Session> {
        let session = self.sessions.remove(id);
        self.tally.completed += u64::from(session.is_some());
        session
    }

    pub(crate) fn open_sessions(&self) -> usize {
        self.sessions.len()
    }
}

impl Repository {
    /// Stores a manifest under its digest, and under the tag where one is
    /// given; hands out the digest.
    pub(crate) fn put(&mut self, tag: Option<&str>, media_type: &str, bytes: Bytes) -> String {
        let digest = sha256(&bytes);
        let manifest = Manifest::read(media_type, bytes);
        if self.manifests.insert(digest.clone(), manifest).is_none() {
            self.order.push(digest.clone());
        }
        if let Some(tag) = tag {
            self.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    /// The manifest that a tag or digest names, with its digest.
    pub(crate) fn find(&self, reference: &str) -> Option<(&str, &Manifest)> {
        let digest = self.tags.get(reference).map_or(reference, String::as_str);
        self.manifests
            .get_key_value(digest)
            .map(|(digest, manifest)| (digest.as_str(), manifest))
    }

    /// Removes a manifest and the tags on it.
    pub(crate) fn remove(&mut self, digest: &str) -> bool {
        self.tags.retain(|_, tagged| tagged != digest);
        self.order.retain(|known| known != digest);
        self.manifests.remove(digest).is_some()
    }

    /// The descriptors of the manifests whose subject is this digest.
    pub(crate) fn referrers(&self, subject: &str) -> Vec<Value> {
        self.order
            .iter()
            .filter_map(|digest| Some((digest, self.manifests.get(digest)?)))
            .filter(|(_, manifest)| manifest.subject.as_deref() == Some(subject))
            .map(|(digest, manifest)| manifest.descriptor(digest))
            .collect()
    }
}

impl Manifest {
    fn read(media_type: &str, bytes: Bytes) -> Self {
        let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            media_type: media_type.to_owned(),
            subject: text(&json["subject"]["digest"]),
            // The type of the config stands in where there is none (end-12a).
            artifact_type: text(&json["artifactType"])
                .or_else(|| text(&json["config"]["mediaType"])),
            annotations: json["annotations"].clone(),
            bytes,
        }
    }

    pub(crate) fn descriptor(&self, digest: &str) -> Value {
        let mut descriptor = json!({
            "mediaType": self.media_type,
            "digest": digest,
            "size": self.bytes.len(),
        });
        if let Some(artifact_type) = &self.artifact_type {
            descriptor["artifactType"] = json!(artifact_type);
        }
        if self.annotations.is_object() {
            descriptor["annotations"] = self.annotations.clone();
        }
        descriptor
    }
}

/// `sha256:<hex>` of these bytes.
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Whether these bytes have that digest.
pub(crate) fn has_digest(bytes: &[u8], digest: &str) -> bool {
    match digest.split_once(':') {
        Some(("sha256", _)) => sha256(bytes) == digest,
        Some(("sha512", encoded)) => hex(&Sha512::digest(bytes)) == encoded,
        _ => false,
    }
}

/// Whether the text is a digest of a registered algorithm.
pub(crate) fn is_digest(text: &str) -> bool {
    let length = match text.split_once(':') {
        Some(("sha256", encoded)) => (encoded, 64),
        Some(("sha512", encoded)) => (encoded, 128),
        _ => return false,
    };
    length.0.len() == length.1
        && length
            .0
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// A word that was never handed out before, in the shape of a UUID.
pub(crate) fn unique_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let word = hex(&Sha256::digest(format!(
        "registry-sim {} {number}",
        std::process::id()
    )));
    format!(
        "{}-{}-4{}-8{}-{}",
        &word[..8],
        &word[8..12],
        &word[12..15],
        &word[15..18],
        &word[18..30]
    )
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_known_by_algorithm_length_and_alphabet() {
        assert!(is_digest(&sha256(b"x")));
        assert!(is_digest(&format!("sha512:{}", "0".repeat(128))));
        for wrong in [
            "latest",
            "sha256:00",
            "md5:00",
            &sha256(b"x").to_uppercase(),
        ] {
            assert!(!is_digest(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_cancelled_session_is_gone() {
        let mut state = State::default();
        let id = state.open("a");
        assert!(
            state.session("b", &id).is_none(),
            "a session belongs to its repository"
        );
        assert!(state.session("a", &id).is_some());
        state.cancel(&id);
        state.cancel(&id);
        assert!(state.session("a", &id).is_none());
        assert_eq!(
            state.tally,
            Sessions {
                opened: 1,
                cancelled: 1,
                completed: 0
            }
        );
    }

    #[test]
    fn removing_a_manifest_removes_its_tags_and_its_place_among_referrers() {
        let mut repository = Repository::default();
        let subject = repository.put(Some("latest"), "m", Bytes::from_static(b"{}"));
        let referrer = json!({"subject": {"digest": subject}, "artifactType": "t"}).to_string();
        let referrer = repository.put(Some("r"), "m", referrer.into());
        assert_eq!(repository.referrers(&subject)[0]["artifactType"], "t");
        assert!(repository.remove(&referrer));
        assert!(repository.referrers(&subject).is_empty());
        assert!(!repository.tags.contains_key("r"));
    }
}
