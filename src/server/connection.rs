//! One connection from its first byte to its last.

use std::{convert::Infallible, fmt, pin::Pin, sync::Arc, time::Duration};

use http::{
    Method, Request, StatusCode,
    header::{CONTENT_LENGTH, HOST},
};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, watch::Receiver},
    time::{Instant, sleep, timeout},
};

use super::{
    activity::{Activity, State},
    answer::{Answer, plain},
    body::Body,
    ends::{Ends, told},
    handshake::handshake,
    patient::Patient,
    routes::Site,
    visitor::Visitor,
    web::{H2, Policy, Web},
};

/// What every connection shares.
pub(super) struct Door {
    pub(super) site: Arc<Site>,
    /// `None`: plain HTTP, and anybody may ask.
    pub(super) web: Option<Arc<Web>>,
}

/// A connection that was accepted, until its end or the first that it hears of, `stop`;
/// the second says that others wait for its place.
pub(super) async fn converse(
    stream: TcpStream,
    door: Arc<Door>,
    [mut stop, crowded]: [Receiver<()>; 2],
    _permit: OwnedSemaphorePermit,
) {
    // Fails on a connection that is already gone.
    let _ = stream.set_nodelay(true);
    let current = match &door.web {
        Some(web) => Some(web.current_and_next().await),
        None => None,
    };
    let Some((config, policy, renewed)) = current.and_then(|(policy, renewed)| {
        let config = policy.tls.clone()?;
        Some((config, policy, renewed))
    }) else {
        let stream = Patient::new(stream, WRITE_TIMEOUT);
        let ends = Ends::new(stop, None, crowded);
        return speak_http1(stream, &Talk::new(door, false), ends).await;
    };
    let shaking = timeout(HANDSHAKE_TIMEOUT, handshake(stream, config));
    let stream = tokio::select! {
        shaken = shaking => match shaken {
            Ok(Some(stream)) => stream,
            Ok(None) | Err(_) => return,
        },
        _ = stop.changed() => return,
    };
    let (_, session) = stream.get_ref();
    let shown = session
        .peer_certificates()
        .is_some_and(|chain| !chain.is_empty());
    let http2 = session.alpn_protocol() == Some(H2);
    let talk = Talk::new(door, shown && policy.verifies_clients);
    drop(policy);
    let ends = Ends::new(stop, Some(renewed), crowded);
    if http2 {
        speak_http2(stream, &talk, ends).await;
    } else {
        speak_http1(stream, &talk, ends).await;
    }
}

/// What the requests of one connection share.
struct Talk {
    door: Arc<Door>,
    /// The client has shown a certificate that was verified.
    verified: bool,
    activity: Arc<Activity>,
}

impl Talk {
    fn new(door: Arc<Door>, verified: bool) -> Self {
        Self {
            door,
            verified,
            activity: Arc::default(),
        }
    }

    async fn answer(door: Arc<Door>, verified: bool, request: Request<Incoming>) -> Answer {
        // Two of them mean two things to two readers (RFC 9112, 3.2).
        if request.headers().get_all(HOST).iter().nth(1).is_some() {
            return plain(StatusCode::BAD_REQUEST, "more than one Host");
        }
        let Some(web) = &door.web else {
            return door.site.answer(&request, Visitor::default()).await;
        };
        let policy: Arc<Policy> = web.current().await;
        let answer = match web.admit(&policy, request.headers(), verified).await {
            Ok(visitor) => door.site.answer(&request, visitor).await,
            Err(refusal) => refusal,
        };
        policy.dressed(answer)
    }
}

