//! The upload probe: opens one session, tries a chunked upload in it where that
//! is asked, and cancels it. Nothing is ever committed: no `PUT` exists here.
//!
//! From the `POST` on it runs in a task of its own, with deadlines of its own,
//! so that neither a check that ran out of budget, nor a panic, nor a shutdown
//! leaves a session behind that nobody tried to cancel.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use http::Method;
use tokio::time::Instant;

use super::{Client, Got, Refusal, Stage, manifest, session::Session};
use crate::{
    config::TestRepository,
    exchange::{Operation, Request, Sent},
    oci::{Action, Digest, Repository, Scope, endpoints},
    outcome::{CheckName, Reason, SessionEnd},
};

/// What the upload probe brought; push and capabilities read it.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The answer to the `POST`.
    pub start: Result<Got, Refusal>,
    /// The answers to the two `PATCH`es, where they were sent.
    pub chunks: Option<Chunks>,
    /// How the session ended, where one was opened.
    pub end: Option<SessionEnd>,
}

/// The answers to the two chunks.
#[derive(Debug, Clone)]
pub struct Chunks {
    /// To bytes 0 to 4.
    pub first: Result<Got, Refusal>,
    /// To bytes 5 to 9, where the first were taken.
    pub second: Option<Result<Got, Refusal>>,
    /// The registry named a least chunk size (`OCI-Chunk-Min-Length`) when the session began.
    pub least_size_named: bool,
}

/// The answer to a mount, and the end of the session that it may have opened.
#[derive(Debug, Clone)]
pub struct Mounted {
    /// The answer to the `POST`.
    pub answer: Result<Got, Refusal>,
    /// How the session ended, where the registry opened one instead of mounting.
    pub end: Option<SessionEnd>,
}

tokio::task_local! {
    /// A detached probe's own time; it outlives the check that began it.
    static OWN_TIME: Mutex<OwnTime>;
}

/// When it is over, and whether it is that of a cancel.
type OwnTime = (Instant, bool);

/// What is left of a detached probe's own time; `None` outside of one.
pub(super) fn own_time_left() -> Option<Duration> {
    let (deadline, _) = own_time()?;
    Some(deadline.saturating_duration_since(Instant::now()))
}

/// Whether this is the cancel of a session, whose few seconds say nothing of the registry.
pub(super) fn cancelling() -> bool {
    own_time().is_some_and(|(_, cancelling)| cancelling)
}

fn own_time() -> Option<OwnTime> {
    OWN_TIME
        .try_with(|own| *own.lock().unwrap_or_else(PoisonError::into_inner))
        .ok()
}

impl Client {
    /// The upload probe, once per cycle; with the two chunks where capabilities is due, too.
    pub async fn upload(self: &Arc<Self>, repository: &TestRepository) -> Upload {
        let key = manifest::key(repository);
        if let Some(known) = self.cycle().uploads.get(&key) {
            return known.clone();
        }
        let chunks = self.is_due(CheckName::Capabilities)
            && self.is_push_repository(repository)
            && !self.cancel_is_refused(repository);
        let this = Arc::clone(self);
        let of = repository.clone();
        let probe = async move {
            let upload = Box::pin(this.probe_upload(&of, chunks)).await;
            this.keep_upload(&of, &upload);
            upload
        };
        let upload = self.detached(probe).await.unwrap_or_else(|| Upload {
            start: Err(broken_off()),
            chunks: None,
            end: None,
        });
        self.cycle().uploads.insert(key, upload.clone());
        upload
    }

    /// Asks for a blob to be mounted from a repository into another, and cancels
    /// the session that a registry opens instead.
    pub async fn mount(
        self: &Arc<Self>,
        repository: &TestRepository,
        blob: &Digest,
        from: &Repository,
    ) -> Mounted {
        let this = Arc::clone(self);
        let (of, blob, from) = (repository.clone(), blob.clone(), from.clone());
        self.detached(async move { Box::pin(this.mount_now(&of, &blob, &from)).await })
            .await
            .unwrap_or_else(|| Mounted {
                answer: Err(broken_off()),
                end: None,
            })
    }

