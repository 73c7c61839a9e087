//! The list, and whether what it names is there.

use std::{fs, path::Path};

/// One promise, and what holds it.
pub(super) struct Promise {
    pub(super) id: String,
    pub(super) words: String,
    /// `file.rs::test`, `file.md#heading`, or a path.
    pub(super) holders: Vec<String>,
}

/// The list: `ID  what it promises`, and on indented lines below it what holds it.
pub(super) fn read() -> Vec<Promise> {
    let mut promises: Vec<Promise> = Vec::new();
    for line in file("tests/checklist.txt").expect("the list").lines() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let promise = promises.last_mut().expect("a promise stands before it");
            promise.holders.push(text.to_owned());
        } else {
            let (id, words) = text.split_once(' ').expect("ID and words");
            promises.push(Promise {
                id: id.to_owned(),
                words: words.trim().to_owned(),
                holders: Vec::new(),
            });
        }
    }
    promises
}

/// Why a holder is none; `None` where it is there.
pub(crate) fn missing(holder: &str) -> Option<String> {
    if let Some((path, test)) = holder.split_once("::") {
        let Some(text) = file(path) else {
            return Some(format!("no file {path}"));
        };
        return (!has_test(&text, test)).then(|| format!("no test `{test}` in {path}"));
    }
    if let Some((path, heading)) = holder.split_once('#') {
        let Some(text) = file(path) else {
            return Some(format!("no file {path}"));
        };
        let mut headings = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(anchor);
        return (!headings.any(|it| it == heading))
            .then(|| format!("no heading #{heading} in {path}"));
    }
    (!root().join(holder).exists()).then(|| format!("no path {holder}"))
}

fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let is_it = |line: &str| {
        ["fn ", "async fn "].iter().any(|begin| {
            let rest = line
                .strip_prefix(begin)
                .and_then(|rest| rest.strip_prefix(name));
            rest.is_some_and(|rest| rest.starts_with('('))
        })
    };
    lines.iter().enumerate().any(|(at, line)| {
        // Its attributes, which may go over several lines, begin behind what stands before it.
        let before = lines[..at].iter().rev();
        let mut attributes = before.take_while(|line| !line.is_empty() && **line != "}");
        let marked = ["#[test]", "#[tokio::test"];
        is_it(line) && attributes.any(|line| marked.iter().any(|it| line.starts_with(it)))
    })
}

/// As GitHub makes it of a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|char| char.is_alphanumeric() || [' ', '-', '_'].contains(char))
        .map(|char| if char == ' ' { '-' } else { char })
        .collect()
}

fn file(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
