//! Documents of other people that add to the main file: `registry_files:`.
//!
//! ```text
//! sources  what `registry_files:` names
//! read     one document                  -> what it adds, or all that is wrong with it
//! items    one item of its lists
//! keys     what may stand in one, and why the rest may not
//! admit    limits and names              -> what of it is in force
//! ```
//!
//! Each document stands alone: nothing that is wrong with one concerns the main file or
//! another document. Reading the files and asking the servers is not done here.

mod admit;
mod items;
mod keys;
mod read;
mod sources;

use std::{path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use super::{ConfigErrors, Limits, entries::Read, profiles::Profiles, sets::Sets, tree::Entry};
use crate::transport::{ProxyOptions, TlsOptions};

pub(super) use sources::read as read_sources;

/// An item of `registry_files:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryFiles {
    /// Where the documents are.
    pub whence: Whence,
    /// Whether they may add registries.
    pub registries: bool,
    /// Whether they may add repositories to the main file's registries.
    pub repositories: bool,
    /// From one look at their content to the next.
    pub interval: Duration,
    /// Where the item stands in the main file, as in `registry_files[0]`.
    pub path: String,
}

/// Where documents are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whence {
    /// Files; the last part of a path may hold `*`, `?` and `[…]`.
    Paths(Vec<PathBuf>),
    /// One document at a server.
    Url(Box<Remote>),
}

/// A document at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Without userinfo and fragment.
    pub url: Url,
    /// The TLS policy.
    pub tls: TlsOptions,
    /// The proxy.
    pub proxy: ProxyOptions,
}

impl Remote {
    /// The URL as it may be shown: a query may hold a token.
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.into()
    }
}

/// A document as it was found, to be read with the main file.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The item of `registry_files:` that names it.
    pub files: usize,
    /// What it is called: its path, or its URL without a query.
    pub source: Arc<str>,
    /// Its bytes, or why they cannot be had.
    pub now: Result<Arc<[u8]>, String>,
    /// The content that was last without fault, if that is another one.
    pub good: Option<Arc<[u8]>>,
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is called.
    pub source: Arc<str>,
    /// Its present content is in force, but for what is named twice.
    pub taken: bool,
    /// All that is wrong with its present content; where it is not taken, the content that
    /// was last good goes on, if there is one.
    pub problems: Option<ConfigErrors>,
    /// What is legal and probably not meant.
    pub warnings: Vec<String>,
    /// Registries that it added.
    pub registries: usize,
    /// Repositories that it added to the main file's registries.
    pub repositories: usize,
}

/// What a document is read with: the main file, which was found good.
pub(super) struct MainFile<'a, 'p> {
    pub(super) defaults: &'a [Entry],
    pub(super) profiles: &'a Profiles<'p>,
    pub(super) sets: &'a Sets,
    pub(super) base: &'a std::path::Path,
    pub(super) files: &'a [RegistryFiles],
    pub(super) limits: Limits,
}

/// Adds to the registries of the main file what the documents hold.
pub(super) fn add(
    main: &MainFile<'_, '_>,
    offers: &[Offer],
    registries: &mut Vec<Read>,
) -> Vec<Document> {
    let read = offers
        .iter()
        .map(|offer| read::candidates(main, offer, registries))
        .collect();
    admit::admit(main.limits, read, registries)
}

/// Bytes of a document: some thousands of repositories.
pub const LARGEST_DOCUMENT: usize = 256 << 10;
