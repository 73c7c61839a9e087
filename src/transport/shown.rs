//! What a server showed of itself in the handshake, read.

use rustls::pki_types::CertificateDer;
use sha2::{Digest as _, Sha256};

use crate::exchange::Certificate;

/// What of it explains a failed handshake.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shown {
    /// Its leaf was issued by itself.
    pub(super) self_signed: bool,
    /// From when to when its leaf is valid (seconds since the epoch).
    pub(super) leaf_validity: Option<(i64, i64)>,
    /// Whether it asked for a client certificate.
    pub(super) identity: Identity,
}

/// What came of a server's wish for a client certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Identity {
    /// It did not ask.
    #[default]
    Unasked,
    /// It asked, and there was none to show.
    Missed,
    /// It asked and was shown one; whether it accepts that one comes later.
    Given,
}

impl Shown {
    /// Of the leaf, where one was shown.
    pub(super) fn of(leaf: Option<&CertificateDer<'_>>, identity: Identity) -> Self {
        let parsed = leaf.and_then(|der| x509_parser::parse_x509_certificate(der).ok());
        let leaf = parsed.as_ref().map(|(_, leaf)| leaf);
        Self {
            self_signed: leaf.is_some_and(|leaf| leaf.subject() == leaf.issuer()),
            leaf_validity: leaf.map(|leaf| {
                let validity = leaf.validity();
                (
                    validity.not_before.timestamp(),
                    validity.not_after.timestamp(),
                )
            }),
            identity,
        }
    }
}

/// What is kept of a certificate; `None` where it cannot be parsed.
pub(super) fn certificate(der: &CertificateDer<'_>) -> Option<Certificate> {
    let (_, parsed) = x509_parser::parse_x509_certificate(der).ok()?;
    Some(Certificate {
        not_after: parsed.validity().not_after.timestamp(),
        sha256: Sha256::digest(der).into(),
    })
}
