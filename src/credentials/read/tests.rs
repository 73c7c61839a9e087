use std::{
    os::unix::ffi::OsStringExt,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use base64::Engine;
use url::Url;

use super::*;
use crate::{
    credentials::{Ending, EndingSource, Trouble},
    secret::Secret,
};

const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn environment(name: &str) -> Option<OsString> {
    match name {
        "PASSWORD" => Some("hunter2".into()),
        "LINE" => Some("hunter2\n".into()),
        "EMPTY" => Some(OsString::new()),
        "BYTES" => Some(OsString::from_vec(vec![b'h', 0xff])),
        _ => None,
    }
}

fn server() -> Server {
    Server::of(&Url::parse("https://r.example.com").unwrap())
}

fn look(source: &Source) -> Result<Credentials, CredentialsError> {
    match source.look_with(&server(), now(), &environment)? {
        Local::Here(credentials, _) => Ok(credentials),
        Local::With(name, _) => panic!("{name}"),
    }
}

fn read(source: &Source) -> Result<Credentials, String> {
    look(source).map_err(|error| error.message)
}

fn inline(text: &str) -> SecretSource {
    SecretSource::Inline(Secret::new(text))
}

fn basic(username: &str, password: SecretSource) -> Source {
    Source::Basic {
        username: Some(username.to_owned()),
        password: Some(password),
    }
}

fn token(text: &str) -> Source {
    Source::Token(inline(text))
}

fn jwt(payload: &str) -> String {
    let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.c2ln", encode(r#"{"alg":"RS256"}"#), encode(payload))
}

fn password_of(source: SecretSource) -> Result<String, String> {
    match read(&basic("robot", source))? {
        Credentials::Basic { password, .. } => Ok(password.expose().to_owned()),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn good_sets_are_read() {
    assert_eq!(read(&Source::Anonymous), Ok(Credentials::Anonymous));
    assert_eq!(
        read(&basic("robot$x", SecretSource::Env("PASSWORD".to_owned()))),
        Ok(Credentials::Basic {
            username: "robot$x".to_owned(),
            password: Secret::new("hunter2"),
        })
    );
    for good in [
        "ghp_x",
        "Bearerx",
        "eyJ.x",
        &jwt("{}"),
        &jwt(r#"{"exp":1800000001}"#),
    ] {
        let expected = Credentials::Bearer {
            token: Secret::new(good),
        };
        assert_eq!(read(&token(good)), Ok(expected), "{good}");
    }
}

#[test]
fn a_pair_that_cannot_be_sent_is_refused_in_words() {
    let half = |username: Option<&str>, password: Option<&str>| Source::Basic {
        username: username.map(str::to_owned),
        password: password.map(inline),
    };
    let env = |name: &str| basic("robot", SecretSource::Env(name.to_owned()));
    for (source, message) in [
        (
            half(Some("robot"), None),
            "a user name is configured without a password",
        ),
        (
            half(None, Some("hunter2")),
            "a password is configured without a user name",
        ),
        (
            half(Some(" "), Some("hunter2")),
            "the configured user name is empty or blank",
        ),
        (
            half(Some("ro:bot"), Some("hunter2")),
            "the configured user name holds a `:`, which cannot be sent",
        ),
        (
            half(Some("ro\tbot"), Some("hunter2")),
            "the configured user name holds a control character",
        ),
        (
            half(Some("robot"), Some("")),
            "the configured password is empty or blank",
        ),
        (
            half(Some("robot"), Some(" \t")),
            "the configured password is empty or blank",
        ),
        (
            half(Some("robot"), Some("hun\nter2")),
            "the configured password holds a control character, such as a line break",
        ),
        (
            env("ABSENT"),
            "the environment variable `ABSENT` of the password is not set",
        ),
        (
            env("EMPTY"),
            "the environment variable `EMPTY` of the password is empty or blank",
        ),
        (
            env("LINE"),
            "the environment variable `LINE` of the password holds a control character, such as a line break",
        ),
        (
            env("BYTES"),
            "the environment variable `BYTES` of the password is not UTF-8",
        ),
    ] {
        assert_eq!(read(&source), Err(message.to_owned()));
    }
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_in_words() {
    for (source, message) in [
        (
            token("Bearer x"),
            "the configured token begins with `Bearer `: write the token alone",
        ),
        (
            token("bearer x"),
            "the configured token begins with `Bearer `: write the token alone",
        ),
        (token("x y"), "the configured token holds white space"),
        (
            token("eyJhbGciOiJIUzI1NiJ9.cut.x"),
            "the configured token looks like a JWT and does not decode: it is cut or damaged",
        ),
        (
            token(&jwt(r#"{"exp":1800000000}"#)),
            "the configured token is past its end (2027-01-15T08:00:00Z)",
        ),
    ] {
        assert_eq!(read(&source), Err(message.to_owned()));
    }
}

#[test]
fn only_a_token_s_own_end_counts_as_expired() {
    let trouble = |source: Source| look(&source).unwrap_err().trouble;
    let ending = Ending {
        at: 1,
        source: EndingSource::Jwt,
    };
    let past = trouble(token(&jwt(r#"{"exp":1}"#)));
    assert_eq!(past, Trouble::Expired(Some(ending)));
    let name = HelperName::parse("lab").unwrap();
    let given = Credentials::Identity {
        username: None,
        token: Secret::new(jwt(r#"{"exp":1}"#)),
    };
    let past = helper_token(&given, &name, now()).unwrap_err().trouble;
    assert_eq!(
        past,
        Trouble::Expired(None),
        "it gives another the next time"
    );
    for damaged in ["Bearer x", "eyJhbGciOiJIUzI1NiJ9.cut.x"] {
        assert_eq!(trouble(token(damaged)), Trouble::Unusable, "{damaged}");
    }
}

#[test]
fn one_newline_at_the_end_of_a_file_is_trimmed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    for (content, expected) in [
        ("hunter2", Ok("hunter2")),
        ("hunter2\n", Ok("hunter2")),
        ("hunter2\r\n", Ok("hunter2")),
        (" hunter2 \n", Ok(" hunter2 ")),
        (
            "hunter2\n\n",
            Err("holds a control character, such as a line break"),
        ),
        ("\n", Err("is empty or blank")),
        ("", Err("is empty or blank")),
    ] {
        std::fs::write(&path, content).unwrap();
        let place = format!("the password file `{}`", path.display());
        let expected = expected
            .map(str::to_owned)
            .map_err(|why| format!("{place} {why}"));
        assert_eq!(
            password_of(SecretSource::File(path.clone())),
            expected,
            "{content:?}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("large"), "x".repeat(64 * 1024 + 1)).unwrap();
    std::fs::write(at("bytes"), b"h\xff").unwrap();
    let why = |path: PathBuf| {
        let message = password_of(SecretSource::File(path)).unwrap_err();
        message.rsplit("` ").next().unwrap_or_default().to_owned()
    };
    assert_eq!(why(at("absent")), "does not exist");
    assert_eq!(why(at("large")), "is larger than 64 KiB");
    assert_eq!(why(at("bytes")), "is not UTF-8");
    assert_eq!(why(directory.path().to_owned()), "is not a regular file");
    assert_eq!(
        why(at("large/x")),
        "cannot be read: Not a directory (os error 20)"
    );
}

#[tokio::test]
async fn the_process_s_environment_is_read() {
    let source = basic("robot", SecretSource::Env("CARGO_PKG_NAME".to_owned()));
    let read = source.read(&server(), now()).await.unwrap();
    let expected = Credentials::Basic {
        username: "robot".to_owned(),
        password: Secret::new(env!("CARGO_PKG_NAME")),
    };
    assert_eq!(
        read,
        Reading {
            credentials: expected.clone(),
            renews: false,
            expires: None,
        }
    );
    assert_eq!(source.look(&server(), now()), Some(Ok(expected)));
}

#[tokio::test]
async fn a_file_is_read_anew_each_time_and_gone_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let source = Source::DockerConfig(path.clone());
    for password in ["first", "second"] {
        let json = format!(
            r#"{{"auths":{{"r.example.com":{{"username":"robot","password":"{password}"}}}}}}"#
        );
        std::fs::write(&path, json).unwrap();
        let read = source.read(&server(), now()).await.unwrap().credentials;
        let expected = Credentials::Basic {
            username: "robot".to_owned(),
            password: Secret::new(password),
        };
        assert_eq!(read, expected);
    }
    std::fs::remove_file(&path).unwrap();
    let error = source.read(&server(), now()).await.unwrap_err();
    assert_eq!(
        error.message,
        format!(
            "the Docker configuration `{}` does not exist",
            path.display()
        )
    );
    assert_eq!(error.trouble, Trouble::Unusable);
}

#[test]
fn a_look_starts_no_helper() {
    let name = HelperName::parse("lab").unwrap();
    assert_eq!(Source::Helper(name).look(&server(), now()), None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let source = Source::DockerConfig(path.clone());
    std::fs::write(&path, r#"{"credsStore":"lab"}"#).unwrap();
    assert_eq!(source.look(&server(), now()), None);
    std::fs::write(&path, "{").unwrap();
    assert!(source.look(&server(), now()).unwrap().is_err());
}
