//! Listeners and connections: from a socket to the registry and back.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, Version, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use rustls::HandshakeKind;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::api::{Call, Registry};
use crate::fault::Action;
use crate::log::{self, Door, Operation};
use crate::port::Port;
use crate::raw::Raw;
use crate::reply::{self, Answer, Reply};
use crate::route::Route;
use crate::shared::{Entrance, Inner, Shared};
use crate::tls::Identity;
use crate::wire::{Stream, Tasks, Wire};

/// Accepts connections until told to stop, then ends them all.
pub(crate) async fn listen(
    shared: Arc<Shared>,
    listener: TcpListener,
    door: Door,
    tls: Option<Arc<Identity>>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    let mut port = Port::new(listener);
    let mut changes = shared.changes.subscribe();
    loop {
        port.follow(shared.lock().entrance);
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = changes.changed() => {}
            accepted = port.accept() => {
                // A failed accept (a client that is gone already) is no reason to stop.
                let Ok((stream, _)) = accepted else { continue };
                let number = shared.counters(door).accepted.fetch_add(1, Ordering::SeqCst) + 1;
                let connection = Connection {
                    shared: Arc::clone(&shared),
                    door,
                    number,
                    requests: AtomicU32::new(0),
                };
                connections.spawn(connection.run(stream, tls.clone()));
            }
        }
    }
    drop(port);
    connections.shutdown().await;
}

/// One TCP connection.
struct Connection {
    shared: Arc<Shared>,
    door: Door,
    number: u64,
    requests: AtomicU32,
}

impl Connection {
    async fn run(self, mut stream: TcpStream, tls: Option<Arc<Identity>>) {
        let _open = Open::new(&self);
        let entrance = self.shared.lock().entrance;
        let mut flaw = None;
        match entrance {
            Entrance::Open => {}
            // Refused: it came in before the listener was told.
            Entrance::Closed | Entrance::Refused => return,
            Entrance::Silent => std::future::pending().await,
            Entrance::Reset => return stream.reset_at_close(),
            Entrance::Says(words) => {
                let _ = stream.write_all(words).await;
                let _ = stream.shutdown().await;
                // Data that nobody reads would make a reset of the close.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                return;
            }
            Entrance::Flawed(found) => flaw = Some(found),
        }
        // Without it a small answer may wait for the client's delayed ACK.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else {
            if flaw.is_none() {
                self.serve(Box::new(stream)).await;
            }
            return;
        };
        let acceptor = flaw.map_or_else(|| tls.acceptor.clone(), |flaw| tls.flawed(flaw));
        let Ok(stream) = acceptor.accept(stream).await else {
            return;
        };
        let counters = self.shared.counters(self.door);
        match stream.get_ref().1.handshake_kind() {
            Some(HandshakeKind::Resumed) => counters.resumed.fetch_add(1, Ordering::SeqCst),
            _ => counters.handshakes.fetch_add(1, Ordering::SeqCst),
        };
        self.serve(Box::new(stream)).await;
    }

    async fn serve(self, stream: Box<dyn Stream>) {
        let (cut, mut severed) = oneshot::channel();
        let cut = Arc::new(Mutex::new(Some(cut)));
        let wire = Wire::new(stream, &self.shared.moved);
        let connection = Arc::new(self);
        let service = service_fn(|request| {
            let connection = Arc::clone(&connection);
            let cut = Arc::clone(&cut);
            async move { Ok::<_, Infallible>(connection.answer(request, &cut).await) }
        });
        let builder = auto::Builder::new(Tasks::default());
        let served = builder.serve_connection(TokioIo::new(wire.clone()), service);
        let last_words = tokio::select! {
            _ = served => None,
            words = &mut severed => words.ok(),
        };
        if let Some(words) = last_words {
            words.say(wire).await;
        }
    }

    async fn answer(&self, request: Request<Incoming>, cut: &Cut) -> Answer {
        let (parts, body) = request.into_parts();
        let mut arrival = self.arrive(&parts);
        let mut last = false;
        match arrival.action.take() {
            Some(Action::Held(gate)) => gate.notified().await,
            Some(Action::Slow(by)) => tokio::time::sleep(by).await,
            Some(Action::Last(entrance)) => {
                self.shared.set_entrance(entrance);
                last = true;
            }
            action => {
                if let Some(Action::Gone) = action {
                    self.shared.set_entrance(Entrance::Refused);
                }
                arrival.action = action;
            }
        }
        let id = arrival.id;
        let head = parts.method == Method::HEAD;
        // The stream's number in HTTP/2, where requests come one after another.
        let number = self.requests.fetch_add(1, Ordering::SeqCst) * 2 + 1;
        let stream = (parts.version == Version::HTTP_2).then_some(number);
        let reply = if let (Some(action), true) = (&arrival.action, arrival.after) {
            let action = action.clone();
            let call = self.read(parts, whole(body).await, arrival);
            respond(&mut self.shared.lock(), &call);
            reply::scripted(action, stream)
        } else if let Some(action) = arrival.action {
            reply::scripted(action, stream)
        } else if self.door == Door::Token && arrival.route != Route::Token {
            Reply::Answer(reply::page_not_found())
        } else {
            let call = self.read(parts, whole(body).await, arrival);
            Reply::Answer(respond(&mut self.shared.lock(), &call))
        };
        match reply {
            Reply::Answer(mut answer) => {
                if head {
                    // Over HTTP/2 hyper would send the body.
                    *answer.body_mut() = reply::no_body();
                }
                if last {
                    reply::set(answer.headers_mut(), "connection", "close");
                }
                let status = answer.status().as_u16();
                self.shared.lock().log.answered(id, status);
                self.shared.changes.send_replace(());
                answer
            }
            Reply::Never => std::future::pending().await,
            Reply::Cut(words) => {
                let sender = cut.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(sender) = sender {
                    // Fails only if the connection is ending anyway.
                    let _ = sender.send(words);
                }
                std::future::pending().await
            }
        }
    }

    /// Enters the request in the log and asks the rules.
    fn arrive(&self, parts: &Parts) -> Arrival {
        let mut inner = self.shared.lock();
        let route = Route::of(parts.uri.path(), &inner.profile);
        let operation = route.operation(&parts.method, parts.uri.query().unwrap_or_default());
        let repository = route.repository().map(str::to_owned);
        let entry = log::entry(parts, operation, repository, self.number, self.door);
        let path_and_query = entry.path_and_query();
        let id = inner.log.enter(entry, &parts.headers);
        let fault = inner.faults.next(operation, &parts.method, &path_and_query);
        let (action, after) = fault.map_or((None, false), |(action, after)| (Some(action), after));
        let token_path = inner.profile.token.path;
        drop(inner);
        self.shared.changes.send_replace(());
        Arrival {
            id,
            route,
            operation,
            token_path,
            action,
            after,
        }
    }

    fn read(&self, parts: Parts, body: Bytes, arrival: Arrival) -> Call {
        let host = host(&parts.uri, &parts.headers);
        let origin = format!("{}://{host}", self.shared.scheme);
        let realm = self.shared.realm.clone().unwrap_or_else(|| {
            let origin = self.shared.token_origin.as_ref().unwrap_or(&origin);
            format!("{origin}{}", arrival.token_path)
        });
        let query = parts.uri.query().unwrap_or_default();
        Call {
            method: parts.method,
            route: arrival.route,
            operation: arrival.operation,
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers: parts.headers,
            body,
            host,
            origin,
            realm,
        }
    }
}

