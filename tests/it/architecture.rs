//! The floor plan holds: rooms import downwards only, each outside package of the
//! card has one room, and the map in `src/lib.rs` says the same as the table here.
//!
//! A failure names file and line. There are no exemptions; the way out is to move
//! the code, or the room.

mod source;
mod tokens;

use std::{collections::BTreeMap, collections::BTreeSet, fs, path::Path};

use source::File;

/// The rooms of every floor, the lowest first. A room imports only rooms on floors
/// below its own; rooms of one floor know nothing of each other.
const FLOORS: &[&[&str]] = &[
    &["secret", "reach", "words"],
    &["exchange"],
    &["oci"],
    &["outcome"],
    &["file"],
    &[
        "transport",
        "retry",
        "auth",
        "credentials",
        "matrix",
        "store",
        "scheduler",
    ],
    &["config"],
    &["client", "discovery"],
    &["checks"],
    &["exposition", "report", "probe"],
    &["page"],
    &["server"],
    &["cli"],
    &["main"],
];

/// Rooms of the table that are still to be built. One that exists may not stand here.
const NOT_YET: &[&str] = &[];

/// The rooms up to here are pure: no async, no runtime, no file, no process.
const PURE_UP_TO: &str = "outcome";

/// Rooms further up that are pure too.
const ALSO_PURE: &[&str] = &["matrix", "page"];

/// Outside packages, as code names them, and the one room that may; a package with
/// two rows has two rooms.
/// (serde, tokio and tracing are everybody's; tests may use what they need.)
const PACKAGES: &[(&str, &str)] = &[
    ("backoff", "retry"),
    ("bcrypt", "config"),
    ("bcrypt", "server"),
    ("clap", "cli"),
    ("clap_complete", "cli"),
    ("clap_mangen", "cli"),
    ("humantime", "config"),
    ("glob", "config"),
    ("glob", "discovery"),
    ("hyper", "server"),
    ("hyper_util", "server"),
    ("listenfd", "cli"),
    ("maud", "page"),
    ("prometheus_client", "exposition"),
    ("psl", "auth"),
    ("quick_xml", "report"),
    ("reqwest", "transport"),
    ("rustls", "server"),
    ("rustls", "transport"),
    ("sd_notify", "cli"),
    ("serde_yaml", "config"),
    ("strsim", "config"),
    ("terminal_size", "cli"),
    ("tokio_rustls", "server"),
];

/// Lines of a file without its tests, at most.
const FILE_LINES: usize = 300;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn a_room_imports_only_rooms_on_floors_below() {
    assert_none(&upward_imports(&sources()));
}

#[test]
fn no_rooms_import_each_other_in_a_circle() {
    assert_eq!(circle(&edges(&sources())), None);
}

#[test]
fn an_outside_package_is_used_in_its_room_only() {
    assert_none(&strays(&sources()));
}

#[test]
fn every_outside_package_of_the_table_is_a_dependency() {
    let manifest = read(&root().join("Cargo.toml"));
    for (package, _) in PACKAGES {
        let name = package.replace('_', "-");
        let named = |line: &str| {
            line.split_once('=')
                .is_some_and(|(key, _)| [*package, name.as_str()].contains(&key.trim()))
        };
        assert!(manifest.lines().any(named), "no dependency {package}");
    }
}

#[test]
fn every_room_has_its_row_and_every_row_its_room() {
    let table: BTreeSet<&str> = FLOORS
        .iter()
        .flat_map(|rooms| rooms.iter().copied())
        .collect();
    let files = sources();
    let rooms: BTreeSet<&str> = files
        .iter()
        .map(File::room)
        .filter(|room| *room != "lib")
        .collect();
    let not_yet: BTreeSet<&str> = NOT_YET.iter().copied().collect();
    let rowless: Vec<_> = rooms.difference(&table).collect();
    assert!(
        rowless.is_empty(),
        "rooms without a row in FLOORS: {rowless:?}"
    );
    let built: Vec<_> = rooms.intersection(&not_yet).collect();
    assert!(built.is_empty(), "built, so no longer NOT_YET: {built:?}");
    let roomless: Vec<_> = table
        .iter()
        .filter(|room| !rooms.contains(*room) && !not_yet.contains(*room))
        .collect();
    assert!(
        roomless.is_empty(),
        "rows in FLOORS without a room: {roomless:?}"
    );
    let unknown: Vec<_> = not_yet.difference(&table).collect();
    assert!(
        unknown.is_empty(),
        "NOT_YET without a row in FLOORS: {unknown:?}"
    );
}

#[test]
fn the_map_in_lib_rs_is_the_table() {
    let map = floor_map(&read(&root().join("src/lib.rs")));
    let table: BTreeMap<usize, BTreeSet<String>> = FLOORS
        .iter()
        .enumerate()
        .map(|(floor, rooms)| (floor, rooms.iter().map(ToString::to_string).collect()))
        .collect();
    assert_eq!(
        map, table,
        "the first ```text block of src/lib.rs against FLOORS"
    );
}

