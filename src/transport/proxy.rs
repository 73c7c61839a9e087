//! Which requests go through a proxy, and what is said of one that does not help.

use std::{fmt, fs, io, path::Path, sync::Arc};

use http::{HeaderMap, header::SERVER};
use url::Url;

use crate::secret::Secret;

use super::{no_proxy::NoProxy, options::ProxyOptions, redact};

/// The proxies of one transport, none by default.
#[derive(Debug, Default)]
pub(super) struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    direct: NoProxy,
}

/// One proxy, which plain requests are handed to and which connects for others
/// (`CONNECT`, RFC 9110 section 9.3.6).
pub(super) struct Proxy {
    /// From the environment it may hold a user and a password.
    url: Url,
    login: Option<(String, Secret)>,
}

impl Proxies {
    /// Reads the options, the file of the password and, where the options ask for
    /// it, the environment. The error names what was written where, and never a
    /// value that may hold a password.
    pub(super) fn read(options: &ProxyOptions) -> Result<Self, String> {
        Self::read_with(options, environment)
    }

    fn read_with(
        options: &ProxyOptions,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        if let Some(url) = &options.url {
            let mut proxy = Proxy::parse(url.as_str(), "proxy_url")?;
            proxy.login = login(options)?;
            let proxy = Arc::new(proxy);
            return Ok(Self {
                http: Some(Arc::clone(&proxy)),
                https: Some(proxy),
                direct: NoProxy::of(options.no_proxy.iter().map(String::as_str)),
            });
        }
        if !options.from_environment {
            return Ok(Self::default());
        }
        let of = |names| {
            first(names, &variable)
                .map(|(name, url)| Proxy::parse(&url, name).map(Arc::new))
                .transpose()
        };
        let listed = first(["NO_PROXY", "no_proxy"], &variable).map(|(_, value)| value);
        let listed = listed.iter().flat_map(|value| value.split(','));
        let own = options.no_proxy.iter().map(String::as_str);
        Ok(Self {
            http: of(["HTTP_PROXY", "http_proxy"])?,
            https: of(["HTTPS_PROXY", "https_proxy"])?,
            direct: NoProxy::of(own.chain(listed)),
        })
    }

    /// The proxy that a request to this URL goes through.
    pub(super) fn of(&self, url: &Url) -> Option<&Arc<Proxy>> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        };
        proxy.filter(|_| !self.direct.holds(url))
    }

    /// The hosts of the proxies, lower case.
    pub(super) fn hosts(&self) -> impl Iterator<Item = String> {
        let proxies = [&self.http, &self.https].into_iter().flatten();
        proxies.filter_map(|proxy| proxy.url.host_str().map(str::to_ascii_lowercase))
    }

    /// What the HTTP client is given; `alias` is a host that is reached directly
    /// whatever stands here.
    pub(super) fn rules(self: &Arc<Self>, alias: Option<&str>) -> Vec<reqwest::Proxy> {
        // A rule has one login, and `http` and `https` may have different ones.
        [&self.http, &self.https]
            .into_iter()
            .flatten()
            .map(|proxy| {
                let (all, this, alias) = (
                    Arc::clone(self),
                    Arc::clone(proxy),
                    alias.map(str::to_owned),
                );
                let rule = reqwest::Proxy::custom(move |url| {
                    let direct = alias.is_some() && url.host_str() == alias.as_deref();
                    let chosen = all.of(url).filter(|chosen| Arc::ptr_eq(chosen, &this));
                    chosen.filter(|_| !direct).map(|chosen| chosen.url.clone())
                });
                match &proxy.login {
                    Some((username, password)) => rule.basic_auth(username, password.expose()),
                    None => rule,
                }
            })
            .collect()
    }
}

impl Proxy {
    fn parse(text: &str, place: &str) -> Result<Self, String> {
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
        Ok(Self { url, login: None })
    }

    /// Why this answer to a plain request is its own and not the registry's, where it
    /// shows that: by 407, or as tinyproxy and Squid sign their own pages.
    pub(super) fn own_answer(
        &self,
        host: &str,
        status: u16,
        headers: &HeaderMap,
    ) -> Option<String> {
        let tinyproxy = headers
            .get(SERVER)
            .is_some_and(|name| name.as_bytes().starts_with(b"tinyproxy/"));
        match status {
            407 => Some(self.refuses_login()),
            // tinyproxy's word for a password that is wrong.
            401 if tinyproxy => Some(self.refuses_login()),
            _ if tinyproxy || headers.contains_key("x-squid-error") => Some(format!(
                "{self} does not hand the request on to {host}: it answers {status} itself"
            )),
            _ => None,
        }
    }

