//! What to do about a finding, in the words of the source document.

use crate::{config::Target, outcome::Reason};

/// The steps for a reason, where there are any; `right` names the role that a 403 wants.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each reason")]
pub(super) fn steps(reason: Reason, target: &Target, right: &str) -> Vec<String> {
    let host = target.host();
    match reason {
        Reason::Unauthorized | Reason::Expired => vec![
            "Verify username and password are correct".to_owned(),
            "Check if credentials have expired".to_owned(),
            "For OAuth2 registries, ensure token refresh is working".to_owned(),
            format!("Test with docker CLI: `docker login {host}`"),
        ],
        Reason::Forbidden => vec![
            "Verify the service account has required permissions".to_owned(),
            right.to_owned(),
            "Check repository-level permissions (some registries have repo-specific ACLs)"
                .to_owned(),
        ],
        Reason::Dns | Reason::Connect | Reason::Tls | Reason::Timeout | Reason::NetworkPolicy => {
            vec![
                format!("Verify network connectivity: `curl -v {}`", ping(target)),
                "Check TLS certificate validity".to_owned(),
                "For self-signed certs, configure trust (`tls.ca_file`) or use `--insecure` (not recommended for production)".to_owned(),
                "Check firewall rules and proxy configuration".to_owned(),
            ]
        }
        Reason::Unsupported => vec![
            "Check registry version against compatibility matrix".to_owned(),
            "Upgrade registry if possible (Harbor 2.8+, Quay 3.12+)".to_owned(),
            "If upgrade not possible, the tag-based fallback is used automatically".to_owned(),
            "Monitor for performance impact with large artifact counts".to_owned(),
        ],
        Reason::Config => vec![
            "Name both `username` and `password` (or `password_file`, `password_env`), or a `token`"
                .to_owned(),
            "Check that the file or variable of the secret exists and can be read by this process"
                .to_owned(),
            "For a credential helper: run `docker-credential-NAME get` by hand as this process's user"
                .to_owned(),
        ],
        Reason::UntrustedHost => vec![
            "If the token host is yours, list it under `token_hosts` of this registry".to_owned(),
            "If it is not, somebody may be after the credentials: look at the registry's `WWW-Authenticate`".to_owned(),
        ],
        Reason::Protocol | Reason::Redirect => vec![
            format!("Look at the answer: `curl -v {}`", ping(target)),
            "Check the URL: it is the registry's own, without `/v2/`, and not a web interface".to_owned(),
        ],
        Reason::RateLimited => vec![
            "Use authenticated requests: most registries then allow more".to_owned(),
            "Ask less often (`checks.<name>.interval`), or put a pull-through cache before it".to_owned(),
        ],
        Reason::NotFound => vec![
            "Push a small image there, or name another one with `test_repository` and `test_tag`".to_owned(),
        ],
        Reason::NotConfigured => vec![
            "Name a `test_repository` that these credentials may read".to_owned(),
        ],
        Reason::ServerError => vec![
            "Look at the registry's own logs and health page".to_owned(),
        ],
        Reason::CancelRefused => vec![
            "Grant this account the right to delete in the test repository alone, or accept that uploads are asked weekly"
                .to_owned(),
        ],
        Reason::ReadOnly => vec![
            "Check whether the registry is in maintenance, a pull-through cache or a replica; if it is so by design, ask no push of it (`checks.push.enabled: false`)"
                .to_owned(),
        ],
        Reason::Policy => vec![
            "Look at the project's policies: quota, content trust, vulnerability prevention".to_owned(),
        ],
        _ => Vec::new(),
    }
}

/// For pull: the role that is enough.
pub(super) const PULL_ROLE: &str = "For pull: Reader/Viewer role is typically sufficient";

/// For push: the role that it takes.
pub(super) const PUSH_ROLE: &str = "For push: Contributor/Writer role is required";

fn ping(target: &Target) -> String {
    crate::oci::endpoints::ping(&target.url).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Environment, parse};

    #[test]
    fn steps_are_those_of_the_source_document() {
        let yaml = "registries: [{url: https://registry.example.com:5000}]";
        let config = parse(yaml, "x", Path::new("/"), &Environment::default()).unwrap();
        let target = &config.registries[0];
        for (reason, role, wanted) in [
            (
                Reason::Unauthorized,
                PULL_ROLE,
                &[
                    "Verify username and password are correct",
                    "Check if credentials have expired",
                    "For OAuth2 registries, ensure token refresh is working",
                    "`docker login registry.example.com:5000`",
                ][..],
            ),
            (
                Reason::Forbidden,
                PULL_ROLE,
                &[
                    "Verify the service account has required permissions",
                    "For pull: Reader/Viewer role is typically sufficient",
                    "Check repository-level permissions",
                ],
            ),
            (
                Reason::Forbidden,
                PUSH_ROLE,
                &["For push: Contributor/Writer role is required"],
            ),
            (
                Reason::Unsupported,
                PULL_ROLE,
                &[
                    "Check registry version against compatibility matrix",
                    // The document's Harbor 2.6 has no such API.
                    "Upgrade registry if possible (Harbor 2.8+, Quay 3.12+)",
                    "fallback is used automatically",
                    "Monitor for performance impact with large artifact counts",
                ],
            ),
            (
                Reason::Tls,
                PULL_ROLE,
                &[
                    "`curl -v https://registry.example.com:5000/v2/`",
                    "Check TLS certificate validity",
                    "`--insecure` (not recommended for production)",
                    "Check firewall rules and proxy configuration",
                ],
            ),
        ] {
            let steps = steps(reason, target, role);
            for words in wanted {
                let told = steps.iter().any(|step| step.contains(words));
                assert!(told, "{reason:?}: {words}: {steps:#?}");
            }
        }
    }
}
