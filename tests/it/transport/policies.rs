//! When TLS policies are built, and why one cannot be.

use std::{fs, path::PathBuf, sync::Arc};

use oci_registry_exporter::transport::{Built, TlsOptions, TlsPolicies, TlsVersion};
use rcgen::KeyPair;

use super::tls::Authority;

#[test]
fn a_policy_is_built_once_and_again_when_a_file_changes() {
    let (first, second) = (Authority::new(), Authority::new());
    let policies = TlsPolicies::new();
    let options = first.trusted();
    let built = policies.policy(&options).unwrap();
    let same = |other: &_| Arc::ptr_eq(&built, other);
    assert!(same(&policies.policy(&options).unwrap()));
    // Written again with the same content (a new inode, as secrets are mounted).
    let path = options.ca_file.clone().unwrap();
    let replace = |content: &str| fs::rename(first.file("next", content), &path).unwrap();
    replace(&first.issuer.pem());
    assert!(same(&policies.policy(&options).unwrap()));
    replace(&second.issuer.pem());
    let changed = policies.policy(&options).unwrap();
    assert!(!same(&changed));
    assert!(Arc::ptr_eq(&changed, &policies.policy(&options).unwrap()));
    let insecure = TlsOptions {
        insecure_skip_verify: true,
        ..options
    };
    assert!(!Arc::ptr_eq(&changed, &policies.policy(&insecure).unwrap()));
}

/// A policy costs milliseconds and a hundred kilobytes: registries share it, and the
/// system's roots are there once whatever stands beside them.
#[test]
fn one_policy_for_equal_options_and_one_store_of_the_systems_roots() {
    let authority = Authority::new();
    let policies = TlsPolicies::new();
    let insecure = TlsOptions {
        insecure_skip_verify: true,
        ..TlsOptions::default()
    };
    let modern = TlsOptions {
        min_version: TlsVersion::Tls13,
        ..authority.trusted()
    };
    let distinct = [TlsOptions::default(), insecure, authority.trusted(), modern];
    assert_eq!(
        policies.built(),
        Built {
            system_stores: 0,
            policies: 0
        }
    );
    let of_all = || -> Vec<_> {
        (0..400)
            .map(|registry| policies.policy(&distinct[registry % 4].clone()).unwrap())
            .collect()
    };
    let (first, second) = (of_all(), of_all());
    for (registry, policy) in second.iter().enumerate() {
        assert!(Arc::ptr_eq(policy, &first[registry % 4]), "{registry}");
    }
    let four = Built {
        system_stores: 1,
        policies: 4,
    };
    assert_eq!(policies.built(), four);
}

/// Whoever renames a registry's server in the configuration leaves no policy behind.
#[test]
fn what_nobody_wants_any_more_is_forgotten_and_the_rest_is_not_built_again() {
    let policies = TlsPolicies::new();
    let named = |name: &str| TlsOptions {
        server_name: Some(name.to_owned()),
        ..TlsOptions::default()
    };
    let (kept, renamed) = (named("kept"), named("renamed"));
    let before = [&kept, &renamed].map(|it| policies.policy(it).unwrap());
    policies.retain(|options| *options == kept);
    assert_eq!(Arc::strong_count(&before[1]), 1, "nobody else holds it");
    let now = [&kept, &renamed].map(|it| policies.policy(it).unwrap());
    assert!(Arc::ptr_eq(&before[0], &now[0]));
    assert!(!Arc::ptr_eq(&before[1], &now[1]));
}

/// The error names the option and the file, and nothing of what is in it.
fn unusable(options: &TlsOptions, option: &str, file: &str, words: &str) {
    let error = TlsPolicies::new().policy(options).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{option} `")), "{error}");
    assert!(error.contains(&format!("/{file}`: ")), "{error}");
    assert!(error.contains(words), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn an_unusable_root_is_named_and_its_content_is_not() {
    let authority = Authority::new();
    let pem = |inside| format!("-----BEGIN CERTIFICATE-----\n{inside}-----END CERTIFICATE-----\n");
    let key = KeyPair::generate().unwrap().serialize_pem();
    for (file, content, words) in [
        ("text.pem", "hunter2".to_owned(), "holds no PEM certificate"),
        ("key.pem", key, "holds no PEM certificate"),
        ("base64.pem", pem("hunter2!\n"), "is not base64"),
        (
            "bytes.pem",
            pem("hunter22\n"),
            "certificate 1 cannot be read",
        ),
        (
            "open.pem",
            "-----BEGIN CERTIFICATE-----\nhunter22\n".to_owned(),
            "no END line",
        ),
    ] {
        let options = TlsOptions {
            ca_file: Some(authority.file(file, &content)),
            ..TlsOptions::default()
        };
        unusable(&options, "tls.ca_file", file, words);
    }
    let options = TlsOptions {
        ca_file: Some(authority.directory.path().join("missing.pem")),
        ..TlsOptions::default()
    };
    unusable(
        &options,
        "tls.ca_file",
        "missing.pem",
        "cannot be read: No such file",
    );
}

#[test]
fn an_unusable_identity_is_named_and_its_content_is_not() {
    let authority = Authority::new();
    let client = authority.leaf(&["client"]);
    let cert = authority.file("cert.pem", &client.certificate.pem());
    let key = authority.file("key.pem", &client.key.serialize_pem());
    let other = authority.file("other.pem", &KeyPair::generate().unwrap().serialize_pem());
    let open = authority.file("open.pem", "-----BEGIN PRIVATE KEY-----\nhunter22\n");
    let locked = authority.file(
        "locked.pem",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter22\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let identity = |cert: Option<&PathBuf>, key: Option<&PathBuf>| TlsOptions {
        cert_file: cert.cloned(),
        key_file: key.cloned(),
        ..TlsOptions::default()
    };
    unusable(
        &identity(Some(&cert), None),
        "tls.cert_file",
        "cert.pem",
        "set tls.key_file",
    );
    unusable(
        &identity(None, Some(&key)),
        "tls.key_file",
        "key.pem",
        "set tls.cert_file",
    );
    for (wrong, file, words) in [
        (&other, "other.pem", "is not the key of tls.cert_file"),
        (&cert, "cert.pem", "holds no PEM private key"),
        (&open, "open.pem", "no END line"),
        (&locked, "locked.pem", "give one without a passphrase"),
    ] {
        unusable(
            &identity(Some(&cert), Some(wrong)),
            "tls.key_file",
            file,
            words,
        );
    }
}

#[test]
fn a_server_name_is_a_dns_name() {
    for (name, usable) in [
        ("inner.test", true),
        ("10.0.0.1", false),
        ("a b", false),
        ("", false),
    ] {
        let options = TlsOptions {
            server_name: Some(name.to_owned()),
            ..TlsOptions::default()
        };
        match TlsPolicies::new().policy(&options) {
            Ok(_) => assert!(usable, "{name}"),
            Err(error) => {
                assert!(!usable, "{name}");
                let words = format!("tls.server_name: `{name}` is not a DNS name");
                assert_eq!(error.to_string(), words);
            }
        }
    }
}
