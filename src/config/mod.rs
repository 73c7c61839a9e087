//! From a file and the environment to targets that cannot be wrong, or to an error that says where.

mod target;

pub use target::{
    Capabilities, CheckSettings, Checks, Config, CredentialSet, HostPattern, Push, PushWish,
    Target, TestRepository,
};
