//! Client certificates that lie in a directory of credentials.

use crate::{
    config::Target,
    credentials::{ClientCertificate, Source},
    transport::TlsOptions,
};

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
