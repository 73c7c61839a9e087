//! OCI registries that are not there, for tests, benches and the demo.