    fn refuses_login(&self) -> String {
        if self.has_login() {
            format!("{self} refuses the user and password that it is given")
        } else {
            format!(
                "{self} asks for a user and a password: set proxy_username and proxy_password_file"
            )
        }
    }

    fn has_login(&self) -> bool {
        self.login.is_some() || !self.url.username().is_empty()
    }

    /// It was asked to connect to `host`; `why` is the HTTP client's word for the end.
    pub(super) fn does_not_connect(&self, host: &str, why: &str) -> Option<String> {
        match why.strip_prefix("tunnel error: ")? {
            "proxy authorization required" => Some(self.refuses_login()),
            // The HTTP client does not say the status.
            "unsuccessful" if self.has_login() => Some(format!(
                "{self} does not connect to {host}: it cannot reach it, its rules forbid it, or it refuses the user and password"
            )),
            "unsuccessful" => Some(format!(
                "{self} does not connect to {host}: it cannot reach it, or its rules forbid it"
            )),
            "unexpected end of file" | "io error establishing tunnel" => Some(format!(
                "{self} closed the connection instead of connecting to {host}"
            )),
            "proxy response headers too long" => {
                Some(format!("{self} does not answer as a proxy does"))
            }
            // The proxy itself was not reached: the cause says why.
            _ => None,
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the proxy {}", redact::authority(&self.url))
    }
}

impl fmt::Debug for Proxy {
    // The URL may hold a password.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Proxy({self})")
    }
}

fn login(options: &ProxyOptions) -> Result<Option<(String, Secret)>, String> {
    let (username, file) = match (&options.username, &options.password_file) {
        (None, None) => return Ok(None),
        (Some(username), Some(file)) => (username, file),
        (Some(_), None) => {
            return Err("proxy_username stands without proxy_password_file".to_owned());
        }
        (None, Some(_)) => {
            return Err("proxy_password_file stands without proxy_username".to_owned());
        }
    };
    let password =
        password(file).map_err(|why| format!("proxy_password_file `{}` {why}", file.display()))?;
    Ok(Some((username.clone(), password)))
}

/// The password without the newline that an editor leaves at the end of a file.
fn password(file: &Path) -> Result<Secret, String> {
    let why = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    // A pipe could keep the cycle waiting.
    if !fs::metadata(file).map_err(why)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let content = crate::file::read(file, LARGEST_PASSWORD).map_err(why)?;
    if content.len() as u64 > LARGEST_PASSWORD {
        return Err(format!("is larger than {} KiB", LARGEST_PASSWORD / 1024));
    }
    let text = String::from_utf8(content).map_err(|_| "is not UTF-8 text".to_owned())?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err("is empty or blank".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("holds a control character, such as a line break".to_owned());
    }
    Ok(Secret::new(text))
}

