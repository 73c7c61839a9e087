//! Probes OCI registries and publishes what it finds for Prometheus.

pub mod exchange;
pub mod outcome;
pub mod secret;
