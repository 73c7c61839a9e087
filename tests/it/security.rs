//! What the exporter promises in `SECURITY.md`, where no other test holds it yet.

mod addresses;
mod clients;
mod doors;
mod full;
mod injection;
mod promises;
