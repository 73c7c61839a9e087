//! The registry's own words, parsed and printed as the spec writes them.
//!
//! Everything here is pure: no socket, no clock, no state. What registries
//! really send decides how lenient a reader is; what the spec says decides how
//! strict a value is that enters a URL.

mod challenge;
mod content;
mod denial;
mod digest;
mod digests;
pub mod endpoints;
mod error_body;
mod image;
mod index;
pub mod jwt;
mod link;
mod loose;
pub mod media_type;
mod one_line;
mod product;
mod product_version;
mod rate_limit;
mod reference;
mod retry_after;
mod scope;
mod warning;

pub use challenge::{Challenge, Scheme, challenges};
pub use content::Content;
pub use denial::{Denial, denial};
pub use digest::{Digest, referrers_tag};
pub use digests::Digests;
pub use error_body::{ErrorBody, ErrorEntry};
pub use image::Image;
pub use index::{IndexBody, is_manifest_reply, read_index};
pub use link::next_page;
pub(crate) use one_line::{is_format, one_line};
pub use product::{PRODUCTS, distribution_version, is_html, product};
pub use product_version::product_version;
pub use rate_limit::{RateLimit, pull_limit, rate_limited};
pub use reference::{GrammarError, Reference, Repository, Tag};
pub use retry_after::retry_after;
pub use scope::{Action, Scope};
pub use warning::warnings;
