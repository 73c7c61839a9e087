//! A token server as docker-registry's token mode asks for one
//! (distribution's "Token Authentication Specification"): JWTs signed with ES256,
//! the certificate in `x5c`.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, SigningKey};
use rustls::ServerConfig;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::http::Login;

/// A token server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct TokenServer {
    realm: Url,
    certificate_pem: String,
    asked: Mutex<mpsc::UnboundedReceiver<Asked>>,
    task: JoinHandle<()>,
}

/// Who may do what: `rights` are pairs of a repository's prefix and actions.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) login: Login,
    pub(crate) rights: Vec<(String, Vec<String>)>,
}

/// One request for a token, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The user name that Basic brought.
    pub(crate) username: Option<String>,
    /// Every `scope`.
    pub(crate) scopes: Vec<String>,
    /// The status of the answer.
    pub(crate) status: u16,
}

struct Issuer {
    key: KeyPair,
    certificate_der: Vec<u8>,
    accounts: Vec<Account>,
    asked: mpsc::UnboundedSender<Asked>,
}

impl Account {
    /// An account that may do `actions` in every repository below `prefix`.
    pub(crate) fn new(login: Login, prefix: &str, actions: &[&str]) -> Self {
        let actions = actions.iter().map(ToString::to_string).collect();
        Self {
            login,
            rights: vec![(prefix.to_owned(), actions)],
        }
    }
}

impl TokenServer {
    /// Starts one for these accounts. Who brings no credentials gets a token without
    /// rights, and so does a known user for a repository that is not theirs.
    pub(crate) async fn start(accounts: Vec<Account>) -> Self {
        Self::listening(accounts, None).await
    }

    /// The same behind TLS, with the host's name in its realm.
    pub(crate) async fn start_tls(accounts: Vec<Account>, host: &str, tls: ServerConfig) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        Self::listening(accounts, Some((host, acceptor))).await
    }

    async fn listening(accounts: Vec<Account>, tls: Option<(&str, TlsAcceptor)>) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a fresh key");
        let certificate = CertificateParams::new(["lab-tokens".to_owned()])
            .and_then(|parameters| parameters.self_signed(&key))
            .expect("a self-signed certificate");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port on loopback");
        let address = listener.local_addr().expect("an address");
        let (sender, asked) = mpsc::unbounded_channel();
        let issuer = Issuer {
            key,
            certificate_der: certificate.der().to_vec(),
            accounts,
            asked: sender,
        };
        let realm = match &tls {
            Some((host, _)) => format!("https://{host}:{}/token", address.port()),
            None => format!("http://{address}/token"),
        };
        let acceptor = tls.map(|(_, acceptor)| acceptor);
        Self {
            realm: Url::parse(&realm).expect("a URL"),
            certificate_pem: certificate.pem(),
            asked: Mutex::new(asked),
            task: tokio::spawn(serve(listener, Arc::new(issuer), acceptor)),
        }
    }

    /// The URL that a challenge names.
    pub(crate) fn realm(&self) -> &Url {
        &self.realm
    }

    /// The service that a challenge names, the audience of the tokens.
    #[expect(clippy::unused_self, reason = "one of the facts about a server")]
    pub(crate) fn service(&self) -> &'static str {
        SERVICE
    }

    /// Who signs.
    #[expect(clippy::unused_self, reason = "one of the facts about a server")]
    pub(crate) fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// The certificate that a registry must trust.
    pub(crate) fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// What was asked since the last call.
    pub(crate) async fn asked(&self) -> Vec<Asked> {
        let mut receiver = self.asked.lock().await;
        std::iter::from_fn(|| receiver.try_recv().ok()).collect()
    }
}

impl Drop for TokenServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, issuer: Arc<Issuer>, acceptor: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        let issuer = Arc::clone(&issuer);
        match acceptor.clone() {
            None => drop(tokio::spawn(converse(stream, issuer))),
            Some(acceptor) => drop(tokio::spawn(async move {
                // A handshake that the client ends is what some tests want.
                if let Ok(stream) = acceptor.accept(stream).await {
                    converse(stream, issuer).await;
                }
            })),
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, issuer: Arc<Issuer>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = issuer.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // How the client leaves is no concern.
    drop(connection.await);
}

impl Issuer {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<bytes::Bytes>> {
        let query = request.uri().query().unwrap_or_default();
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let scopes: Vec<String> = query
            .iter()
            .filter(|(name, _)| name == "scope")
            .flat_map(|(_, value)| value.split(' '))
            .map(str::to_owned)
            .collect();
        let login = request.headers().get(header::AUTHORIZATION);
        let login = login.map(|value| login_of(value.to_str().unwrap_or_default()));
        let account = login.as_ref().map(|login| self.account(login.as_ref()));
        let known = !matches!(account, Some(None));
        let status = if known {
            StatusCode::OK
        } else {
            StatusCode::UNAUTHORIZED
        };
        let username = login.flatten().map(|login| login.username);
        let body = if known {
            self.grant(account.flatten(), &scopes)
        } else {
            json!({"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]})
        };
        // Who listens may be gone already.
        drop(self.asked.send(Asked {
            username,
            scopes,
            status: status.as_u16(),
        }));
        let mut answer = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "application/json");
        if !known {
            answer = answer.header(header::WWW_AUTHENTICATE, "Basic realm=\"lab token\"");
        }
        answer
            .body(Full::new(body.to_string().into()))
            .expect("a valid answer")
    }

