//! Golden files: what a test prints, compared with what stands in tests/golden.
//!
//! After a wanted change write them anew with `UPDATE_GOLDEN=1` and read the
//! difference before committing it.

use std::path::PathBuf;

/// Compares a text with its golden file, or writes it anew where that is asked.
pub(crate) fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if update() {
        std::fs::write(&path, text).expect("tests/golden can be written");
    }
    let golden = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; see tests/it/golden.rs", path.display()));
    if let Some(at) = golden
        .lines()
        .zip(text.lines())
        .position(|(left, right)| left != right)
    {
        let line = |text: &str| text.lines().nth(at).unwrap_or_default().to_owned();
        panic!(
            "{name}, line {}:\n golden: {}\n    now: {}",
            at + 1,
            line(&golden),
            line(text)
        );
    }
    assert_eq!(
        golden.lines().count(),
        text.lines().count(),
        "{name}: lines"
    );
    assert_eq!(golden, text, "{name}");
}

/// Whether what is held is to be written anew.
#[expect(
    clippy::disallowed_methods,
    reason = "the switch of the tests, not a setting of the program"
)]
pub(crate) fn update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}
