//! The TLS handshake with whoever has connected.

use std::{sync::Arc, time::Duration};

use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, sink},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{connection::WRITE_TIMEOUT, patient::Patient};

pub(super) type TlsStream = tokio_rustls::server::TlsStream<Patient<TcpStream>>;

/// `None`: there is nobody to speak with.
pub(super) async fn handshake(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Option<TlsStream> {
    let mut first = [0];
    // What begins with a letter is a request, and no handshake.
    if stream.peek(&mut first).await.is_ok() && first[0].is_ascii_uppercase() {
        let _ = stream.write_all(PLAIN_ON_TLS).await;
        part(&mut stream).await;
        return None;
    }
    let stream = Patient::new(stream, WRITE_TIMEOUT);
    let accepting = TlsAcceptor::from(config).accept(stream).into_fallible();
    match accepting.await {
        Ok(mut stream) => {
            // A reader that stalls costs no more than this beside the page.
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
            Some(stream)
        }
        Err((error, mut stream)) => {
            tracing::debug!(%error, "TLS handshake failed");
            part(&mut stream).await;
            None
        }
    }
}

/// Ends a connection so that the last words reach the other side: one that is
/// closed while something is still to be read is reset, and they are lost.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let _ = stream.shutdown().await;
    let mut rest = stream.take(MOST_READ_AT_PARTING);
    let _ = timeout(PARTING, copy(&mut rest, &mut sink())).await;
}

const TLS_BUFFER: usize = 16 * 1024;
/// How long the other side has to hear why a connection ends.
const PARTING: Duration = Duration::from_secs(1);
const MOST_READ_AT_PARTING: u64 = 64 * 1024;
const PLAIN_ON_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\nthis port speaks HTTPS\n";
