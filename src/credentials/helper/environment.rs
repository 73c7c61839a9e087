//! What a helper is given of the environment.
//!
//! Its own needs and those of the clouds' programs, and nothing else: above all
//! none of the variables that this program's own secrets come from. Where a helper
//! needs more, a script of its name can set it and start the helper.

use std::ffi::OsString;

/// The variables of this process that a helper is given.
pub(super) fn handed_on() -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| name.to_str().is_some_and(is_handed_on))
        .collect()
}

fn is_handed_on(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

const NAMES: [&str; 24] = [
    // Where things are.
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LANG",
    "DOCKER_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    // The keyring of a desktop, and `pass`.
    "DBUS_SESSION_BUS_ADDRESS",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    // How to reach a cloud.
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    // A machine's identity in Azure and Google Cloud.
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "GCE_METADATA_HOST",
    "MSI_ENDPOINT",
];
const PREFIXES: [&str; 4] = ["AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clouds_variables_are_handed_on_and_secrets_are_not() {
        for name in [
            "PATH",
            "HOME",
            "AWS_ROLE_ARN",
            "AZURE_CLIENT_ID",
            "CLOUDSDK_CONFIG",
        ] {
            assert!(is_handed_on(name), "{name}");
        }
        for name in [
            "OCI__Password",
            "OCI__Token",
            "HARBOR_PASSWORD",
            "OCI_REGISTRY_EXPORTER_LOG_LEVEL",
            "LD_PRELOAD",
            "BASH_ENV",
            "aws_secret",
        ] {
            assert!(!is_handed_on(name), "{name}");
        }
        let handed_on = handed_on();
        assert!(handed_on.iter().any(|(name, _)| name == "PATH"));
        assert!(handed_on.iter().all(|(name, _)| name != "CARGO_PKG_NAME"));
    }
}
