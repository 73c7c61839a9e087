//! The test image's manifest: one HEAD, and what its bare answer needs to be understood.

use std::sync::Arc;

use http::{Method, header};

use super::{Client, Got, Refusal, Stage, Standing};
use crate::{
    auth,
    config::TestRepository,
    exchange::{MANIFEST_BODY, Operation, Request, SMALL_BODY},
    oci::{self, Action, Digest, ErrorBody, Scope, endpoints, media_type},
};

/// The answers about one image, asked once per cycle for each credential set.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The answer to `HEAD`.
    pub head: Result<Got, Refusal>,
    /// The answer to the `GET` that a bare `HEAD` sometimes needs.
    pub get: Option<Result<Got, Refusal>>,
    /// The digest: of the header, else of the body.
    pub digest: Option<Digest>,
    /// What was known of the credentials when it was asked.
    pub standing: Standing,
}

impl Client {
    /// The manifest of a repository's test image, with that repository's rights.
    pub async fn manifest(&self, repository: &TestRepository) -> Arc<Manifest> {
        let key = key(repository);
        if let Some(known) = self.cycle().manifests.get(&key) {
            return Arc::clone(known);
        }
        let manifest = Arc::new(self.manifest_now(repository).await);
        self.cycle().manifests.insert(key, Arc::clone(&manifest));
        manifest
    }

    async fn manifest_now(&self, repository: &TestRepository) -> Manifest {
        let head = self
            .ask_manifest(repository, Operation::ManifestHead, SMALL_BODY)
            .await;
        let mut manifest = Manifest {
            digest: head.as_ref().ok().and_then(digest_of_header),
            head,
            get: None,
            standing: self.standing_of(&repository.credential),
        };
        if let Some(cap) = self.second_look(&manifest) {
            let get = self
                .ask_manifest(repository, Operation::ManifestGet, cap)
                .await;
            if manifest.digest.is_none()
                && let Ok(got) = &get
            {
                manifest.digest = digest_of_body(got);
            }
            manifest.get = Some(get);
        }
        if manifest.decisive().is_some_and(dubious)
            && let Err(refusal) = self.still_a_registry().await
        {
            manifest.head = Err(refusal.clone());
            manifest.get = None;
            manifest.digest = None;
        }
        manifest
    }

    async fn ask_manifest(
        &self,
        repository: &TestRepository,
        operation: Operation,
        cap: usize,
    ) -> Result<Got, Refusal> {
        let method = match operation {
            Operation::ManifestGet => Method::GET,
            _ => Method::HEAD,
        };
        let reference = &repository.reference;
        let url = endpoints::manifest(&self.target.url, &repository.name, reference);
        // Without the OCI types distribution answers 404 for an OCI image that exists.
        let request = Request::new(operation, method, url)
            .header(header::ACCEPT, media_type::ACCEPT_MANIFESTS)
            .body_cap(cap);
        let scope = [Scope::new(&repository.name, &[Action::Pull])];
        let got = self.ask(repository, &scope, request.clone()).await?;
        self.follow(repository, &scope, request, got).await
    }

    /// Up to three hops, without `Authorization` to another origin.
    async fn follow(
        &self,
        repository: &TestRepository,
        scopes: &[Scope],
        mut request: Request,
        mut got: Got,
    ) -> Result<Got, Refusal> {
        for _ in 0..MANIFEST_HOPS {
            if got.stage != Stage::Registry || !matches!(got.reply.status, 301 | 302 | 307 | 308) {
                break;
            }
            let Some(place) = got.reply.header("location").and_then(|location| {
                auth::resolve_location(&request.url, location, &self.target.url)
            }) else {
                break;
            };
            if !place.own_origin && self.public_only(&place.url).is_err() {
                break;
            }
            request.url = place.url;
            got = if place.own_origin {
                self.ask(repository, scopes, request.clone()).await?
            } else {
                let reply = self
                    .send(&request)
                    .await
                    .map_err(super::send::Failure::of_foreign)?;
                Got {
                    stage: Stage::Registry,
                    reply,
                }
            };
        }
        Ok(got)
    }

    /// Whether the HEAD's answer needs a GET to be understood, and how much of its body.
    fn second_look(&self, manifest: &Manifest) -> Option<usize> {
        let Ok(got) = &manifest.head else {
            return None;
        };
        if got.stage == Stage::Token {
            return None;
        }
        let product = self.product();
        let hub = product.as_deref() == Some("docker-hub");
        let harbor = product.as_deref() == Some("harbor");
        match got.reply.status {
            // On Docker Hub a GET counts as a pull, and its 404 needs no words.
            404 if !hub => Some(SMALL_BODY),
            403 if !hub && !harbor => Some(SMALL_BODY),
            405 => Some(MANIFEST_BODY),
            200 if hub => None,
            200 => {
                let typed = got
                    .reply
                    .media_type()
                    .is_some_and(|media_type| media_type::is_manifest(&media_type));
                let html = oci::is_html(&got.reply);
                (!html && (!typed || manifest.digest.is_none())).then_some(MANIFEST_BODY)
            }
            _ => None,
        }
    }

    /// The answer, unless it is one that a captive portal gives as well and the ping
    /// says that there is one by now.
    pub(super) async fn undoubted(&self, answer: Result<Got, Refusal>) -> Result<Got, Refusal> {
        if answer.as_ref().is_ok_and(dubious) {
            self.still_a_registry().await?;
        }
        answer
    }

    /// Asks the ping again where a captive portal may have come between (once per cycle).
    pub(super) async fn still_a_registry(&self) -> Result<(), Refusal> {
        let ping = self.ping_again().await?;
        match ping.kind {
            super::PingKind::Unusable(reason, message) => Err(Refusal::Fatal(reason, message)),
            _ => Ok(()),
        }
    }
}

impl Manifest {
    /// The answer that decides: the GET's where it was needed and says more.
    pub fn decisive(&self) -> Option<&Got> {
        let head = self.head.as_ref().ok();
        match &self.get {
            Some(Ok(get)) => Some(get),
            _ => head,
        }
    }
}

/// What the manifest memo is keyed by.
pub(super) fn key(repository: &TestRepository) -> super::ManifestKey {
    (
        repository.name.to_string(),
        repository.reference.to_string(),
        repository.credential.name.clone(),
    )
}

/// Answers that a captive portal or a wrong path gives as well as a registry.
pub(super) fn dubious(got: &Got) -> bool {
    if got.stage == Stage::Token {
        return false;
    }
    let reply = &got.reply;
    match reply.status {
        300..=399 => true,
        404 => ErrorBody::of(reply).is_none() && !reply.body.is_empty(),
        _ => oci::is_html(reply),
    }
}

fn digest_of_header(got: &Got) -> Option<Digest> {
    if got.stage == Stage::Token || got.reply.status != 200 {
        return None;
    }
    Digest::parse(got.reply.header("docker-content-digest")?).ok()
}

fn digest_of_body(got: &Got) -> Option<Digest> {
    let whole = got.stage == Stage::Registry && got.reply.status == 200 && !got.reply.truncated;
    if !whole || !oci::is_manifest_reply(&got.reply) {
        return None;
    }
    digest_of_header(got).or_else(|| Some(Digest::of(&got.reply.body)))
}

const MANIFEST_HOPS: usize = 3;
