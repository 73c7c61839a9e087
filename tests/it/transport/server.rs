//! Servers written by hand: what they do on a connection is a closure.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Stops when it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    heads: Heads,
    task: JoinHandle<()>,
}

/// The request heads that a server has read.
#[derive(Clone, Default)]
pub(super) struct Heads(Arc<Mutex<Vec<String>>>);

impl Server {
    /// Does the same on every connection.
    pub(super) async fn new<F, Fut>(behave: F) -> Self
    where
        F: Fn(TcpStream, Heads) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let heads = Heads::default();
        let (counter, seen) = (Arc::clone(&connections), heads.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(behave(stream, seen.clone()));
            }
        });
        Self {
            address,
            connections,
            heads,
            task,
        }
    }

    /// Gives every request on every connection the same bytes.
    pub(super) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::new(move |stream, heads| answer_all(stream, heads, Arc::clone(&answer))).await
    }

    /// Reads one head, writes these bytes, and closes.
    pub(super) async fn closing_after(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::new(move |mut stream, heads| {
            let answer = Arc::clone(&answer);
            async move {
                heads.read(&mut stream).await;
                let _ = stream.write_all(&answer).await;
            }
        })
        .await
    }

    /// Reads one head, writes these bytes, and stands still.
    pub(super) async fn hanging_after(answer: impl Into<Vec<u8>>) -> Self {
        let answer: Arc<[u8]> = answer.into().into();
        Self::new(move |mut stream, heads| {
            let answer = Arc::clone(&answer);
            async move {
                heads.read(&mut stream).await;
                let _ = stream.write_all(&answer).await;
                until_closed(stream).await;
            }
        })
        .await
    }

    /// Reads one head, writes the first bytes, and the others again and again.
    pub(super) async fn endless(first: impl Into<Vec<u8>>, again: impl Into<Vec<u8>>) -> Self {
        let (first, again): (Arc<[u8]>, Arc<[u8]>) = (first.into().into(), again.into().into());
        Self::new(move |mut stream, heads| {
            let (first, again) = (Arc::clone(&first), Arc::clone(&again));
            async move {
                heads.read(&mut stream).await;
                let mut result = stream.write_all(&first).await;
                while result.is_ok() {
                    result = stream.write_all(&again).await;
                }
            }
        })
        .await
    }

    /// `http://127.0.0.1:<port><path>`
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `https://<host>:<port>/v2/`
    pub(super) fn https(&self, host: &str) -> String {
        format!("https://{host}:{}/v2/", self.address.port())
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Every head read so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.all()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heads {
    /// Every head read so far.
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Reads one head (and no body); `false` at the connection's end.
    pub(super) async fn read(&self, stream: &mut (impl AsyncRead + Unpin)) -> bool {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return false,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        self.0.lock().unwrap().push(head);
        true
    }
}

/// Answers until the client closes.
pub(super) async fn answer_all(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    heads: Heads,
    answer: Arc<[u8]>,
) {
    while heads.read(&mut stream).await {
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

/// Reads and forgets until the client closes.
pub(super) async fn until_closed(mut stream: impl AsyncRead + Unpin) {
    let mut sink = [0; 1024];
    while matches!(stream.read(&mut sink).await, Ok(read) if read > 0) {}
}

/// An answer with this status and body, on a connection that stays.
pub(super) fn answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
