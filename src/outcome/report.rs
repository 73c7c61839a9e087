//! An outcome, and the report that says whose it is.

use std::time::{Duration, SystemTime};

use super::{Evidence, Fact, Reason, Status, Value};
use crate::{exchange::Sent, words::word};

/// The five questions, by name; floors below the catalogue speak of checks by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckName {
    /// Are the credentials good?
    Credentials,
    /// May they pull?
    Pull,
    /// May they push?
    Push,
    /// Is there a referrers API?
    Referrers,
    /// What else can the registry do?
    Capabilities,
}

impl CheckName {
    /// Every check with its short name (the label `check`), in the order of a cycle.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Credentials, "credentials"),
        (Self::Pull, "pull"),
        (Self::Push, "push"),
        (Self::Referrers, "referrers"),
        (Self::Capabilities, "capabilities"),
    ];

    /// The short name.
    pub fn as_str(self) -> &'static str {
        word(&Self::ALL, self)
    }

    /// The full id of the source document.
    pub fn id(self) -> &'static str {
        match self {
            Self::Credentials => "check.integration.oci.credentials",
            Self::Pull => "check.integration.oci.pull",
            Self::Push => "check.integration.oci.push",
            Self::Referrers => "check.integration.oci.referrers",
            Self::Capabilities => "check.integration.oci.capabilities",
        }
    }
}

/// Whose answer a report is: the identity of its series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject {
    /// The registry's configured name.
    pub registry: String,
    /// The check.
    pub check: CheckName,
    /// The repository, for checks that ask one.
    pub repository: Option<String>,
    /// The credential set's name, never a user name.
    pub credential: Option<String>,
}

/// What a check answers.
///
/// ```
/// use oci_registry_exporter::outcome::{Outcome, Reason, Status};
///
/// let outcome = Outcome::unknown(Reason::RateLimited, "the registry asks to wait");
/// assert_eq!(outcome.status, Status::Unknown);
/// // It says nothing about the question: no fact changes by it.
/// assert!(!outcome.conclusive());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The answer in one word.
    pub status: Status,
    /// Why, unless it passed.
    pub reason: Option<Reason>,
    /// The answer in one line for a person.
    pub message: String,
    /// What was seen.
    pub evidence: Evidence,
    /// What it proves.
    pub facts: Vec<Fact>,
    /// What to do about it.
    pub remediation: Vec<String>,
    /// What is known to be so with this product; each a line for the `Recommendations:` block.
    pub hints: Vec<String>,
    /// Lines for the `Recommendations:` block.
    pub recommendations: Vec<String>,
    /// Time of the deciding request, waits excluded.
    pub latency: Option<Duration>,
}

impl Outcome {
    /// An outcome of this status.
    pub fn new(status: Status, reason: Option<Reason>, message: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
            evidence: Evidence::default(),
            facts: Vec::new(),
            remediation: Vec::new(),
            hints: Vec::new(),
            recommendations: Vec::new(),
            latency: None,
        }
    }

    /// A pass.
    pub fn pass(message: impl Into<String>) -> Self {
        Self::new(Status::Pass, None, message)
    }

    /// A note.
    pub fn info(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Info, Some(reason), message)
    }

    /// A warning.
    pub fn warn(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Warn, Some(reason), message)
    }

    /// A failure.
    pub fn fail(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Fail, Some(reason), message)
    }

    /// Not asked.
    pub fn skip(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Skip, Some(reason), message)
    }

    /// Asked in vain.
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(Status::Unknown, Some(reason), message)
    }

    /// The same with a piece of evidence.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.evidence.set(key, value);
        self
    }

    /// The same with a proof.
    #[must_use]
    pub fn proving(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// What this outcome proves of one question, named by its fact:
    /// `outcome.proved(Fact::PullAuthorized)`.
    pub fn proved(&self, fact: impl Fn(bool) -> Fact) -> Option<bool> {
        let of = |known: &Fact| [true, false].into_iter().find(|yes| fact(*yes) == *known);
        self.facts.iter().find_map(of)
    }

    /// Whether the answer says something about the question: not unknown, not
    /// skip, not "test image missing".
    pub fn conclusive(&self) -> bool {
        match self.status {
            Status::Unknown | Status::Skip => false,
            Status::Info => self.reason != Some(Reason::NotFound),
            Status::Pass | Status::Warn | Status::Fail => true,
        }
    }
}

/// One asking of one check, with its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose.
    pub subject: Subject,
    /// The answer.
    pub outcome: Outcome,
    /// When the asking began.
    pub started: SystemTime,
    /// How long it took, waits and retries included.
    pub duration: Duration,
    /// Tries of the request that needed the most of them; 0 when none was sent.
    pub attempts: u32,
    /// What was sent for it (requests that an earlier check of the cycle already paid for are not repeated).
    pub requests: Vec<Sent>,
}

impl Report {
    /// The same without the room for more that its lists were given while they grew:
    /// it is kept for a long time, and thousands of them are.
    #[must_use]
    pub fn compact(mut self) -> Self {
        self.requests.shrink_to_fit();
        self.outcome.evidence.compact();
        self.outcome.facts.shrink_to_fit();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{outcome::Capability, words::value};

    #[test]
    fn words_and_values_are_one_to_one() {
        for (check, word) in CheckName::ALL {
            assert_eq!(check.as_str(), word);
            assert_eq!(value(&CheckName::ALL, word), Some(check));
            assert_eq!(check.id().rsplit('.').next(), Some(word));
        }
    }

    #[test]
    fn a_proof_is_found_by_its_question() {
        let supports = |yes| Fact::Capability(Capability::ReferrersApi, yes);
        let outcome = Outcome::pass("")
            .proving(Fact::Referrers(1))
            .proving(Fact::PullAuthorized(false))
            .proving(supports(true));
        assert_eq!(outcome.proved(Fact::PullAuthorized), Some(false));
        assert_eq!(outcome.proved(Fact::PushAuthorized), None);
        assert_eq!(outcome.proved(supports), Some(true));
        let other = |yes| Fact::Capability(Capability::BlobDelete, yes);
        assert_eq!(outcome.proved(other), None);
    }

    #[test]
    fn a_missing_test_image_is_not_conclusive() {
        assert!(Outcome::pass("").conclusive());
        assert!(Outcome::info(Reason::ReadOnly, "").conclusive());
        assert!(!Outcome::info(Reason::NotFound, "").conclusive());
        assert!(!Outcome::unknown(Reason::Timeout, "").conclusive());
        assert!(!Outcome::skip(Reason::Disabled, "").conclusive());
        assert!(Outcome::fail(Reason::Dns, "").conclusive());
    }
}
