//! How many files and connections this process may have open.

/// Raises the soft limit of open files to the hard one, and says so where even
/// that is little for a configuration: where descriptors run out, cycles fail that need not.
///
/// `wanted`: cycles and connections at once.
#[cfg(unix)]
pub(super) fn raise(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let most = maximum.map_or(MOST, |maximum| maximum.min(MOST));
    let mut limit = current.unwrap_or(u64::MAX);
    if limit < most {
        let raised = Rlimit {
            current: Some(most),
            maximum,
        };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit = most,
            Err(error) => tracing::debug!(%error, "the limit of open files stays as it is"),
        }
    }
    if limit < wanted {
        tracing::warn!(
            limit,
            wanted,
            "few files may be open at once; raise the limit (`ulimit -n`, `LimitNOFILE=`) or lower `concurrency`"
        );
    }
}

/// There is no such limit.
#[cfg(not(unix))]
pub(super) fn raise(_: u64) {}

/// More is of no use to anybody here.
#[cfg(unix)]
const MOST: u64 = 65_536;
