//! promtool and this reader take and refuse the same files, but for what is said
//! beside each that they differ on.

use std::{fs, path::Path, process::Command};

use oci_registry_exporter::server::Web;

use super::Folder;
use crate::lab::{
    certificates::{Authority, GOOD},
    process::{self, Program},
};

const PROMTOOL: Program = Program {
    name: "promtool",
    brought_by: "Debian package prometheus",
};

const HASH: &str = "$2y$10$.l.Lape6.gO2Q0V8vwgbROhCB3RrH8q33OEaV.1LqCEQ6i.TZJ8Dm";

/// What both make of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Both {
    Take,
    Refuse,
    /// Only promtool takes it, and why it is refused here.
    Stricter(&'static str),
}

use Both::{Refuse, Stricter, Take};

const FILES: &[(&str, Both)] = &[
    ("", Take),
    ("nonsense", Refuse),
    ("unknown: 1\n", Refuse),
    ("TLS", Take),
    ("tls_server_config: {cert_file: server.pem}\n", Refuse),
    ("tls_server_config: {key_file: server.key}\n", Refuse),
    (
        "tls_server_config: {cert_file: none.pem, key_file: server.key}\n",
        Refuse,
    ),
    (
        "tls_server_config: {cert_file: server.pem, key_file: none.key}\n",
        Refuse,
    ),
    (
        "tls_server_config: {cert_file: server.pem, key_file: other.key}\n",
        Refuse,
    ),
    (
        "tls_server_config: {cert_file: '', key_file: '', client_auth_type: x}\n",
        Refuse,
    ),
    (
        "tls_server_config: {min_version: TLS13}\n",
        Stricter("the port would speak plain HTTP"),
    ),
    ("tls_server_config: {}\n", Take),
    ("TLS  cert_filse: x\n", Refuse),
    ("TLS  client_auth_type: NoClientCert\n", Take),
    ("TLS  client_auth_type: RequestClientCert\n", Take),
    ("TLS  client_auth_type: RequireAnyClientCert\n", Take),
    ("TLS  client_auth_type: RequireClientCert\n", Take),
    ("TLS  client_auth_type: always\n", Refuse),
    (
        "TLS  client_auth_type: RequireAndVerifyClientCert\n",
        Stricter("every certificate of the system's CAs would be let in"),
    ),
    ("TLS  client_ca_file: root.pem\n", Refuse),
    ("TLS  client_ca_file: none.pem\n", Refuse),
    (
        "TLS  client_ca_file: root.pem\n  client_auth_type: RequireAndVerifyClientCert\n",
        Take,
    ),
    (
        "TLS  client_ca_file: root.pem\n  client_auth_type: VerifyClientCertIfGiven\n",
        Take,
    ),
    (
        "TLS  client_ca_file: root.pem\n  client_auth_type: RequestClientCert\n",
        Stricter("the CA would do nothing"),
    ),
    (
        "TLS  client_ca_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n",
        Stricter("nobody could get in"),
    ),
    ("TLS  min_version: TLS13\n  max_version: TLS13\n", Take),
    ("TLS  min_version: TLS12\n  max_version: TLS12\n", Take),
    (
        "TLS  min_version: TLS11\n",
        Stricter("it is not spoken here"),
    ),
    ("TLS  min_version: TLS111\n", Refuse),
    (
        "TLS  min_version: TLS13\n  max_version: TLS12\n",
        Stricter("no handshake could succeed"),
    ),
    (
        "TLS  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]\n",
        Take,
    ),
    (
        "TLS  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\n",
        Stricter("it is not spoken here"),
    ),
    (
        "TLS  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA2048]\n",
        Refuse,
    ),
    ("TLS  prefer_server_cipher_suites: false\n", Take),
    (
        "TLS  curve_preferences: [CurveP256, CurveP384, X25519]\n",
        Take,
    ),
    (
        "TLS  curve_preferences: [CurveP521]\n",
        Stricter("it is not spoken here"),
    ),
    ("TLS  curve_preferences: [CurveP257]\n", Refuse),
    ("http_server_config: {http2: false}\n", Take),
    (
        "http_server_config:\n  headers: {X-Frame-Options: deny, X-Content-Type-Options: nosniff, X-XSS-Protection: 1, Strict-Transport-Security: max-age=1, Content-Security-Policy: x}\n",
        Take,
    ),
    (
        "http_server_config: {headers: {X-Frame-Options: foo}}\n",
        Refuse,
    ),
    (
        "http_server_config: {headers: {X-Content-Type-Options: sniff}}\n",
        Refuse,
    ),
    (
        "http_server_config: {headers: {Content-Type: foo}}\n",
        Refuse,
    ),
    (
        "http_server_config: {headers: {x-frame-options: deny}}\n",
        Refuse,
    ),
    ("http_server_config: {http3: true}\n", Refuse),
    ("basic_auth_users: {anna: HASH}\n", Take),
    ("basic_auth_users: {anna: doe}\n", Refuse),
    ("basic_auth_users: {anna: HASH, anna: HASH}\n", Refuse),
    ("basic_auth_users: [anna]\n", Refuse),
    (
        "basic_auth_users: {'an:na': HASH}\n",
        Stricter("this user could never log in"),
    ),
];

