//! A histogram with fixed buckets.

use std::sync::Arc;

/// Observations, sorted into buckets by their upper bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    bounds: Arc<[f64]>,
    /// One more than there are bounds: the last takes what lies above all of them.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one with these upper bounds (inclusive, finite, ascending).
    pub fn new(bounds: &Arc<[f64]>) -> Self {
        Self {
            bounds: Arc::clone(bounds),
            counts: vec![0; bounds.len() + 1],
            sum: 0.0,
        }
    }

    /// Counts one observation.
    pub fn observe(&mut self, value: f64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place] += 1;
        self.sum += value;
    }

    /// Every upper bound, the last of them infinite, with how many observations
    /// fell into that bucket alone (not cumulated).
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        self.bounds
            .iter()
            .copied()
            .chain([f64::INFINITY])
            .zip(self.counts.iter().copied())
    }

    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all observations.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upper_bound_belongs_to_its_bucket() {
        let mut histogram = Histogram::new(&[0.1, 1.0].into());
        for value in [0.05, 0.1, 0.5, 1.0, 7.0] {
            histogram.observe(value);
        }
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets, [(0.1, 2), (1.0, 2), (f64::INFINITY, 1)]);
        assert_eq!(histogram.count(), 5);
        assert!((histogram.sum() - 8.65).abs() < 1e-9);
    }

    #[test]
    fn without_bounds_everything_is_counted_together() {
        let mut histogram = Histogram::new(&[].into());
        histogram.observe(3.0);
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets, [(f64::INFINITY, 1)]);
    }
}
