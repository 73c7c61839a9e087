//! What is wrong with a TLS handshake, in words.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage, pki_types::UnixTime};

/// The server asks for a client certificate, and none is configured.
pub(super) const IDENTITY_MISSED: &str =
    "the server requires a client certificate: set tls.cert_file and tls.key_file";

/// One sentence; `self_signed` says that the server's leaf was issued by itself.
pub(super) fn tls(error: &Error, self_signed: bool) -> String {
    match error {
        Error::InvalidCertificate(problem) => certificate(problem, self_signed),
        Error::AlertReceived(alert) => alerted(*alert),
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

fn certificate(problem: &CertificateError, self_signed: bool) -> String {
    match problem {
        CertificateError::Expired => "the certificate has expired".to_owned(),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("the certificate expired on {}", date(*not_after))
        }
        CertificateError::NotValidYet => "the certificate is not valid yet".to_owned(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("the certificate is not valid before {}", date(*not_before))
        }
        CertificateError::UnknownIssuer | CertificateError::Other(_) if self_signed => {
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
                [] => "no name".to_owned(),
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

fn alerted(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => IDENTITY_MISSED.to_owned(),
        AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            format!("the server refuses the client certificate ({alert:?})")
        }
        AlertDescription::ProtocolVersion => {
            "the server speaks no TLS version that is safe (1.2 or 1.3)".to_owned()
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
