//! The servers that the table asks.

use std::{fs, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};

use super::super::{
    certificates::{Authority, EARLY, GOOD, PAST, Pair, home_made},
    distribution::{Auth, Distribution, HTPASSWD, Tls},
    http::{Caller, Login},
    image,
    nginx::{Nginx, TlsFront},
    process::{self, Running},
    registry::{REPOSITORY, TAG, good},
    tinyproxy::Tinyproxy,
    tokens::{Account, TokenServer},
};

/// The name of every registry; it resolves to loopback by `resolve`.
pub(super) const HOST: &str = "registry.test";

/// All of them, with one image in all the registries.
pub(super) struct Lab {
    /// The CA that is trusted.
    pub(super) authority: Authority,
    /// A CA that is not.
    pub(super) stranger: Authority,
    pub(super) client: Pair,
    pub(super) late_client: Pair,
    pub(super) strange_client: Pair,
    pub(super) home_pair: Pair,
    /// No TLS and no login.
    pub(super) plain: Running,
    pub(super) good: Running,
    pub(super) expired: Running,
    pub(super) early: Running,
    pub(super) misnamed: Running,
    pub(super) nameless: Running,
    pub(super) strange: Running,
    pub(super) home: Running,
    /// It asks for a client certificate itself.
    pub(super) mutual: Running,
    /// Below a path.
    pub(super) nested: Running,
    /// nginx that asks for a client certificate.
    pub(super) nginx: Running,
    /// nginx that speaks TLS 1.2 alone.
    pub(super) old: Running,
    pub(super) open_proxy: Running,
    pub(super) closed_proxy: Running,
    pub(super) token: Running,
    pub(super) strange_token: Running,
    pub(super) plain_token: Running,
    /// Nobody listens there.
    pub(super) dead_port: u16,
    token_servers: [TokenServer; 3],
}

impl Lab {
    /// `None` when a program is missing, which was said.
    #[expect(clippy::too_many_lines, reason = "a line for every server")]
    pub(super) async fn start() -> Option<Self> {
        process::find(HTPASSWD)?;
        let authority = Authority::new("lab root");
        let stranger = Authority::new("unknown root");
        let home_pair = home_made(authority.dir(), HOST)?;
        let plain = process::start(&Distribution::default()).await?;
        let caller = Caller {
            base: plain.url.clone(),
            login: None,
        };
        image::push_image(&caller, REPOSITORY, TAG).await;
        let here = [HOST, "localhost"];
        let server = authority.server(&here);
        let client_root = authority.root();
        let behind = |server, clients| basic(&plain, server, clients);
        let front = |clients, protocols| {
            Nginx::TlsFront(TlsFront {
                upstream: plain.url.clone(),
                server: server.clone(),
                clients,
                protocols,
            })
        };
        let nested = Distribution {
            prefix: Some("/artifactory/docker/"),
            ..behind(&server, None)
        };
        let token_servers = token_servers(&authority, &stranger).await;
        let [good_tokens, strange_tokens, plain_tokens] = &token_servers;
        let token = |tokens| Distribution {
            auth: Auth::Token(tokens),
            ..behind(&server, None)
        };
        let closed_proxy = Tinyproxy {
            login: Some(Login::new("clerk", "proxy-secret")),
        };
        Some(Self {
            client: authority.client("client", GOOD),
            late_client: authority.client("late client", PAST),
            strange_client: stranger.client("client", EARLY),
            good: process::start(&behind(&server, None)).await?,
            expired: process::start(&behind(&authority.expired(&here), None)).await?,
            early: process::start(&behind(&authority.early(&here), None)).await?,
            misnamed: process::start(&behind(
                &authority.server(&["other.test", "www.other.test"]),
                None,
            ))
            .await?,
            nameless: process::start(&behind(&authority.server(&[]), None)).await?,
            strange: process::start(&behind(&stranger.server(&here), None)).await?,
            home: process::start(&behind(&home_pair, None)).await?,
            mutual: process::start(&behind(&server, Some(&client_root))).await?,
            nested: process::start(&nested).await?,
            nginx: process::start(&front(Some(client_root.clone()), "TLSv1.2 TLSv1.3")).await?,
            old: process::start(&front(None, "TLSv1.2")).await?,
            open_proxy: process::start(&Tinyproxy::default()).await?,
            closed_proxy: process::start(&closed_proxy).await?,
            token: process::start(&token(good_tokens)).await?,
            strange_token: process::start(&token(strange_tokens)).await?,
            plain_token: process::start(&token(plain_tokens)).await?,
            dead_port: dead_port(),
            plain,
            token_servers,
            home_pair,
            authority,
            stranger,
        })
    }

