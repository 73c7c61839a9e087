//! What a request says of what it wants: behind its `?`, and in its `Host`.

use std::time::Duration;

use http::{HeaderMap, Uri, header::HOST, uri::Authority};
use url::form_urlencoded;

use super::Probing;
use crate::{
    exposition::{Format, Scope},
    outcome::CheckName,
};

/// The part of the metrics that `name[]` and `registry` select; each may be given several times.
pub fn scope(uri: &Uri) -> Scope {
    let mut scope = Scope::default();
    for (name, value) in pairs(uri) {
        match name.as_str() {
            "name[]" => scope.names.push(value),
            "registry" => scope.registries.push(value),
            _ => {}
        }
    }
    scope
}

/// What a request to `/probe` asks for.
///
/// # Errors
/// What is wrong with it, for whoever sent it.
pub fn probing(uri: &Uri, headers: &HeaderMap, format: Format) -> Result<Probing, String> {
    let mut target = None;
    let mut probing = Probing {
        target: String::new(),
        checks: Vec::new(),
        force: false,
        debug: false,
        timeout: patience(headers)?,
        format,
    };
    for (name, value) in pairs(uri) {
        match name.as_str() {
            "target" if target.is_some() => return Err("`target` is given twice".to_owned()),
            "target" => target = Some(value),
            "check" => probing.checks.push(check(&value)?),
            "force" => probing.force = flag("force", &value)?,
            "debug" => probing.debug = flag("debug", &value)?,
            // Others may mean something to whoever wrote the scrape configuration.
            _ => {}
        }
    }
    match target {
        Some(target) if !target.is_empty() => Ok(Probing { target, ..probing }),
        _ => Err("`target` is missing: `/probe?target=NAME`, NAME as configured".to_owned()),
    }
}

/// The host, and the port where there is one, that a request was sent to: of its own
/// address (HTTP/2), else of `Host`. `None` where nobody could connect to it.
pub fn address(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let named = uri.authority().cloned();
    let host = headers.get(HOST);
    let address = named.or_else(|| Authority::try_from(host?.as_bytes()).ok())?;
    usable(&address).then_some(address)
}

/// Whether somebody could connect to it.
fn usable(address: &Authority) -> bool {
    let text = address.as_str();
    let port = text.strip_prefix(address.host());
    let port = port.map(|rest| rest.strip_prefix(':').map_or(rest.is_empty(), is_port));
    !address.host().is_empty() && port == Some(true)
}

fn is_port(text: &str) -> bool {
    text.parse().is_ok_and(|port: u16| port > 0)
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (String, String)> {
    let query = uri.query().unwrap_or_default().as_bytes();
    form_urlencoded::parse(query).map(|(name, value)| (name.into_owned(), value.into_owned()))
}

fn check(word: &str) -> Result<CheckName, String> {
    let named = |(check, short): &(CheckName, &str)| *short == word || check.id() == word;
    let found = CheckName::ALL.iter().find(|row| named(row));
    found.map(|(check, _)| *check).ok_or_else(|| {
        let known: Vec<_> = CheckName::ALL.iter().map(|(_, word)| *word).collect();
        format!("there is no such check; there are {}", known.join(", "))
    })
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("`{name}` is `true` or `false`")),
    }
}

/// How long whoever asks still waits, less the time that the answer takes on its way.
fn patience(headers: &HeaderMap) -> Result<Duration, String> {
    let Some(given) = headers.get(SCRAPE_TIMEOUT) else {
        return Ok(LONGEST);
    };
    let seconds = given
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let given = seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    match given {
        Some(given) if !given.is_zero() => {
            let left = given.saturating_sub(OFFSET);
            // Of a very short time half must do.
            Ok(left.max(given / 2).min(LONGEST))
        }
        _ => Err(format!("`{SCRAPE_TIMEOUT}` is a number of seconds above 0")),
    }
}

/// Prometheus sends it with every scrape (`scrape/scrape.go`).
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// As `--timeout-offset` of the blackbox exporter.
const OFFSET: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_connected_to() {
        let uri = Uri::from_static("/sd");
        for (text, expected) in [
            ("a", true),
            ("a.example:9968", true),
            ("[::1]", true),
            ("[::1]:9968", true),
            (":9968", false),
            ("a:", false),
            ("a:0", false),
            ("a:99999", false),
            ("u@a", false),
            ("u:p@a:1", false),
        ] {
            let headers = [(HOST, HeaderValue::from_static(text))];
            let found = address(&uri, &headers.into_iter().collect());
            assert_eq!(found.is_some(), expected, "{text}");
        }
        let of_http_2 = Uri::from_static("https://a.example/sd");
        let found = address(&of_http_2, &HeaderMap::new());
        assert_eq!(found, Some(Authority::from_static("a.example")));
        assert_eq!(address(&uri, &HeaderMap::new()), None);
    }

    fn asked(query: &str, timeout: Option<&'static str>) -> Result<Probing, String> {
        let uri: Uri = format!("/probe?{query}").parse().unwrap();
        let mut headers = HeaderMap::new();
        if let Some(timeout) = timeout {
            headers.insert(SCRAPE_TIMEOUT, HeaderValue::from_static(timeout));
        }
        probing(&uri, &headers, Format::Text)
    }

    #[test]
    fn a_probe_is_read_from_its_query() {
        let probing = asked(
            "target=a%2Fb+c&check=pull&check=check.integration.oci.push&x=y",
            None,
        );
        let probing = probing.unwrap();
        assert_eq!(probing.target, "a/b c");
        assert_eq!(probing.checks, [CheckName::Pull, CheckName::Push]);
        assert!(!probing.force && !probing.debug);
        let probing = asked("target=a&force=true&debug=true", None).unwrap();
        assert!(probing.force && probing.debug);
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (query, said) in [
            ("", "`target` is missing"),
            ("target=", "`target` is missing"),
            ("check=pull", "`target` is missing"),
            ("target=a&target=b", "given twice"),
            ("target=a&check=pul", "credentials, pull, push"),
            ("target=a&check=", "no such check"),
            ("target=a&force=1", "`force` is `true` or `false`"),
            ("target=a&debug", "`debug` is `true` or `false`"),
        ] {
            let error = asked(query, None).unwrap_err();
            assert!(error.contains(said), "{query}: {error}");
        }
    }

    #[test]
    fn a_scrape_is_answered_before_it_gives_up() {
        for (header, millis) in [
            (None, 120_000),
            (Some("10"), 9_500),
            (Some("9.75"), 9_250),
            (Some("0.6"), 300),
            (Some("1"), 500),
            (Some("86400"), 120_000),
        ] {
            let timeout = asked("target=a", header).unwrap().timeout;
            assert_eq!(timeout, Duration::from_millis(millis), "{header:?}");
        }
        for header in ["0", "-1", "NaN", "inf", "1e300", "ten", ""] {
            let error = asked("target=a", Some(header)).unwrap_err();
            assert!(error.contains("number of seconds"), "{header}: {error}");
        }
    }

    #[test]
    fn metrics_are_selected_by_name_and_registry() {
        let uri: Uri = "/metrics?name[]=a&name%5B%5D=b&registry=x%20y&other=1"
            .parse()
            .unwrap();
        let scope = scope(&uri);
        assert_eq!(scope.names, ["a", "b"]);
        assert_eq!(scope.registries, ["x y"]);
    }
}
