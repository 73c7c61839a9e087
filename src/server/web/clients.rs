//! Certificates of clients: whether one is asked for, whom it must be signed by,
//! and whose it may be.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use x509_parser::{extensions::GeneralName, prelude::X509Certificate};

use crate::{
    config::{ClientAuth, ConfigErrors, Pem, WebTls},
    transport::{pem_certificates, verify_dates},
};

/// Judges what a client shows.
#[derive(Debug)]
pub(super) struct Clients {
    auth: ClientAuth,
    /// There where certificates are verified.
    chain: Option<Arc<dyn ClientCertVerifier>>,
    /// The CA's own certificates: one that a client shows itself is accepted while
    /// it lasts, as a home-made certificate is mostly a CA by its own words.
    pinned: Vec<CertificateDer<'static>>,
    allowed_sans: Option<Vec<String>>,
    provider: Arc<CryptoProvider>,
}

impl Clients {
    pub(super) fn new(tls: &WebTls, provider: &Arc<CryptoProvider>) -> Result<Self, ConfigErrors> {
        let mut clients = Self {
            auth: tls.client_auth,
            chain: None,
            pinned: Vec::new(),
            allowed_sans: tls.client_allowed_sans.clone(),
            provider: Arc::clone(provider),
        };
        if let Some(ca) = tls
            .client_ca
            .as_ref()
            .filter(|_| tls.client_auth.verifies())
        {
            clients.pinned = certificates(ca)?;
            clients.chain = Some(chain(ca, &clients.pinned, provider)?);
        }
        Ok(clients)
    }

    fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let Some(chain) = &self.chain else {
            return Ok(());
        };
        if self.pinned.iter().any(|pinned| pinned == leaf) {
            return verify_dates(parsed(leaf)?.validity(), now);
        }
        chain.verify_client_cert(leaf, intermediates, now).map(drop)
    }

    fn verify_names(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        let Some(allowed) = &self.allowed_sans else {
            return Ok(());
        };
        if names(&parsed(leaf)?)
            .iter()
            .any(|name| allowed.contains(name))
        {
            return Ok(());
        }
        let error = "none of its alternative names is in `client_allowed_sans`";
        let error = OtherError(Arc::new(std::io::Error::other(error)));
        Err(CertificateError::Other(error).into())
    }
}

impl ClientCertVerifier for Clients {
    fn offer_client_auth(&self) -> bool {
        self.auth != ClientAuth::None
    }

    fn client_auth_mandatory(&self) -> bool {
        matches!(
            self.auth,
            ClientAuth::RequireAny | ClientAuth::RequireAndVerify
        )
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain
            .as_ref()
            .map_or(&[], |chain| chain.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify_chain(leaf, intermediates, now)?;
        self.verify_names(leaf)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The certificates of a CA; at least one.
fn certificates(ca: &Pem) -> Result<Vec<CertificateDer<'static>>, ConfigErrors> {
    pem_certificates(ca.content())
        .map_err(|problem| ca.error(&problem, "give the certificates of the clients' CA as PEM"))
}

fn chain(
    ca: &Pem,
    certificates: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ConfigErrors> {
    let unusable = |error: &dyn std::fmt::Display| {
        ca.error(
            &format!("holds a certificate that cannot be used: {error}"),
            "give the certificates of the clients' CA as PEM",
        )
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| unusable(&error))?;
    }
    let chain = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| unusable(&error))?;
    Ok(chain)
}

fn parsed<'a>(leaf: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    x509_parser::parse_x509_certificate(leaf)
        .map(|(_, parsed)| parsed)
        .map_err(|_| CertificateError::BadEncoding.into())
}

/// Every alternative name that can be written down: DNS names, addresses, e-mail
/// addresses and URIs.
fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let names = extension.value.general_names.iter();
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                Some((*name).to_owned())
            }
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            _ => None,
        })
        .collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four: Result<[u8; 4], _> = bytes.try_into();
    let sixteen: Result<[u8; 16], _> = bytes.try_into();
    match (four, sixteen) {
        (Ok(four), _) => Some(four.into()),
        (_, Ok(sixteen)) => Some(IpAddr::from(sixteen).to_canonical()),
        _ => None,
    }
}
