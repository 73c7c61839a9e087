//! Pages that come again and again: what was written stays, and is written anew
//! where something changed since.
//!
//! A registry's series are a row: written by `prometheus_client` like all of
//! them, cut at the families, and kept until the registry's record, configuration
//! or schedule is another one. Everything else (this program, this process) is a
//! few lines, and new on every page.

mod columns;
mod rows;
mod squeezed;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, TryLockError},
    time::Duration,
};

use bytes::Bytes;
use prometheus_client::{collector::Collector, encoding::DescriptorEncoder};
use tokio::time::Instant;

use super::{Coding, Format, Page, View, end, families, scene::Scene, write};

use rows::Rows;
use squeezed::Squeezed;

/// The pages of a daemon, in every form in which they are asked for.
#[derive(Debug, Default)]
pub struct Cache {
    forms: Mutex<[Option<Form>; 2]>,
}

/// One format.
#[derive(Debug)]
struct Form {
    asked: Instant,
    rows: Rows,
    /// With gzip, while somebody asks for that.
    squeezed: Option<(Instant, Squeezed)>,
}

impl Cache {
    /// Nothing is kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The page of a view, whose scope is not looked at: byte for byte what
    /// [`encode`](super::encode) makes of all of it, with gzip if that is wanted.
    ///
    /// The view is taken when it is this page's turn, so that no page shows
    /// an older state than one before it.
    ///
    /// # Errors
    /// None that a view can cause: see [`encode`](super::encode).
    pub fn page(
        &self,
        view: impl FnOnce() -> View,
        format: Format,
        coding: Coding,
        now: Instant,
    ) -> Result<Page, fmt::Error> {
        // Whoever panicked while holding it left rows that were not written yet,
        // which the next page writes.
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        let view = Arc::new(view());
        forget_unasked(&mut forms, now);
        let form = forms[place(format)].get_or_insert_with(|| Form::new(now));
        form.asked = now;
        form.rows.update(&view, format)?;
        let own = own(&view, format)?;
        match coding {
            Coding::Identity => Ok(form.rows.page(Bytes::copy_from_slice(own.as_bytes()))),
            Coding::Gzip => form.squeezed(own.as_bytes(), now),
        }
    }

    /// Drops every form that nobody has asked for in ten minutes. [`Cache::page`]
    /// does it too; where no page is asked for at all, somebody else must.
    pub fn forget_unasked(&self, now: Instant) {
        match self.forms.try_lock() {
            Ok(mut forms) => forget_unasked(&mut forms, now),
            Err(TryLockError::Poisoned(forms)) => forget_unasked(&mut forms.into_inner(), now),
            // A page is made just now, which sees to it.
            Err(TryLockError::WouldBlock) => {}
        }
    }
}

impl Form {
    fn new(now: Instant) -> Self {
        Self {
            asked: now,
            rows: Rows::default(),
            squeezed: None,
        }
    }

    fn squeezed(&mut self, own: &[u8], now: Instant) -> Result<Page, fmt::Error> {
        let (asked, squeezed) = self
            .squeezed
            .get_or_insert_with(|| (now, Squeezed::default()));
        *asked = now;
        let page = squeezed.page(&mut self.rows, own);
        // Compressing into memory does not fail either.
        page.map_err(|_| fmt::Error)
    }
}

fn forget_unasked(forms: &mut [Option<Form>; 2], now: Instant) {
    let unasked = |asked: Instant| now.saturating_duration_since(asked) > KEPT;
    for form in forms {
        if form.as_ref().is_some_and(|form| unasked(form.asked)) {
            *form = None;
        } else if let Some(form) = form {
            form.squeezed.take_if(|(asked, _)| unasked(*asked));
        }
    }
}

fn place(format: Format) -> usize {
    match format {
        Format::OpenMetrics => 0,
        Format::Text => 1,
    }
}

/// What a page says of nobody's registry, to its end.
fn own(view: &Arc<View>, format: Format) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(8 * 1024);
    write(Own(Arc::clone(view)), format, &mut text)?;
    end(format, &mut text)?;
    Ok(text)
}

/// The families that are not of registries; all of them stand after those that are.
#[derive(Debug)]
struct Own(Arc<View>);

impl Collector for Own {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let scene = Scene::of(&self.0, []);
        families()
            .filter(|family| !family.of_registries())
            .try_for_each(|family| family.encode(&scene, &mut encoder).map(drop))
    }
}

/// A form is kept for so long after somebody asked for it.
const KEPT: Duration = Duration::from_mins(10);

/// Nothing.
const NONE: Bytes = Bytes::new();

#[cfg(test)]
mod tests;
