//! The anonymous `GET /v2/`: what it says of the registry.

use std::time::Duration;

use crate::{
    auth,
    exchange::{Operation, Reply},
    oci::{self, Challenge, ErrorBody},
    outcome::Reason,
};

/// The anonymous ping, judged.
#[derive(Debug, Clone)]
pub struct Ping {
    /// What the registry is like.
    pub kind: PingKind,
    /// The raw `WWW-Authenticate` values, for the evidence.
    pub challenge: Option<String>,
    /// The version header.
    pub version: Option<String>,
    /// The product, where its signs were seen.
    pub product: Option<&'static str>,
    /// The status code.
    pub status: u16,
    /// Time of the request.
    pub elapsed: Duration,
}

/// What the anonymous ping shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PingKind {
    /// 200 without a challenge: nobody is asked who they are.
    Open,
    /// A usable challenge; `optional` where it came with a 200 (zot).
    Challenged {
        /// Basic or Bearer.
        challenge: Challenge,
        /// Anonymous access is possible too.
        optional: bool,
    },
    /// It is reached, but as a registry it is of no use: why, and in words.
    Unusable(Reason, String),
}

impl Ping {
    /// Judges the answer to `GET /v2/` without credentials.
    ///
    /// A 5xx and a 429 are not for this function: the caller has dealt with them.
    pub fn judge(reply: &Reply, host: &str) -> Self {
        Self {
            kind: kind(reply),
            challenge: challenge_text(reply),
            version: oci::distribution_version(reply),
            product: oci::product(reply, host),
            status: reply.status,
            elapsed: reply.elapsed,
        }
    }

    /// The word of `oci_registry_server_info{auth_method}`.
    pub fn auth_method(&self) -> Option<&'static str> {
        match &self.kind {
            PingKind::Open => Some("anonymous"),
            PingKind::Challenged { challenge, .. } => match challenge.scheme() {
                oci::Scheme::Basic => Some("basic"),
                oci::Scheme::Bearer => Some("bearer"),
                oci::Scheme::Other(_) => None,
            },
            PingKind::Unusable(..) => None,
        }
    }
}

/// Whether an answer is shaped like a registry's at all, for `oci_registry_up`: the
/// ping has a shape of its own, any other route only must not be a web page.
pub(super) fn like_a_registry(operation: Operation, reply: &Reply) -> bool {
    match (operation, reply.status) {
        (_, 429) => true,
        (_, 500..) => false,
        (Operation::Ping | Operation::PingAuth, _) => {
            !matches!(kind(reply), PingKind::Unusable(Reason::Protocol, _))
        }
        _ => !oci::is_html(reply),
    }
}

fn kind(reply: &Reply) -> PingKind {
    let challenges = oci::challenges(reply);
    let usable = auth::choose(&challenges);
    match reply.status {
        200..=299 => {
            if !says_registry(reply) {
                return not_a_registry(reply);
            }
            match usable {
                Some(challenge) => PingKind::Challenged {
                    challenge: challenge.clone(),
                    optional: true,
                },
                None => PingKind::Open,
            }
        }
        401 => match usable {
            Some(challenge) => PingKind::Challenged {
                challenge: challenge.clone(),
                optional: false,
            },
            None => unusable_challenge(&challenges),
        },
        300..=399 => PingKind::Unusable(
            Reason::Redirect,
            format!(
                "`/v2/` redirects to {}, which is not followed",
                redirect_target(reply)
            ),
        ),
        400 => bad_request(reply),
        403 if oci::is_html(reply) && ErrorBody::of(reply).is_none() => PingKind::Unusable(
            Reason::NetworkPolicy,
            "`/v2/` is refused with 403 and a web page: a firewall or gateway stands in front"
                .to_owned(),
        ),
        403 => PingKind::Unusable(
            Reason::NetworkPolicy,
            match ErrorBody::of(reply) {
                Some(body) => format!("`/v2/` is refused with 403: {}", body.summary()),
                None => {
                    "`/v2/` is refused with 403: a network rule keeps this machine out".to_owned()
                }
            },
        ),
        _ => not_a_registry(reply),
    }
}

