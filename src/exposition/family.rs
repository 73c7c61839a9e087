//! One metric family: a row of the catalogue, and how it is written.

use std::{borrow::Cow, fmt, time::Duration, time::SystemTime, time::UNIX_EPOCH};

use prometheus_client::{
    encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use super::{labels::Labels, scene::Scene};
use crate::store::Histogram;

/// A row of the catalogue.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// The name as it stands in a query (with `_total` and `_info`).
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// What they mean: one line, without a full stop at its end.
    pub help: &'static str,
    /// The labels that a series may carry; the user's own come on top of them.
    pub labels: &'static [&'static str],
    pub(super) series: for<'a> fn(&'a Scene<'a>) -> Vec<Series<'a>>,
}

/// What the values of a family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number that goes up and down.
    Gauge,
    /// A number that only grows; its name ends with `_total`.
    Counter,
    /// Observations in buckets.
    Histogram,
    /// Always 1: the labels are what it says; its name ends with `_info`.
    Info,
}

/// One line (or, for a histogram, one block) of a family.
#[derive(Debug)]
pub(super) struct Series<'a> {
    pub(super) labels: Labels<'a>,
    pub(super) value: Value<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    /// The value of an info.
    One,
    Whole(i64),
    Count(u64),
    Number(f64),
    Histogram(Cow<'a, Histogram>),
    /// Buckets (upper bound, observations of that bucket alone) and their sum.
    Buckets(&'a [(f64, u64)], f64),
}

impl Family {
    /// The unit, `seconds` or `bytes`, which the name says too.
    pub fn unit(&self) -> Option<&'static str> {
        self.unit_and_stem().map(|(word, _, _)| word)
    }

    /// Whether a query may mean it by this name.
    pub fn is_named(&self, name: &str) -> bool {
        let suffixes: &[&str] = match self.kind {
            Kind::Histogram => &["_bucket", "_sum", "_count"],
            Kind::Gauge | Kind::Counter | Kind::Info => &[],
        };
        match name.strip_prefix(self.name) {
            Some(rest) => rest.is_empty() || suffixes.contains(&rest),
            None => false,
        }
    }

    /// Whether its series are those of registries.
    pub(super) fn of_registries(&self) -> bool {
        self.labels.contains(&"registry")
    }

    /// Writes the family, or nothing where it has no series: a description
    /// without series would be a claim about nothing. Says which it was.
    pub(super) fn encode(
        &self,
        scene: &Scene<'_>,
        encoder: &mut DescriptorEncoder<'_>,
    ) -> Result<bool, fmt::Error> {
        let series = (self.series)(scene);
        if series.is_empty() {
            return Ok(false);
        }
        let (stem, unit) = match self.unit_and_stem() {
            Some((_, unit, stem)) => (stem, Some(unit)),
            None => (self.stem(), None),
        };
        let mut family = encoder.encode_descriptor(stem, self.help, unit, self.kind.into())?;
        for Series { labels, value } in &series {
            let mut metric = family.encode_family(labels)?;
            value.encode(self.kind, &mut metric)?;
        }
        Ok(true)
    }

    /// The name without the suffix that the encoder adds by the kind.
    fn stem(&self) -> &'static str {
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram => "",
        };
        self.name.strip_suffix(suffix).unwrap_or(self.name)
    }

    /// The unit as word and as the encoder wants it, and the name without both.
    fn unit_and_stem(&self) -> Option<(&'static str, &'static Unit, &'static str)> {
        let stem = self.stem();
        if let Some(bare) = stem.strip_suffix("_seconds") {
            Some(("seconds", &SECONDS, bare))
        } else {
            let bare = stem.strip_suffix("_bytes")?;
            Some(("bytes", &BYTES, bare))
        }
    }
}

impl Value<'_> {
    fn encode(&self, kind: Kind, metric: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
        match (kind, self) {
            (Kind::Info, _) => metric.encode_info(&NO_LABELS),
            (Kind::Counter, Self::Count(count)) => {
                metric.encode_counter::<NoLabelSet, _, f64>(count, None)
            }
            (Kind::Counter, Self::Number(number)) => {
                metric.encode_counter::<NoLabelSet, _, f64>(number, None)
            }
            (Kind::Gauge, Self::Whole(number)) => metric.encode_gauge(number),
            (Kind::Gauge, Self::Count(count)) => metric.encode_gauge(count),
            (Kind::Gauge, Self::Number(number)) => metric.encode_gauge(number),
            (Kind::Histogram, Self::Histogram(histogram)) => {
                let buckets: Vec<_> = histogram.buckets().collect();
                metric.encode_histogram::<NoLabelSet>(
                    histogram.sum(),
                    histogram.count(),
                    &buckets,
                    None,
                )
            }
            (Kind::Histogram, Self::Buckets(buckets, sum)) => {
                let count = buckets.iter().map(|(_, count)| count).sum();
                metric.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
            }
            // A row whose reader gives what its kind does not take; the catalogue's
            // test reads every row, so none gets here.
            _ => Err(fmt::Error),
        }
    }
}

impl From<Kind> for MetricType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Gauge => Self::Gauge,
            Kind::Counter => Self::Counter,
            Kind::Histogram => Self::Histogram,
            Kind::Info => Self::Info,
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Whole(i64::from(value))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Whole(value)
    }
}

impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Count(value)
    }
}

impl From<usize> for Value<'_> {
    fn from(value: usize) -> Self {
        Self::Count(u64::try_from(value).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for Value<'_> {
    fn from(value: Duration) -> Self {
        Self::Number(value.as_secs_f64())
    }
}

impl From<SystemTime> for Value<'_> {
    /// Seconds since the epoch, to the millisecond: more digits would only be noise.
    fn from(value: SystemTime) -> Self {
        let since = value.duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self::Number(Duration::from_millis(millis).as_secs_f64())
    }
}

static SECONDS: Unit = Unit::Seconds;
static BYTES: Unit = Unit::Bytes;
const NO_LABELS: [(&str, &str); 0] = [];
