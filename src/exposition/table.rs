//! Text in rows and columns that changes row by row, is read column by column, and
//! is shared with whoever reads it slowly.
//!
//! What stands one after the other on a page lies one after the other in memory, so
//! that a page goes out in few large pieces. Where a row changes while somebody still
//! reads what it was, only what is new is kept beside it, and put in its place once
//! nobody does: who never ends reading holds no second table.

use std::sync::Arc;

/// All rows, in groups of [`GROUP`].
#[derive(Debug, Default)]
pub(super) struct Table {
    groups: Vec<Arc<Group>>,
    /// Of the last change.
    version: u64,
    scratch: Vec<u8>,
}

/// Rows that stand together.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Every row as it was when they were last put together.
    columns: Arc<[Column]>,
    /// What of a row is another text by now.
    changes: Box<[Option<Arc<Change>>]>,
    /// The version in which each column last changed.
    versions: Box<[u64]>,
    len: usize,
}

/// The text of a row, and where each of its columns ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) text: &'a [u8],
    pub(super) ends: &'a [u32],
}

#[derive(Debug, Clone, Default)]
struct Column {
    text: Vec<u8>,
    /// Where each row ends.
    ends: Vec<u32>,
}

/// The columns of a row that changed.
#[derive(Debug)]
struct Change {
    text: Box<[u8]>,
    ends: Box<[u32]>,
    changed: Box<[bool]>,
}

impl Table {
    /// Has so many rows from here on; those of a group that is not as long as it
    /// shall be are empty.
    pub(super) fn resize(&mut self, rows: usize, columns: usize) {
        let lengths: Vec<usize> = chunks(rows).collect();
        let same = |group: &Arc<Group>, length: usize| {
            group.changes.len() == length && group.columns.len() == columns
        };
        if self.groups.len() == lengths.len()
            && self
                .groups
                .iter()
                .zip(&lengths)
                .all(|(group, length)| same(group, *length))
        {
            return;
        }
        self.version += 1;
        self.groups.truncate(lengths.len());
        for (place, length) in lengths.into_iter().enumerate() {
            let new = || Arc::new(Group::new(length, columns, self.version));
            match self.groups.get_mut(place) {
                Some(group) if same(group, length) => {}
                Some(group) => *group = new(),
                None => {
                    let group = new();
                    self.groups.push(group);
                }
            }
        }
    }

    /// A row is this from here on.
    pub(super) fn set(&mut self, row: usize, new: Row<'_>) {
        let Some(group) = self.groups.get_mut(row / GROUP) else {
            return;
        };
        let row = row % GROUP;
        if !group.is(row, new) {
            self.version += 1;
            Arc::make_mut(group).set(row, new, self.version);
        }
    }

    /// Puts what changed into its place where nobody reads what it was.
    pub(super) fn settle(&mut self) {
        for group in &mut self.groups {
            if group.is_changed()
                && let Some(group) = Arc::get_mut(group)
            {
                group.settle(&mut self.scratch);
            }
        }
    }

    /// Another number after every change.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// What stands in a column of a row; nothing where there is none.
    pub(super) fn text(&self, row: usize, column: usize) -> &[u8] {
        let group = self.groups.get(row / GROUP);
        group.map_or(&[], |group| group.text(row % GROUP, column))
    }
}

impl Group {
    fn new(rows: usize, columns: usize, version: u64) -> Self {
        let column = Column {
            text: Vec::new(),
            ends: vec![0; rows],
        };
        Self {
            columns: vec![column; columns].into(),
            changes: vec![None; rows].into(),
            versions: vec![version; columns].into(),
            len: 0,
        }
    }

    /// Of all its text.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Rows.
    pub(super) fn rows(&self) -> usize {
        self.changes.len()
    }

    /// Whether anything stands in a column.
    pub(super) fn has(&self, column: usize) -> bool {
        let mut rows = 0..self.rows();
        rows.any(|row| !self.text(row, column).is_empty())
    }

    /// The version in which each column last changed.
    pub(super) fn versions(&self) -> &[u64] {
        &self.versions
    }

