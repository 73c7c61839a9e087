//! OCI registries that are not there, for tests, benches and the demo.
//!
//! A [`RegistrySim`] listens on loopback and answers as the product of its
//! [`Profile`] does. Tests seed it, script trouble ([`Fault`]), change it while
//! it runs ([`RegistrySim::tune`]) and look at what arrived
//! ([`RegistrySim::requests`]).
//!
//! ```
//! # async fn example() {
//! use registry_sim::{Operation, Profile, RegistrySim};
//!
//! let sim = RegistrySim::profile(Profile::HARBOR_2_11)
//!     .user("robot", "secret", [("team/app", "pull,push")])
//!     .start()
//!     .await;
//! let digest = sim.push_image("team/app", "latest");
//! sim.push_referrer("team/app", &digest, "application/spdx+json");
//! // … point a client at sim.url() …
//! assert_eq!(sim.count(Operation::Ping), 0);
//! assert_eq!(sim.open_sessions(), 0);
//! # }
//! ```
//!
//! # Layout
//!
//! - `profile`: what one product does differently from another, as data, with
//!   the source of each fact.
//! - `state`: repositories and upload sessions. `seed`: content without a client.
//! - `auth`, `token`: who asks and whether they may; the token endpoint.
//! - `route`, `api`: from a path to an answer. `reply`: answers and odd bodies.
//! - `fault`, `raw`: scripted trouble, and bytes in place of HTTP. `log`: what arrived.
//! - `server`, `port`, `wire`, `tls`: sockets. `builder`, `sim`: starting one, and the
//!   handle. `shared`: what handle and connections share.

mod api;
mod auth;
mod builder;
mod fault;
mod log;
mod port;
pub mod profile;
mod raw;
mod reply;
mod route;
mod seed;
mod server;
mod shared;
mod sim;
mod state;
mod tls;
mod token;
mod wire;

pub use builder::Builder;
pub use fault::{Action, Fault, Http2};
pub use log::{Door, Logged, Operation};
pub use profile::{Profile, Referrers, Refusal, Right, Scheme};
pub use raw::{Raw, RawEnd};
pub use shared::Entrance;
pub use sim::RegistrySim;
pub use state::{Sessions, sha256};
pub use tls::{ClientIdentity, TlsFlaw};
