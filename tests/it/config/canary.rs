//! Secrets at every place where a user might put one, right or wrong: none may
//! come out, neither in errors nor in warnings nor in `Debug`.

use std::fs;

use oci_registry_exporter::config::Environment;

use super::{data, parsed};

#[test]
fn no_secret_of_a_bad_file_comes_out() {
    let mut seen = 0;
    for entry in fs::read_dir(data().join("bad")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            let text = fs::read_to_string(path).unwrap();
            seen += usize::from(text.contains("CANARY"));
            judge(&text, &[]);
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn no_secret_comes_out_of_whatever_syntax() {
    for secret in SECRETS {
        for key in KEYS {
            judge(
                &format!("registries: [{{url: https://a.example.com, {key}: {secret}}}]"),
                &[],
            );
            judge(
                &format!(
                    "registries:\n  - url: https://a.example.com\n    {}: {secret}\n",
                    key.replace(", ", "\n    ")
                ),
                &[],
            );
            for (above, below) in [
                ("credentials", ""),
                (
                    "profiles",
                    "registries: [{profile: a, url: https://a.example.com}]\n",
                ),
            ] {
                let key = key.replace(", ", "\n    ");
                let text = format!("{above}:\n  a:\n    {key}: {secret}\n{below}");
                judge(&text, &[]);
            }
        }
    }
}

#[test]
fn no_secret_of_the_oci_block_or_its_variables_comes_out() {
    for secret in SECRETS {
        for key in ["Password", "Token", "PasswordSecretRef"] {
            let variable = format!("OCI__{key}");
            judge(&format!("OCI:\n  RegistryUrl: x\n  {key}: {secret}\n"), &[]);
            judge("OCI: {Username: robot}", &[(&variable, secret)]);
            judge(
                "OCI: {Password: CANARY, Token: CANARY}",
                &[
                    ("OCI__RegistryUrl", "https://x:CANARY@a.example.com?CANARY"),
                    (&variable, secret),
                ],
            );
        }
    }
}

#[test]
fn no_secret_in_a_url_comes_out() {
    for url in URLS {
        judge(&format!("registries: [{{urls: ['{url}', '{url}']}}]"), &[]);
        let profile = format!("profiles: {{a: {{proxy_url: '{url}'}}}}");
        let registry = format!("registries: [{{profile: a, url: '{url}'}}]");
        judge(&format!("{profile}\n{registry}"), &[]);
        judge(&format!("registries: [{{url: '{url}'}}]"), &[]);
        judge(
            &format!("registries: [{{url: https://a.example.com, proxy_url: '{url}'}}]"),
            &[],
        );
    }
}

fn judge(text: &str, variables: &[(&str, &str)]) {
    let environment: Environment = variables.iter().copied().collect();
    let shown = match parsed(text, variables) {
        Ok(config) => format!("{config:?}{environment:?}"),
        Err(errors) => format!("{errors}{errors:?}{environment:?}"),
    };
    assert!(!shown.contains("CANARY"), "{text}\n{shown}");
}

const SECRETS: [&str; 20] = [
    "CANARY",
    "[CANARY]",
    "{CANARY: CANARY}",
    "{{ CANARY }}",
    "!CANARY x",
    "!!int CANARY",
    "!!bool CANARY",
    "!!float CANARY",
    "!!null CANARY",
    "*CANARY",
    "&CANARY",
    "@CANARY",
    "'CANARY",
    "|\n CANARY",
    "{? [CANARY] : x}",
    "[CANARY, !x CANARY]",
    "CANARY: CANARY",
    "{a: {CANARY: *b}}",
    "\"CANARY\\q\"",
    "CANARY\u{7}",
];

/// Ends with the key that holds the secret.
const KEYS: [&str; 10] = [
    "password",
    "token",
    "password_secret_ref",
    "username: robot, password",
    "username: robot, password_file: x, password",
    "username: robot, token",
    "username: robot, pasword",
    "credentials: a, password",
    "anonymous: true, password",
    "token_env: X, token",
];

const URLS: [&str; 9] = [
    "https://robot:CANARY@a.example.com",
    "https://CANARY@a.example.com:x",
    "robot:CANARY@a.example.com",
    "https://a.example.com?CANARY",
    "https://a.example.com#CANARY",
    "a.example.com?CANARY",
    "ftp://robot:CANARY@a.example.com",
    "https://a.example.com:x?CANARY",
    "https://robot:CAN ARY@CANARY",
];
