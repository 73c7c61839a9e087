//! Streams that can be taken from hyper, and tasks that end with their connection.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

/// Runs HTTP/2 streams, and ends them with their connection.
#[derive(Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(future);
    }
}

/// A connection, with or without TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// From now on closing it resets it.
    fn reset_at_close(&self);
}

impl Stream for TcpStream {
    fn reset_at_close(&self) {
        // Fails only where the connection is gone already.
        let _ = self.set_zero_linger();
    }
}

impl Stream for TlsStream<TcpStream> {
    fn reset_at_close(&self) {
        self.get_ref().0.reset_at_close();
    }
}

/// Bytes that went over the wires of a simulator, above TLS.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    pub(crate) read: AtomicU64,
    pub(crate) written: AtomicU64,
}

/// A stream that can still be written to after hyper has let go of it.
#[derive(Clone)]
pub(crate) struct Wire {
    stream: Arc<Mutex<Box<dyn Stream>>>,
    moved: Arc<Moved>,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, moved: &Arc<Moved>) -> Self {
        Self {
            stream: Arc::new(Mutex::new(stream)),
            moved: Arc::clone(moved),
        }
    }

    /// Resets the connection once the last of its wires is dropped.
    pub(crate) fn reset(&self) {
        self.stream().reset_at_close();
    }

    fn stream(&self) -> MutexGuard<'_, Box<dyn Stream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut **self.stream()).poll_read(context, buffer);
        let read = (buffer.filled().len() - before) as u64;
        self.moved.read.fetch_add(read, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut **self.stream()).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = polled {
            self.moved
                .written
                .fetch_add(written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.stream()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut **self.stream()).poll_shutdown(context)
    }
}
