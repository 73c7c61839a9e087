//! What a registry says: headers, tokens and bodies.

use std::{
    net::IpAddr,
    slice,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use oci_registry_exporter::{
    auth::{self, Trust, choose, resolve_location, same_origin, token_request},
    exchange::{Authorization, Exchange, Operation, Reply},
    oci::{
        self, Content, Digest, ErrorBody, Image, IndexBody, PRODUCTS, RateLimit, Reference,
        Repository, Scope, Tag, challenges, endpoints, read_index,
    },
    retry::{Decision, Policy, PolicyOptions, Retry, Throttle, Tried},
    secret::{Credentials, Secret},
};
use url::{Host, Url};

use super::{assert_shown_on_one_line, now};

/// `WWW-Authenticate`, a header a line: bounded, printed and read again the same, and no
/// token request that leaves the registry's owner with a password.
pub(super) fn challenge(input: &[u8]) {
    let lines = input.split(|byte| *byte == b'\n');
    let reply = reply(401, lines.map(|line| ("www-authenticate", line)), b"");
    let found = challenges(&reply);
    assert!(found.len() <= 16);
    for challenge in &found {
        let printed = challenge.to_string();
        // What is read of one header has a bound.
        if printed.len() <= 8 * 1024 {
            let again = self::reply(401, [("www-authenticate", printed.as_bytes())], b"");
            if !again.headers.is_empty() {
                assert_eq!(challenges(&again), slice::from_ref(challenge), "{printed}");
            }
        }
    }
    let Some(challenge) = choose(&found) else {
        return;
    };
    let registry = url("https://registry.example.com/");
    let trust = Trust {
        registry: &registry,
        token_hosts: &[],
    };
    let password = Credentials::Basic {
        username: "robot".to_owned(),
        password: Secret::new(CANARY),
    };
    let asked = [Credentials::Anonymous, password]
        .map(|credentials| token_request(challenge, &credentials, &[], &trust));
    for request in asked.iter().flatten() {
        assert_eq!(request.url.scheme(), "https");
        assert!(request.url.username().is_empty() && request.url.password().is_none());
        assert!(!format!("{request:?}").contains(CANARY));
        assert_public(&request.url);
    }
    for error in asked.iter().filter_map(|asked| asked.as_ref().err()) {
        // A host may be as long as its header.
        assert_shown_on_one_line(&error.to_string(), 9 * 1024);
    }
    if let Ok(request) = &asked[1] {
        let host = request.url.host_str().unwrap_or_default();
        let host = host.strip_suffix('.').unwrap_or(host);
        assert!(
            host == "example.com" || host.ends_with(".example.com"),
            "{host}"
        );
        assert!(matches!(
            request.authorization,
            Some(Authorization::Basic { .. })
        ));
    }
    if let Ok(request) = &asked[0] {
        assert_eq!(request.authorization, None);
    }
}

/// An address of this network is none for a public registry's tokens.
fn assert_public(url: &Url) {
    let private = match url.host() {
        Some(Host::Ipv4(ip)) => is_private(ip.into()),
        Some(Host::Ipv6(ip)) => is_private(ip.into()),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => true,
    };
    assert!(!private, "{url}");
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified()
        }
        IpAddr::V6(ip) => {
            let mapped = ip.to_ipv4_mapped().map(IpAddr::V4);
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || mapped.is_some_and(is_private)
        }
    }
}

