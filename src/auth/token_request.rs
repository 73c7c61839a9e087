//! From a challenge to the request for a token.

use bytes::Bytes;
use http::{
    Method,
    header::{ACCEPT, CONTENT_TYPE},
};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::{AuthError, Trust};
use crate::{
    exchange::{Authorization, Operation, Reply, Request},
    oci::{Challenge, Scheme, Scope, one_line},
    secret::{Credentials, Secret},
};

/// The challenge to answer: Bearer wins over Basic; a Bearer that names no realm
/// cannot be answered. `None` where nothing usable is offered.
pub fn choose(challenges: &[Challenge]) -> Option<&Challenge> {
    let realm = |c: &Challenge| c.realm().is_some_and(|realm| !realm.trim().is_empty());
    let bearer = |c: &&Challenge| *c.scheme() == Scheme::Bearer && realm(c);
    let basic = |c: &&Challenge| *c.scheme() == Scheme::Basic;
    let mut offered = challenges.iter();
    offered.clone().find(bearer).or_else(|| offered.find(basic))
}

/// The request for a token. Without credentials and with a password it is a `GET`
/// (with Basic), which every registry with Bearer takes: the realm with `service`
/// (where the challenge has one), each scope, and `account` where there is a user
/// name. An identity token goes as OAuth2's refresh token in the body of a `POST`.
/// No scope at all asks for a login.
///
/// # Errors
/// Where there is no usable realm, or the realm's host may not be asked: see
/// [`Trust`]. A configured bearer token is never exchanged.
pub fn token_request(
    challenge: &Challenge,
    credentials: &Credentials,
    scopes: &[Scope],
    trust: &Trust<'_>,
) -> Result<Request, AuthError> {
    let realm = realm(challenge)?;
    let ask = Ask { challenge, scopes };
    match credentials {
        Credentials::Bearer { .. } => Err(AuthError::NotExchanged),
        Credentials::Anonymous => {
            trust.without_credentials(&realm)?;
            Ok(ask.get(realm, None))
        }
        Credentials::Basic { username, password } => {
            trust.with_credentials(&realm)?;
            Ok(ask.get(realm, Some((username, password))))
        }
        Credentials::Identity { token, .. } => {
            trust.with_credentials(&realm)?;
            let grant = [
                ("grant_type", REFRESH_TOKEN),
                (REFRESH_TOKEN, token.expose()),
            ];
            let shown = Authorization::Bearer(token.clone());
            Ok(ask.post(realm, &grant, shown))
        }
    }
}

/// The same question by the other method, for an endpoint that does not know the
/// usual one: a password in OAuth2's `POST`, an identity token as the password of a
/// `GET` (where a user name came with it). `None` where there is no other way.
///
/// # Errors
/// As of [`token_request`].
pub fn token_request_otherwise(
    challenge: &Challenge,
    credentials: &Credentials,
    scopes: &[Scope],
    trust: &Trust<'_>,
) -> Result<Option<Request>, AuthError> {
    let ask = Ask { challenge, scopes };
    match credentials {
        Credentials::Basic { username, password } => {
            let realm = realm(challenge)?;
            trust.with_credentials(&realm)?;
            let grant = [
                ("grant_type", "password"),
                ("username", username),
                ("password", password.expose()),
            ];
            let shown = Authorization::Basic {
                username: username.clone(),
                password: password.clone(),
            };
            Ok(Some(ask.post(realm, &grant, shown)))
        }
        Credentials::Identity {
            username: Some(username),
            token,
        } => {
            let realm = realm(challenge)?;
            trust.with_credentials(&realm)?;
            Ok(Some(ask.get(realm, Some((username, token)))))
        }
        Credentials::Anonymous | Credentials::Bearer { .. } | Credentials::Identity { .. } => {
            Ok(None)
        }
    }
}

/// Whether the answer says that the endpoint does not know the method that it was
/// asked by: 405, and to a `POST` also 404 (Google's registries).
pub fn method_unknown(request: &Request, reply: &Reply) -> bool {
    match reply.status {
        405 => true,
        404 => request.method == Method::POST,
        _ => false,
    }
}

