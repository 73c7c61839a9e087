//! As much of Rust's grammar as the architecture test reads: paths, modules with
//! a body, and what stands under `#[cfg(test)]`.

use std::ops::Range;

use super::tokens::{Kind, Token, tokens};

/// One file of `src/`, read.
#[derive(Debug)]
pub(super) struct File {
    /// Below `src/`.
    pub(super) path: String,
    /// Every path in it, from `use` and from where it is used, in order.
    pub(super) paths: Vec<Path>,
    /// Every word (keyword or identifier), with its line.
    pub(super) words: Vec<(usize, String)>,
    /// Its lines that are not under `#[cfg(test)]`.
    pub(super) lines_without_tests: usize,
}

/// A path, as far as it goes without type arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) line: usize,
    /// From the crate's root (`crate` first) where the path is of this crate,
    /// else as written.
    pub(super) segments: Vec<String>,
    /// It stands in a `use`.
    pub(super) import: bool,
    /// It stands under `#[cfg(test)]`.
    pub(super) test: bool,
}

impl File {
    /// Reads `text`, which stands in `src/` + `path`.
    pub(super) fn read(path: &str, text: &str) -> Self {
        let tokens = tokens(text);
        let tests = if is_test_file(path) {
            vec![Region {
                tokens: 0..tokens.len(),
                lines: 1..=text.lines().count(),
            }]
        } else {
            test_regions(&tokens)
        };
        let in_tests = |line: usize| tests.iter().any(|region| region.lines.contains(&line));
        let lines = 1..=text.lines().count();
        let mut reader = Reader {
            tokens: &tokens,
            tests: &tests,
            module: module(path),
            inline: Vec::new(),
            depth: 0,
            paths: Vec::new(),
        };
        reader.run();
        Self {
            path: path.to_owned(),
            paths: reader.paths,
            words: tokens
                .iter()
                .filter_map(|token| Some((token.line, token.word()?.to_owned())))
                .collect(),
            lines_without_tests: lines.filter(|line| !in_tests(*line)).count(),
        }
    }

    /// The top-level module it belongs to; `lib` and `main` for the two roots.
    pub(super) fn room(&self) -> &str {
        self.path
            .split('/')
            .next()
            .map_or("", |first| first.trim_end_matches(".rs"))
    }
}

/// The module a file is: `oci/tag.rs` is `oci::tag`, `oci/mod.rs` is `oci`.
fn module(path: &str) -> Vec<String> {
    path.trim_end_matches(".rs")
        .split('/')
        .filter(|part| !["mod", "lib", "main"].contains(part))
        .map(str::to_owned)
        .collect()
}

fn is_test_file(path: &str) -> bool {
    path.trim_end_matches(".rs")
        .split('/')
        .any(|part| part == "tests")
}

/// An item under `#[cfg(test)]`.
#[derive(Debug)]
struct Region {
    tokens: Range<usize>,
    lines: std::ops::RangeInclusive<usize>,
}

fn test_regions(tokens: &[Token]) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if let Some(end) = test_attribute(&tokens[at..]) {
            let end = item_end(tokens, at + end);
            regions.push(Region {
                tokens: at..end,
                lines: tokens[at].line..=tokens[end - 1].line,
            });
            at = end;
        } else {
            at += 1;
        }
    }
    regions
}

/// How many tokens the attribute takes, if it is `#[cfg(…test…)]` without a `not`.
fn test_attribute(tokens: &[Token]) -> Option<usize> {
    let [hash, open, cfg, ..] = tokens else {
        return None;
    };
    if !hash.is('#') || !open.is('[') || cfg.word() != Some("cfg") {
        return None;
    }
    let end = tokens.iter().position(|token| token.is(']'))?;
    let has = |word| tokens[..end].iter().any(|token| token.word() == Some(word));
    (has("test") && !has("not")).then_some(end + 1)
}

/// The index behind the item that begins at `at`: behind its `;`, or its body.
fn item_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        match token.kind {
            Kind::Mark('{' | '(' | '[') => depth += 1,
            Kind::Mark(')' | ']') => depth = depth.saturating_sub(1),
            Kind::Mark('}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1;
                }
            }
            Kind::Mark(';') if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

