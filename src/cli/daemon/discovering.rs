//! The documents of other people, looked at again and again beside the main file.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, PoisonError},
    time::SystemTime,
};

use futures_util::future::join_all;
use tokio::{task::spawn_blocking, time::sleep_until};

use super::{Daemon, Reading, reload::Changes};
use crate::{
    config::{Config, Document},
    discovery::{Kind, Reader},
};

impl Daemon {
    /// Looks at the documents of this kind whenever they are due, and puts in force what
    /// is new in them. Never ends.
    pub(super) async fn discover(&self, kind: Kind) {
        let reader = Reader::default();
        loop {
            // Before anything is looked up: what changes from now on is not missed.
            let elsewhere = self.sources.notified();
            let due = self.reading.lock().await.discovery.due(kind);
            let looks = due.iter().map(|whence| reader.look(whence));
            let looks = join_all(looks).await;
            let mut reading = self.reading.lock().await;
            let mut new = false;
            for (whence, look) in due.iter().zip(looks) {
                new |= reading.discovery.take(whence, look);
            }
            if new {
                self.take_over_documents(&mut reading).await;
            }
            self.note_last_good(&reading);
            let next = reading.discovery.next(kind);
            drop(reading);
            let pause = async {
                match next {
                    Some(next) => sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = pause => {},
                () = elsewhere => {},
            }
        }
    }

    async fn take_over_documents(&self, reading: &mut Reading) {
        let main = Arc::clone(&reading.main);
        let mut discovery = std::mem::take(&mut reading.discovery);
        let composing = spawn_blocking(move || {
            let composed = discovery.compose(&main);
            (discovery, composed)
        });
        // The panic hook has logged where.
        let Ok((discovery, composed)) = composing.await else {
            return;
        };
        reading.discovery = discovery;
        let config = match composed {
            Ok(config) => config,
            Err(errors) => {
                let said = errors.to_string();
                tracing::error!(said, "documents not taken over; what was before goes on");
                return;
            }
        };
        let before = Arc::clone(&self.loaded().config);
        if before.hash == config.hash && before.documents == config.documents {
            return;
        }
        self.replace(config).await;
        self.discovered(&before, reading);
        let changes = Changes::between(&before, &self.loaded().config);
        tracing::info!(
            registries = changes.now,
            added = changes.added,
            removed = changes.removed,
            changed = changes.changed,
            "documents taken over"
        );
    }

    /// Tells of what is new about the documents.
    pub(super) fn discovered(&self, before: &Config, reading: &Reading) {
        tell(&before.documents, &self.loaded().config.documents);
        self.note_last_good(reading);
    }

    /// When each document was last seen without fault.
    pub(super) fn documents_good(&self) -> BTreeMap<Arc<str>, SystemTime> {
        let known = self.documents_good.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_last_good(&self, reading: &Reading) {
        let mut known = self
            .documents_good
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = reading.discovery.last_good();
    }
}

/// Logs what has become of documents, each thing once.
pub(super) fn tell(before: &[Document], now: &[Document]) {
    let mut before: HashMap<&str, &Document> = before.iter().map(|it| (&*it.source, it)).collect();
    for document in now {
        let source = &*document.source;
        let known = before.remove(source);
        if let Some(problems) = &document.problems
            && known.and_then(|it| it.problems.as_ref()) != Some(problems)
        {
            let said = problems.to_string();
            let consequence = if document.taken {
                "a document is in force in part"
            } else if document.registries + document.repositories > 0 {
                "a document is refused; the one before it goes on"
            } else {
                "a document is refused; nothing of it is in force"
            };
            tracing::error!(source, said, "{consequence}");
        }
        let new = |warning: &&String| !known.is_some_and(|it| it.warnings.contains(warning));
        for warning in document.warnings.iter().filter(new) {
            tracing::warn!(source, warning, "document");
        }
        let faults = known.is_some_and(|it| it.problems.is_some());
        if faults && document.problems.is_none() {
            tracing::info!(source, "the document is good again");
        }
    }
    for source in before.keys() {
        tracing::info!(source, "the document is gone, and with it what it added");
    }
}
