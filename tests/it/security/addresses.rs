//! Addresses that a registry names: whatever it writes, credentials stay with its owner and
//! nothing inside this network is asked (server-side request forgery).

use http::{HeaderMap, HeaderValue};
use oci_registry_exporter::{
    auth::{Trust, resolve_location, same_origin},
    exchange::Reply,
    oci::next_page,
};
use std::time::Duration;
use url::Url;

const REGISTRY: &str = "https://registry.example.com/";

/// None of these is the registry's, in whatever form it is written.
const HOSTILE: [&str; 30] = [
    // Metadata services.
    "https://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/latest/",
    "https://100.100.100.200/latest/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    // This machine, and its network.
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://0x7f.0.0.1/",
    "https://0/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://a.localhost/",
    "https://10.0.0.1/",
    "https://167772161/",
    "https://012.0.0.1/",
    "https://192.168.0.1:8443/",
    "https://172.16.0.1/",
    "https://metadata.google.internal/computeMetadata/v1/",
    "https://kubernetes.default.svc/api",
    // Its own name as the user of another host, and full-width letters that become one.
    "https://registry.example.com@169.254.169.254/",
    "https://registry.example.com:443@10.0.0.1/",
    "https://１２７.０.０.１/",
];

/// Other schemes, and what is no address at all.
const NO_ADDRESS: [&str; 8] = [
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_",
    "ftp://registry.example.com/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "unix:///var/run/docker.sock",
    "https://",
    "https://[::1/",
];

/// Public, and of somebody else.
const FOREIGN: [&str; 7] = [
    "https://evil.example.net/token",
    "https://registry.example.com.evil.example.net/",
    "https://evilexample.com/",
    "https://registry.example.com%2eevil.example.net/",
    "https://registry.example.com\\@evil.example.net/",
    "https://8.8.8.8/",
    "//evil.example.net/",
];

#[test]
fn nothing_inside_is_asked_for_a_token() {
    let registry = url(REGISTRY);
    let trust = Trust {
        registry: &registry,
        token_hosts: &[],
    };
    for address in HOSTILE {
        let Ok(realm) = Url::parse(address) else {
            continue;
        };
        assert!(trust.with_credentials(&realm).is_err(), "{address}");
        assert!(trust.without_credentials(&realm).is_err(), "{address}");
    }
    for address in FOREIGN.iter().filter_map(|it| Url::parse(it).ok()) {
        let own = address.host_str() == registry.host_str();
        assert_eq!(trust.with_credentials(&address).is_ok(), own, "{address}");
    }
}

#[test]
fn no_other_place_is_taken_for_the_registry_itself() {
    let registry = url(REGISTRY);
    let at = url("https://registry.example.com/v2/team/app/blobs/uploads/");
    for address in HOSTILE.iter().chain(&FOREIGN) {
        if let Some(place) = resolve_location(&at, address, &registry) {
            let host = place.url.host_str().unwrap_or_default();
            let own = host == "registry.example.com";
            assert_eq!(place.own_origin, own, "{address} is {}", place.url);
        }
        let link = HeaderValue::from_str(&format!("<{address}>; rel=\"next\""));
        let Ok(link) = link else { continue };
        if let Some(next) = next_page(&linked(link), &at) {
            let own = next.host_str() == Some("registry.example.com");
            assert_eq!(same_origin(&next, &registry), own, "{address} is {next}");
        }
    }
    for address in NO_ADDRESS {
        assert_eq!(resolve_location(&at, address, &registry), None, "{address}");
        let link = HeaderValue::from_str(&format!("<{address}>; rel=\"next\"")).unwrap();
        assert_eq!(next_page(&linked(link), &at), None, "{address}");
    }
    // Another scheme or port is another origin.
    for address in [
        "https://registry.example.com:8443/x",
        "wss://registry.example.com/x",
    ] {
        let place = resolve_location(&at, address, &registry);
        assert!(place.is_none_or(|place| !place.own_origin), "{address}");
    }
}

fn linked(link: HeaderValue) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert("link", link);
    Reply {
        status: 200,
        headers,
        body: bytes::Bytes::new(),
        truncated: false,
        http_version: "1.1",
        elapsed: Duration::ZERO,
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}
