//! What is replaced under a running daemon shows without restart and reload, and so
//! does what ends: the sources of credentials, a client certificate, a server's certificate.

use std::{fs, path::Path, process::Command};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;

use super::{
    certificates::{Authority, EARLY, GOOD, PAST, Pair},
    distribution::{Auth, Distribution, HTPASSWD, Tls},
    http::{Caller, Login},
    image,
    nginx::{Nginx, TlsFront},
    process::{self, Running},
    registry::{REPOSITORY, TAG, good, wrong},
};
use crate::cli::{daemon::Daemon, run::Workplace};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_that_is_replaced_is_used_at_the_next_cycle() {
    let (authority, stranger) = (Authority::new("lab root"), Authority::new("unknown root"));
    let Some(upstream) = filled().await else {
        return;
    };
    let front = Nginx::TlsFront(TlsFront {
        upstream: upstream.url.clone(),
        server: authority.server(&["registry.test"]),
        clients: Some(authority.root()),
        protocols: "TLSv1.2 TLSv1.3",
    });
    let Some(registry) = process::start(&front).await else {
        return;
    };
    let used = Pair {
        cert: authority.dir().join("used.pem"),
        key: authority.dir().join("used.key"),
    };
    put(&authority.client("first", EARLY), &used);
    let place = Workplace::new(&configuration(
        &registry,
        &format!(
            "    tls: {{ca_file: {}, cert_file: {}, key_file: {}}}\n",
            authority.root().display(),
            used.cert.display(),
            used.key.display()
        ),
    ));
    let mut daemon = Daemon::start(&place, &[]).await;
    let pull = |status: &str| {
        format!(
            r#"oci_registry_check_status{{registry="production",check="pull",repository="{REPOSITORY}",credential="anonymous",status="{status}"}} 1"#
        )
    };
    let expiry = |day| expiry("client", day);
    let page = daemon.page("/metrics", &pull("pass")).await;
    assert!(page.contains(&expiry(EARLY)), "{page}");
    put(&stranger.client("second", GOOD), &used);
    daemon.page("/metrics", &pull("fail")).await;
    put(&authority.client("third", GOOD), &used);
    let page = daemon.page("/metrics", &pull("pass")).await;
    assert!(page.contains(&expiry(GOOD)), "{page}");
    ended(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_file_that_is_replaced_is_used_without_restart() {
    used_without_restart(Source::PasswordFile).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docker_s_configuration_that_is_replaced_is_used_without_restart() {
    used_without_restart(Source::DockerConfig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_credential_helper_says_anew_is_used_without_restart() {
    used_without_restart(Source::Helper).await;
}

/// A wrong password, and then the right one, from a file that is replaced as Kubernetes
/// does it: by another under the same name.
async fn used_without_restart(source: Source) {
    let authority = Authority::new("lab root");
    let (Some(_), Some(upstream)) = (process::find(HTPASSWD), filled().await) else {
        return;
    };
    let server = authority.server(&["registry.test"]);
    let Some(registry) = process::start(&secure(&upstream, &server)).await else {
        return;
    };
    let file = authority.file("secret", &source.content(&registry, &wrong()));
    let place = Workplace::new(&configuration(
        &registry,
        &format!(
            "    {}\n    tls: {{ca_file: {}}}\n",
            source.configured(&file),
            authority.root().display()
        ),
    ));
    let path = helper(authority.dir(), &file);
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    command.env("PATH", path);
    let mut daemon = Daemon::spawn(command).await;
    let valid = |is: u8| {
        format!(
            r#"oci_registry_credentials_valid{{registry="production",credential="inline"}} {is}"#
        )
    };
    daemon.page("/metrics", &valid(0)).await;
    let next = authority.file("next", &source.content(&registry, &good()));
    fs::rename(next, &file).expect("the same directory");
    daemon.page("/metrics", &valid(1)).await;
    let log = ended(&mut daemon).await;
    for login in [good(), wrong()] {
        assert!(!log.contains(&login.password), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_refused_certificate_and_the_versions_of_a_good_one_are_published() {
    let authority = Authority::new("lab root");
    let (Some(_), Some(upstream)) = (process::find(HTPASSWD), filled().await) else {
        return;
    };
    let (good_pair, late) = (
        authority.server(&["registry.test"]),
        authority.expired(&["registry.test"]),
    );
    let (Some(good), Some(late)) = (
        process::start(&secure(&upstream, &good_pair)).await,
        process::start(&secure(&upstream, &late)).await,
    ) else {
        return;
    };
    let tls = format!("tls: {{ca_file: {}}}", authority.root().display());
    let common = "test_repository: lab/app, resolve: {registry.test: 127.0.0.1}";
    let place = Workplace::new(&format!(
        "registries:
  - {{name: modern, url: {}, {tls}, {common}}}
  - {{name: plain, url: {}, {tls}, {common}, http2: false}}
  - {{name: production, url: {}, {tls}, {common}}}
",
        url(&good),
        url(&good),
        url(&late)
    ));
    let mut daemon = Daemon::start(&place, &[]).await;
    let page = daemon.page("/metrics", &expiry("leaf", PAST)).await;
    for series in [
        expiry("chain", (2045, 1, 31)),
        r#"oci_registry_up{registry="production"} 0"#.to_owned(),
        format!(
            r#"oci_registry_check_reason{{registry="production",check="pull",repository="{REPOSITORY}",credential="anonymous",reason="tls"}} 1"#
        ),
    ] {
        assert!(page.contains(&series), "{series}: {page}");
    }
    for (name, version) in [("modern", "2"), ("plain", "1.1")] {
        let info = format!(r#"tls_version="1.3",http_version="{version}""#);
        let page = daemon.page("/metrics", &info).await;
        let line = page
            .lines()
            .find(|line| line.contains(&info))
            .expect("it is there");
        assert!(line.contains(&format!(r#"registry="{name}""#)), "{line}");
        for phase in ["resolve", "connect", "tls", "processing", "transfer"] {
            let series = format!(
                r#"oci_registry_http_phase_duration_seconds{{registry="{name}",phase="{phase}"}}"#
            );
            assert!(page.contains(&series), "{series}: {page}");
        }
    }
    ended(&mut daemon).await;
}

/// Where credentials come from that are replaced.
#[derive(Debug, Clone, Copy)]
enum Source {
    PasswordFile,
    DockerConfig,
    Helper,
}

impl Source {
    fn configured(self, file: &Path) -> String {
        let file = file.display();
        match self {
            Self::PasswordFile => {
                format!("username: {}\n    password_file: {file}", good().username)
            }
            Self::DockerConfig => format!("docker_config: {file}"),
            Self::Helper => format!("credential_helper: {HELPER}"),
        }
    }

    /// What stands in the file, or what the helper prints of it.
    fn content(self, registry: &Running, login: &Login) -> String {
        let Login { username, password } = login;
        match self {
            Self::PasswordFile => password.clone(),
            Self::DockerConfig => {
                let auth = BASE64_STANDARD.encode(format!("{username}:{password}"));
                let host = url(registry).replace("https://", "");
                json!({"auths": {host: {"auth": auth}}}).to_string()
            }
            Self::Helper => json!({"Username": username, "Secret": password}).to_string(),
        }
    }
}

/// A PATH with the helper, which prints the file.
fn helper(dir: &Path, file: &Path) -> String {
    let bin = dir.join("bin");
    fs::create_dir(&bin).expect("the own directory");
    // Written by a program that has ended: one that this process wrote might still be
    // open in a child of another test when it is started.
    let script = format!("#!/bin/sh\ncat >/dev/null\nexec cat {}\n", file.display());
    let written = Command::new("/bin/sh")
        .args([
            "-c",
            "printf %s \"$1\" >\"$2\" && chmod 755 \"$2\"",
            "sh",
            &script,
        ])
        .arg(bin.join(format!("docker-credential-{HELPER}")))
        .status();
    assert!(written.expect("a shell").success());
    format!("{}:/usr/bin:/bin", bin.display())
}

const HELPER: &str = "rotating";

/// An open registry with the image, over plain HTTP.
async fn filled() -> Option<Running> {
    let plain = process::start(&Distribution::default()).await?;
    let caller = Caller {
        base: plain.url.clone(),
        login: None,
    };
    image::push_image(&caller, REPOSITORY, TAG).await;
    Some(plain)
}

/// The same image behind TLS and a password.
fn secure<'a>(upstream: &'a Running, server: &'a Pair) -> Distribution<'a> {
    Distribution {
        auth: Auth::Htpasswd(good()),
        data_of: Some(upstream),
        tls: Some(Tls {
            server,
            clients: None,
        }),
        ..Distribution::default()
    }
}

/// Asked every second by the two cheapest checks.
fn configuration(registry: &Running, more: &str) -> String {
    format!(
        "registries:\n  - name: production\n    url: {}\n    test_repository: {REPOSITORY}\n    resolve: {{registry.test: 127.0.0.1}}\n    timeout: 5s\n    checks: {{credentials: {{interval: 1s}}, pull: {{interval: 1s}}, push: {{enabled: false}}, referrers: {{enabled: false}}, capabilities: {{enabled: false}}}}\n{more}",
        url(registry)
    )
}

fn url(registry: &Running) -> String {
    let port = registry.url.port().expect("a port of its own");
    format!("https://registry.test:{port}")
}

/// Puts a certificate and its key under the names that the daemon reads.
fn put(pair: &Pair, used: &Pair) {
    let replace = |from: &Path, to: &Path| fs::rename(from, to).expect("the same file system");
    replace(&pair.cert, &used.cert);
    replace(&pair.key, &used.key);
}

fn expiry(certificate: &str, (year, month, day): (i32, u8, u8)) -> String {
    let end = rcgen::date_time_ymd(year, month, day).unix_timestamp();
    format!(
        r#"oci_registry_tls_certificate_expiry_timestamp_seconds{{registry="production",certificate="{certificate}"}} {end}"#
    )
}

/// Ends it, and gives its log.
async fn ended(daemon: &mut Daemon) -> String {
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    log
}
