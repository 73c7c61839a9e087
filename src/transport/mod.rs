//! Sends one request and brings back one exchange: the only room that knows the
//! HTTP client and TLS.
//!
//! What it does not do: it follows no redirect, repeats nothing, decompresses
//! nothing, keeps no cookie, sends no `Referer`, and takes no proxy from the
//! environment unless that is asked for.
//!
//! A [`Transport`] lives for one cycle: its connections are fresh, so that
//! failures of DNS, TCP and TLS and changed certificates show. What is dear, the
//! roots and the TLS configuration, is kept for the process in [`TlsPolicies`].

mod body;
mod causes;
mod client;
mod connector;
mod dns;
mod echo;
mod error;
mod files;
mod no_proxy;
mod observer;
mod options;
mod pem;
mod proxy;
mod redact;
mod request;
mod roots;
mod shown;
mod tls;
mod verifier;
mod words;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::exchange::{Exchange, Reply, Request, Sent, TransportError, TransportErrorKind};

use client::Clients;
use error::{Failure, Place};
use observer::{CURRENT, Recording, Totals};

pub use options::{ProxyOptions, TlsOptions, TlsVersion, TransportOptions, user_agent};
pub use pem::{pem_certificates, pem_key};
pub use tls::{Built, TlsError, TlsPolicies, TlsPolicy};
pub use verifier::verify_dates;

/// The connections of one cycle to one registry, and to the token hosts and
/// storage hosts that it names.
pub struct Transport {
    clients: Clients,
    connect_timeout: Duration,
    totals: Arc<Totals>,
}

impl fmt::Debug for Transport {
    // The HTTP client's own form shows proxies, and with them their passwords.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transport")
            .field("connections", &self.connections())
            .field("handshakes", &self.handshakes())
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// A transport without a connection yet.
    ///
    /// # Errors
    /// Where a proxy, the file of its password or the user agent cannot be used as
    /// it is written; the detail names the option and never a password.
    pub fn new(options: &TransportOptions) -> Result<Self, TransportError> {
        let clients = Clients::new(options).map_err(Failure::unsent)?;
        Ok(Self {
            clients,
            connect_timeout: options.connect_timeout,
            totals: Arc::default(),
        })
    }

    /// Sends a request once.
    ///
    /// The deadline spans everything from name resolution to the body's last
    /// byte; where it is zero nothing is sent. At most [`Request::body_cap`] bytes of
    /// the body are read; what goes on after them, or breaks off, is a [`Reply`] with
    /// `truncated`. Every other failure is a [`TransportError`].
    ///
    /// [`Sent::connection`] is there where this request opened a connection, or
    /// tried to; [`Sent::retry`] is the caller's to set.
    pub async fn send(&self, request: &Request, deadline: Duration) -> (Exchange, Sent) {
        let started = Instant::now();
        let recording = Arc::new(Recording::new(
            &self.clients.target(&request.url),
            Arc::clone(&self.totals),
        ));
        let answer = if deadline.is_zero() {
            Ok(Err(Failure::no_time()))
        } else {
            let exchange = self.exchange(request, &recording, started);
            CURRENT
                .scope(Arc::clone(&recording), timeout(deadline, exchange))
                .await
        };
        let place = Place {
            request,
            proxy: self.clients.proxy(&request.url),
            oldest_tls: self.clients.oldest_tls(),
            connect_timeout: self.connect_timeout,
            deadline,
        };
        let elapsed = started.elapsed();
        let exchange = match answer {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(failure)) => Err(failure.explain(&place, &recording, elapsed)),
            Err(_) => Err(Failure::Deadline.explain(&place, &recording, elapsed)),
        };
        let sent = Sent {
            operation: request.operation,
            method: request.method.clone(),
            url: redact::url(&request.url),
            end: exchange
                .as_ref()
                .map(|reply| reply.status)
                .map_err(|error| error.kind),
            elapsed,
            connection: recording.connection(exchange.is_ok()),
            retry: false,
        };
        (exchange, sent)
    }

    /// How many connections were opened so far (for `https` only those whose
    /// handshake ended well).
    pub fn connections(&self) -> usize {
        self.totals.connections.load(Ordering::Relaxed)
    }

    /// How many TLS handshakes with registries and token hosts were begun so far;
    /// every one is a full one, because sessions are never resumed.
    pub fn handshakes(&self) -> usize {
        self.totals.handshakes.load(Ordering::Relaxed)
    }

    async fn exchange(
        &self,
        request: &Request,
        recording: &Recording,
        started: Instant,
    ) -> Result<Reply, Failure> {
        let prepared = self.clients.prepare(request)?;
        let response = prepared.client.execute(prepared.request).await;
        let mut response = response.map_err(Failure::Http)?;
        recording.answered(response.remote_addr());
        let status = response.status().as_u16();
        let host = redact::authority(&request.url);
        if let Some(proxy) = self.clients.forwarding_proxy(&request.url)
            && let Some(detail) = proxy.own_answer(&host, status, response.headers())
        {
            return Err(Failure::Refused(TransportErrorKind::Connect, detail));
        }
        let headers = std::mem::take(response.headers_mut());
        let http_version = match response.version() {
            http::Version::HTTP_2 => "2",
            http::Version::HTTP_10 => "1.0",
            _ => "1.1",
        };
        let read = body::read(&mut response, request.body_cap).await?;
        recording.ended();
        if read.whole && request::keeps_alive(http_version, &headers) {
            self.totals.returning(recording);
        }
        let mut reply = Reply {
            status,
            headers,
            body: read.bytes,
            truncated: !read.whole,
            http_version,
            elapsed: started.elapsed(),
        };
        for shown in request.authorization.iter().chain(&request.in_body) {
            echo::silence(&mut reply, shown);
        }
        Ok(reply)
    }
}
