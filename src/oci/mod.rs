//! The registry's own words, parsed and printed as the spec writes them.

mod rate_limit;
mod reference;

pub use rate_limit::RateLimit;
pub use reference::{Digest, GrammarError, Repository, Tag};
