//! Certificates of the simulator's own making.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, SupportedProtocolVersion};
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
    /// HTTP/2 is not offered.
    pub(crate) http1_only: bool,
}

/// What is wrong with a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFlaw {
    /// The certificate ended in 2001.
    Expired,
    /// The certificate begins in 2100.
    NotYetValid,
    /// The certificate is for another name.
    WrongName,
    /// The certificate is by a CA that nobody knows.
    UnknownCa,
    /// The certificate is signed by itself.
    SelfSigned,
    /// Nothing newer than TLS 1.2 is spoken.
    OldVersion,
    /// A client must show a certificate, and has none that would be taken.
    ClientCertificate,
}

/// The server's side of TLS, and what a client needs for it.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) ca_pem: String,
    pub(crate) client: Option<ClientIdentity>,
    authority: Authority,
    addresses: Vec<SocketAddr>,
    alpn: Vec<Vec<u8>>,
}

/// A CA of the simulator's own making.
struct Authority {
    root: Certificate,
    issuer: Issuer<'static, KeyPair>,
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
        let authority = Authority::new();
        let own = || names_of(addresses);
        let mut server = parameters(&options.names.clone().unwrap_or_else(own), "registry-sim");
        if options.expired {
            server.not_before = date_time_ymd(2000, 1, 1);
            server.not_after = date_time_ymd(2001, 1, 1);
        }
        let client = options
            .client_certificate
            .then(|| client_identity(&authority.issuer));
        let clients = options.client_certificate.then_some(&authority);
        let alpn = if options.http1_only {
            vec![b"http/1.1".to_vec()]
        } else {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        };
        Self {
            acceptor: acceptor(server, Some(&authority), clients, &TLS_VERSIONS, &alpn),
            ca_pem: authority.root.pem(),
            client,
            authority,
            addresses: addresses.to_vec(),
            alpn,
        }
    }

    /// The same server with this flaw.
    pub(crate) fn flawed(&self, flaw: TlsFlaw) -> TlsAcceptor {
        let mut names = names_of(&self.addresses);
        if flaw == TlsFlaw::WrongName {
            names = vec!["elsewhere.example".to_owned()];
        }
        let mut server = parameters(&names, "registry-sim");
        match flaw {
            TlsFlaw::Expired => {
                server.not_before = date_time_ymd(2000, 1, 1);
                server.not_after = date_time_ymd(2001, 1, 1);
            }
            TlsFlaw::NotYetValid => {
                server.not_before = date_time_ymd(2100, 1, 1);
                server.not_after = date_time_ymd(2101, 1, 1);
            }
            _ => {}
        }
        let other = Authority::new();
        let signed_by = match flaw {
            TlsFlaw::SelfSigned => None,
            TlsFlaw::UnknownCa => Some(&other),
            _ => Some(&self.authority),
        };
        let clients = (flaw == TlsFlaw::ClientCertificate).then_some(&other);
        let versions: &[_] = match flaw {
            TlsFlaw::OldVersion => &[&rustls::version::TLS12],
            _ => &TLS_VERSIONS,
        };
        acceptor(server, signed_by, clients, versions, &self.alpn)
    }
}

impl Authority {
    fn new() -> Self {
        // A name of its own: a client that trusts another simulator's CA finds
        // no issuer, in place of a wrong signature.
        let mut ca = parameters(&[], &format!("registry-sim CA {}", unique_id()));
        ca.extended_key_usages.clear();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let key = key();
        let root = ca.self_signed(&key).expect("a CA certificate");
        Self {
            root,
            issuer: Issuer::new(ca, key),
        }
    }
}

/// A server with this certificate, by this CA or by itself; it asks clients for one by
/// another CA, where that is given.
fn acceptor(
    mut certificate: CertificateParams,
    signed_by: Option<&Authority>,
    clients: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[Vec<u8>],
) -> TlsAcceptor {
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = key();
    let certificate = match signed_by {
        Some(authority) => certificate.signed_by(&key, &authority.issuer),
        None => certificate.self_signed(&key),
    };
    let certificate = certificate.expect("a server certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("ring knows these versions");
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(authority.root.der().clone())
                .expect("a CA of the own making");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier with one root"))
        }
        None => builder.with_no_client_auth(),
    };
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("a key that fits its certificate");
    config.alpn_protocols = alpn.to_vec();
    TlsAcceptor::from(Arc::new(config))
}

fn names_of(addresses: &[SocketAddr]) -> Vec<String> {
    let hosts = addresses.iter().map(|address| address.ip().to_string());
    hosts
        .chain(["127.0.0.1".to_owned(), "localhost".to_owned()])
        .collect()
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

const TLS_VERSIONS: [&SupportedProtocolVersion; 2] =
    [&rustls::version::TLS13, &rustls::version::TLS12];
