//! What people write: the configuration and what belongs to it. It is trusted, and may be
//! broken or half written all the same: then errors say where, and show no secret.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, OnceLock},
};

use oci_registry_exporter::{
    checks,
    config::{self, Config, ConfigErrors, Environment, Load, Main, Offer, show, show_to_anybody},
    credentials::{DockerEntry, SecretSource, Server, Source, docker_entry},
    report::{self, Audience, Options, Reading, Rules},
    secret::Credentials,
    transport::{pem_certificates, pem_key},
};
use url::Url;

use super::{assert_harmless, assert_shown_on_one_line, now};

/// The configuration file.
pub(super) fn config(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match config::parse(
        &text,
        "fuzz.yml",
        Path::new(NOWHERE),
        &Environment::default(),
    ) {
        Ok(config) => {
            assert_names_are_one(&config);
            assert_hidden(&text, &config);
            // What is shown is a configuration too: secrets aside it says the same.
            let shown = show(&config, false);
            assert_harmless(&shown);
            assert!(shown.len() <= 64 * 1024 + 200 * (text.len() + 1) * 32);
        }
        Err(errors) => assert_readable(&errors, &text),
    }
}

/// A registry, a check, a repository and a set are one series.
fn assert_names_are_one(config: &Config) {
    let mut seen = BTreeSet::new();
    for target in &config.registries {
        assert!(!target.name.is_empty() && target.url.host().is_some());
        assert!(matches!(target.url.scheme(), "http" | "https"));
        assert!(target.url.username().is_empty() && target.url.password().is_none());
        for (subject, _) in checks::questions(target) {
            assert!(seen.insert(subject.clone()), "{subject:?}");
        }
    }
}

/// A secret that stands once in a file, and where a secret stands, is not shown.
fn assert_hidden(text: &str, config: &Config) {
    let sets = config
        .registries
        .iter()
        .flat_map(|target| &target.repositories);
    for set in sets.map(|repository| &repository.credential) {
        let secret = match &set.source {
            Source::Basic {
                password: Some(SecretSource::Inline(secret)),
                ..
            }
            | Source::Token(SecretSource::Inline(secret)) => secret.expose(),
            _ => continue,
        };
        if secret.contains(CANARY) && text.matches(CANARY).count() == 1 {
            let shown = format!(
                "{config:?}{}{}",
                show(config, true),
                show_to_anybody(config)
            );
            assert!(!shown.contains(CANARY), "{text}\n{shown}");
        }
    }
}

/// Errors are bounded and harmless, name a place that is there, and show no secret that
/// stands where one may.
fn assert_readable(errors: &ConfigErrors, text: &str) {
    assert!(!errors.errors.is_empty() && errors.errors.len() <= 50);
    // YAML knows more ends of a line than one.
    let ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    let lines = text.matches(ends).count() + 1;
    for error in &errors.errors {
        assert!(!error.message.is_empty() && !error.hint.is_empty());
        if let Some((line, column)) = error.position {
            assert!((1..=lines + 1).contains(&line) && column >= 1, "{error}");
        }
    }
    let shown = errors.to_string();
    assert_harmless(&shown);
    assert!(shown.len() <= 64 * 1024, "{} bytes", shown.len());
    let secret = |line: &str| {
        let before = line.split(CANARY).next().unwrap_or_default().trim();
        ["password:", "token:", "- password:", "- token:"].contains(&before)
    };
    let quoted = text.contains(['|', '>', '"', '\'', '\u{2028}', '\u{2029}', '\u{85}', '\r']);
    let mut canaries = text.split('\n').filter(|line| line.contains(CANARY));
    if !quoted && canaries.all(secret) {
        assert!(!shown.contains(CANARY), "{text}\n{shown}");
    }
}

/// A document that adds to the configuration.
pub(super) fn document(input: &[u8]) {
    static MAIN: OnceLock<Main> = OnceLock::new();
    let main = MAIN.get_or_init(|| {
        let file = std::env::temp_dir().join(format!("fuzz-{}.yml", std::process::id()));
        std::fs::write(&file, MAIN_FILE).expect("a folder to write to");
        let load = Load {
            path: Some(file.clone()),
            default_paths: Vec::new(),
            environment: Environment::default(),
        };
        let main = Main::read(&load).expect("it is good");
        let _ = std::fs::remove_file(file);
        main
    });
    let own = main.config(&[]).expect("it is good");
    let offer = |bytes: &[u8]| Offer {
        files: 0,
        source: "team.yml".into(),
        now: Ok(bytes.into()),
        good: Some(Arc::from(
            &b"registries: [{url: https://last.example.com}]"[..],
        )),
    };
    // Nothing that stands in a document hurts the main file, or another document.
    let config = main
        .config(&[
            offer(b"registries: [{url: https://other.example.com}]"),
            offer(input),
        ])
        .expect("the main file is good");
    let there = |name: &str| config.registries.iter().any(|target| target.name == name);
    for target in &own.registries {
        assert!(there(&target.name), "{}", target.name);
    }
    assert!(there("other.example.com"));
    assert_eq!(config.documents.len(), 2);
    assert_names_are_one(&config);
    let document = &config.documents[1];
    if let Some(problems) = &document.problems {
        assert_readable(problems, &String::from_utf8_lossy(input));
    }
    for warning in &document.warnings {
        assert_harmless(warning);
    }
    // A document of other people brings no credentials of its own.
    for target in &config.registries {
        for repository in &target.repositories {
            let set = &repository.credential;
            let own_set = matches!(&set.source, Source::Basic { username: Some(name), .. } if name == "robot");
            assert!(own_set || set.source == Source::Anonymous, "{set:?}");
        }
    }
}