/// More than any password (bytes).
const LARGEST_PASSWORD: u64 = 64 * 1024;

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
            from_environment,
            ..ProxyOptions::default()
        }
    }

    fn chosen(proxies: &Proxies, url: &str) -> Option<String> {
        let proxy = proxies.of(&Url::parse(url).unwrap())?;
        Some(proxy.to_string())
    }

    #[test]
    fn the_environment_counts_only_when_asked_and_by_scheme() {
        let set = |name: &str| match name {
            "HTTP_PROXY" => Some("http://plain.test:3128".to_owned()),
            "HTTPS_PROXY" => Some("http://secure.test:3128".to_owned()),
            "NO_PROXY" => Some("near.test, 10.0.0.0/8".to_owned()),
            _ => None,
        };
        let (plain, secure) = (
            Some("the proxy plain.test:3128"),
            Some("the proxy secure.test:3128"),
        );
        let own = Some("the proxy own.test");
        for (url, from_environment, http, https, near) in [
            (None, false, None, None, None),
            (None, true, plain, secure, None),
            (Some("http://own.test"), false, own, own, own),
            (Some("http://own.test"), true, own, own, own),
        ] {
            let proxies = Proxies::read_with(&options(url, from_environment), set).unwrap();
            for (asked, expected) in [
                ("http://r.test/", http),
                ("https://r.test/", https),
                ("https://near.test/", near),
                ("http://10.1.2.3/", near),
            ] {
                assert_eq!(
                    chosen(&proxies, asked).as_deref(),
                    expected,
                    "{url:?} {asked}"
                );
            }
        }
    }

    #[test]
    fn both_cases_and_bare_hosts_are_read_and_empty_ones_are_not() {
        for (name, value, http, https) in [
            ("HTTPS_PROXY", "proxy.test:3128", false, true),
            ("https_proxy", "https://proxy.test", false, true),
            ("HTTP_PROXY", "http://bob:pw@proxy.test", true, false),
            ("http_proxy", " ", false, false),
            ("ALL_PROXY", "http://proxy.test", false, false),
        ] {
            let only = |asked: &str| (asked == name).then(|| value.to_owned());
            let proxies = Proxies::read_with(&options(None, true), only).unwrap();
            assert_eq!(chosen(&proxies, "http://r.test").is_some(), http, "{name}");
            assert_eq!(
                chosen(&proxies, "https://r.test").is_some(),
                https,
                "{name}"
            );
        }
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_value() {
        for value in ["socks5://bob:hunter2@proxy.test", "http://bob:hunter2@:1/"] {
            let only = |asked: &str| (asked == "https_proxy").then(|| value.to_owned());
            let error = Proxies::read_with(&options(None, true), only).unwrap_err();
            assert!(error.starts_with("https_proxy "), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let mut proxy = Proxy::parse("http://bob:hunter2@proxy.test:3128", "x").unwrap();
        proxy.login = Some(("eve".to_owned(), Secret::new("hunter3")));
        for shown in [
            format!("{proxy}"),
            format!("{proxy:?}"),
            proxy.refuses_login(),
        ] {
            assert!(shown.contains("proxy.test:3128"), "{shown}");
            assert!(!shown.contains("hunter"), "{shown}");
        }
    }

    #[test]
    fn a_page_of_the_proxys_own_is_told_from_the_registrys() {
        let proxy = Proxy::parse("http://proxy.test:3128", "x").unwrap();
        let asks = "asks for a user and a password";
        let itself = "it answers 503 itself";
        for (status, header, words) in [
            (407, ("via", "1.1 x"), Some(asks)),
            (401, ("server", "tinyproxy/1.11.1"), Some(asks)),
            (503, ("server", "tinyproxy/1.11.1"), Some(itself)),
            (503, ("x-squid-error", "ERR_CONNECT_FAIL 111"), Some(itself)),
            // A registry's own, through such a proxy.
            (503, ("via", "1.1 tinyproxy (tinyproxy/1.11.1)"), None),
            (401, ("server", "nginx"), None),
            (200, ("server", "nginx"), None),
        ] {
            let headers = HeaderMap::from_iter([(
                header.0.parse().unwrap(),
                http::HeaderValue::from_static(header.1),
            )]);
            let said = proxy.own_answer("r.test", status, &headers);
            match words {
                Some(words) => assert!(said.unwrap().contains(words), "{status} {header:?}"),
                None => assert_eq!(said, None, "{status} {header:?}"),
            }
        }
    }

    #[test]
    fn the_password_is_what_stands_in_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        let of = |content: &[u8]| {
            fs::write(&file, content).unwrap();
            password(&file).map(|secret| secret.expose().to_owned())
        };
        assert_eq!(of(b"pass word\n"), Ok("pass word".to_owned()));
        assert_eq!(of(b"pass\r\n"), Ok("pass".to_owned()));
        for (content, why) in [
            (&b" \n"[..], "is empty or blank"),
            (
                b"hunter2\nhunter3\n",
                "holds a control character, such as a line break",
            ),
            (b"\xff", "is not UTF-8 text"),
        ] {
            assert_eq!(of(content), Err(why.to_owned()));
        }
        assert_eq!(
            password(directory.path()).unwrap_err(),
            "is not a regular file"
        );
        let gone = directory.path().join("gone");
        let options = ProxyOptions {
            username: Some("bob".to_owned()),
            password_file: Some(gone.clone()),
            ..options(Some("http://proxy.test"), false)
        };
        let error = Proxies::read(&options).unwrap_err();
        assert_eq!(
            error,
            format!("proxy_password_file `{}` does not exist", gone.display())
        );
    }
}
