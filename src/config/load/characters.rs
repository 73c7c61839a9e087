//! What may not stand in a file, before the parser sees it.

use crate::config::problem::{ConfigError, ConfigErrors};

/// What YAML forbids; the parser would name a byte, not a line.
pub(super) fn refuse_control_characters(text: &str, file: &str) -> Result<(), ConfigErrors> {
    let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    let Some(index) = text.find(forbidden) else {
        return Ok(());
    };
    let code = text[index..].chars().next().map_or(0, u32::from);
    Err(ConfigErrors::from(ConfigError {
        file: Some(file.to_owned()),
        position: Some(end_of(&text[..index])),
        path: String::new(),
        message: format!("the control character U+{code:04X} stands in the file"),
        hint: "remove it, or write it escaped in double quotes, as `\"\\x07\"`".to_owned(),
    }))
}

/// Line and column (from 1) of what follows this text.
pub(super) fn end_of(text: &str) -> (usize, usize) {
    let line = text.matches('\n').count() + 1;
    let last = text.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
