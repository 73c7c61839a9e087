//! From a file and the environment to targets that cannot be wrong, or to errors that say where.
//!
//! ```text
//! load     finds the file, reads it             -> text
//! tree     parses the YAML, keeps every place   -> nodes
//! document puts defaults, OCI__* and registries together
//! registry reads one registry through Section   -> Target
//! documents adds what other people's documents hold
//! problem  gathers what is wrong on the way     -> ConfigErrors
//! web      the file of the own port             -> WebConfig
//! ```
//!
//! All that is wrong with a file is said at once. No error shows the value of a
//! secret: the keys that may hold one (`source.rs`) never show a value.
//!
//! ```
//! use oci_registry_exporter::config::{self, Environment};
//!
//! let parse = |text| config::parse(text, "mine.yml", "/etc".as_ref(), &Environment::default());
//! let config = parse("registries: [{url: https://ghcr.io, test_repository: acme/canary}]")?;
//! assert_eq!(config.registries[0].name, "ghcr.io");
//!
//! let wrong = parse("registries: [{url: https://ghcr.io, test_repositry: acme/canary}]");
//! let told = wrong.unwrap_err().to_string();
//! assert!(told.contains("mine.yml:1:") && told.contains("test_repository"), "{told}");
//! # Ok::<_, config::ConfigErrors>(())
//! ```

mod address;
mod chooser;
mod directories;
mod document;
mod documents;
mod duration;
mod entries;
mod exporter;
mod fingerprint;
mod given;
mod item;
mod keys;
mod labels;
mod layers;
mod limits;
mod lines;
mod load;
mod origins;
mod problem;
mod profiles;
mod quote;
mod reach;
mod registry;
mod repositories;
mod schema;
mod section;
mod sets;
mod settings;
mod show;
mod source;
mod suggest;
mod target;
mod tree;
mod web;
mod yaml;

pub use documents::{Document, LARGEST_DOCUMENT, Offer, RegistryFiles, Remote, Whence};
pub use duration::{HINT as DURATION_HINT, parse as parse_duration};
pub use entries::IDLE_VARIABLE;
pub use given::{Given, Login, given};
pub use load::{Environment, Load, Main, content, load, parse};
pub use origins::Origins;
pub use problem::{ConfigError, ConfigErrors};
pub use schema::{document_schema, schema};
pub use show::{show, show_to_anybody};
pub use suggest::close as spelled_alike;
pub use target::{
    Capabilities, CheckSettings, Checks, Config, CredentialSet, Limits, Push, PushWish, Target,
    TestRepository,
};
pub use web::{
    CipherSuite, ClientAuth, Curve, PasswordHash, Pem, RateLimit, WebConfig, WebTls, load_web,
    parse_web,
};
