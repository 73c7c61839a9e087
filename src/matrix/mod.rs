//! The compatibility matrix: what each product is known to be able to do, as data.
//!
//! It is for people: it says what a registry is expected to do, where that differs
//! from what was proven, and which known issues concern it. No verdict and no fact
//! comes from it, and alerts have `expect:`, because a matrix ages.
//!
//! The data is `registries.json` beside this file: the source document's matrix with
//! its corrections, one row a line, each with its source and date.

mod data;
mod drift;
mod issues;
mod versions;

pub use data::{KnownIssue, Matrix, Product, Row, Value, When, matrix};
pub use drift::{Difference, differences, expectation};
pub use issues::hints;
pub use versions::Versions;
