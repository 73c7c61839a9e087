//! The rows with gzip: compressed group by group and column by column, each piece
//! on its own and joined by empty blocks, so that a page is one member of gzip
//! made of pieces that other pages share.

use std::{io, sync::Arc};

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};

use super::{
    super::{
        Coding, Page, page,
        table::{Group, Row, Table},
    },
    rows::Rows,
};

/// The rows of one format, compressed.
#[derive(Debug, Default)]
pub(super) struct Squeezed {
    heads: Vec<Option<Piece>>,
    /// Of each group of rows.
    parts: Vec<Part>,
    /// The groups of rows, each as one row.
    table: Table,
    press: Press,
    ready: Option<Ready>,
}

/// Something compressed.
#[derive(Debug)]
struct Piece {
    bytes: Bytes,
    /// Of what it was.
    crc: Crc,
}

/// What is known of a compressed group.
#[derive(Debug, Default)]
struct Part {
    /// The versions of its columns.
    versions: Box<[u64]>,
    /// Of what each column was.
    crcs: Vec<Crc>,
}

/// All that stands above the end of a page.
#[derive(Debug)]
struct Ready {
    /// Of the rows.
    version: u64,
    heads: page::Heads,
    crc: Crc,
}

impl Squeezed {
    /// The page of these rows that ends like this.
    pub(super) fn page(&mut self, rows: &mut Rows, own: &[u8]) -> io::Result<Page> {
        self.update(rows)?;
        let mut crc = Crc::new();
        let mut heads = page::Heads::default();
        if let Some(ready) = &self.ready {
            crc.combine(&ready.crc);
            heads = Arc::clone(&ready.heads);
        }
        let mut back = Vec::new();
        crc.combine(&self.press.squeeze(own, FlushCompress::Finish, &mut back)?);
        back.extend_from_slice(&crc.sum().to_le_bytes());
        back.extend_from_slice(&crc.amount().to_le_bytes());
        Ok(Page::new(
            Coding::Gzip,
            Bytes::from_static(&HEADER),
            heads,
            self.table.groups().to_vec(),
            Bytes::copy_from_slice(&back),
        ))
    }

    fn update(&mut self, rows: &mut Rows) -> io::Result<()> {
        let version = rows.table.version();
        if self
            .ready
            .as_ref()
            .is_none_or(|ready| ready.version != version)
        {
            self.ready = None;
            let heads = rows.shown_heads();
            self.squeeze_heads(&heads)?;
            self.squeeze_groups(rows.table.groups(), heads.len())?;
            self.ready = Some(self.join(version, &heads));
        }
        self.table.settle();
        Ok(())
    }

    fn join(&self, version: u64, heads: &page::Heads) -> Ready {
        let mut crc = Crc::new();
        let columns = heads.iter().zip(&self.heads).enumerate();
        let squeezed = columns.map(|(column, (head, squeezed))| {
            // Of a column without anything nothing is shown.
            let squeezed = squeezed.as_ref().filter(|_| head.is_some())?;
            crc.combine(&squeezed.crc);
            for part in &self.parts {
                crc.combine(&part.crcs[column]);
            }
            Some(squeezed.bytes.clone())
        });
        let heads = squeezed.collect();
        Ready {
            version,
            heads,
            crc,
        }
    }

    fn squeeze_heads(&mut self, heads: &page::Heads) -> io::Result<()> {
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

    fn squeeze_groups(&mut self, groups: &[Arc<Group>], columns: usize) -> io::Result<()> {
        if self.parts.len() != groups.len() {
            // Another table, of which nothing is known.
            self.parts.clear();
            self.parts.resize_with(groups.len(), Part::default);
        }
        self.table.resize(groups.len(), columns);
        for (place, (group, part)) in groups.iter().zip(&mut self.parts).enumerate() {
            if *part.versions != *group.versions() {
                self.press.part(group, part, &mut self.table, place)?;
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
    /// A group; columns that are what they were are taken from where they stand.
    fn part(
        &mut self,
        group: &Group,
        part: &mut Part,
        table: &mut Table,
        place: usize,
    ) -> io::Result<()> {
        let columns = group.versions().len();
        let mut bytes = Vec::new();
        let mut ends = Vec::with_capacity(columns);
        // Whatever fails from here on, nothing of it is taken for known.
        let known = std::mem::take(part);
        let mut crcs = known.crcs.into_iter();
        for column in 0..columns {
            let crc = crcs.next();
            let same = known.versions.get(column) == Some(&group.versions()[column]);
            match crc.filter(|_| same) {
                Some(crc) => {
                    bytes.extend_from_slice(table.text(place, column));
                    part.crcs.push(crc);
                }
                None => part.crcs.push(self.column(group, column, &mut bytes)?),
            }
            ends.push(u32::try_from(bytes.len()).map_err(io::Error::other)?);
        }
        table.set(
            place,
            Row {
                text: &bytes,
                ends: &ends,
            },
        );
        part.versions = group.versions().into();
        Ok(())
    }

    fn column(&mut self, group: &Group, column: usize, into: &mut Vec<u8>) -> io::Result<Crc> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        let mut row = 0;
        while row < group.rows() {
            let (piece, next) = group.piece(column, row);
            text.extend_from_slice(piece);
            row = next;
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

/// gzip, deflate, no flags, no time, compressed fast, by an unknown system (RFC 1952 2.3).
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