    /// Runs something that may open a session in a task that nobody ends early.
    async fn detached<T: Send + 'static>(
        &self,
        probe: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let running = self.sessions.begin();
        let own = Mutex::new((Instant::now() + self.left(), false));
        let task = tokio::spawn(OWN_TIME.scope(own, async move {
            let result = probe.await;
            drop(running);
            result
        }));
        task.await.ok()
    }

    async fn probe_upload(&self, repository: &TestRepository, chunks: bool) -> Upload {
        let url = endpoints::uploads(&self.target.url, &repository.name);
        let request = Request::new(Operation::UploadStart, Method::POST, url.clone());
        let answer = self
            .ask(repository, &write_scope(repository), request)
            .await;
        self.keep_lost(&answer, Operation::UploadStart);
        let start = self.undoubted(answer).await;
        let mut upload = Upload {
            start,
            chunks: None,
            end: None,
        };
        let Some(opened) = opened(&upload.start) else {
            return upload;
        };
        let session = Session::new(self, repository, &url, &opened.reply);
        let chunks_of = async {
            let named = opened.reply.header("oci-chunk-min-length").is_some();
            session.send_chunks(named).await
        };
        if chunks {
            // A panic in here must not keep the session from being cancelled.
            upload.chunks = survived(chunks_of).await.flatten();
        }
        upload.end = Some(self.close(&session).await);
        upload
    }

    async fn mount_now(
        &self,
        repository: &TestRepository,
        blob: &Digest,
        from: &Repository,
    ) -> Mounted {
        let url = endpoints::mount(&self.target.url, &repository.name, blob, from);
        let mut scopes = write_scope(repository).to_vec();
        if *from != repository.name {
            scopes.push(Scope::new(from, &[Action::Pull]));
        }
        let request = Request::new(Operation::Mount, Method::POST, url.clone());
        let answer = self.ask(repository, &scopes, request).await;
        self.keep_lost(&answer, Operation::Mount);
        let answer = self.undoubted(answer).await;
        let end = match opened(&answer) {
            Some(got) => {
                let session = Session::new(self, repository, &url, &got.reply);
                Some(self.close(&session).await)
            }
            None => None,
        };
        Mounted { answer, end }
    }

    /// An answer that was lost on its way may have told of a session: nobody knows where
    /// it is, so that it may be left behind.
    fn keep_lost(&self, answer: &Result<Got, Refusal>, operation: Operation) {
        let sent = |sent: &&Sent| sent.operation == operation;
        // Broken may also be what comes before it, such as the request for a token.
        let lost = matches!(answer, Err(Refusal::Broken(..)))
            && self
                .cycle()
                .journal
                .iter()
                .rev()
                .find(sent)
                .is_some_and(|sent| sent.end.is_err());
        if lost {
            self.keep_end(SessionEnd::Lost);
        }
    }

    /// Cancels a session within ten seconds of its own, and counts how it ended.
    async fn close(&self, session: &Session<'_>) -> SessionEnd {
        cancel_within(CANCEL_BUDGET);
        let end = survived(session.cancel()).await.unwrap_or(SessionEnd::Lost);
        self.keep_end(end);
        end
    }

    fn keep_end(&self, end: SessionEnd) {
        if end == SessionEnd::Lost {
            tracing::warn!(
                registry = self.target.name,
                "an upload session may be left behind"
            );
        }
        self.sessions.keep(&self.target.name, end);
    }
}

/// What came of it, unless it panicked: the hook has logged where, and what is open
/// must be closed all the same.
async fn survived<T>(work: impl Future<Output = T>) -> Option<T> {
    AssertUnwindSafe(work).catch_unwind().await.ok()
}

/// The answer, where it opened a session.
fn opened(answer: &Result<Got, Refusal>) -> Option<Got> {
    let got = answer.as_ref().ok()?;
    (got.stage == Stage::Registry && got.reply.status == 202).then(|| got.clone())
}

/// The scope of everything that writes a blob.
pub(super) fn write_scope(repository: &TestRepository) -> [Scope; 1] {
    [Scope::new(&repository.name, &[Action::Pull, Action::Push])]
}

/// The scope of everything that deletes; never mixed into another.
pub(super) fn delete_scope(repository: &TestRepository) -> [Scope; 1] {
    [Scope::new(
        &repository.name,
        &[Action::Pull, Action::Delete],
    )]
}

fn broken_off() -> Refusal {
    Refusal::Broken(Reason::Panic, "The upload probe broke off".to_owned())
}

/// From here on the running probe cancels, and has this long.
fn cancel_within(budget: Duration) {
    // Outside of a detached probe there is none to set.
    let own_time = (Instant::now() + budget, true);
    let _ = OWN_TIME.try_with(|own| *own.lock().unwrap_or_else(PoisonError::into_inner) = own_time);
}

/// Cancelling has its own time, outside the budget of the check.
const CANCEL_BUDGET: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_the_middle_leaves_the_rest_to_be_done() {
        assert_eq!(survived(async { 1 }).await, Some(1));
        let nothing: Option<u8> = survived(async { panic!("in a chunk") }).await;
        assert_eq!(nothing, None);
    }
}
