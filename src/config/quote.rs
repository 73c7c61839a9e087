//! Values and names in the words of an error.

/// A value in an error: one line, in backticks, not longer than a line.
pub(super) fn shown(value: &str) -> String {
    let mut short: String = value.chars().take(LONGEST_SHOWN).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    format!(
        "`{}`",
        short
            .escape_debug()
            .to_string()
            .replace("\\\"", "\"")
            .replace("\\'", "'")
    )
}

/// Names in an error: `a`, `b` and `c`.
pub(super) fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The key path that leads further; a key with other characters stands in quotes.
pub(super) fn joined(path: &str, key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let key = if !key.is_empty() && key.chars().all(plain) {
        key.to_owned()
    } else {
        format!("\"{}\"", shown(key).trim_matches('`'))
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

const LONGEST_SHOWN: usize = 80;
