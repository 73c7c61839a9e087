//! What a registry says of its limits.

use super::{ErrorBody, is_html};
use crate::exchange::Reply;

/// A limit, as far as a registry tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests (Docker Hub: pulls) in a window.
    pub limit: Option<u64>,
    /// Requests left in it.
    pub remaining: Option<u64>,
    /// The window (seconds).
    pub window_seconds: Option<u64>,
}

impl RateLimit {
    /// What a reply says, whatever its status; `None` where it says nothing. Read are
    ///
    /// - `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 20;w=21600` (Docker Hub),
    /// - `x-ratelimit-limit` and `x-ratelimit-remaining` (GitHub's way),
    /// - `x-ms-ratelimit-remaining-calls-per-second: 166.65` (ACR),
    /// - `allowed: 44000/minute` in the message of a 429 (GHCR).
    pub fn of(reply: &Reply) -> Option<Self> {
        of_pulls(reply)
            .or_else(|| pair(reply, "x-ratelimit-limit", "x-ratelimit-remaining"))
            .or_else(|| per_second(reply))
            .or_else(|| of_message(reply))
    }

    /// Whether less is left than a share of the limit, in percent; not where either is
    /// not told. A share of 0 leaves nothing to others.
    pub fn is_below(&self, percent: u8) -> bool {
        let (Some(limit), Some(remaining)) = (self.limit, self.remaining) else {
            return false;
        };
        u128::from(remaining) * 100 < u128::from(limit) * u128::from(percent)
    }
}

/// Docker Hub's way; no other registry is known to count pulls.
fn of_pulls(reply: &Reply) -> Option<RateLimit> {
    pair(reply, "ratelimit-limit", "ratelimit-remaining")
}

fn pair(reply: &Reply, limit: &str, remaining: &str) -> Option<RateLimit> {
    let read = |name| reply.header(name).map(count_and_window);
    let (limit, window) = read(limit).unwrap_or_default();
    let (remaining, other_window) = read(remaining).unwrap_or_default();
    (limit.is_some() || remaining.is_some()).then_some(RateLimit {
        limit,
        remaining,
        window_seconds: window.or(other_window),
    })
}

/// ACR counts calls in a second, with fractions.
fn per_second(reply: &Reply) -> Option<RateLimit> {
    let text = reply.header("x-ms-ratelimit-remaining-calls-per-second")?;
    let whole = text.trim().split('.').next()?;
    Some(RateLimit {
        limit: None,
        remaining: Some(whole.parse().ok()?),
        window_seconds: Some(1),
    })
}

/// GHCR has no header, and says in a 429 what it allows.
fn of_message(reply: &Reply) -> Option<RateLimit> {
    if reply.status != 429 {
        return None;
    }
    let entries = ErrorBody::of(reply)?.entries;
    entries.into_iter().find_map(|entry| {
        let message = entry.message?;
        let (_, allowed) = message.split_once("allowed: ")?;
        let (count, unit) = allowed.split_once('/')?;
        let window_seconds = match unit.split(|c: char| !c.is_ascii_alphabetic()).next()? {
            "second" => 1,
            "minute" => 60,
            "hour" => 3600,
            _ => return None,
        };
        Some(RateLimit {
            limit: Some(count.trim().parse().ok()?),
            remaining: None,
            window_seconds: Some(window_seconds),
        })
    })
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
    let used_up = of_pulls(reply).and_then(|limit| limit.remaining) == Some(0);
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
    use crate::exchange::testing::{error, reply};

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
            (
                &[
                    ("x-ratelimit-limit", "44000"),
                    ("x-ratelimit-remaining", "43999"),
                ],
                limit(Some(44000), Some(43999), None),
            ),
            (
                &[("ratelimit-remaining", "3"), ("x-ratelimit-remaining", "4")],
                limit(None, Some(3), None),
            ),
            (
                &[("x-ms-ratelimit-remaining-calls-per-second", "166.65")],
                limit(None, Some(166), Some(1)),
            ),
            (&[("x-ms-ratelimit-remaining-calls-per-second", "-1")], None),
            (
                &[("x-ms-ratelimit-remaining-calls-per-second", "many")],
                None,
            ),
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
    fn ghcr_says_its_limit_in_the_message() {
        for (message, wanted) in [
            (
                "retry-after: 1.16676ms, allowed: 44000/minute",
                Some((44000, 60)),
            ),
            ("retry-after: 9µs, allowed: 2000/hour)", Some((2000, 3600))),
            ("allowed: 5/second", Some((5, 1))),
            ("allowed: 5/fortnight", None),
            ("allowed: many/minute", None),
            ("slow down", None),
        ] {
            let code = "TOOMANYREQUESTS";
            let found = RateLimit::of(&error(429, code, message));
            let found = found.map(|it| (it.limit.unwrap(), it.window_seconds.unwrap()));
            assert_eq!(found, wanted, "{message}");
            assert_eq!(RateLimit::of(&error(403, code, message)), None);
        }
    }

    #[test]
    fn a_share_is_of_the_limit() {
        for (limit, remaining, percent, below) in [
            (Some(100), Some(9), 10, true),
            (Some(100), Some(10), 10, false),
            (Some(100), Some(0), 0, false),
            (Some(100), Some(99), 100, true),
            (Some(0), Some(0), 10, false),
            (Some(u64::MAX), Some(0), 1, true),
            (None, Some(0), 10, false),
            (Some(100), None, 10, false),
        ] {
            let it = RateLimit {
                limit,
                remaining,
                window_seconds: None,
            };
            assert_eq!(it.is_below(percent), below, "{it:?} {percent}");
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
        let none_this_second = [("x-ms-ratelimit-remaining-calls-per-second", "0")];
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
            // ACR's second is over in a second.
            (429, &none_this_second, "", false),
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