/// What is asked for, in either method.
struct Ask<'a> {
    challenge: &'a Challenge,
    scopes: &'a [Scope],
}

impl Ask<'_> {
    fn service(&self) -> Option<&str> {
        let service = self.challenge.service();
        service.filter(|service| !service.is_empty())
    }

    fn get(&self, mut realm: Url, user: Option<(&String, &Secret)>) -> Request {
        let service = self.service().map(|service| ("service", service));
        let scopes: Vec<_> = self.scopes.iter().map(ToString::to_string).collect();
        let scopes = scopes.iter().map(|scope| ("scope", scope.as_str()));
        let account = user.map(|(username, _)| ("account", username.as_str()));
        let pairs: Vec<_> = service.into_iter().chain(scopes).chain(account).collect();
        if !pairs.is_empty() {
            realm.query_pairs_mut().extend_pairs(pairs);
        }
        let authorization = user.map(|(username, password)| Authorization::Basic {
            username: username.clone(),
            password: password.clone(),
        });
        Request::new(Operation::Token, Method::GET, realm)
            .header(ACCEPT, "application/json")
            .authorized(authorization)
    }

    /// Distribution's "OAuth2 Token Authentication": scopes in one field, by spaces.
    fn post(&self, realm: Url, grant: &[(&str, &str)], shown: Authorization) -> Request {
        // All the room at once: a text that grows leaves copies of the secret behind.
        let room = 512
            + grant
                .iter()
                .map(|(_, value)| 3 * value.len())
                .sum::<usize>();
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
        form.append_pair("client_id", CLIENT_ID);
        form.extend_pairs(grant);
        if let Some(service) = self.service() {
            form.append_pair("service", service);
        }
        if !self.scopes.is_empty() {
            let scopes: Vec<_> = self.scopes.iter().map(ToString::to_string).collect();
            form.append_pair("scope", &scopes.join(" "));
        }
        let body = Bytes::from_owner(Zeroizing::new(form.finish().into_bytes()));
        Request {
            body,
            in_body: Some(shown),
            ..Request::new(Operation::Token, Method::POST, realm)
        }
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
    }
}

/// The realm as an address. Who is behind it is judged elsewhere.
fn realm(challenge: &Challenge) -> Result<Url, AuthError> {
    let text = challenge.realm().unwrap_or_default().trim();
    let bad = |why| {
        let realm = one_line(text, SHOWN);
        Err(AuthError::BadRealm { realm, why })
    };
    if text.is_empty() {
        return Err(AuthError::NoRealm);
    }
    if text.len() > MAX_REALM {
        return bad("is longer than 2048 characters");
    }
    match Url::parse(text) {
        Ok(mut url) if matches!(url.scheme(), "http" | "https") => {
            url.set_fragment(None);
            Ok(url)
        }
        Ok(_) => bad("is no http or https URL"),
        Err(url::ParseError::RelativeUrlWithoutBase) => bad("is no absolute URL"),
        Err(_) => bad("is no valid URL"),
    }
}

