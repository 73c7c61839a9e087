//! May these credentials push? Not asked yet.

use std::time::Duration;

use super::Check;
use crate::outcome::{CheckName, Outcome, Reason, Severity};

pub(super) const CHECK: Check = Check {
    name: CheckName::Push,
    title: "OCI Registry Push Authorization",
    summary: "Verify push authorization for the configured test repository",
    severity: Severity::Fail,
    tags: &["registry", "oci", "push", "authorization"],
    estimated: Duration::from_secs(10),
    run: |_, _| Box::pin(async { not_built() }),
};

/// Until the upload probe is built, the check is never asked.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the signature of every check's own skip rule"
)]
pub(super) fn skipped() -> Option<Outcome> {
    Some(not_built())
}

fn not_built() -> Outcome {
    Outcome::skip(
        Reason::Disabled,
        "The push check is not asked by this version",
    )
}
