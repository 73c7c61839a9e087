//! Which certificates are accepted, what is said of the others, and what is seen
//! of both.

use std::{fs, path::PathBuf, sync::Arc};

use http::Response;
use hyper_util::rt::{TokioExecutor, TokioIo};
use oci_registry_exporter::{
    exchange::{Connection, Exchange, TransportErrorKind},
    transport::{TlsOptions, TlsVersion, Transport, TransportOptions},
};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::{NoClientAuth, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::{TLS12, TLS13},
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    AMPLE, HOST, get, options, policy,
    server::{Server, answer, answer_all, until_closed},
};

/// A root, and a directory for the files that name it.
pub(super) struct Authority {
    pub(super) issuer: CertifiedIssuer<'static, KeyPair>,
    pub(super) directory: TempDir,
}

/// A certificate and its key.
pub(super) struct Leaf {
    pub(super) certificate: Certificate,
    pub(super) key: KeyPair,
}

/// A TLS server before it starts.
pub(super) struct TlsServer {
    chain: Vec<Certificate>,
    key: Vec<u8>,
    clients: Arc<dyn ClientCertVerifier>,
    versions: Versions,
    http2: Http2,
}

/// What a server does where HTTP/2 is wanted.
#[derive(Clone, Copy, PartialEq)]
enum Http2 {
    NotOffered,
    Answers,
    ResetsStreams,
    WritesGarbage,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::named("a root")
    }

    fn named(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self {
            issuer,
            directory: TempDir::new().unwrap(),
        }
    }

    pub(super) fn leaf(&self, names: &[&str]) -> Leaf {
        self.issue(names, |_| ())
    }

    /// Options that trust this root.
    pub(super) fn trusted(&self) -> TlsOptions {
        TlsOptions {
            ca_file: Some(self.file("root.pem", &self.issuer.pem())),
            ..TlsOptions::default()
        }
    }

    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { certificate, key }
    }

    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Leaf {
    fn self_signed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params(names);
        change(&mut params);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, key }
    }
}

impl TlsServer {
    pub(super) fn with(leaf: &Leaf) -> Self {
        Self {
            chain: vec![leaf.certificate.clone()],
            key: leaf.key.serialize_der(),
            clients: Arc::new(NoClientAuth),
            versions: rustls::ALL_VERSIONS,
            http2: Http2::NotOffered,
        }
    }

    fn requiring_clients_of(mut self, authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.issuer.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        self.clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap();
        self
    }

    fn speaking(mut self, versions: Versions) -> Self {
        self.versions = versions;
        self
    }

    fn http2(mut self, http2: Http2) -> Self {
        self.http2 = http2;
        self
    }

    /// Answers every request with 200.
    pub(super) async fn start(self) -> Server {
        let chain = self.chain.iter().map(|shown| shown.der().clone()).collect();
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .with_client_cert_verifier(self.clients)
            .with_single_cert(chain, PrivateKeyDer::try_from(self.key).unwrap())
            .unwrap();
        if self.http2 != Http2::NotOffered {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        }
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let answer: Arc<[u8]> = answer("200 OK", "{}").into();
        Server::new(move |stream, heads| {
            let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
            async move {
                match acceptor.accept(stream).into_fallible().await {
                    Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                        serve_http2(stream, self.http2).await;
                    }
                    Ok(stream) => answer_all(stream, heads, answer).await,
                    // Closing at once could take the alert away from the client.
                    Err((_, stream)) => until_closed(stream).await,
                }
            }
        })
        .await
    }
}

async fn serve_http2(mut stream: TlsStream<TcpStream>, http2: Http2) {
    if http2 == Http2::WritesGarbage {
        let _ = stream.write_all(&[0xff; 64]).await;
        return until_closed(stream).await;
    }
    let service = hyper::service::service_fn(|_| async move {
        match http2 {
            Http2::ResetsStreams => Err("no answer"),
            _ => Ok(Response::new("{}".to_owned())),
        }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "a server");
    params.not_after = date_time_ymd(2036, 1, 31);
    params
}

/// What `openssl req -x509` makes.
fn as_ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn under(tls: &TlsOptions) -> TransportOptions {
    TransportOptions {
        tls: policy(tls),
        ..options()
    }
}

/// One request to [`HOST`] on that server.
async fn ask(server: &Server, tls: &TlsOptions) -> (Exchange, Connection) {
    let transport = Transport::new(&under(tls)).unwrap();
    let (exchange, sent) = transport.send(&get(&server.https(HOST)), AMPLE).await;
    (exchange, sent.connection.unwrap())
}

fn sha256(leaf: &Leaf) -> [u8; 32] {
    Sha256::digest(leaf.certificate.der()).into()
}

type Versions = &'static [&'static SupportedProtocolVersion];
static ONLY_TLS13: Versions = &[&TLS13];
static ONLY_TLS12: Versions = &[&TLS12];