/// Names: by the grammar or refused in a short line, and unable to leave their place in a URL.
pub(super) fn reference(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let base = url("https://registry.example.com/base/");
    let tag: Reference = Tag::parse("latest").expect("a tag").into();
    match Repository::parse(&text) {
        Ok(repository) => {
            assert_eq!(repository.as_str(), text);
            assert!(text.len() <= 255);
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
            assert!(text.chars().all(good) && !text.contains("..") && !text.contains("//"));
            let at = endpoints::manifest(&base, &repository, &tag);
            assert_eq!(at.path(), format!("/base/v2/{text}/manifests/latest"));
            assert_eq!((at.query(), at.fragment()), (None, None));
            let scope = Scope::new(&repository, &[oci::Action::Pull]);
            assert_eq!(Scope::parse_list(&scope.to_string()), [scope]);
        }
        Err(error) => assert_shown_on_one_line(&error.to_string(), 250),
    }
    match Tag::parse(&text) {
        Ok(tag) => {
            assert_eq!(tag.as_str(), text);
            let repository = Repository::parse("a").expect("a name");
            let at = endpoints::manifest(&base, &repository, &tag.into());
            assert_eq!(at.path(), format!("/base/v2/a/manifests/{text}"));
            assert_eq!((at.query(), at.fragment()), (None, None));
        }
        Err(error) => assert_shown_on_one_line(&error.to_string(), 250),
    }
    match Image::parse(&text) {
        Ok(image) => {
            assert!(!image.host.is_empty() && image.host.len() <= text.len().max(16));
            let reference = image.reference.unwrap_or(tag);
            let at = endpoints::manifest(&base, &image.repository, &reference);
            let path = format!("/base/v2/{}/manifests/{reference}", image.repository);
            assert_eq!((at.path(), at.query()), (path.as_str(), None));
        }
        Err(error) => assert_shown_on_one_line(&error.to_string(), 400),
    }
    let scopes = Scope::parse_list(&text);
    assert!(scopes.len() <= 16);
    for scope in scopes {
        assert_eq!(Scope::parse_list(&scope.to_string()), [scope]);
    }
}

/// A digest, and the tag that is made of it.
pub(super) fn digest(input: &[u8]) {
    let own = Digest::of(input);
    assert_eq!(Digest::parse(own.as_str()).as_ref(), Ok(&own));
    let text = String::from_utf8_lossy(input);
    match Digest::parse(&text) {
        Ok(digest) => {
            assert_eq!(digest.as_str(), text);
            assert_eq!(format!("{}:{}", digest.algorithm(), digest.encoded()), text);
            assert!(digest.short().len() <= text.len() + 3);
            let tag = oci::referrers_tag(&digest);
            assert_eq!(Tag::parse(tag.as_str()).as_ref(), Ok(&tag));
            let repository = Repository::parse("a/b").expect("a name");
            let at = endpoints::referrers(&url("https://r.example/"), &repository, &digest);
            assert_eq!(at.path(), format!("/v2/a/b/referrers/{text}"));
            assert_eq!((at.query(), at.fragment()), (None, None));
        }
        Err(error) => assert_shown_on_one_line(&error.to_string(), 250),
    }
}

/// `Link`, a header a line.
pub(super) fn link(input: &[u8]) {
    let at = url("https://registry.example.com/v2/a/referrers/sha256:0?n=1");
    let lines = input.split(|byte| *byte == b'\n');
    let reply = reply(200, lines.map(|line| ("link", line)), b"");
    if let Some(next) = oci::next_page(&reply, &at) {
        assert!(matches!(next.scheme(), "http" | "https") && next.has_host());
        assert_eq!(Url::parse(next.as_str()), Ok(next));
    }
}

/// `Location`: what counts as the registry's own is of its very origin, and is sent there.
pub(super) fn location(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for registry in [
        "https://registry.example.com/",
        "http://[::1]:5000/",
        "http://10.0.0.1/",
    ] {
        let registry = url(registry);
        let base = registry.join("/v2/a/blobs/uploads/").expect("a path");
        let Some(found) = resolve_location(&base, &text, &registry) else {
            continue;
        };
        let (url, own) = (&found.url, found.own_origin);
        assert!(matches!(url.scheme(), "http" | "https"));
        assert!(url.username().is_empty() && url.password().is_none());
        assert_eq!(url.fragment(), None);
        assert_eq!(own, same_origin(url, &registry));
        if own {
            let place = |url: &Url| (url.scheme().to_owned(), url.port_or_known_default());
            assert_eq!(place(url), place(&registry));
            let host = url.host_str().map(|host| host.trim_end_matches('.'));
            assert_eq!(host, registry.host_str());
        }
        // What is resolved is where it is.
        let again = resolve_location(&base, url.as_str(), &registry);
        if url.as_str().len() <= 8 * 1024 {
            assert_eq!(again, Some(found));
        }
    }
}

