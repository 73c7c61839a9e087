//! Client certificates that lie in a directory of credentials.

use crate::{
    config::Target,
    credentials::{ClientCertificate, Source},
    transport::TlsOptions,
};

/// Whether [`options`] may come to these for the target. Nothing is read for it.
pub(super) fn may_come_to(target: &Target, options: &TlsOptions) -> bool {
    if target.tls == *options {
        return true;
    }
    let without = TlsOptions {
        cert_file: None,
        key_file: None,
        ..options.clone()
    };
    let Some(certificate) = options.cert_file.as_ref().filter(|_| target.tls == without) else {
        return false;
    };
    target.credential_sets().into_iter().any(
        |set| matches!(&set.source, Source::Directory(it) if certificate.starts_with(&it.path)),
    )
}

/// The TLS options of a target, with the client certificate of its credential sets where
/// none is configured.
///
/// A connection has one client certificate, and all repositories of a registry share
/// theirs, so that two different ones cannot both be meant.
pub(super) fn options(target: &Target) -> Result<TlsOptions, String> {
    let mut options = target.tls.clone();
    if options.cert_file.is_some() || options.key_file.is_some() {
        return Ok(options);
    }
    let mut found: Option<(&str, ClientCertificate)> = None;
    for set in target.credential_sets() {
        let Source::Directory(directory) = &set.source else {
            continue;
        };
        let allowed = set.hosts.is_empty() || set.hosts.iter().any(|it| it.allows(&target.url));
        let here = directory.client_certificate(&target.url);
        let Some(certificate) = here.filter(|_| allowed) else {
            continue;
        };
        match &found {
            Some((first, other)) if *other != certificate => {
                return Err(format!(
                    "The credential sets `{first}` and `{}` both hold a client certificate, and a registry gets only one",
                    set.name
                ));
            }
            _ => found = Some((&set.name, certificate)),
        }
    }
    if let Some((_, certificate)) = found {
        options.cert_file = Some(certificate.cert_file);
        options.key_file = Some(certificate.key_file);
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Environment, parse};

    #[test]
    fn a_policy_is_kept_for_whoever_may_want_it_and_for_nobody_else() {
        let yaml = "
credentials: {robot: {dir: /secrets/robot, hosts: [r.example.com]}}
registries:
  - {name: mounted, url: 'https://r.example.com', credentials: robot}
  - {name: written, url: 'https://r.example.com', tls: {server_name: x, cert_file: /c, key_file: /k}}
";
        let config = parse(yaml, "x", Path::new("/"), &Environment::default()).unwrap();
        let [mounted, written] = &config.registries[..] else {
            panic!("two registries");
        };
        let plain = TlsOptions::default();
        let pair = |dir: &str| TlsOptions {
            cert_file: Some(Path::new(dir).join("tls.crt")),
            key_file: Some(Path::new(dir).join("tls.key")),
            ..TlsOptions::default()
        };
        for (target, options, expected) in [
            (mounted, &plain, true),
            (mounted, &pair("/secrets/robot"), true),
            (mounted, &pair("/secrets/renamed"), false),
            (mounted, &written.tls, false),
            (written, &written.tls, true),
            (written, &plain, false),
            (written, &pair("/secrets/robot"), false),
        ] {
            assert_eq!(may_come_to(target, options), expected, "{options:?}");
        }
    }
}
