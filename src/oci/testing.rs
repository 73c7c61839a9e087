//! Replies for the tests of this room.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::exchange::Reply;

/// A reply with a status, headers and a body.
pub(super) fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Reply {
        status,
        headers: map,
        body: Bytes::copy_from_slice(body.as_bytes()),
        truncated: false,
        http_version: "1.1",
        elapsed: Duration::ZERO,
    }
}
