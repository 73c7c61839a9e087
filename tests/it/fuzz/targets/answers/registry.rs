//! A registry of raw bytes: it writes what it was told, well-formed or not.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use oci_registry_exporter::{exchange::Operation, oci::Digest};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What stands in an input: how the registry wants to be asked, and what it answers.
pub(super) fn parse(input: &[u8]) -> (&'static str, BTreeMap<&'static str, Vec<u8>>) {
    let mut mode = "bearer";
    let mut answers: BTreeMap<&'static str, Vec<u8>> = BTreeMap::new();
    let mut current = None;
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        let word = line.trim_ascii_end();
        let operation = word.strip_prefix(b"@").and_then(|word| {
            let mut known = Operation::ALL.iter().map(|(_, known)| *known);
            known.find(|known| known.as_bytes() == word)
        });
        if let Some(operation) = operation {
            current = Some(operation);
            answers.insert(operation, Vec::new());
        } else if let Some(answer) = current.and_then(|it| answers.get_mut(it)) {
            answer.extend_from_slice(line);
        } else if let Some(known) = MODES.iter().find(|known| known.as_bytes() == word) {
            mode = known;
        }
    }
    (mode, answers)
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) raw: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Registry {
    mode: &'static str,
    answers: BTreeMap<&'static str, Vec<u8>>,
    pub(super) origin: String,
    foreign: String,
    asked: Mutex<Vec<(bool, Asked)>>,
    turns: AtomicUsize,
}

impl Registry {
    pub(super) fn new(
        mode: &'static str,
        answers: BTreeMap<&'static str, Vec<u8>>,
        origin: String,
        foreign: String,
    ) -> Self {
        Self {
            mode,
            answers,
            origin,
            foreign,
            asked: Mutex::default(),
            turns: AtomicUsize::new(0),
        }
    }

    /// The requests to its own address, or to the other one.
    pub(super) fn requests(&self, own: bool) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let of = asked.iter().filter(|(to_own, _)| *to_own == own);
        of.map(|(_, request)| request.clone()).collect()
    }

    /// Counts whatever happens at its ports.
    pub(super) fn turns(&self) -> usize {
        self.turns.load(Ordering::Relaxed)
    }

    fn turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer, and whether the connection stands after it.
    fn answer(&self, head: &str) -> (Vec<u8>, bool) {
        let operation = operation(head);
        let Some(told) = self.answers.get(operation.as_str()) else {
            return (self.good(operation).into_bytes(), true);
        };
        let authorization = head.split("\r\n").find_map(|line| {
            line.to_ascii_lowercase()
                .starts_with("authorization: ")
                .then(|| &line[15..])
        });
        let told = replaced(told, b"ORIGIN", self.origin.as_bytes());
        let told = replaced(&told, b"FOREIGN", self.foreign.as_bytes());
        (
            replaced(&told, b"ECHO", authorization.unwrap_or_default().as_bytes()),
            false,
        )
    }

    /// What a good registry answers.
    fn good(&self, operation: Operation) -> String {
        let digest = Digest::of(MANIFEST.as_bytes());
        let described = format!(
            "Content-Type: application/vnd.oci.image.manifest.v1+json\r\nDocker-Content-Digest: {digest}"
        );
        let challenge = match self.mode {
            "basic" => "Basic realm=\"fuzz\"".to_owned(),
            _ => format!("Bearer realm=\"{}/token\",service=\"fuzz\"", self.origin),
        };
        let gone = |code: &str| {
            format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"unknown\"}}]}}")
        };
        match operation {
            Operation::Ping => {
                let headers = format!(
                    "WWW-Authenticate: {challenge}\r\nDocker-Distribution-Api-Version: registry/2.0"
                );
                http(401, &headers, &gone("UNAUTHORIZED"))
            }
            Operation::PingAuth => http(200, JSON, "{}"),
            Operation::Token => http(200, JSON, r#"{"token":"t0ken-canary","expires_in":300}"#),
            Operation::ManifestHead => {
                format!(
                    "HTTP/1.1 200 OK\r\n{described}\r\nContent-Length: {}\r\n\r\n",
                    MANIFEST.len()
                )
            }
            Operation::ManifestGet => http(200, &described, MANIFEST),
            Operation::Referrers => http(
                200,
                "Content-Type: application/vnd.oci.image.index.v1+json\r\nOCI-Filters-Applied: artifactType",
                r#"{"schemaVersion":2,"manifests":[]}"#,
            ),
            Operation::FallbackTag => http(404, JSON, ""),
            Operation::TagsList => http(200, JSON, r#"{"name":"team/app","tags":["latest"]}"#),
            Operation::UploadStart => {
                http(202, "Location: /v2/team/app/blobs/uploads/1?_state=a", "")
            }
            Operation::UploadPatch => http(
                202,
                "Location: /v2/team/app/blobs/uploads/1?_state=b\r\nRange: 0-9",
                "",
            ),
            Operation::UploadCancel => http(204, "X: y", ""),
            Operation::Mount => http(201, "Location: /v2/team/app/blobs/x", ""),
            Operation::ManifestDelete => http(404, JSON, &gone("MANIFEST_UNKNOWN")),
            Operation::BlobDelete => http(404, JSON, &gone("BLOB_UNKNOWN")),
        }
    }
}

