//! The rows with gzip: compressed group by group and column by column, each piece
//! on its own and joined by empty blocks, so that a page is one member of gzip
//! made of pieces that other pages share.

use std::{io, sync::Arc};

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::{
    super::{
        Coding, Page,
        page::{Group, Row},
    },
    columns::Heads,
    rows::Rows,
};

/// The rows of one format, compressed.
#[derive(Debug, Default)]
pub(super) struct Squeezed {
    heads: Vec<Option<Piece>>,
    parts: Vec<Part>,
    press: Press,
}

/// Something compressed.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// Of what it was.
    crc: Crc,
}

/// A compressed group.
#[derive(Debug)]
struct Part {
    of: Group,
    /// The group as one row.
    group: Group,
    /// Of what each column was.
    crcs: Vec<Crc>,
}

impl Squeezed {
    /// The page of these rows that ends like this.
    pub(super) fn page(&mut self, rows: &Rows, own: &[u8]) -> io::Result<Page> {
        let heads = rows.shown_heads();
        self.squeeze_heads(&heads)?;
        self.squeeze_groups(&rows.groups, heads.len())?;
        let mut crc = Crc::new();
        let mut squeezed_heads = Vec::with_capacity(heads.len());
        for (column, (head, squeezed)) in heads.iter().zip(&self.heads).enumerate() {
            // Of a column without anything nothing is shown.
            let Some(squeezed) = squeezed.as_ref().filter(|_| head.is_some()) else {
                squeezed_heads.push(None);
                continue;
            };
            crc.combine(&squeezed.crc);
            for part in &self.parts {
                crc.combine(&part.crcs[column]);
            }
            squeezed_heads.push(Some(squeezed.bytes.clone()));
        }
        let mut back = Vec::new();
        crc.combine(&self.press.squeeze(own, FlushCompress::Finish, &mut back)?);
        back.extend_from_slice(&crc.sum().to_le_bytes());
        back.extend_from_slice(&crc.amount().to_le_bytes());
        let groups = self.parts.iter().map(|part| Arc::clone(&part.group));
        Ok(Page::new(
            Coding::Gzip,
            Bytes::from_static(&HEADER),
            squeezed_heads,
            groups.collect(),
            Bytes::copy_from_slice(&back),
        ))
    }

    fn squeeze_heads(&mut self, heads: &Heads) -> io::Result<()> {
        self.heads.resize_with(heads.len(), || None);
        for (head, squeezed) in heads.iter().zip(&mut self.heads) {
            if let (Some(head), None) = (head, &squeezed) {
                let mut bytes = Vec::new();
                let crc = self.press.squeeze(head, FlushCompress::Sync, &mut bytes)?;
                let bytes = bytes.into();
                *squeezed = Some(Piece { bytes, crc });
            }
        }
        Ok(())
    }

    fn squeeze_groups(&mut self, groups: &[Group], columns: usize) -> io::Result<()> {
        self.parts.truncate(groups.len());
        for (place, group) in groups.iter().enumerate() {
            let known = self.parts.get(place);
            if known.is_some_and(|known| Arc::ptr_eq(&known.of, group)) {
                continue;
            }
            let part = self.press.part(group, known, columns)?;
            match self.parts.get_mut(place) {
                Some(known) => *known = part,
                None => self.parts.push(part),
            }
        }
        Ok(())
    }
}

/// What compresses, and what it needs for that.
#[derive(Debug)]
struct Press {
    compress: Compress,
    text: Vec<u8>,
}

impl Press {
    /// A group; columns that are what they were in `known` are taken from there.
    fn part(&mut self, group: &Group, known: Option<&Part>, columns: usize) -> io::Result<Part> {
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(columns);
        let mut crcs = Vec::with_capacity(columns);
        for column in 0..columns {
            match known.filter(|known| same(&known.of, group, column)) {
                Some(known) => {
                    bytes.extend_from_slice(known.group[0].column(column));
                    let mut crc = Crc::new();
                    crc.combine(&known.crcs[column]);
                    crcs.push(crc);
                }
                None => crcs.push(self.column(group, column, &mut bytes)?),
            }
            ends.push(u32::try_from(bytes.len()).map_err(io::Error::other)?);
        }
        Ok(Part {
            of: Arc::clone(group),
            group: [Arc::new(Row::new(&bytes, &ends))].into(),
            crcs,
        })
    }

    fn column(&mut self, group: &Group, column: usize, into: &mut Vec<u8>) -> io::Result<Crc> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        for row in group.iter() {
            text.extend_from_slice(row.column(column));
        }
        let crc = if text.is_empty() {
            Ok(Crc::new())
        } else {
            self.squeeze(&text, FlushCompress::Sync, into)
        };
        self.text = text;
        crc
    }

    /// Compresses without looking at anything before, to a whole byte, or to the
    /// end of everything.
    fn squeeze(&mut self, text: &[u8], to: FlushCompress, into: &mut Vec<u8>) -> io::Result<Crc> {
        self.compress.reset();
        // More than it ever becomes: it is done in one go.
        into.reserve(text.len() + text.len() / 256 + 64);
        self.compress.compress_vec(text, into, to)?;
        if self.compress.total_in() != text.len() as u64 || into.len() == into.capacity() {
            return Err(io::Error::other(
                "compressed data took more room than it may",
            ));
        }
        let mut crc = Crc::new();
        crc.update(text);
        Ok(crc)
    }
}

impl Default for Press {
    fn default() -> Self {
        Self {
            // Metrics are so repetitive that the fastest level is good enough.
            compress: Compress::new(Compression::fast(), false),
            text: Vec::new(),
        }
    }
}

/// Whether a column is the same in both groups.
fn same(one: &Group, other: &Group, column: usize) -> bool {
    let pairs = one.iter().zip(other.iter());
    one.len() == other.len()
        && pairs.into_iter().all(|(one, other)| {
            Arc::ptr_eq(one, other) || one.column(column) == other.column(column)
        })
}

/// gzip, deflate, no flags, no time, compressed fast, by an unknown system (RFC 1952 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
