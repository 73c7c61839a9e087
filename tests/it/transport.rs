//! The room `transport` against servers that answer well, badly and not at all.

mod faults;
mod policies;
mod requests;
mod server;
mod through_proxy;
mod tls;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use http::Method;
use oci_registry_exporter::{
    exchange::{Operation, Request},
    transport::{
        ProxyOptions, TlsOptions, TlsPolicies, TlsPolicy, Transport, TransportOptions, user_agent,
    },
};
use url::Url;

/// Far more than anything on the loopback takes: only reached by a test that fails.
const AMPLE: Duration = Duration::from_secs(20);
/// For tests whose subject is the deadline.
const SHORT: Duration = Duration::from_millis(150);
/// Resolves to the loopback under [`options`].
const HOST: &str = "registry.test";

fn policy(options: &TlsOptions) -> Arc<TlsPolicy> {
    TlsPolicies::new().policy(options).unwrap()
}

fn options() -> TransportOptions {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    TransportOptions {
        tls: policy(&TlsOptions::default()),
        host: HOST.to_owned(),
        proxy: ProxyOptions::default(),
        connect_timeout: AMPLE,
        resolve: BTreeMap::from([
            (HOST.to_owned(), loopback),
            ("other.test".to_owned(), loopback),
        ]),
        http2: true,
        user_agent: user_agent(Some("tests")),
    }
}

fn transport() -> Transport {
    Transport::new(&options()).unwrap()
}

fn get(url: &str) -> Request {
    Request::new(Operation::Ping, Method::GET, Url::parse(url).unwrap())
}
