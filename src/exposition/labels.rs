//! The labels of a series.

use std::fmt;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};

/// Names and values in the order in which they are written. Values are written
/// as they are; the encoder escapes what the formats want escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Labels<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Labels<'a> {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Adds a label. An empty value is left out, because it means the same as no
    /// label; so is a name that is already there, because one label given
    /// twice loses the whole scrape and not only this series.
    pub(super) fn push(&mut self, name: &'a str, value: &'a str) {
        if !value.is_empty() && self.0.iter().all(|(known, _)| *known != name) {
            self.0.push((name, value));
        }
    }
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.0
            .iter()
            .try_for_each(|label| label.encode(encoder.encode_label()))
    }
}

/// The longest beginning of a text of at most [`MAX_VALUE`] bytes. For values that
/// tell no series apart, so that a cut cannot make two series one; the others
/// are bounded where they are configured.
pub(super) fn bounded(text: &str) -> &str {
    if text.len() <= MAX_VALUE {
        return text;
    }
    let mut end = MAX_VALUE;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Bytes of a label value that comes from a registry or is free text.
const MAX_VALUE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_no_label() {
        let mut labels = Labels::default();
        labels.push("a", "");
        labels.push("b", "1");
        assert_eq!(labels, Labels(vec![("b", "1")]));
    }

    #[test]
    fn the_first_of_a_name_stays() {
        let mut labels = Labels::default();
        labels.push("registry", "own");
        labels.push("registry", "a user's");
        assert_eq!(labels, Labels(vec![("registry", "own")]));
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(bounded("short"), "short");
        let exact = "x".repeat(256);
        assert_eq!(bounded(&exact), exact);
        let long = format!("{}é", "x".repeat(255));
        assert_eq!(bounded(&long), "x".repeat(255));
    }
}
