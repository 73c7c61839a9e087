//! One more pass through a YAML document that was read before: the line of every part.
//!
//! The parser tells where something is only in an error, and ends there. An error about
//! a scalar comes when it has been taken already, so it can be caught and the pass goes on.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The lines so far, 0 for a map or list.
#[derive(Default)]
pub(super) struct Lines(Vec<u32>);

impl Lines {
    /// All lines; a map or list has that of the first thing in it, or of what stands before it.
    pub(super) fn finish(self) -> Vec<u32> {
        let mut lines = self.0;
        for index in (0..lines.len()).rev() {
            if lines[index] == 0 {
                lines[index] = lines.get(index + 1).copied().unwrap_or_default();
            }
        }
        lines
    }

    fn scalar(&mut self, error: &impl fmt::Display) {
        let said = error.to_string();
        let line = said.rsplit(" at line ").next().unwrap_or_default();
        let line = line.split(' ').next().unwrap_or_default().parse();
        // The very first place of a document is not said.
        self.0.push(line.unwrap_or(1));
    }
}

/// One value with all that is in it.
pub(super) struct LineSeed<'lines>(pub(super) &'lines mut Lines);

impl<'de> DeserializeSeed<'de> for LineSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Err(error) = deserializer.deserialize_any(Inside(self.0)) {
            self.0.scalar(&error);
        }
        Ok(())
    }
}

/// Takes maps and lists; every scalar is an error.
struct Inside<'lines>(&'lines mut Lines);

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map or a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.0.0.push(0);
        while list.next_element_seed(LineSeed(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.0.push(0);
        while map.next_key_seed(KeySeed(self.0))?.is_some() {
            map.next_value_seed(LineSeed(self.0))?;
        }
        Ok(())
    }
}

struct KeySeed<'lines>(&'lines mut Lines);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // A key is always a scalar.
        if let Err(error) = deserializer.deserialize_str(Inside(self.0)) {
            self.0.scalar(&error);
        }
        Ok(())
    }
}
