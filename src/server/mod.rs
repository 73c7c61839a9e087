//! The routes of the daemon's own port.
//!
//! What stands on the pages comes from [`Pages`]; this room knows the ways to
//! them, and how to keep a port open that anybody may knock at: every head has
//! a deadline, connections and requests have a bound, nobody can hold one by
//! reading slowly.
//!
//! Without TLS it is HTTP/1.1 alone: no scraper speaks anything else there. Over
//! TLS, which a web configuration file asks for, the handshake says which it is.

mod activity;
mod answer;
mod body;
mod connection;
mod encoding;
mod ends;
mod handshake;
mod patient;
mod probing;
mod query;
mod routes;
mod visitor;
mod web;

use std::{
    error::Error,
    io,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use url::Url;

use crate::{
    exposition::{Coding, Format, Page, Scope},
    outcome::CheckName,
    report::Audience,
};
use connection::{Door, converse};
pub use query::{address, probing, scope};
use routes::Site;
pub use visitor::{ShowEvidence, Visitor};
pub use web::Web;

/// What the routes show. Asked on a thread of its own: it may take its time.
pub trait Pages: Send + Sync + 'static {
    /// The metrics in this format; with this coding, or as they are. `None` where a
    /// registry of the scope is not configured.
    fn metrics(
        &self,
        format: Format,
        scope: Scope,
        coding: Coding,
    ) -> Result<Option<Page>, PageError>;
    /// The reports as JSON, of all registries or of one; `None` where no such
    /// registry is configured.
    fn reports(
        &self,
        registry: Option<&str>,
        audience: Audience,
    ) -> Result<Option<String>, PageError>;
    /// The status page that this query string asks for, as HTML for this audience.
    fn status(&self, query: &str, audience: Audience) -> Result<StatusPage, PageError>;
    /// When the scheduler last showed that it lives; `None` before it began.
    fn heartbeat(&self) -> Option<SystemTime>;
    /// Whether the configuration is loaded and the scheduler runs.
    fn ready(&self) -> bool;
    /// The configuration in force (YAML), without its secrets.
    fn configuration(&self, audience: Audience) -> String;
    /// One registry for whoever asks.
    fn probe(self: Arc<Self>, ask: Probing) -> Answering;
    /// The registries that may be probed, as Prometheus' HTTP service discovery
    /// wants them; `None` where none may be.
    fn service_discovery(&self, at: &Sought) -> Result<Option<String>, PageError>;
    /// Reads the configuration again; what is wrong with it, if that is so.
    fn reload(self: Arc<Self>) -> Reloading;
}

/// The status page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// The page.
    pub html: String,
    /// Whether what it was asked for is there: else it says that it is not.
    pub found: bool,
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
#[derive(Debug, Clone)]
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
    /// TLS, users, headers and rate limit; `None`: plain HTTP for anybody.
    pub web: Option<Arc<Web>>,
    /// Who is shown user names, challenges, token hosts and requests.
    pub show_evidence: ShowEvidence,
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
            web: None,
            show_evidence: ShowEvidence::Auth,
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
        stop: watch::Sender::new(()),
        crowded: watch::Sender::new(()),
        door: Arc::new(Door {
            web: options.web.clone(),
            site: Arc::new(Site::new(pages, options)),
        }),
    };
    let accepting = join_all(listeners.into_iter().map(|listener| port.accept(listener)));
    tokio::select! {
        () = shutdown => {}
        // Never without listeners to accept from.
        _ = accepting => {}
    }
    // Fails where no connection is open.
    let _ = port.stop.send(());
    if timeout(GRACE, port.stop.closed()).await.is_err() {
        tracing::warn!("requests did not end in time and were cut off");
    }
}

/// How long requests may go on after the shutdown.
pub const GRACE: Duration = Duration::from_secs(5);

struct Port {
    door: Arc<Door>,
    connections: Arc<Semaphore>,
    /// Every connection holds a receiver to its end.
    stop: watch::Sender<()>,
    /// Says to every connection that another one waits for a place.
    crowded: watch::Sender<()>,
}

impl Port {
    async fn accept(&self, listener: TcpListener) {
        loop {
            let Some(permit) = self.place().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let door = Arc::clone(&self.door);
                    let hears = [self.stop.subscribe(), self.crowded.subscribe()];
                    tokio::spawn(converse(stream, door, hears, permit));
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

impl Port {
    /// A place for one more connection. While there is none, those that hold theirs for
    /// nothing are asked for it: else a handful of idle sockets would keep scrapes out.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        let mut place = std::pin::pin!(Arc::clone(&self.connections).acquire_owned());
        loop {
            if let Ok(permit) = timeout(CROWD_PATIENCE, place.as_mut()).await {
                return permit.ok();
            }
            self.crowded.send_replace(());
        }
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

/// How long a connection waits for a place before others are asked for theirs, again and again.
const CROWD_PATIENCE: Duration = Duration::from_millis(250);
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