struct Reader<'a> {
    tokens: &'a [Token],
    tests: &'a [Region],
    /// The file's own module.
    module: Vec<String>,
    /// Modules with a body that are open, with the depth of their braces.
    inline: Vec<(usize, String)>,
    depth: usize,
    paths: Vec<Path>,
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut at = 0;
        while let Some(token) = self.tokens.get(at) {
            at = match &token.kind {
                Kind::Word(word) if word == "use" && !self.mark(at + 1, '<') => {
                    self.tree(at + 1, &[])
                }
                Kind::Word(word) if word == "mod" && self.mark(at + 2, '{') => {
                    let name = self.word(at + 1).unwrap_or_default().to_owned();
                    self.inline.push((self.depth, name));
                    at + 2
                }
                Kind::Word(_) | Kind::Separator => self.plain(at),
                Kind::Mark('{') => {
                    self.depth += 1;
                    at + 1
                }
                Kind::Mark('}') => {
                    self.depth = self.depth.saturating_sub(1);
                    self.inline.retain(|(depth, _)| *depth < self.depth);
                    at + 1
                }
                _ => at + 1,
            };
        }
    }

    fn word(&self, at: usize) -> Option<&str> {
        self.tokens.get(at)?.word()
    }

    fn mark(&self, at: usize, mark: char) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(mark))
    }

    fn separator(&self, at: usize) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind == Kind::Separator)
    }

    /// A path outside `use`; one of a single word says nothing.
    fn plain(&mut self, at: usize) -> usize {
        let (segments, end) = self.segments(at);
        if segments.len() > 1 {
            self.push(at, segments, false);
        }
        end.max(at + 1)
    }

    /// The words of a path from `at`, and the index behind them.
    fn segments(&self, mut at: usize) -> (Vec<String>, usize) {
        at += usize::from(self.separator(at));
        let mut segments = Vec::new();
        while let Some(word) = self.word(at) {
            segments.push(word.to_owned());
            at += 1;
            if self.separator(at) && self.word(at + 1).is_some() {
                at += 1;
            } else {
                break;
            }
        }
        (segments, at)
    }

    /// One tree of a `use`, with what stands before it; returns the index behind it.
    fn tree(&mut self, at: usize, before: &[String]) -> usize {
        let (own, mut end) = self.segments(at);
        let path: Vec<String> = before.iter().cloned().chain(own).collect();
        end += usize::from(self.separator(end));
        if self.mark(end, '{') {
            end += 1;
            while end < self.tokens.len() && !self.mark(end, '}') {
                end = self.tree(end, &path).max(end + 1);
                end += usize::from(self.mark(end, ','));
            }
            return end + 1;
        }
        let glob = self.mark(end, '*');
        let mut path = path;
        if glob {
            path.push("*".to_owned());
        } else if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        self.push(at, path, true);
        end += usize::from(glob);
        if self.word(end) == Some("as") {
            end += 2;
        }
        // Behind the `,` or `}` of the list, or the `;`: the caller's.
        end
    }

    fn push(&mut self, at: usize, segments: Vec<String>, import: bool) {
        let token = &self.tokens[at.min(self.tokens.len() - 1)];
        self.paths.push(Path {
            line: token.line,
            segments: self.absolute(segments),
            import,
            test: self.tests.iter().any(|region| region.tokens.contains(&at)),
        });
    }

    /// `self` and `super` replaced by what they stand for.
    fn absolute(&self, segments: Vec<String>) -> Vec<String> {
        let inline = self.inline.iter().map(|(_, name)| name.clone());
        let mut here: Vec<String> = self.module.iter().cloned().chain(inline).collect();
        let mut rest = segments.as_slice();
        match rest.first().map(String::as_str) {
            Some("self" | "super") => {}
            _ => return segments,
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "self" => {}
                "super" => drop(here.pop()),
                _ => break,
            }
            rest = others;
        }
        std::iter::once("crate".to_owned())
            .chain(here)
            .chain(rest.iter().cloned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> Vec<String> {
        File::read(path, text)
            .paths
            .iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn every_form_of_a_path_is_read() {
        for (file, text, expected) in [
            ("a.rs", "use crate::b::C;", vec!["crate::b::C"]),
            (
                "a.rs",
                "use crate::{b, c::{D, self}, e::*};",
                vec!["crate::b", "crate::c::D", "crate::c", "crate::e::*"],
            ),
            (
                "a.rs",
                "pub(crate) use crate::b::C as D;",
                vec!["crate::b::C"],
            ),
            (
                "a.rs",
                "use {crate::b, ::url::Url};",
                vec!["crate::b", "url::Url"],
            ),
            ("a.rs", "use super::b::C;", vec!["crate::b::C"]),
            ("a/b.rs", "use super::super::c::D;", vec!["crate::c::D"]),
            ("a/mod.rs", "use super::c;", vec!["crate::c"]),
            ("a/b.rs", "use self::c::D;", vec!["crate::a::b::c::D"]),
            (
                "a.rs",
                "mod t { use super::super::b; } use super::c;",
                vec!["crate::b", "crate::c"],
            ),
            (
                "a.rs",
                "fn f() { crate::b::g::<u8>(super::c::h()) }",
                vec!["crate::b::g", "crate::c::h"],
            ),
            (
                "a.rs",
                "#[derive(clap::Parser)] struct S;",
                vec!["clap::Parser"],
            ),
            ("a.rs", "use reqwest;", vec!["reqwest"]),
            ("a.rs", "fn f() -> impl Sized + use<'_> { url.x }", vec![]),
            (
                "a.rs",
                "macro_rules! m { () => { $crate::b::f() } }",
                vec!["crate::b::f"],
            ),
        ] {
            assert_eq!(paths(file, text), expected, "{file}: {text}");
        }
    }

    #[test]
    fn tests_are_known_and_not_counted() {
        let text = "use a::b;\n\n#[cfg(test)]\nmod tests {\n    use c::d;\n}\nuse e::f;\n";
        let file = File::read("x.rs", text);
        let in_tests: Vec<bool> = file.paths.iter().map(|path| path.test).collect();
        assert_eq!(in_tests, [false, true, false]);
        assert_eq!(file.lines_without_tests, 3);
        assert_eq!(File::read("x/tests.rs", text).lines_without_tests, 0);
        let not = "#[cfg(not(test))]\nuse a::b;\n";
        assert_eq!(File::read("x.rs", not).lines_without_tests, 2);
    }

    #[test]
    fn the_room_is_the_top_level_module() {
        for (path, room) in [
            ("oci/tag.rs", "oci"),
            ("retry.rs", "retry"),
            ("lib.rs", "lib"),
            ("main.rs", "main"),
        ] {
            assert_eq!(File::read(path, "").room(), room);
        }
    }
}
