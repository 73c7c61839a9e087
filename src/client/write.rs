//! What push and capabilities ask beside the upload: the guard before it, the
//! grant between two of them, the blob to mount, and the two deletes of nothing.

use http::Method;
use url::Url;

use super::{
    Client, Got, Manifest, PingKind, Refusal, Stage, Standing, manifest,
    token::TokenAnswer,
    upload::{delete_scope, write_scope},
};
use crate::{
    auth::Trust,
    config::{PushWish, TestRepository},
    credentials::Source,
    exchange::{MANIFEST_BODY, Operation, Request},
    oci::{Action, Content, Digest, Reference, Repository, Scope, endpoints, jwt, media_type},
    outcome::Reason,
    secret::Credentials,
};

/// What the guard of the upload saw.
#[derive(Debug, Clone)]
pub enum Guard {
    /// The repository is there: asking creates nothing.
    Seen,
    /// It was not seen; asking may create it.
    NotSeen,
    /// The repository cannot be read: the answer that says so, and what is known of the credentials.
    Denied(Got, Standing),
    /// There was no answer to judge.
    Refused(Refusal),
}

/// What a token says of the right to push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// It is granted.
    Held,
    /// It is not granted (any more).
    Missing,
    /// No token is in play, or it cannot be read.
    Unreadable,
}

impl Client {
    /// The repository whose push is asked, by whom: the first that is named for it.
    pub fn push_repository(&self) -> Option<&TestRepository> {
        self.target.repositories.iter().find(|repository| {
            repository.push != PushWish::No
                && (self.target.checks.push_options.anonymous
                    || repository.credential.source != Source::Anonymous)
        })
    }

    /// Whether this is the repository whose push stands for the registry's.
    pub fn is_push_repository(&self, repository: &TestRepository) -> bool {
        self.push_repository()
            .is_some_and(|known| manifest::key(known) == manifest::key(repository))
    }

    /// Looks whether the repository is there, with a pull token: on Quay the
    /// request for a push token alone creates it.
    pub async fn guard(&self, repository: &TestRepository) -> Guard {
        let manifest = self.manifest(repository).await;
        let got = match (&manifest.head, manifest.decisive()) {
            (Err(refusal), _) => return Guard::Refused(refusal.clone()),
            (_, Some(got)) => got,
            (_, None) => return Guard::NotSeen,
        };
        match (got.stage, got.reply.status) {
            (Stage::Registry, 200) => Guard::Seen,
            (Stage::Registry, 404) => self.guard_by_tags(repository).await,
            _ => Guard::Denied(got.clone(), manifest.standing),
        }
    }

    async fn guard_by_tags(&self, repository: &TestRepository) -> Guard {
        let url = endpoints::tags_list(&self.target.url, &repository.name, 1);
        let request = Request::new(Operation::TagsList, Method::GET, url);
        let scope = [Scope::new(&repository.name, &[Action::Pull])];
        match self.ask(repository, &scope, request).await {
            Ok(got) if got.stage == Stage::Registry && got.reply.status == 200 => Guard::Seen,
            // Also 401 and 403: the tag list is a right of its own on ACR.
            Ok(_) => Guard::NotSeen,
            Err(refusal) => Guard::Refused(refusal),
        }
    }

    /// What a token for pull and push says of the right, without touching the repository.
    pub async fn grant(&self, repository: &TestRepository) -> Result<Grant, Refusal> {
        let set = &repository.credential;
        let credentials = self.credentials(set).await?;
        let PingKind::Challenged { challenge, .. } = self.ping().await?.kind else {
            return Ok(Grant::Unreadable);
        };
        let exchanged = *challenge.scheme() == crate::oci::Scheme::Bearer
            && matches!(
                credentials,
                Credentials::Basic { .. } | Credentials::Identity { .. }
            );
        if !exchanged {
            return Ok(Grant::Unreadable);
        }
        Ok(
            match self
                .token(set, &challenge, &write_scope(repository))
                .await?
            {
                TokenAnswer::Token { claims, .. } => claims.map_or(Grant::Unreadable, |claims| {
                    granted(&claims, repository.name.as_str())
                }),
                TokenAnswer::Denied(_) => Grant::Missing,
            },
        )
    }

    /// The blob that a mount may ask for: the config of an image, read once per
    /// digest of its manifest and remembered.
    ///
    /// # Errors
    /// Why there is none, as a reason and in words.
    pub async fn mountable(
        &self,
        repository: &TestRepository,
        from: &Repository,
    ) -> Result<Digest, (Reason, String)> {
        let of = if *from == repository.name {
            repository.clone()
        } else {
            TestRepository {
                name: from.clone(),
                ..repository.clone()
            }
        };
        let manifest = self.manifest(&of).await;
        let Some(digest) = manifest.digest.clone() else {
            return Err(without_digest(&manifest));
        };
        if let Some(blob) = self.memory.blob(&self.origin, &of.name, &digest) {
            return Ok(blob);
        }
        let blob = self.config_of(&of, &digest).await?;
        self.memory
            .keep_blob(&self.origin, &of.name, &digest, &blob);
        Ok(blob)
    }

