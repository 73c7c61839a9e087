//! The routes of the daemon's own port.
//!
//! What stands on the pages comes from [`Pages`]; this room knows the ways to
//! them, and how to keep a port open that anybody may knock at: every head has
//! a deadline, connections and requests have a bound, nobody can hold one by
//! reading slowly.
//!
//! HTTP/1.1 only: without TLS no scraper speaks anything else, and it leaves out
//! a preface to wait for and streams to bound.

mod answer;
mod encoding;
mod landing;
mod patient;
mod probing;
mod query;
mod routes;

use std::{
    convert::Infallible,
    error::Error,
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use url::Url;

use crate::{
    exposition::{Format, Scope},
    outcome::CheckName,
};
use patient::Patient;
use routes::Site;

/// What the routes show. Asked on a thread of its own: it may take its time.
pub trait Pages: Send + Sync + 'static {
    /// The metrics in this format.
    fn metrics(&self, format: Format, scope: Scope) -> Result<Option<String>, PageError>;
    /// The reports as JSON, of all registries or of one; `None` where no such
    /// registry is configured.
    fn reports(&self, registry: Option<&str>) -> Result<Option<String>, PageError>;
    /// When the scheduler last showed that it lives; `None` before it began.
    fn heartbeat(&self) -> Option<SystemTime>;
    /// Whether the configuration is loaded and the scheduler runs.
    fn ready(&self) -> bool;
    /// One registry for whoever asks.
    fn probe(self: Arc<Self>, ask: Probing) -> Answering;
    /// The registries that may be probed, as Prometheus' HTTP service discovery
    /// wants them; `None` where none may be.
    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError>;
    /// Reads the configuration again; what is wrong with it, if that is so.
    fn reload(self: Arc<Self>) -> Reloading;
}

/// What a request to `/probe` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probing {
    /// The name of a registry.
    pub target: String,
    /// The checks that are named; none: those that only read.
    pub checks: Vec<CheckName>,
    /// Also what is young.
    pub force: bool,
    /// For a person.
    pub debug: bool,
    /// How long an answer may take.
    pub timeout: Duration,
    /// The form of the answer.
    pub format: Format,
}

/// Why a probe is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeRefusal {
    /// No registry has this name.
    NotConfigured,
    /// The registry may not be probed.
    NotEnabled,
    /// The answer could not be made.
    Failed(String),
}

/// Where whoever asks for service discovery finds this exporter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// `http` or `https`.
    pub scheme: String,
    /// Host, and port where it has one.
    pub address: String,
    /// The path of the probes.
    pub path: String,
}

/// A probe that goes on.
pub type Answering = Pin<Box<dyn Future<Output = Result<String, ProbeRefusal>> + Send>>;

/// A reload that goes on.
pub type Reloading = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// Why a page could not be made.
pub type PageError = Box<dyn Error + Send + Sync>;

/// How the port is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where the metrics are; begins with `/`.
    pub telemetry_path: String,
    /// What stands in front of every route: empty, or a path without a slash at its end.
    pub route_prefix: String,
    /// Where people and Prometheus reach this port, if not where their requests say.
    pub external_url: Option<Url>,
    /// Whether `POST /-/reload` reloads.
    pub lifecycle: bool,
    /// How many pages are made and sent at once; beyond it: 503. 0: no bound.
    pub max_requests: usize,
    /// How many connections stand at once; beyond it they wait to be accepted.
    pub max_connections: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            telemetry_path: "/metrics".to_owned(),
            route_prefix: String::new(),
            external_url: None,
            lifecycle: false,
            max_requests: 40,
            max_connections: 512,
        }
    }
}

/// Serves the pages until `shutdown`, then lets the requests that are under way
/// end, for at most [`GRACE`].
pub async fn serve<P: Pages>(
    listeners: Vec<TcpListener>,
    pages: Arc<P>,
    options: Options,
    shutdown: impl Future<Output = ()>,
) {
    let port = Port {
        connections: Arc::new(Semaphore::new(options.max_connections)),
        open: GracefulShutdown::new(),
        site: Arc::new(Site::new(pages, options)),
    };
    let accepting = join_all(listeners.into_iter().map(|listener| port.accept(listener)));
    tokio::select! {
        () = shutdown => {}
        // Never without listeners to accept from.
        _ = accepting => {}
    }
    if timeout(GRACE, port.open.shutdown()).await.is_err() {
        tracing::warn!("requests did not end in time and were cut off");
    }
}

/// How long requests may go on after the shutdown.
pub const GRACE: Duration = Duration::from_secs(5);

struct Port {
    site: Arc<Site>,
    connections: Arc<Semaphore>,
    open: GracefulShutdown,
}

impl Port {
    async fn accept(&self, listener: TcpListener) {
        loop {
            let Ok(permit) = Arc::clone(&self.connections).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let site = Arc::clone(&self.site);
                    tokio::spawn(converse(stream, site, self.open.watcher(), permit));
                }
                Err(error) if of_one_connection(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory: trying at once would only turn in circles.
                    tracing::warn!(%error, "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// One connection from its first byte to its last.
async fn converse(
    stream: TcpStream,
    site: Arc<Site>,
    watcher: Watcher,
    _permit: OwnedSemaphorePermit,
) {
    // Fails on a connection that is already gone.
    let _ = stream.set_nodelay(true);
    let asked = AtomicBool::new(false);
    let service = service_fn(|request| {
        asked.store(true, Ordering::Relaxed);
        let site = Arc::clone(&site);
        async move { Ok::<_, Infallible>(site.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_header_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(Patient::new(stream, WRITE_TIMEOUT)), service);
    let mut connection = std::pin::pin!(watcher.watch(connection));
    tokio::select! {
        ended = &mut connection => return log(ended),
        () = sleep(HEAD_TIMEOUT) => {}
    }
    // hyper has one timeout for an idle connection and for a slow head; who has
    // not managed a single request yet does not get the long one.
    if asked.load(Ordering::Relaxed) {
        log(connection.await);
    }
}

fn log<E: fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// Whether the failure is the knocking one's own, and the next may be well.
fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// From accepting to the end of the first head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From one answer to the end of the next head; longer than the usual scrape
/// intervals, so that a scraper keeps its connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(150);
/// How long a client may take nothing of an answer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const LARGEST_HEAD: usize = 32 * 1024;
const MOST_HEADERS: usize = 100;
