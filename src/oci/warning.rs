//! What a registry wants its users to know (`Warning: 299`).

use super::one_line::one_line;
use crate::exchange::Reply;

/// The texts of the `Warning: 299 - "text"` headers of a reply (distribution-spec
/// v1.1.1, "Warnings"), made fit for one line each. Other codes and agents are not the
/// registry's words for a person.
///
/// Bounded: of the headers, which the spec allows 4096 bytes, no more is read; a text
/// has at most 200 characters.
pub fn warnings(reply: &Reply) -> Vec<String> {
    let mut left = LONGEST_IN_ALL;
    let mut texts = Vec::new();
    for value in reply.header_all("warning") {
        let Some(rest) = left.checked_sub(value.len()) else {
            break;
        };
        left = rest;
        let mut value = value;
        while let Some((text, behind)) = next(value) {
            let text = one_line(&text, LONGEST);
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
            value = behind;
        }
    }
    texts
}

/// The text of the next warning, and what stands behind it.
fn next(value: &str) -> Option<(String, &str)> {
    let mut value = value;
    loop {
        let value_here = value.trim_start_matches([' ', '\t', ',']);
        let (head, quoted) = value_here.split_once('"')?;
        let (text, behind) = quoted_string(quoted)?;
        let mut words = head.split_ascii_whitespace();
        if words.next() == Some("299") && words.next() == Some("-") && words.next().is_none() {
            return Some((text, behind));
        }
        value = behind;
    }
}

/// Reads to the closing quote, which must be there; `\` takes the next character as it is.
fn quoted_string(value: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut characters = value.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, &value[at + 1..])),
            '\\' => text.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => text.push(character),
        }
    }
    None
}

/// Characters of a text.
const LONGEST: usize = 200;
/// Bytes of all headers of a reply.
const LONGEST_IN_ALL: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::reply;

    #[test]
    fn only_the_texts_of_299_are_for_a_person() {
        for (values, texts) in [
            (&[r#"299 - "going away""#][..], &["going away"][..]),
            (&[r#"299 - "a", 299 - "b""#], &["a", "b"]),
            (
                &[r#"299 - "a""#, r#"299 - "a""#, r#"299 - "b""#],
                &["a", "b"],
            ),
            (&[r#"299 - "say \"hi\", \\o/""#], &[r#"say "hi", \o/"#]),
            (&[r#"110 - "stale", 299 - "x""#], &["x"]),
            (&[r#"299 proxy.example.com "not ours""#], &[]),
            (
                &[r#"299 - "dated" "Wed, 21 Oct 2026 07:28:00 GMT""#],
                &["dated"],
            ),
            (&[r#"299 - "never closed"#], &[]),
            (&["299 - bare"], &[]),
            (&[r#"299 - """#], &[]),
            (&["", ",,,"], &[]),
        ] {
            let headers: Vec<_> = values.iter().map(|value| ("warning", *value)).collect();
            assert_eq!(warnings(&reply(200, &headers, "")), texts, "{values:?}");
        }
    }

    #[test]
    fn a_text_is_one_line_and_bounded() {
        let tab = "299 - \"a\tb  c\"";
        assert_eq!(warnings(&reply(200, &[("warning", tab)], "")), ["a b c"]);
        let long = format!("299 - \"{}\"", "x".repeat(300));
        let told = warnings(&reply(200, &[("warning", &long)], ""));
        assert_eq!(told[0].chars().count(), 200);
        let many: Vec<String> = (0..100)
            .map(|at| format!("299 - \"{at}{}\"", "y".repeat(90)))
            .collect();
        let headers: Vec<_> = many
            .iter()
            .map(|value| ("warning", value.as_str()))
            .collect();
        assert!(warnings(&reply(200, &headers, "")).len() < 45);
    }
}
