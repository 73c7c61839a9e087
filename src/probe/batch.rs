//! Many repositories of one registry: so many to a connection, the next at once on a new one.

use crate::{
    config::{Target, TestRepository},
    outcome::Subject,
};

/// The questions of a cycle, batch by batch; within one, and so for few repositories, in
/// the order that they come in.
pub(super) fn in_batches<'a>(
    target: &Target,
    mut questions: Vec<(Subject, &'a TestRepository)>,
) -> Vec<(Subject, &'a TestRepository)> {
    // The sort is stable.
    questions.sort_by_cached_key(|(_, repository)| of(target, repository));
    questions
}

/// Which batch a repository of the target's own list belongs to; the first is 0.
pub(super) fn of(target: &Target, repository: &TestRepository) -> usize {
    let here = std::ptr::from_ref(repository);
    let before = |other: &TestRepository| std::ptr::from_ref(other) < here;
    target.repositories.partition_point(before) / REPOSITORIES
}

/// Repositories to a connection. Servers and load balancers close one after some hundred
/// requests, and a connection that lives long stays with one backend.
const REPOSITORIES: usize = 20;
