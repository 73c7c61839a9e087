//! The HTTP clients of one transport and how they are set.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{Client, redirect};
use rustls::ClientConfig;
use url::{Host, Url};

use crate::exchange::{Request, TransportErrorKind};

use super::{
    connector::ObserveLayer,
    dns::Resolver,
    error::Failure,
    options::{TlsVersion, TransportOptions},
    proxy::{Proxies, Proxy},
    request,
};

/// One client for the registry's own host, with all its TLS options, and one for
/// every other host, with the roots alone.
pub(super) struct Clients {
    own: Client,
    foreign: Client,
    host: String,
    server_name: Option<String>,
    proxies: Arc<Proxies>,
    oldest_tls: TlsVersion,
}

/// A request and the client that sends it.
pub(super) struct Prepared<'a> {
    pub(super) client: &'a Client,
    pub(super) request: reqwest::Request,
}

impl Clients {
    pub(super) fn new(options: &TransportOptions) -> Result<Self, Failure> {
        let connect = |detail| Failure::Refused(TransportErrorKind::Connect, detail);
        let proxies = Arc::new(Proxies::read(&options.proxy).map_err(connect)?);
        let server_name = options.tls.server_name().map(str::to_owned);
        let build = |tls: &ClientConfig, alias: Option<&String>| {
            client(options, &proxies, tls.clone(), alias)
                .map_err(|error| connect(format!("cannot be set up: {}", causes(&error))))
        };
        let own = build(options.tls.own(), server_name.as_ref())?;
        let foreign = match options.tls.foreign() {
            Some(tls) => build(tls, None)?,
            None => own.clone(),
        };
        Ok(Self {
            own,
            foreign,
            host: options.host.to_ascii_lowercase(),
            server_name,
            proxies,
            oldest_tls: options.tls.oldest_version(),
        })
    }

    /// The URL that is connected to: the request's own, or one with
    /// `tls.server_name` as its host, which the resolver takes back. Through a proxy the
    /// host stays, because it is what the proxy is asked to connect to: there the
    /// verifier alone knows the other name.
    pub(super) fn target(&self, url: &Url) -> Url {
        let mut target = url.clone();
        if let Some(name) = &self.server_name
            && self.is_own(url)
            && url.scheme() == "https"
            && self.proxy(url).is_none()
        {
            // Cannot fail: the name was checked as a DNS name when it was read.
            let _ = target.set_host(Some(name));
        }
        target
    }

    pub(super) fn prepare(&self, request: &Request) -> Result<Prepared<'_>, Failure> {
        if let (Some(proxy), "https", Some(Host::Ipv6(_))) = (
            self.proxy(&request.url),
            request.url.scheme(),
            request.url.host(),
        ) {
            // The HTTP client takes the brackets for a part of the name in the certificate.
            let detail = format!(
                "an IPv6 address is not reached by https through {proxy}: use a name, or put the address into no_proxy"
            );
            return Err(Failure::Refused(TransportErrorKind::Connect, detail));
        }
        Ok(Prepared {
            client: if self.is_own(&request.url) {
                &self.own
            } else {
                &self.foreign
            },
            request: request::build(request, self.target(&request.url))?,
        })
    }

    /// The proxy that a request to this URL goes through.
    pub(super) fn proxy(&self, url: &Url) -> Option<&Proxy> {
        self.proxies.of(url).map(AsRef::as_ref)
    }

    /// The proxy that answers such a request itself, and does not only connect.
    pub(super) fn forwarding_proxy(&self, url: &Url) -> Option<&Proxy> {
        self.proxy(url).filter(|_| url.scheme() == "http")
    }

    /// The oldest version of TLS that is spoken.
    pub(super) fn oldest_tls(&self) -> TlsVersion {
        self.oldest_tls
    }

    fn is_own(&self, url: &Url) -> bool {
        url.host_str() == Some(self.host.as_str())
    }
}

fn client(
    options: &TransportOptions,
    proxies: &Arc<Proxies>,
    mut tls: ClientConfig,
    server_name: Option<&String>,
) -> reqwest::Result<Client> {
    // With `server_name` the URL's authority is not the registry's, so that only
    // HTTP/1.1 can say in `Host` which registry is meant.
    let http2 = options.http2 && server_name.is_none();
    tls.alpn_protocols = if http2 {
        vec![b"h2".to_vec(), b"http/1.1".to_vec()]
    } else {
        vec![b"http/1.1".to_vec()]
    };
    let addresses: BTreeMap<_, _> = options
        .resolve
        .iter()
        .map(|(host, address)| (host.to_ascii_lowercase(), *address))
        .collect();
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .connector_layer(ObserveLayer)
        .dns_resolver(Resolver {
            addresses: Arc::new(addresses),
            alias: server_name.map(|name| (name.clone(), options.host.to_ascii_lowercase())),
            named: [options.host.to_ascii_lowercase()]
                .into_iter()
                .chain(proxies.hosts())
                .collect(),
        })
        .http2_max_header_list_size(HTTP2_HEADERS)
        .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .http2_keep_alive_interval(HTTP2_PING_AFTER)
        .http2_keep_alive_timeout(HTTP2_PONG_WITHIN);
    if !http2 {
        builder = builder.http1_only();
    }
    for rule in proxies.rules(server_name.map(String::as_str)) {
        builder = builder.proxy(rule);
    }
    builder.build()
}

fn causes(error: &reqwest::Error) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}

/// All headers of an HTTP/2 answer (bytes); the library's default is 16 MiB.
const HTTP2_HEADERS: u32 = 64 * 1024;
/// What a server may send ahead of our reading (bytes): an answer that is cut at
/// its cap must not have filled memory before.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 1024 * 1024;
/// A connection on which nobody answers any more is given up, and the next request opens
/// another: over HTTP/2 a request that runs out of time ends its stream alone, and all that
/// come after it would wait in vain, too.
const HTTP2_PING_AFTER: Duration = Duration::from_secs(3);
const HTTP2_PONG_WITHIN: Duration = Duration::from_secs(4);
