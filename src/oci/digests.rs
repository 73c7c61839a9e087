//! How many digests there are, over all the pages of an index, in bounded memory.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Distinct digests, each known by a hash of 64 bits: at most 65536 of them are
/// told apart, whatever a registry sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Digests {
    hashes: HashSet<u64>,
    /// There were more than are kept.
    overflowed: bool,
}

impl Digests {
    /// Counts a digest that was not seen yet.
    pub fn insert(&mut self, digest: &str) {
        let mut hasher = DefaultHasher::new();
        digest.hash(&mut hasher);
        self.keep(hasher.finish());
    }

    /// Counts those of another page that were not seen yet.
    pub fn extend(&mut self, page: &Self) {
        for hash in &page.hashes {
            self.keep(*hash);
        }
        self.overflowed |= page.overflowed;
    }

    /// How many distinct ones there were; at least, where [`overflowed`](Self::overflowed).
    pub fn count(&self) -> u64 {
        u64::try_from(self.hashes.len()).unwrap_or(u64::MAX)
    }

    /// Whether none was seen.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether there were more than are told apart.
    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    fn keep(&mut self, hash: u64) {
        if self.hashes.len() < MOST {
            self.hashes.insert(hash);
        } else {
            self.overflowed |= !self.hashes.contains(&hash);
        }
    }
}

/// How many digests are told apart: half a megabyte of them.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(range: std::ops::Range<usize>) -> Digests {
        let mut digests = Digests::default();
        for number in range {
            digests.insert(&format!("sha256:{number}"));
        }
        digests
    }

    #[test]
    fn a_digest_counts_once_whatever_page_it_is_on() {
        for (pages, count) in [
            (&[][..], 0),
            (&[(0, 0)], 0),
            (&[(0, 3)], 3),
            (&[(0, 3), (3, 5)], 5),
            (&[(0, 3), (2, 5)], 5),
            (&[(0, 3), (0, 3), (0, 3)], 3),
        ] {
            let mut all = Digests::default();
            for (first, end) in pages {
                all.extend(&numbered(*first..*end));
            }
            assert_eq!((all.count(), all.overflowed()), (count, false), "{pages:?}");
            assert_eq!(all.is_empty(), count == 0);
        }
    }

    #[test]
    fn the_count_is_bounded_and_says_so() {
        let full = numbered(0..MOST);
        let more = numbered(0..MOST + 1);
        assert_eq!((full.count(), full.overflowed()), (MOST as u64, false));
        assert_eq!((more.count(), more.overflowed()), (MOST as u64, true));
        for (page, overflowed) in [(0..9, false), (MOST..MOST + 1, true)] {
            let mut all = full.clone();
            all.extend(&numbered(page));
            assert_eq!((all.count(), all.overflowed()), (MOST as u64, overflowed));
        }
        let mut all = Digests::default();
        all.extend(&more);
        assert!(all.overflowed());
    }
}
