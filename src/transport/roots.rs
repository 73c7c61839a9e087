//! The roots that servers are verified by: the system's, once for the whole process,
//! and beside them those of a configuration.

use std::sync::Arc;

use rustls::{
    RootCertStore, client::WebPkiServerVerifier, crypto::CryptoProvider, pki_types::CertificateDer,
};

use super::{options::TlsOptions, tls::TlsError};

/// A verifier over a store of roots.
pub(super) type Roots = Arc<WebPkiServerVerifier>;

/// The system's roots; `None` where it has none.
pub(super) fn system(provider: &Arc<CryptoProvider>) -> Option<Roots> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some root certificates of the system cannot be read");
    }
    let mut store = RootCertStore::empty();
    // Systems ship roots that this parser refuses: one more is no reason to stop.
    store.add_parsable_certificates(found.certs);
    if store.is_empty() {
        tracing::warn!("this system has no root certificates: an https registry needs tls.ca_file");
        return None;
    }
    // A store that is not empty makes a verifier.
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .ok()
}

/// The configured roots, a store of their own beside the system's; `None` without any.
pub(super) fn added(
    options: &TlsOptions,
    added: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Roots>, TlsError> {
    if added.is_empty() {
        return Ok(None);
    }
    let mut store = RootCertStore::empty();
    for (index, root) in added.iter().enumerate() {
        store.add(root.clone()).map_err(|error| {
            let problem = format!("certificate {} cannot be read: {error}", index + 1);
            TlsError::new("tls.ca_file", options.ca_file.as_deref(), problem)
        })?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider))
        .build()
        .map(Some)
        .map_err(|error| TlsError::new("tls", None, error.to_string()))
}
