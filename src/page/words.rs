//! Foreign text and closed sets, as a person reads them.

use crate::{
    oci::is_format,
    outcome::{Change, CheckName, Status},
};

/// A text without what could turn a line around or hide in it; HTML's own
/// characters are escaped where it is written.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|char| match char {
            char if is_hidden(char) => ' ',
            char => char,
        })
        .collect()
}

/// Whether a character controls, reorders or hides text.
pub(super) fn is_hidden(char: char) -> bool {
    char.is_control() || is_format(char)
}

/// The heading of a check's column and section.
pub(super) fn title(check: CheckName) -> &'static str {
    match check {
        CheckName::Credentials => "Credentials",
        CheckName::Pull => "Pull",
        CheckName::Push => "Push",
        CheckName::Referrers => "Referrers",
        CheckName::Capabilities => "Capabilities",
    }
}

/// What became another.
pub(super) fn thing(change: Change) -> &'static str {
    match change {
        Change::Secret => "the secret",
        Change::Grant => "the rights that the token grants",
        Change::Certificate => "the server's certificate",
        Change::Address => "the server's addresses",
        Change::ServerVersion => "the server's version",
        Change::Configuration => "its configuration here",
        Change::Exporter => "the version of this exporter",
    }
}

/// How much a status asks for somebody to look: the smaller, the more. Not run yet is `None`.
pub(super) fn calm(status: Option<Status>) -> u8 {
    match status {
        Some(Status::Fail) => 0,
        Some(Status::Warn) => 1,
        Some(Status::Unknown) => 2,
        Some(Status::Info) => 3,
        None => 4,
        Some(Status::Pass) => 5,
        Some(Status::Skip) => 6,
    }
}

/// `1 registry`, `2 registries`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_or_hides_text_becomes_a_blank() {
        for (text, expected) in [
            ("plain é 漢", "plain é 漢"),
            ("a\x1b[2Jb", "a [2Jb"),
            ("a\u{202e}b\u{2066}c\u{200b}d", "a b c d"),
            ("<b>\"'&", "<b>\"'&"),
            ("a\r\nb\0", "a  b "),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }
}
