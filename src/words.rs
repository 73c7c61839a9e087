//! Closed tables of words: each value once, each word once, read both ways.
//!
//! Every table has a round-trip test beside it.

/// The word of a value.
pub fn word<T: Copy + PartialEq>(table: &[(T, &'static str)], value: T) -> &'static str {
    table
        .iter()
        .find(|(entry, _)| *entry == value)
        .map_or("", |(_, word)| word)
}

/// The value of a word.
pub fn value<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    table
        .iter()
        .find(|(_, entry)| *entry == word)
        .map(|(value, _)| *value)
}
