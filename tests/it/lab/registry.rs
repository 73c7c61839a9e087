//! Every registry of the lab, by its kind: started, with its logins, and filled.

use std::path::Path;

use url::Url;

use super::{
    crane::Crane,
    distribution::{Auth, Distribution, HTPASSWD},
    ferro::Ferro,
    http::{Caller, Login},
    image::{self, Pushed},
    nginx::Nginx,
    process::{self, Running},
    tokens::{Account, TokenServer},
};

/// The registries of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// docker-registry, open to everybody, delete off (its default).
    Anonymous,
    /// docker-registry with Basic, delete on.
    Htpasswd,
    /// docker-registry with tokens, delete on.
    Token,
    /// docker-registry in maintenance: open, nothing may be written.
    ReadOnly,
    /// docker-registry as a pull-through cache of another.
    PullThrough,
    /// ferro-oci-server: open, with native referrers.
    Ferro,
    /// `crane registry serve`: open, without referrers.
    Crane,
    /// ferro-oci-server behind an nginx that asks for Basic.
    FerroBasic,
    /// nginx that says 429 to everything.
    TooManyRequests,
    /// nginx that says 200 and HTML to everything.
    Html,
}

impl Kind {
    /// All of them whose programs every Debian has, in the order of every table.
    pub(crate) const ALL: [Self; 9] = [
        Self::Anonymous,
        Self::Htpasswd,
        Self::Token,
        Self::ReadOnly,
        Self::PullThrough,
        Self::Ferro,
        Self::FerroBasic,
        Self::TooManyRequests,
        Self::Html,
    ];

    /// The name in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "docker-registry",
            Self::Htpasswd => "docker-registry-htpasswd",
            Self::Token => "docker-registry-token",
            Self::ReadOnly => "docker-registry-readonly",
            Self::PullThrough => "docker-registry-proxy",
            Self::Ferro => "ferro",
            Self::Crane => "crane",
            Self::FerroBasic => "ferro-basic",
            Self::TooManyRequests => "nginx-429",
            Self::Html => "nginx-html",
        }
    }

    /// Whether an image can be pushed into it.
    pub(crate) fn holds_images(self) -> bool {
        !matches!(self, Self::TooManyRequests | Self::Html)
    }
}

/// A registry that runs; everything of it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) kind: Kind,
    pub(crate) url: Url,
    /// The token server of [`Kind::Token`].
    pub(crate) tokens: Option<TokenServer>,
    /// The registry itself, and after it those that stand behind it.
    servers: Vec<Running>,
}

impl Registry {
    /// Starts one; `None` when a program for it is missing, which was said.
    pub(crate) async fn start(kind: Kind) -> Option<Self> {
        let mut tokens = None;
        let servers = match kind {
            Kind::Anonymous => vec![process::start(&Distribution::default()).await?],
            Kind::Htpasswd => vec![with_htpasswd().await?],
            Kind::Token => vec![with_tokens(tokens.insert(token_server().await)).await?],
            Kind::ReadOnly => {
                let writable = process::start(&Distribution::default()).await?;
                let read_only = Distribution {
                    read_only: true,
                    data_of: Some(&writable),
                    ..Distribution::default()
                };
                vec![process::start(&read_only).await?, writable]
            }
            Kind::PullThrough => {
                let upstream = process::start(&Distribution::default()).await?;
                let cache = Distribution {
                    pull_through: Some(upstream.url.clone()),
                    ..Distribution::default()
                };
                vec![process::start(&cache).await?, upstream]
            }
            Kind::Ferro => vec![process::start(&Ferro).await?],
            Kind::Crane => vec![process::start(&Crane).await?],
            Kind::FerroBasic => {
                process::find(HTPASSWD)?;
                let upstream = process::start(&Ferro).await?;
                let front = Nginx::BasicFront {
                    upstream: upstream.url.clone(),
                    login: good(),
                };
                vec![process::start(&front).await?, upstream]
            }
            Kind::TooManyRequests => vec![process::start(&Nginx::too_many_requests(2)).await?],
            Kind::Html => vec![process::start(&Nginx::html()).await?],
        };
        Some(Self {
            kind,
            url: servers.first()?.url.clone(),
            tokens,
            servers,
        })
    }

    /// Where it keeps its files.
    pub(crate) fn dir(&self) -> &Path {
        self.servers[0].dir()
    }

    /// Who asks it with these credentials.
    pub(crate) fn caller(&self, login: Option<Login>) -> Caller {
        Caller {
            base: self.url.clone(),
            login,
        }
    }

    /// Pushes [`REPOSITORY`]:[`TAG`] and a referrer to it; where the registry itself
    /// takes nothing, into the one behind it.
    ///
    /// # Panics
    /// When it refuses; ask [`Kind::holds_images`] first.
    pub(crate) async fn fill(&self) -> (Pushed, Pushed) {
        let mut caller = self.caller(Some(good()));
        if let (Kind::ReadOnly | Kind::PullThrough, Some(behind)) = (self.kind, self.servers.get(1))
        {
            caller.base = behind.url.clone();
        }
        let image = image::push_image(&caller, REPOSITORY, TAG).await;
        let referrer = image::push_referrer(&caller, &image).await;
        (image, referrer)
    }
}

async fn with_htpasswd() -> Option<Running> {
    process::find(HTPASSWD)?;
    process::start(&Distribution {
        auth: Auth::Htpasswd(good()),
        delete: true,
        ..Distribution::default()
    })
    .await
}

async fn with_tokens(tokens: &TokenServer) -> Option<Running> {
    process::start(&Distribution {
        auth: Auth::Token(tokens),
        delete: true,
        ..Distribution::default()
    })
    .await
}

async fn token_server() -> TokenServer {
    TokenServer::start(vec![
        Account::new(good(), "lab/", &["pull", "push", "delete"]),
        Account::new(reader(), "lab/", &["pull"]),
    ])
    .await
}

/// The repository that is filled.
pub(crate) const REPOSITORY: &str = "lab/app";
/// The tag that is pushed.
pub(crate) const TAG: &str = "latest";

/// The credentials that may do everything below `lab/`.
pub(crate) fn good() -> Login {
    Login::new("lab", "lab-secret")
}

/// The credentials that may only pull (where tokens are).
pub(crate) fn reader() -> Login {
    Login::new("reader", "reader-secret")
}

/// The right user, the wrong password.
pub(crate) fn wrong() -> Login {
    Login::new("lab", "wrong")
}
