//! Configurations as files: each bad one with its exact message, each good one with what it comes to.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use oci_registry_exporter::config::{self, Config, Environment};

#[test]
fn every_bad_file_gives_its_exact_message() {
    let differing = differing("bad", |text, name| {
        match config::parse(
            text,
            name,
            Path::new("/etc/exporter"),
            &Environment::default(),
        ) {
            Ok(_) => "it was taken".to_owned(),
            Err(errors) => errors.to_string(),
        }
    });
    assert!(differing.is_empty(), "{differing}");
}

#[test]
fn every_good_file_comes_to_what_stands_beside_it() {
    let differing = differing("good", |text, name| {
        match config::parse(
            text,
            name,
            Path::new("/etc/exporter"),
            &Environment::default(),
        ) {
            Ok(config) => summary(&config),
            Err(errors) => errors.to_string(),
        }
    });
    assert!(differing.is_empty(), "{differing}");
}

/// Judges every `NAME.yml` of a folder; what differs from `NAME.txt` beside it.
fn differing(folder: &str, judge: impl Fn(&str, &str) -> String) -> String {
    let folder = data().join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    let mut differing = String::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        let found = judge(&text, name) + "\n";
        if Path::new("/tmp/w/bless").exists() {
            fs::write(path.with_extension("txt"), &found).unwrap();
        }
        if found != expected {
            let _ = write!(
                differing,
                "\n--- {name}: expected\n{expected}--- found\n{found}"
            );
        }
    }
    differing
}

/// What a reader of the file wants to know, a line for each registry and repository.
fn summary(config: &Config) -> String {
    let mut summary = String::new();
    for target in &config.registries {
        let _ = writeln!(summary, "{:?} {}", target.name, target.url);
        for repository in &target.repositories {
            let _ = writeln!(
                summary,
                "  {}:{} as {} push={:?} pull={} guessed={}",
                repository.name.as_str(),
                repository.tag.as_str(),
                repository.credential.name,
                repository.push,
                repository.pull,
                repository.guessed
            );
        }
    }
    for warning in &config.warnings {
        let _ = writeln!(summary, "warning: {warning}");
    }
    summary.trim_end().to_owned()
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/config")
}
