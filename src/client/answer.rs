//! An answer to a question, or why there is none to judge.

use crate::{
    exchange::{Reply, TransportError},
    outcome::Reason,
};

/// Where an answer came from: a 401 means something else at each stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The registry itself.
    Registry,
    /// A token endpoint that was asked for a scope.
    Token,
}

/// What is known of the credentials with which a question was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The last login flow proved them: what is refused is the right, not who asks.
    Proven,
    /// Nothing.
    Unproven,
    /// There are none: nothing was sent that could be wrong.
    Nobody,
    /// This process saw their account's login rejected lately, by a product that then
    /// suspends the account: every request of it is 403, also with the right password
    /// (documentation of `JFrog`, "User Lock and Login Suspension").
    Suspect,
}

/// An answer to a question, neither 429 nor the end of the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    /// Who answered.
    pub stage: Stage,
    /// The answer.
    pub reply: Reply,
}

/// Why there is no answer to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The registry cannot be reached or is no registry: every check of the cycle fails.
    Fatal(Reason, String),
    /// This request alone died.
    Broken(Reason, String),
    /// Rate limited, or paused because of an earlier 429.
    RateLimited(String),
    /// The credential set is rejected: nothing more is sent with it.
    Rejected(Reason, String),
    /// The token endpoint, or the login flow, gave an answer that no rule names.
    Unclear(Reason, String),
}

impl Stage {
    /// In a message.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "The registry",
            Self::Token => "The token endpoint",
        }
    }
}

impl Refusal {
    /// A request without an answer, where that says something of this request only.
    pub(super) fn of_route(error: &TransportError) -> Self {
        Self::Broken(error.kind.into(), error.detail.clone())
    }

    /// A request without an answer, where that means that nothing else can be asked.
    pub(super) fn fatal(error: &TransportError, what: &str) -> Self {
        Self::Fatal(error.kind.into(), format!("{what}: {}", error.detail))
    }
}
