//! The certificates and the key of PEM files. No message shows a line of one.

use std::{path::Path, sync::Arc};

use rustls::{
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject as _},
    sign::CertifiedKey,
};

use super::{files::Files, tls::TlsError};

/// The certificates of a PEM text; at least one.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn pem_certificates(content: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(content)
        .collect::<Result<_, pem::Error>>()
        .map_err(|cause| format!("is not PEM: {}", pem_problem(&cause)))?;
    if found.is_empty() {
        return Err("holds no PEM certificate".to_owned());
    }
    Ok(found)
}

/// The private key of a PEM text.
///
/// # Errors
/// As [`pem_certificates`].
pub fn pem_key(content: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(content).map_err(|cause| match cause {
        pem::Error::NoItemsFound if holds(content, b"ENCRYPTED PRIVATE KEY") => {
            "the key is encrypted; give one without a passphrase".to_owned()
        }
        pem::Error::NoItemsFound => "holds no PEM private key".to_owned(),
        cause => format!("is not PEM: {}", pem_problem(&cause)),
    })
}

pub(super) fn certificates(
    option: &'static str,
    path: &Path,
    content: &[u8],
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    pem_certificates(content).map_err(|problem| TlsError::new(option, Some(path), problem))
}

pub(super) fn identity(
    files: &Files,
    provider: &CryptoProvider,
) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
    let (Some((cert_path, cert)), Some((key_path, key))) = (&files.cert, &files.key) else {
        return Ok(None);
    };
    let chain = certificates("tls.cert_file", cert_path, cert)?;
    let error = |problem: String| TlsError::new("tls.key_file", Some(key_path), problem);
    let key = pem_key(key).map_err(error)?;
    CertifiedKey::from_der(chain, key, provider)
        .map(|identity| Some(Arc::new(identity)))
        .map_err(|cause| {
            error(match cause {
                rustls::Error::InconsistentKeys(_) => {
                    format!("is not the key of tls.cert_file `{}`", cert_path.display())
                }
                cause => format!("cannot be used: {cause}"),
            })
        })
}

/// What is wrong with a PEM file, without the line that is wrong: it may be a key's.
fn pem_problem(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is malformed",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "it cannot be parsed",
    }
}

fn holds(content: &[u8], words: &[u8]) -> bool {
    content.windows(words.len()).any(|window| window == words)
}

pub(super) fn not_after(identity: &CertifiedKey) -> Option<i64> {
    let leaf = identity.cert.first()?;
    let (_, parsed) = x509_parser::parse_x509_certificate(leaf).ok()?;
    Some(parsed.validity().not_after.timestamp())
}
