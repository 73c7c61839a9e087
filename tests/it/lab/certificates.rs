//! A certificate authority of the lab, and what it signs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType, date_time_ymd,
};
use tempfile::TempDir;

use super::process::{self, Program};

/// A root, and the files that name it and what it signed.
#[derive(Debug)]
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// A certificate and its key, as files.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// What `openssl req -x509` needs.
pub(crate) const OPENSSL: Program = Program {
    name: "openssl",
    brought_by: "Debian package openssl",
};

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2045, 1, 31);
        let key = KeyPair::generate().expect("a fresh key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a root");
        let dir = TempDir::with_prefix("oci-registry-exporter-lab-").expect("a directory");
        let authority = Self { issuer, dir };
        authority.file("root.pem", &authority.issuer.pem());
        authority
    }

    /// Where its files are.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The file of its root.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir().join("root.pem")
    }

    /// A server's certificate for these names, valid until [`GOOD`].
    pub(crate) fn server(&self, names: &[&str]) -> Pair {
        self.valid("server", names, (2020, 1, 1), GOOD)
    }

    /// A server's certificate that was valid until [`PAST`].
    pub(crate) fn expired(&self, names: &[&str]) -> Pair {
        self.valid("expired", names, (2020, 1, 1), PAST)
    }

    /// A server's certificate that is valid from [`EARLY`] on.
    pub(crate) fn early(&self, names: &[&str]) -> Pair {
        self.valid("early", names, EARLY, GOOD)
    }

    /// A client's certificate that is valid until this day.
    pub(crate) fn client(&self, name: &str, until: Day) -> Pair {
        let mut params = CertificateParams::new([]).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, params, (2020, 1, 1), until)
    }

    /// A client's certificate with these alternative names.
    pub(crate) fn client_of(&self, name: &str, names: Vec<SanType>) -> Pair {
        let mut params = CertificateParams::new([]).expect("no names");
        params.subject_alt_names = names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(name, params, (2020, 1, 1), GOOD)
    }

    fn valid(&self, kind: &str, names: &[&str], from: Day, until: Day) -> Pair {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let file = format!("{kind}-{}", names.first().map_or("nobody", |name| name));
        let mut params = CertificateParams::new(names).expect("names");
        params
            .distinguished_name
            .push(DnType::CommonName, "registry.test");
        self.sign(&file, params, from, until)
    }

    fn sign(&self, file: &str, mut params: CertificateParams, from: Day, until: Day) -> Pair {
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        let key = KeyPair::generate().expect("a fresh key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        Pair {
            // With what is above it, as servers send it.
            cert: self.file(
                &format!("{file}.pem"),
                &(certificate.pem() + &self.issuer.pem()),
            ),
            key: self.file(&format!("{file}.key"), &key.serialize_pem()),
        }
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir().join(name);
        fs::write(&path, content).expect("a file in the own directory");
        path
    }
}

/// What `openssl req -x509` makes for this name, as people do it: self-signed, and a CA
/// by its own words. `None`: there is no openssl, and it was said so.
pub(crate) fn home_made(dir: &Path, name: &str) -> Option<Pair> {
    let program = process::find(OPENSSL)?;
    let pair = Pair {
        cert: dir.join("home-made.pem"),
        key: dir.join("home-made.key"),
    };
    let output = Command::new(program)
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
        ])
        .args(["-subj", &format!("/CN={name}")])
        .args(["-addext", &format!("subjectAltName=DNS:{name}")])
        .arg("-keyout")
        .arg(&pair.key)
        .arg("-out")
        .arg(&pair.cert)
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl: {said}");
    Some(pair)
}

/// Year, month, day.
type Day = (i32, u8, u8);

/// Until when good certificates are valid.
pub(crate) const GOOD: Day = (2036, 1, 31);
/// Until when expired ones were.
pub(crate) const PAST: Day = (2021, 2, 3);
/// From when those that are not valid yet are.
pub(crate) const EARLY: Day = (2035, 4, 5);
