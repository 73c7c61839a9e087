//! Times and durations, as a person reads them.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

/// How long ago, or in how long.
pub(super) fn ago(now: SystemTime, at: SystemTime) -> Markup {
    let text = match now.duration_since(at) {
        Ok(age) if age < Duration::from_secs(1) => "just now".to_owned(),
        Ok(age) => format!("{} ago", span(age)),
        Err(ahead) if ahead.duration() < Duration::from_secs(1) => "now".to_owned(),
        Err(ahead) => format!("in {}", span(ahead.duration())),
    };
    html! { time datetime=(stamp(at)) { (text) } }
}

/// For how long now.
pub(super) fn lasting(now: SystemTime, since: SystemTime) -> Markup {
    let age = now.duration_since(since).unwrap_or_default();
    html! { time datetime=(stamp(since)) { "for " (span(age)) } }
}

/// The time itself, and how far away it is.
pub(super) fn exact(now: SystemTime, at: SystemTime) -> Markup {
    html! { (stamp(at).replace('T', " ").replace('Z', " UTC")) " (" (ago(now, at)) ")" }
}

/// A time given in seconds since the epoch, where it is one.
pub(super) fn of_epoch(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    }
}

/// A time between two looks at a clock: its largest unit, rounded down.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "s"),
        60..3600 => (seconds / 60, "min"),
        3600..172_800 => (seconds / 3600, "h"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}

/// A time that was measured.
pub(super) fn measured(duration: Duration) -> String {
    let millis = duration.as_secs_f64() * 1000.0;
    if millis < 1.0 {
        "under 1 ms".to_owned()
    } else if millis < 999.5 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.1} s", millis / 1000.0)
    }
}

/// RFC 3339 in UTC, to the second.
fn stamp(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .and_then(|at| jiff::Timestamp::from_second(at.as_second()))
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn ages_are_in_their_largest_unit() {
        for (seconds, expected) in [
            (0, "just now"),
            (1, "1 s ago"),
            (59, "59 s ago"),
            (60, "1 min ago"),
            (3599, "59 min ago"),
            (3600, "1 h ago"),
            (172_799, "47 h ago"),
            (172_800, "2 days ago"),
        ] {
            let shown = ago(at(1_000_000), at(1_000_000 - seconds)).into_string();
            assert!(shown.contains(&format!(">{expected}<")), "{shown}");
        }
        assert_eq!(
            ago(at(0), at(90)).into_string(),
            "<time datetime=\"1970-01-01T00:01:30Z\">in 1 min</time>"
        );
    }

    #[test]
    fn measured_times_have_the_figures_that_count() {
        for (micros, expected) in [
            (0, "under 1 ms"),
            (1_000, "1 ms"),
            (12_400, "12 ms"),
            (999_400, "999 ms"),
            (999_500, "1.0 s"),
            (12_340_000, "12.3 s"),
        ] {
            assert_eq!(measured(Duration::from_micros(micros)), expected);
        }
    }

    #[test]
    fn a_time_beyond_the_calendar_is_not_shown_as_one() {
        assert_eq!(of_epoch(90), Some(at(90)));
        assert_eq!(
            of_epoch(-90).map(stamp).as_deref(),
            Some("1969-12-31T23:58:30Z")
        );
        // The clock may not reach so far, and the calendar does not.
        let far = of_epoch(i64::MAX).map_or_else(String::new, stamp);
        assert!(
            ["", "1970-01-01T00:00:00Z"].contains(&far.as_str()),
            "{far}"
        );
    }
}
