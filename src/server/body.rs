//! The body of an answer: a page, a few bytes at a time.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf as _, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::activity::Turn;
use crate::exposition::Page;

/// A page on its way. What it takes from its page it takes shortly before it is
/// sent: one that nobody reads has no copy of it.
#[derive(Default)]
pub(super) struct Body {
    page: Page,
    held: Held,
}

/// What is held until the last byte is sent, or will not be.
type Held = (Option<OwnedSemaphorePermit>, Option<Turn>);

impl Body {
    /// This page, which counts as one that is sent.
    pub(super) fn new(page: Page, permit: Option<OwnedSemaphorePermit>) -> Self {
        let held = (permit, None);
        Self { page, held }
    }

    /// The body, which now carries this turn to its end.
    pub(super) fn holding(mut self, turn: Turn) -> Self {
        self.held.1 = Some(turn);
        self
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.into(), None)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.page.remaining().min(CHUNK);
        if next == 0 {
            return Poll::Ready(None);
        }
        let mut bytes = self.page.copy_to_bytes(next);
        if !self.page.has_remaining() {
            let _held = std::mem::take(&mut self.held);
            bytes = Bytes::from_owner(Last { bytes, _held });
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        !self.page.has_remaining()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.page.remaining() as u64)
    }
}

/// The last bytes of a body, dropped once they are sent.
struct Last {
    bytes: Bytes,
    _held: Held,
}

impl AsRef<[u8]> for Last {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Bytes of a body that are handed over at once.
pub(super) const CHUNK: usize = 16 * 1024;
