//! What the words of a refusal say. Statuses cannot: a 403 is an expired token
//! on ECR, a firewall on ACR, read-only mode on Harbor, and a missing right elsewhere.

use super::{ErrorBody, is_html};
use crate::exchange::Reply;

/// Why a registry refuses, as far as its own words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// The credential was good once.
    Expired,
    /// A firewall or an address list refuses where the request came from.
    NetworkPolicy,
    /// Nobody may write for now, or here.
    ReadOnly,
    /// A rule of the project refuses what is allowed in itself: quota,
    /// vulnerabilities, signatures.
    Policy,
    /// Nothing but a refusal.
    Plain,
}

/// Reads the words of a refusal: the codes and messages of a registry's error,
/// else the beginning of a body that is no web page. The status is the caller's.
pub fn denial(reply: &Reply) -> Denial {
    let text = words(reply);
    if says_expired(&text) {
        return Denial::Expired;
    }
    let phrases: [(Denial, &[&str]); 3] = [
        (Denial::NetworkPolicy, &NETWORK),
        (Denial::ReadOnly, &READ_ONLY),
        (Denial::Policy, &POLICY),
    ];
    let mut said = phrases.iter();
    let said = said.find(|(_, phrases)| phrases.iter().any(|phrase| text.contains(phrase)));
    said.map_or(Denial::Plain, |(denial, _)| *denial)
}

/// The words in lower case. What holds a slash or a colon inside is left out: names of
/// repositories and ARNs stand in messages, and `team/quota-service` says nothing.
fn words(reply: &Reply) -> String {
    let text = if let Some(body) = ErrorBody::of(reply) {
        let texts = body.entries.into_iter().flat_map(|e| [e.code, e.message]);
        texts.flatten().collect::<Vec<_>>().join(" ")
    } else if is_html(reply) {
        String::new()
    } else {
        let begin = &reply.body[..reply.body.len().min(TEXT)];
        String::from_utf8_lossy(begin).into_owned()
    };
    let is_name = |word: &str| word.contains('/') || word.trim_end_matches(':').contains(':');
    let plain: Vec<_> = text.split_whitespace().filter(|w| !is_name(w)).collect();
    plain.join(" ").to_lowercase()
}

/// A tag can expire too (Quay's `TAG_EXPIRED`), so the word alone is not enough.
fn says_expired(text: &str) -> bool {
    text.contains("expired") && CREDENTIALS.iter().any(|word| text.contains(word))
}

/// What of a credential expires.
const CREDENTIALS: [&str; 6] = [
    "token",
    "credential",
    "password",
    "authorization",
    "jwt",
    "access key",
];

const NETWORK: [&str; 8] = [
    "is not allowed access",
    "denied by network",
    "network rule",
    "firewall",
    "public network access",
    "private endpoint",
    "vpc endpoint",
    "ip allow list",
];

const READ_ONLY: [&str; 9] = [
    "read only",
    "read-only",
    "readonly",
    "maintenance",
    "proxy project",
    "proxy-cache",
    "proxy cache",
    "pull-through",
    "pushes to the registry are currently disabled",
];

const POLICY: [&str; 7] = [
    "projectpolicyviolation",
    "quota",
    "vulnerab",
    "content trust",
    "not signed",
    "signature verification",
    "precondition",
];

