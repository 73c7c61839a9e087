//! What may stand in a document, and why the rest may not.

use super::super::{
    keys::{self, Keys},
    quote::shown,
    section::Section,
    suggest,
};

/// Refuses every key that is not one of these, and every key that stands twice; whether
/// there was none.
pub(super) fn only(section: &Section<'_>, keys: Keys) -> bool {
    let allowed: Vec<&str> = keys::names(keys).collect();
    let entries = section.entries();
    let mut good = true;
    // Says which stand twice.
    let free = section.free();
    good &= free.len() == entries.len();
    for (name, spot, _) in free {
        if allowed.contains(&name) {
            continue;
        }
        good = false;
        match FORBIDDEN.iter().find(|(names, _)| names.contains(&name)) {
            Some((_, why)) => section.refuse_at(
                &spot,
                format!("{} may not stand in a document", shown(name)),
                *why,
            ),
            None => section.refuse_at(
                &section.spot,
                format!("unknown key {}", shown(name)),
                suggest::instead_of(name, &allowed),
            ),
        }
    }
    good
}

/// Keys of the main file, and why it keeps them.
const FORBIDDEN: &[(&[&str], &str)] = &[
    (
        &[
            "username",
            "password",
            "password_file",
            "password_env",
            "password_secret_ref",
            "token",
            "token_file",
            "token_env",
            "docker_config",
            "credential_helper",
            "dir",
        ],
        "secrets, paths and helpers are the main file's; name a set of its `credentials` or `credential_dirs`: `credentials: NAME`",
    ),
    (
        &[
            "credentials",
            "credential_dirs",
            "hosts",
            "token_hosts",
            "expires",
        ],
        "the main file alone says which credentials there are and where they may go",
    ),
    (
        &[
            "tls",
            "proxy_url",
            "proxy_username",
            "proxy_password_file",
            "no_proxy",
            "proxy_from_environment",
            "resolve",
            "http2",
            "ca_file",
            "cert_file",
            "key_file",
            "server_name",
            "insecure_skip_verify",
            "min_version",
        ],
        "the main file alone says how a registry is reached; it may do so in a profile",
    ),
    (
        &[
            "capabilities",
            "allow_create",
            "upload_interval",
            "anonymous",
            "mount_from",
            "probe_deletes",
            "allow_get",
        ],
        "the main file alone says what may be written into a registry; it may do so in a profile",
    ),
    (
        &[
            "timeout",
            "request_timeout",
            "connect_timeout",
            "upload_start_delay",
            "retry",
            "rate_limit_reserve",
            "probe",
            "user_agent_comment",
            "concurrency",
            "histogram_buckets",
        ],
        "the main file alone says how hard a registry is asked; it may do so in a profile",
    ),
    (
        &["OCI", "defaults", "profiles", "limits", "registry_files"],
        "it stands in the main file alone",
    ),
    (
        &["urls", "test_repository", "test_tag", "push_repository"],
        "a document is written out: an item with `url` for each registry, and its `repositories`",
    ),
];
