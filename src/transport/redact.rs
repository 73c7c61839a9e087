//! What of a URL may be shown.

use url::Url;

/// Scheme, host and path, and of the query only what is known to be harmless;
/// every other value (upload states, account names, signatures) becomes `***`.
pub(super) fn url(url: &Url) -> String {
    let mut shown = format!("{}://{}{}", url.scheme(), authority(url), url.path());
    let pairs = url.query_pairs().map(|(key, value)| {
        if HARMLESS.contains(&key.as_ref()) {
            format!("{key}={value}")
        } else {
            format!("{key}=***")
        }
    });
    for (index, pair) in pairs.enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(&pair);
    }
    shown.retain(|character| !character.is_control());
    shown
}

/// `host` or `host:port`, never userinfo.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Query keys of the token and distribution APIs whose values are names or
/// numbers that the configuration or the registry's public answers hold anyway.
const HARMLESS: [&str; 8] = [
    "service",
    "scope",
    "n",
    "last",
    "artifactType",
    "mount",
    "from",
    "digest",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_query_values_are_shown() {
        for (full, shown) in [
            ("https://r.test/v2/", "https://r.test/v2/"),
            ("http://r.test:5000/v2/", "http://r.test:5000/v2/"),
            ("https://bob:pw@r.test/v2/", "https://r.test/v2/"),
            (
                "https://r.test/token?service=r.test&scope=repository%3Aa%2Fb%3Apull&account=bob",
                "https://r.test/token?service=r.test&scope=repository:a/b:pull&account=***",
            ),
            (
                "https://r.test/v2/a/blobs/uploads/1?_state=secret&X-Sig=secret",
                "https://r.test/v2/a/blobs/uploads/1?_state=***&X-Sig=***",
            ),
            (
                "https://r.test/v2/?service=a%1b%0ab",
                "https://r.test/v2/?service=ab",
            ),
            ("https://r.test/v2/#secret", "https://r.test/v2/"),
        ] {
            assert_eq!(url(&Url::parse(full).unwrap()), shown);
        }
    }
}
