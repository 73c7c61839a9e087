//! From a request as plain data to one that the HTTP client sends.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST},
};
use url::Url;

use crate::exchange::{Authorization, Request, TransportErrorKind};

use super::{error::Failure, redact};

/// The request for the HTTP client. `target` is the URL to connect to; where it
/// is not the request's own, `Host` keeps the request's.
pub(super) fn build(request: &Request, target: Url) -> Result<reqwest::Request, Failure> {
    check(&request.url)?;
    let mut headers = request.headers.clone();
    if target != request.url {
        let host = HeaderValue::from_str(&redact::authority(&request.url));
        headers.insert(HOST, host.map_err(|_| refused("the host cannot be sent"))?);
    }
    if let Some(authorization) = &request.authorization {
        headers.insert(AUTHORIZATION, header(authorization)?);
    }
    // The HTTP client sends no length with an empty body, and registries answer
    // such a POST with 411 or wait for a body.
    if request.body.is_empty()
        && matches!(request.method, Method::POST | Method::PUT | Method::PATCH)
    {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut built = reqwest::Request::new(request.method.clone(), target);
    *built.headers_mut() = headers;
    if !request.body.is_empty() {
        *built.body_mut() = Some(request.body.clone().into());
    }
    Ok(built)
}

/// Whether the server keeps the connection for another request.
pub(super) fn keeps_alive(http_version: &str, headers: &HeaderMap) -> bool {
    let closes = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("close"));
    http_version == "1.1" && !closes
}

fn check(url: &Url) -> Result<(), Failure> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(&format!(
            "the scheme `{}` is neither http nor https",
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "the address carries user info, which is never sent; give credentials as such",
        ));
    }
    Ok(())
}

/// What stands behind the scheme of the header.
pub(super) fn credential(authorization: &Authorization) -> String {
    match authorization {
        Authorization::Basic { username, password } => {
            STANDARD.encode(format!("{username}:{}", password.expose()))
        }
        Authorization::Bearer(token) => token.expose().to_owned(),
    }
}

fn header(authorization: &Authorization) -> Result<HeaderValue, Failure> {
    let scheme = match authorization {
        Authorization::Basic { .. } => "Basic",
        Authorization::Bearer(_) => "Bearer",
    };
    let text = format!("{scheme} {}", credential(authorization));
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| refused("the token holds characters that no header may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn refused(detail: &str) -> Failure {
    Failure::Refused(TransportErrorKind::Protocol, detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{exchange::Operation, secret::Secret};

    fn request(method: Method, url: &str) -> Request {
        Request::new(Operation::Ping, method, Url::parse(url).unwrap())
    }

    fn built(request: &Request) -> Result<reqwest::Request, Failure> {
        build(request, request.url.clone())
    }

    #[test]
    fn an_empty_body_has_a_length_where_one_is_expected() {
        for (method, length) in [
            (Method::GET, None),
            (Method::HEAD, None),
            (Method::DELETE, None),
            (Method::POST, Some("0")),
            (Method::PUT, Some("0")),
            (Method::PATCH, Some("0")),
        ] {
            let sent = built(&request(method.clone(), "http://r.test/")).unwrap();
            let header = sent.headers().get(CONTENT_LENGTH);
            assert_eq!(
                header.map(|value| value.to_str().unwrap()),
                length,
                "{method}"
            );
        }
    }

    #[test]
    fn addresses_that_are_not_sent_to() {
        for url in [
            "http://bob@r.test/",
            "http://bob:pw@r.test/",
            "ftp://r.test/",
        ] {
            assert!(built(&request(Method::GET, url)).is_err(), "{url}");
        }
    }

    #[test]
    fn authorization_is_sensitive_and_never_in_an_error() {
        let basic = Authorization::Basic {
            username: "Aladdin".to_owned(),
            password: Secret::new("open sesame"),
        };
        let sent = built(&request(Method::GET, "http://r.test/").authorized(Some(basic))).unwrap();
        let value = &sent.headers()[AUTHORIZATION];
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(value.is_sensitive());
        let broken = Authorization::Bearer(Secret::new("hunter\n2"));
        let error = built(&request(Method::GET, "http://r.test/").authorized(Some(broken)))
            .expect_err("a line break ends a header");
        assert!(!format!("{error:?}").contains("hunter"));
    }

    #[test]
    fn connections_that_end_with_their_answer() {
        for (version, connection, kept) in [
            ("1.1", None, true),
            ("1.1", Some("keep-alive"), true),
            ("1.1", Some("Upgrade, Close"), false),
            ("1.0", Some("keep-alive"), false),
            ("2", None, false),
        ] {
            let headers = connection
                .map(|value| (CONNECTION, HeaderValue::from_static(value)))
                .into_iter()
                .collect();
            assert_eq!(
                keeps_alive(version, &headers),
                kept,
                "{version} {connection:?}"
            );
        }
    }
}