    /// What stands in a column from a row on in one piece of memory, and the row behind it.
    pub(super) fn piece(&self, column: usize, row: usize) -> (&[u8], usize) {
        if let Some(changed) = self.changed(row, column) {
            return (changed, row + 1);
        }
        let mut behind = row + 1..self.rows();
        let next = behind.find(|row| self.changed(*row, column).is_some());
        let next = next.unwrap_or(self.rows());
        (self.columns[column].rows(row, next), next)
    }

    /// The memory that it is made of.
    pub(super) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let columns = self.columns.iter().map(|column| &*column.text);
        let changes = self.changes.iter().flatten();
        columns.chain(changes.map(|change| &*change.text))
    }

    fn text(&self, row: usize, column: usize) -> &[u8] {
        let changed = self.changed(row, column);
        changed.unwrap_or_else(|| self.columns[column].rows(row, row + 1))
    }

    fn changed(&self, row: usize, column: usize) -> Option<&[u8]> {
        self.changes[row].as_ref()?.column(column)
    }

    fn is_changed(&self) -> bool {
        self.changes.iter().any(Option::is_some)
    }

    fn is(&self, row: usize, other: Row<'_>) -> bool {
        let mut columns = 0..self.columns.len();
        columns.all(|column| self.text(row, column) == other.column(column))
    }

    fn set(&mut self, row: usize, new: Row<'_>, version: u64) {
        let mut change = (Vec::new(), Vec::new(), Vec::new());
        for column in 0..self.columns.len() {
            let (text, known) = (new.column(column), self.text(row, column));
            if text != known {
                self.len = self.len + text.len() - known.len();
                self.versions[column] = version;
            }
            let changed = text != self.columns[column].rows(row, row + 1);
            if changed {
                change.0.extend_from_slice(text);
            }
            change.1.push(offset(&change.0));
            change.2.push(changed);
        }
        self.changes[row] = change.2.contains(&true).then(|| {
            let (text, ends, changed) = change;
            Arc::new(Change {
                text: text.into(),
                ends: ends.into(),
                changed: changed.into(),
            })
        });
    }

    fn settle(&mut self, scratch: &mut Vec<u8>) {
        let Some(columns) = Arc::get_mut(&mut self.columns) else {
            return;
        };
        for (number, column) in columns.iter_mut().enumerate() {
            let changed = |row: usize| self.changes[row].as_ref()?.column(number);
            let mut rows = 0..self.changes.len();
            if !rows.any(|row| changed(row).is_some()) {
                continue;
            }
            scratch.clear();
            let mut ends = Vec::with_capacity(self.changes.len());
            for row in 0..self.changes.len() {
                let text = changed(row).unwrap_or_else(|| column.rows(row, row + 1));
                scratch.extend_from_slice(text);
                ends.push(offset(scratch));
            }
            column.take(scratch, ends);
        }
        self.changes.fill(None);
    }
}

impl Column {
    /// The text of these rows.
    fn rows(&self, from: usize, to: usize) -> &[u8] {
        let end = |row: usize| self.ends[row] as usize;
        &self.text[from.checked_sub(1).map_or(0, end)..end(to - 1)]
    }

    /// With a little room, so that a number that becomes longer moves nothing.
    fn take(&mut self, text: &[u8], ends: Vec<u32>) {
        self.text.clear();
        if text.len() > self.text.capacity() {
            self.text.reserve_exact(text.len() + text.len() / 32);
        }
        self.text.extend_from_slice(text);
        self.ends = ends;
    }
}

impl Change {
    fn column(&self, column: usize) -> Option<&[u8]> {
        let row = Row {
            text: &self.text,
            ends: &self.ends,
        };
        self.changed[column].then(|| row.column(column))
    }
}

impl<'a> Row<'a> {
    pub(super) fn column(self, column: usize) -> &'a [u8] {
        let end = |column: usize| self.ends[column] as usize;
        &self.text[column.checked_sub(1).map_or(0, end)..end(column)]
    }
}

/// How many rows each group has.
fn chunks(rows: usize) -> impl Iterator<Item = usize> {
    (0..rows)
        .step_by(GROUP)
        .map(move |first| GROUP.min(rows - first))
}