    async fn config_of(
        &self,
        repository: &TestRepository,
        digest: &Digest,
    ) -> Result<Digest, (Reason, String)> {
        let mut digest = digest.clone();
        // An index needs one look more, at its first child; an index of indexes is left alone.
        for _ in 0..2 {
            match self.content(repository, &digest).await? {
                Content::Config(config) => return Ok(config),
                Content::Child(child) => digest = child,
                Content::Nothing => break,
            }
        }
        Err((
            Reason::Protocol,
            "the test image has no config blob that could be mounted".to_owned(),
        ))
    }

    async fn content(
        &self,
        repository: &TestRepository,
        digest: &Digest,
    ) -> Result<Content, (Reason, String)> {
        let reference = Reference::Digest(digest.clone());
        let url = endpoints::manifest(&self.target.url, &repository.name, &reference);
        let request = Request::new(Operation::ManifestGet, Method::GET, url)
            .header(http::header::ACCEPT, media_type::ACCEPT_MANIFESTS)
            .body_cap(MANIFEST_BODY);
        let scope = [Scope::new(&repository.name, &[Action::Pull])];
        match self.ask(repository, &scope, request).await {
            Ok(got) if got.stage == Stage::Registry && got.reply.status == 200 => {
                Ok(Content::of(&got.reply.body))
            }
            Ok(got) => Err((
                without_content(got.reply.status),
                format!("the test image's manifest answers {}", got.reply.status),
            )),
            Err(refusal) => Err(refusal.reason()),
        }
    }

    /// `DELETE` of the all-zero digest, which nothing can have: never another, never a tag.
    pub async fn delete_nothing(
        &self,
        repository: &TestRepository,
        operation: Operation,
    ) -> Result<Got, Refusal> {
        let zero = Digest::zero();
        let url = if operation == Operation::BlobDelete {
            endpoints::blob(&self.target.url, &repository.name, &zero)
        } else {
            let reference = Reference::Digest(zero);
            endpoints::manifest(&self.target.url, &repository.name, &reference)
        };
        let scope = if self.knows_delete() {
            delete_scope(repository)
        } else {
            write_scope(repository)
        };
        let request = Request::new(operation, Method::DELETE, url);
        let answer = self.ask(repository, &scope, request).await;
        self.undoubted(answer).await
    }

    /// Whether a token for `delete` may be asked for at all: not where no token
    /// is in play, and never on Quay, which answers 400 to it.
    pub(super) fn may_ask_delete(&self) -> bool {
        let ping = self.cycle().ping.clone();
        let bearer = ping.is_some_and(|ping| ping.auth_method() == Some("bearer"));
        bearer && self.knows_delete()
    }

    fn knows_delete(&self) -> bool {
        self.product().as_deref() != Some("quay")
    }

    /// Whether a foreign place that the registry names may be asked at all:
    /// never one inside our own network, unless the registry is there too.
    pub(super) fn public_only(&self, url: &Url) -> Result<(), Refusal> {
        let trust = Trust {
            registry: &self.target.url,
            token_hosts: &self.target.token_hosts,
        };
        trust
            .without_credentials(url)
            .map_err(|error| Refusal::Broken(Reason::UntrustedHost, error.to_string()))
    }
}

fn granted(claims: &jwt::Claims, repository: &str) -> Grant {
    match &claims.access {
        None => Grant::Unreadable,
        Some(access) => {
            let push = access.iter().any(|(name, actions)| {
                name == repository
                    && actions
                        .iter()
                        .any(|action| action == "push" || action == "*")
            });
            if push { Grant::Held } else { Grant::Missing }
        }
    }
}

/// Why an answer that is no manifest is none.
fn without_content(status: u16) -> Reason {
    match status {
        300..=399 => Reason::Redirect,
        401 | 403 => Reason::Forbidden,
        404 => Reason::NotFound,
        500..=599 => Reason::ServerError,
        _ => Reason::Protocol,
    }
}

fn without_digest(manifest: &Manifest) -> (Reason, String) {
    match &manifest.head {
        Err(refusal) => refusal.reason(),
        Ok(_)
            if manifest
                .decisive()
                .is_some_and(|got| got.reply.status == 200) =>
        {
            (
                Reason::Protocol,
                "the registry tells no digest of the test image".to_owned(),
            )
        }
        Ok(_) => (
            Reason::NotFound,
            "there is no test image whose blob could be mounted".to_owned(),
        ),
    }
}

impl Refusal {
    /// As a reason, and in words.
    pub fn reason(&self) -> (Reason, String) {
        match self {
            Self::Fatal(reason, message)
            | Self::Broken(reason, message)
            | Self::Rejected(reason, message)
            | Self::Unclear(reason, message) => (*reason, message.clone()),
            Self::RateLimited(message) => (Reason::RateLimited, message.clone()),
        }
    }
}
