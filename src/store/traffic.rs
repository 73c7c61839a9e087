//! What was sent to a registry, counted.

use std::{collections::BTreeMap, sync::Arc};

use super::Histogram;
use crate::exchange::{Operation, Sent};

/// The totals of a registry's requests since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// Requests by what they were for and how they ended ([`Sent::code`]).
    pub requests: BTreeMap<(Operation, &'static str), u64>,
    /// Requests that were a repeated try.
    pub retries: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
    /// Time of each request (seconds), answered or not.
    pub durations: Histogram,
}

impl Traffic {
    pub(super) fn new(buckets: &Arc<[f64]>) -> Self {
        Self {
            requests: BTreeMap::new(),
            retries: 0,
            rate_limited: 0,
            durations: Histogram::new(buckets),
        }
    }

    pub(super) fn count(&mut self, requests: &[Sent]) {
        for sent in requests {
            let code = sent.code();
            *self.requests.entry((sent.operation, code)).or_default() += 1;
            self.retries += u64::from(sent.retry);
            self.rate_limited += u64::from(code == "429");
            self.durations.observe(sent.elapsed.as_secs_f64());
        }
    }
}