    /// The key `tls` with the trusted CA, and further keys of it.
    pub(super) fn trust(&self, more: &str) -> String {
        let comma = if more.is_empty() { "" } else { ", " };
        format!(
            "tls: {{ca_file: {}{comma}{more}}}",
            self.authority.root().display()
        )
    }

    /// Of the token servers: with a good certificate, with a strange one, without TLS.
    pub(super) fn realms(&self) -> [String; 3] {
        [0, 1, 2].map(|server| self.token_servers[server].realm().to_string())
    }

    /// Without ports and directories, which differ from run to run, and with one
    /// sentence for the two ends of a refused client certificate: whether the alert
    /// or the closed connection is seen first is chance.
    pub(super) fn without_places(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for authority in [&self.authority, &self.stranger] {
            text = text.replace(&*authority.dir().to_string_lossy(), "DIR");
        }
        let closed =
            "closed the connection once it had seen the client certificate: it seems to refuse it";
        let alert = "refuses the client certificate (";
        let lines = text.lines().map(|line| match line.split_once(alert) {
            Some((before, _)) => format!("{before}[alert, or the connection closed]"),
            None => without_ports(&line.replace(closed, "[alert, or the connection closed]")),
        });
        lines.map(|line| line + "\n").collect()
    }
}

fn without_ports(line: &str) -> String {
    let mut parts = line.split(':');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = part.len() - rest.len();
        let is_port = (4..=5).contains(&digits) && !rest.starts_with(char::is_alphanumeric);
        shown += ":";
        shown += if is_port { "PORT" } else { "" };
        shown += if is_port { rest } else { part };
    }
    shown
}

/// `https://registry.test:PORT`, whatever it speaks.
pub(super) fn url(server: &Running) -> String {
    let port = server.url.port().expect("a port of its own");
    format!("https://{HOST}:{port}")
}

/// A day by its words; that of the home-made certificate depends on today.
pub(super) fn day(end: i64) -> String {
    let words = |(year, month, day): (i32, u8, u8)| format!("{year}-{month:02}-{day:02}");
    for known in [GOOD, PAST, EARLY, (2045, 1, 31)] {
        let (year, month, day) = known;
        if rcgen::date_time_ymd(year, month, day).unix_timestamp() == end {
            return words(known);
        }
    }
    "a day from now".to_owned()
}

/// docker-registry with TLS, one user, and the image.
fn basic<'a>(
    plain: &'a Running,
    server: &'a Pair,
    clients: Option<&'a std::path::Path>,
) -> Distribution<'a> {
    Distribution {
        auth: Auth::Htpasswd(good()),
        data_of: Some(plain),
        tls: Some(Tls { server, clients }),
        ..Distribution::default()
    }
}

async fn token_servers(authority: &Authority, stranger: &Authority) -> [TokenServer; 3] {
    let accounts = || vec![Account::new(good(), "lab/", &["pull", "push"])];
    let secure = |pair: &Pair| TokenServer::start_tls(accounts(), "auth.test", config(pair));
    [
        secure(&authority.server(&["auth.test"])).await,
        secure(&stranger.server(&["auth.test"])).await,
        TokenServer::start(accounts()).await,
    ]
}

fn config(pair: &Pair) -> ServerConfig {
    let chain = fs::read(&pair.cert).expect("a certificate");
    let chain = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .expect("PEM");
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key")
}

fn dead_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}
