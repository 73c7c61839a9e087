//! Which version of a product answered, where its answers tell.

use super::one_line::one_line;
use crate::exchange::Reply;

/// The version of a product, by the signs that a reply of it has;
/// `None` where it has none. At most 64 characters, and not validated.
///
/// Distribution shows no version, but its answers to `/v2/` name a charset up to 2.8
/// and none from 3.0 on, so it is `2` or `3`.
pub fn product_version(product: &str, reply: &Reply) -> Option<String> {
    let version = match product {
        "artifactory" => reply
            .header("x-jfrog-version")
            .and_then(|value| value.strip_prefix("Artifactory/"))
            .or_else(|| of_server(reply, "Artifactory/")),
        "gitlab" => reply.header("gitlab-container-registry-version"),
        "nexus" => of_server(reply, "Nexus/"),
        "distribution" if reply.status == 200 && reply.body.trim_ascii() == b"{}" => {
            let typed = reply.header("content-type").unwrap_or_default();
            Some(if typed.contains("charset") { "2" } else { "3" })
        }
        _ => None,
    };
    let version = version?.split_whitespace().next()?;
    Some(one_line(version, LONGEST)).filter(|version| !version.is_empty())
}

fn of_server<'a>(reply: &'a Reply, begin: &str) -> Option<&'a str> {
    reply.header("server")?.strip_prefix(begin)
}

const LONGEST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::testing::reply;

    #[test]
    fn versions_are_read_from_their_products_signs() {
        let jfrog = ("x-jfrog-version", "Artifactory/7.90.1 79000900");
        let json = ("content-type", "application/json");
        let charset = ("content-type", "application/json; charset=utf-8");
        for (product, status, headers, body, version) in [
            ("artifactory", 401, &[jfrog][..], "", Some("7.90.1")),
            (
                "artifactory",
                404,
                &[("server", "Artifactory/7.9.1")],
                "",
                Some("7.9.1"),
            ),
            ("artifactory", 401, &[("x-jfrog-version", "7")], "", None),
            ("zot", 401, &[jfrog], "", None),
            (
                "gitlab",
                200,
                &[("gitlab-container-registry-version", "v4.1.0-gitlab")],
                "{}",
                Some("v4.1.0-gitlab"),
            ),
            (
                "nexus",
                401,
                &[("server", "Nexus/3.70.0-03 (OSS)")],
                "",
                Some("3.70.0-03"),
            ),
            ("distribution", 200, &[json], "{}", Some("3")),
            ("distribution", 200, &[charset], "{}\n", Some("2")),
            ("distribution", 401, &[charset], "{}", None),
            ("distribution", 200, &[charset], r#"{"errors":[]}"#, None),
            ("nexus", 401, &[("server", "Nexus/ ")], "", None),
        ] {
            let found = product_version(product, &reply(status, headers, body));
            assert_eq!(found.as_deref(), version, "{product} {headers:?}");
        }
    }
}
