//! Which product answered, from signs in answers that come anyway. Used for
//! wording, links and safety defaults only; a capability is always probed.

use super::{Challenge, Scheme, challenges, one_line::one_line};
use crate::exchange::Reply;

/// Every product that is told by its answers, in the order of the alphabet: the words
/// of `product:` and of `oci_registry_server_info{product}`.
pub const PRODUCTS: [&str; 16] = [
    "acr",
    "angos",
    "artifactory",
    "cloudsmith",
    "distribution",
    "docker-hub",
    "ecr",
    "ecr-public",
    "gar",
    "ghcr",
    "gitea",
    "gitlab",
    "harbor",
    "nexus",
    "quay",
    "zot",
];

/// The product behind a reply and a host name, `None` where nothing tells.
///
/// Own signs rank above host names, and the signs of distribution come last:
/// Harbor, GitLab and many proxies embed it.
pub fn product(reply: &Reply, host: &str) -> Option<&'static str> {
    let challenges = challenges(reply);
    let mut offered = challenges.iter();
    let by_challenge = || offered.find_map(by_challenge);
    by_header(reply)
        .or_else(by_challenge)
        .or_else(|| by_host(host))
        .or_else(|| by_body(reply))
}

/// The version that a registry says it speaks, at most 64 characters: either
/// version header. `OCI-Distribution-API-Version` stands in no spec and came from
/// no registry that was read, but the source document names it.
pub fn distribution_version(reply: &Reply) -> Option<String> {
    let mut headers = DISTRIBUTION_VERSION
        .iter()
        .filter_map(|name| reply.header(name));
    headers.find_map(|value| {
        let version = one_line(value, 64);
        (!version.is_empty()).then_some(version)
    })
}

/// Whether a reply is a web page: by how its body begins, or by a content type that
/// the body does not belie (Quay's `/v2/` is `true` under `text/html`).
pub fn is_html(reply: &Reply) -> bool {
    let typed = reply.media_type().is_some_and(|media_type| {
        matches!(media_type.as_str(), "text/html" | "application/xhtml+xml")
    });
    let json = || serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_ok();
    let begin = String::from_utf8_lossy(&reply.body[..reply.body.len().min(256)]);
    let begin = begin.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let begins = |tag: &str| {
        let begin = begin.as_bytes().get(..tag.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
    };
    begins("<!doctype html") || begins("<html") || (typed && !json())
}

fn by_header(reply: &Reply) -> Option<&'static str> {
    let present = HEADERS
        .iter()
        .find(|(name, _)| reply.headers.contains_key(*name));
    if let Some((_, product)) = present {
        return Some(product);
    }
    let mut values = HEADER_VALUES.iter();
    let told = values.find(|(name, begin, _)| {
        let value = reply.header(name).unwrap_or_default().to_ascii_lowercase();
        value.starts_with(begin)
    });
    told.map(|(_, _, product)| *product)
}

fn by_challenge(challenge: &Challenge) -> Option<&'static str> {
    let service = challenge.service().unwrap_or_default();
    let realm = challenge.realm().unwrap_or_default();
    let bearer = *challenge.scheme() == Scheme::Bearer;
    match service {
        "harbor-registry" => return Some("harbor"),
        "registry.docker.io" => return Some("docker-hub"),
        "ecr.amazonaws.com" => return Some("ecr"),
        "container_registry" if realm.ends_with("/jwt/auth") => return Some("gitlab"),
        "container_registry" if realm.ends_with("/v2/token") => return Some("gitea"),
        _ if service.ends_with(".azurecr.io") => return Some("acr"),
        _ => {}
    }
    match realm.strip_prefix("https://").unwrap_or_default() {
        "public.ecr.aws/token/" | "public.ecr.aws/token" => Some("ecr-public"),
        "ghcr.io/token" => Some("ghcr"),
        rest if rest
            .split_once("-docker.pkg.dev/")
            .is_some_and(|(_, p)| p == "v2/token") =>
        {
            Some("gar")
        }
        _ if !bearer && realm.eq_ignore_ascii_case("harbor") => Some("harbor"),
        _ if !bearer && realm == "Artifactory Realm" => Some("artifactory"),
        _ if bearer && realm.ends_with("/service/token") => Some("harbor"),
        _ if bearer && realm.ends_with("/v2/auth") => Some("quay"),
        _ => None,
    }
}

