//! What a release hands out, made by `examples/release/build`: whole, and the Debian package
//! installed in a clean root, started and removed there. `./tests/run package` makes it first.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::{
    cli::daemon::Daemon,
    lab::process::{self, Program},
};

#[test]
#[ignore = "of a release: ./tests/run package"]
fn every_file_is_there_and_is_the_one_of_its_checksum() {
    let dist = dist();
    let names: Vec<String> = files(&dist);
    let version = env!("CARGO_PKG_VERSION");
    for end in [
        "-linux-gnu.tar.gz".to_owned(),
        format!("-{version}-man-and-completions.tar.gz"),
        format!("-{version}.cdx.json"),
        format!("-chart-{version}.tgz"),
        ".deb".to_owned(),
    ] {
        let found = names.iter().filter(|name| name.ends_with(&end)).count();
        assert_eq!(found, 1, "*{end}: {names:?}");
    }
    let mut sums = Command::new("sha256sum");
    succeeds(
        sums.args(["--check", "--strict", "SHA256SUMS"])
            .current_dir(&dist),
    );
    let listed = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let listed: BTreeSet<&str> = listed
        .lines()
        .filter_map(|line| Some(line.split_once("  ")?.1))
        .collect();
    let all: BTreeSet<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|it| *it != "SHA256SUMS")
        .collect();
    assert_eq!(listed, all);
}

#[test]
#[ignore = "of a release: ./tests/run package"]
fn the_archives_hold_what_they_say_and_nobody_owns_it() {
    let whole = listing("-linux-gnu.tar.gz");
    for end in [
        "/oci-registry-exporter",
        "/LICENSE-APACHE",
        "/LICENSE-MIT",
        "/CHANGELOG.md",
        "/share/oci-registry-exporter.1",
        "/share/completions/_oci-registry-exporter",
        "/systemd/oci-registry-exporter.service",
        "/alerts/oci-registry.rules.yml",
        "/dashboards/oci-registry-detail.json",
    ] {
        assert!(
            whole.lines().any(|line| line.ends_with(end)),
            "{end}\n{whole}"
        );
    }
    let pages = listing("-man-and-completions.tar.gz");
    assert_eq!(
        pages.lines().filter(|line| !line.ends_with('/')).count(),
        4,
        "{pages}"
    );
    let chart = listing(&format!("-chart-{}.tgz", env!("CARGO_PKG_VERSION")));
    assert!(
        chart.contains(" oci-registry-exporter/Chart.yaml"),
        "{chart}"
    );
    assert!(!chart.contains("/ci/"), "{chart}");
    for line in [&whole, &pages, &chart].iter().flat_map(|it| it.lines()) {
        let mut words = line.split_whitespace();
        let (mode, owner) = (words.next().unwrap(), words.next().unwrap());
        assert_eq!(owner, "0/0", "{line}");
        assert!(!mode[5..].contains('w'), "{line}");
    }
}

#[test]
#[ignore = "of a release: ./tests/run package"]
fn the_bill_of_materials_names_what_is_in_the_binary() {
    let text = fs::read_to_string(one(".cdx.json")).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    assert_eq!(
        bill["metadata"]["component"]["name"],
        "oci-registry-exporter"
    );
    assert_eq!(
        bill["metadata"]["component"]["version"],
        env!("CARGO_PKG_VERSION")
    );
    let components = bill["components"].as_array().unwrap();
    let names: BTreeSet<&str> = components
        .iter()
        .filter_map(|it| it["name"].as_str())
        .collect();
    for used in ["tokio", "rustls", "ring", "reqwest", "hyper"] {
        assert!(names.contains(used), "{used}: {names:?}");
    }
    for of_tests in ["registry-sim", "proptest", "insta"] {
        assert!(!names.contains(of_tests), "{of_tests}");
    }
    for component in components {
        assert!(component["licenses"].is_array(), "{component}");
        assert!(
            component["purl"]
                .as_str()
                .unwrap()
                .starts_with("pkg:cargo/"),
            "{component}"
        );
    }
    // No path of the machine that made it.
    let home = env!("CARGO_MANIFEST_DIR");
    assert!(!text.contains(home), "{home}");
}