/// `Retry-After`, and the same words in the message of an error: a wait between a second and
/// the bound, and none that does not fit into what is left.
pub(super) fn retry_after(input: &[u8]) {
    let now = now();
    let text = String::from_utf8_lossy(input);
    let message = serde_json::json!({"errors": [{"code": "TOOMANYREQUESTS", "message": text}]});
    let message = message.to_string();
    for reply in [
        reply(429, [("retry-after", input)], b""),
        reply(429, [("", &b""[..])], message.as_bytes()),
    ] {
        let asked_wait = oci::retry_after(&reply, now);
        let options = PolicyOptions::default();
        let policy = Policy::try_new(options).expect("the defaults are good");
        let longest = policy.options().retry_after_max.max(policy.options().max);
        let exchange: Exchange = Ok(reply);
        let tried = Tried {
            operation: Operation::ManifestHead,
            exchange: &exchange,
            throttle: Throttle::Passing,
            asked_wait,
        };
        for left in [Duration::from_secs(10), Duration::from_hours(1)] {
            match Retry::seeded(&policy, 7).decide(tried, left) {
                Decision::Wait(wait) => {
                    assert!(wait >= Duration::from_secs(1) && wait < left && wait <= longest);
                }
                Decision::GiveUp { pause } => {
                    let pause = pause.expect("it was a limit");
                    assert!(pause >= left && pause <= longest);
                }
                Decision::Done => panic!("a limit is no answer"),
            }
        }
        let _ = oci::retry_after(exchange.as_ref().expect("a reply"), SystemTime::UNIX_EPOCH);
    }
}

/// The body of a refusal: bounded, on one line, and the same when it is written again.
pub(super) fn error_body(input: &[u8]) {
    for (status, kind) in [(404, "application/json"), (429, "text/html"), (500, "")] {
        let reply = reply(status, [("content-type", kind.as_bytes())], input);
        oci::denial(&reply);
        oci::rate_limited(&reply);
        oci::pull_limit(&reply);
        oci::is_html(&reply);
        let _ = RateLimit::of(&reply);
        let Some(body) = ErrorBody::of(&reply) else {
            continue;
        };
        assert!((1..=16).contains(&body.entries.len()));
        assert_shown_on_one_line(&body.summary(), 200);
        for entry in &body.entries {
            let code = entry.code.as_deref();
            assert!(code.is_none_or(|code| body.has_code(code)));
        }
        let written: Vec<_> = body
            .entries
            .iter()
            .map(|entry| {
                serde_json::json!({
                    "code": entry.code, "message": entry.message, "status": entry.status,
                })
            })
            .collect();
        let written = serde_json::json!({ "errors": written }).to_string();
        let again = self::reply(
            status,
            [("content-type", kind.as_bytes())],
            written.as_bytes(),
        );
        assert_eq!(ErrorBody::of(&again).as_ref(), Some(&body), "{written}");
    }
}

/// The answer of a token endpoint.
pub(super) fn token_body(input: &[u8]) {
    let reply = reply(200, [("content-type", &b"application/json"[..])], input);
    if let Some(token) = auth::token(&reply) {
        let secret = token.secret.expose();
        assert!(!secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(token.life >= Duration::from_secs(1) && token.life <= Duration::from_hours(24));
        assert!(HeaderValue::from_str(&format!("Bearer {secret}")).is_ok());
        let shown = format!("{:?}", token.secret);
        assert_eq!(shown, "[redacted]");
        assert_eq!(token.claims, oci::jwt::claims(secret));
    }
    let text = String::from_utf8_lossy(input);
    if oci::jwt::claims(&text).is_some() {
        assert_eq!(text.split('.').count(), 3);
    }
    oci::jwt::looks_like(&text);
}

/// A body that should be an index, whole and cut.
pub(super) fn index_body(input: &[u8]) {
    let whole = read_index(input, false);
    let cut = read_index(input, true);
    match (&whole, &cut) {
        (
            IndexBody::Index {
                digests,
                complete,
                own_digest,
            },
            IndexBody::Index {
                digests: of_cut,
                complete: cut_complete,
                ..
            },
        ) => {
            assert!(*complete && !cut_complete);
            assert_eq!(*own_digest, Digest::of(input));
            assert_eq!(digests.count(), of_cut.count());
            // Every digest takes some bytes.
            assert!(digests.count() <= input.len() as u64 / 2);
            assert!(serde_json::from_slice::<serde::de::IgnoredAny>(input).is_ok());
        }
        (IndexBody::Unparsable, IndexBody::Truncated { .. } | IndexBody::Unparsable)
        | (IndexBody::Empty, IndexBody::Empty)
        | (IndexBody::Other, IndexBody::Other) => {}
        _ => panic!("{whole:?} {cut:?}"),
    }
    for (kind, named) in [
        ("application/vnd.oci.image.index.v1+json", true),
        ("application/json", false),
    ] {
        let reply = reply(200, [("content-type", kind.as_bytes())], input);
        let manifest = oci::is_manifest_reply(&reply);
        assert!(manifest || !named);
        let index = matches!(whole, IndexBody::Index { .. });
        assert!(manifest || !index);
    }
    match Content::of(input) {
        Content::Config(digest) | Content::Child(digest) => {
            assert_eq!(Digest::parse(digest.as_str()), Ok(digest));
        }
        Content::Nothing => {}
    }
}

/// A whole answer: lines of headers, an empty one, a body. What is read of it for people
/// and labels is bounded or of a closed set.
pub(super) fn headers(input: &[u8]) {
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 2..]));
    let mut reply = reply(200, [("", &b""[..])], body);
    for line in head.split(|byte| *byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            reply.headers.append(name, value);
        }
    }
    let product = oci::product(&reply, "registry.example.com");
    assert!(product.is_none_or(|product| PRODUCTS.contains(&product)));
    for product in PRODUCTS {
        let version = oci::product_version(product, &reply);
        assert!(version.is_none_or(|version| version.chars().count() <= 64));
    }
    if let Some(version) = oci::distribution_version(&reply) {
        assert_shown_on_one_line(&version, 64);
    }
    for warning in oci::warnings(&reply) {
        assert_shown_on_one_line(&warning, 200);
    }
    if let Some(limit) = RateLimit::of(&reply) {
        limit.is_below(10);
    }
    oci::is_html(&reply);
    assert!(challenges(&reply).len() <= 16);
    oci::retry_after(&reply, UNIX_EPOCH);
}