async fn speak_http1<S>(stream: S, talk: &Talk, ends: Ends)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| {
        let turn = Activity::begin(&talk.activity);
        let answer = Talk::answer(Arc::clone(&talk.door), talk.verified, request);
        // Its turn lasts until it is sent.
        async move { Ok::<_, Infallible>(answer.await.map(|body| body.holding(turn))) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
        .max_header_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS)
        // It would copy all of a page before it sends the first byte of it.
        .writev(true)
        .serve_connection(TokioIo::new(stream), service);
    // hyper has one timeout for an idle connection and for a slow head; who has
    // not managed a single request yet does not get the long one.
    let judge = |now| match talk.activity.state(now) {
        State::NeverAsked => State::NeverAsked,
        _ => State::Busy,
    };
    let connection = std::pin::pin!(connection);
    drive(
        connection,
        http1::Connection::graceful_shutdown,
        &talk.activity,
        judge,
        ends,
    )
    .await;
}

async fn speak_http2<S>(stream: S, talk: &Talk, ends: Ends)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (door, activity, verified) = (&talk.door, &talk.activity, talk.verified);
    let service = service_fn(|request: Request<Incoming>| {
        let turn = Activity::begin(activity);
        let head = request.method() == Method::HEAD;
        let answer = Talk::answer(Arc::clone(door), verified, request);
        async move {
            let answer = answer.await;
            let answer = if head { without_body(answer) } else { answer };
            // Its turn lasts until it is sent.
            Ok::<_, Infallible>(answer.map(|body| body.holding(turn)))
        }
    });
    let connection = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD_LIST)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = std::pin::pin!(connection);
    let judge = |now| activity.state(now);
    drive(
        connection,
        http2::Connection::graceful_shutdown,
        activity,
        judge,
        ends,
    )
    .await;
}

/// Lets a connection go on until its end, while it does not hold its place for nothing.
async fn drive<C, E: fmt::Display>(
    mut connection: Pin<&mut C>,
    let_end: fn(Pin<&mut C>),
    activity: &Activity,
    judge: impl Fn(Instant) -> State,
    mut ends: Ends,
) where
    C: Future<Output = Result<(), E>>,
{
    let began = Instant::now();
    let mut ending = false;
    let mut look = std::pin::pin!(sleep(HEAD_TIMEOUT));
    loop {
        tokio::select! {
            ended = connection.as_mut() => return log(ended),
            () = told(&mut ends.stop), if !ending => {
                ending = true;
                let_end(connection.as_mut());
            }
            () = told(&mut ends.renewed), if !ending => {
                ending = true;
                let_end(connection.as_mut());
            }
            () = told(&mut ends.crowded) => match activity.rests_since(began) {
                Some(since) if since.elapsed() < ROOM_AFTER => {}
                // Nothing came yet, or it did not go when it was asked to: half a head.
                Some(since) if ending || since == began => return,
                // What is being sent is sent first.
                _ if !ending => {
                    ending = true;
                    let_end(connection.as_mut());
                }
                _ => {}
            },
            () = look.as_mut() => {
                let now = Instant::now();
                match judge(now) {
                    State::NeverAsked | State::Stalled => return,
                    State::Idle if !ending => {
                        ending = true;
                        let_end(connection.as_mut());
                    }
                    State::Idle | State::Busy => {}
                }
                look.as_mut().reset(now + LOOK_EVERY);
            }
        }
    }
}

fn log<E: fmt::Display>(ended: Result<(), E>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

/// hyper leaves out the body of an answer to `HEAD` over HTTP/1 only.
fn without_body(answer: Answer) -> Answer {
    let (mut head, body) = answer.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.insert(CONTENT_LENGTH, length.into());
    }
    Answer::from_parts(head, Body::default())
}

/// From accepting to the end of the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// From there to the end of the first head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// From one answer to the end of the next head; longer than the usual scrape
/// intervals, so that a scraper keeps its connection.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(150);
/// From the last request, or the beginning, to where a connection gives its place to others:
/// half of the usual patience of a scraper.
const ROOM_AFTER: Duration = Duration::from_secs(5);
/// How often the state of a connection is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a client may take nothing of an answer.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const LARGEST_HEAD: usize = 32 * 1024;
const LARGEST_HEAD_LIST: u32 = 32 * 1024;
const MOST_HEADERS: usize = 100;
/// Requests at once on one connection of HTTP/2.
const MOST_STREAMS: u32 = 16;
const SEND_BUFFER: usize = 16 * 1024;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
