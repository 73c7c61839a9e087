//! A page as a scrape gets it: mostly shared with other scrapes.

use std::{io::IoSlice, sync::Arc};

use bytes::{Buf, Bytes};

use super::table::Group;

/// How the bytes of a page are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As they are.
    Identity,
    /// As one member of gzip (RFC 1952).
    Gzip,
}

/// The bytes of a page, read from its beginning to its end.
///
/// What stays the same from one page to the next is shared between them, so that
/// a page which waits to be sent costs little more than its list of parts.
///
/// It is a table: a row for every registry (or some of them), a column for every
/// family, read column by column. Each column that has anything begins with its head.
#[derive(Debug, Clone)]
pub struct Page {
    coding: Coding,
    front: Bytes,
    heads: Heads,
    groups: Vec<Arc<Group>>,
    back: Bytes,
    place: Place,
    /// Bytes of the piece at `place` that were read.
    offset: usize,
    remaining: usize,
}

/// What stands above each column; `None`: nothing is in it.
pub(super) type Heads = Arc<[Option<Bytes>]>;

/// A piece of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Front,
    Head(usize),
    Row {
        column: usize,
        group: usize,
        row: usize,
    },
    Back,
}

impl Page {
    pub(super) fn new(
        coding: Coding,
        front: Bytes,
        heads: Heads,
        groups: Vec<Arc<Group>>,
        back: Bytes,
    ) -> Self {
        let in_rows: usize = groups.iter().map(|group| group.len()).sum();
        let in_heads: usize = heads.iter().flatten().map(Bytes::len).sum();
        Self {
            coding,
            remaining: front.len() + in_heads + in_rows + back.len(),
            front,
            heads,
            groups,
            back,
            place: Place::Front,
            offset: 0,
        }
        .at_a_piece()
    }

    /// How it is coded.
    pub fn coding(&self) -> Coding {
        self.coding
    }

    /// The memory that it is made of, piece by piece and without its list of them.
    /// What two pages share lies at one place.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let rows = self.groups.iter().flat_map(|group| group.parts());
        let heads = self.heads.iter().flatten();
        [&self.front, &self.back]
            .into_iter()
            .chain(heads)
            .map(|bytes| &**bytes)
            .chain(rows)
    }

    /// Goes on to where there is something to read, if anything is left.
    fn at_a_piece(mut self) -> Self {
        self.settle();
        self
    }

    fn settle(&mut self) {
        while self.offset == self.piece(self.place).len() && self.place != Place::Back {
            self.place = self.after(self.place);
            self.offset = 0;
        }
    }

    fn piece(&self, place: Place) -> &[u8] {
        match place {
            Place::Front => &self.front,
            Place::Head(column) => self.heads[column].as_deref().unwrap_or_default(),
            Place::Row { column, group, row } => self.groups[group].piece(column, row).0,
            Place::Back => &self.back,
        }
    }

    fn after(&self, place: Place) -> Place {
        let head = |column| {
            if column < self.heads.len() {
                Place::Head(column)
            } else {
                Place::Back
            }
        };
        match place {
            Place::Front => head(0),
            Place::Head(column) if self.heads[column].is_none() || self.groups.is_empty() => {
                head(column + 1)
            }
            Place::Head(column) => Place::Row {
                column,
                group: 0,
                row: 0,
            },
            Place::Row { column, group, row } => {
                let (_, next) = self.groups[group].piece(column, row);
                if next < self.groups[group].rows() {
                    Place::Row {
                        column,
                        group,
                        row: next,
                    }
                } else if group + 1 < self.groups.len() {
                    Place::Row {
                        column,
                        group: group + 1,
                        row: 0,
                    }
                } else {
                    head(column + 1)
                }
            }
            Place::Back => Place::Back,
        }
    }
}

impl Buf for Page {
    fn remaining(&self) -> usize {
        self.remaining
    }

    fn chunk(&self) -> &[u8] {
        &self.piece(self.place)[self.offset..]
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let (mut place, mut piece) = (self.place, self.chunk());
        let mut count = 0;
        while count < slices.len() {
            if !piece.is_empty() {
                slices[count] = IoSlice::new(piece);
                count += 1;
            }
            if place == Place::Back {
                break;
            }
            place = self.after(place);
            piece = self.piece(place);
        }
        count
    }

    fn advance(&mut self, count: usize) {
        debug_assert!(count <= self.remaining, "read beyond the end");
        let mut count = count.min(self.remaining);
        self.remaining -= count;
        while count > 0 {
            let read = count.min(self.piece(self.place).len() - self.offset);
            count -= read;
            self.offset += read;
            self.settle();
        }
    }
}