#[test]
fn the_lower_floors_are_pure() {
    assert_none(&impurities(&sources()));
}

#[test]
fn no_file_is_too_long() {
    let files = sources();
    let long: Vec<String> = files
        .iter()
        .filter(|file| file.lines_without_tests > FILE_LINES)
        .filter(|file| LONGER.iter().all(|(path, _)| *path != file.path))
        .map(|file| {
            format!(
                "src/{}: {} lines without its tests",
                file.path, file.lines_without_tests
            )
        })
        .collect();
    assert_none(&long);
    for (path, reason) in LONGER {
        let file = files.iter().find(|file| file.path == *path);
        assert!(
            file.is_some_and(|file| file.lines_without_tests > FILE_LINES),
            "{path} no longer needs its place in LONGER ({reason})"
        );
    }
}

/// Imports of a room on the same floor or above, and paths that no table can judge.
fn upward_imports(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for (file, line, to) in imports(files) {
        let place = format!("src/{}:{line}", file.path);
        match (floor(file.room()), floor(to)) {
            (Some(own), Some(other)) if other < own => {}
            (Some(own), Some(other)) => found.push(format!(
                "{place}: {} (floor {own}) imports {to} (floor {other})",
                file.room()
            )),
            (None, _) => found.push(format!("{place}: {} has no floor", file.room())),
            (_, None) => found.push(format!("{place}: `crate::{to}` is not the path of a room")),
        }
    }
    found
}

/// Which room imports which.
fn edges(files: &[File]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut edges = BTreeMap::<_, BTreeSet<_>>::new();
    for (file, _, to) in imports(files) {
        edges.entry(file.room()).or_default().insert(to);
    }
    edges
}

/// Every path from one room to another: file, line, and the room it leads to
/// (the first name behind `crate::`; `*` or nothing is the whole crate).
fn imports(files: &[File]) -> impl Iterator<Item = (&File, usize, &str)> {
    files
        .iter()
        .filter(|file| file.room() != "lib")
        .flat_map(|file| file.paths.iter().map(move |path| (file, path)))
        .filter_map(|(file, path)| {
            let first = path.segments.first()?;
            let own = ["crate", "oci_registry_exporter"].contains(&first.as_str());
            let to = path.segments.get(1).map_or("", String::as_str);
            (own && (path.import || !to.is_empty()) && to != file.room())
                .then_some((file, path.line, to))
        })
}

/// A way from a room back to itself.
fn circle(edges: &BTreeMap<&str, BTreeSet<&str>>) -> Option<String> {
    fn walk<'a>(
        edges: &BTreeMap<&'a str, BTreeSet<&'a str>>,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<String> {
        let room = *way.last()?;
        for next in edges.get(room).into_iter().flatten() {
            if let Some(start) = way.iter().position(|seen| seen == next) {
                return Some([&way[start..], &[*next]].concat().join(" -> "));
            }
            if done.contains(next) {
                continue;
            }
            way.push(next);
            let found = walk(edges, way, done);
            way.pop();
            if found.is_some() {
                return found;
            }
        }
        done.insert(room);
        None
    }
    let mut done = BTreeSet::new();
    edges
        .keys()
        .find_map(|room| walk(edges, &mut vec![room], &mut done))
}

/// Outside packages used outside their room; tests excepted.
fn strays(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for path in file.paths.iter().filter(|path| !path.test) {
            let Some(first) = path.segments.first() else {
                continue;
            };
            let rooms: Vec<_> = PACKAGES
                .iter()
                .filter(|(package, _)| package == first)
                .map(|(_, room)| *room)
                .collect();
            if !rooms.is_empty() && !rooms.contains(&file.room()) {
                found.push(format!(
                    "src/{}:{}: {first} belongs to {}",
                    file.path,
                    path.line,
                    rooms.join(" and ")
                ));
            }
        }
    }
    found
}

