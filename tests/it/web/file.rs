//! What the reader of the file says: every refusal with its place, in
//! `tests/golden/web-config.txt`.

use std::fmt::Write as _;

use oci_registry_exporter::server::Web;

use super::Folder;
use crate::{golden, lab::certificates::Authority};

const HASH: &str = "$2y$04$UVsawjuJwjI8yXqok0dr6.qFXzPdgEvqA7tIWZQdUCg8Wo8WcHEUK";

/// Each with a title; `TLS` stands for a certificate and its key.
const FILES: &[(&str, &str)] = &[
    ("nothing", ""),
    ("a comment", "# nothing\n"),
    ("no map", "nonsense"),
    ("no YAML", "basic_auth_users: {anna: [\n"),
    (
        "unknown keys",
        "tls_config: {}\nbasic_auth: {}\nsomething: 1\n",
    ),
    (
        "a key twice",
        "rate_limit: {interval: 0}\nrate_limit: {interval: 0}\n",
    ),
    (
        "sections without anything",
        "tls_server_config:\nhttp_server_config: {}\nbasic_auth_users:\nrate_limit: {}\n",
    ),
    (
        "a section that is a list",
        "tls_server_config: [cert_file]\nbasic_auth_users: [anna]\n",
    ),
    (
        "TLS without a certificate",
        "tls_server_config: {min_version: TLS12}\n",
    ),
    (
        "TLS without a key",
        "tls_server_config:\n  cert_file: server.pem\n",
    ),
    (
        "TLS with empty names",
        "tls_server_config: {cert_file: '', key_file: ''}\n",
    ),
    ("empty inline", "tls_server_config: {cert: '', key: ' '}\n"),
    (
        "files that are not there",
        "tls_server_config: {cert_file: none.pem, key_file: none.key, client_ca_file: none.ca}\n",
    ),
    (
        "a folder",
        "tls_server_config: {cert_file: ., key_file: server.key}\n",
    ),
    (
        "a key in place of its path",
        "tls_server_config:\n  cert_file: server.pem\n  key_file: \"-----BEGIN PRIVATE KEY-----canary\"\n",
    ),
    (
        "both forms",
        "tls_server_config: {cert: canary, cert_file: server.pem, key: canary, key_file: server.key}\n",
    ),
    ("no PEM", "tls_server_config: {cert: canary, key: canary}\n"),
    (
        "a certificate without its key",
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n",
    ),
    (
        "another key",
        "tls_server_config: {cert_file: server.pem, key_file: other.key}\n",
    ),
    (
        "a key for a certificate",
        "tls_server_config: {cert_file: server.key, key_file: server.key}\n",
    ),
    ("TLS", "TLS"),
    ("an unknown policy", "TLS  client_auth_type: Always\n"),
    (
        "verification without a CA",
        "TLS  client_auth_type: RequireAndVerifyClientCert\n",
    ),
    (
        "verification if given without a CA",
        "TLS  client_auth_type: VerifyClientCertIfGiven\n",
    ),
    (
        "a CA without verification",
        "TLS  client_ca_file: root.pem\n",
    ),
    (
        "a CA and no verification by name",
        "TLS  client_ca_file: root.pem\n  client_auth_type: RequestClientCert\n",
    ),
    (
        "a CA that is a key",
        "TLS  client_ca_file: server.key\n  client_auth_type: RequireAndVerifyClientCert\n",
    ),
    (
        "verification",
        "TLS  client_ca_file: root.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [a.test]\n",
    ),
    (
        "certificates of anybody",
        "TLS  client_auth_type: RequireAnyClientCert\n",
    ),
    (
        "names without verification",
        "TLS  client_allowed_sans: [a.test]\n",
    ),
    (
        "no names",
        "TLS  client_ca_file: root.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: []\n",
    ),
    (
        "old versions",
        "TLS  min_version: TLS10\n  max_version: TLS11\n",
    ),
    (
        "no versions",
        "TLS  min_version: TLS14\n  max_version: 1.3\n",
    ),
    (
        "versions the wrong way round",
        "TLS  min_version: TLS13\n  max_version: TLS12\n",
    ),
    (
        "unknown suites",
        "TLS  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_AES_128_GCM_SHA256]\n",
    ),
    (
        "suites of another version",
        "TLS  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
    ),
    (
        "unknown curves",
        "TLS  curve_preferences: [CurveP521, X25519]\n",
    ),
    (
        "empty lists",
        "TLS  cipher_suites: []\n  curve_preferences: []\n",
    ),
    (
        "a flag that is none",
        "TLS  prefer_server_cipher_suites: often\n",
    ),
    (
        "a mistyped key",
        "TLS  cert_fiel: x\n  client_auth: NoClientCert\n",
    ),
    (
        "headers that may not be set",
        "http_server_config:\n  http3: true\n  headers:\n    Server: x\n    x-frame-options: deny\n",
    ),
    (
        "values that headers do not have",
        "http_server_config:\n  http2: 'on'\n  headers:\n    X-Content-Type-Options: sniff\n    X-Frame-Options: DENY\n    X-XSS-Protection: \"1\\n2\"\n    Content-Security-Policy: é\n",
    ),
    (
        "headers",
        "http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n    X-XSS-Protection: 1\n    Content-Security-Policy: ''\n",
    ),
    (
        "no hashes",
        "basic_auth_users:\n  anna: canary\n  bea: $2y$03$UVsawjuJwjI8yXqok0dr6.qFXzPdgEvqA7tIWZQdUCg8Wo8WcHEUK\n  cora: $2y$+4$UVsawjuJwjI8yXqok0dr6.qFXzPdgEvqA7tIWZQdUCg8Wo8WcHEUK\n  dora: ''\n  emma:\n  fay: [canary]\n  gina: $2y$04$é\n",
    ),
    (
        "hashes of no end",
        "basic_auth_users:\n  anna: $2y$19$UVsawjuJwjI8yXqok0dr6.qFXzPdgEvqA7tIWZQdUCg8Wo8WcHEUK\n",
    ),
    ("a name with a colon", "basic_auth_users:\n  'a:b': HASH\n"),
    (
        "a user twice",
        "basic_auth_users:\n  anna: HASH\n  anna: HASH\n",
    ),
    ("users", "basic_auth_users:\n  anna: HASH\n  1: HASH\n"),
    ("a limit without a burst", "rate_limit: {interval: 1s}\n"),
    (
        "a limit of nothing",
        "rate_limit: {interval: 1s, burst: 0}\n",
    ),
    (
        "a burst that is none",
        "rate_limit: {interval: 1s, burst: -1}\n",
    ),
    (
        "a burst that is a text",
        "rate_limit: {interval: 1s, burst: many}\n",
    ),
    (
        "intervals without a unit",
        "rate_limit: {interval: 5, burst: 1}\n",
    ),
    (
        "an interval in days",
        "rate_limit: {interval: 1d, burst: 1}\n",
    ),
    (
        "an interval of no end",
        "rate_limit: {interval: 25h, burst: 1}\n",
    ),
    (
        "an interval that is negative",
        "rate_limit: {interval: -1s, burst: 1}\n",
    ),
    (
        "a limit that is off",
        "rate_limit: {interval: 0, burst: 0}\n",
    ),
    ("a limit", "rate_limit: {interval: 1m0.5s, burst: 10}\n"),
];