/// `2036-01-31T00:00:00Z`
const NOT_AFTER: i64 = 2_085_350_400;

#[tokio::test]
async fn a_good_certificate_is_accepted_and_seen() {
    let authority = Authority::new();
    for (versions, name) in [(ONLY_TLS13, "1.3"), (ONLY_TLS12, "1.2")] {
        let leaf = authority.leaf(&[HOST]);
        let mut server = TlsServer::with(&leaf).speaking(versions);
        server.chain.push(authority.issuer.as_ref().clone());
        let (exchange, connection) = ask(&server.start().await, &authority.trusted()).await;
        assert_eq!(exchange.unwrap().status, 200);
        assert_eq!(connection.tls_version, Some(name));
        assert!(connection.tls.is_some() && connection.connect.is_some());
        let shown = &connection.certificates;
        assert_eq!(shown.len(), 2, "the leaf and what came with it");
        assert_eq!(
            (shown[0].sha256, shown[0].not_after),
            (sha256(&leaf), NOT_AFTER)
        );
    }
}

/// Refused with these words, and seen all the same.
async fn refused(leaf: Leaf, tls: &TlsOptions, words: &str) {
    let server = TlsServer::with(&leaf).start().await;
    let (exchange, connection) = ask(&server, tls).await;
    let error = exchange.expect_err(words);
    assert_eq!(error.kind, TransportErrorKind::Tls);
    assert_eq!(error.detail, words);
    assert!(error.before_connected);
    assert_eq!(connection.certificates.len(), 1, "{words}");
    assert_eq!(connection.certificates[0].sha256, sha256(&leaf), "{words}");
    assert_eq!(server.heads().len(), 0, "{words}");
}

#[tokio::test]
async fn a_wrong_certificate_is_seen_and_explained() {
    let authority = Authority::new();
    let expired = authority.issue(&[HOST], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 2, 3);
    });
    let early = authority.issue(&[HOST], |params| {
        params.not_before = date_time_ymd(2035, 4, 5);
    });
    let for_clients = authority.issue(&[HOST], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for (leaf, words) in [
        (expired, "the certificate expired on 2021-02-03"),
        (early, "the certificate is not valid before 2035-04-05"),
        (for_clients, "the certificate is not one for servers"),
        (
            authority.leaf(&["a.test", "b.test"]),
            "the certificate is not for registry.test: it holds a.test, b.test",
        ),
        (
            authority.leaf(&[]),
            "the certificate is not for registry.test: it holds no name (a subjectAltName, a common name does not count)",
        ),
    ] {
        refused(leaf, &authority.trusted(), words).await;
    }
}

#[tokio::test]
async fn the_dates_of_an_issuer_are_not_said_of_the_server() {
    let root = Authority::new();
    let key = KeyPair::generate().unwrap();
    let mut between = params(&[]);
    as_ca(&mut between);
    between.not_before = date_time_ymd(2020, 1, 1);
    between.not_after = date_time_ymd(2021, 2, 3);
    between
        .distinguished_name
        .push(DnType::CommonName, "between");
    let issuer = CertifiedIssuer::signed_by(between, key, &root.issuer).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params(&[HOST]).signed_by(&key, &issuer).unwrap();
    let leaf = Leaf { certificate, key };
    let mut server = TlsServer::with(&leaf);
    server.chain.push(issuer.as_ref().clone());
    let (exchange, connection) = ask(&server.start().await, &root.trusted()).await;
    assert_eq!(
        exchange.unwrap_err().detail,
        "a certificate above the server's own expired on 2021-02-03"
    );
    let ends: Vec<_> = connection
        .certificates
        .iter()
        .map(|it| it.not_after)
        .collect();
    assert_eq!(ends, [NOT_AFTER, 1_612_310_400]);
}

#[tokio::test]
async fn every_root_of_a_file_counts() {
    let (first, second) = (Authority::named("first"), Authority::named("second"));
    let home_made = Leaf::self_signed(&[HOST], as_ca);
    let all = [
        first.issuer.pem(),
        second.issuer.pem(),
        home_made.certificate.pem(),
    ];
    let tls = TlsOptions {
        ca_file: Some(first.file("all.pem", &all.join("\n# a comment\n"))),
        ..TlsOptions::default()
    };
    for leaf in [first.leaf(&[HOST]), second.leaf(&[HOST]), home_made] {
        let (exchange, _) = ask(&TlsServer::with(&leaf).start().await, &tls).await;
        assert_eq!(exchange.unwrap().status, 200);
    }
}

