//! The hooks of the TLS handshake: what is accepted, and what is noted of it.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, NamedGroup, SignatureScheme,
    client::{
        ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue, Tls13ClientSessionValue,
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    sign::CertifiedKey,
};

use x509_parser::certificate::Validity;

use super::{observer, shown};

/// Accepts a server by the roots, or because its very certificate is configured.
#[derive(Debug)]
pub(super) struct Verifier {
    /// Verifiers over the configured roots and over the system's, in this order:
    /// the system's are shared by the whole process.
    pub(super) roots: Vec<Arc<WebPkiServerVerifier>>,
    /// Certificates that are accepted as they are, while they last and for the
    /// names that they hold. A home-made certificate is mostly a CA by its own
    /// words, and the roots' verifier refuses a CA as a server's certificate.
    pub(super) pinned: Vec<CertificateDer<'static>>,
    /// Accept the registry whatever it shows (never a proxy).
    pub(super) accept_any: bool,
    /// The name that the registry (never a proxy) has to hold instead of its own.
    pub(super) server_name: Option<ServerName<'static>>,
    /// The algorithms.
    pub(super) provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn accepts_any(&self) -> bool {
        self.accept_any && observer::handshake_is_ours()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        observer::shown(leaf, intermediates);
        if self.accepts_any() {
            return Ok(ServerCertVerified::assertion());
        }
        let name = match &self.server_name {
            Some(other) if observer::handshake_is_ours() => other,
            _ => name,
        };
        if self.pinned.iter().any(|pinned| pinned == leaf) {
            return verify_pinned(leaf, name, now);
        }
        let mut refusal = Error::from(CertificateError::UnknownIssuer);
        for roots in &self.roots {
            match roots.verify_server_cert(leaf, intermediates, name, ocsp, now) {
                Ok(accepted) => return Ok(accepted),
                // A store that does not know the issuer has nothing to say.
                Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
                Err(error) => refusal = error,
            }
        }
        Err(refusal)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        observer::tls_version("1.2");
        if self.accepts_any() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        observer::tls_version("1.3");
        if self.accepts_any() {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// A certificate that is trusted itself still has its dates and its names.
fn verify_pinned(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf)
        .map_err(|_| Error::from(CertificateError::BadEncoding))?;
    verify_dates(parsed.validity(), now)?;
    verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
    Ok(ServerCertVerified::assertion())
}

/// Whether a certificate that is trusted by exact match holds at this time.
///
/// # Errors
/// It does not hold yet, or no longer; each in the words of rustls.
pub fn verify_dates(validity: &Validity, now: UnixTime) -> Result<(), Error> {
    let time = |at: i64| UnixTime::since_unix_epoch(Duration::from_secs(at.unsigned_abs()));
    let today = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let (from, until) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    if today < from {
        let not_before = time(from);
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before,
        }
        .into());
    }
    if today > until {
        let not_after = time(until);
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after,
        }
        .into());
    }
    Ok(())
}

/// Keeps no session: a resumed handshake shows no certificate. What is asked of
/// it first is the moment at which the handshake begins.
#[derive(Debug)]
pub(super) struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        observer::handshake(name);
        None
    }

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        None
    }

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}
}

/// The client certificate, shown to the registry that asks for one, never to a
/// proxy.
#[derive(Debug)]
pub(super) struct Identity(pub(super) Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for Identity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if !observer::handshake_is_ours() {
            return None;
        }
        observer::identity(match self.0 {
            Some(_) => shown::Identity::Given,
            None => shown::Identity::Missed,
        });
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}
