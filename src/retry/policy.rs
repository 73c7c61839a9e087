//! How often and when a request is repeated, as a value that cannot be wrong.

use std::time::Duration;

/// What a configuration may say about repeating a request; the defaults are the product's.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyOptions {
    /// Tries in all of a rate-limited request.
    pub attempts: u32,
    /// The first wait.
    pub initial: Duration,
    /// By what each further wait grows.
    pub factor: f64,
    /// The longest wait of the backoff itself.
    pub max: Duration,
    /// The longest `Retry-After` that is believed.
    pub retry_after_max: Duration,
    /// Further tries after 502/503/504, a reset or a connect time-out.
    pub transient_attempts: u32,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            attempts: 4,
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(30),
            retry_after_max: Duration::from_mins(15),
            transient_attempts: 1,
        }
    }
}

/// [`PolicyOptions`] that were found good.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy(PolicyOptions);

impl Policy {
    /// Takes the options if each of them makes sense.
    ///
    /// # Errors
    ///
    /// One sentence that names the key, its bounds and its value; the caller
    /// adds the place.
    pub fn try_new(options: PolicyOptions) -> Result<Self, String> {
        let PolicyOptions {
            attempts,
            initial,
            factor,
            max,
            retry_after_max,
            transient_attempts,
        } = options;
        if !(1..=MOST_ATTEMPTS).contains(&attempts) {
            return Err(format!(
                "`attempts` counts the first try too and is from 1 to {MOST_ATTEMPTS}: {attempts}"
            ));
        }
        if transient_attempts > MOST_ATTEMPTS {
            return Err(format!(
                "`transient_attempts` is at most {MOST_ATTEMPTS}: {transient_attempts}"
            ));
        }
        if initial < SHORTEST_WAIT {
            return Err(format!("`initial` is at least 1s: {initial:?}"));
        }
        if max > LONGEST_BACKOFF {
            return Err(format!("`max` is at most 1h: {max:?}"));
        }
        if max < initial {
            return Err(format!(
                "`max` is not shorter than `initial`: {max:?} against {initial:?}"
            ));
        }
        // Also refuses NaN, which is in no range.
        if !(1.0..=LARGEST_FACTOR).contains(&factor) {
            return Err(format!("`factor` is from 1 to {LARGEST_FACTOR}: {factor}"));
        }
        if !(SHORTEST_WAIT..=LONGEST_RETRY_AFTER).contains(&retry_after_max) {
            return Err(format!(
                "`retry_after_max` is from 1s to 24h: {retry_after_max:?}"
            ));
        }
        Ok(Self(options))
    }

    /// What the policy was made of.
    pub fn options(&self) -> &PolicyOptions {
        &self.0
    }
}

/// No wait is shorter: anything quicker is a hammer, whatever the registry says.
pub(super) const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);
const MOST_ATTEMPTS: u32 = 20;
const LARGEST_FACTOR: f64 = 10.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_a_good_policy() {
        let policy = Policy::try_new(PolicyOptions::default()).unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.options().attempts, 4);
    }

    #[test]
    fn each_refusal_has_its_own_sentence() {
        type Spoil = fn(&mut PolicyOptions);
        let table: [(Spoil, &str); 13] = [
            (
                |o| o.attempts = 0,
                "`attempts` counts the first try too and is from 1 to 20: 0",
            ),
            (
                |o| o.attempts = 21,
                "`attempts` counts the first try too and is from 1 to 20: 21",
            ),
            (
                |o| o.transient_attempts = 21,
                "`transient_attempts` is at most 20: 21",
            ),
            (
                |o| o.initial = Duration::from_millis(999),
                "`initial` is at least 1s: 999ms",
            ),
            (
                |o| o.max = Duration::from_secs(3601),
                "`max` is at most 1h: 3601s",
            ),
            (
                |o| o.initial = Duration::from_secs(31),
                "`max` is not shorter than `initial`: 30s against 31s",
            ),
            (|o| o.factor = 0.99, "`factor` is from 1 to 10: 0.99"),
            (|o| o.factor = 10.5, "`factor` is from 1 to 10: 10.5"),
            (|o| o.factor = -2.0, "`factor` is from 1 to 10: -2"),
            (|o| o.factor = f64::NAN, "`factor` is from 1 to 10: NaN"),
            (
                |o| o.factor = f64::INFINITY,
                "`factor` is from 1 to 10: inf",
            ),
            (
                |o| o.retry_after_max = Duration::from_millis(500),
                "`retry_after_max` is from 1s to 24h: 500ms",
            ),
            (
                |o| o.retry_after_max = Duration::from_secs(86_401),
                "`retry_after_max` is from 1s to 24h: 86401s",
            ),
        ];
        for (spoil, sentence) in table {
            let mut options = PolicyOptions::default();
            spoil(&mut options);
            assert_eq!(Policy::try_new(options), Err(sentence.to_owned()));
        }
    }

    #[test]
    fn bounds_themselves_are_good() {
        let table: [fn(&mut PolicyOptions); 6] = [
            |o| o.attempts = 1,
            |o| o.attempts = 20,
            |o| o.transient_attempts = 0,
            |o| o.factor = 1.0,
            |o| o.max = o.initial,
            |o| o.retry_after_max = Duration::from_secs(1),
        ];
        for bend in table {
            let mut options = PolicyOptions::default();
            bend(&mut options);
            assert!(Policy::try_new(options).is_ok());
        }
    }
}
