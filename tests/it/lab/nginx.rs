//! nginx as what stands before a registry, or in its place.

use std::{
    fmt::Write,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use url::Url;

use super::{
    certificates::Pair,
    distribution::htpasswd,
    http::Login,
    process::{Program, Setup},
};

/// An nginx.
#[derive(Debug)]
pub(crate) enum Nginx {
    /// The same answer to everything.
    Always(Fixed),
    /// In front of a registry, with Basic for one user.
    BasicFront { upstream: Url, login: Login },
    /// In front of a registry, with TLS.
    TlsFront(TlsFront),
}

/// How nginx speaks TLS.
#[derive(Debug)]
pub(crate) struct TlsFront {
    pub(crate) upstream: Url,
    pub(crate) server: Pair,
    /// The root of the clients' certificates, which it then demands.
    pub(crate) clients: Option<PathBuf>,
    /// As nginx writes them.
    pub(crate) protocols: &'static str,
}

/// An answer; nothing in it may hold a `'` or a `$`.
#[derive(Debug)]
pub(crate) struct Fixed {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'static str,
}

impl Nginx {
    /// 429 to everything, with `Retry-After` in seconds and a registry's error body.
    pub(crate) fn too_many_requests(retry_after: u32) -> Self {
        Self::Always(Fixed {
            status: 429,
            content_type: "application/json",
            headers: vec![
                ("Retry-After", retry_after.to_string()),
                ("Docker-Distribution-Api-Version", "registry/2.0".to_owned()),
            ],
            body: r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"pull request limit exceeded"}]}"#,
        })
    }

    /// 200 and an HTML page to everything, as a captive portal does.
    pub(crate) fn html() -> Self {
        Self::Always(Fixed {
            status: 200,
            content_type: "text/html",
            headers: Vec::new(),
            body: "<html>login</html>",
        })
    }

    /// What stands in its `server` beside the location.
    fn listening(&self, address: SocketAddr) -> String {
        let Self::TlsFront(tls) = self else {
            return format!("listen {address};\n");
        };
        let mut block = format!(
            "listen {address} ssl http2;\nssl_certificate {};\nssl_certificate_key {};\nssl_protocols {};\n",
            tls.server.cert.display(),
            tls.server.key.display(),
            tls.protocols,
        );
        if let Some(clients) = &tls.clients {
            let clients = clients.display();
            writeln!(
                block,
                "ssl_client_certificate {clients};\nssl_verify_client on;"
            )
            .expect("a String");
        }
        block
    }

    fn location(&self, dir: &Path) -> String {
        match self {
            Self::Always(fixed) => {
                let mut block = format!("default_type {};\n", fixed.content_type);
                for (name, value) in &fixed.headers {
                    writeln!(block, "add_header {name} '{value}' always;").expect("a String");
                }
                writeln!(block, "return {} '{}';", fixed.status, fixed.body).expect("a String");
                block
            }
            Self::TlsFront(tls) => format!(
                "client_max_body_size 0;\n\
                 proxy_set_header Host $http_host;\n\
                 proxy_set_header X-Forwarded-Proto https;\n\
                 proxy_pass http://{};\n",
                tls.upstream.authority()
            ),
            Self::BasicFront { upstream, login } => {
                let users = dir.join("htpasswd");
                fs::write(&users, htpasswd(login)).expect("a file in the own directory");
                let authority = upstream.authority();
                format!(
                    "auth_basic lab;\n\
                     auth_basic_user_file {};\n\
                     client_max_body_size 0;\n\
                     proxy_set_header Host $http_host;\n\
                     proxy_set_header Authorization '';\n\
                     proxy_pass http://{authority};\n",
                    users.display()
                )
            }
        }
    }
}

impl Setup for Nginx {
    const PROGRAM: Program = Program {
        name: "nginx",
        brought_by: "Debian package nginx-light",
    };

    fn configure(&self, command: &mut Command, dir: &Path, address: SocketAddr) {
        // One process, so that its pid is all there is to end.
        let mut config = "daemon off;\nmaster_process off;\npid nginx.pid;\n\
             error_log stderr warn;\nevents {}\nhttp {\naccess_log off;\ntypes {}\n"
            .to_owned();
        for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            writeln!(config, "{module}_temp_path {}/{module};", dir.display()).expect("a String");
        }
        write!(
            config,
            "server {{\n{}location / {{\n{}}}\n}}\n}}\n",
            self.listening(address),
            self.location(dir)
        )
        .expect("a String");
        let file = dir.join("nginx.conf");
        fs::write(&file, config).expect("a file in the own directory");
        command
            .arg("-p")
            .arg(dir)
            .arg("-c")
            .arg(file)
            .arg("-e")
            .arg(dir.join("early.log"));
    }
}
