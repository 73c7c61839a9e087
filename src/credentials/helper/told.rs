//! A helper's error text, without what may be a secret.
//!
//! Nobody knows what a foreign program prints when it fails, so only what looks
//! like the words of a person is shown: letters, and a little punctuation between
//! them. What holds digits, what is long, and the two words after one such as
//! `password` are hidden, and so is every value of the environment it was given.

use std::ffi::OsString;

/// The first line of the text as far as it can be shown.
pub(super) fn told(text: &str, environment: &[(OsString, OsString)]) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut shown: Vec<&str> = Vec::new();
    let mut secrets_next = 0_u8;
    let mut length = 0;
    for word in line.split_whitespace() {
        let given = |(name, value): &(OsString, OsString)| {
            let value = value.to_str().unwrap_or_default();
            name != "PATH" && value.len() > SHORTEST_SECRET && word.contains(value)
        };
        let hidden = secrets_next > 0 || !is_word(word) || environment.iter().any(given);
        secrets_next = if announces_a_secret(word) {
            2
        } else {
            secrets_next.saturating_sub(1)
        };
        let word = if hidden { HIDDEN } else { word };
        if hidden && shown.last() == Some(&HIDDEN) {
            continue;
        }
        length += word.len() + 1;
        if length > LONGEST {
            break;
        }
        shown.push(word);
    }
    if shown.iter().all(|word| *word == HIDDEN) {
        return String::new();
    }
    shown.join(" ")
}

/// Whether it looks like a word, or two with a sign between: `not`, `(or`,
/// `ecr:GetAuthorizationToken`, `400,`.
fn is_word(word: &str) -> bool {
    let sign = |c: char| {
        matches!(
            c,
            '.' | ',' | ':' | ';' | '\'' | '"' | '`' | '(' | ')' | '!' | '?' | '-'
        )
    };
    let core = word.trim_matches(sign);
    if core.len() <= 3 && core.chars().all(|c| c.is_ascii_digit()) {
        return true;
    }
    core.split(sign)
        .all(|part| part.len() <= LONGEST_WORD && part.chars().all(|c| c.is_ascii_alphabetic()))
        && core.len() <= LONGEST_WORDS
}

fn announces_a_secret(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|secret| word.contains(secret))
}

const HIDDEN: &str = "[hidden]";
const SECRET_WORDS: [&str; 7] = [
    "password",
    "passwd",
    "secret",
    "token",
    "key",
    "bearer",
    "authorization",
];
/// Characters of the whole.
const LONGEST: usize = 200;
const LONGEST_WORD: usize = 24;
const LONGEST_WORDS: usize = 40;
const SHORTEST_SECRET: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_shown_and_secrets_are_not() {
        let environment = [("AWS_SECRET_ACCESS_KEY".into(), "swordfish".into())];
        for (text, expected) in [
            ("no such profile", "no such profile"),
            (
                "  \n error: the region is not set\nand more\n",
                "error: the region is not set",
            ),
            (
                "AccessDeniedException: User: arn:aws:iam::123456789012:user/x is not authorized to perform: ecr:GetAuthorizationToken",
                "AccessDeniedException: User: [hidden] is not authorized to perform: ecr:GetAuthorizationToken",
            ),
            (
                "status code: 400, request id: 7d1c4b1e",
                "status code: 400, request id: [hidden]",
            ),
            ("wrong password hunter", "wrong password [hidden]"),
            ("the password=hunter is wrong", "the [hidden]"),
            (
                "the password is hunter and wrong",
                "the password [hidden] and wrong",
            ),
            ("swordfish is what it is", "[hidden] is what it is"),
            (
                "cannot use eyJhbGciOiJub25lIn0.e30.x here",
                "cannot use [hidden] here",
            ),
            ("hunter2 s3cr3t", ""),
            ("AKIAABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", ""),
            ("", ""),
        ] {
            assert_eq!(told(text, &environment), expected, "{text}");
        }
        assert!(told(&"word ".repeat(100), &[]).len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn nothing_with_a_digit_among_letters_comes_out(
            before in "[a-z ]{0,20}",
            secret in "[A-Za-z]{2,10}[0-9][A-Za-z0-9]{3,20}",
            after in "[a-z ]{0,20}",
        ) {
            let shown = told(&format!("{before} {secret} {after}"), &[]);
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}
