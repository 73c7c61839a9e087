//! A client over TLS, which shares nothing with the exporter.

use std::{fs, io, net::SocketAddr, path::Path, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
    crypto::{CryptoProvider, SupportedKxGroup, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::lab::certificates::Pair;

/// How a client speaks.
#[derive(Clone)]
pub(super) struct Client {
    roots: RootCertStore,
    identity: Option<Pair>,
    alpn: Vec<Vec<u8>>,
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: CryptoProvider,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("text")
    }
}

impl Client {
    /// Trusts this file, and offers HTTP/2 and HTTP/1.1.
    pub(super) fn trusting(root: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(root).expect("a file") {
            roots.add(certificate.expect("PEM")).expect("a root");
        }
        Self {
            roots,
            identity: None,
            alpn: vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            versions: rustls::ALL_VERSIONS.to_vec(),
            provider: ring::default_provider(),
        }
    }

    pub(super) fn showing(mut self, pair: &Pair) -> Self {
        self.identity = Some(pair.clone());
        self
    }

    pub(super) fn offering(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        self
    }

    pub(super) fn speaking(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    pub(super) fn suites(mut self, suites: &[SupportedCipherSuite]) -> Self {
        self.provider.cipher_suites = suites.to_vec();
        self
    }

    pub(super) fn groups(mut self, groups: &[&'static dyn SupportedKxGroup]) -> Self {
        self.provider.kx_groups = groups.to_vec();
        self
    }

    pub(super) async fn connect(&self, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(Arc::new(self.provider.clone()))
            .with_protocol_versions(&self.versions)
            .expect("versions")
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(pair) => {
                let chain = CertificateDer::pem_file_iter(&pair.cert)
                    .expect("a file")
                    .collect::<Result<_, _>>()
                    .expect("PEM");
                let key = PrivateKeyDer::from_pem_slice(&fs::read(&pair.key).expect("a file"));
                builder
                    .with_client_auth_cert(chain, key.expect("a key"))
                    .expect("a pair")
            }
        };
        config.alpn_protocols.clone_from(&self.alpn);
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").expect("a name");
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }

    /// A connection for several requests.
    pub(super) async fn keep(&self, address: SocketAddr) -> Kept {
        let stream = self.connect(address).await.expect("a connection");
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Kept::over(stream, http2).await.expect("a connection")
    }

    /// Asks for a path, without further headers.
    pub(super) async fn get(&self, address: SocketAddr, path: &str) -> Result<Answer, String> {
        self.ask(address, "GET", path, None).await
    }

    pub(super) async fn ask(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        authorization: Option<&str>,
    ) -> Result<Answer, String> {
        let stream = self
            .connect(address)
            .await
            .map_err(|error| error.to_string())?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let mut request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("host", "localhost");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Empty::new()).expect("a request");
        send(stream, request, http2).await
    }
}

/// One request over plain HTTP.
pub(super) async fn plain(
    address: SocketAddr,
    path: &str,
    authorization: Option<&str>,
) -> Result<Answer, String> {
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let mut request = Request::get(path).header("host", "localhost");
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    send(
        stream,
        request.body(Empty::new()).expect("a request"),
        false,
    )
    .await
}

/// The value of an `Authorization` header.
pub(super) fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

async fn send<S>(stream: S, request: Request<Empty<Bytes>>, http2: bool) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut kept = Kept::over(stream, http2).await?;
    kept.send(request).await
}

/// A connection that goes on after an answer.
pub(super) struct Kept {
    sender: Sender,
    connection: JoinHandle<()>,
}

enum Sender {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(http2::SendRequest<Empty<Bytes>>),
}

impl Kept {
    async fn over<S>(stream: S, http2: bool) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = TokioIo::new(stream);
        if http2 {
            // What is longer and not read stalls.
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(65_535)
                .handshake(stream)
                .await
                .map_err(said)?;
            Ok(Self {
                sender: Sender::Http2(sender),
                connection: tokio::spawn(async move { drop(connection.await) }),
            })
        } else {
            let (sender, connection) = http1::handshake(stream).await.map_err(said)?;
            Ok(Self {
                sender: Sender::Http1(sender),
                connection: tokio::spawn(async move { drop(connection.await) }),
            })
        }
    }

    /// Asks for a path.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, String> {
        let request = Request::get(format!("https://localhost{path}")).header("host", "localhost");
        self.send(request.body(Empty::new()).expect("a request"))
            .await
    }

    /// Asks for a path, and reads nothing of the answer but its head.
    pub(super) async fn begin(&mut self, path: &str) -> Response<Incoming> {
        let request = Request::get(format!("https://localhost{path}")).header("host", "localhost");
        let request = request.body(Empty::new()).expect("a request");
        self.respond(request).await.expect("an answer")
    }

    /// Waits until the server has ended the connection.
    pub(super) async fn ended(self) {
        let Self { sender, connection } = self;
        connection.await.expect("no panic");
        drop(sender);
    }

    async fn respond(
        &mut self,
        mut request: Request<Empty<Bytes>>,
    ) -> Result<Response<Incoming>, String> {
        match &mut self.sender {
            Sender::Http1(sender) => {
                *request.uri_mut() = request.uri().path().parse().expect("a path");
                sender.send_request(request).await.map_err(said)
            }
            Sender::Http2(sender) => sender.send_request(request).await.map_err(said),
        }
    }

    async fn send(&mut self, request: Request<Empty<Bytes>>) -> Result<Answer, String> {
        let (head, body) = self.respond(request).await?.into_parts();
        let body = body.collect().await.map_err(said)?.to_bytes();
        Ok(Answer {
            status: head.status.as_u16(),
            version: head.version,
            headers: head.headers,
            body,
        })
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the form that `map_err` takes"
)]
fn said(error: hyper::Error) -> String {
    format!("{error:?}")
}
