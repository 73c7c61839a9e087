//! One HTTP request after the other over plain TCP, with Basic and Bearer: enough to
//! fill a registry and to see its answers, and nothing of the exporter in it.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::Url;

/// A user name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl Login {
    pub(crate) fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    /// The value of an `Authorization` header.
    pub(crate) fn basic(&self) -> String {
        let pair = format!("{}:{}", self.username, self.password);
        format!("Basic {}", BASE64_STANDARD.encode(pair))
    }
}

/// What a server said.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The first value of a header, where it is readable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A request to be; the defaults are a `GET` of nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Relative to the caller's base, or absolute.
    pub(crate) to: &'a str,
    /// The values of `Accept`.
    pub(crate) accept: &'a [&'a str],
    pub(crate) content_type: Option<&'a str>,
    /// Where a chunk stands in its upload.
    pub(crate) content_range: Option<&'a str>,
    pub(crate) body: Bytes,
}

/// Who asks: one registry, with a login or without any `Authorization`.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) base: Url,
    pub(crate) login: Option<Login>,
}

impl Caller {
    /// Sends `ask`; with a login as Basic, and when a Bearer challenge comes back, again
    /// with the token that its realm gives out. A realm that refuses leaves the
    /// registry's own 401 as the answer.
    ///
    /// # Panics
    /// When there is no answer.
    pub(crate) async fn ask(&self, ask: Ask<'_>) -> Answer {
        let Some(login) = &self.login else {
            return self.send(&ask, None).await;
        };
        let answer = self.send(&ask, Some(&login.basic())).await;
        let realm = (answer.status == 401).then(|| bearer_realm(&answer));
        let Some(realm) = realm.flatten() else {
            return answer;
        };
        match token(&realm, Some(login)).await {
            Some(token) => self.send(&ask, Some(&format!("Bearer {token}"))).await,
            None => answer,
        }
    }

    async fn send(&self, ask: &Ask<'_>, authorization: Option<&str>) -> Answer {
        let url = self.base.join(ask.to).expect("a path or URL");
        let mut request = Request::builder().method(&ask.method);
        for accept in ask.accept {
            request = request.header(header::ACCEPT, *accept);
        }
        if let Some(value) = ask.content_type {
            request = request.header(header::CONTENT_TYPE, value);
        }
        if let Some(value) = ask.content_range {
            request = request.header(header::CONTENT_RANGE, value);
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = request.body(ask.body.clone()).expect("a valid request");
        exchange(&url, request)
            .await
            .unwrap_or_else(|error| panic!("{} {url}: {error}", ask.method))
    }
}

/// The token that a realm (with service and scope) gives to `login` or to nobody.
pub(crate) async fn token(realm: &Url, login: Option<&Login>) -> Option<String> {
    let mut request = Request::get("/");
    if let Some(login) = login {
        request = request.header(header::AUTHORIZATION, login.basic());
    }
    let request = request.body(Bytes::new()).expect("a valid request");
    let answer = exchange(realm, request)
        .await
        .unwrap_or_else(|error| panic!("GET {realm}: {error}"));
    (answer.status == 200).then(|| answer.json()["token"].as_str().map(str::to_owned))?
}

/// A `GET` without credentials.
pub(crate) async fn get(url: &Url) -> Result<Answer, String> {
    let request = Request::get("/").body(Bytes::new());
    exchange(url, request.map_err(|error| error.to_string())?).await
}

/// Sends `request` to `url` (its own URI is replaced) on a connection of its own.
async fn exchange(url: &Url, request: Request<Bytes>) -> Result<Answer, String> {
    tokio::time::timeout(DEADLINE, unbounded_exchange(url, request))
        .await
        .map_err(|_| format!("no answer within {DEADLINE:?}"))?
}

async fn unbounded_exchange(url: &Url, request: Request<Bytes>) -> Result<Answer, String> {
    let authority = url.authority().to_owned();
    let stream = TcpStream::connect(&authority).await.map_err(text)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(text)?;
    let connection = tokio::spawn(connection);
    let (mut parts, body) = request.into_parts();
    parts.uri = url[url::Position::BeforePath..url::Position::AfterQuery]
        .parse()
        .map_err(text)?;
    parts
        .headers
        .insert(header::HOST, authority.parse().map_err(text)?);
    let request = Request::from_parts(parts, Full::new(body));
    let reply = sender.send_request(request).await.map_err(text)?;
    let (parts, body) = reply.into_parts();
    let body = body.collect().await.map_err(text)?.to_bytes();
    drop(sender);
    drop(connection.await);
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The realm of a Bearer challenge, with its service and scope as the query.
fn bearer_realm(answer: &Answer) -> Option<Url> {
    let challenge = answer.header("www-authenticate")?;
    let parameters = challenge.strip_prefix("Bearer ")?;
    let value = |name: &str| {
        let (_, after) = parameters.split_once(&format!("{name}=\""))?;
        after.split_once('"').map(|(value, _)| value)
    };
    let mut realm = Url::parse(value("realm")?).ok()?;
    for name in ["service", "scope"] {
        if let Some(value) = value(name) {
            realm.query_pairs_mut().append_pair(name, value);
        }
    }
    Some(realm)
}

const DEADLINE: Duration = Duration::from_secs(30);
