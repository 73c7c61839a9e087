//! Whether a connection is worth its place.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::connection::IDLE_TIMEOUT;

/// What happens on one connection.
#[derive(Default)]
pub(super) struct Activity(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// When something last happened; `None`: no request came yet.
    last: Option<Instant>,
    /// When each answer that is made or sent began.
    open: BTreeMap<u64, Instant>,
    next: u64,
}

/// What is to be thought of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    NeverAsked,
    Busy,
    /// Nothing was asked for long.
    Idle,
    /// An answer is not taken: over HTTP/2 one that is slow hides behind the others.
    Stalled,
}

impl Activity {
    /// A request came, whose answer is followed to its end.
    pub(super) fn begin(activity: &Arc<Self>) -> Turn {
        let now = Instant::now();
        let mut seen = activity.seen();
        let number = seen.next;
        seen.next += 1;
        seen.last = Some(now);
        seen.open.insert(number, now);
        drop(seen);
        Turn {
            activity: Arc::clone(activity),
            number,
        }
    }

    pub(super) fn state(&self, now: Instant) -> State {
        let seen = self.seen();
        let Some(last) = seen.last else {
            return State::NeverAsked;
        };
        let since = |begin: &Instant| now.saturating_duration_since(*begin);
        match seen.open.values().map(since).max() {
            Some(oldest) if oldest > LONGEST_ANSWER => State::Stalled,
            None if since(&last) > IDLE_TIMEOUT => State::Idle,
            _ => State::Busy,
        }
    }

    /// Since when no answer is under way: `began` before the first one, `None` where one is.
    pub(super) fn rests_since(&self, began: Instant) -> Option<Instant> {
        let seen = self.seen();
        seen.open.is_empty().then(|| seen.last.unwrap_or(began))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request and its answer, until it is dropped.
pub(super) struct Turn {
    activity: Arc<Activity>,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut seen = self.activity.seen();
        seen.open.remove(&self.number);
        seen.last = Some(Instant::now());
    }
}

/// From a request to the last byte of its answer.
const LONGEST_ANSWER: Duration = Duration::from_secs(150);

#[cfg(test)]
mod tests {
    use bytes::{Buf as _, Bytes};
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::server::body::Body;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_judged_by_its_answers() {
        let activity = Arc::new(Activity::default());
        let began = Instant::now();
        let at = |seconds| activity.state(began + Duration::from_secs(seconds));
        assert_eq!(at(0), State::NeverAsked);
        assert_eq!(at(1000), State::NeverAsked);
        let slow = Activity::begin(&activity);
        assert_eq!((at(150), at(151)), (State::Busy, State::Stalled));
        tokio::time::advance(Duration::from_secs(100)).await;
        // Others that come and go do not hide it.
        drop(Activity::begin(&activity));
        assert_eq!((at(150), at(151)), (State::Busy, State::Stalled));
        drop(slow);
        assert_eq!((at(250), at(251)), (State::Busy, State::Idle));
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_body() {
        let activity = Arc::new(Activity::default());
        let open = || activity.seen().open.len();
        let carry = |page: &'static [u8]| {
            Body::from(Bytes::from_static(page)).holding(Activity::begin(&activity))
        };
        let mut body = carry(b"page");
        assert_eq!(open(), 1);
        let frame = body.frame().await.unwrap().unwrap();
        let Ok(sending) = frame.into_data() else {
            panic!("no data")
        };
        assert_eq!((sending.chunk(), open()), (&b"page"[..], 1));
        assert!(body.frame().await.is_none());
        drop(body);
        assert_eq!(open(), 1);
        drop(sending);
        assert_eq!(open(), 0);
        drop(carry(b""));
        assert_eq!(open(), 0);
    }
}
