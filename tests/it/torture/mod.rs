//! Every request of a cycle meets every fault there is, for every way of asking who
//! somebody is: what holds in all of these cases, and the reason that each gives.
//!
//! The reasons are `tests/golden/torture.txt`; after a wanted change write them anew with
//! `UPDATE_GOLDEN=1 cargo test --test it torture::matrix` and read the difference against
//! the rules before committing it.

mod cancel;
mod case;
mod faults;
mod invariants;
mod logs;
mod matrix;
mod memory;
mod month;
mod soak;
mod virtual_time;
mod world;