fn by_host(host: &str) -> Option<&'static str> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if is_ecr(&host) {
        return Some("ecr");
    }
    let mut hosts = HOSTS.iter();
    let known = hosts.find(|(known, _)| match known.strip_prefix('*') {
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == *known,
    });
    known.map(|(_, product)| *product)
}

/// `<12 digits>.dkr.ecr[-fips].<region>.amazonaws.com`, `dkr-ecr` where the name
/// is served over IPv6 too, and the other partitions' domains.
fn is_ecr(host: &str) -> bool {
    let Some((account, rest)) = host.split_once('.') else {
        return false;
    };
    let registry = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."];
    account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && registry.iter().any(|begin| rest.starts_with(begin))
}

fn by_body(reply: &Reply) -> Option<&'static str> {
    if reply.status != 200 || distribution_version(reply).is_none() {
        return None;
    }
    let json = reply.media_type().as_deref() == Some("application/json");
    match reply.body.trim_ascii() {
        b"true" => Some("quay"),
        b"{}" if json => Some("distribution"),
        // zot answers 200 with a challenge that is lower case and unquoted.
        b"" if json || is_zot_challenge(reply) => Some("zot"),
        _ => None,
    }
}

fn is_zot_challenge(reply: &Reply) -> bool {
    let value = reply.header("www-authenticate").unwrap_or_default();
    let realm = ["bearer realm=", "basic realm="]
        .iter()
        .find_map(|begin| value.strip_prefix(begin));
    realm.is_some_and(|realm| !realm.starts_with('"'))
}

const DISTRIBUTION_VERSION: [&str; 2] = [
    "docker-distribution-api-version",
    "oci-distribution-api-version",
];

/// Headers that only one product sends.
const HEADERS: [(&str, &str); 10] = [
    ("x-jfrog-version", "artifactory"),
    ("x-artifactory-id", "artifactory"),
    ("x-artifactory-node-id", "artifactory"),
    ("gitlab-container-registry-version", "gitlab"),
    ("x-sparse-manifest-support", "quay"),
    ("x-ms-correlation-request-id", "acr"),
    ("docker-ratelimit-source", "docker-hub"),
    ("x-github-request-id", "ghcr"),
    ("blob-upload-uuid", "zot"),
    ("sizes", "ecr"),
];

/// Headers that one product begins so, in lower case.
const HEADER_VALUES: [(&str, &str, &str); 6] = [
    ("server", "azurecontainerregistry", "acr"),
    ("server", "artifactory/", "artifactory"),
    ("server", "nexus/", "nexus"),
    ("server", "cloudsmith", "cloudsmith"),
    ("server", "docker registry", "gar"),
    ("x-powered-by", "angos", "angos"),
];

