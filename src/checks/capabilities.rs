//! What else can the registry do? Not asked yet.

use std::time::Duration;

use super::Check;
use crate::outcome::{CheckName, Outcome, Reason, Severity};

pub(super) const CHECK: Check = Check {
    name: CheckName::Capabilities,
    title: "OCI Registry Capability Matrix",
    summary: "Comprehensive registry capability matrix detection",
    severity: Severity::Info,
    tags: &["registry", "oci", "capabilities", "compatibility"],
    estimated: Duration::from_secs(30),
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
        "The capabilities check is not asked by this version",
    )
}
