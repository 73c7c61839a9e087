//! How many series a configuration comes to, before anything is asked.

use crate::{
    checks,
    config::{Config, Target},
};

/// About how many series a page will have once every check has run: for those who plan
/// what Prometheus has to hold.
pub fn estimate(config: &Config) -> usize {
    let buckets = config.histogram_buckets.len();
    let histogram = if buckets == 0 { 0 } else { buckets + 3 };
    let of = |target: &Target| {
        let (asked, skipped) = checks::questions(target).into_iter().fold(
            (0, 0),
            |(asked, skipped), (subject, repository)| match checks::skipped(
                target,
                subject.check,
                repository,
            ) {
                None => (asked + 1, skipped),
                Some(_) => (asked, skipped + 1),
            },
        );
        let sets = target.credential_sets().len();
        let repositories = target.repositories.len();
        REGISTRY
            + histogram
            + target.expect.len()
            + asked * ASKED
            + skipped * SKIPPED
            + sets * SET
            + repositories * REPOSITORY
    };
    let registries = config.registries.iter().map(|target| of(target));
    EXPORTER + registries.sum::<usize>()
}

/// The exporter's and the process's own.
const EXPORTER: usize = 35;
/// A registry with all its capabilities and what was sent to it, without its histogram.
const REGISTRY: usize = 53;
/// A check that is asked: statuses, times, runs.
const ASKED: usize = 21;
/// A check that is not: statuses, and why.
const SKIPPED: usize = 15;
/// A credential set: whether it is valid, when it or its rights changed.
const SET: usize = 3;
/// A repository: what may be done with it.
const REPOSITORY: usize = 2;
