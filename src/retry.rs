//! Whether to ask again, and when.

use std::time::Duration;

/// How often and when a request is repeated (validated by `try_new`).
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
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

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 4,
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(30),
            retry_after_max: Duration::from_secs(15 * 60),
            transient_attempts: 1,
        }
    }
}