/// A plain 200 of anything else than a registry (login pages, captive portals) must not pass.
fn says_registry(reply: &Reply) -> bool {
    if oci::is_html(reply) {
        return false;
    }
    let body = reply.body.trim_ascii();
    oci::distribution_version(reply).is_some()
        || body.is_empty()
        || serde_json::from_slice::<serde_json::Value>(body).is_ok()
}

fn not_a_registry(reply: &Reply) -> PingKind {
    let what = if oci::is_html(reply) {
        "a web page".to_owned()
    } else {
        reply
            .media_type()
            .unwrap_or_else(|| "no media type".to_owned())
    };
    PingKind::Unusable(
        Reason::Protocol,
        format!(
            "`/v2/` answers {} with {what}: this is not an OCI registry, or the path is wrong",
            reply.status
        ),
    )
}

fn unusable_challenge(challenges: &[Challenge]) -> PingKind {
    let offered: Vec<String> = challenges
        .iter()
        .map(|challenge| challenge.scheme().as_str().to_owned())
        .collect();
    let message = if offered.is_empty() {
        "`/v2/` answers 401 without saying how to log in (no WWW-Authenticate)".to_owned()
    } else {
        format!(
            "`/v2/` answers 401 and offers only {}; Basic and Bearer are understood",
            offered.join(", ")
        )
    };
    PingKind::Unusable(Reason::Protocol, message)
}

/// nginx and Go servers say 400 to a client without its certificate, and to plain HTTP on a TLS port.
fn bad_request(reply: &Reply) -> PingKind {
    let text = String::from_utf8_lossy(&reply.body).to_ascii_lowercase();
    // nginx's page for one that is expired or of an unknown CA.
    if text.contains("ssl certificate error") {
        PingKind::Unusable(
            Reason::Tls,
            "The registry refuses the client certificate (`tls.cert_file`): expired, or of a CA that it does not know"
                .to_owned(),
        )
    } else if text.contains("certificate") {
        PingKind::Unusable(
            Reason::Tls,
            "The registry demands a client certificate (`tls.cert_file`, `tls.key_file`)"
                .to_owned(),
        )
    } else if text.contains("http request to an https server")
        || text.contains("plain http request was sent to https port")
    {
        PingKind::Unusable(
            Reason::Tls,
            "plain HTTP was sent to a TLS port: write the URL with https://".to_owned(),
        )
    } else {
        not_a_registry(reply)
    }
}

/// Where a redirect points, without query and userinfo, for messages.
fn redirect_target(reply: &Reply) -> String {
    let Some(location) = reply.header("location") else {
        return "nowhere".to_owned();
    };
    match url::Url::parse(location) {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            // Neither can fail on a URL that has a host, and one without has no userinfo.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            bounded(url.as_str())
        }
        Err(_) => bounded(location.split(['?', '#']).next().unwrap_or_default()),
    }
}

fn bounded(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(120)
        .collect()
}

