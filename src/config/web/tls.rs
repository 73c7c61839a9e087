//! `tls_server_config`: the port's certificate, and what is asked of clients.

use crate::{
    config::{quote::shown, section::Section},
    transport::TlsVersion,
};

use super::{
    chosen, only,
    options::{CipherSuite, ClientAuth, Curve, WebTls},
    pem::Base,
};

/// A section without a certificate is refused: whoever writes of TLS does not
/// want plain HTTP, which is what the toolkit makes of it.
pub(super) fn read(section: &Section<'_>, base: &Base<'_>) -> Option<WebTls> {
    only(section, &KEYS);
    for key in ["cert", "key"] {
        let file = format!("{key}_file");
        if !section.has(key) && !section.has(&file) {
            section.refuse(
                format!("`{key}` or `{file}` is missing"),
                "TLS needs a certificate and its key; remove the whole section for plain HTTP",
            );
        }
    }
    let certificate = base.pem(section, "cert");
    let key = base.pem(section, "key");
    let client_ca = base.pem(section, "client_ca");
    let client_auth = client_auth(section);
    let min_version = version(section, "min_version", TlsVersion::Tls12);
    let max_version = version(section, "max_version", TlsVersion::Tls13);
    if (min_version, max_version) == (TlsVersion::Tls13, TlsVersion::Tls12) {
        section.refuse_at(
            &section.spot_of("max_version"),
            "it is older than `min_version`",
            "write `TLS13`, or remove the key",
        );
    }
    Some(WebTls {
        certificate: certificate?,
        key: key?,
        client_ca,
        client_auth,
        client_allowed_sans: allowed_sans(section, client_auth),
        min_version,
        max_version,
        cipher_suites: cipher_suites(section, max_version),
        prefer_server_cipher_suites: section.flag("prefer_server_cipher_suites", true),
        curves: list(section, "curve_preferences", &Curve::ALL, "curve"),
    })
}

/// The policy, which must agree with whether there is a CA.
fn client_auth(section: &Section<'_>) -> ClientAuth {
    let word = section.text("client_auth_type");
    let auth = match &word {
        None => ClientAuth::None,
        // The toolkit's name before Go's own.
        Some(("RequireClientCert", _)) => ClientAuth::RequireAny,
        Some((_, item)) => match chosen(item, &ClientAuth::ALL, "policy of client certificates") {
            Some(auth) => auth,
            None => return ClientAuth::None,
        },
    };
    let ca = section.present(["client_ca", "client_ca_file"]);
    match (auth, ca.first()) {
        (auth, None) if auth.verifies() => section.refuse_at(
            &section.spot_of("client_auth_type"),
            "nothing says who signs the certificates of clients",
            "name their CA with `client_ca_file`; without one any certificate of the system's CAs would do",
        ),
        (auth, Some(key)) if !auth.verifies() => section.refuse_at(
            &section.spot_of(key),
            "a CA of clients does nothing unless their certificates are verified",
            "write `client_auth_type: RequireAndVerifyClientCert`, or remove the CA",
        ),
        (ClientAuth::Request | ClientAuth::RequireAny, _) => section.warn_at(
            &section.spot_of("client_auth_type"),
            "certificates of clients are not verified: this keeps nobody out",
        ),
        _ => {}
    }
    auth
}

/// Without a certificate of the client there is no name to look at, and an
/// unverified one may say any name.
fn allowed_sans(section: &Section<'_>, auth: ClientAuth) -> Option<Vec<String>> {
    let item = section.item("client_allowed_sans")?;
    let names: Vec<String> = item
        .list()?
        .into_iter()
        .filter_map(|name| name.text())
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        item.refuse(
            "an empty list lets no client in",
            "name the DNS names, addresses, e-mail addresses or URIs of the clients, or remove the key",
        );
    } else if !auth.verifies() {
        item.refuse(
            "names of clients prove nothing unless their certificates are verified",
            "write `client_auth_type: RequireAndVerifyClientCert`, or remove the key",
        );
    }
    Some(names)
}

fn version(section: &Section<'_>, key: &str, otherwise: TlsVersion) -> TlsVersion {
    let Some((text, item)) = section.text(key) else {
        return otherwise;
    };
    match text {
        "TLS12" => TlsVersion::Tls12,
        "TLS13" => TlsVersion::Tls13,
        "TLS10" | "TLS11" => {
            item.refuse(
                format!(
                    "{} is not spoken here: it is no longer safe (RFC 8996)",
                    shown(text)
                ),
                "write `TLS12` or `TLS13`",
            );
            otherwise
        }
        other => {
            item.refuse(
                format!("{} is no version of TLS", shown(other)),
                "write `TLS12` or `TLS13`",
            );
            otherwise
        }
    }
}

fn cipher_suites(section: &Section<'_>, newest: TlsVersion) -> Option<Vec<CipherSuite>> {
    let suites = list(section, "cipher_suites", &CipherSuite::ALL, "cipher suite")?;
    if newest == TlsVersion::Tls12 && suites.iter().all(|suite| suite.of_tls13()) {
        section.refuse_at(
            &section.spot_of("cipher_suites"),
            "none of them belongs to TLS 1.2, the newest version that is spoken",
            "name one that begins with `TLS_ECDHE_`, or remove the key",
        );
    }
    Some(suites)
}

/// An empty list is as good as none, as in Go.
fn list<T: Copy>(
    section: &Section<'_>,
    key: &str,
    table: &[(T, &'static str)],
    what: &str,
) -> Option<Vec<T>> {
    let items = section.item(key)?.list()?;
    let values: Vec<T> = items
        .iter()
        .filter_map(|item| chosen(item, table, what))
        .collect();
    (!items.is_empty()).then_some(values)
}

const KEYS: [&str; 13] = [
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
];
