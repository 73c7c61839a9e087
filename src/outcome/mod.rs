//! What a check may answer: status, reason, facts, evidence, and the report made of them.

mod capability;
mod evidence;
mod fact;
mod observation;
mod reason;
mod report;
mod status;

pub use capability::{Capability, Support};
pub use evidence::{Evidence, Value};
pub use fact::Fact;
pub use observation::{Change, Observation, Phases, RateLimit};
pub use reason::Reason;
pub use report::{CheckName, Outcome, Report, Subject};
pub use status::{Severity, Status};

/// The word of a value in a closed table of words.
///
/// Every such table lists every value once; a round-trip test stands beside each.
pub fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table
        .iter()
        .find(|(entry, _)| *entry == value)
        .map_or("", |(_, word)| word)
}

/// The value of a word in a closed table of words.
pub fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(_, entry)| *entry == word)
        .map(|(value, _)| *value)
}
