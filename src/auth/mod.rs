//! From a challenge and credentials to the request for a token, and from its
//! answer to the token. Nothing here sends anything, and nothing here resolves a
//! name: which address a name leads to is the transport's matter.
//!
//! The one rule that may never bend: credentials are bound to the configured
//! origin. Every request with credentials that leaves this room goes to a host
//! that [`Trust`] vouches for.

mod error;
mod origin;
mod reach;
mod token;
mod token_request;
mod trust;

pub use error::AuthError;
pub use origin::{Location, resolve_location, same_origin};
pub use token::{Token, token};
pub use token_request::{choose, method_unknown, token_request, token_request_otherwise};
pub use trust::Trust;
