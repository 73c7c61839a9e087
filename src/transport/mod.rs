//! Sends one request and brings back one exchange.

mod options;

pub use options::{ProxyOptions, TlsOptions};
