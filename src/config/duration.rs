//! Durations as people write them: `30s`, `5m`, `1h30m`.

use std::time::Duration;

use super::quote::shown;

/// How a duration is written.
pub const HINT: &str = "write it as `30s`, `5m`, `1h30m` or `1d`";

/// Reads a duration, from a second to a year.
///
/// Months and years are refused: nothing here is meant to last so long, and
/// `1M` is a slip for `1m`.
pub fn parse(text: &str) -> Result<Duration, String> {
    // The package counts in u64 and can overflow on a number that fills it.
    if text
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() > MOST_DIGITS)
    {
        return Err("the number is too large".to_owned());
    }
    let duration = humantime::parse_duration(text).map_err(|error| why(text, &error))?;
    if let Some(unit) = units(text).find(|unit| LONG_UNITS.contains(unit)) {
        return Err(match unit {
            "M" => "`M` is a month; a minute is `m`".to_owned(),
            unit => format!("`{unit}` are not taken"),
        });
    }
    if duration < SHORTEST {
        return Err("shorter than 1s".to_owned());
    }
    if duration > LONGEST {
        return Err("longer than a year (366d)".to_owned());
    }
    Ok(duration)
}

/// The package's reasons, without offsets and without units that are refused here.
fn why(text: &str, error: &humantime::DurationError) -> String {
    use humantime::DurationError as Error;
    match error {
        Error::UnknownUnit { unit, .. } if unit.is_empty() => "the unit is missing".to_owned(),
        Error::UnknownUnit { unit, .. } => format!("unknown unit {}", shown(unit)),
        Error::NumberOverflow => "the number is too large or too fine".to_owned(),
        Error::Empty => "it is empty".to_owned(),
        Error::NumberExpected(_) if text.trim_start().starts_with('-') => {
            "it is negative".to_owned()
        }
        Error::NumberExpected(_) => "a number is missing".to_owned(),
        Error::InvalidCharacter(_) => {
            "it holds a character that is no part of a duration".to_owned()
        }
    }
}

fn units(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic())
        .filter(|unit| !unit.is_empty())
}

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(366 * 24);
const MOST_DIGITS: usize = 12;
const LONG_UNITS: [&str; 8] = ["M", "month", "months", "y", "yr", "yrs", "year", "years"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("1s", 1),
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("1.5h", 5400),
            ("1000ms", 1),
            ("1d", 86_400),
            ("2 weeks", 1_209_600),
            ("366d", 31_622_400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn each_refusal_says_why() {
        for (text, why) in [
            ("30", "the unit is missing"),
            ("5 parsecs", "unknown unit `parsecs`"),
            ("1M", "`M` is a month; a minute is `m`"),
            ("1h 2months", "`months` are not taken"),
            ("1y", "`y` are not taken"),
            ("2yrs", "`yrs` are not taken"),
            ("0s", "shorter than 1s"),
            ("999ms", "shorter than 1s"),
            ("367d", "longer than a year (366d)"),
            ("-5s", "it is negative"),
            ("s", "a number is missing"),
            ("5s!", "it holds a character that is no part of a duration"),
            ("", "it is empty"),
            (
                "18446744073709551615s1000000000ns",
                "the number is too large",
            ),
            ("999999999999w", "longer than a year (366d)"),
        ] {
            assert_eq!(parse(text), Err(why.to_owned()), "{text}");
        }
    }
}
