//! From `tls_server_config` to what a handshake is made with.

use std::sync::Arc;

use rustls::{
    ServerConfig, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{
        CryptoProvider, SupportedKxGroup,
        ring::{self, cipher_suite, kx_group},
    },
    server::NoServerSessionStorage,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};

use super::clients::Clients;
use crate::{
    config::{CipherSuite, ConfigErrors, Curve, WebTls},
    transport::{TlsVersion, pem_certificates, pem_key},
};

/// Sessions are never resumed: each handshake shows what holds now.
pub(super) fn server(tls: &WebTls, http2: bool) -> Result<Arc<ServerConfig>, ConfigErrors> {
    let provider = Arc::new(provider(tls));
    let identity = identity(tls, &provider)?;
    let clients = Clients::new(tls, &provider)?;
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(tls))
        .map_err(|error| {
            tls.certificate
                .error(&error.to_string(), "choose other cipher suites")
        })?
        .with_client_cert_verifier(Arc::new(clients))
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
    server.ignore_client_order = tls.prefer_server_cipher_suites;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    server.alpn_protocols = if http2 {
        vec![H2.to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"http/1.1".to_vec()]
    };
    Ok(Arc::new(server))
}

/// The name of HTTP/2 in a handshake (RFC 9113 3.1).
pub(in crate::server) const H2: &[u8] = b"h2";

/// The certificate with its key; they belong together.
fn identity(tls: &WebTls, provider: &CryptoProvider) -> Result<CertifiedKey, ConfigErrors> {
    let chain = pem_certificates(tls.certificate.content()).map_err(|problem| {
        tls.certificate.error(
            &problem,
            "give the server's certificate as PEM, and behind it those above it",
        )
    })?;
    let key = pem_key(tls.key.content()).map_err(|problem| {
        tls.key
            .error(&problem, "give the certificate's private key as PEM")
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => tls.key.error(
            "is not the key of the certificate",
            "give the key that the certificate was made with",
        ),
        error => tls.key.error(
            &format!("cannot be used: {error}"),
            "give the certificate's private key as PEM: RSA, ECDSA or Ed25519",
        ),
    })
}

fn versions(tls: &WebTls) -> &'static [&'static SupportedProtocolVersion] {
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    static ONLY_13: [&SupportedProtocolVersion; 1] = [&TLS13];
    static ONLY_12: [&SupportedProtocolVersion; 1] = [&TLS12];
    match (tls.min_version, tls.max_version) {
        (TlsVersion::Tls13, _) => &ONLY_13,
        (TlsVersion::Tls12, TlsVersion::Tls12) => &ONLY_12,
        (TlsVersion::Tls12, TlsVersion::Tls13) => &BOTH,
    }
}

fn provider(tls: &WebTls) -> CryptoProvider {
    let mut provider = ring::default_provider();
    if let Some(wanted) = &tls.cipher_suites {
        let older = wanted.iter().filter(|suite| !suite.of_tls13());
        let newer = CipherSuite::ALL.iter().map(|(suite, _)| suite);
        // Those of TLS 1.3 are not chosen, as in Go.
        provider.cipher_suites = newer
            .filter(|suite| suite.of_tls13())
            .chain(older)
            .map(|suite| supported_suite(*suite))
            .collect();
    }
    if let Some(wanted) = &tls.curves {
        provider.kx_groups = wanted.iter().map(|curve| supported_group(*curve)).collect();
    }
    provider
}

fn supported_suite(suite: CipherSuite) -> SupportedCipherSuite {
    match suite {
        CipherSuite::EcdheEcdsaAes128GcmSha256 => {
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        }
        CipherSuite::EcdheEcdsaAes256GcmSha384 => {
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        }
        CipherSuite::EcdheEcdsaChacha20Poly1305 => {
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
        }
        CipherSuite::EcdheRsaAes128GcmSha256 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        CipherSuite::EcdheRsaAes256GcmSha384 => cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        CipherSuite::EcdheRsaChacha20Poly1305 => {
            cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        }
        CipherSuite::Aes128GcmSha256 => cipher_suite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::Aes256GcmSha384 => cipher_suite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::Chacha20Poly1305 => cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    }
}

fn supported_group(curve: Curve) -> &'static dyn SupportedKxGroup {
    match curve {
        Curve::P256 => kx_group::SECP256R1,
        Curve::P384 => kx_group::SECP384R1,
        Curve::X25519 => kx_group::X25519,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_and_its_name_are_the_same() {
        for (suite, name) in CipherSuite::ALL {
            let supported = format!("{:?}", supported_suite(suite).suite());
            let plain = |name: &str| name.replace("TLS13_", "TLS_");
            assert_eq!(plain(&supported), name);
        }
    }
}
