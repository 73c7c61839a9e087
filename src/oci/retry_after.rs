//! How long a registry asks to wait; whether one does is the retry room's matter.

use std::time::{Duration, SystemTime};

use jiff::{
    Timestamp,
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};

use super::ErrorBody;
use crate::exchange::Reply;

/// The wait that a reply asks for: `Retry-After` in seconds or as an HTTP date
/// (RFC 9110, 10.2.3), else a Go duration in the error message, as GHCR writes it
/// (`retry-after: 1.16676ms, allowed: 44000/minute`).
///
/// A date that has passed is no wait; what does not fit a `Duration` is the
/// longest; what cannot be read, or is negative, is `None`.
pub fn retry_after(reply: &Reply, now: SystemTime) -> Option<Duration> {
    let header = reply.header("retry-after").map(str::trim);
    let from_header = header.and_then(|value| seconds(value).or_else(|| until(value, now)));
    from_header.or_else(|| {
        let entries = ErrorBody::of(reply)?.entries;
        let mut messages = entries.iter().filter_map(|entry| entry.message.as_deref());
        messages.find_map(from_message)
    })
}

/// Decimal seconds, a fraction tolerated.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    if fraction.is_empty() {
        return Some(whole.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    float_seconds(text.parse().ok()?)
}

/// The time until a date in one of HTTP's three forms (RFC 9110, 5.6.7).
fn until(text: &str, now: SystemTime) -> Option<Duration> {
    let date = imf_fixdate(text).or_else(|| {
        let mut old = OBSOLETE_DATES.iter();
        old.find_map(|form| zoneless_date(form, text))
    })?;
    let date = SystemTime::try_from(date).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

fn imf_fixdate(text: &str) -> Option<Timestamp> {
    // A wrong name of the day does not make the date wrong.
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    parser.parse_timestamp(text).ok()
}

fn zoneless_date(form: &str, text: &str) -> Option<Timestamp> {
    let date = strtime::parse(form, text).ok()?.to_datetime().ok()?;
    TimeZone::UTC.to_timestamp(date).ok()
}

/// The duration after `retry-after:` in a message.
fn from_message(message: &str) -> Option<Duration> {
    let lower = message.to_lowercase();
    let (_, after) = lower.split_once("retry-after:")?;
    let word = after
        .split_whitespace()
        .next()?
        .trim_end_matches([',', ';']);
    seconds(word).or_else(|| go_duration(word))
}

/// Go's `time.Duration` as it prints itself: `1.16676ms`, `1m30s`, `250µs`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit_on) = rest.split_at(end);
        let end = unit_on
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(unit_on.len());
        let (unit, next) = unit_on.split_at(end);
        let (_, scale) = GO_UNITS.iter().find(|(name, _)| *name == unit)?;
        let part = float_seconds(number.parse::<f64>().ok()? * scale)?;
        total = total.saturating_add(part);
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// Too many seconds are the longest duration; negative ones and NaN are none.
fn float_seconds(seconds: f64) -> Option<Duration> {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => Some(duration),
        Err(_) => (seconds > 0.0).then_some(Duration::MAX),
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// RFC 850 and asctime.
const OBSOLETE_DATES: [&str; 2] = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Go's units (seconds); it prints the micro sign and reads two letters more.
const GO_UNITS: [(&str, f64); 8] = [
    ("ns", 1e-9),
    ("us", 1e-6),
    ("\u{b5}s", 1e-6),
    ("\u{3bc}s", 1e-6),
    ("ms", 1e-3),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    /// Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's examples.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777)
    }

    fn asked(header: &str) -> Option<Duration> {
        retry_after(&reply(429, &[("retry-after", header)], ""), now())
    }

    #[test]
    fn the_header_in_every_form() {
        let second = Duration::from_secs;
        for (header, wait) in [
            ("120", Some(second(120))),
            (" 120 ", Some(second(120))),
            ("0", Some(Duration::ZERO)),
            ("1.5", Some(Duration::from_millis(1500))),
            ("18446744073709551615", Some(second(u64::MAX))),
            ("100000000000000000000", Some(Duration::MAX)),
            ("99999999999999999999999.5", Some(Duration::MAX)),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("", None),
            (".", None),
            (".5", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(second(30))),
            ("Mon, 06 Nov 1994 08:50:07 GMT", Some(second(30))),
            ("Sun, 06 Nov 1994 08:50:07 +0000", Some(second(30))),
            ("Sunday, 06-Nov-94 08:50:07 GMT", Some(second(30))),
            ("Sun Nov  6 08:50:07 1994", Some(second(30))),
            ("Sun Nov 06 08:50:07 1994", Some(second(30))),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(Duration::ZERO)),
            ("Fri, 01 Jan 1960 00:00:00 GMT", Some(Duration::ZERO)),
            (
                "Thu, 30 Dec 9999 00:00:00 GMT",
                Some(second(252_618_016_223)),
            ),
            ("Sun, 06 Nov 99999 08:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(asked(header), wait, "{header}");
        }
    }

    #[test]
    fn the_message_where_the_header_says_nothing() {
        let nanos = Duration::from_nanos;
        for (message, wait) in [
            (
                "retry-after: 1.16676ms, allowed: 44000/minute",
                Some(nanos(1_166_760)),
            ),
            (
                "Retry-After: 250\u{b5}s, allowed: 2000/minute",
                Some(nanos(250_000)),
            ),
            ("retry-after: 250\u{3bc}s", Some(nanos(250_000))),
            (
                "slow down; retry-after: 1m30.5s",
                Some(Duration::from_millis(90_500)),
            ),
            ("retry-after: 2h", Some(Duration::from_hours(2))),
            ("retry-after: 7", Some(Duration::from_secs(7))),
            ("retry-after: 9999999999999999999999h", Some(Duration::MAX)),
            ("retry-after: -1s", None),
            ("retry-after: 1..5s", None),
            ("retry-after: 1parsec", None),
            ("retry-after: ", None),
            ("try again", None),
        ] {
            let body =
                format!(r#"{{"errors":[{{"code":"TOOMANYREQUESTS","message":"{message}"}}]}}"#);
            let garbage = [("retry-after", "garbage")];
            for headers in [&[][..], &garbage] {
                assert_eq!(
                    retry_after(&reply(429, headers, &body), now()),
                    wait,
                    "{message}"
                );
            }
            let both = reply(429, &[("retry-after", "3")], &body);
            assert_eq!(retry_after(&both, now()), Some(Duration::from_secs(3)));
        }
    }

    proptest! {
        #[test]
        fn no_header_is_too_wild_for_the_reader(text in "[ -~]{0,40}|[0-9]{1,40}(\\.[0-9]{0,40})?|([0-9.]{1,30}(ns|us|ms|s|m|h)){1,4}") {
            let _ = asked(&text);
            let body = format!(r#"{{"errors":[{{"message":"retry-after: {}"}}]}}"#, text.replace(['"', '\\'], ""));
            let _ = retry_after(&reply(429, &[], &body), now());
        }

        #[test]
        fn every_date_of_http_is_read(seconds in 0_i64..253_402_128_000) {
            let date = Timestamp::from_second(seconds).unwrap();
            let text = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
            let wait = asked(&text).unwrap();
            let ahead = u64::try_from(seconds - 784_111_777).unwrap_or(0);
            prop_assert_eq!(wait, Duration::from_secs(ahead), "{}", text);
        }
    }
}
