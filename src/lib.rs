//! Probes OCI registries and publishes what it finds for Prometheus.

pub mod config;
pub mod credentials;
pub mod exchange;
pub mod exposition;
pub mod oci;
pub mod outcome;
pub mod retry;
pub mod scheduler;
pub mod secret;
pub mod store;
pub mod transport;
pub mod words;
