use std::time::UNIX_EPOCH;

use base64::prelude::BASE64_STANDARD;
use url::Url;

use super::*;

fn found(json: &str, url: &str) -> Result<Entry, String> {
    let server = Server::of(&Url::parse(url).unwrap());
    find(json.as_bytes(), "the file", &server, UNIX_EPOCH).map_err(|error| error.message)
}

fn basic(username: &str, password: &str) -> Entry {
    Entry::Credentials(Credentials::Basic {
        username: username.to_owned(),
        password: Secret::new(password),
    })
}

fn helper(name: &str) -> Entry {
    Entry::Helper(HelperName::parse(name).unwrap())
}

fn auth(pair: &str) -> String {
    BASE64_STANDARD.encode(pair)
}

const OWN: &str = "https://r.example.com";

#[test]
#[expect(clippy::too_many_lines, reason = "a row for every form")]
fn an_entry_gives_its_credentials_in_every_form() {
    let identity = |username: Option<&str>| {
        Entry::Credentials(Credentials::Identity {
            username: username.map(str::to_owned),
            token: Secret::new("refresh"),
        })
    };
    let bearer = Entry::Credentials(Credentials::Bearer {
        token: Secret::new("sent"),
    });
    for (login, expected) in [
        (
            format!(r#"{{"auth":"{}"}}"#, auth("robot$x:pass")),
            basic("robot$x", "pass"),
        ),
        (
            format!(r#"{{"auth":"{}"}}"#, auth("robot:p:q")),
            basic("robot", "p:q"),
        ),
        (
            format!(r#"{{"auth":"{}"}}"#, auth("robot:pass\0\0")),
            basic("robot", "pass"),
        ),
        (
            format!(
                r#"{{"auth":"{}"}}"#,
                auth("robot:pass").trim_end_matches('=')
            ),
            basic("robot", "pass"),
        ),
        (
            r#"{"username":"robot","password":"pass"}"#.to_owned(),
            basic("robot", "pass"),
        ),
        (
            r#"{"username":"robot","password":"pass","auth":"","email":"x","identitytoken":""}"#
                .to_owned(),
            basic("robot", "pass"),
        ),
        // As in Docker: `auth` wins.
        (
            format!(
                r#"{{"username":"old","password":"old","auth":"{}"}}"#,
                auth("robot:pass")
            ),
            basic("robot", "pass"),
        ),
        (
            format!(
                r#"{{"auth":"{}","identitytoken":"refresh"}}"#,
                auth("00000000-0000-0000-0000-000000000000:")
            ),
            identity(Some("00000000-0000-0000-0000-000000000000")),
        ),
        (r#"{"identitytoken":"refresh"}"#.to_owned(), identity(None)),
        (
            r#"{"registrytoken":"sent","identitytoken":"refresh"}"#.to_owned(),
            bearer,
        ),
    ] {
        for file in [
            format!(r#"{{"auths":{{"r.example.com":{login}}}}}"#),
            format!(
                r#"{{"auths":{{"other":{{"auth":"eDp5"}},"https://r.example.com/v1/":{login}}},"credHelpers":{{"other":"x"}},"credsStore":"","HttpHeaders":{{"a":"b"}}}}"#
            ),
            // The legacy form.
            format!(r#"{{"https://r.example.com":{login}}}"#),
        ] {
            assert_eq!(found(&file, OWN), Ok(expected.clone()), "{file}");
        }
    }
}

#[test]
fn a_helper_wins_over_an_entry_and_its_own_over_the_one_for_all() {
    let hub = "https://registry-1.docker.io";
    let entry = r#""auths":{"r.example.com":{"username":"robot","password":"pass"}}"#;
    for (rest, url, expected) in [
        ("", OWN, basic("robot", "pass")),
        (
            r#","credsStore":null,"credHelpers":null"#,
            OWN,
            basic("robot", "pass"),
        ),
        (r#","credsStore":"pass""#, OWN, helper("pass")),
        (
            r#","credsStore":"pass","credHelpers":{"r.example.com":"ecr-login"}"#,
            OWN,
            helper("ecr-login"),
        ),
        (
            r#","credHelpers":{"https://r.example.com":"b","r.example.com":"a"}"#,
            OWN,
            helper("a"),
        ),
        (
            r#","credHelpers":{"r.example.com/team":"a"}"#,
            OWN,
            basic("robot", "pass"),
        ),
        (
            r#","credHelpers":{"docker.io":"a"}"#,
            OWN,
            basic("robot", "pass"),
        ),
        (r#","credHelpers":{"docker.io":"a"}"#, hub, helper("a")),
    ] {
        let file = format!("{{{entry}{rest}}}");
        assert_eq!(found(&file, url), Ok(expected), "{file}");
    }
}

#[test]
fn the_best_key_wins() {
    let login = |name: &str| format!(r#"{{"username":"{name}","password":"pass"}}"#);
    let file = |keys: &[&str]| {
        let entries: Vec<String> = keys
            .iter()
            .map(|key| format!(r#""{key}":{}"#, login(key.rsplit('/').next().unwrap())))
            .collect();
        format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))
    };
    for (keys, expected) in [
        (&["r.example.com/b", "r.example.com"][..], "r.example.com"),
        (
            &["r.example.com/b", "https://r.example.com"],
            "r.example.com",
        ),
        (&["r.example.com/b"], "b"),
        (&["r.example.com/b", "r.example.com/base"], "base"),
    ] {
        let found = found(&file(keys), "https://r.example.com/base");
        assert_eq!(found, Ok(basic(expected, "pass")), "{keys:?}");
    }
    let several = found(&file(&["r.example.com/b", "r.example.com/c"]), OWN);
    assert_eq!(
        several,
        Err("the file holds credentials for several paths of `r.example.com` and none for the whole: add an entry for the host alone".to_owned())
    );
}

#[test]
fn what_cannot_be_used_is_named_and_never_shown() {
    let entry = |login: &str| format!(r#"{{"auths":{{"r.example.com":{login}}}}}"#);
    let in_entry = "in the entry `r.example.com` of the file";
    for (file, expected) in [
        ("{}".to_owned(), "the file holds no credentials for `r.example.com`".to_owned()),
        (r#"{"auths":{}}"#.to_owned(), "the file holds no credentials for `r.example.com`".to_owned()),
        (r#"{"auths":{"r.example.com.evil.com":{"auth":"CANARY"}}}"#.to_owned(), "the file holds no credentials for `r.example.com`".to_owned()),
        ("CANARY".to_owned(), "the file is no JSON (line 1, column 1)".to_owned()),
        (String::new(), "the file is no JSON (line 1, column 0)".to_owned()),
        (r#"{"auths":{"x":"CANARY"}}"#.to_owned(), "the file is not of the form that Docker writes (line 1, column 22)".to_owned()),
        (r#"{"auths":["CANARY"]}"#.to_owned(), "the file is not of the form that Docker writes (line 1, column 9)".to_owned()),
        (r#"{"CANARY":"CANARY"}"#.to_owned(), "the file holds neither `auths` nor `credHelpers` nor `credsStore`, and is no legacy `.dockercfg` either".to_owned()),
        (r#"{"credsStore":"../CANARY"}"#.to_owned(), "the file names a credential helper whose name holds more than letters, digits, `-`, `_` and `.`".to_owned()),
        (entry("{}"), "the entry `r.example.com` of the file holds no credentials: they may be in a helper that the file does not name".to_owned()),
        (entry(r#"{"auth":"CANARY"}"#), format!("the `auth` {in_entry} is not the base64 form of `user:password`")),
        (entry(&format!(r#"{{"auth":"{}"}}"#, auth("CANARY"))), format!("the `auth` {in_entry} is not the base64 form of `user:password`")),
        (entry(&format!(r#"{{"auth":"{}"}}"#, auth(":CANARY"))), format!("the user name {in_entry} is empty or blank")),
        (entry(r#"{"username":"CAN:ARY","password":"CANARY"}"#), format!("the user name {in_entry} holds a `:`, which cannot be sent")),
        (entry(r#"{"username":"x","password":" "}"#), format!("the password {in_entry} is empty or blank")),
        (entry(r#"{"registrytoken":"Bearer CANARY"}"#), format!("the `registrytoken` {in_entry} begins with `Bearer `: write the token alone")),
        (entry(r#"{"identitytoken":"eyJh.CANARY.x"}"#), format!("the `identitytoken` {in_entry} looks like a JWT and does not decode: it is cut or damaged")),
    ] {
        assert_eq!(found(&file, OWN), Err(expected), "{file}");
    }
}

#[test]
fn an_identity_token_past_its_end_is_not_sent() {
    let part = |json: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.x", part(r#"{"alg":"x"}"#), part(r#"{"exp":-1}"#));
    let file = format!(r#"{{"auths":{{"r.example.com":{{"identitytoken":"{token}"}}}}}}"#);
    let server = Server::of(&Url::parse(OWN).unwrap());
    let error = find(file.as_bytes(), "the file", &server, UNIX_EPOCH).unwrap_err();
    let trouble = error.trouble;
    assert!(
        matches!(trouble, crate::credentials::Trouble::Expired(Some(_))),
        "{trouble:?}"
    );
}
