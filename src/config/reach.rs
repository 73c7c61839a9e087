//! How a registry is reached: TLS, proxy, user agent.

use std::path::{Path, PathBuf};

use url::Host;

use crate::{
    transport::{ProxyOptions, TlsOptions, TlsVersion},
    words,
};

use super::{address, keys, quote::shown, section::Section};

/// Reads the map under `tls`.
pub(super) fn tls(section: &Section<'_>, base: &Path) -> TlsOptions {
    let tls = section.section("tls");
    tls.only(keys::TLS);
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
        min_version: min_version(&tls),
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

fn min_version(tls: &Section<'_>) -> TlsVersion {
    let Some((text, item)) = tls.text("min_version") else {
        return TlsVersion::default();
    };
    words::value(&TlsVersion::ALL, text).unwrap_or_else(|| {
        item.refuse(
            format!("{} is no TLS version that is safe", shown(text)),
            "write `1.2` (the default) or `1.3`",
        );
        TlsVersion::default()
    })
}

/// Reads `proxy_url`, its login, `no_proxy` and `proxy_from_environment`.
pub(super) fn proxy(section: &Section<'_>, base: &Path) -> ProxyOptions {
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
    let (username, password_file) = proxy_login(section, base);
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
        username,
        password_file,
        no_proxy,
        from_environment,
    }
}

/// Reads `proxy_username` and `proxy_password_file`, which come together and only with
/// a proxy that they are for.
fn proxy_login(section: &Section<'_>, base: &Path) -> (Option<String>, Option<PathBuf>) {
    let keys = ["proxy_username", "proxy_password_file"];
    for (here, there) in [(keys[0], keys[1]), (keys[1], keys[0])] {
        if section.has(here) && !section.has(there) {
            section.refuse_at(
                &section.spot_of(here),
                format!("`{here}` stands without `{there}`"),
                "a proxy's login needs both",
            );
        }
    }
    if let Some(key) = keys.into_iter().find(|key| section.has(key))
        && !section.has("proxy_url")
    {
        section.refuse_at(
            &section.spot_of(key),
            format!("`{key}` stands without `proxy_url`"),
            "name the proxy that it is for; a proxy from the environment has its login in there",
        );
    }
    let username = section.text(keys[0]).map(|(text, item)| {
        // RFC 7617 section 2: the first colon ends the name.
        if text.is_empty() || text.contains(':') || text.chars().any(char::is_control) {
            item.refuse(
                "this is no user name for a proxy",
                "write at least one character, and no `:`",
            );
        }
        text.to_owned()
    });
    let file = section.text(keys[1]).map(|(path, item)| {
        if path.trim().is_empty() || path.contains(char::is_control) {
            item.refuse(
                "this is no path of a file",
                "name the file that holds the password",
            );
        }
        base.join(path)
    });
    (username, file)
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
