//! What is fuzzed: plain functions over bytes, each with what must hold whatever comes in.
//!
//! The replay beside this and `tests/fuzz/` (libFuzzer) share them. A target reads its
//! input as what a registry, a scraper or an author of files may write, and panics where
//! a property is broken.

mod answers;
mod files;
mod requests;
mod words;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One target.
#[derive(Debug)]
pub(crate) struct Target {
    /// Its name: of its corpus and of its fuzzer.
    pub(crate) name: &'static str,
    /// Reads an input, and panics where a property is broken.
    pub(crate) run: fn(&[u8]),
    /// What means something to it, for whoever changes inputs.
    pub(crate) words: &'static [&'static str],
    /// How many changed inputs a replay runs.
    pub(crate) mutations: u32,
    /// How long its long inputs are (bytes).
    pub(crate) long: usize,
}

/// Every target, by name.
pub(crate) const TARGETS: [Target; 20] = [
    Target {
        name: "answers",
        run: answers::answers,
        words: answers::WORDS,
        mutations: 60,
        long: 0,
    },
    target("challenge", words::challenge, words::CHALLENGE),
    yaml("config", files::config),
    target(
        "digest",
        words::digest,
        &["sha256:", "sha512:", ":", "+", "/", ".."],
    ),
    target("docker_config", files::docker_config, files::DOCKER),
    yaml("document", files::document),
    target("error_body", words::error_body, words::JSON),
    target("headers", words::headers, words::HEADERS),
    target(
        "host",
        requests::host,
        &["[::1]", ":", "@", "%", "localhost", ":0"],
    ),
    target("index_body", words::index_body, words::JSON),
    target("link", words::link, words::ADDRESSES),
    target("location", words::location, words::ADDRESSES),
    Target {
        mutations: 1_000,
        ..target("page_query", requests::page_query, requests::QUERY)
    },
    target(
        "pem",
        files::pem,
        &["-----BEGIN CERTIFICATE-----", "-----END "],
    ),
    target("probe_query", requests::probe_query, requests::QUERY),
    target(
        "reference",
        words::reference,
        &["/", ":", "@sha256:", "..", "%2f", "?", "#"],
    ),
    target("report", files::report, words::JSON),
    target("retry_after", words::retry_after, words::RETRY_AFTER),
    target("token_body", words::token_body, words::JSON),
    yaml("web_config", files::web_config),
];

const fn target(name: &'static str, run: fn(&[u8]), words: &'static [&'static str]) -> Target {
    Target {
        name,
        run,
        words,
        mutations: 10_000,
        long: 64 * 1024,
    }
}

/// Every mistake of a file is said, so that a long one takes its time.
const fn yaml(name: &'static str, run: fn(&[u8])) -> Target {
    Target {
        mutations: 1_000,
        long: 8 * 1024,
        ..target(name, run, files::YAML)
    }
}

/// The same moment in every run: 2026-11-24T00:00:00Z.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

const NOW: u64 = 1_795_478_400;

/// A text that is shown to people holds nothing that moves a terminal or turns text around.
#[track_caller]
fn assert_shown_on_one_line(text: &str, longest: usize) {
    assert!(
        text.chars().count() <= longest,
        "{} characters: {text:.300}",
        text.chars().count()
    );
    assert_harmless(text);
    assert!(!text.contains('\n'), "{text:?}");
}

/// The same of a text of several lines.
#[track_caller]
fn assert_harmless(text: &str) {
    let moves = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    assert!(!text.contains(moves), "{text:?}");
}