/// Who asks, in OAuth2's words; servers only write it down.
const CLIENT_ID: &str = "oci-registry-exporter";
const REFRESH_TOKEN: &str = "refresh_token";
const MAX_REALM: usize = 2048;
/// How much of a realm a message shows (characters).
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        exchange::testing::reply,
        oci::{Action, Repository, challenges},
        secret::Secret,
    };

    fn offered(header: &str) -> Vec<Challenge> {
        challenges(&reply(401, &[("www-authenticate", header)], ""))
    }

    fn basic() -> Credentials {
        Credentials::Basic {
            username: "robot$a b".to_owned(),
            password: Secret::new("hunter2"),
        }
    }

    fn identity(username: Option<&str>) -> Credentials {
        Credentials::Identity {
            username: username.map(str::to_owned),
            token: Secret::new("hunter2&+ "),
        }
    }

    fn trust(registry: &Url) -> Trust<'_> {
        Trust {
            registry,
            token_hosts: &[],
        }
    }

    fn ask(
        header: &str,
        credentials: &Credentials,
        scopes: &[Scope],
    ) -> Result<Request, AuthError> {
        let registry = Url::parse("https://r.example.com").unwrap();
        token_request(&offered(header)[0], credentials, scopes, &trust(&registry))
    }

    #[test]
    fn bearer_wins_over_basic() {
        for (header, wanted) in [
            (
                r#"Basic realm="x", Bearer realm="https://t""#,
                Some("Bearer"),
            ),
            (
                r#"Bearer realm="https://t", Basic realm="x""#,
                Some("Bearer"),
            ),
            (r#"Bearer service="s", Basic realm="x""#, Some("Basic")),
            (r#"Bearer realm="", Basic"#, Some("Basic")),
            ("Bearer", None),
            ("Negotiate, Digest realm=x", None),
            ("", None),
        ] {
            let offered = offered(header);
            let chosen = choose(&offered).map(|c| c.scheme().as_str());
            assert_eq!(chosen, wanted, "{header}");
        }
    }

    #[test]
    fn the_request_holds_what_a_token_server_wants() {
        let repository = Repository::parse("team/app").unwrap();
        let pull = Scope::new(&repository, &[Action::Pull]);
        let push = Scope::new(&repository, &[Action::Pull, Action::Push]);
        let full = r#"Bearer realm="https://r.example.com/token",service="lab svc",scope="*""#;
        let anonymous = Credentials::Anonymous;
        for (header, credentials, scopes, wanted) in [
            (full, &anonymous, &[][..], "token?service=lab+svc"),
            (
                full,
                &basic(),
                &[push, pull.clone()],
                "token?service=lab+svc&scope=repository%3Ateam%2Fapp%3Apull%2Cpush\
                 &scope=repository%3Ateam%2Fapp%3Apull&account=robot%24a+b",
            ),
            (
                r#"Bearer realm="https://r.example.com/token?a=b#f",service="""#,
                &anonymous,
                &[pull],
                "token?a=b&scope=repository%3Ateam%2Fapp%3Apull",
            ),
            (
                r#"Bearer realm=" https://r.example.com/token ""#,
                &anonymous,
                &[],
                "token",
            ),
        ] {
            let request = ask(header, credentials, scopes).unwrap();
            assert_eq!(
                request.url.as_str(),
                format!("https://r.example.com/{wanted}")
            );
            assert_eq!(
                (request.operation, request.method),
                (Operation::Token, Method::GET)
            );
            assert_eq!(
                request.authorization.is_some(),
                credentials.username().is_some()
            );
        }
    }

    #[test]
    fn a_realm_that_is_no_address_is_named() {
        let long = format!(
            "Bearer realm=https://r.example.com/{}",
            "a".repeat(MAX_REALM)
        );
        for (header, wanted) in [
            ("Bearer service=s", "names no realm"),
            (r#"Bearer realm=" ""#, "names no realm"),
            ("Bearer realm=/token", "no absolute URL"),
            ("Bearer realm=r.example.com/token", "no absolute URL"),
            (
                "Bearer realm=ftp://r.example.com/token",
                "no http or https URL",
            ),
            ("Bearer realm=file:///token", "no http or https URL"),
            ("Bearer realm=https://", "no valid URL"),
            ("Bearer realm=https://[::1/token", "no valid URL"),
            (long.as_str(), "longer than 2048"),
        ] {
            for credentials in [basic(), Credentials::Anonymous] {
                let error = ask(header, &credentials, &[]).unwrap_err().to_string();
                assert!(error.contains(wanted), "{header}: {error}");
                assert!(error.len() < 200, "{error}");
            }
        }
    }

    #[test]
    fn a_foreign_realm_gets_no_credentials() {
        let header = "Bearer realm=https://evil.com/token";
        let error = ask(header, &basic(), &[]).unwrap_err();
        assert!(matches!(&error, AuthError::UntrustedHost { host, .. } if host == "evil.com"));
        let request = ask(header, &Credentials::Anonymous, &[]).unwrap();
        assert_eq!(
            (request.url.as_str(), request.authorization),
            ("https://evil.com/token", None)
        );
    }

    const REALM: &str =
        r#"Bearer realm="https://r.example.com/oauth2/token?a=b",service="r.example.com""#;

    /// The form of a request's body, decoded.
    fn form(request: &Request) -> Vec<(String, String)> {
        form_urlencoded::parse(&request.body).into_owned().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn an_identity_token_goes_in_the_body_of_a_post() {
        let repository = Repository::parse("team/app").unwrap();
        let pull = Scope::new(&repository, &[Action::Pull]);
        let push = Scope::new(&repository, &[Action::Pull, Action::Push]);
        for (username, scopes, scope) in [
            (None, vec![], None),
            (
                Some("robot"),
                vec![pull.clone()],
                Some("repository:team/app:pull"),
            ),
            (
                None,
                vec![push, pull],
                Some("repository:team/app:pull,push repository:team/app:pull"),
            ),
        ] {
            let request = ask(REALM, &identity(username), &scopes).unwrap();
            assert_eq!(request.method, Method::POST);
            assert_eq!(
                request.url.as_str(),
                "https://r.example.com/oauth2/token?a=b"
            );
            assert_eq!(request.authorization, None);
            assert_eq!(
                request.headers[CONTENT_TYPE],
                "application/x-www-form-urlencoded"
            );
            let mut expected = pairs(&[
                ("client_id", "oci-registry-exporter"),
                ("grant_type", "refresh_token"),
                ("refresh_token", "hunter2&+ "),
                ("service", "r.example.com"),
            ]);
            expected.extend(scope.map(|scope| ("scope".to_owned(), scope.to_owned())));
            assert_eq!(form(&request), expected);
            let shown = Authorization::Bearer(Secret::new("hunter2&+ "));
            assert_eq!(request.in_body, Some(shown), "an echo of it is silenced");
            assert!(!format!("{request:?}").contains("hunter2"));
        }
        let error = ask("Bearer realm=https://evil.com/token", &identity(None), &[]);
        assert!(matches!(error, Err(AuthError::UntrustedHost { .. })));
    }

    #[test]
    fn each_question_has_another_way_where_there_is_one() {
        let registry = Url::parse("https://r.example.com").unwrap();
        let otherwise = |credentials: &Credentials| {
            token_request_otherwise(&offered(REALM)[0], credentials, &[], &trust(&registry))
                .unwrap()
        };
        let posted = otherwise(&basic()).unwrap();
        assert_eq!(
            (&posted.method, &posted.authorization),
            (&Method::POST, &None)
        );
        let expected = [
            ("client_id", "oci-registry-exporter"),
            ("grant_type", "password"),
            ("username", "robot$a b"),
            ("password", "hunter2"),
            ("service", "r.example.com"),
        ];
        assert_eq!(form(&posted), pairs(&expected));
        let shown = Authorization::Basic {
            username: "robot$a b".to_owned(),
            password: Secret::new("hunter2"),
        };
        assert_eq!(posted.in_body, Some(shown));
        let got = otherwise(&identity(Some("robot"))).unwrap();
        assert_eq!(got.method, Method::GET);
        assert_eq!(
            got.url.as_str(),
            "https://r.example.com/oauth2/token?a=b&service=r.example.com&account=robot"
        );
        assert!(got.authorization.is_some());
        for credentials in [identity(None), Credentials::Anonymous] {
            assert!(otherwise(&credentials).is_none());
        }
    }

    #[test]
    fn a_method_is_unknown_where_the_endpoint_says_so() {
        let usual = |credentials: &Credentials| ask(REALM, credentials, &[]).unwrap();
        for (status, get, post) in [
            (200, false, false),
            (400, false, false),
            (401, false, false),
            (404, false, true),
            (405, true, true),
            (503, false, false),
        ] {
            let reply = reply(status, &[], "");
            assert_eq!(method_unknown(&usual(&basic()), &reply), get, "{status}");
            assert_eq!(
                method_unknown(&usual(&identity(None)), &reply),
                post,
                "{status}"
            );
        }
    }

    #[test]
    fn a_configured_token_is_not_exchanged() {
        let credentials = Credentials::Bearer {
            token: Secret::new("hunter2"),
        };
        let header = "Bearer realm=https://r.example.com/token";
        assert_eq!(
            ask(header, &credentials, &[]).unwrap_err(),
            AuthError::NotExchanged
        );
    }

    /// For each registry the hosts of `HOSTS` that may see its credentials, by hand.
    const TRUSTED: [(&str, &[&str]); 6] = [
        (
            "https://r.example.com",
            &[
                "r.example.com",
                "r.example.com.",
                "example.com",
                "auth.example.com",
            ],
        ),
        (
            "http://r.example.com",
            &[
                "r.example.com",
                "r.example.com.",
                "example.com",
                "auth.example.com",
            ],
        ),
        ("https://registry-1.docker.io", &["auth.docker.io"]),
        ("https://a.jfrog.io", &["a.jfrog.io"]),
        ("https://10.0.0.1", &["10.0.0.1"]),
        ("https://r.corp.lan", &["r.corp.lan"]),
    ];
    const HOSTS: [&str; 20] = [
        "r.example.com",
        "r.example.com.",
        "example.com",
        "auth.example.com",
        "example.com.evil.com",
        "evilexample.com",
        "evil.com",
        "com",
        "auth.docker.io",
        "a.jfrog.io",
        "b.jfrog.io",
        "jfrog.io",
        "10.0.0.1",
        "10.0.0.2",
        "127.0.0.1",
        "169.254.169.254",
        "localhost",
        "[::1]",
        "r.corp.lan",
        "auth.corp.lan",
    ];

    proptest! {
        #[test]
        fn credentials_only_ever_leave_towards_a_trusted_host(
            (registry, trusted) in prop::sample::select(&TRUSTED[..]),
            scheme in prop::sample::select(vec!["https", "http", "HTTPS", "ftp"]),
            before in prop::sample::select(vec!["", "", "", "u@", "u:p@", "r.example.com@", "r.example.com\\"]),
            host in prop::sample::select(&HOSTS[..]),
            after in prop::sample::select(vec!["", ":443", ":8443", "/token", "\\@evil.com", "#@evil.com", "?@evil.com"]),
        ) {
            let header = format!("Bearer realm=\"{}\"", format!("{scheme}://{before}{host}{after}").replace('\\', "\\\\"));
            let registry = Url::parse(registry).unwrap();
            let trust = trust(&registry);
            let challenge = &offered(&header)[0];
            for credentials in [basic(), identity(Some("robot"))] {
                let usual = token_request(challenge, &credentials, &[], &trust);
                let other = token_request_otherwise(challenge, &credentials, &[], &trust);
                prop_assert_eq!(usual.is_ok(), other.is_ok());
                for request in usual.into_iter().chain(other.ok().flatten()) {
                    let host = request.url.host_str().unwrap();
                    prop_assert!(trusted.contains(&host), "{} -> {}", registry, request.url);
                    prop_assert!(request.url.scheme() == "https" || registry.scheme() == "http");
                    prop_assert!(request.url.username().is_empty() && request.url.password().is_none());
                    prop_assert!(!request.url.as_str().contains("hunter2"));
                }
            }
        }

        #[test]
        fn a_plain_trusted_host_is_asked(
            (registry, host) in prop::sample::select(TRUSTED.iter().flat_map(|(r, hosts)| hosts.iter().map(move |h| (*r, *h))).collect::<Vec<_>>()),
        ) {
            let registry = Url::parse(registry).unwrap();
            let trust = trust(&registry);
            let header = format!("Bearer realm=\"https://{host}/token\"");
            prop_assert!(token_request(&offered(&header)[0], &basic(), &[], &trust).is_ok());
        }

        #[test]
        fn no_realm_is_too_wild(realm in ".{0,60}") {
            let header = format!("Bearer realm=\"{}\"", realm.replace(['\r', '\n', '\0'], ""));
            if let Ok(value) = HeaderValue::from_bytes(header.as_bytes()) {
                let header = value.to_str().unwrap_or("Bearer");
                if let Ok(request) = ask(header, &basic(), &[]) {
                    let host = request.url.host_str().unwrap_or_default();
                    prop_assert!(host.trim_end_matches('.').ends_with("example.com"), "{}", host);
                }
            }
        }
    }
}
