//! The variables `OCI__…`.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use oci_registry_exporter::{
    config::{self, Load},
    credentials::{SecretSource, Source},
    secret::Secret,
};

use super::parsed;

#[test]
#[expect(clippy::too_many_lines, reason = "a table, a row for every variable")]
fn the_environment_overrides_the_oci_block() {
    let block =
        "OCI: {RegistryUrl: https://a.example.com, Username: robot, Password: x, TestTag: edge}";
    let basic = |username: &str, password: SecretSource| Source::Basic {
        username: Some(username.to_owned()),
        password: Some(password),
    };
    let inline = |text: &str| SecretSource::Inline(Secret::new(text));
    for (variables, url, tag, source) in [
        (
            vec![],
            "https://a.example.com/",
            "edge",
            basic("robot", inline("x")),
        ),
        (
            vec![
                ("OCI__RegistryUrl", "https://b.example.com"),
                ("OCI__TestTag", "1"),
            ],
            "https://b.example.com/",
            "1",
            basic("robot", inline("x")),
        ),
        (
            vec![("OCI__Password", "y")],
            "https://a.example.com/",
            "edge",
            basic("robot", inline("y")),
        ),
        (
            vec![("OCI__Username", "other")],
            "https://a.example.com/",
            "edge",
            basic("other", inline("x")),
        ),
        (
            vec![("OCI__PasswordSecretRef", "./secret")],
            "https://a.example.com/",
            "edge",
            basic("robot", SecretSource::File("/etc/exporter/./secret".into())),
        ),
        (
            vec![("OCI__Token", "t")],
            "https://a.example.com/",
            "edge",
            Source::Token(inline("t")),
        ),
        (
            vec![("OCI__Password", "")],
            "https://a.example.com/",
            "edge",
            basic("robot", inline("x")),
        ),
    ] {
        let config = parsed(block, &variables).unwrap();
        let target = &config.registries[0];
        assert_eq!(target.url.as_str(), url, "{variables:?}");
        assert_eq!(
            target.repositories[0].reference.as_str(),
            tag,
            "{variables:?}"
        );
        assert_eq!(
            target.repositories[0].credential.source, source,
            "{variables:?}"
        );
    }
}

#[test]
fn variables_that_do_nothing_are_said() {
    let registries = "registries: [{url: https://a.example.com}]";
    for (variables, warning) in [
        (
            ("OCI__Username", "robot"),
            "OCI__Username: has no effect without `OCI__RegistryUrl` or an `OCI:` block",
        ),
        (
            ("OCI__RegistryUrl", ""),
            "OCI__RegistryUrl: the variable is empty and counts as not set",
        ),
        (
            ("OCI__REGISTRYURL", "https://b.example.com"),
            "OCI__REGISTRYURL: unknown variable, not read; did you mean `RegistryUrl`?",
        ),
    ] {
        let config = parsed(registries, &[variables]).unwrap();
        assert_eq!(config.warnings, [warning]);
        assert_eq!(config.registries.len(), 1);
    }
}

#[test]
fn a_bad_variable_is_named_without_a_line() {
    for (variables, message) in [
        (
            vec![("OCI__RegistryUrl", "ftp://a.example.com")],
            "OCI__RegistryUrl: the scheme `ftp` is neither http nor https\n  hint: write it as `https://registry.example.com`",
        ),
        (
            vec![
                ("OCI__RegistryUrl", "https://a.example.com"),
                ("OCI__Password", "x"),
                ("OCI__PasswordSecretRef", "env:P"),
            ],
            "OCI__PasswordSecretRef: `Password` and `PasswordSecretRef` name the same secret\n  hint: keep one of them",
        ),
        (
            vec![
                ("OCI__RegistryUrl", "https://a.example.com"),
                ("OCI__PasswordSecretRef", "CANARY"),
            ],
            "OCI__PasswordSecretRef: this reference to a secret is of no known kind\n  hint: write `file:<path>`, `env:<NAME>`, or a path that begins with `/` or `./`",
        ),
    ] {
        let load = Load {
            path: None,
            default_paths: Vec::new(),
            environment: variables.iter().copied().collect(),
        };
        assert_eq!(config::load(&load).unwrap_err().to_string(), message);
    }
    let bytes = [("OCI__RegistryUrl", OsString::from_vec(vec![0xff]))];
    let load = Load {
        path: None,
        default_paths: Vec::new(),
        environment: bytes.into_iter().collect(),
    };
    assert_eq!(
        config::load(&load).unwrap_err().to_string(),
        "OCI__RegistryUrl: the variable is not UTF-8\n  hint: set it to text, or unset it"
    );
}
