//! Everything that is tested from outside, in one binary (one link step).
//!
//! `cfg(test)` holds for all of it; written out, clippy sees that helpers are test
//! code too, and lets them fail by panicking.

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod asked;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod check;
#[cfg(test)]
mod checklist;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod config;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod cycle;
#[cfg(test)]
mod dashboards;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod deployment;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod exposition;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod helm;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod library;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod package;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod schedule;
#[cfg(test)]
mod security;
#[cfg(test)]
mod server;
#[cfg(test)]
mod status_page;
#[cfg(test)]
mod torture;
#[cfg(test)]
mod transport;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod web;
#[cfg(test)]
mod writes;