fn challenge_text(reply: &Reply) -> Option<String> {
    let all: Vec<&str> = reply.header_all("www-authenticate").collect();
    (!all.is_empty()).then(|| {
        all.join(", ")
            .chars()
            .filter(|character| !character.is_control())
            .take(500)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::{error, reply};

    fn reason(reply: &Reply) -> Option<Reason> {
        match kind(reply) {
            PingKind::Unusable(reason, _) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn a_200_without_a_challenge_is_an_open_registry() {
        let json: &[(&str, &str)] = &[("content-type", "application/json")];
        let version: &[(&str, &str)] = &[("docker-distribution-api-version", "registry/2.0")];
        for (name, reply) in [
            ("distribution", reply(200, json, "{}")),
            ("quay", reply(200, json, "true")),
            ("cloudflare: nothing at all", reply(200, &[], "")),
            ("a version header and words", reply(200, version, "hello")),
        ] {
            assert_eq!(kind(&reply), PingKind::Open, "{name}");
            assert!(like_a_registry(Operation::Ping, &reply), "{name}");
        }
    }

    #[test]
    fn a_challenge_is_taken_from_401_and_from_200() {
        let basic: &[(&str, &str)] = &[("www-authenticate", "Basic realm=\"r\"")];
        let zot: &[(&str, &str)] = &[(
            "www-authenticate",
            "bearer realm=https://z/auth,service=zot",
        )];
        let both: &[(&str, &str)] = &[
            ("www-authenticate", "Basic"),
            (
                "www-authenticate",
                "Bearer realm=\"https://g/token\",service=\"s\"",
            ),
        ];
        for (name, reply, scheme, optional) in [
            ("basic", reply(401, basic, ""), oci::Scheme::Basic, false),
            ("zot's 200", reply(200, zot, ""), oci::Scheme::Bearer, true),
            (
                "bearer wins over basic (old Gitea)",
                reply(401, both, ""),
                oci::Scheme::Bearer,
                false,
            ),
        ] {
            match kind(&reply) {
                PingKind::Challenged {
                    challenge,
                    optional: found,
                } => {
                    assert_eq!(*challenge.scheme(), scheme, "{name}");
                    assert_eq!(found, optional, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn what_is_no_use_as_a_registry_says_why() {
        let html: &[(&str, &str)] = &[("content-type", "text/html")];
        let digest: &[(&str, &str)] = &[("www-authenticate", "Digest realm=\"x\", nonce=\"y\"")];
        let elsewhere: &[(&str, &str)] = &[("location", "https://login.example.com/?token=abc")];
        for (name, reply, expected) in [
            (
                "login page",
                reply(200, html, "<!doctype html>"),
                Reason::Protocol,
            ),
            (
                "words",
                reply(200, &[("content-type", "text/plain")], "It works!"),
                Reason::Protocol,
            ),
            ("404", reply(404, &[], ""), Reason::Protocol),
            (
                "401 without challenge",
                reply(401, &[], ""),
                Reason::Protocol,
            ),
            (
                "401 with an unknown scheme",
                reply(401, digest, ""),
                Reason::Protocol,
            ),
            ("redirect", reply(302, elsewhere, ""), Reason::Redirect),
            (
                "403 (ACR's network rules)",
                error(403, "DENIED", "client with IP is not allowed access"),
                Reason::NetworkPolicy,
            ),
            (
                "client certificate",
                reply(
                    400,
                    html,
                    "<center>No required SSL certificate was sent</center>",
                ),
                Reason::Tls,
            ),
            (
                "plain HTTP on a TLS port (Go)",
                reply(
                    400,
                    &[],
                    "Client sent an HTTP request to an HTTPS server.\n",
                ),
                Reason::Tls,
            ),
            (
                "plain HTTP on a TLS port (nginx)",
                reply(
                    400,
                    html,
                    "<center>The plain HTTP request was sent to HTTPS port</center>",
                ),
                Reason::Tls,
            ),
            ("400", reply(400, &[], ""), Reason::Protocol),
        ] {
            assert_eq!(reason(&reply), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_message_names_the_schemes_offered_and_no_query() {
        let digest: &[(&str, &str)] = &[("www-authenticate", "Digest realm=\"x\"")];
        let PingKind::Unusable(_, message) = kind(&reply(401, digest, "")) else {
            panic!("usable");
        };
        assert!(message.contains("Digest"), "{message}");
        let elsewhere: &[(&str, &str)] =
            &[("location", "https://u:p@login.example.com/in?token=abc")];
        let PingKind::Unusable(_, message) = kind(&reply(302, elsewhere, "")) else {
            panic!("usable");
        };
        assert!(
            message.contains("https://login.example.com/in"),
            "{message}"
        );
        assert!(
            !message.contains("abc") && !message.contains("u:p"),
            "{message}"
        );
    }

    #[test]
    fn up_means_under_500_and_shaped_like_a_registry() {
        let html: &[(&str, &str)] = &[("content-type", "text/html")];
        for (operation, reply, expected) in [
            (Operation::Ping, reply(429, &[], ""), true),
            (Operation::Ping, error(403, "DENIED", ""), true),
            (Operation::Ping, reply(503, &[], ""), false),
            (Operation::Ping, reply(404, &[], ""), false),
            (Operation::Ping, reply(200, html, "<html>"), false),
            // The ping is remembered: the first answer is that of a missing image.
            (Operation::ManifestHead, reply(404, &[], ""), true),
            (Operation::ManifestHead, reply(401, &[], ""), true),
            (Operation::ManifestHead, reply(200, html, ""), false),
            (Operation::ManifestHead, reply(502, &[], ""), false),
        ] {
            let status = reply.status;
            assert_eq!(
                like_a_registry(operation, &reply),
                expected,
                "{operation:?} {status}"
            );
        }
    }
}
