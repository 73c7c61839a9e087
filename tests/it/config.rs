//! Configurations as files: each bad one with its exact message, each good one with what it comes to.

mod canary;
mod environment;
mod found;
mod shown;

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use oci_registry_exporter::{
    config::{self, Config, ConfigErrors, Environment, Target},
    credentials::{HelperName, SecretSource, Source},
    outcome::Capability,
};

use crate::golden;

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
        let found = judge(&text, name) + "\n";
        if golden::update() {
            fs::write(path.with_extension("txt"), &found).unwrap();
        }
        let expected = fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        if found != expected {
            let _ = write!(
                differing,
                "\n--- {name}: expected\n{expected}--- found\n{found}"
            );
        }
    }
    differing
}

#[test]
fn what_a_registry_inherits_is_replaced_key_by_key() {
    let config = parsed(&file("good/inheritance.yml"), &[]).unwrap();
    let [oci, own] = &config.registries[..] else {
        panic!("two registries: {:?}", config.registries);
    };
    assert_eq!(oci.timeout, Duration::from_secs(20));
    assert_eq!(own.timeout, Duration::from_secs(20));
    assert_eq!(oci.upload_start_delay, Duration::from_mins(10));
    assert_eq!(own.upload_start_delay, Duration::from_hours(1));
    assert_eq!(oci.checks.pull.interval, Duration::from_mins(2));
    assert!(oci.checks.pull.enabled);
    assert_eq!(own.checks.pull.interval, Duration::from_mins(2));
    assert!(!own.checks.pull.enabled);
    assert!(!own.checks.push.enabled);
    assert_eq!(own.retry.options().attempts, 2);
    assert_eq!(own.retry.options().initial, Duration::from_secs(2));
    let labels = |target: &Target| format!("{:?}", target.labels);
    assert_eq!(labels(oci), r#"{"tier": "1", "zone": "eu"}"#);
    assert_eq!(labels(own), r#"{"tier": "2", "zone": "eu"}"#);
    assert_eq!(
        oci.proxy.url.as_ref().unwrap().as_str(),
        "http://proxy.example.com:3128/"
    );
    assert_eq!(oci.proxy.no_proxy, ["a.example.com"]);
    assert_eq!(own.proxy.url, None);
    assert!(own.proxy.from_environment);
    assert!(own.proxy.no_proxy.is_empty());
    // The login of a proxy stays with it.
    assert_eq!(oci.proxy.username.as_deref(), Some("robot"));
    let password = Path::new("/etc/exporter/proxy-password");
    assert_eq!(oci.proxy.password_file.as_deref(), Some(password));
    assert_eq!(own.proxy.username, None);
    assert_eq!(own.proxy.password_file, None);
    assert!(config.histogram_buckets.is_empty());
}

#[test]
fn the_full_example_says_every_key_and_its_default() {
    let text = fs::read_to_string(root().join("examples/full.yml")).unwrap();
    let config = parsed(&text, &[]).unwrap();
    assert_eq!(config.warnings, Vec::<String>::new());
    // The defaults in it are those of a file without them.
    let bare = parsed("registries: [{url: https://docker.io}]", &[]).unwrap();
    assert_eq!(config.concurrency, bare.concurrency);
    assert_eq!(config.histogram_buckets, bare.histogram_buckets);
    assert_eq!(config.registries[2], bare.registries[0]);

    let production = &config.registries[0];
    assert_eq!(production.name, "production");
    assert_eq!(
        production.tls.ca_file.as_deref(),
        Some(Path::new("/etc/ssl/corp.pem"))
    );
    assert_eq!(
        production.tls.cert_file.as_deref(),
        Some(Path::new("/etc/ssl/client.pem"))
    );
    assert_eq!(
        production.tls.key_file.as_deref(),
        Some(Path::new("/etc/ssl/client-key.pem"))
    );
    assert_eq!(
        production.tls.server_name.as_deref(),
        Some("harbor.example.com")
    );
    assert_eq!(production.checks.pull.interval, Duration::from_mins(1));
    assert_eq!(production.product.as_deref(), Some("harbor"));
    assert_eq!(production.token_hosts, ["auth.example.com"]);
    assert_eq!(
        production.resolve["harbor.example.com"].to_string(),
        "10.0.0.7"
    );
    assert!(production.expect[&Capability::ReferrersApi]);
    assert!(!production.expect[&Capability::ManifestDelete]);
    assert_eq!(
        production.repositories[0].credential.source,
        Source::Basic {
            username: Some("robot$probe".to_owned()),
            password: Some(SecretSource::File("/etc/secrets/harbor".into())),
        }
    );
    let shared = &config.registries[1];
    let sets: Vec<&str> = shared
        .credential_sets()
        .iter()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(sets, ["platform", "team-a", "anonymous"]);
    assert_eq!(
        shared.repositories[0].credential.expires,
        Some(1_803_859_200)
    );
    assert_eq!(shared.repositories[1].reference.as_str(), "1.10");
    assert_eq!(shared.repositories[1].labels["team"], "a");
}

/// `# key:` of an example counts: it is shown.
#[test]
fn the_examples_are_good_and_show_every_key() {
    for name in ["minimal", "oci-block", "full"] {
        let text = fs::read_to_string(root().join(format!("examples/{name}.yml"))).unwrap();
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert!(config.warnings.is_empty(), "{name}: {:?}", config.warnings);
    }
    let example = |name: &str| fs::read_to_string(root().join("examples").join(name)).unwrap();
    let (full, oci_block) = (example("full.yml"), example("oci-block.yml"));
    let schema: serde_json::Value = serde_json::from_str(&config::schema()).unwrap();
    let mut keys = BTreeSet::new();
    shown::names(&schema, &mut keys);
    assert!(keys.len() > 80, "{}", keys.len());
    for key in keys {
        let block = [
            "OCI",
            "RegistryUrl",
            "Username",
            "Password",
            "PasswordSecretRef",
            "Token",
            "TestRepository",
            "TestTag",
        ];
        let shown = if block.contains(&key.as_str()) {
            &oci_block
        } else {
            &full
        };
        assert!(shown.contains(&key), "{key}");
    }
}

/// One example for each registry of the matrix that is not one of a cloud.
#[test]
fn the_examples_of_registries_are_good() {
    let mut seen = HashSet::new();
    for entry in fs::read_dir(root().join("examples/registries")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert!(config.warnings.is_empty(), "{name}: {:?}", config.warnings);
        // A credential that is shown in a file is copied with it.
        for target in &config.registries {
            for set in target.credential_sets() {
                let inline = format!("{:?}", set.source).contains("Inline");
                assert!(!inline, "{name}");
            }
        }
        seen.insert(name);
    }
    let all = [
        "artifactory",
        "distribution",
        "docker-hub",
        "ghcr",
        "harbor",
        "quay",
        "zot",
    ];
    assert_eq!(seen, all.map(str::to_owned).into());
}

/// One example for each way to come by credentials in a cloud or a cluster.
#[test]
fn the_examples_of_credentials_are_good() {
    use oci_registry_exporter::credentials::Server;
    let helper = |name: &str| Source::Helper(HelperName::parse(name).unwrap());
    let docker = |path: &str| Source::DockerConfig(path.into());
    let mut seen = HashSet::new();
    for entry in fs::read_dir(root().join("examples/credentials")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert!(config.warnings.is_empty(), "{name}: {:?}", config.warnings);
        let found: Vec<(String, Source)> = config
            .registries
            .iter()
            .map(|target| {
                let [set] = target.credential_sets()[..] else {
                    panic!("{name}: one set");
                };
                (
                    Server::of(&target.url).asked().to_owned(),
                    set.source.clone(),
                )
            })
            .collect();
        let ecr = |region: &str| format!("123456789012.dkr.ecr.{region}.amazonaws.com");
        let expected = match name.as_str() {
            "ecr" => vec![
                (ecr("eu-central-1"), helper("ecr-login")),
                (ecr("eu-west-1"), helper("ecr-login")),
            ],
            "artifact-registry" => vec![("europe-west3-docker.pkg.dev".to_owned(), helper("gcr"))],
            "acr" => vec![("example.azurecr.io".to_owned(), helper("acr-env"))],
            "kubernetes" => vec![
                (
                    "harbor.example.com".to_owned(),
                    docker("/etc/secrets/harbor-pull/.dockerconfigjson"),
                ),
                (
                    "registry.example.com".to_owned(),
                    docker("/etc/secrets/old-pull/.dockercfg"),
                ),
            ],
            _ => panic!("{name}: what is in it?"),
        };
        assert_eq!(found, expected, "{name}");
        seen.insert(name);
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn fingerprints_know_where_credentials_come_from() {
    let mut seen = HashSet::new();
    for set in [
        "credential_helper: a",
        "credential_helper: b",
        "docker_config: /a",
        "docker_config: /b",
        "dir: /a",
        "dir: /b",
    ] {
        let text = format!("registries: [{{url: https://a.example.com, {set}}}]");
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(seen.insert(config.registries[0].fingerprint), "{set}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for every key")]
fn fingerprints_know_every_setting_and_no_secret() {
    let one = |keys: &str| {
        let text = format!("registries: [{{url: https://a.example.com, username: robot, {keys}}}]");
        let config = parsed(&text, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        (config.registries[0].fingerprint, config.hash)
    };
    let base = one("password: x");
    assert_eq!(one("password: x"), base);
    assert_eq!(one("password: y"), base);
    let mut seen = HashSet::from([base.0]);
    for keys in [
        "password_file: /x",
        "password_file: /y",
        "password_env: X",
        "name: b, password: x",
        "password: x, test_repository: team/a",
        "password: x, test_tag: edge",
        "password: x, push_repository: team/a",
        "password: x, checks: {pull: {interval: 1m}}",
        "password: x, checks: {pull: {enabled: false}}",
        "password: x, checks: {push: {anonymous: true}}",
        "password: x, checks: {push: {allow_create: true}}",
        "password: x, checks: {push: {upload_interval: 7h}}",
        "password: x, checks: {capabilities: {probe_deletes: false}}",
        "password: x, checks: {capabilities: {allow_get: true}}",
        "password: x, checks: {capabilities: {mount_from: team/a}}",
        "password: x, retry: {attempts: 3}",
        "password: x, retry: {initial: 2s}",
        "password: x, retry: {factor: 3}",
        "password: x, retry: {max: 20s}",
        "password: x, retry: {retry_after_max: 1m}",
        "password: x, retry: {transient_attempts: 2}",
        "password: x, rate_limit_reserve: 20",
        "password: x, timeout: 29s",
        "password: x, request_timeout: 9s",
        "password: x, connect_timeout: 4s",
        "password: x, upload_start_delay: 4m",
        "password: x, tls: {ca_file: /x}",
        "password: x, tls: {cert_file: /x, key_file: /y}",
        "password: x, tls: {server_name: b.example.com}",
        "password: x, tls: {insecure_skip_verify: true}",
        "password: x, tls: {min_version: 1.3}",
        "password: x, proxy_url: http://p.example.com",
        "password: x, proxy_url: http://p.example.com, proxy_username: a, proxy_password_file: /x",
        "password: x, proxy_url: http://p.example.com, proxy_username: b, proxy_password_file: /x",
        "password: x, proxy_url: http://p.example.com, proxy_username: a, proxy_password_file: /y",
        "password: x, no_proxy: [b]",
        "password: x, proxy_from_environment: true",
        "password: x, labels: {a: b}",
        "password: x, expect: {referrers_api: true}",
        "password: x, expect: {referrers_api: false}",
        "password: x, product: harbor",
        "password: x, token_hosts: [b.example.com]",
        "password: x, resolve: {a.example.com: 10.0.0.7}",
        "password: x, http2: false",
        "password: x, user_agent_comment: c",
    ] {
        let (fingerprint, hash) = one(keys);
        assert!(seen.insert(fingerprint), "{keys}");
        assert_ne!(hash, base.1, "{keys}");
        assert!(hash < 1 << 48, "{keys}");
    }
}

fn parsed(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let environment = variables.iter().copied().collect();
    config::parse(text, "config.yml", Path::new("/etc/exporter"), &environment)
}

fn file(name: &str) -> String {
    fs::read_to_string(data().join(name)).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
                repository.reference.as_str(),
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
    root().join("tests/testdata/config")
}
