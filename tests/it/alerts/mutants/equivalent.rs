//! Mutants that no unit test can tell from the rule.

/// Rule, change, and why it cannot change any answer.
pub(super) const EQUIVALENT: &[(&str, &str, &str)] = &[];
