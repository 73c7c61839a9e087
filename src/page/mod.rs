//! The status page: what the daemon knows, for a person with a browser.
//!
//! Pure: from a [`View`] and a query string to HTML. No script, nothing loaded from
//! elsewhere, every link relative, so that it works below any path that ends with a
//! slash. What anybody may see is decided where the API decides it
//! ([`crate::report::Hidden`]).

mod attention;
mod badge;
mod capabilities;
mod check;
mod details;
mod exporter;
mod filter;
mod frame;
mod overview;
mod query;
mod row;
mod seen;
mod style;
mod when;
mod words;

pub use exporter::Exporter;
pub use style::{COLOURS, CONTRASTS, POLICY};

use std::{collections::BTreeMap, time::SystemTime};

use crate::{
    config::Target,
    outcome::Subject,
    report::{Audience, RegistryReports},
    store::Record,
};
use query::Query;

/// All that the page shows.
#[derive(Debug)]
pub struct View<'a> {
    /// The time that ages are told from.
    pub now: SystemTime,
    /// Who reads it.
    pub audience: Audience,
    /// Where the metrics are; begins with `/`.
    pub telemetry_path: &'a str,
    /// This program's own state.
    pub exporter: Exporter,
    /// Every configured registry.
    pub registries: Vec<Registry<'a>>,
    /// When each check runs next.
    pub next_runs: &'a BTreeMap<Subject, SystemTime>,
}

/// One registry, and what is known of it.
#[derive(Debug)]
pub struct Registry<'a> {
    target: &'a Target,
    record: Option<&'a Record>,
    reports: RegistryReports,
}

impl<'a> View<'a> {
    fn named(&self, name: &str) -> Option<&Registry<'a>> {
        let mut registries = self.registries.iter();
        registries.find(|registry| registry.target.name == name)
    }
}

impl<'a> Registry<'a> {
    /// From its configuration and its record; `None` before anything was heard of it.
    pub fn new(target: &'a Target, record: Option<&'a Record>) -> Self {
        Self {
            target,
            record,
            reports: RegistryReports::of(target, record),
        }
    }
}

/// Whether a query string asks for a registry that is not configured: then [`status`]
/// says that, and nothing else.
pub fn names_nobody(view: &View<'_>, query: &str) -> bool {
    let name = Query::parse(query).registry;
    name.is_some_and(|name| view.named(&name).is_none())
}

/// The page that a query string asks for:
///
/// - `registry`: everything of the registry of this name;
/// - `name`: only registries with this text in their name or host;
/// - `status` (repeatable): only registries with a check of this status;
/// - `page`: the so-many-th part of a long list;
/// - `refresh`: load it again every so many seconds; 0: never.
///
/// What cannot be meant is said on the page and otherwise without effect.
pub fn status(view: &View<'_>, query: &str) -> String {
    let query = Query::parse(query);
    let page = match &query.registry {
        None => overview::page(view, &query),
        Some(name) => match view.named(name) {
            Some(registry) => details::page(view, registry),
            None => details::nobody(name),
        },
    };
    frame::html(view, &query, &page).into_string()
}
