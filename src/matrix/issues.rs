//! Which known issues an answer of a product calls to mind.

use super::{When, matrix};
use crate::outcome::{Capability, Fact, Outcome, Reason};

/// The hints for what a check found out about a registry of this product, a line each.
pub fn hints(product: &str, outcome: &Outcome) -> Vec<String> {
    matrix()
        .known_issues
        .iter()
        .filter(|issue| issue.product == product && concerns(issue.when, outcome))
        .map(|issue| {
            format!(
                "Known issue of {}: {} {}",
                issue.title, issue.issue, issue.workaround
            )
        })
        .collect()
}

fn concerns(when: When, outcome: &Outcome) -> bool {
    match when {
        When::ReferrersUnsupported => outcome
            .facts
            .contains(&Fact::Capability(Capability::ReferrersApi, false)),
        When::RateLimited => outcome.reason == Some(Reason::RateLimited),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_named_where_it_shows_and_nowhere_else() {
        let without = || {
            Outcome::warn(Reason::Unsupported, "")
                .proving(Fact::Capability(Capability::ReferrersApi, false))
        };
        let with = || Outcome::pass("").proving(Fact::Capability(Capability::ReferrersApi, true));
        let limited = || Outcome::unknown(Reason::RateLimited, "");
        for (product, outcome, title) in [
            ("ghcr", without(), Some("GHCR")),
            ("harbor", without(), Some("Harbor before 2.8")),
            ("acr", without(), Some("ACR with customer-managed keys")),
            ("docker-hub", limited(), Some("Docker Hub")),
            ("docker-hub", without(), None),
            ("ghcr", limited(), None),
            ("harbor", with(), None),
            ("zot", without(), None),
            ("", without(), None),
        ] {
            let hints = hints(product, &outcome);
            assert_eq!(hints.len(), usize::from(title.is_some()), "{hints:?}");
            let begin = format!("Known issue of {}: ", title.unwrap_or_default());
            assert!(
                hints.iter().all(|hint| hint.starts_with(&begin)),
                "{hints:?}"
            );
        }
    }
}
