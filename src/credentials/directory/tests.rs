use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, UNIX_EPOCH},
};

use super::*;
use crate::{
    credentials::Trouble,
    secret::{Credentials, Secret},
};

/// A directory for the files of one set.
struct Place(tempfile::TempDir);

impl Place {
    fn with(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            fs::write(place.0.path().join(name), content).unwrap();
        }
        place
    }

    fn directory(&self, hosts_known: bool) -> Directory {
        Directory {
            path: self.0.path().to_owned(),
            hosts_known,
        }
    }

    /// What it holds, or what is said, wherever the directory is.
    fn read(&self, hosts_known: bool) -> Result<Credentials, String> {
        let held = self.directory(hosts_known).read(&server(), now());
        match held {
            Ok(held) => match held.entry {
                Entry::Credentials(credentials) => Ok(credentials),
                Entry::Helper(name) => Err(format!("helper {name}")),
            },
            Err(error) => {
                // Both are a failure, and never anonymous access.
                let failure = matches!(error.trouble, Trouble::Unusable | Trouble::NoEntry);
                assert!(failure, "{error:?}");
                Err(self.said(&error.message))
            }
        }
    }

    fn said(&self, message: &str) -> String {
        message.replace(&self.0.path().display().to_string(), "DIR")
    }
}

fn url() -> Url {
    Url::parse("https://r.example.com").unwrap()
}

fn server() -> Server {
    Server::of(&url())
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

fn pair() -> Credentials {
    Credentials::Basic {
        username: "robot$x".to_owned(),
        password: Secret::new("hunter2"),
    }
}

const DOCKER_AUTHS: &str =
    r#"{"auths": {"r.example.com": {"username": "robot$x", "password": "hunter2"}}}"#;
const OTHER_AUTHS: &str =
    r#"{"auths": {"other.example.com": {"username": "robot$x", "password": "hunter2"}}}"#;

#[test]
fn every_kind_is_recognised_by_its_files() {
    let basic = [("username", "robot$x\n"), ("password", "hunter2\n")];
    for files in [
        &basic[..],
        &[basic[0], basic[1], ("hosts", "r.example.com\n")],
        &[
            basic[0],
            basic[1],
            ("hosts", "# ours\n\n*.example.com # all\n"),
        ],
        &[basic[0], basic[1], ("ca.crt", "x"), (".hidden", "x")],
        &[basic[0], basic[1], ("tls.crt", "x"), ("tls.key", "x")],
        &[(".dockerconfigjson", DOCKER_AUTHS)],
        &[(
            ".dockercfg",
            r#"{"r.example.com": {"username": "robot$x", "password": "hunter2"}}"#,
        )],
    ] {
        assert_eq!(Place::with(files).read(true), Ok(pair()), "{files:?}");
    }
    let token = Credentials::Bearer {
        token: Secret::new("abc"),
    };
    assert_eq!(Place::with(&[("token", "abc\n")]).read(true), Ok(token));
    let certificate = Place::with(&[("tls.crt", "x"), ("tls.key", "x")]);
    assert_eq!(certificate.read(true), Ok(Credentials::Anonymous));
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "a table, a row for every way to be wrong"
)]
fn what_is_no_set_is_never_anonymous() {
    for (files, said) in [
        (
            &[][..],
            "the credential directory `DIR` holds none of `.dockerconfigjson`, `.dockercfg`, `username` and `password`, `token`, `tls.crt` and `tls.key`",
        ),
        (
            &[("username", "robot")],
            "the credential directory `DIR` holds `username` without `password`",
        ),
        (
            &[("password", "hunter2")],
            "the credential directory `DIR` holds `password` without `username`",
        ),
        (
            &[("tls.crt", "x")],
            "the credential directory `DIR` holds `tls.crt` without `tls.key`",
        ),
        (
            &[("token", "abc"), ("tls.key", "x")],
            "the credential directory `DIR` holds `tls.key` without `tls.crt`",
        ),
        (
            &[("username", "a"), ("password", "b"), ("token", "c")],
            "the credential directory `DIR` holds `username` and `token`, which are two sets: keep one",
        ),
        (
            &[(".dockerconfigjson", "{}"), (".dockercfg", "{}")],
            "the credential directory `DIR` holds `.dockerconfigjson` and `.dockercfg`, which are two sets: keep one",
        ),
        (
            &[("username", ""), ("password", "hunter2")],
            "the file `DIR/username` is empty or blank",
        ),
        (
            &[("username", "a:b"), ("password", "hunter2")],
            "the file `DIR/username` holds a `:`, which cannot be sent",
        ),
        (
            &[("username", "a"), ("password", "hunter2\nhunter3")],
            "the file `DIR/password` holds a control character, such as a line break",
        ),
        (
            &[("token", "Bearer abc")],
            "the file `DIR/token` begins with `Bearer `: write the token alone",
        ),
        (
            &[(".dockerconfigjson", OTHER_AUTHS)],
            "the file `DIR/.dockerconfigjson` holds no credentials for `r.example.com`",
        ),
        (
            &[("token", "abc"), ("expires", "soon")],
            "the file `DIR/expires` holds neither a date nor a time: write `2027-03-01` or `2027-03-01T12:00:00Z`",
        ),
        (
            &[("token", "abc"), ("hosts", "other.example.com")],
            "the file `DIR/hosts` does not let the set go to `r.example.com`",
        ),
        (
            &[("token", "abc"), ("hosts", "# nobody yet\n")],
            "the file `DIR/hosts` does not let the set go to `r.example.com`",
        ),
        (
            &[("token", "abc"), ("hosts", "r.example.com\n*\n")],
            "line 2 of the file `DIR/hosts` is no host: a `*` in its last part would match hosts of anybody",
        ),
    ] {
        let found = Place::with(files).read(true);
        assert_eq!(found, Err(said.to_owned()), "{files:?}");
    }
}

