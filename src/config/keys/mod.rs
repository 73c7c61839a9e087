//! The keys of the configuration: what may stand where, and what it means.
//!
//! The readers refuse every key that is not in these tables, and the JSON Schema is
//! made of them, so that neither knows a key that the other does not.

mod registry;
mod root;
mod settings;

pub(super) use registry::{ENTRY, OCI, PROFILE, REPOSITORY, SET, SHORT, SOURCE};
pub(super) use root::{DEFAULTS, EXPORTER, LIMITS, ROOT};
pub(super) use settings::{CAPABILITIES, CHECK, CHECKS, EXPECT, PROBE, PUSH, RETRY, TLS};

/// One key.
pub(super) struct Key {
    /// As it is written.
    pub(super) name: &'static str,
    /// What may stand under it.
    pub(super) shape: Shape,
    /// What it means, for an editor.
    pub(super) says: &'static str,
}

/// All the keys of a map, in groups.
pub(super) type Keys = &'static [&'static [Key]];

/// What may stand under a key.
pub(super) enum Shape {
    /// Any scalar, as it is written.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// The word `false` alone.
    Off,
    /// `30s`, `5m`, `1h30m`.
    Duration,
    /// A whole number from the first to the second.
    Whole(u64, u64),
    /// A number.
    Number,
    /// A list.
    List(&'static Shape),
    /// A map with these keys.
    Map(Keys),
    /// A map whose keys the user chooses.
    Each(&'static Shape),
    /// One of several.
    Either(&'static [Shape]),
}

/// The names of a map's keys.
pub(super) fn names(keys: Keys) -> impl Iterator<Item = &'static str> {
    keys.iter().copied().flatten().map(|key| key.name)
}

/// The names of one group.
pub(super) fn names_of(group: &'static [Key]) -> impl Iterator<Item = &'static str> {
    group.iter().map(|key| key.name)
}

const fn key(name: &'static str, shape: Shape, says: &'static str) -> Key {
    Key { name, shape, says }
}

const TEXTS: Shape = Shape::List(&Shape::Text);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        outcome::{Capability, CheckName},
        transport::TlsVersion,
    };

    #[test]
    fn the_words_of_other_rooms_are_all_there() {
        let checks = CheckName::ALL.map(|(_, word)| word);
        assert!(names(CHECKS).eq(checks));
        let capabilities = Capability::ALL.map(|(_, word)| word);
        assert!(names(EXPECT).eq(capabilities));
        let versions = TlsVersion::ALL.map(|(_, word)| word);
        let min_version = TLS
            .iter()
            .copied()
            .flatten()
            .find(|key| key.name == "min_version");
        assert!(
            matches!(min_version.map(|key| &key.shape), Some(Shape::Word(words)) if *words == versions)
        );
    }

    #[test]
    fn no_key_stands_twice_in_a_map() {
        for keys in [ROOT, DEFAULTS, ENTRY, PROFILE, SET, REPOSITORY, OCI] {
            let mut seen = std::collections::HashSet::new();
            for name in names(keys) {
                assert!(seen.insert(name), "{name}");
            }
        }
    }
}
