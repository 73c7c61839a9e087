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
//! No series is registered: a registry, a check or a certificate that is gone is
//! gone from the next page. [`encode`] writes a page anew; [`Cache`] keeps what it
//! wrote and writes anew only what changed, for scrapes that come again and again.

mod cache;
mod configuration;
mod estimate;
mod exporter;
mod facts;
mod family;
mod format;
mod labels;
mod observed;
mod once;
mod page;
mod probe;
mod process;
mod runs;
mod scene;
mod table;
mod traffic;

pub use cache::Cache;
pub use estimate::estimate;
pub use exporter::{Exporter, Lag};
pub use family::{Family, Kind};
pub use format::Format;
pub use once::encode_once;
pub use page::{Coding, Page};
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
    /// Whether it is all of the view.
    pub fn is_all(&self) -> bool {
        self.names.is_empty() && self.registries.is_empty() && self.probe.is_none()
    }

    fn holds(&self, family: &Family) -> bool {
        // A selected registry is not the exporter.
        if !self.registries.is_empty()
            && !family.of_registries()
            && !family.name.starts_with("probe_")
        {
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
    let mut page = String::new();
    write(Scoped(view.clone()), format, &mut page)?;
    end(format, &mut page)?;
    Ok(page)
}

/// Every family, one after another.
///
/// ```
/// use oci_registry_exporter::exposition;
///
/// let mut families = exposition::families();
/// let up = families.find(|family| family.name == "oci_registry_up");
/// assert_eq!(up.map(|family| family.labels), Some(&["registry"][..]));
/// ```
pub fn families() -> impl Iterator<Item = &'static Family> {
    FAMILIES.into_iter().flatten()
}

/// What a collector says, without the end of a page.
fn write(collector: impl Collector, format: Format, into: &mut String) -> Result<(), fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(collector));
    match format {
        Format::OpenMetrics => text::encode_registry(into, &registry),
        Format::Text => prometheus_text::encode(into, &registry),
    }
}

/// What a page of this format ends with.
fn end(format: Format, into: &mut String) -> Result<(), fmt::Error> {
    match format {
        Format::OpenMetrics => text::encode_eof(into),
        Format::Text => Ok(()),
    }
}

/// The part of a view that its scope wants.
#[derive(Debug)]
struct Scoped(View);

impl Collector for Scoped {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let scene = Scene::new(&self.0);
        let probe = self.0.scope.probe.is_some();
        let own = PROBE_FAMILIES.iter().filter(|_| probe);
        own.chain(families())
            .filter(|family| self.0.scope.holds(family))
            .try_for_each(|family| family.encode(&scene, &mut encoder).map(drop))
    }
}
