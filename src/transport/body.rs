//! Reads an answer's body up to its cap.

use bytes::{Bytes, BytesMut};

use super::error::Failure;

/// A body as far as it was read.
pub(super) struct Read {
    /// At most the cap.
    pub(super) bytes: Bytes,
    /// It ended where it said it would, within the cap.
    pub(super) whole: bool,
}

/// Reads until the end, the cap, or where the body breaks off.
///
/// A body that breaks off is still an answer, because its status was read whole;
/// one that stands still is not, because more could come.
pub(super) async fn read(response: &mut reqwest::Response, cap: usize) -> Result<Read, Failure> {
    let mut bytes = BytesMut::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let left = cap - bytes.len();
                bytes.extend_from_slice(&chunk[..chunk.len().min(left)]);
                if chunk.len() > left {
                    break false;
                }
            }
            Ok(None) => break true,
            Err(error) if error.is_timeout() => return Err(Failure::Http(error)),
            Err(_) => break false,
        }
    };
    Ok(Read {
        bytes: bytes.freeze(),
        whole,
    })
}