/// A reply of these headers; those that no header can be are left out, as they are on the wire.
fn reply<'a>(
    status: u16,
    headers: impl IntoIterator<Item = (&'static str, &'a [u8])>,
    body: &[u8],
) -> Reply {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value),
        ) {
            map.append(name, value);
        }
    }
    Reply {
        status,
        headers: map,
        body: Bytes::copy_from_slice(body),
        truncated: false,
        http_version: "1.1",
        elapsed: Duration::ZERO,
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("an address")
}

const CANARY: &str = "s3cret-canary";

pub(super) const CHALLENGE: &[&str] = &[
    "Bearer ",
    "Basic ",
    "realm=",
    "service=",
    "scope=",
    "error=",
    "\"",
    "\\\"",
    "\\",
    ", ",
    "=",
    "https://",
    "registry.example.com",
    "169.254.169.254",
    "[::ffff:10.0.0.1]",
    "0x7f.1",
    "2130706433",
    "user:pass@",
    "insufficient_scope",
    "repository:a/b:pull",
];

pub(super) const ADDRESSES: &[&str] = &[
    "<",
    ">",
    "; rel=\"next\"",
    "; rel=next",
    ",",
    "https://",
    "http://",
    "//",
    "/v2/",
    "\\",
    "@",
    "registry.example.com",
    "registry.example.com.",
    "[::1]",
    "%2f",
    "..",
    "?",
    "#",
    "file://",
    "javascript:",
    ":443",
    ":80",
    "\t",
    "\u{ff0f}",
];

pub(super) const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ":",
    ",",
    "null",
    "true",
    "1e999",
    "-1",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\"errors\"",
    "\"code\"",
    "\"message\"",
    "\"manifests\"",
    "\"schemaVersion\":2",
    "\"digest\"",
    "\"token\"",
    "\"access_token\"",
    "\"expires_in\"",
    "\u{202e}",
    "\u{1b}[31m",
    "\"registries\"",
    "\"checks\"",
    "\"status\"",
    "\"started_at\"",
];

pub(super) const HEADERS: &[&str] = &[
    "server: ",
    "docker-distribution-api-version: ",
    "warning: 299 - \"",
    "ratelimit-limit: ",
    "ratelimit-remaining: ",
    ";w=",
    "content-type: ",
    "x-jfrog-version: ",
    "link: ",
    "\n\n",
    "retry-after: ",
    "www-authenticate: ",
    "\"",
    "\\",
    "<html>",
];

pub(super) const RETRY_AFTER: &[&str] = &[
    "0",
    "1",
    "-1",
    "18446744073709551616",
    "1e9",
    "NaN",
    "inf",
    "Wed, 25 Nov 2026 03:00:00 GMT",
    "retry-after: ",
    "ms",
    "\u{b5}s",
    "h",
    "m",
    ".",
    "Wednesday, 25-Nov-26 03:00:00 GMT",
    "Wed Nov 25 03:00:00 2026",
];