/// What the pure rooms may not do.
fn impurities(files: &[File]) -> Vec<String> {
    const WORDS: &[&str] = &["async", "await"];
    const PATHS: &[&[&str]] = &[
        &["tokio"],
        &["std", "env"],
        &["std", "fs"],
        &["std", "process"],
        &["std", "thread"],
    ];
    let ceiling = floor(PURE_UP_TO);
    let mut found = Vec::new();
    for file in files
        .iter()
        .filter(|file| floor(file.room()) <= ceiling || ALSO_PURE.contains(&file.room()))
        .filter(|file| file.room() != "lib")
    {
        for (line, word) in &file.words {
            if WORDS.contains(&word.as_str()) {
                found.push(format!("src/{}:{line}: `{word}` in a pure room", file.path));
            }
        }
        for path in file.paths.iter().filter(|path| !path.test) {
            let begins = |with: &&&[&str]| {
                path.segments
                    .iter()
                    .zip(**with)
                    .filter(|(a, b)| a == *b)
                    .count()
                    == with.len()
            };
            if let Some(with) = PATHS.iter().find(begins) {
                found.push(format!(
                    "src/{}:{}: `{}` in a pure room",
                    file.path,
                    path.line,
                    with.join("::")
                ));
            }
        }
    }
    found
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The floors of the first `text` block in the crate's documentation: a line is
/// `FLOOR ROOM what it is`, or `ROOM what it is` for one more room of that floor.
fn floor_map(lib: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut map = BTreeMap::<_, BTreeSet<_>>::new();
    let mut current = None;
    let block = lib
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .skip_while(|line| line.trim() != "```text")
        .skip(1)
        .take_while(|line| line.trim() != "```");
    for line in block {
        let mut words = line.split_whitespace().peekable();
        if let Some(number) = words.peek().and_then(|word| word.parse::<usize>().ok()) {
            current = Some(number);
            words.next();
        }
        // A sentence that goes on stands further in than any name of a room.
        let names = line.len() - line.trim_start().len() < 8;
        if let (Some(floor), Some(room), true) = (current, words.next(), names) {
            map.entry(floor).or_default().insert(room.to_owned());
        }
    }
    map
}

fn sources() -> Vec<File> {
    let source = root().join("src");
    let mut files = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of src/ is readable") {
            let path = entry.expect("an entry of src/ is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&source).expect("it stands below src/");
                let below = below.to_str().expect("its path is UTF-8");
                files.push(File::read(below, &read(&path)));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 10, "src/ was not found");
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The test finds what it is there to find.
mod itself {
    use super::*;

    fn files(texts: &[(&str, &str)]) -> Vec<File> {
        texts
            .iter()
            .map(|(path, text)| File::read(path, text))
            .collect()
    }

    #[test]
    fn an_upward_import_is_found_in_every_form() {
        for (path, text) in [
            ("retry.rs", "use crate::client::Client;"),
            ("retry.rs", "use crate::{secret::Secret, client};"),
            ("retry.rs", "use super::client::*;"),
            ("oci/tag.rs", "use super::super::client;"),
            ("retry.rs", "fn f() { crate::client::g() }"),
            (
                "retry.rs",
                "#[cfg(test)] mod tests { use crate::client::Client; }",
            ),
            // The same floor.
            ("retry.rs", "use crate::transport::TlsOptions;"),
            // What hides the room.
            ("retry.rs", "use crate::*;"),
            ("retry.rs", "use crate as all;"),
            ("retry.rs", "use crate::Client;"),
            // A room without a floor.
            ("utils.rs", "use crate::secret;"),
        ] {
            assert_eq!(upward_imports(&files(&[(path, text)])).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_downward_import_is_not_found() {
        for (path, text) in [
            ("client.rs", "use crate::{retry, secret::Secret};"),
            (
                "client.rs",
                "// use crate::cli;\nconst X: &str = \"crate::cli::run\";",
            ),
            ("client.rs", "pub(crate) fn f() {} pub(super) fn g() {}"),
            (
                "client/pause.rs",
                "use super::Client; use crate::client::memo;",
            ),
            ("main.rs", "use oci_registry_exporter::cli;"),
        ] {
            assert_none(&upward_imports(&files(&[(path, text)])));
        }
    }

    #[test]
    fn a_circle_is_found() {
        let round = files(&[
            ("a.rs", "use crate::b;"),
            ("b.rs", "use crate::c;"),
            ("c.rs", "use crate::b::X;"),
        ]);
        assert_eq!(circle(&edges(&round)).as_deref(), Some("b -> c -> b"));
        let straight = files(&[("a.rs", "use crate::{b, c};"), ("b.rs", "use crate::c;")]);
        assert_eq!(circle(&edges(&straight)), None);
    }

    #[test]
    fn a_stray_package_is_found() {
        for text in [
            "use reqwest::Client;",
            "use reqwest;",
            "type T = ::reqwest::Client;",
        ] {
            assert_eq!(strays(&files(&[("client.rs", text)])).len(), 1, "{text}");
            assert_none(&strays(&files(&[("transport/mod.rs", text)])));
            let test = format!("#[cfg(test)] mod tests {{ {text} }}");
            assert_none(&strays(&files(&[("client.rs", &test)])));
        }
    }

    #[test]
    fn an_impurity_is_found() {
        for text in [
            "async fn f() {}",
            "use tokio::time;",
            "use std::{fs, fmt};",
            "fn f() { std::env::args(); }",
        ] {
            assert_eq!(
                impurities(&files(&[("oci/tag.rs", text)])).len(),
                1,
                "{text}"
            );
            assert_none(&impurities(&files(&[("client.rs", text)])));
        }
        assert_none(&impurities(&files(&[("oci/tag.rs", "use std::fmt;")])));
    }

    #[test]
    fn the_map_is_read() {
        let lib = "//! Words.\n//!\n//! ```text\n//!  1 upper  does\n//!             more\n//!  0 one    is\n//!    two    is\n//! ```\n//! 2 not\n";
        let expected = [(1, vec!["upper"]), (0, vec!["one", "two"])];
        let expected =
            expected.map(|(floor, rooms)| (floor, rooms.iter().map(ToString::to_string).collect()));
        assert_eq!(floor_map(lib), BTreeMap::from(expected));
    }
}
