//! nginx as what stands before a registry, or in its place.

use std::{fmt::Write, fs, net::SocketAddr, path::Path, process::Command};

use url::Url;

use super::{
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
            "server {{\nlisten {address};\nlocation / {{\n{}}}\n}}\n}}\n",
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
