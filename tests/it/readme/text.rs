//! The README as text: its blocks, links and words.

use std::{fs, path::Path};

/// The README of this checkout.
pub(crate) struct Readme {
    text: String,
}

/// A file of this checkout.
pub(super) fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// That a test exists: `module::name`, in `tests/it/module.rs` or a file below.
pub(super) fn has_test(test: &str) {
    let (module, name) = test.rsplit_once("::").expect("a module and a name");
    let source = file(&format!("tests/it/{}.rs", module.replace("::", "/")));
    assert!(source.contains(&format!("fn {name}(")), "{test}");
}

impl Readme {
    pub(crate) fn read() -> Self {
        Self {
            text: file("README.md"),
        }
    }

    /// What stands in the fenced blocks of a language.
    pub(super) fn blocks(&self, language: &str) -> impl Iterator<Item = &str> {
        self.fenced()
            .filter(move |(first, _)| *first == language)
            .map(|(_, block)| block)
    }

    /// The configurations of this program.
    pub(super) fn configurations(&self) -> impl Iterator<Item = &str> {
        self.blocks("yaml")
            .filter(|block| !is_of_prometheus(block) && !is_of_helm(block))
    }

    /// The values of the Helm chart.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.blocks("yaml").filter(|block| is_of_helm(block))
    }

    /// The configurations of Prometheus.
    pub(super) fn scrape_configurations(&self) -> impl Iterator<Item = &str> {
        self.blocks("yaml").filter(|block| is_of_prometheus(block))
    }

    /// Where its links lead.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        self.text
            .split("](")
            .skip(1)
            .filter_map(|rest| Some(rest.split_once(')')?.0))
    }

    /// The words that begin like this, wherever they stand: letters, digits, `_`, `-`
    /// and dots inside.
    pub(super) fn words<'a>(&'a self, begin: &'a str) -> impl Iterator<Item = &'a str> {
        let inside = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
        self.text
            .split(move |char| !inside(char))
            .map(|word| word.trim_end_matches('.'))
            .filter(move |word| word.len() > begin.len() && word.starts_with(begin))
            // A comment's end and a table's rule are no flags.
            .filter(|word| word.chars().any(|char| char.is_ascii_alphanumeric()))
    }

    /// Compares what stands between two comments with this, or writes it anew where
    /// that is asked (`UPDATE_GOLDEN=1`, as for the files of `golden.rs`).
    pub(super) fn hold_between(&self, begin: &str, end: &str, wanted: &str) {
        let (before, rest) = self.text.split_once(begin).expect("the first comment");
        let (comment, rest) = rest.split_once("-->\n").expect("its end");
        let (now, after) = rest.split_once(end).expect("the second comment");
        if now == wanted {
            return;
        }
        if crate::golden::update() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
            let text = format!("{before}{begin}{comment}-->\n{wanted}{end}{after}");
            fs::write(path, text).expect("the README can be written");
            return;
        }
        let different = wanted.lines().find(|line| !now.contains(*line));
        panic!(
            "what stands between `{begin}` and `{end}` is old; UPDATE_GOLDEN=1 writes it anew: {}",
            different.unwrap_or("lines too many, or in another order")
        );
    }

    /// Language and text of every fenced block.
    pub(super) fn fenced(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut parts = self.text.split("```");
        parts.next();
        std::iter::from_fn(move || {
            let block = parts.next()?;
            parts.next().expect("every block has an end");
            block.split_once('\n')
        })
    }
}

fn is_of_prometheus(block: &str) -> bool {
    block.starts_with("scrape_configs:")
}

fn is_of_helm(block: &str) -> bool {
    block.starts_with("# my-values.yaml")
}