/// Hosted services by name; a star stands for one character or more.
const HOSTS: [(&str, &str); 13] = [
    ("registry-1.docker.io", "docker-hub"),
    ("index.docker.io", "docker-hub"),
    ("docker.io", "docker-hub"),
    ("ghcr.io", "ghcr"),
    ("quay.io", "quay"),
    ("public.ecr.aws", "ecr-public"),
    ("*-docker.pkg.dev", "gar"),
    ("gcr.io", "gar"),
    ("*.gcr.io", "gar"),
    ("*.azurecr.io", "acr"),
    ("*.jfrog.io", "artifactory"),
    ("registry.gitlab.com", "gitlab"),
    ("docker.cloudsmith.io", "cloudsmith"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::reply;

    const V2: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");
    const JSON: (&str, &str) = ("content-type", "application/json");

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table, a row for every registry")]
    fn products_are_told_by_their_signs() {
        let auth = |value| ("www-authenticate", value);
        let mut told = Vec::new();
        for (wanted, status, headers, body) in [
            (
                "harbor",
                401,
                &[
                    auth(r#"Bearer realm="https://h/service/token",service="harbor-registry""#),
                    V2,
                ][..],
                "",
            ),
            ("harbor", 401, &[auth(r#"Basic realm="harbor""#)], ""),
            (
                "quay",
                401,
                &[auth(
                    r#"Bearer realm="https://q.example.com/v2/auth",service="q.example.com""#,
                )],
                "true",
            ),
            ("quay", 200, &[V2], "true"),
            (
                "quay",
                200,
                &[("x-sparse-manifest-support", "false")],
                "true",
            ),
            (
                "acr",
                401,
                &[auth(
                    r#"Bearer realm="https://x.azurecr.io/oauth2/token",service="x.azurecr.io""#,
                )],
                "",
            ),
            ("acr", 401, &[("server", "AzureContainerRegistry")], ""),
            (
                "ecr",
                401,
                &[auth(
                    r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#,
                )],
                "Not Authorized",
            ),
            ("ecr", 403, &[("sizes", "")], ""),
            (
                "ecr-public",
                401,
                &[auth(
                    r#"Bearer realm="https://public.ecr.aws/token/",service="public.ecr.aws""#,
                )],
                "",
            ),
            (
                "gar",
                401,
                &[auth(
                    r#"Bearer realm="https://europe-west1-docker.pkg.dev/v2/token""#,
                )],
                "",
            ),
            ("gar", 200, &[("server", "Docker Registry"), V2], ""),
            (
                "ghcr",
                401,
                &[auth(
                    r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#,
                )],
                "",
            ),
            (
                "docker-hub",
                401,
                &[auth(
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#,
                )],
                "",
            ),
            (
                "docker-hub",
                200,
                &[("docker-ratelimit-source", "192.0.2.1")],
                "",
            ),
            (
                "artifactory",
                401,
                &[
                    ("x-jfrog-version", "Artifactory/7.90.1"),
                    auth(r#"Bearer realm="https://h/v2/token",service="h:443""#),
                ],
                "",
            ),
            (
                "artifactory",
                401,
                &[auth(r#"Basic realm="Artifactory Realm""#)],
                "",
            ),
            (
                "artifactory",
                404,
                &[("server", "Artifactory/7.9.1")],
                "<html>",
            ),
            (
                "gitlab",
                401,
                &[auth(
                    r#"Bearer realm="https://gitlab.com/jwt/auth",service="container_registry""#,
                )],
                "",
            ),
            (
                "gitlab",
                200,
                &[("gitlab-container-registry-version", "4.0"), V2, JSON],
                "{}",
            ),
            (
                "gitea",
                401,
                &[
                    auth(
                        r#"Bearer realm="https://g/v2/token",service="container_registry",scope="*""#,
                    ),
                    auth("Basic"),
                ],
                "",
            ),
            (
                "nexus",
                401,
                &[("server", "Nexus/3.70.0 (OSS)"), auth(r#"Basic realm="x""#)],
                "",
            ),
            (
                "angos",
                401,
                &[
                    ("x-powered-by", "Angos"),
                    auth(r#"Basic realm="Angos", charset="UTF-8""#),
                ],
                "",
            ),
            ("cloudsmith", 401, &[("server", "Cloudsmith 1.2")], ""),
            ("zot", 200, &[V2, auth("bearer realm=https://z/auth")], ""),
            ("zot", 200, &[V2, JSON], ""),
            ("zot", 202, &[("blob-upload-uuid", "x")], ""),
            ("distribution", 200, &[V2, JSON], "{}"),
            (
                "distribution",
                200,
                &[V2, ("content-type", "application/json; charset=utf-8")],
                "{}\n",
            ),
        ] {
            let found = product(&reply(status, headers, body), "registry.example.com");
            assert_eq!(found, Some(wanted), "{headers:?} {body}");
            told.push(wanted);
        }
        told.sort_unstable();
        told.dedup();
        assert_eq!(told, PRODUCTS, "a row for every product");
        for (_, product) in HOSTS {
            assert!(PRODUCTS.contains(&product), "{product}");
        }
    }

    #[test]
    fn nothing_told_is_none() {
        for (status, headers, body) in [
            (200, &[JSON][..], "{}"),
            (
                401,
                &[V2, ("www-authenticate", r#"Basic realm="lab realm""#)],
                "",
            ),
            (
                401,
                &[
                    V2,
                    (
                        "www-authenticate",
                        r#"Bearer realm="http://127.0.0.1:1/token",service="lab svc""#,
                    ),
                ],
                "",
            ),
            (404, &[("content-type", "text/html")], "<html></html>"),
        ] {
            assert_eq!(
                product(&reply(status, headers, body), "registry.example.com"),
                None
            );
        }
    }

    #[test]
    fn hosts_of_services_are_known() {
        let silent = reply(404, &[], "");
        for (host, wanted) in [
            ("registry-1.docker.io", Some("docker-hub")),
            ("GHCR.io.", Some("ghcr")),
            ("quay.io", Some("quay")),
            ("us-docker.pkg.dev", Some("gar")),
            ("eu.gcr.io", Some("gar")),
            ("team.azurecr.io", Some("acr")),
            ("team.jfrog.io", Some("artifactory")),
            ("registry.gitlab.com", Some("gitlab")),
            (
                "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
                Some("ecr"),
            ),
            (
                "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
                Some("ecr"),
            ),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", Some("ecr")),
            ("1.dkr.ecr.eu-west-1.amazonaws.com", None),
            (".azurecr.io", None),
            ("notghcr.io", None),
            ("", None),
        ] {
            assert_eq!(product(&silent, host), wanted, "{host}");
        }
    }

    #[test]
    fn distribution_version_is_either_header_and_bounded() {
        let long = "x".repeat(500);
        for (headers, wanted) in [
            (&[V2][..], Some("registry/2.0")),
            (&[("oci-distribution-api-version", "1.1")], Some("1.1")),
            (
                &[
                    ("docker-distribution-api-version", " "),
                    ("oci-distribution-api-version", "1.1"),
                ],
                Some("1.1"),
            ),
            (&[], None),
        ] {
            let answer = reply(200, headers, "");
            assert_eq!(
                distribution_version(&answer).as_deref(),
                wanted,
                "{headers:?}"
            );
        }
        let answer = reply(200, &[("docker-distribution-api-version", &long)], "");
        assert_eq!(distribution_version(&answer).unwrap().len(), 64);
    }

    #[test]
    fn a_web_page_is_told_by_type_or_beginning() {
        for (headers, body, wanted) in [
            (
                &[("content-type", "text/html; charset=utf-8")][..],
                "",
                true,
            ),
            (&[("content-type", "application/xhtml+xml")], "", true),
            (&[], "\u{feff}\n <!DOCTYPE HTML><html>", true),
            (&[JSON], "<HTML lang=en>", true),
            (&[JSON], "{}", false),
            // Quay's ping (Flask types what is not typed).
            (
                &[("content-type", "text/html; charset=utf-8")],
                "true",
                false,
            ),
            (&[("content-type", "text/html")], "true, but a page", true),
            (
                &[("content-type", "text/plain")],
                "404 page not found",
                false,
            ),
            (&[], "<?xml version='1.0'?>", false),
            (&[], "<htm", false),
        ] {
            assert_eq!(
                is_html(&reply(200, headers, body)),
                wanted,
                "{headers:?} {body}"
            );
        }
    }
}
