//! `SECURITY.md` names the tests that hold its claims: each is there.

use crate::checklist::promises;

#[test]
fn every_claim_names_a_test_that_is_there() {
    let text = include_str!("../../../SECURITY.md");
    let (_, model) = text
        .split_once("\n## Threat model\n")
        .expect("a threat model");
    let mut claims = 0;
    for row in model
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| What"))
    {
        let held: Vec<&str> = row
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|word| word.contains("::"))
            .collect();
        assert!(!held.is_empty(), "nothing holds: {row}");
        for test in held {
            assert_eq!(promises::missing(test), None, "{row}");
        }
        claims += 1;
    }
    assert!(claims >= 15, "{claims}");
}
