//! A foreign text, made fit for one line of a report.

/// At most `limit` characters of a text on one line: white space becomes one
/// space, characters that control a terminal or the direction of text are left
/// out, and a cut is shown by `...`.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        let spaced = (length > 0).then_some(' ');
        for character in spaced.into_iter().chain(word.chars()) {
            if is_format(character) {
                continue;
            }
            if length == limit {
                let kept = limit.saturating_sub(CUT.len());
                line = line.chars().take(kept).collect();
                line.push_str(CUT);
                return line;
            }
            line.push(character);
            length += 1;
        }
    }
    line
}

/// Invisible characters that reorder or hide text, or end its line.
pub(crate) fn is_format(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

const CUT: &str = "...";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_one_space_and_format_characters_nothing() {
        for (text, limit, line) in [
            ("plain", 10, "plain"),
            ("two\r\n lines\t", 20, "two lines"),
            ("\u{1b}[31mred\u{7}", 20, "[31mred"),
            ("a\u{202e}b\u{200b}c", 20, "abc"),
            ("abcdefghij", 10, "abcdefghij"),
            ("abcdefghijk", 10, "abcdefg..."),
            ("", 10, ""),
        ] {
            assert_eq!(one_line(text, limit), line, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn never_longer_than_the_limit_and_never_a_control(text in any::<String>(), limit in 3_usize..60) {
            let line = one_line(&text, limit);
            prop_assert!(line.chars().count() <= limit);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_format(c)));
        }
    }
}
