//! Content without a client: images, indexes and referrers put straight into
//! the registry.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::profile::Referrers;
use crate::sim::RegistrySim;
use crate::state::{Repository, sha256};

impl RegistrySim {
    /// Puts an OCI image with a config and one layer under a tag, and hands
    /// out the manifest's digest. Another name or tag makes another image.
    pub fn push_image(&self, repository: &str, tag: &str) -> String {
        let layer = tar(
            "hello",
            format!("hello from {repository}:{tag}\n").as_bytes(),
        );
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(&layer)]},
        });
        let mut inner = self.shared.lock();
        let into = inner.state.repository_mut(repository);
        let config = blob(into, CONFIG, config.to_string().into());
        let layer = blob(into, LAYER, layer.into());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
        });
        into.put(Some(tag), MANIFEST, manifest.to_string().into())
    }

    /// Puts an index of manifests that are there, and hands out its digest.
    ///
    /// # Panics
    /// When the repository lacks one of the manifests.
    pub fn push_index(&self, repository: &str, tag: &str, manifests: &[&str]) -> String {
        let mut inner = self.shared.lock();
        let into = inner.state.repository_mut(repository);
        let entries: Vec<Value> = manifests
            .iter()
            .map(|digest| descriptor(into, digest))
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
        into.put(Some(tag), INDEX, index.to_string().into())
    }

    /// Puts an artifact of this type whose subject is that digest, and hands
    /// out its digest. Where the registry has no referrers API, the index
    /// under the referrers tag is kept too, as a client must.
    pub fn push_referrer(&self, repository: &str, subject: &str, artifact_type: &str) -> String {
        let mut inner = self.shared.lock();
        let native = matches!(inner.profile.referrers, Referrers::Native(_));
        let into = inner.state.repository_mut(repository);
        let config = blob(into, EMPTY, Bytes::from_static(b"{}"));
        let text = format!("{artifact_type} number {}", into.referrers(subject).len());
        let layer = blob(into, artifact_type, text.into());
        let size = into
            .manifests
            .get(subject)
            .map_or(0, |manifest| manifest.bytes.len());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": artifact_type,
            "config": config,
            "layers": [layer],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": size},
        });
        let digest = into.put(None, MANIFEST, manifest.to_string().into());
        if !native {
            let entries = into.referrers(subject);
            let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries});
            let tag = subject.replace(':', "-");
            into.put(Some(&tag), INDEX, index.to_string().into());
        }
        digest
    }

    /// Puts a blob and hands out its digest.
    pub fn push_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> String {
        let bytes = bytes.into();
        let digest = sha256(&bytes);
        let mut inner = self.shared.lock();
        inner
            .state
            .repository_mut(repository)
            .blobs
            .insert(digest.clone(), bytes);
        digest
    }

    /// Puts any bytes as a manifest under a tag and hands out their digest.
    pub fn push_manifest(
        &self,
        repository: &str,
        tag: &str,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> String {
        let mut inner = self.shared.lock();
        inner
            .state
            .repository_mut(repository)
            .put(Some(tag), media_type, bytes.into())
    }

    /// Takes a tag away; its manifest stays.
    pub fn remove_tag(&self, repository: &str, tag: &str) {
        self.shared
            .lock()
            .state
            .repository_mut(repository)
            .tags
            .remove(tag);
    }
}

fn blob(into: &mut Repository, media_type: &str, bytes: Bytes) -> Value {
    let digest = sha256(&bytes);
    let descriptor = json!({"mediaType": media_type, "digest": digest, "size": bytes.len()});
    into.blobs.insert(digest, bytes);
    descriptor
}

fn descriptor(from: &Repository, digest: &str) -> Value {
    from.manifests
        .get(digest)
        .expect("a manifest of this repository")
        .descriptor(digest)
}

/// A tar archive with one file (POSIX ustar: a header of 512 bytes, the data,
/// two empty blocks).
fn tar(name: &str, data: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    let mut field =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    field(0, name);
    field(100, "0000644");
    field(108, "0000000");
    field(116, "0000000");
    field(124, &format!("{:011o}", data.len()));
    field(136, "00000000000");
    field(148, "        ");
    field(156, "0");
    field(257, "ustar");
    field(263, "00");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = header.to_vec();
    archive.extend_from_slice(data);
    let blocks = archive.len().div_ceil(512) + 2;
    archive.resize(blocks * 512, 0);
    archive
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
