//! The referrers of the test image: the API, its pages, and the fallback tag.

use std::sync::Arc;

use http::{HeaderValue, Method, header};
use url::Url;

use super::{Client, Got, Refusal, Stage, manifest};
use crate::{
    auth,
    config::TestRepository,
    exchange::{MANIFEST_BODY, Operation, Reply, Request},
    oci::{self, Action, Digest, Digests, IndexBody, Reference, Scope, endpoints, media_type},
    outcome::CheckName,
};

/// The answers about the referrers of one digest, asked once per cycle.
#[derive(Debug, Clone)]
pub struct Referrers {
    /// Whose referrers.
    pub subject: Digest,
    /// The subject was read with these credentials in this cycle (else it is the all-zero digest).
    pub subject_exists: bool,
    /// The first answer.
    pub first: Result<Got, Refusal>,
    /// What the pages hold, where the first answer is an index.
    pub pages: Option<Pages>,
    /// Whether the registry filters by artifact type, where it was asked.
    pub filtered: Option<bool>,
}

/// What the pages of a referrers answer hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pages {
    /// Distinct digests over all of them.
    pub count: u64,
    /// Every page was read to its end; else the count is a lower bound.
    pub complete: bool,
    /// A page was not answered: how many there are is not known at all.
    pub broken_off: bool,
}

impl Client {
    /// Asks for the referrers of a subject: the digest that the manifest's HEAD
    /// showed, or the all-zero digest where there is no image.
    pub async fn referrers(
        &self,
        repository: &TestRepository,
        subject: Option<&Digest>,
    ) -> Arc<Referrers> {
        let key = manifest::key(repository);
        if let Some(known) = self.cycle().referrers.get(&key) {
            return Arc::clone(known);
        }
        let answer = Arc::new(self.referrers_now(repository, subject).await);
        self.cycle().referrers.insert(key, Arc::clone(&answer));
        answer
    }

    async fn referrers_now(
        &self,
        repository: &TestRepository,
        subject: Option<&Digest>,
    ) -> Referrers {
        let zero = Digest::zero();
        let digest = subject.unwrap_or(&zero);
        let url = endpoints::referrers(&self.target.url, &repository.name, digest);
        let mut first = self.ask_referrers(repository, url.clone()).await;
        if first
            .as_ref()
            .is_ok_and(|got| manifest::dubious(got) && !plain_404(got))
            && let Err(refusal) = self.still_a_registry().await
        {
            first = Err(refusal);
        }
        let mut answer = Referrers {
            subject: digest.clone(),
            subject_exists: subject.is_some(),
            first,
            pages: None,
            filtered: None,
        };
        if let Ok(got) = &answer.first {
            answer.pages = self.pages(repository, &url, got).await;
            let listed = got.reply.status == 200 && answer.pages.is_some();
            if listed && self.is_due(CheckName::Capabilities) {
                answer.filtered = self.filtered(repository, digest).await;
            }
        }
        answer
    }

    /// Whether `?artifactType=` is honoured (spec 1.1: `OCI-Filters-Applied`).
    async fn filtered(&self, repository: &TestRepository, digest: &Digest) -> Option<bool> {
        let base = &self.target.url;
        let url = endpoints::referrers_of_type(base, &repository.name, digest, ARTIFACT_TYPE);
        let got = self.ask_referrers(repository, url).await.ok()?;
        let applied = got.reply.header("oci-filters-applied");
        (got.reply.status == 200).then(|| applied.is_some_and(|applied| !applied.trim().is_empty()))
    }

    /// Looks, once per cycle, for the tag that clients fall back to (spec 1.1, "Referrers
    /// Tag Schema").
    ///
    /// Only a HEAD: the tag counts where its manifest is an index that is not the
    /// subject itself, because GitLab resolves that tag to the subject.
    pub async fn fallback_tag(
        &self,
        repository: &TestRepository,
        subject: &Digest,
    ) -> Option<bool> {
        let key = manifest::key(repository);
        if let Some(known) = self.cycle().fallback_tags.get(&key) {
            return *known;
        }
        let found = self.fallback_tag_now(repository, subject).await;
        self.cycle().fallback_tags.insert(key, found);
        found
    }

    async fn fallback_tag_now(
        &self,
        repository: &TestRepository,
        subject: &Digest,
    ) -> Option<bool> {
        let tag = oci::referrers_tag(subject);
        let url = endpoints::manifest(&self.target.url, &repository.name, &Reference::Tag(tag));
        let request = Request::new(Operation::FallbackTag, Method::HEAD, url)
            .header(header::ACCEPT, media_type::INDEX);
        let scope = [Scope::new(&repository.name, &[Action::Pull])];
        let got = self.ask(repository, &scope, request).await.ok()?;
        if got.stage == Stage::Token {
            return None;
        }
        match got.reply.status {
            200 => {
                let index = got
                    .reply
                    .media_type()
                    .is_some_and(|media_type| media_type::is_index(&media_type));
                let itself = got.reply.header("docker-content-digest") == Some(subject.as_str());
                Some(index && !itself)
            }
            404 => Some(false),
            _ => None,
        }
    }

