//! The web configuration file at work: TLS, users, headers and rate limit.
//!
//! The file and the files that it names are looked at again while requests and
//! connections come, at most once a second, and what has changed holds from then
//! on: a renewed certificate needs no restart. A version that cannot be used is
//! logged once, and the one before it goes on. Connections of TLS end with the
//! version that they began under, after the requests under way: nobody stays in by
//! a certificate that no longer opens the door. Whether the port speaks TLS at all
//! is settled at the start, as with the toolkit: a file that would change it is
//! such a version, so that a slip never turns a port to plain HTTP.

mod bucket;
mod clients;
mod logins;
mod policy;
mod tls;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use tokio::{
    sync::watch,
    task::spawn_blocking,
    time::{Instant, timeout},
};

use super::{
    answer::{Answer, plain, with},
    visitor::Visitor,
};
use crate::config::{ConfigError, ConfigErrors, load_web};
use logins::{Logins, Proof};
pub(super) use policy::Policy;
pub(super) use tls::H2;

/// A web configuration file and what its last good version comes to.
pub struct Web {
    path: PathBuf,
    warnings: Vec<String>,
    current: RwLock<Arc<Policy>>,
    looked: Mutex<Looked>,
    renewed: watch::Sender<()>,
    logins: Logins,
}

struct Looked {
    at: Instant,
    /// A look is under way.
    now: bool,
    /// What was last said of a version that cannot be used.
    refused: Option<ConfigErrors>,
}

impl Web {
    /// Reads a file with all that it names.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its place and a hint.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        let config = load_web(path)?;
        let policy = Policy::new(&config, None)?;
        Ok(Self {
            path: path.to_owned(),
            warnings: config.warnings,
            current: RwLock::new(Arc::new(policy)),
            looked: Mutex::new(Looked {
                at: Instant::now(),
                now: false,
                refused: None,
            }),
            renewed: watch::Sender::new(()),
            logins: Logins::default(),
        })
    }

    /// What in the file is legal and probably not meant.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the port speaks TLS.
    pub fn tls(&self) -> bool {
        self.policy().tls.is_some()
    }

    /// Whether the file as it now stands asks anybody who they are.
    pub fn authenticates(&self) -> bool {
        let policy = self.policy();
        !policy.users.is_empty() || policy.verifies_clients
    }

    /// What holds now, after a look at the file where one is due.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<Policy> {
        if self.begin_look() {
            let web = Arc::clone(self);
            let look = spawn_blocking(move || web.look());
            // A file system that hangs must not hang the port; the look goes on.
            let _ = timeout(LONGEST_LOOK, look).await;
        }
        self.policy()
    }

    /// As `current`, with what tells when a newer version holds.
    pub(super) async fn current_and_next(self: &Arc<Self>) -> (Arc<Policy>, watch::Receiver<()>) {
        self.current().await;
        let current = self.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        (Arc::clone(&current), self.renewed.subscribe())
    }

    /// Lets a request in, or says why not.
    pub(super) async fn admit(
        &self,
        policy: &Policy,
        headers: &HeaderMap,
        verified: bool,
    ) -> Result<Visitor, Answer> {
        if let Some(bucket) = &policy.bucket
            && let Err(wait) = bucket.take(Instant::now())
        {
            let answer = plain(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            let seconds = wait.as_secs_f64().ceil().max(1.0);
            let value = HeaderValue::from_str(&format!("{seconds:.0}"));
            let value = value.unwrap_or(HeaderValue::from_static("1"));
            return Err(with(answer, RETRY_AFTER, value));
        }
        if policy.users.is_empty() {
            return Ok(Visitor {
                authenticated: verified,
            });
        }
        match self.logins.prove(&policy.users, headers).await {
            Proof::Given => Ok(Visitor {
                authenticated: true,
            }),
            Proof::Missing => {
                let answer = plain(StatusCode::UNAUTHORIZED, "unauthorized");
                let challenge = HeaderValue::from_static(CHALLENGE);
                Err(with(answer, WWW_AUTHENTICATE, challenge))
            }
            Proof::Busy => {
                let answer = plain(StatusCode::SERVICE_UNAVAILABLE, "too many logins at once");
                Err(with(answer, RETRY_AFTER, HeaderValue::from_static("1")))
            }
        }
    }

    fn policy(&self) -> Arc<Policy> {
        let current = self.current.read();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    fn looked(&self) -> std::sync::MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a look is due and nobody else is at it.
    fn begin_look(&self) -> bool {
        let mut looked = self.looked();
        let due = !looked.now && looked.at.elapsed() >= LOOK_EVERY;
        if due {
            looked.now = true;
        }
        due
    }

    /// Reads the file again and takes over what has changed, whenever it was last
    /// looked at; `false`: nothing has. It blocks for as long as the files take.
    ///
    /// # Errors
    ///
    /// Why this version cannot be used; the one before it goes on.
    pub fn reload(&self) -> Result<bool, ConfigErrors> {
        let Some(policy) = self.changed(&self.policy())? else {
            return Ok(false);
        };
        let current = self.current.write();
        let mut current = current.unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(policy);
        // Before anybody takes the new one together with a receiver.
        self.renewed.send_replace(());
        Ok(true)
    }

    /// As `reload`, said to the log, and said once.
    fn look(&self) {
        let _end = EndOfLook(self);
        let reloaded = self.reload();
        let file = self.path.display();
        if let Ok(true) = reloaded {
            tracing::info!(%file, "web configuration loaded");
        }
        let refused = reloaded.err();
        let mut looked = self.looked();
        if let Some(error) = &refused
            && looked.refused != refused
        {
            tracing::error!(
                %file,
                %error,
                "web configuration cannot be used; the one before it goes on"
            );
        }
        looked.refused = refused;
    }

    fn changed(&self, before: &Policy) -> Result<Option<Policy>, ConfigErrors> {
        let config = load_web(&self.path)?;
        if config.fingerprint == before.fingerprint {
            return Ok(None);
        }
        if config.tls.is_some() == before.tls.is_some() {
            return Policy::new(&config, Some(before)).map(Some);
        }
        let (verb, now) = if before.tls.is_some() {
            ("removed", "TLS")
        } else {
            ("added", "plain HTTP")
        };
        Err(ConfigErrors::from(ConfigError {
            file: Some(self.path.display().to_string()),
            position: None,
            path: "tls_server_config".to_owned(),
            message: format!("it was {verb}, and the port speaks {now} until it is opened anew"),
            hint: "restart the exporter, or undo the change".to_owned(),
        }))
    }
}

/// Lets the next one look, whatever came of this look.
struct EndOfLook<'a>(&'a Web);

impl Drop for EndOfLook<'_> {
    fn drop(&mut self) {
        let mut looked = self.0.looked();
        looked.at = Instant::now();
        looked.now = false;
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Web")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// RFC 7617 wants a realm.
const CHALLENGE: &str = r#"Basic realm="oci-registry-exporter", charset="UTF-8""#;