/// How much of a plain body is read (bytes).
const TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::testing::reply;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, a row for every registry")]
    fn words_of_real_registries_are_understood() {
        for (source, code, message, wanted) in [
            (
                "ECR, 403",
                "DENIED",
                "Your authorization token has expired. Reauthenticate and try again.",
                Denial::Expired,
            ),
            (
                "ECR Public, 403 at the token endpoint",
                "DENIED",
                "Your Authorization Token has EXPIRED",
                Denial::Expired,
            ),
            (
                "Quay, robot token",
                "UNAUTHORIZED",
                "Invalid bearer token: Signature has expired",
                Denial::Expired,
            ),
            (
                "Quay, 404",
                "TAG_EXPIRED",
                "Tag latest was deleted or has expired",
                Denial::Plain,
            ),
            (
                "ACR firewall, 403 on /v2/",
                "DENIED",
                "client with IP '192.0.2.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.",
                Denial::NetworkPolicy,
            ),
            (
                "ACR private endpoint",
                "DENIED",
                "public network access is disabled",
                Denial::NetworkPolicy,
            ),
            (
                "GHCR, organisation's list",
                "DENIED",
                "the organization has an IP allow list enabled, and your IP address is not permitted",
                Denial::NetworkPolicy,
            ),
            (
                "ECR behind a VPC endpoint",
                "DENIED",
                "User: arn:aws:iam::1:user/x is not authorized because no VPC endpoint policy allows the action",
                Denial::NetworkPolicy,
            ),
            (
                "Harbor, read-only mode, 403",
                "DENIED",
                "The system is in read only mode. Any modification is prohibited.",
                Denial::ReadOnly,
            ),
            (
                "Harbor, proxy project, 403",
                "DENIED",
                "can not push artifact to a proxy project: cache",
                Denial::ReadOnly,
            ),
            (
                "Quay, 405",
                "DENIED",
                "System is currently read-only. Pulls will succeed but all write operations are currently suspended.",
                Denial::ReadOnly,
            ),
            (
                "DigitalOcean, garbage collection",
                "DENIED",
                "registry is in read-only mode",
                Denial::ReadOnly,
            ),
            (
                "distribution, maintenance",
                "UNSUPPORTED",
                "maintenance mode",
                Denial::ReadOnly,
            ),
            (
                "Harbor, 412",
                "PROJECTPOLICYVIOLATION",
                "current image with 3 vulnerabilities cannot be pulled",
                Denial::Policy,
            ),
            (
                "Harbor, content trust, 412",
                "PRECONDITION",
                "The image is not signed in Notary.",
                Denial::Policy,
            ),
            (
                "Harbor, cosign, 412",
                "PROJECTPOLICYVIOLATION",
                "The image is not signed by cosign.",
                Denial::Policy,
            ),
            (
                "Quay, quota, 403",
                "DENIED",
                "Quota has been exceeded on namespace",
                Denial::Policy,
            ),
            (
                "Harbor, missing right, 401",
                "UNAUTHORIZED",
                "unauthorized to access repository: team/quota-maintenance, action: push: read-only/x",
                Denial::Plain,
            ),
            (
                "distribution, 401",
                "UNAUTHORIZED",
                "authentication required",
                Denial::Plain,
            ),
            ("GHCR, bad PAT, 403", "DENIED", "denied", Denial::Plain),
            (
                "ECR, missing IAM right, 403",
                "DENIED",
                "User: arn:aws:iam::1:user/firewall-bot is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu:1:repository/expired-token",
                Denial::Plain,
            ),
            (
                "GAR, 403",
                "DENIED",
                "Permission \\\"artifactregistry.repositories.uploadArtifacts\\\" denied on resource \\\"projects/p/locations/l/repositories/quota\\\" (or it may not exist)",
                Denial::Plain,
            ),
            ("Artifactory, 403", "DENIED", "", Denial::Plain),
        ] {
            let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
            assert_eq!(denial(&reply(403, &[], &body)), wanted, "{source}");
        }
    }

    #[test]
    fn bodies_that_are_no_registry_s_error_are_read_as_text() {
        let html = [("content-type", "text/html")];
        for (headers, body, wanted) in [
            (
                &[][..],
                "denied: Your authorization token has expired. Reauthenticate and try again.",
                Denial::Expired,
            ),
            (
                &[],
                r#"{"error":"invalid_token","error_description":"The access token expired"}"#,
                Denial::Expired,
            ),
            (&[], "Blocked by the firewall.", Denial::NetworkPolicy),
            (&[], "Not Authorized", Denial::Plain),
            (&[], "", Denial::Plain),
            (
                &html,
                "<html>Down for maintenance, your token has expired</html>",
                Denial::Plain,
            ),
        ] {
            assert_eq!(denial(&reply(403, headers, body)), wanted, "{body}");
        }
    }

    proptest! {
        #[test]
        fn a_name_in_a_message_never_changes_what_it_says(
            name in "(firewall|quota|maintenance|read-only|expired-token|pull-through)/(x|quota|firewall)"
        ) {
            let body = format!(r#"{{"errors":[{{"code":"DENIED","message":"access to {name} denied, repository:{name}:pull"}}]}}"#);
            prop_assert_eq!(denial(&reply(403, &[], &body)), Denial::Plain);
        }
    }
}
