//! Which requests go through a proxy.

use reqwest::{NoProxy, Proxy};
use url::Url;

use super::options::ProxyOptions;

/// The proxies to use, none by default. A configured URL wins over the
/// environment; the environment is read only where the options ask for it.
pub(super) fn proxies(options: &ProxyOptions) -> Result<Vec<Proxy>, String> {
    choose(options, environment)
}

/// Makes a proxy for `http` URLs, for `https` URLs or for both.
type Kind = fn(Url) -> reqwest::Result<Proxy>;

fn choose(
    options: &ProxyOptions,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Proxy>, String> {
    if let Some(url) = &options.url {
        let all = proxy(url.as_str(), "proxy_url", Proxy::all)?;
        return Ok(vec![
            all.no_proxy(NoProxy::from_string(&options.no_proxy.join(","))),
        ]);
    }
    if !options.from_environment {
        return Ok(Vec::new());
    }
    let mut no_proxy = options.no_proxy.clone();
    no_proxy.extend(first(["NO_PROXY", "no_proxy"], &variable).map(|(_, value)| value));
    let no_proxy = NoProxy::from_string(&no_proxy.join(","));
    let kinds: [([&str; 2], Kind); 2] = [
        (["HTTPS_PROXY", "https_proxy"], Proxy::https),
        (["HTTP_PROXY", "http_proxy"], Proxy::http),
    ];
    kinds
        .into_iter()
        .filter_map(|(names, kind)| first(names, &variable).map(|(name, url)| (name, url, kind)))
        .map(|(name, url, kind)| Ok(proxy(&url, name, kind)?.no_proxy(no_proxy.clone())))
        .collect()
}

/// One proxy. The error names where it was written and never the value, which
/// may hold a password.
fn proxy(text: &str, place: &str, kind: Kind) -> Result<Proxy, String> {
    // `proxy:3128` is how curl lets a proxy be written.
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&text).map_err(|error| format!("{place} is not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "{place} has the scheme `{}`; proxies are reached by http or https",
            url.scheme()
        ));
    }
    kind(url).map_err(|error| format!("{place} cannot be used: {}", error.without_url()))
}

/// The first variable that is set and not empty, with its name.
fn first(
    names: [&'static str; 2],
    variable: impl Fn(&str) -> Option<String>,
) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| {
        variable(name)
            .filter(|value| !value.trim().is_empty())
            .map(|value| (name, value))
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "a proxy from the environment is what `proxy_from_environment` asks for"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: Option<&str>, from_environment: bool) -> ProxyOptions {
        ProxyOptions {
            url: url.map(|url| Url::parse(url).unwrap()),
            no_proxy: Vec::new(),
            from_environment,
        }
    }

    #[test]
    fn the_environment_counts_only_when_asked() {
        let set = |name: &str| (name != "NO_PROXY").then(|| "http://proxy.test:3128".to_owned());
        for (url, from_environment, proxies) in [
            (None, false, 0),
            (None, true, 2),
            (Some("http://own.test"), false, 1),
            (Some("http://own.test"), true, 1),
        ] {
            let chosen = choose(&options(url, from_environment), set).unwrap();
            assert_eq!(chosen.len(), proxies, "{url:?} {from_environment}");
        }
    }

    #[test]
    fn both_cases_and_bare_hosts_are_read_and_empty_ones_are_not() {
        for (name, value, proxies) in [
            ("HTTPS_PROXY", "proxy.test:3128", 1),
            ("https_proxy", "https://proxy.test", 1),
            ("HTTP_PROXY", "http://bob:pw@proxy.test", 1),
            ("http_proxy", " ", 0),
            ("ALL_PROXY", "http://proxy.test", 0),
        ] {
            let only = |asked: &str| (asked == name).then(|| value.to_owned());
            assert_eq!(
                choose(&options(None, true), only).unwrap().len(),
                proxies,
                "{name}"
            );
        }
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_value() {
        for value in ["socks5://bob:hunter2@proxy.test", "http://bob:hunter2@:1/"] {
            let only = |asked: &str| (asked == "https_proxy").then(|| value.to_owned());
            let error = choose(&options(None, true), only).unwrap_err();
            assert!(error.starts_with("https_proxy "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
