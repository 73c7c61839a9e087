//! The rate limit: a token bucket for all requests together.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::config::RateLimit;

/// Full at first; one token comes back after each interval.
pub(in crate::server) struct Bucket {
    limit: RateLimit,
    /// When it will be full again; in the past: it is.
    full: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            full: Mutex::new(None),
        }
    }

    pub(super) fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Takes a token, or says how long until there is one.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let RateLimit { interval, burst } = self.limit;
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = full.map_or(Duration::ZERO, |full| full.saturating_duration_since(now));
        let most = interval.saturating_mul(burst.get() - 1);
        let wait = missing.saturating_sub(most);
        if !wait.is_zero() {
            return Err(wait);
        }
        *full = now.checked_add(missing.saturating_add(interval));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_burst_goes_through_and_then_one_an_interval() {
        let bucket = Bucket::new(RateLimit {
            interval: Duration::from_secs(10),
            burst: NonZeroU32::new(3).unwrap(),
        });
        let began = Instant::now();
        for (after, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (1, Ok(())),
            (1, Err(9)),
            (9, Err(1)),
            (10, Ok(())),
            (10, Err(10)),
            (35, Ok(())),
            (35, Ok(())),
            (35, Err(5)),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Ok(())),
            (1000, Err(10)),
        ] {
            let taken = bucket.take(began + Duration::from_secs(after));
            assert_eq!(taken, expected.map_err(Duration::from_secs), "{after}");
        }
    }
}