#[test]
fn the_same_files_are_taken_and_refused() {
    let Some(promtool) = process::find(PROMTOOL) else {
        return;
    };
    let folder = place();
    let tls = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";
    for (file, both) in FILES {
        let text = match *file {
            "TLS" => tls.to_owned(),
            file => file
                .replace("TLS  ", &format!("{tls}  "))
                .replace("HASH", HASH),
        };
        folder.write(&text);
        let theirs = taken(&promtool, &folder.file());
        let ours = Web::load(&folder.file()).is_ok();
        let (expect_theirs, expect_ours) = match both {
            Take => (true, true),
            Refuse => (false, false),
            Stricter(_) => (true, false),
        };
        assert_eq!(
            (theirs, ours),
            (expect_theirs, expect_ours),
            "{text}: {both:?}"
        );
    }
}

#[test]
fn the_examples_are_taken_by_both() {
    let Some(promtool) = process::find(PROMTOOL) else {
        return;
    };
    for name in ["web-config.yml", "web-config-mtls.yml"] {
        let folder = place();
        let example = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(name);
        let text = fs::read_to_string(example).unwrap();
        folder.write(&text);
        assert!(taken(&promtool, &folder.file()), "{name}");
        let web = Web::load(&folder.file()).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(web.tls() && web.authenticates(), "{name}");
        assert_eq!(web.warnings(), &[] as &[String], "{name}");
        // What Debian's promtool does not know yet stands there as a comment.
        let full: Vec<_> = text
            .lines()
            .map(|line| line.strip_prefix("#- ").unwrap_or(line))
            .collect();
        folder.write(&(full.join("\n") + "\n"));
        let web = Web::load(&folder.file()).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(web.warnings(), &[] as &[String], "{name}");
        assert_ne!(
            full.join("\n"),
            text.trim_end(),
            "{name} has nothing behind `#- `"
        );
    }
}

/// A folder with the files that the table and the examples name.
fn place() -> Folder {
    let authority = Authority::new("a CA");
    let pair = authority.server(&["server"]);
    let other = authority.client("other", GOOD);
    let folder = Folder::new("");
    for (name, from) in [
        ("server.pem", &pair.cert),
        ("server.key", &pair.key),
        ("other.key", &other.key),
        ("root.pem", &authority.root()),
        ("tls.crt", &pair.cert),
        ("tls.key", &pair.key),
        ("ca.crt", &authority.root()),
    ] {
        fs::copy(from, folder.0.path().join(name)).unwrap();
    }
    folder
}

fn taken(promtool: &Path, file: &Path) -> bool {
    let output = Command::new(promtool)
        .args(["check", "web-config"])
        .arg(file)
        .output()
        .expect("promtool runs");
    output.status.success()
}
