//! The upload sessions of this process: which may be open, and how they ended.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::outcome::SessionEnd;

/// The probes of this process that may have a session open; a shutdown waits for them.
#[derive(Debug, Clone)]
pub struct Sessions {
    open: Arc<watch::Sender<usize>>,
    closing: Arc<watch::Sender<bool>>,
    /// How sessions ended, by registry, until a cycle of that registry tells it. A probe
    /// may outlive the cycle that began it.
    ends: Arc<Mutex<HashMap<String, Vec<SessionEnd>>>>,
}

impl Sessions {
    /// Closes what is open: no further chunk is sent, sessions are cancelled after the
    /// answer that is waited for, and this waits until none is open any more. Each ends
    /// by deadlines of its own, within the time of a request and ten seconds.
    pub async fn ended(&self) {
        self.closing.send_replace(true);
        let mut open = self.open.subscribe();
        // The sender lives in `self`, so this cannot fail.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    /// Whether nothing further may be begun. A chunk that is under way is not broken
    /// off: only its answer tells where the session is by then, and a cancel sent to
    /// the place before is none.
    pub(super) fn closing(&self) -> bool {
        *self.closing.borrow()
    }

    /// A session of this registry came to its end.
    pub(super) fn keep(&self, registry: &str, end: SessionEnd) {
        let mut ends = self.ends();
        ends.entry(registry.to_owned()).or_default().push(end);
    }

    /// How sessions of this registry ended that nobody has told yet.
    pub(super) fn take(&self, registry: &str) -> Vec<SessionEnd> {
        self.ends().remove(registry).unwrap_or_default()
    }

    /// Forgets the ends of registries that are not these.
    pub fn retain(&self, keeps: impl Fn(&str) -> bool) {
        self.ends().retain(|registry, _| keeps(registry));
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, Vec<SessionEnd>>> {
        // Every change is a single insertion or removal.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> Running {
        self.open.send_modify(|open| *open += 1);
        Running(self.clone())
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            open: Arc::new(watch::Sender::new(0)),
            closing: Arc::new(watch::Sender::new(false)),
            ends: Arc::default(),
        }
    }
}

/// Counts a running probe down, whatever becomes of it.
pub(super) struct Running(Sessions);

impl Drop for Running {
    fn drop(&mut self) {
        self.0
            .open
            .send_modify(|open| *open = open.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_probe_that_panics_is_waited_for_no_longer() {
        let sessions = Sessions::default();
        let running = sessions.begin();
        let task = tokio::spawn(async move {
            let _running = running;
            panic!("in a probe");
        });
        assert!(task.await.is_err());
        sessions.ended().await;
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_every_probe_and_for_none() {
        let sessions = Sessions::default();
        sessions.ended().await;
        let (first, second) = (sessions.begin(), sessions.begin());
        let waiting = tokio::spawn({
            let sessions = sessions.clone();
            async move { sessions.ended().await }
        });
        drop(first);
        assert!(!waiting.is_finished());
        drop(second);
        waiting.await.expect("it ends");
    }

    #[test]
    fn an_end_is_told_once_and_by_its_registry() {
        let sessions = Sessions::default();
        sessions.keep("a", SessionEnd::Lost);
        sessions.keep("b", SessionEnd::Cancelled);
        sessions.keep("a", SessionEnd::Refused);
        assert_eq!(sessions.take("a"), [SessionEnd::Lost, SessionEnd::Refused]);
        assert_eq!(sessions.take("a"), []);
        sessions.retain(|registry| registry != "b");
        assert_eq!(sessions.take("b"), []);
    }
}
