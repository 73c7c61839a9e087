//! Rust text as words and marks.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    /// `::`
    Separator,
    Mark(char),
    Literal,
}

#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

impl Token {
    /// The word it is, if it is one.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }
}

/// The words and marks of `text`, without comments; literals keep their place only.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut scanner = Scanner {
        rest: text,
        line: 1,
    };
    let mut tokens = Vec::new();
    loop {
        scanner.skip_blank();
        let line = scanner.line;
        match scanner.token() {
            Some(kind) => tokens.push(Token { line, kind }),
            None => return tokens,
        }
    }
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scanner<'a> {
    /// Takes `bytes` bytes away and counts their lines.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        self.take(end)
    }

    /// Whitespace and comments; block comments nest.
    fn skip_blank(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest.starts_with("/*") {
                self.take(2);
                let mut open = 1;
                while open > 0 && !self.rest.is_empty() {
                    match self.rest.get(..2) {
                        Some("/*") => (open, _) = (open + 1, self.take(2)),
                        Some("*/") => (open, _) = (open - 1, self.take(2)),
                        _ => drop(self.take(self.rest.chars().next().map_or(0, char::len_utf8))),
                    }
                }
            } else {
                return;
            }
        }
    }

    fn token(&mut self) -> Option<Kind> {
        let first = self.rest.chars().next()?;
        if let Some(kind) = self.literal(first) {
            return Some(kind);
        }
        if self.rest.starts_with("::") {
            self.take(2);
            return Some(Kind::Separator);
        }
        if is_word(first) {
            let word = self.rest.strip_prefix("r#").map_or(0, |_| 2);
            self.take(word);
            return Some(Kind::Word(self.take_while(is_word).to_owned()));
        }
        self.take(first.len_utf8());
        Some(Kind::Mark(first))
    }

    /// A string, character, number or lifetime, if one begins here.
    fn literal(&mut self, first: char) -> Option<Kind> {
        let prefix = self.rest.len() - self.rest.trim_start_matches(['b', 'c', 'r']).len();
        let (prefix, after) = self.rest.split_at(prefix.min(2));
        let hashes = after.len() - after.trim_start_matches('#').len();
        if prefix.ends_with('r') && after[hashes..].starts_with('"') {
            let end = format!("\"{}", &after[..hashes]);
            let body = prefix.len() + hashes + 1;
            let length = self.rest[body..].find(&end);
            self.take(length.map_or(self.rest.len(), |at| body + at + end.len()));
        } else if after.starts_with('"') && !prefix.contains('r') {
            self.take(prefix.len());
            self.quoted('"');
        } else if first == '\'' || self.rest.starts_with("b'") {
            self.take(usize::from(first == 'b'));
            self.character_or_lifetime();
        } else if first.is_ascii_digit() {
            self.take_while(is_word);
        } else {
            return None;
        }
        Some(Kind::Literal)
    }

    fn character_or_lifetime(&mut self) {
        let mut after = self.rest.chars().skip(1);
        let (one, two) = (after.next(), after.next());
        if one == Some('\\') || two == Some('\'') {
            self.quoted('\'');
        } else {
            self.take(1);
            self.take_while(is_word);
        }
    }

    /// From the opening quote to behind the closing one.
    fn quoted(&mut self, quote: char) {
        let mut escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, c)| {
            let closes = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            closes
        });
        self.take(end.map_or(self.rest.len(), |(at, _)| at + 1));
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text)
            .iter()
            .filter_map(|token| token.word().map(str::to_owned))
            .collect()
    }

    #[test]
    fn comments_and_literals_hold_no_words() {
        for text in [
            "// crate::client",
            "/// [`crate::client`]",
            "/* crate /* nested */ client */",
            r#""crate::client \" crate""#,
            "b\"crate\"",
            "r#\"crate \" crate\"#",
            "br\"crate\\\"",
            "'c' '\\'' b'c' '\\u{1F600}'",
            "'static",
            "0xcafe 1_000u64",
        ] {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn words_around_literals_are_kept() {
        for (text, expected) in [
            ("a /* x */ b // y\nc", vec!["a", "b", "c"]),
            ("f(\"x\", crate)", vec!["f", "crate"]),
            ("r#type broken crate", vec!["type", "broken", "crate"]),
            (
                "fn f<'a>(x: &'a str) -> char { 'x' }",
                vec!["fn", "f", "x", "str", "char"],
            ),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn lines_are_those_of_the_text() {
        let text = "a\n/* \n */ b \"\n\" c";
        let lines: Vec<usize> = tokens(text).iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 3, 3, 4]);
    }
}
