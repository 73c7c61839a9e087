//! The fuzz targets on a stable compiler: every input of the corpus, inputs made of it by
//! seeded changes, and long ones. The same inputs every time; `tests/fuzz/` looks for new
//! ones, and what it finds is added to the corpus.

mod mutator;
mod targets;

use std::{fs, panic, path::PathBuf};

use mutator::Mutator;
use targets::{TARGETS, Target};

/// One test a target, so that they run side by side.
macro_rules! replays {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

replays! {
    answers
    challenge
    config
    digest
    docker_config
    document
    error_body
    headers
    host
    index_body
    link
    location
    page_query
    pem
    probe_query
    reference
    report
    retry_after
    token_body
    web_config
}

/// Each target has its fuzzer, and each fuzzer its target.
#[test]
fn every_target_is_fuzzed() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let fuzzers: Vec<&str> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|bin| bin.split("name = \"").nth(1)?.split('"').next())
        .collect();
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(fuzzers, names);
}

/// The test finds what it is there to find.
#[test]
fn an_input_that_breaks_a_property_is_named() {
    fn fails(input: &[u8]) {
        assert!(!input.contains(&b'\n'), "a line ends");
    }
    let target = Target {
        name: "link",
        run: fails,
        words: &["\n"],
        mutations: 100,
        long: 0,
    };
    let found = panic::catch_unwind(|| run_all(&target, &[b"</next>; rel=\"next\"".to_vec()]));
    let why = found.expect_err("a line end is put in somewhere");
    let why = why.downcast_ref::<String>().expect("words");
    assert!(why.contains("link") && why.contains("\\n"), "{why}");
}

#[test]
fn changes_are_the_same_every_time() {
    let corpus = [b"Bearer realm=\"x\"".to_vec(), b"Basic".to_vec()];
    let inputs = || {
        let mut mutator = Mutator::new("challenge", &corpus, &["Bearer "]);
        (0..200).map(|_| mutator.input()).collect::<Vec<_>>()
    };
    let one = inputs();
    assert_eq!(one, inputs());
    let distinct: std::collections::BTreeSet<_> = one.iter().collect();
    assert!(distinct.len() > 150, "{}", distinct.len());
}

fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.expect("it stands in the list");
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "no corpus of {name}");
    run_all(target, &corpus);
}

fn run_all(target: &Target, corpus: &[Vec<u8>]) {
    for input in corpus {
        run(target, input);
    }
    let mut mutator = Mutator::new(target.name, corpus, target.words);
    for _ in 0..target.mutations {
        run(target, &mutator.input());
    }
    // What grows with the square of its input takes minutes here.
    for input in mutator.long(target.long) {
        run(target, &input);
    }
}

fn run(target: &Target, input: &[u8]) {
    if let Err(why) = panic::catch_unwind(|| (target.run)(input)) {
        let why = why
            .downcast_ref::<String>()
            .map_or("a panic", String::as_str);
        let shown = &input[..input.len().min(4096)];
        panic!(
            "{} breaks at b\"{}\": {why}",
            target.name,
            shown.escape_ascii()
        );
    }
}

/// The inputs of a target, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let entries = fs::read_dir(folder.join(name)).expect("a corpus");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let read = |file: &PathBuf| fs::read(file).expect("a file");
    files.iter().map(read).collect()
}
