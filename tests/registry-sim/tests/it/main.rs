//! The simulator seen from outside.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod binary;
mod client;
mod faults;
mod products;
mod skopeo;
mod tls;
mod tokens;
mod transcripts;
mod uploads;