/// Far below 4 GiB: it is one column of one group, or one row.
fn offset(text: &[u8]) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// Rows in a group. What is compressed is compressed by the group: fewer compress
/// worse, more are compressed again when one of them changes.
const GROUP: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: usize = 2;

    fn set(table: &mut Table, row: usize, columns: [&str; COLUMNS]) {
        let text = columns.concat();
        let ends = [offset(columns[0].as_bytes()), offset(text.as_bytes())];
        let text = text.as_bytes();
        table.set(row, Row { text, ends: &ends });
    }

    fn table(rows: usize) -> Table {
        let mut table = Table::default();
        table.resize(rows, COLUMNS);
        for row in 0..rows {
            set(&mut table, row, [&format!("a{row} "), &format!("b{row} ")]);
        }
        table.settle();
        table
    }

    /// Column by column, with a bar between two pieces of memory.
    fn read(groups: &[Arc<Group>]) -> String {
        let mut text = String::new();
        for column in 0..COLUMNS {
            for group in groups {
                let mut row = 0;
                while row < group.rows() {
                    let (piece, next) = group.piece(column, row);
                    text += std::str::from_utf8(piece).unwrap();
                    text.push('|');
                    row = next;
                }
            }
        }
        text
    }

    #[test]
    fn what_nobody_reads_lies_in_one_piece() {
        let mut table = table(3);
        assert_eq!(read(table.groups()), "a0 a1 a2 |b0 b1 b2 |");
        set(&mut table, 1, ["a1 ", "other "]);
        table.settle();
        assert_eq!(read(table.groups()), "a0 a1 a2 |b0 other b2 |");
        assert_eq!(table.text(1, 1), b"other ");
    }

    #[test]
    fn what_is_read_stays_and_only_the_changed_columns_are_beside_it() {
        let mut table = table(4);
        let held = table.groups().to_vec();
        set(&mut table, 1, ["a1 ", "longer "]);
        set(&mut table, 2, ["", "b2 "]);
        table.settle();
        assert_eq!(read(&held), "a0 a1 a2 a3 |b0 b1 b2 b3 |");
        assert_eq!(read(table.groups()), "a0 a1 ||a3 |b0 |longer |b2 b3 |");
        let shared = |one: &Group, other: &Group| {
            let known: Vec<_> = other.parts().map(<[u8]>::as_ptr).collect();
            let own = one.parts().filter(|part| !known.contains(&part.as_ptr()));
            own.map(<[u8]>::len).sum::<usize>()
        };
        assert_eq!(shared(&table.groups()[0], &held[0]), "longer ".len());
        // Back to what it was: nothing is beside it.
        set(&mut table, 1, ["a1 ", "b1 "]);
        assert_eq!(read(table.groups()), "a0 a1 ||a3 |b0 b1 b2 b3 |");
        drop(held);
        table.settle();
        assert_eq!(read(table.groups()), "a0 a1 a3 |b0 b1 b2 b3 |");
        assert_eq!(table.groups()[0].len(), read(table.groups()).len() - 2);
    }

    #[test]
    fn a_version_is_another_one_where_the_text_is() {
        let mut table = table(GROUP + 1);
        let versions = |table: &Table| -> Vec<u64> {
            let groups = table.groups().iter();
            groups.flat_map(|group| group.versions().to_vec()).collect()
        };
        let (before, version) = (versions(&table), table.version());
        set(&mut table, 0, ["a0 ", "b0 "]);
        table.settle();
        table.resize(GROUP + 1, COLUMNS);
        assert_eq!(
            (versions(&table), table.version()),
            (before.clone(), version)
        );
        set(&mut table, GROUP, ["a32 ", "other "]);
        let after = versions(&table);
        assert_eq!(before[..3], after[..3]);
        assert!(after[3] > version && table.version() > version);
    }

    #[test]
    fn a_group_of_another_length_begins_empty() {
        let mut table = table(GROUP + 1);
        table.resize(GROUP + 2, COLUMNS);
        assert_eq!(table.groups().len(), 2);
        assert!(table.groups()[0].has(0) && !table.groups()[1].has(0));
        table.resize(0, COLUMNS);
        assert!(table.groups().is_empty());
        assert_eq!(table.text(0, 0), b"");
    }
}