impl From<Bytes> for Page {
    /// A page in one piece.
    fn from(bytes: Bytes) -> Self {
        let none = Bytes::new();
        Self::new(Coding::Identity, none, Heads::default(), vec![], bytes)
    }
}

impl From<String> for Page {
    /// A page in one piece.
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl Default for Page {
    /// A page of nothing.
    fn default() -> Self {
        Bytes::new().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use super::super::table::{Row, Table};

    fn put(table: &mut Table, row: usize, columns: [&str; 3]) {
        let mut ends = Vec::new();
        let mut text = String::new();
        for column in columns {
            text.push_str(column);
            ends.push(u32::try_from(text.len()).unwrap());
        }
        let text = text.as_bytes();
        table.set(row, Row { text, ends: &ends });
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.resize(3, 3);
        put(&mut table, 0, ["a1 ", "", "c1 "]);
        put(&mut table, 1, ["a2 ", "", ""]);
        put(&mut table, 2, ["", "", "c3 "]);
        table
    }

    /// Of a table whose rows all changed, of one where they are in their place, and
    /// of one in which a single one changed.
    fn pages() -> [Page; 3] {
        let changed = table();
        let mut settled = table();
        settled.settle();
        let mut one = table();
        put(&mut one, 1, ["other ", "", "c2 "]);
        one.settle();
        put(&mut one, 1, ["a2 ", "", ""]);
        [changed, settled, one].map(|table| page(&table))
    }

    fn page(table: &Table) -> Page {
        let head = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
        Page::new(
            Coding::Identity,
            Bytes::from_static(b"<"),
            [head("A:"), None, head("C:")].into(),
            table.groups().to_vec(),
            Bytes::from_static(b">"),
        )
    }

    const WHOLE: &str = "<A:a1 a2 C:c1 c3 >";

    #[test]
    fn a_page_is_read_column_by_column_in_steps_of_any_length() {
        for (mut page, step) in pages().into_iter().flat_map(|page| {
            let steps = 1..=WHOLE.len() + 1;
            steps.map(move |step| (page.clone(), step))
        }) {
            let mut read = Vec::new();
            while page.has_remaining() {
                assert_eq!(page.remaining(), WHOLE.len() - read.len());
                assert!(!page.chunk().is_empty());
                let step = step.min(page.remaining());
                read.extend(page.copy_to_bytes(step));
            }
            assert_eq!(String::from_utf8(read).unwrap(), WHOLE, "{step}");
            assert!(page.chunk().is_empty());
        }
    }

    #[test]
    fn several_pieces_are_had_at_once() {
        let rooms = [(1, 0), (3, 0), (64, 0), (64, 2), (2, WHOLE.len() - 3)];
        let all = pages().into_iter();
        for (mut page, (room, begin)) in all.flat_map(|page| rooms.map(|it| (page.clone(), it))) {
            page.advance(begin);
            let mut slices = vec![IoSlice::new(b"untouched"); room];
            let count = page.chunks_vectored(&mut slices);
            let had: Vec<u8> = slices[..count].iter().flat_map(|it| it.to_vec()).collect();
            let had = String::from_utf8(had).unwrap();
            assert!(!had.is_empty() && WHOLE[begin..].starts_with(&had), "{had}");
            assert!(count == room || begin + had.len() == WHOLE.len(), "{had}");
            assert!(slices[..count].iter().all(|slice| !slice.is_empty()));
            assert_eq!(&*slices[0], page.chunk());
            page.advance(page.remaining());
            assert_eq!(page.chunks_vectored(&mut [IoSlice::new(b"")]), 0);
        }
    }

    #[test]
    fn a_page_may_be_one_text_or_nothing() {
        for text in ["", "one text"] {
            let mut page = Page::from(text.to_owned());
            assert_eq!(page.remaining(), text.len());
            assert_eq!(page.copy_to_bytes(text.len()), text);
            assert_eq!(page.coding(), Coding::Identity);
        }
    }

    #[test]
    fn what_a_page_is_made_of_is_shared_and_not_copied() {
        let page = page(&table());
        let before = Arc::strong_count(&page.groups[0]);
        let copy = page.clone();
        assert_eq!(Arc::strong_count(&page.groups[0]), before + 1);
        assert_eq!(copy.chunk().as_ptr(), page.chunk().as_ptr());
    }
}
