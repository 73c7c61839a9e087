//! How a registry is reached: TLS, proxy, user agent.

use std::path::Path;

use url::Host;

use crate::transport::{ProxyOptions, TlsOptions};

use super::{address, quote::shown, section::Section};

/// Reads the map under `tls`.
pub(super) fn tls(section: &Section<'_>, base: &Path) -> TlsOptions {
    let tls = section.section("tls");
    tls.only(&[
        "ca_file",
        "cert_file",
        "key_file",
        "server_name",
        "insecure_skip_verify",
    ]);
    let file = |key| {
        let (path, item) = tls.text(key)?;
        if path.trim().is_empty() {
            item.refuse("the path is empty", "name a PEM file");
        }
        Some(base.join(path))
    };
    let options = TlsOptions {
        ca_file: file("ca_file"),
        cert_file: file("cert_file"),
        key_file: file("key_file"),
        server_name: server_name(&tls),
        insecure_skip_verify: tls.flag("insecure_skip_verify", false),
    };
    for (here, there) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if tls.has(here) && !tls.has(there) {
            tls.refuse_at(
                &tls.spot_of(here),
                format!("`{here}` stands without `{there}`"),
                "a client certificate needs both",
            );
        }
    }
    if options.insecure_skip_verify {
        tls.warn_at(
            &tls.spot_of("insecure_skip_verify"),
            "any certificate is accepted, also an attacker's",
        );
    }
    options
}

fn server_name(tls: &Section<'_>) -> Option<String> {
    let (text, item) = tls.text("server_name")?;
    if Host::parse(text).is_err() || text.contains('*') {
        item.refuse(
            format!("{} is no host name", shown(text)),
            "write the name that stands in the certificate, without a port",
        );
    }
    Some(text.to_owned())
}

/// Reads `proxy_url`, `no_proxy` and `proxy_from_environment`.
pub(super) fn proxy(section: &Section<'_>) -> ProxyOptions {
    let from_environment = section.flag("proxy_from_environment", false);
    if from_environment && section.has("proxy_url") {
        section.refuse_at(
            &section.spot_of("proxy_from_environment"),
            "`proxy_url` and `proxy_from_environment` stand together",
            "keep one of them",
        );
    }
    let url = section.item("proxy_url").and_then(|item| {
        let url = address::http_url(&item, item.text()?, address::Kind::Proxy)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            item.refuse(
                "a proxy has no path, query or fragment",
                "write it as `http://proxy.example.com:3128`",
            );
        }
        Some(url)
    });
    let mut no_proxy = Vec::new();
    for (text, item) in section.texts("no_proxy") {
        if text.is_empty() || text.contains([' ', ',']) || text.contains("://") {
            item.refuse(
                format!("{} is no host", shown(text)),
                "write one host, domain (`.example.com`), address, network (`10.0.0.0/8`) or `*` an item",
            );
        }
        no_proxy.push(text.to_owned());
    }
    ProxyOptions {
        url,
        no_proxy,
        from_environment,
    }
}

/// Reads `user_agent_comment`, which goes into a header.
pub(super) fn user_agent_comment(section: &Section<'_>) -> Option<String> {
    let (text, item) = section.text("user_agent_comment")?;
    if text.is_empty() || text.len() > 128 || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    {
        item.refuse(
            format!("{} cannot stand in a header", shown(text)),
            "write 1 to 128 printable ASCII characters, such as a contact address",
        );
    }
    Some(text.to_owned())
}