    fn account(&self, login: Option<&Login>) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|account| Some(&account.login) == login)
    }

    /// The answer to who may ask: a token with what is both asked for and theirs.
    fn grant(&self, account: Option<&Account>, scopes: &[String]) -> Value {
        let access: Vec<Value> = scopes
            .iter()
            .filter_map(|scope| access(account?, scope))
            .collect();
        let subject = account.map_or("", |account| &account.login.username);
        let token = self.token(subject, &access);
        json!({"token": token, "access_token": token, "expires_in": LIFETIME})
    }

    fn token(&self, subject: &str, access: &[Value]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a clock after 1970");
        let seconds = now.as_secs();
        let header = json!({
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [BASE64_STANDARD.encode(&self.certificate_der)],
        });
        let claims = json!({
            "iss": ISSUER,
            "sub": subject,
            "aud": SERVICE,
            "iat": seconds,
            "nbf": seconds.saturating_sub(10),
            "exp": seconds + LIFETIME,
            "jti": now.as_nanos().to_string(),
            "access": access,
        });
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(signed.as_bytes()).expect("a signature");
        let signature = BASE64_URL_SAFE_NO_PAD.encode(fixed_width(&signature));
        format!("{signed}.{signature}")
    }
}

/// What of `repository:NAME:ACTION,…` the account has.
fn access(account: &Account, scope: &str) -> Option<Value> {
    let (name, asked) = scope.strip_prefix("repository:")?.rsplit_once(':')?;
    let (_, allowed) = account
        .rights
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))?;
    let actions: Vec<&str> = asked
        .split(',')
        .filter(|action| allowed.iter().any(|own| own == action))
        .collect();
    (!actions.is_empty()).then(|| json!({"type": "repository", "name": name, "actions": actions}))
}

fn login_of(authorization: &str) -> Option<Login> {
    let pair = BASE64_STANDARD
        .decode(authorization.strip_prefix("Basic ")?)
        .ok()?;
    let pair = String::from_utf8(pair).ok()?;
    let (username, password) = pair.split_once(':')?;
    Some(Login::new(username, password))
}

/// An ECDSA signature as JWTs want it (RFC 7518 3.4): r and s of 32 bytes each, from
/// the ASN.1 sequence of two integers that the key gives.
fn fixed_width(der: &[u8]) -> [u8; 64] {
    let mut raw = [0; 64];
    // 30 len 02 len r 02 len s; both lengths are below 128.
    let (r, rest) = integer(&der[2..]);
    let (s, _) = integer(rest);
    for (half, integer) in raw.chunks_exact_mut(32).zip([r, s]) {
        half[32 - integer.len()..].copy_from_slice(integer);
    }
    raw
}

/// The first integer without its leading zero, and what follows it.
fn integer(der: &[u8]) -> (&[u8], &[u8]) {
    let (value, rest) = der[2..].split_at(usize::from(der[1]));
    (value.strip_prefix(&[0]).unwrap_or(value), rest)
}

const SERVICE: &str = "lab-registry";
const ISSUER: &str = "lab-tokens";
/// Seconds.
const LIFETIME: u64 = 300;

mod tests {
    use super::{super::http::token, *};

    #[tokio::test]
    async fn nobody_gets_an_empty_token_and_a_wrong_password_none() {
        let login = Login::new("a", "b");
        let account = Account::new(login.clone(), "lab/", &["pull"]);
        let server = TokenServer::start(vec![account]).await;
        let mut realm = server.realm().clone();
        realm.set_query(Some(
            "service=lab-registry&scope=repository:lab/app:pull,push",
        ));
        let wrong = Login::new("a", "c");
        for (login, status, access) in [
            (None, 200, Some(json!([]))),
            (
                Some(&login),
                200,
                Some(json!([{"type": "repository", "name": "lab/app", "actions": ["pull"]}])),
            ),
            (Some(&wrong), 401, None),
        ] {
            let token = token(&realm, login).await;
            let claims = token.map(|token| {
                let part = token.split('.').nth(1).expect("three parts");
                let part = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
                serde_json::from_slice::<Value>(&part).expect("JSON")
            });
            assert_eq!(claims.map(|mut claims| claims["access"].take()), access);
            let asked = Asked {
                username: login.map(|login| login.username.clone()),
                scopes: vec!["repository:lab/app:pull,push".to_owned()],
                status,
            };
            assert_eq!(server.asked().await, [asked]);
        }
    }

    #[test]
    fn a_signature_is_padded_to_its_width() {
        let der = [0x30, 8, 2, 2, 0, 0x81, 2, 2, 1, 2];
        let raw = fixed_width(&der);
        assert_eq!(raw[..31], [0; 31]);
        assert_eq!(raw[31], 0x81);
        assert_eq!(raw[62..], [1, 2]);
    }

    #[test]
    fn only_what_is_asked_for_and_allowed_is_granted() {
        let account = Account::new(Login::new("a", "b"), "lab/", &["pull", "push"]);
        for (scope, actions) in [
            ("repository:lab/app:pull", Some(json!(["pull"]))),
            ("repository:lab/app:pull,delete", Some(json!(["pull"]))),
            ("repository:lab/app:delete", None),
            ("repository:other/app:pull", None),
            ("registry:catalog:*", None),
            ("nonsense", None),
        ] {
            let granted = access(&account, scope).map(|mut access| access["actions"].take());
            assert_eq!(granted, actions, "{scope}");
        }
    }
}
