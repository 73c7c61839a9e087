//! What is wrong with a TLS handshake, in words.

use rustls::{
    AlertDescription, CertificateError, Error, InvalidMessage, PeerIncompatible,
    pki_types::UnixTime,
};

use super::{
    options::TlsVersion,
    shown::{Identity, Shown},
};

/// The server asks for a client certificate, and none is configured.
pub(super) const IDENTITY_MISSED: &str =
    "the server requires a client certificate: set tls.cert_file and tls.key_file";

/// The server shut the door at a client certificate without a word: an alert that it
/// sent is lost where the request was on its way already.
pub(super) const IDENTITY_REFUSED: &str = "the server closed the connection once it had seen the client certificate: it seems to refuse it";

/// The alert that an error's text says: HTTP/2 keeps no more than the text.
pub(super) fn alert(text: &str) -> Option<Error> {
    [
        AlertDescription::AccessDenied,
        AlertDescription::BadCertificate,
        AlertDescription::CertificateExpired,
        AlertDescription::CertificateRequired,
        AlertDescription::CertificateRevoked,
        AlertDescription::CertificateUnknown,
        AlertDescription::HandshakeFailure,
        AlertDescription::UnknownCA,
    ]
    .into_iter()
    .map(Error::AlertReceived)
    .find(|alert| alert.to_string() == text)
}

/// One sentence.
pub(super) fn tls(error: &Error, shown: &Shown, oldest: TlsVersion) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem, shown),
        Error::AlertReceived(AlertDescription::ProtocolVersion)
        | Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => too_old(oldest),
        Error::AlertReceived(alert) => alerted(*alert, shown.identity),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the server does not speak TLS on this port: is it plain HTTP?".to_owned()
        }
        Error::PeerIncompatible(problem) => {
            format!("no TLS version or cipher in common with the server: {problem:?}")
        }
        Error::NoApplicationProtocol => "the server speaks no HTTP over this TLS port".to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    }
}

fn certificate(problem: &CertificateError, shown: &Shown) -> String {
    match problem {
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            let whose = whose(*not_after, shown.leaf_validity.map(|(_, end)| end));
            format!("{whose} expired on {}", date(*not_after))
        }
        CertificateError::NotValidYet => "the certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let whose = whose(*not_before, shown.leaf_validity.map(|(begin, _)| begin));
            format!("{whose} is not valid before {}", date(*not_before))
        }
        CertificateError::UnknownIssuer | CertificateError::Other(_) if shown.self_signed => {
            "the certificate is self-signed and not trusted: name it as tls.ca_file".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the certificate's issuer is unknown: name its root as tls.ca_file".to_owned()
        }
        CertificateError::NotValidForName => {
            "the certificate does not hold the host's name".to_owned()
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
            let names = match names.as_slice() {
                // A common name is what `openssl req -x509` asks for, and nobody reads it.
                [] => "no name (a subjectAltName, a common name does not count)".to_owned(),
                names => names.join(", "),
            };
            format!(
                "the certificate is not for {}: it holds {names}",
                expected.to_str()
            )
        }
        CertificateError::Revoked => "the certificate is revoked".to_owned(),
        CertificateError::BadSignature => {
            // Mostly a root that was made anew under its old name.
            "the certificate is signed with another key than its issuer's: renew tls.ca_file"
                .to_owned()
        }
        CertificateError::BadEncoding => "the certificate cannot be parsed".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the certificate is not one for servers".to_owned()
        }
        other => format!("the certificate is not accepted: {other}"),
    }
}

/// The dates of which certificate are meant: the leaf's, or one's above it.
fn whose(time: UnixTime, leaf: Option<i64>) -> &'static str {
    match leaf {
        Some(leaf) if i64::try_from(time.as_secs()) != Ok(leaf) => {
            "a certificate above the server's own"
        }
        _ => "the certificate",
    }
}

fn too_old(oldest: TlsVersion) -> String {
    match oldest {
        TlsVersion::Tls12 => {
            "the server speaks no TLS version that is safe (1.2 or 1.3)".to_owned()
        }
        TlsVersion::Tls13 => {
            "the server does not speak TLS 1.3, which tls.min_version asks for".to_owned()
        }
    }
}

fn alerted(alert: AlertDescription, identity: Identity) -> String {
    match alert {
        AlertDescription::CertificateRequired => IDENTITY_MISSED.to_owned(),
        // TLS 1.2 has no alert of its own for a client certificate that did not come.
        AlertDescription::BadCertificate
        | AlertDescription::HandshakeFailure
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
            if identity == Identity::Missed =>
        {
            IDENTITY_MISSED.to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            format!("the server refuses the client certificate ({alert:?})")
        }
        AlertDescription::UnrecognisedName => {
            "the server does not know the name that it was asked for".to_owned()
        }
        other => format!("the server ended the TLS handshake ({other:?})"),
    }
}

/// `DnsName("a.test")` and `IpAddress(127.0.0.1)`, as the verifier gives them.
fn bare(name: &str) -> &str {
    name.strip_prefix("DnsName(\"")
        .and_then(|name| name.strip_suffix("\")"))
        .or_else(|| {
            name.strip_prefix("IpAddress(")
                .and_then(|name| name.strip_suffix(')'))
        })
        .unwrap_or(name)
}

/// `2026-01-31`, in UTC.
fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(
            || "a day out of range".to_owned(),
            |time| time.strftime("%Y-%m-%d").to_string(),
        )
}