#[tokio::test]
async fn the_oldest_version_is_kept() {
    let authority = Authority::new();
    let modern = TlsOptions {
        min_version: TlsVersion::Tls13,
        ..authority.trusted()
    };
    for (versions, tls, expected) in [
        (ONLY_TLS12, &authority.trusted(), Ok("1.2")),
        (rustls::ALL_VERSIONS, &modern, Ok("1.3")),
        (
            ONLY_TLS12,
            &modern,
            Err("the server does not speak TLS 1.3, which tls.min_version asks for"),
        ),
    ] {
        let leaf = authority.leaf(&[HOST, "other.test"]);
        let server = TlsServer::with(&leaf).speaking(versions).start().await;
        // Token hosts are held to it too.
        for host in [HOST, "other.test"] {
            let transport = Transport::new(&under(tls)).unwrap();
            let (exchange, sent) = transport.send(&get(&server.https(host)), AMPLE).await;
            let found = match &exchange {
                Ok(_) => Ok(sent.connection.unwrap().tls_version.unwrap()),
                Err(error) => Err(error.detail.as_str()),
            };
            assert_eq!(found, expected, "{host}");
        }
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_seen_and_explained() {
    let authority = Authority::new();
    let trusted = authority.trusted();
    let nobody = TlsOptions::default();
    let self_signed = "the certificate is self-signed and not trusted: name it as tls.ca_file";
    for (leaf, tls, words) in [
        (
            Authority::named("another root").leaf(&[HOST]),
            &trusted,
            "the certificate's issuer is unknown: name its root as tls.ca_file",
        ),
        (
            Authority::new().leaf(&[HOST]),
            &trusted,
            "the certificate is signed with another key than its issuer's: renew tls.ca_file",
        ),
        (Leaf::self_signed(&[HOST], |_| ()), &nobody, self_signed),
        (Leaf::self_signed(&[HOST], as_ca), &nobody, self_signed),
        (Leaf::self_signed(&[HOST], as_ca), &trusted, self_signed),
    ] {
        refused(leaf, tls, words).await;
    }
}

#[tokio::test]
async fn a_configured_certificate_is_accepted_by_exact_match() {
    let files = Authority::new();
    let past = |params: &mut CertificateParams| {
        as_ca(params);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 2, 3);
    };
    for (leaf, refusal) in [
        (Leaf::self_signed(&[HOST], |_| ()), None),
        (Leaf::self_signed(&[HOST], as_ca), None),
        (
            Leaf::self_signed(&[HOST], past),
            Some("the certificate expired on 2021-02-03"),
        ),
        (
            Leaf::self_signed(&["else.test"], as_ca),
            Some("the certificate is not for registry.test: it holds else.test"),
        ),
    ] {
        let tls = TlsOptions {
            ca_file: Some(files.file("server.pem", &leaf.certificate.pem())),
            ..TlsOptions::default()
        };
        let (exchange, _) = ask(&TlsServer::with(&leaf).start().await, &tls).await;
        assert_eq!(exchange.err().map(|error| error.detail).as_deref(), refusal);
        // Another one with the same names is another certificate.
        let twin = Leaf::self_signed(&[HOST], as_ca);
        let (exchange, _) = ask(&TlsServer::with(&twin).start().await, &tls).await;
        assert_eq!(
            exchange.expect_err("not the same").kind,
            TransportErrorKind::Tls
        );
    }
}

#[tokio::test]
async fn skipping_verification_is_for_the_own_host_alone() {
    let leaf = Leaf::self_signed(&["else.test"], |params| {
        params.not_after = date_time_ymd(2021, 2, 3);
        params.not_before = date_time_ymd(2020, 1, 1);
    });
    let server = TlsServer::with(&leaf).start().await;
    let insecure = TlsOptions {
        insecure_skip_verify: true,
        ..TlsOptions::default()
    };
    let transport = Transport::new(&under(&insecure)).unwrap();
    let (exchange, sent) = transport.send(&get(&server.https(HOST)), AMPLE).await;
    assert_eq!(exchange.unwrap().status, 200);
    assert_eq!(
        sent.connection.unwrap().certificates[0].sha256,
        sha256(&leaf)
    );
    let (exchange, _) = transport
        .send(&get(&server.https("other.test")), AMPLE)
        .await;
    let error = exchange.expect_err("another host is verified");
    assert_eq!(error.kind, TransportErrorKind::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_asked_for_and_shown() {
    let authority = Authority::new();
    let client = authority.issue(&[], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let with_identity = TlsOptions {
        cert_file: Some(authority.file("client.pem", &client.certificate.pem())),
        key_file: Some(authority.file("client.key", &client.key.serialize_pem())),
        ..authority.trusted()
    };
    assert_eq!(
        policy(&with_identity).client_certificate_not_after(),
        Some(NOT_AFTER)
    );
    assert_eq!(
        policy(&authority.trusted()).client_certificate_not_after(),
        None
    );
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        let server = TlsServer::with(&authority.leaf(&[HOST, "other.test"]))
            .requiring_clients_of(&authority)
            .speaking(versions)
            .start()
            .await;
        let (exchange, _) = ask(&server, &with_identity).await;
        assert_eq!(exchange.unwrap().status, 200);
        let (exchange, connection) = ask(&server, &authority.trusted()).await;
        let error = exchange.expect_err("no certificate is shown");
        assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
        assert_eq!(
            error.detail,
            "the server requires a client certificate: set tls.cert_file and tls.key_file"
        );
        assert_eq!(connection.certificates.len(), 1);
        let transport = Transport::new(&under(&with_identity)).unwrap();
        let (exchange, _) = transport
            .send(&get(&server.https("other.test")), AMPLE)
            .await;
        let error = exchange.expect_err("it is not shown to another host");
        assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    }
}

#[tokio::test]
async fn another_name_can_be_asked_for_and_verified() {
    let authority = Authority::new();
    let server = TlsServer::with(&authority.leaf(&["inner.test"]))
        .http2(Http2::Answers)
        .start()
        .await;
    let tls = TlsOptions {
        server_name: Some("Inner.test".to_owned()),
        ..authority.trusted()
    };
    let (exchange, connection) = ask(&server, &tls).await;
    assert_eq!(exchange.unwrap().http_version, "1.1");
    assert!(connection.resolve.is_some() && connection.address.is_some());
    let head = &server.heads()[0];
    let host = format!("host: {HOST}:{}\r\n", server.address.port());
    assert!(head.contains(&host), "{head}");
    let transport = Transport::new(&under(&tls)).unwrap();
    let (exchange, _) = transport
        .send(&get(&server.https("other.test")), AMPLE)
        .await;
    let error = exchange.expect_err("another host keeps its own name");
    assert!(error.detail.contains("not for other.test"), "{error}");
}

#[tokio::test]
async fn http2_is_used_where_both_sides_want_it() {
    let authority = Authority::new();
    for (offered, wanted, version) in [
        (Http2::Answers, true, "2"),
        (Http2::Answers, false, "1.1"),
        (Http2::NotOffered, true, "1.1"),
    ] {
        let server = TlsServer::with(&authority.leaf(&[HOST]))
            .http2(offered)
            .start()
            .await;
        let mut options = under(&authority.trusted());
        options.http2 = wanted;
        let transport = Transport::new(&options).unwrap();
        for _ in 0..3 {
            let (exchange, _) = transport.send(&get(&server.https(HOST)), AMPLE).await;
            let reply = exchange.unwrap();
            assert_eq!(
                (reply.http_version, reply.body.as_ref()),
                (version, &b"{}"[..])
            );
        }
        assert_eq!((transport.connections(), transport.handshakes()), (1, 1));
    }
}

#[tokio::test]
async fn faults_of_http2_have_the_kinds_of_http1() {
    let authority = Authority::new();
    for (fault, kind) in [
        (Http2::ResetsStreams, TransportErrorKind::Reset),
        (Http2::WritesGarbage, TransportErrorKind::Protocol),
    ] {
        let server = TlsServer::with(&authority.leaf(&[HOST]))
            .http2(fault)
            .start()
            .await;
        let (exchange, _) = ask(&server, &authority.trusted()).await;
        let error = exchange.expect_err("no answer");
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.before_connected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_transport_does_one_full_handshake_for_an_origin() {
    let authority = Authority::new();
    for versions in [ONLY_TLS13, ONLY_TLS12] {
        let leaf = authority.leaf(&[HOST, "other.test"]);
        let server = TlsServer::with(&leaf).speaking(versions).start().await;
        let options = under(&authority.trusted());
        for cycle in 1..=3 {
            let transport = Transport::new(&options).unwrap();
            for host in [HOST, "other.test"] {
                for request in 0..5 {
                    let (exchange, sent) = transport.send(&get(&server.https(host)), AMPLE).await;
                    exchange.unwrap();
                    // A resumed handshake would show no certificate.
                    let shown = sent.connection.map(|fresh| fresh.certificates.len());
                    assert_eq!(shown, (request == 0).then_some(1));
                }
            }
            assert_eq!((transport.connections(), transport.handshakes()), (2, 2));
            assert_eq!(server.connections(), 2 * cycle);
        }
    }
}