fn http(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// What a request asks for.
fn operation(head: &str) -> Operation {
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let authorized = head.to_ascii_lowercase().contains("\r\nauthorization:");
    let at = |part: &str| path.contains(part);
    match method {
        _ if path.starts_with("/token") => Operation::Token,
        "HEAD" if at("/manifests/sha256-") => Operation::FallbackTag,
        "HEAD" => Operation::ManifestHead,
        "POST" if at("mount=") => Operation::Mount,
        "POST" => Operation::UploadStart,
        "PATCH" => Operation::UploadPatch,
        "DELETE" if at("/uploads/") => Operation::UploadCancel,
        "DELETE" if at("/manifests/") => Operation::ManifestDelete,
        "DELETE" => Operation::BlobDelete,
        _ if at("/referrers/") => Operation::Referrers,
        _ if at("/tags/") => Operation::TagsList,
        _ if at("/manifests/") => Operation::ManifestGet,
        _ if authorized => Operation::PingAuth,
        _ => Operation::Ping,
    }
}

/// Answers at this port until it is dropped.
pub(super) async fn serve(listener: TcpListener, registry: Arc<Registry>, own: bool) {
    let mut conversations = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        registry.turn();
        conversations.spawn(converse(stream, Arc::clone(&registry), own));
    }
}

async fn converse(mut stream: TcpStream, registry: Arc<Registry>, own: bool) {
    while let Some(raw) = request(&mut stream, &registry).await {
        let head = String::from_utf8_lossy(&raw).into_owned();
        let method = head.split(' ').next().unwrap_or_default().to_owned();
        let (answer, stands) = if own {
            registry.answer(&head)
        } else {
            (http(200, JSON, r#"{"token":"f0reign"}"#).into_bytes(), true)
        };
        registry
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((own, Asked { method, raw }));
        registry.turn();
        if stream.write_all(&answer).await.is_err() || !stands {
            // Whoever goes on reading reads an end.
            let _ = stream.shutdown().await;
            return;
        }
    }
}

/// One request with its body; `None` where no further one comes.
async fn request(stream: &mut TcpStream, registry: &Registry) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&raw[..end]).to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
            if raw.len() >= end + 4 + length.unwrap_or(0_usize) {
                return Some(raw);
            }
        }
        let read = stream.read(&mut buffer).await.ok()?;
        registry.turn();
        if read == 0 {
            return None;
        }
        raw.extend_from_slice(&buffer[..read]);
    }
}

fn replaced(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

const MODES: [&str; 3] = ["anonymous", "basic", "bearer"];
const JSON: &str = "Content-Type: application/json";
const MANIFEST: &str = r#"{"schemaVersion":2,"config":{"digest":"sha256:0a00000000000000000000000000000000000000000000000000000000000000"},"layers":[]}"#;
