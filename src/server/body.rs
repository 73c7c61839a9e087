//! The body of an answer: a page, handed over as it is and copied nowhere.

use std::{
    convert::Infallible,
    io::IoSlice,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::activity::Turn;
use crate::exposition::Page;

/// A page that is to be sent, until it is handed over.
#[derive(Default)]
pub(super) struct Body(Option<Sending>);

/// A page that is sent, until its last byte is.
///
/// It is one piece of data for whoever writes it, who takes from it what the
/// socket takes: a page that nobody reads is still the one that all share.
#[derive(Default)]
pub(super) struct Sending {
    page: Page,
    held: (Option<OwnedSemaphorePermit>, Option<Turn>),
}

impl Body {
    /// This page, which counts as one that is sent.
    pub(super) fn new(page: Page, permit: Option<OwnedSemaphorePermit>) -> Self {
        let held = (permit, None);
        Self(Some(Sending { page, held }))
    }

    /// The body, which now carries this turn to its end.
    pub(super) fn holding(mut self, turn: Turn) -> Self {
        if let Some(sending) = &mut self.0 {
            sending.held.1 = Some(turn);
        }
        self
    }

    fn remaining(&self) -> usize {
        self.0.as_ref().map_or(0, Buf::remaining)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.into(), None)
    }
}

impl hyper::body::Body for Body {
    type Data = Sending;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Sending>, Infallible>>> {
        let sending = self.0.take().filter(Buf::has_remaining);
        Poll::Ready(sending.map(Frame::data).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining() as u64)
    }
}

impl Buf for Sending {
    fn remaining(&self) -> usize {
        self.page.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.page.chunk()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.page.chunks_vectored(slices)
    }

    fn advance(&mut self, count: usize) {
        self.page.advance(count);
    }
}
