//! What is known of each document, and when it is looked at again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{Kind, Look, Sight, files};
use crate::config::{Config, ConfigErrors, Document, Main, Offer, RegistryFiles, Whence};

/// All documents, as they were last seen and as they were last good.
#[derive(Debug, Default)]
pub struct Discovery {
    items: Vec<Item>,
    documents: BTreeMap<Arc<str>, Known>,
}

/// An item of `registry_files:`.
#[derive(Debug)]
struct Item {
    whence: Whence,
    interval: Duration,
    due: Instant,
    sources: BTreeSet<Arc<str>>,
}

#[derive(Debug)]
struct Known {
    now: Result<Arc<[u8]>, String>,
    good: Option<Arc<[u8]>>,
    /// When it was last seen without fault.
    good_at: Option<SystemTime>,
}

impl Discovery {
    /// The configuration of this main file, with the files that it names as they are now,
    /// and servers' documents as they were last seen. It may take its time.
    ///
    /// # Errors
    /// All that is wrong with the main file; then nothing is changed here.
    pub fn read(&mut self, main: &Main) -> Result<Config, ConfigErrors> {
        let bare = main.config(&[])?;
        self.follow(&bare.registry_files);
        for whence in self.due(Kind::Files) {
            if let Whence::Paths(paths) = &whence {
                self.take(&whence, files::look(paths));
            }
        }
        self.forget();
        if self.documents.is_empty() {
            return Ok(bare);
        }
        self.compose(main)
    }

    /// The configuration of this main file with the documents as they were last seen.
    ///
    /// # Errors
    /// As [`Discovery::read`].
    pub fn compose(&mut self, main: &Main) -> Result<Config, ConfigErrors> {
        let config = main.config(&self.offers())?;
        self.judged(&config.documents);
        Ok(config)
    }

    /// The items of this kind whose time has come; they are due again after their intervals.
    pub fn due(&mut self, kind: Kind) -> Vec<Whence> {
        let now = Instant::now();
        let mut due = Vec::new();
        for item in &mut self.items {
            if Kind::of(&item.whence) == kind && item.due <= now {
                item.due = now + item.interval;
                due.push(item.whence.clone());
            }
        }
        due
    }

    /// When the next item of this kind is due.
    pub fn next(&self, kind: Kind) -> Option<Instant> {
        let items = self.items.iter();
        let items = items.filter(|item| Kind::of(&item.whence) == kind);
        items.map(|item| item.due).min()
    }

    /// Takes what a look found; whether that is something new.
    pub fn take(&mut self, whence: &Whence, look: Look) -> bool {
        let Some(item) = self.items.iter_mut().find(|item| item.whence == *whence) else {
            return false;
        };
        let mut changed = false;
        let mut sources: BTreeSet<_> = look.found.keys().cloned().collect();
        if !look.whole {
            // What a directory held that cannot be listed now.
            sources.extend(item.sources.iter().cloned());
        }
        changed |= sources != item.sources;
        item.sources = sources;
        for (source, sight) in look.found {
            changed |= self.see(source, sight);
        }
        if changed {
            self.forget();
        }
        changed
    }

    /// When each document was last seen without fault.
    pub fn last_good(&self) -> BTreeMap<Arc<str>, SystemTime> {
        let at = |(source, known): (&Arc<str>, &Known)| Some((Arc::clone(source), known.good_at?));
        self.documents.iter().filter_map(at).collect()
    }

    fn see(&mut self, source: Arc<str>, sight: Sight) -> bool {
        let gone = matches!(sight, Sight::Missing(_));
        let now = match sight {
            Sight::Bytes(bytes) => Ok(bytes),
            Sight::Unreadable(why) | Sight::Missing(why) => Err(why),
        };
        let Some(known) = self.documents.get_mut(&source) else {
            let new = Known {
                now,
                good: None,
                good_at: None,
            };
            self.documents.insert(source, new);
            return true;
        };
        if gone {
            known.good = None;
        }
        if known.now == now {
            if known.good_at.is_some()
                && known.now.is_ok()
                && known.now.as_ref().ok() == known.good.as_ref()
            {
                known.good_at = Some(SystemTime::now());
            }
            return false;
        }
        known.now = now;
        true
    }

    /// The items are these from now on; what is known of their documents stays.
    fn follow(&mut self, all: &[RegistryFiles]) {
        let mut before = std::mem::take(&mut self.items);
        self.items = all
            .iter()
            .map(|files| {
                let known = before.iter().position(|item| item.whence == files.whence);
                let known = known.map(|at| before.swap_remove(at));
                Item {
                    whence: files.whence.clone(),
                    interval: files.interval,
                    due: Instant::now(),
                    sources: known.map(|item| item.sources).unwrap_or_default(),
                }
            })
            .collect();
    }

    /// Drops what no item names any more.
    fn forget(&mut self) {
        let items = &self.items;
        self.documents
            .retain(|source, _| items.iter().any(|item| item.sources.contains(source)));
    }

    /// Every document once, under the first item that names it.
    fn offers(&self) -> Vec<Offer> {
        let mut offers = BTreeMap::new();
        for (files, item) in self.items.iter().enumerate() {
            for source in &item.sources {
                if let Some(known) = self.documents.get(source) {
                    offers.entry(source).or_insert_with(|| Offer {
                        files,
                        source: Arc::clone(source),
                        now: known.now.clone(),
                        good: known
                            .good
                            .clone()
                            .filter(|good| known.now.as_ref() != Ok(good)),
                    });
                }
            }
        }
        offers.into_values().collect()
    }

    /// Keeps what is in force as what was last good.
    fn judged(&mut self, documents: &[Document]) {
        for document in documents {
            let Some(known) = self.documents.get_mut(&document.source) else {
                continue;
            };
            if document.taken
                && let Ok(now) = &known.now
            {
                known.good = Some(Arc::clone(now));
            }
            if document.problems.is_none() {
                known.good_at = Some(SystemTime::now());
            }
        }
    }
}
