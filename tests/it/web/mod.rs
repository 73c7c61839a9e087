//! The own port under a web configuration file: over TLS, with users, with limits,
//! and while the file changes.

mod clients;
mod daemon;
mod file;
mod https;
mod pieces;
mod promtool;
mod renewal;
mod tls;
mod users;

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use oci_registry_exporter::{
    exposition::{Coding, Format, Page, Scope},
    report::Audience,
    server::{
        Answering, Options, PageError, Pages, ProbeRefusal, Probing, Reloading, ShowEvidence,
        Sought, StatusPage, Web, serve,
    },
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A folder with a web configuration file.
struct Folder(TempDir);

impl Folder {
    fn new(config: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write(config);
        folder
    }

    fn write(&self, config: &str) {
        // As Kubernetes and every careful editor does it.
        let draft = self.0.path().join("draft");
        fs::write(&draft, config).expect("a file in the own folder");
        fs::rename(draft, self.file()).expect("within the own folder");
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("web.yml")
    }
}

/// A served port under a web configuration file.
struct Port {
    folder: Folder,
    address: SocketAddr,
    web: Arc<Web>,
    shut: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

impl Port {
    async fn open(config: &str) -> Self {
        Self::showing(ShowEvidence::Auth, config).await
    }

    async fn showing(show_evidence: ShowEvidence, config: &str) -> Self {
        let options = Options {
            show_evidence,
            ..Options::default()
        };
        Self::with(options, Fixed::default(), config).await
    }

    async fn with(options: Options, pages: Fixed, config: &str) -> Self {
        let folder = Folder::new(config);
        let web = Web::load(&folder.file()).unwrap_or_else(|errors| panic!("{errors}"));
        let web = Arc::new(web);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let options = Options {
            web: Some(Arc::clone(&web)),
            ..options
        };
        let (shut, wait) = oneshot::channel::<()>();
        let shutdown = async move { drop(wait.await) };
        let serving = serve(vec![listener], Arc::new(pages), options, shutdown);
        Self {
            folder,
            address,
            web,
            shut: Some(shut),
            serving: Some(tokio::spawn(serving)),
        }
    }

    async fn end(mut self) {
        drop(self.shut.take());
        self.serving
            .take()
            .expect("it serves")
            .await
            .expect("no panic");
    }
}

/// Pages that are always the same.
struct Fixed {
    metrics: Page,
}

impl Default for Fixed {
    fn default() -> Self {
        Self {
            metrics: "oci_registry_up 1\n".to_owned().into(),
        }
    }
}

impl Pages for Fixed {
    fn metrics(&self, _: Format, _: Scope, _: Coding) -> Result<Option<Page>, PageError> {
        Ok(Some(self.metrics.clone()))
    }

    fn configuration(&self, _: Audience) -> String {
        String::new()
    }

    fn probe(self: Arc<Self>, _: Probing) -> Answering {
        Box::pin(async { Err(ProbeRefusal::NotConfigured) })
    }

    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError> {
        Ok(Some(format!("{}://{}{}", at.scheme, at.address, at.path)))
    }

    fn reports(&self, _: Option<&str>, audience: Audience) -> Result<Option<String>, PageError> {
        Ok(Some(format!("for {audience:?}")))
    }

    fn status(&self, _: &str, audience: Audience) -> Result<StatusPage, PageError> {
        Ok(StatusPage {
            html: format!("for {audience:?}"),
            found: true,
        })
    }

    fn heartbeat(&self) -> Option<SystemTime> {
        None
    }

    fn ready(&self) -> bool {
        true
    }

    fn reload(self: Arc<Self>) -> Reloading {
        Box::pin(async { Ok(()) })
    }
}

/// `tls_server_config` with this certificate, and these further lines.
fn tls_section(cert: &Path, key: &Path, further: &[String]) -> String {
    let mut section = format!(
        "tls_server_config:\n  cert_file: {}\n  key_file: {}\n",
        cert.display(),
        key.display()
    );
    for line in further {
        writeln!(section, "  {line}").expect("a string");
    }
    section
}

/// `basic_auth_users` with these passwords, hashed cheaply.
fn users_section(users: &[(&str, &str)]) -> String {
    let mut section = "basic_auth_users:\n".to_owned();
    for (name, password) in users {
        let hash = bcrypt::hash(password, 4).expect("a hash");
        writeln!(section, "  {name}: {hash}").expect("a string");
    }
    section
}
