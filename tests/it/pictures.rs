//! The pictures of the README, and the script that makes them of the demo.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

#[test]
fn the_readme_shows_every_picture_and_each_is_light_and_dark() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let named: BTreeSet<_> = readme
        .split('"')
        .filter_map(|it| it.strip_prefix("docs/pictures/"))
        .map(str::to_owned)
        .collect();
    let stored = fs::read_dir(root().join("docs/pictures")).unwrap();
    let stored: BTreeSet<_> = stored
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(named, stored);
    let of = |theme: &str| -> BTreeSet<_> {
        let end = format!("-{theme}.webp");
        stored
            .iter()
            .filter_map(|it| it.strip_suffix(&end))
            .collect()
    };
    assert_eq!(of("light"), of("dark"));
    assert_eq!(2 * of("light").len(), stored.len());
    assert!(of("light").is_superset(&BTreeSet::from(["detail", "overview", "status"])));
}

/// As large as the script lets one be, and of the width that it draws.
#[test]
fn pictures_are_small_and_as_wide_as_the_page() {
    for entry in fs::read_dir(root().join("docs/pictures")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.display();
        assert!(bytes.len() <= 150 * 1024, "{name}: {} bytes", bytes.len());
        assert_eq!(
            (&bytes[..4], &bytes[8..12]),
            (&b"RIFF"[..], &b"WEBP"[..]),
            "{name}"
        );
        assert_eq!(width(&bytes), 1280, "{name}");
    }
}

#[test]
fn the_script_tells_how_it_is_used() {
    let help = script(&["--help"]);
    let said = String::from_utf8(help.stdout).unwrap();
    assert!(help.status.success(), "{said}");
    assert!(
        said.contains("  ./tests/pictures/run [--seconds N]\n"),
        "{said}"
    );
    for wrong in [&["--seconds", "soon"][..], &["--seconds"], &["--unknown"]] {
        let refused = script(wrong);
        assert!(!refused.status.success(), "{wrong:?}");
        assert!(!refused.stderr.is_empty(), "{wrong:?}");
    }
}

/// 14 bits behind the signature of a lossless picture, one less than it is wide.
fn width(webp: &[u8]) -> u32 {
    assert_eq!(&webp[12..16], b"VP8L");
    assert_eq!(webp[20], 0x2f);
    1 + (u32::from(webp[21]) | u32::from(webp[22] & 0x3f) << 8)
}

fn script(arguments: &[&str]) -> Output {
    Command::new(root().join("tests/pictures/run"))
        .args(arguments)
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
