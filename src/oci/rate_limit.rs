//! What a registry says of its limits.

use super::{ErrorBody, is_html};
use crate::exchange::Reply;

/// `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 20;w=21600` (Docker Hub).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Pulls in a window.
    pub limit: Option<u64>,
    /// Pulls left in it.
    pub remaining: Option<u64>,
    /// The window (seconds).
    pub window_seconds: Option<u64>,
}

impl RateLimit {
    /// What the headers of a reply say, whatever its status; `None` where they say nothing.
    pub fn of(reply: &Reply) -> Option<Self> {
        let read = |name| reply.header(name).map(count_and_window);
        let (limit, window) = read("ratelimit-limit").unwrap_or_default();
        let (remaining, other_window) = read("ratelimit-remaining").unwrap_or_default();
        (limit.is_some() || remaining.is_some()).then_some(Self {
            limit,
            remaining,
            window_seconds: window.or(other_window),
        })
    }
}

/// Whether a reply says "not so often": 429, or a 4xx or 5xx whose error code is
/// TOOMANYREQUESTS in any case (Harbor writes `TOO_MANY_REQUEST`).
pub fn rate_limited(reply: &Reply) -> bool {
    let says_so = || {
        let entries = ErrorBody::of(reply).map(|body| body.entries);
        entries.into_iter().flatten().any(|entry| {
            let code = entry.code.unwrap_or_default().replace('_', "");
            ["TOOMANYREQUESTS", "TOOMANYREQUEST"]
                .iter()
                .any(|known| code.eq_ignore_ascii_case(known))
        })
    };
    reply.status == 429 || (matches!(reply.status, 400..=599) && says_so())
}

/// Whether a 429 is Docker Hub's pull limit, which lasts for hours, and not its
/// abuse limit, which is a bare 429: `ratelimit-remaining: 0`, or the long
/// message with its link. Asking again would only burn the abuse limit.
pub fn pull_limit(reply: &Reply) -> bool {
    if reply.status != 429 {
        return false;
    }
    let used_up = RateLimit::of(reply).and_then(|limit| limit.remaining) == Some(0);
    used_up || (!is_html(reply) && says_pull_limit(&reply.body))
}

fn says_pull_limit(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(PULL_LIMIT_TEXT)]).to_lowercase();
    text.contains("pull rate limit") || text.contains("increase-rate-limit")
}

/// `100;w=21600`, or `100` alone.
fn count_and_window(value: &str) -> (Option<u64>, Option<u64>) {
    let mut parts = value.split(';').map(str::trim);
    let count = parts.next().and_then(|count| count.parse().ok());
    let window = parts.find_map(|part| part.strip_prefix("w=")?.trim().parse().ok());
    (count, count.and(window))
}

/// How much of a body is searched for the pull limit's message (bytes).
const PULL_LIMIT_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::reply;

    #[test]
    fn rate_limit_is_read_from_its_headers() {
        let limit = |limit, remaining, window_seconds| {
            Some(RateLimit {
                limit,
                remaining,
                window_seconds,
            })
        };
        for (headers, wanted) in [
            (
                &[
                    ("ratelimit-limit", "100;w=21600"),
                    ("ratelimit-remaining", "20;w=21600"),
                ][..],
                limit(Some(100), Some(20), Some(21600)),
            ),
            (
                &[("ratelimit-remaining", "0 ; w=5")],
                limit(None, Some(0), Some(5)),
            ),
            (&[("ratelimit-limit", "7")], limit(Some(7), None, None)),
            (
                &[("ratelimit-limit", "7;w=soon")],
                limit(Some(7), None, None),
            ),
            (&[("ratelimit-limit", "many;w=5")], None),
            (&[("ratelimit-limit", "-1")], None),
            (&[("ratelimit-limit", "100000000000000000000")], None),
            (&[("ratelimit-limit", "")], None),
            (&[], None),
        ] {
            assert_eq!(
                RateLimit::of(&reply(200, headers, "")),
                wanted,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn rate_limited_by_status_or_code() {
        for (status, body, wanted) in [
            (429, "", true),
            (
                403,
                r#"{"errors":[{"code":"toomanyrequests","message":"Rate exceeded"}]}"#,
                true,
            ),
            (503, r#"{"errors":[{"code":"TOO_MANY_REQUEST"}]}"#, true),
            (200, r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#, false),
            (
                403,
                r#"{"errors":[{"code":"DENIED","message":"toomanyrequests"}]}"#,
                false,
            ),
            (503, "toomanyrequests", false),
        ] {
            assert_eq!(
                rate_limited(&reply(status, &[], body)),
                wanted,
                "{status} {body}"
            );
        }
    }

    #[test]
    fn pull_limit_is_told_from_the_abuse_limit() {
        let long = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"}]}"#;
        let none_left = [("ratelimit-remaining", "0;w=21600")];
        let some_left = [("ratelimit-remaining", "1;w=21600")];
        for (status, headers, body, wanted) in [
            (429, &[][..], long, true),
            (
                429,
                &[],
                "You have reached your unauthenticated pull rate limit.",
                true,
            ),
            (429, &none_left, "", true),
            (429, &some_left, "", false),
            (429, &[], "Too Many Requests", false),
            (
                429,
                &[("content-type", "text/html")],
                "pull rate limit",
                false,
            ),
            (200, &none_left, "", false),
            (403, &none_left, long, false),
        ] {
            assert_eq!(
                pull_limit(&reply(status, headers, body)),
                wanted,
                "{status} {headers:?} {body}"
            );
        }
    }
}
