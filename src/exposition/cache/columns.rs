//! A registry's text, cut at the families.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};

use super::super::{Family, Format, View, families, scene::Scene, table::Row, write};
use crate::config::Target;

/// The families of registries, in their order on a page.
pub(super) fn columns() -> impl Iterator<Item = &'static Family> {
    families().filter(|family| family.of_registries())
}

/// What stands above the series of each column; `None` until one of them has been written.
pub(super) type Heads = Vec<Option<Bytes>>;

/// Writes rows, and reuses what it needs for that.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    shown: Arc<Mutex<Vec<usize>>>,
    samples: Vec<u8>,
    ends: Vec<u32>,
}

impl Writer {
    /// The row of a registry; heads that were not known are added to `heads`.
    pub(super) fn row(
        &mut self,
        view: &Arc<View>,
        target: &Arc<Target>,
        format: Format,
        heads: &mut Heads,
    ) -> Result<Row<'_>, fmt::Error> {
        self.text.clear();
        self.shown().clear();
        let registry = Registry {
            view: Arc::clone(view),
            target: Arc::clone(target),
            shown: Arc::clone(&self.shown),
        };
        write(registry, format, &mut self.text)?;
        self.cut(heads)
    }

    /// Each family begins with its `# HELP`; a line that begins with `#` is no
    /// sample, and a value has no line of its own: the encoder escapes line ends.
    fn cut(&mut self, heads: &mut Heads) -> Result<Row<'_>, fmt::Error> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown = shown.iter().copied();
        self.samples.clear();
        self.ends.clear();
        // Where the head begins that is being read, and of which column it is.
        let mut head = None;
        let mut place = 0;
        for line in self.text.split_inclusive('\n') {
            if line.starts_with("# HELP ") {
                let column = shown.next().ok_or(fmt::Error)?;
                self.ends.resize(column, offset(&self.samples)?);
                head = Some((column, place));
            } else if !line.starts_with('#') {
                if let Some((column, begin)) = head.take() {
                    let known = heads.get_mut(column).ok_or(fmt::Error)?;
                    let text = &self.text[begin..place];
                    known.get_or_insert_with(|| Bytes::copy_from_slice(text.as_bytes()));
                }
                self.samples.extend_from_slice(line.as_bytes());
            }
            place += line.len();
        }
        self.ends.resize(heads.len(), offset(&self.samples)?);
        Ok(Row {
            text: &self.samples,
            ends: &self.ends,
        })
    }

    fn shown(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn offset(bytes: &[u8]) -> Result<u32, fmt::Error> {
    u32::try_from(bytes.len()).map_err(|_| fmt::Error)
}

/// The series of one registry.
#[derive(Debug)]
struct Registry {
    view: Arc<View>,
    target: Arc<Target>,
    /// The columns that have any.
    shown: Arc<Mutex<Vec<usize>>>,
}

impl Collector for Registry {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let scene = Scene::of(&self.view, [&*self.target]);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for (column, family) in columns().enumerate() {
            if family.encode(&scene, &mut encoder)? {
                shown.push(column);
            }
        }
        Ok(())
    }
}