    async fn ask_referrers(&self, repository: &TestRepository, url: Url) -> Result<Got, Refusal> {
        let request = Request {
            headers: [(header::ACCEPT, HeaderValue::from_static(media_type::INDEX))]
                .into_iter()
                .collect(),
            body_cap: MANIFEST_BODY,
            ..Request::new(Operation::Referrers, Method::GET, url)
        };
        let scope = [Scope::new(&repository.name, &[Action::Pull])];
        let got = self.ask(repository, &scope, request.clone()).await?;
        match self.own_redirect(&request, &got.reply) {
            Some(next) if got.stage == Stage::Registry => self.ask(repository, &scope, next).await,
            _ => Ok(got),
        }
    }

    /// Counts the referrers over the pages: at most five, within the registry's own origin.
    async fn pages(&self, repository: &TestRepository, at: &Url, first: &Got) -> Option<Pages> {
        let (mut digests, mut complete) = page(first)?;
        let mut next = self.next_page(&first.reply, at);
        let mut pages = 1;
        let mut broken_off = false;
        while let Some(url) = next.take() {
            if pages == MOST_PAGES {
                complete = false;
                break;
            }
            pages += 1;
            let got = self.ask_referrers(repository, url.clone()).await;
            let Some((got, (more, whole))) = got.ok().and_then(|got| {
                let page = page(&got)?;
                Some((got, page))
            }) else {
                broken_off = true;
                break;
            };
            digests.extend(&more);
            complete &= whole;
            next = self.next_page(&got.reply, &url);
        }
        Some(Pages {
            count: digests.count(),
            complete: complete && !broken_off && !digests.overflowed(),
            broken_off,
        })
    }

    fn next_page(&self, reply: &Reply, at: &Url) -> Option<Url> {
        let next = oci::next_page(reply, at)?;
        (auth::same_origin(&next, &self.target.url) && next != *at).then_some(next)
    }
}

/// A page's distinct digests, and whether it was whole; `None` where it is no page.
/// Under a 404 only a whole index is one.
fn page(got: &Got) -> Option<(Digests, bool)> {
    if got.stage == Stage::Token {
        return None;
    }
    let reply = &got.reply;
    match (reply.status, oci::read_index(&reply.body, reply.truncated)) {
        (
            200 | 404,
            IndexBody::Index {
                digests, complete, ..
            },
        ) => Some((digests, complete)),
        (200, IndexBody::Empty) => Some((Digests::default(), true)),
        (200, IndexBody::Truncated { at_least }) => Some((at_least, false)),
        _ => None,
    }
}

/// Routers answer an unknown route with 404 text: that is an answer, not a portal.
fn plain_404(got: &Got) -> bool {
    got.reply.status == 404 && !oci::is_html(&got.reply)
}

/// A count beyond five pages is a lower bound.
const MOST_PAGES: u32 = 5;
/// Asked for to see whether it is filtered by; whether any is there does not matter.
const ARTIFACT_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::{error, reply};

    #[test]
    fn what_is_a_page_and_how_many_are_on_it() {
        let index =
            r#"{"schemaVersion":2,"manifests":[{"digest":"a"},{"digest":"b"},{"digest":"a"}]}"#;
        let cut = Reply {
            truncated: true,
            ..reply(
                200,
                &[],
                r#"{"schemaVersion":2,"manifests":[{"digest":"a"},"#,
            )
        };
        let cut_404 = Reply {
            status: 404,
            ..cut.clone()
        };
        for (name, reply, expected) in [
            ("an index", reply(200, &[], index), Some((2, true))),
            (
                "an index under 404",
                reply(404, &[], index),
                Some((2, true)),
            ),
            ("an index under 400", reply(400, &[], index), None),
            ("{} (Harbor 2.8)", reply(200, &[], "{}"), Some((0, true))),
            ("{} under 404", reply(404, &[], "{}"), None),
            ("the beginning of an index", cut, Some((1, false))),
            ("the same under 404", cut_404, None),
            ("an error", error(404, "NAME_UNKNOWN", ""), None),
            ("text", reply(404, &[], "404 page not found"), None),
            ("a web page", reply(200, &[], "<html>"), None),
        ] {
            let mut got = Got {
                stage: Stage::Registry,
                reply,
            };
            let found = page(&got).map(|(digests, whole)| (digests.count(), whole));
            assert_eq!(found, expected, "{name}");
            got.stage = Stage::Token;
            assert_eq!(page(&got), None, "{name} of a token endpoint");
        }
    }
}