/// What `dpkg-deb` shows of it, as a reviewer of Debian looks at a package.
#[test]
#[ignore = "of a release: ./tests/run package"]
fn the_package_is_in_debians_order() {
    let package = one(".deb");
    let control = read(Command::new("dpkg-deb").arg("--info").arg(&package));
    for line in [
        " Package: oci-registry-exporter",
        " Section: net",
        " Priority: optional",
    ] {
        assert!(control.lines().any(|it| it == line), "{line}\n{control}");
    }
    let depends = control
        .lines()
        .find(|line| line.starts_with(" Depends: "))
        .unwrap();
    for needed in ["ca-certificates", "libc6 (>= "] {
        assert!(depends.contains(needed), "{depends}");
    }
    let content = read(Command::new("dpkg-deb").arg("--contents").arg(&package));
    for line in content.lines() {
        assert!(
            line.contains(" root/root ") || line.contains(" 0/0 "),
            "{line}"
        );
        let path = line.rsplit(" ./").next().unwrap();
        assert!(path.starts_with("usr") || path.starts_with("etc"), "{line}");
        let mode = &line[..10];
        let program = path.starts_with("usr/bin/") && !path.ends_with('/');
        let wanted = match &mode[..1] {
            "d" => "drwxr-xr-x",
            _ if program => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!(mode, wanted, "{line}");
    }
    for path in [
        "usr/bin/oci-registry-exporter",
        "usr/lib/systemd/system/oci-registry-exporter.service",
        "usr/lib/systemd/system/oci-registry-exporter.socket",
        "usr/share/man/man1/oci-registry-exporter.1.gz",
        "usr/share/bash-completion/completions/oci-registry-exporter",
        "usr/share/doc/oci-registry-exporter/copyright",
        "usr/share/doc/oci-registry-exporter/changelog.Debian.gz",
        "etc/oci-registry-exporter/config.yml",
        "etc/default/oci-registry-exporter",
    ] {
        let there = content
            .lines()
            .any(|line| line.ends_with(&format!("./{path}")));
        assert!(there, "{path}\n{content}");
    }
}

/// What an administrator may change there is asked about, and not overwritten, by an upgrade.
#[test]
#[ignore = "of a release: ./tests/run package"]
fn all_of_etc_is_configuration() {
    let package = one(".deb");
    let content = read(Command::new("dpkg-deb").arg("--contents").arg(&package));
    let conffiles = read(
        Command::new("dpkg-deb")
            .arg("--info")
            .arg(&package)
            .arg("conffiles"),
    );
    let conffiles: BTreeSet<&str> = conffiles.lines().collect();
    let in_etc = content
        .lines()
        .filter_map(|line| line.split_once(" ./etc/"));
    let in_etc: Vec<String> = in_etc
        .filter(|(_, path)| !path.ends_with('/') && !path.is_empty())
        .map(|(_, path)| format!("/etc/{path}"))
        .collect();
    assert_eq!(conffiles, in_etc.iter().map(String::as_str).collect());
}

#[tokio::test]
#[ignore = "root, and minutes: ./tests/run package"]
async fn the_package_is_installed_runs_and_goes_without_a_trace() {
    let Some(root) = clean_root() else {
        return;
    };
    let root = root.path();
    let before = all_of(root);
    fs::copy(one(".deb"), root.join("package.deb")).unwrap();
    succeeds(&mut inside(root, &["dpkg", "--install", "/package.deb"]));
    // Every file as it was packed.
    let verified = read(&mut inside(
        root,
        &["dpkg", "--verify", "oci-registry-exporter"],
    ));
    assert_eq!(verified, "");
    let wants = "etc/systemd/system/multi-user.target.wants/oci-registry-exporter.service";
    assert!(root.join(wants).is_symlink(), "it is enabled");

    // Once more is an upgrade, which leaves alone what the administrator wrote.
    let configuration = root.join("etc/oci-registry-exporter/config.yml");
    let own = fs::read_to_string(&configuration).unwrap() + "# by hand\n";
    fs::write(&configuration, &own).unwrap();
    succeeds(&mut inside(root, &["dpkg", "--install", "/package.deb"]));
    assert_eq!(fs::read_to_string(&configuration).unwrap(), own);

    runs(root).await;

    succeeds(&mut inside(
        root,
        &["dpkg", "--remove", "oci-registry-exporter"],
    ));
    assert!(!root.join("usr/bin/oci-registry-exporter").exists());
    assert_eq!(fs::read_to_string(&configuration).unwrap(), own);
    succeeds(&mut inside(
        root,
        &["dpkg", "--purge", "oci-registry-exporter"],
    ));
    fs::remove_file(root.join("package.deb")).unwrap();
    let after = all_of(root);
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(before.difference(&after).collect::<Vec<_>>(), [""; 0]);
}

/// The command of the unit with the configuration of the package, on a free port, as a user
/// without any right.
async fn runs(root: &Path) {
    let unit =
        fs::read_to_string(root.join("usr/lib/systemd/system/oci-registry-exporter.service"));
    let unit = unit.unwrap();
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let mut command = tokio::process::Command::new("chroot");
    command
        .arg("--userspec=65534:65534")
        .arg(root)
        .args(start.split(' ').filter(|word| *word != "$ARGS"))
        .args(["--web.listen-address", "127.0.0.1:0"])
        .env_clear()
        .env("PATH", PATH)
        .kill_on_drop(true);
    let mut daemon = Daemon::spawn(command).await;
    let page = daemon.get("/metrics").await;
    let build = format!(
        "oci_registry_exporter_build_info{{version=\"{}\"",
        env!("CARGO_PKG_VERSION")
    );
    assert!(page.contains(&build), "{page}");
    assert!(daemon.get("/-/healthy").await.starts_with("HTTP/1.1 200 "));
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}

/// A root of the same Debian as here, for the binary needs its C library or a newer one.
/// Made once below target/ and copied for each test.
fn clean_root() -> Option<tempfile::TempDir> {
    let debootstrap = process::find(Program {
        name: "debootstrap",
        brought_by: "Debian package debootstrap",
    })?;
    let base = target().join("debian-root");
    if !base.join("usr/bin/dpkg").exists() || base.join("debootstrap").exists() {
        // What an interrupted run left.
        succeeds(Command::new("rm").arg("-rf").arg(&base));
        let release = fs::read_to_string("/etc/os-release").unwrap();
        let suite = release
            .lines()
            .find_map(|it| it.strip_prefix("VERSION_CODENAME="))
            .unwrap();
        let format = [
            "indextargets",
            "--format",
            "$(SITE)",
            "Origin: Debian",
            "Label: Debian",
        ];
        let mirrors = read(Command::new("apt-get").args(format));
        let mirror = mirrors.lines().next().expect("a mirror of Debian");
        succeeds(
            Command::new(debootstrap)
                .args(["--variant=minbase", "--include=ca-certificates", suite])
                .arg(&base)
                .arg(mirror),
        );
    }
    let root = tempfile::tempdir_in(target()).unwrap();
    succeeds(
        Command::new("cp")
            .args(["-a", "--"])
            .arg(base.join("."))
            .arg(root.path()),
    );
    Some(root)
}

fn inside(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("chroot");
    command
        .arg(root)
        .args(words)
        .env_clear()
        .env("PATH", PATH)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Every path below, but those of dpkg's own memory.
fn all_of(root: &Path) -> BTreeSet<String> {
    let mut find = Command::new("find");
    find.args([
        ".",
        "-path",
        "./var/lib/dpkg",
        "-prune",
        "-o",
        "-path",
        "./var/log",
        "-prune",
    ]);
    let list = read(find.args(["-o", "-print"]).current_dir(root));
    list.lines().map(str::to_owned).collect()
}

fn listing(end: &str) -> String {
    let mut tar = Command::new("tar");
    read(tar.args(["--numeric-owner", "-tvzf"]).arg(one(end)))
}

/// The one file of the release with this end.
fn one(end: &str) -> PathBuf {
    let dist = dist();
    let mut names = files(&dist);
    names.retain(|name| name.ends_with(end));
    let [name] = &names[..] else {
        panic!("one *{end} in {}: {names:?}", dist.display());
    };
    dist.join(name)
}

fn dist() -> PathBuf {
    let dist = target().join("dist");
    assert!(
        dist.is_dir(),
        "{} is missing: ./tests/run package",
        dist.display()
    );
    dist
}

/// Where cargo builds: this test stands in target/PROFILE/deps.
fn target() -> PathBuf {
    let test = env::current_exe().unwrap();
    test.ancestors().nth(3).unwrap().to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn read(command: &mut Command) -> String {
    String::from_utf8(succeeds(command).stdout).unwrap()
}

fn succeeds(command: &mut Command) -> Output {
    let ended = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ended.status.success(), "{command:?}: {ended:?}");
    ended
}

/// Debian's own; that of whoever runs the tests may lead elsewhere in the root.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
