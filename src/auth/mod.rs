//! STUB to compile against.
use crate::{
    exchange::{Reply, Request},
    oci::{Challenge, Scope, jwt},
    secret::{Credentials, Secret},
};
use std::time::Duration;
use url::Url;
/// a
pub struct Trust<'a> {
    /// a
    pub registry: &'a Url,
    /// a
    pub token_hosts: &'a [String],
}
/// a
#[derive(Debug)]
pub enum AuthError {
    /// a
    UntrustedHost {
        /// a
        host: String,
    },
    /// a
    NoRealm,
}
impl std::fmt::Display for AuthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("x")
    }
}
/// a
pub struct Token {
    /// a
    pub secret: Secret,
    /// a
    pub life: Duration,
    /// a
    pub claims: Option<jwt::Claims>,
}
/// a
pub struct Location {
    /// a
    pub url: Url,
    /// a
    pub own_origin: bool,
}
/// a
pub fn token_request(
    _: &Challenge,
    _: &Credentials,
    _: &[Scope],
    _: &Trust<'_>,
) -> Result<Request, AuthError> {
    Err(AuthError::NoRealm)
}
/// a
pub fn token(_: &Reply) -> Option<Token> {
    None
}
/// a
pub fn choose(c: &[Challenge]) -> Option<&Challenge> {
    c.first()
}
/// a
pub fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}
/// a
pub fn resolve_location(base: &Url, location: &str, registry: &Url) -> Option<Location> {
    let url = base.join(location).ok()?;
    Some(Location {
        own_origin: url.origin() == registry.origin(),
        url,
    })
}