#[test]
fn a_set_goes_nowhere_unless_somebody_says_where() {
    let silent = "the credential directory `DIR` does not say where the set may be sent: add a file `hosts`, one host a line";
    for files in [
        &[("token", "abc")][..],
        &[("username", "robot$x"), ("password", "hunter2")],
        &[("tls.crt", "x"), ("tls.key", "x")],
    ] {
        let place = Place::with(files);
        assert_eq!(place.read(false), Err(silent.to_owned()), "{files:?}");
        let certificate = place.directory(false).client_certificate(&url());
        assert_eq!(certificate, None, "{files:?}");
    }
    // The keys of `auths` are the hosts.
    let docker = Place::with(&[(".dockerconfigjson", DOCKER_AUTHS)]);
    assert_eq!(docker.read(false), Ok(pair()));
    let named = Place::with(&[("token", "abc"), ("hosts", "r.example.com")]);
    assert!(named.read(false).is_ok());
}

#[test]
fn a_client_certificate_is_shown_where_the_set_may_go() {
    let files = [
        ("tls.crt", "x"),
        ("tls.key", "x"),
        ("hosts", "r.example.com"),
    ];
    let place = Place::with(&files);
    let found = place.directory(false).client_certificate(&url());
    assert_eq!(
        found,
        Some(ClientCertificate {
            cert_file: place.0.path().join("tls.crt"),
            key_file: place.0.path().join("tls.key"),
        })
    );
    let other = Url::parse("https://other.example.com").unwrap();
    assert_eq!(place.directory(true).client_certificate(&other), None);
    assert!(place.directory(true).client_certificate(&url()).is_some());
    let without = Place::with(&[("token", "abc")]);
    assert_eq!(without.directory(true).client_certificate(&url()), None);
    // Half of one is named, so that the handshake says what is missing.
    let half = Place::with(&[("tls.key", "x")]);
    assert!(half.directory(true).client_certificate(&url()).is_some());
}

#[test]
fn the_end_is_read_from_its_file() {
    for (text, expected) in [
        ("2027-03-01\n", 1_803_859_200),
        ("2027-03-01T12:00:00+02:00", 1_803_895_200),
    ] {
        let place = Place::with(&[("token", "abc"), ("expires", text)]);
        let held = place.directory(true).read(&server(), now()).unwrap();
        assert_eq!(held.expires, Some(expected), "{text}");
    }
}

