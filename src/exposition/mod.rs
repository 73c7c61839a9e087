//! The one place that knows metric names.
//!
//! [`FAMILIES`] is the catalogue: a row for every family, with its name, kind,
//! labels, help text and the function that reads its series from a [`View`].
//! Everything on a page comes from one view, so a page never contradicts itself.
//! Families stand in the order of the catalogue; series by registry (name),
//! check (the order of a cycle), repository, credential set, and then in the
//! order of the closed set of their last label. A family without series is left out.
//!
//! Three kinds of series (product words, used in the help texts):
//! *configuration* stands from load to reload; *facts* hold the last proof and are
//! changed by nothing but a proof of the contrary; *run results* are those of the
//! last scheduled run.
//!
//! Values are read when asked; no series is kept, so a registry, a check or a
//! certificate that is gone is gone from the next page.

mod configuration;
mod estimate;
mod exporter;
mod facts;
mod family;
mod format;
mod labels;
mod observed;
mod once;
mod probe;
mod process;
mod runs;
mod scene;
mod traffic;

pub use estimate::estimate;
pub use exporter::{Exporter, Lag};
pub use family::{Family, Kind};
pub use format::Format;
pub use once::encode_once;
pub use probe::{PROBE_FAMILIES, Probe};
pub use process::Process;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
    time::SystemTime,
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, prometheus_text, text},
    registry::Registry,
};

use crate::{config::Config, outcome::Subject, store::Snapshot};

use scene::Scene;

/// Every family, in the order of a page, by the room that reads it.
pub const FAMILIES: [&[Family]; 7] = [
    &configuration::FAMILIES,
    &observed::FAMILIES,
    &runs::FAMILIES,
    &facts::FAMILIES,
    &traffic::FAMILIES,
    &exporter::FAMILIES,
    &process::FAMILIES,
];

/// All that a page is made of; cloning copies pointers.
#[derive(Debug, Clone)]
pub struct View {
    /// The configuration in force. Only its registries have series.
    pub config: Arc<Config>,
    /// What is known of them.
    pub store: Snapshot,
    /// The checks that are asked on a schedule. A check that is skipped is not
    /// among them: it has a status and no schedule.
    pub scheduled: Arc<BTreeSet<Subject>>,
    /// When each of them runs next.
    pub next_runs: Arc<BTreeMap<Subject, SystemTime>>,
    /// This program's own state.
    pub exporter: Exporter,
    /// This process, as [`Process::read`] sees it.
    pub process: Process,
    /// The part of all this that the page shows.
    pub scope: Scope,
}

/// A part of a view; by default all of it.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Families of these names, where there are any; a part of a histogram stands for the whole.
    pub names: Vec<String>,
    /// The series of these registries and no others, where there are any.
    pub registries: Vec<String>,
    /// It answers a probe of its one registry: no series has the label `registry`,
    /// nor a label that the user gave the registry. Who scrapes it knows them.
    pub probe: Option<Probe>,
}

impl Scope {
    fn holds(&self, family: &Family) -> bool {
        let of_registry = family.labels.contains(&"registry");
        // A selected registry is not the exporter.
        if !self.registries.is_empty() && !of_registry && !family.name.starts_with("probe_") {
            return false;
        }
        self.names.is_empty() || self.names.iter().any(|name| family.is_named(name))
    }
}

/// The page of a view.
///
/// # Errors
/// None that a view can cause: writing to a `String` does not fail. It is
/// `prometheus_client`'s signature.
pub fn encode(view: &View, format: Format) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Page(view.clone())));
    let mut page = String::new();
    match format {
        Format::OpenMetrics => text::encode(&mut page, &registry)?,
        Format::Text => prometheus_text::encode(&mut page, &registry)?,
    }
    Ok(page)
}

/// Every family, one after another.
pub fn families() -> impl Iterator<Item = &'static Family> {
    FAMILIES.into_iter().flatten()
}

#[derive(Debug)]
struct Page(View);

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let scene = Scene::new(&self.0);
        let probe = self.0.scope.probe.is_some();
        let own = PROBE_FAMILIES.iter().filter(|_| probe);
        own.chain(families())
            .filter(|family| self.0.scope.holds(family))
            .try_for_each(|family| family.encode(&scene, &mut encoder))
    }
}
