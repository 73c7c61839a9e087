//! Bytes in place of HTTP.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;

use crate::fault::Http2;
use crate::wire::Wire;

/// Bytes that a server says in place of HTTP, and what becomes of the connection.
///
/// ```
/// use registry_sim::{Raw, RawEnd};
///
/// // Half a head, then the connection is reset.
/// let half = Raw::new("HTTP/1.1 200 OK\r\nContent-").end(RawEnd::Reset);
/// # let _ = half;
/// ```
#[derive(Clone, Debug)]
pub struct Raw {
    first: Bytes,
    again: Option<(Bytes, Duration)>,
    end: RawEnd,
}

/// What becomes of a connection after its last words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawEnd {
    /// It is closed.
    Close,
    /// It is reset (`SO_LINGER` 0).
    Reset,
    /// It stays open, and nothing more is said.
    Hang,
}

impl Raw {
    /// These bytes, then the connection is closed.
    pub fn new(first: impl Into<Bytes>) -> Self {
        Self {
            first: first.into(),
            again: None,
            end: RawEnd::Close,
        }
    }

    /// Then these, over and over; `every` so long, or as fast as the reader reads.
    #[must_use]
    pub fn again(mut self, bytes: impl Into<Bytes>, every: Duration) -> Self {
        self.again = Some((bytes.into(), every));
        self
    }

    /// What becomes of the connection, in place of being closed.
    #[must_use]
    pub fn end(mut self, end: RawEnd) -> Self {
        self.end = end;
        self
    }

    /// The frames (RFC 9113) of a fault in this stream.
    pub(crate) fn http2(fault: Http2, stream: u32) -> Self {
        let at_once = Duration::ZERO;
        // `:status: 200` is the eighth entry of HPACK's static table.
        let head = |flags| frame(0x1, flags, stream, &[0x88]);
        match fault {
            // No stream was processed, and no error.
            Http2::GoAway => Self::new(frame(0x7, 0, 0, &[0; 8])),
            // INTERNAL_ERROR.
            Http2::Reset => Self::new(frame(0x3, 0, stream, &[0, 0, 0, 2])),
            Http2::Dead => Self::new("").end(RawEnd::Hang),
            Http2::EmptyData => {
                Self::new(head(END_HEADERS)).again(frame(0x0, 0, stream, &[]), at_once)
            }
            Http2::Pings => Self::new("").again(frame(0x6, 0, 0, &[7; 8]), PING_EVERY),
            Http2::Continuations => {
                // A literal field without indexing: `a: b`.
                let field = [0x00, 0x01, b'a', 0x01, b'b'];
                Self::new(head(0)).again(frame(0x9, 0, stream, &field), at_once)
            }
        }
    }

    /// Says it.
    pub(crate) async fn say(self, mut wire: Wire) {
        let mut said = wire.write_all(&self.first).await;
        if let Some((bytes, every)) = self.again {
            while said.is_ok() {
                if every.is_zero() {
                    // Also where the reader takes everything at once, others get their turn.
                    tokio::task::yield_now().await;
                } else {
                    tokio::time::sleep(every).await;
                }
                said = wire.write_all(&bytes).await;
            }
        }
        match self.end {
            RawEnd::Close => drop(wire.shutdown().await),
            RawEnd::Reset => wire.reset(),
            RawEnd::Hang => std::future::pending().await,
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let length = u8::try_from(payload.len()).expect("a short frame");
    let mut frame = vec![0, 0, length, kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame.into()
}

const END_HEADERS: u8 = 0x4;
const PING_EVERY: Duration = Duration::from_millis(20);