#[test]
fn every_refusal_says_where_and_what_to_do() {
    let authority = Authority::new("a CA");
    let pair = authority.server(&["server"]);
    let other = authority.client("other", crate::lab::certificates::GOOD);
    let folder = Folder::new("");
    let here = |name: &str, from: &std::path::Path| {
        std::fs::copy(from, folder.0.path().join(name)).unwrap();
    };
    here("server.pem", &pair.cert);
    here("server.key", &pair.key);
    here("other.key", &other.key);
    here("root.pem", &authority.root());
    let mut text = String::new();
    for (title, file) in FILES {
        let tls = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";
        let file = file.replace("TLS  ", &format!("{tls}  "));
        let file = if file == "TLS" { tls.to_owned() } else { file };
        let file = file.replace("HASH", HASH);
        folder.write(&file);
        let said = match Web::load(&folder.file()) {
            Ok(web) if web.warnings().is_empty() => "good".to_owned(),
            Ok(web) => format!("good, but {}", web.warnings().join("\n          ")),
            Err(errors) => errors.to_string(),
        };
        let place = folder.0.path().display().to_string() + "/";
        writeln!(text, "# {title}\n{}\n", said.replace(&place, "")).unwrap();
    }
    assert!(
        !text.contains("canary") && !text.contains("UVsawjuJ"),
        "{text}"
    );
    golden::compare("web-config.txt", &text);
}

#[test]
fn a_pipe_is_refused_and_never_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("web.yml");
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    let error = Web::load(&file).unwrap_err().to_string();
    assert!(error.contains("it is no regular file"), "{error}");
    let named = folder.path().join("named.yml");
    let text = "tls_server_config: {cert_file: web.yml, key_file: web.yml}\n";
    std::fs::write(&named, text).unwrap();
    let error = Web::load(&named).unwrap_err().to_string();
    assert!(error.contains("it is no regular file"), "{error}");
}
