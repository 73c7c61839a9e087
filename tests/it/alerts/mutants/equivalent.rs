//! Mutants that no unit test can tell from the rule.

/// Rule, change, and why it cannot change any answer.
pub(super) const EQUIVALENT: &[(&str, &str, &str)] = &[
    (BURNING, r#"" > " 1 is " >= ""#, ROUNDING),
    (BURNING, r#"" > " 2 is " >= ""#, ROUNDING),
    (BURNING, r#"" > " 3 is " >= ""#, ROUNDING),
    (BURNING, r#"" > " 4 is " >= ""#, ROUNDING),
    (LOW, r#"" > " 1 is " >= ""#, ROUNDING),
    (LOW, r#"" > " 2 is " >= ""#, ROUNDING),
];

const BURNING: &str = "OCIRegistryPullBudgetBurning";
const LOW: &str = "OCIRegistryPullBudgetLow";
const ROUNDING: &str =
    "A mean of whole samples equals 0.072, 0.03 or 0.005 only as rounding has it.";