#[test]
fn a_path_that_is_no_directory_is_said() {
    let place = Place::with(&[("file", "x")]);
    for (name, said) in [
        (
            "absent",
            "the credential directory `DIR/absent` does not exist",
        ),
        (
            "file",
            "the credential directory `DIR/file` is not a directory",
        ),
    ] {
        let directory = Directory {
            path: place.0.path().join(name),
            hosts_known: true,
        };
        let error = directory.read(&server(), now()).unwrap_err();
        assert_eq!(place.said(&error.message), said);
        assert_eq!(directory.is_there(), name == "file");
    }
}

#[test]
fn what_is_unreadable_or_too_large_is_said_with_its_place() {
    let place = Place::with(&[("username", "robot"), ("token", "")]);
    fs::remove_file(place.0.path().join("token")).unwrap();
    symlink("nowhere", place.0.path().join("password")).unwrap();
    let found = place.read(true);
    assert_eq!(
        found,
        Err("the file `DIR/password` does not exist".to_owned())
    );

    let large = Place::with(&[("token", &"x".repeat(64 * 1024 + 1))]);
    let found = large.read(true);
    assert_eq!(
        found,
        Err("the file `DIR/token` is larger than 64 KiB".to_owned())
    );

    let odd = Place::with(&[]);
    fs::create_dir(odd.0.path().join("token")).unwrap();
    let found = odd.read(true);
    assert_eq!(
        found,
        Err("the file `DIR/token` is not a regular file".to_owned())
    );
}

/// How the kubelet writes a volume: the files are links through `..data`, which is
/// replaced as a whole.
#[test]
fn a_volume_of_kubernetes_is_read_anew_and_in_one_generation() {
    let place = Place::with(&[]);
    let root = place.0.path();
    let generation = |name: &str, password: &str| {
        fs::create_dir(root.join(name)).unwrap();
        fs::write(root.join(name).join("username"), "robot$x").unwrap();
        fs::write(root.join(name).join("password"), password).unwrap();
        symlink(name, root.join("..new")).unwrap();
        fs::rename(root.join("..new"), root.join("..data")).unwrap();
    };
    generation("..2026_11_24", "old");
    for name in ["username", "password"] {
        symlink(format!("..data/{name}"), root.join(name)).unwrap();
    }
    let password = |read: Result<Credentials, String>| match read {
        Ok(Credentials::Basic { password, .. }) => password.expose().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(password(place.read(true)), "old");
    generation("..2026_11_25", "new");
    fs::remove_dir_all(root.join("..2026_11_24")).unwrap();
    assert_eq!(password(place.read(true)), "new");
    // The Secret is deleted and the volume empty: an error, and not anonymous access.
    fs::remove_dir_all(root.join("..2026_11_25")).unwrap();
    assert!(place.read(true).is_err());
}

/// Several Secrets in one projected volume: each directory is a link through `..data`.
#[test]
fn a_directory_within_a_volume_is_read_anew() {
    let place = Place::with(&[]);
    let root = place.0.path();
    let generation = |name: &str, token: &str| {
        fs::create_dir_all(root.join(name).join("team-a")).unwrap();
        fs::write(root.join(name).join("team-a/token"), token).unwrap();
        symlink(name, root.join("..new")).unwrap();
        fs::rename(root.join("..new"), root.join("..data")).unwrap();
    };
    generation("..one", "old");
    symlink("..data/team-a", root.join("team-a")).unwrap();
    let directory = Directory {
        path: root.join("team-a"),
        hosts_known: true,
    };
    let token = || {
        let held = directory.read(&server(), now()).unwrap();
        match held.entry {
            Entry::Credentials(Credentials::Bearer { token }) => token.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(token(), "old");
    generation("..two", "new");
    fs::remove_dir_all(root.join("..one")).unwrap();
    assert_eq!(token(), "new");
}
