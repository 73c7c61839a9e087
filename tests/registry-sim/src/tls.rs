//! Certificates of the simulator's own making.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::state::unique_id;

/// What the server's certificate is like.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// Names and addresses in place of the listener's own.
    pub(crate) names: Option<Vec<String>>,
    /// The certificate ended in 2001.
    pub(crate) expired: bool,
    /// A client must show a certificate.
    pub(crate) client_certificate: bool,
}

/// The server's side of TLS, and what a client needs for it.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
    pub(crate) client: Option<ClientIdentity>,
}

/// A certificate and key that the simulator takes from a client.
#[derive(Clone)]
pub struct ClientIdentity {
    /// Certificate, PEM.
    pub certificate_pem: String,
    /// Private key (PKCS #8), PEM.
    pub key_pem: String,
}

impl Identity {
    /// A new CA, and a certificate by it for these addresses and `localhost`.
    pub(crate) fn new(options: &TlsOptions, addresses: &[SocketAddr]) -> Self {
        // A name of its own: a client that trusts another simulator's CA finds
        // no issuer, in place of a wrong signature.
        let mut ca = parameters(&[], &format!("registry-sim CA {}", unique_id()));
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let ca_key = key();
        let root = ca.self_signed(&ca_key).expect("a CA certificate");
        let issuer = Issuer::new(ca, ca_key);

        let own = || {
            let hosts = addresses.iter().map(|address| address.ip().to_string());
            hosts
                .chain(["127.0.0.1".to_owned(), "localhost".to_owned()])
                .collect()
        };
        let mut server = parameters(&options.names.clone().unwrap_or_else(own), "registry-sim");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if options.expired {
            server.not_before = date_time_ymd(2000, 1, 1);
            server.not_after = date_time_ymd(2001, 1, 1);
        }
        let server_key = key();
        let certificate = server
            .signed_by(&server_key, &issuer)
            .expect("a server certificate");

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring knows the default versions");
        let mut client = None;
        let builder = if options.client_certificate {
            client = Some(client_identity(&issuer));
            let mut roots = RootCertStore::empty();
            roots.add(root.der().clone()).expect("the own CA");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier with one root"))
        } else {
            builder.with_no_client_auth()
        };
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
        let mut config = builder
            .with_single_cert(vec![certificate.der().clone()], der)
            .expect("a key that fits its certificate");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca_pem: root.pem(),
            client,
        }
    }
}

fn client_identity(issuer: &Issuer<'_, KeyPair>) -> ClientIdentity {
    let mut client = parameters(&[], "registry-sim client");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let client_key = key();
    let certificate = client
        .signed_by(&client_key, issuer)
        .expect("a client certificate");
    ClientIdentity {
        certificate_pem: certificate.pem(),
        key_pem: client_key.serialize_pem(),
    }
}

fn parameters(names: &[String], common_name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(names).expect("names of hosts or addresses");
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key of ring's")
}