/// A request that has been entered in the log.
struct Arrival {
    id: u64,
    route: Route,
    operation: Operation,
    token_path: &'static str,
    action: Option<Action>,
    after: bool,
}

async fn whole(body: Incoming) -> Bytes {
    let body = Limited::new(body, BODY_LIMIT).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .unwrap_or_default()
}

fn respond(inner: &mut Inner, call: &Call) -> Answer {
    if call.body.len() <= HEARD_LIMIT {
        inner.log.hear(&String::from_utf8_lossy(&call.body));
    }
    let mut registry = Registry {
        profile: &inner.profile,
        accounts: &mut inner.accounts,
        state: &mut inner.state,
        pulls_left: &mut inner.pulls_left,
    };
    registry.respond(call)
}

fn host(uri: &http::Uri, headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    host.or_else(|| uri.authority().map(http::uri::Authority::as_str))
        .unwrap_or_default()
        .to_owned()
}

type Cut = Mutex<Option<oneshot::Sender<Raw>>>;

/// Counts a connection as open while it lives.
struct Open {
    shared: Arc<Shared>,
    door: Door,
}

impl Open {
    fn new(connection: &Connection) -> Self {
        let open = Self {
            shared: Arc::clone(&connection.shared),
            door: connection.door,
        };
        open.counter().fetch_add(1, Ordering::SeqCst);
        open.shared.changes.send_replace(());
        open
    }

    fn counter(&self) -> &AtomicU64 {
        &self.shared.counters(self.door).open
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.counter().fetch_sub(1, Ordering::SeqCst);
        self.shared.changes.send_replace(());
    }
}

/// More than any test pushes in one request.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// Bodies longer than this are blobs, where no secret is looked for.
const HEARD_LIMIT: usize = 64 * 1024;
