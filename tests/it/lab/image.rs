//! Pushes the smallest real image, and a referrer to it, as clients of OCI 1.1 do.

use std::fmt::Write;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::http::{Answer, Ask, Caller};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The type of the pushed referrer.
pub(crate) const ARTIFACT: &str = "application/vnd.example.lab.sbom.v1+json";

/// Something pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) repository: String,
    /// Of the manifest.
    pub(crate) digest: String,
    /// Of the manifest (bytes).
    pub(crate) size: usize,
    /// Of a blob that the manifest names.
    pub(crate) blob: String,
}

/// Pushes an image with one empty layer as `repository:tag`.
///
/// # Panics
/// When the registry refuses any part of it.
pub(crate) async fn push_image(caller: &Caller, repository: &str, tag: &str) -> Pushed {
    // An empty tar archive: two blocks of zeros.
    let layer = Bytes::from_static(&[0; 1024]);
    let config = json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]},
    });
    let config = Bytes::from(config.to_string());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let blob = push_blob(caller, repository, config).await;
    push_blob(caller, repository, layer).await;
    let manifest = Bytes::from(manifest.to_string());
    put_manifest(caller, repository, tag, MANIFEST, &manifest).await;
    Pushed {
        repository: repository.to_owned(),
        digest: digest(&manifest),
        size: manifest.len(),
        blob,
    }
}

/// Pushes a manifest whose subject is `image`. A registry that does not say
/// `OCI-Subject` has no referrers API, and gets the referrers tag schema's index
/// instead (spec 1.1, "Pushing Manifests with Subject").
///
/// # Panics
/// When the registry refuses any part of it.
pub(crate) async fn push_referrer(caller: &Caller, image: &Pushed) -> Pushed {
    let empty = Bytes::from_static(b"{}");
    let part = descriptor("application/vnd.oci.empty.v1+json", &empty);
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": ARTIFACT,
        "config": part,
        "layers": [part],
        "subject": {"mediaType": MANIFEST, "digest": image.digest, "size": image.size},
    });
    let blob = push_blob(caller, &image.repository, empty).await;
    let manifest = Bytes::from(manifest.to_string());
    let own = digest(&manifest);
    let answer = put_manifest(caller, &image.repository, &own, MANIFEST, &manifest).await;
    if answer.header("oci-subject").is_none() {
        let mut entry = descriptor(MANIFEST, &manifest);
        entry["artifactType"] = ARTIFACT.into();
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]});
        let index = Bytes::from(index.to_string());
        let tag = referrers_tag(&image.digest);
        put_manifest(caller, &image.repository, &tag, INDEX, &index).await;
    }
    Pushed {
        repository: image.repository.clone(),
        digest: own,
        size: manifest.len(),
        blob,
    }
}

/// The tag of the referrers tag schema.
pub(crate) fn referrers_tag(digest: &str) -> String {
    digest.replacen(':', "-", 1)
}

async fn push_blob(caller: &Caller, repository: &str, blob: Bytes) -> String {
    let own = digest(&blob);
    let session = caller
        .ask(Ask {
            method: Method::POST,
            to: &format!("v2/{repository}/blobs/uploads/"),
            ..Ask::default()
        })
        .await;
    assert_eq!(session.status, 202, "opening an upload: {}", session.text());
    let location = session.header("location").expect("a Location");
    let mut location = caller.base.join(location).expect("a URL");
    location.query_pairs_mut().append_pair("digest", &own);
    let answer = caller
        .ask(Ask {
            method: Method::PUT,
            to: location.as_str(),
            content_type: Some("application/octet-stream"),
            body: blob,
            ..Ask::default()
        })
        .await;
    assert_eq!(answer.status, 201, "pushing a blob: {}", answer.text());
    own
}

async fn put_manifest(
    caller: &Caller,
    repository: &str,
    reference: &str,
    media_type: &str,
    manifest: &Bytes,
) -> Answer {
    let answer = caller
        .ask(Ask {
            method: Method::PUT,
            to: &format!("v2/{repository}/manifests/{reference}"),
            content_type: Some(media_type),
            body: manifest.clone(),
            ..Ask::default()
        })
        .await;
    assert_eq!(answer.status, 201, "pushing a manifest: {}", answer.text());
    answer
}

fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(content), "size": content.len()})
}

fn digest(content: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(content) {
        write!(digest, "{byte:02x}").expect("a String takes everything");
    }
    digest
}