/// The file of the own port.
pub(super) fn web_config(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match config::parse_web(&text, "web.yml", Path::new(NOWHERE)) {
        Ok(web) => {
            assert!(web.tls.is_some() || web.users.is_empty() || !web.warnings.is_empty());
            for hash in web.users.keys() {
                assert!(!hash.is_empty());
            }
            let shown = format!("{web:?}");
            assert!(!shown.contains("$2y$") && !shown.contains("$2a$") && !shown.contains("$2b$"));
            for (_, value) in &web.headers {
                http::HeaderValue::from_str(value).expect("it can be sent");
            }
        }
        Err(errors) => {
            assert_readable(&errors, &text);
        }
    }
}

/// Docker's `config.json`.
pub(super) fn docker_config(input: &[u8]) {
    let now = now();
    for registry in [
        "https://registry.example.com",
        "https://registry-1.docker.io",
    ] {
        let server = Server::of(&Url::parse(registry).expect("an address"));
        match docker_entry(input, "the file", &server, now) {
            Ok(DockerEntry::Credentials(credentials)) => {
                let (Credentials::Basic {
                    password: secret, ..
                }
                | Credentials::Bearer { token: secret }
                | Credentials::Identity { token: secret, .. }) = &credentials
                else {
                    panic!("no entry is anonymous access");
                };
                assert!(!secret.is_empty());
                assert!(!secret.expose().contains(['\n', '\0']));
                let shown = format!("{credentials:?}");
                let user = credentials.username().unwrap_or_default();
                let secret = secret.expose();
                if secret.len() >= 10 && !user.contains(secret) && secret != "[redacted]" {
                    assert!(!shown.contains(secret), "{shown}");
                }
            }
            Ok(DockerEntry::Helper(name)) => {
                let name = format!("{name:?}");
                assert!(!name.contains('/') && !name.contains(".."), "{name}");
            }
            Err(error) => {
                // Keys of the file are named; they may be as long as it.
                assert_shown_on_one_line(&error.to_string(), 600 + input.len());
                let text = String::from_utf8_lossy(input);
                let hidden = text.matches(CANARY).count() == 1
                    && text.contains(&format!("\"auth\": \"{CANARY}"));
                assert!(!hidden || !error.to_string().contains(CANARY), "{error}");
            }
        }
    }
}

/// Certificates and keys.
pub(super) fn pem(input: &[u8]) {
    match pem_certificates(input) {
        Ok(found) => assert!(!found.is_empty()),
        Err(error) => assert_shown_on_one_line(&error, 300),
    }
    if let Err(error) = pem_key(input) {
        assert_shown_on_one_line(&error, 300);
    }
}

/// A document of reports that an earlier run wrote (`check --from`, `--compare`): what is
/// read is written again, and read the same.
pub(super) fn report(input: &[u8]) {
    match report::read(input) {
        Ok(reading) => {
            let json = |reading: &Reading| {
                report::json(
                    &reading.registries,
                    reading.generated_at,
                    Audience::Operator,
                )
                .expect("it can be written")
            };
            let written = json(&reading);
            let again = report::read(written.as_bytes()).expect("what was written can be read");
            assert_eq!(written, json(&again));
            let registries = &reading.registries;
            let options = Options {
                verbose: true,
                remediation: true,
                ..Options::default()
            };
            let junit = report::junit(registries, &Rules::default(), options);
            assert_harmless(&junit.expect("it can be written"));
            assert_harmless(&report::markdown(registries, options));
            assert_harmless(&report::table(registries, options));
            assert_harmless(&report::text(registries, options));
        }
        Err(error) => assert_shown_on_one_line(&error.to_string(), 500),
    }
}

/// No file of a configuration stands here.
const NOWHERE: &str = "/nonexistent/fuzz";
const CANARY: &str = "CANARY";

const MAIN_FILE: &str = "registry_files:
  - {paths: ['teams/*.yml'], may: [registries, repositories]}
registries:
  - url: https://registry.example.com
    test_repository: team/app
    username: robot
    password: s3cret
";

pub(super) const YAML: &[&str] = &[
    "registries:",
    "- ",
    ": ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    "url: ",
    "https://",
    "name: ",
    "password: CANARY",
    "token: CANARY",
    "username: ",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "|\n",
    "\"",
    "'",
    "#",
    "---\n",
    "...\n",
    "~",
    "null",
    "interval: ",
    "5m",
    "-1s",
    "1e999",
    "\t",
    "\u{feff}",
    "\u{202e}",
    "\u{1b}[31m",
    "repositories:",
    "test_repository: ",
    "repository: ",
    "checks: {pull: {interval: 1m}}",
    "labels: {a: b}",
    "profile: ",
    "registry: ",
    "basic_auth_users:",
    "tls_server_config:",
    "cert_file: ",
    "rate_limit:",
    "burst: ",
];

pub(super) const DOCKER: &[&str] = &[
    "\"auths\"",
    "\"auth\": \"",
    "\"credHelpers\"",
    "\"credsStore\"",
    "\"identitytoken\"",
    "\"registrytoken\"",
    "\"username\"",
    "\"password\"",
    "registry.example.com",
    "https://",
    "index.docker.io/v1/",
    "{",
    "}",
    ":",
    ",",
    "null",
    "[",
    "]",
    "\\u0000",
    "cm9ib3Q6czNjcmV0",
];
