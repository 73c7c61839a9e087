//! Real servers on loopback: registries, nginx and Prometheus, each on a free port
//! and below a temporary directory, ended by its pid when its value is dropped,
//! also by a test that panics.
//!
//! A server whose program is not installed makes its test print `skipped: REASON`
//! and end; with `OCI_REGISTRY_EXPORTER_TESTS_STRICT=1` (set by `tests/run`) it fails, unless
//! `OCI_REGISTRY_EXPORTER_TESTS_WITHOUT` names the program: `tests/run` could not get it.
//! `tests/run lab` installs what is missing and runs all of it.
//!
//! - [`process`] starts, waits and ends; a server is a [`process::Setup`]
//! - [`alertmanager`], with the webhook that it calls
//! - [`crane`], [`distribution`], [`ferro`], [`nginx`], [`prometheus`], [`tinyproxy`]: one setup each
//! - [`certificates`]: an own CA and what it signs
//! - [`tokens`]: the token server that docker-registry's token mode asks for
//! - [`registry`]: every registry of the lab by its [`registry::Kind`], ready to be asked
//! - [`browser`]: Chromium, driven through a pipe
//! - [`image`]: pushes an image and a referrer
//! - [`http`]: the client of all that, which shares nothing with the exporter's own

pub(crate) mod alertmanager;
pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod crane;
pub(crate) mod distribution;
pub(crate) mod ferro;
pub(crate) mod http;
pub(crate) mod image;
pub(crate) mod nginx;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod registry;
pub(crate) mod tinyproxy;
pub(crate) mod tokens;

mod alerting;
mod environment;
mod helm;
mod left_behind;
mod limited;
mod probed;
mod profiles;
mod results;
mod rotation;
mod scraped;
mod secure;
mod servers;
mod status_page;
mod terminated;
mod web;
