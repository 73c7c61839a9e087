//! The settings of the exporter itself, under `defaults:`.

use super::section::Section;

/// Cycles at once.
pub(super) fn concurrency(defaults: &Section<'_>) -> usize {
    let concurrency = defaults.number("concurrency", "a whole number", DEFAULT_CONCURRENCY);
    if !(1..=MOST_CONCURRENCY).contains(&concurrency) {
        defaults.refuse_at(
            &defaults.spot_of("concurrency"),
            format!("`concurrency` is from 1 to {MOST_CONCURRENCY}: {concurrency}"),
            "choose a value within these bounds",
        );
    }
    concurrency
}

/// Upper bounds in seconds; `false` or an empty list switches the histogram off.
pub(super) fn histogram_buckets(defaults: &Section<'_>) -> Vec<f64> {
    let Some(item) = defaults.item("histogram_buckets") else {
        return DEFAULT_BUCKETS.to_vec();
    };
    if item.is_off() {
        return Vec::new();
    }
    let mut bounds: Vec<f64> = Vec::new();
    for item in item.list().unwrap_or_default() {
        let Some(bound) = item.number::<f64>("a number of seconds") else {
            continue;
        };
        let ascending = bounds.last().is_none_or(|last| *last < bound);
        if !bound.is_finite() || bound <= 0.0 || !ascending {
            item.refuse(
                format!("the bound `{bound}` is not above 0 and above the one before it"),
                "write the upper bounds in seconds, the smallest first: `[0.1, 0.5, 1, 5]`",
            );
        }
        bounds.push(bound);
    }
    if bounds.len() > MOST_BUCKETS {
        item.refuse(
            format!("{} buckets for every registry", bounds.len()),
            format!("name at most {MOST_BUCKETS}"),
        );
    }
    bounds
}

const DEFAULT_CONCURRENCY: usize = 256;
const MOST_CONCURRENCY: usize = 4096;
const MOST_BUCKETS: usize = 50;
/// The bounds of the Prometheus client libraries: 5ms to the 10s of a request.
const DEFAULT_BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
