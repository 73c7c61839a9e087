//! A document at a server: asked for without credentials, and never elsewhere.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use oci_registry_exporter::{
    config::{LARGEST_DOCUMENT, Load, Main},
    discovery::{self, Discovery, Kind, Reader},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Folder, asked};

/// Answers every request with what it was told to.
pub(super) struct Server {
    pub(super) address: String,
    answer: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<String>>,
}

impl Server {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap().to_string(),
            answer: Arc::default(),
            asked: Arc::default(),
            heads: Arc::default(),
        };
        let (answer, asked, heads) = (
            Arc::clone(&server.answer),
            Arc::clone(&server.asked),
            Arc::clone(&server.heads),
        );
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                asked.fetch_add(1, Ordering::SeqCst);
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                heads
                    .lock()
                    .unwrap()
                    .push_str(&String::from_utf8_lossy(&head[..read]));
                let answer = answer.lock().unwrap().clone();
                // Whoever asks may have enough before the end.
                let _ = stream.write_all(&answer).await;
            }
        });
        server
    }

    pub(super) fn answers(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
        );
        *self.answer.lock().unwrap() = (head + body).into_bytes();
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn main_file(server: &Server) -> String {
    format!(
        "credentials:\n  a: {{token: S3CRET-CANARY, hosts: [r.example.com]}}\nregistry_files: [{{url: 'http://{}/teams?key=S3CRET-CANARY'}}]\nregistries: [{{name: shared, url: https://r.example.com}}]\n",
        server.address
    )
}

const GOOD: &str = "repositories: [{registry: shared, name: a/b, credentials: a}]";

/// Status, headers and body, and what is said of them; nothing of the one good answer.
fn answers(foreign: &Server) -> Vec<(&'static str, String, String, &'static str)> {
    let away = format!("location: http://{}/x\r\n", foreign.address);
    let large = format!("# {}\n", "x".repeat(2 * LARGEST_DOCUMENT));
    [
        ("404 Not Found", "", GOOD, "the server answers 404"),
        (
            "302 Found",
            away.as_str(),
            GOOD,
            "the server redirects (302), which is not followed",
        ),
        ("200 OK", "", GOOD, ""),
        (
            "200 OK",
            "",
            "repositories: [",
            ":2:1: did not find expected",
        ),
        (
            "200 OK",
            "",
            large.as_str(),
            "the document is larger than 256 KiB",
        ),
        ("500 Oops", "", "", "the server answers 500"),
        (
            "307 Temporary Redirect",
            away.as_str(),
            "",
            "the server redirects (307)",
        ),
    ]
    .map(|(status, headers, body, said)| (status, headers.to_owned(), body.to_owned(), said))
    .into()
}

#[tokio::test]
async fn what_a_server_answers_badly_is_said_and_the_last_good_document_goes_on() {
    let (server, foreign) = (Server::start().await, Server::start().await);
    let folder = Folder::new(&main_file(&server));
    let load = Load {
        path: Some(folder.path(super::MAIN)),
        default_paths: Vec::new(),
        environment: oci_registry_exporter::config::Environment::default(),
    };
    let main = Main::read(&load).unwrap();
    let mut discovery = Discovery::default();
    let config = discovery.read(&main).unwrap();
    // Nothing waits for a server.
    assert_eq!((server.asked(), asked(&config).len()), (0, 1));
    let whence = discovery.due(Kind::Remote).remove(0);
    assert!(discovery.due(Kind::Remote).is_empty());
    let reader = Reader::default();

    for (status, headers, body, expected) in answers(&foreign) {
        server.answers(status, &headers, &body);
        let look = reader.look(&whence).await;
        discovery.take(&whence, look);
        let config = discovery.compose(&main).unwrap();
        let document = &config.documents[0];
        assert_eq!(
            *document.source,
            *format!("http://{}/teams", server.address)
        );
        let said = document.problems.as_ref().map(ToString::to_string);
        let said = said.unwrap_or_default();
        assert!(
            said.contains(expected) && said.is_empty() == expected.is_empty(),
            "{status}: {said}"
        );
        assert!(!said.contains("S3CRET-CANARY"), "{said}");
        let good = server.asked() > 2;
        assert_eq!(asked(&config).len(), if good { 2 } else { 1 }, "{status}");
    }
    assert_eq!(foreign.asked(), 0);
    let heads = server.heads.lock().unwrap().to_lowercase();
    assert!(
        heads.starts_with("get /teams?key=s3cret-canary http/1.1"),
        "{heads}"
    );
    assert!(!heads.contains("authorization"), "{heads}");
}

/// A run that ends waits for it, and says what was wrong.
#[tokio::test]
async fn a_single_run_asks_the_server_too() {
    let server = Server::start().await;
    let folder = Folder::new(&main_file(&server));
    let load = Load::new(Some(folder.path(super::MAIN)));
    server.answers("200 OK", "", GOOD);
    let config = discovery::load(&load).await.unwrap();
    assert_eq!(
        asked(&config),
        ["shared/library/alpine@anonymous", "shared/a/b@a"]
    );
    server.answers("503 Service Unavailable", "", "");
    let config = discovery::load(&load).await.unwrap();
    assert_eq!(asked(&config).len(), 1);
    let said = config.documents[0].problems.as_ref().unwrap().to_string();
    assert!(said.contains("the server answers 503"), "{said}");
}
