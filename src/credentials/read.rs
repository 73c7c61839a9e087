//! Reads a credential set and judges it without a request.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    oci::jwt,
    secret::{Credentials, Secret},
};

use super::{CredentialsError, SecretSource, Source};

impl Source {
    /// Reads the set as it is now; `now` judges a token that says when it ends.
    ///
    /// # Errors
    ///
    /// What is missing, unreadable, blank, malformed or past its end, naming
    /// the file or variable.
    pub fn read(&self, now: SystemTime) -> Result<Credentials, CredentialsError> {
        self.read_with(now, &variable)
    }

    /// The same with a given environment.
    fn read_with(
        &self,
        now: SystemTime,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Credentials, CredentialsError> {
        match self {
            Self::Anonymous => Ok(Credentials::Anonymous),
            Self::Basic { username, password } => {
                let Some(username) = username else {
                    return refused("a password is configured without a user name");
                };
                let Some(password) = password else {
                    return refused("a user name is configured without a password");
                };
                judge_username(username)?;
                let place = password.place("password");
                let password = password.read(&place, environment)?;
                Ok(Credentials::Basic {
                    username: username.clone(),
                    password: Secret::new(password),
                })
            }
            Self::Token(token) => {
                let place = token.place("token");
                let token = token.read(&place, environment)?;
                judge_token(&token, &place, now)?;
                Ok(Credentials::Bearer {
                    token: Secret::new(token),
                })
            }
        }
    }
}

/// When a configured token ends (seconds since the epoch), if it is a JWT that says so.
pub fn expiry(credentials: &Credentials) -> Option<i64> {
    match credentials {
        Credentials::Bearer { token } => jwt::claims(token.expose())?.exp,
        Credentials::Anonymous | Credentials::Basic { .. } => None,
    }
}

impl SecretSource {
    /// The place in words, the subject of a sentence.
    fn place(&self, what: &str) -> String {
        match self {
            Self::Inline(_) => format!("the configured {what}"),
            Self::File(path) => format!("the {what} file `{}`", path.display()),
            Self::Env(name) => format!("the environment variable `{name}` of the {what}"),
        }
    }

    /// The value, without the newline that an editor leaves at the end of a file.
    fn read(
        &self,
        place: &str,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<String, CredentialsError> {
        let value = match self {
            Self::Inline(secret) => secret.expose().to_owned(),
            Self::File(path) => {
                let bytes = read_file(path).map_err(|why| why.at(place))?;
                let text = String::from_utf8(bytes).map_err(|_| not_utf8(place))?;
                without_newline(&text).to_owned()
            }
            Self::Env(name) => environment(name)
                .ok_or_else(|| error(format!("{place} is not set")))?
                .into_string()
                .map_err(|_| not_utf8(place))?,
        };
        if value.trim().is_empty() {
            return refused(format!("{place} is empty or blank"));
        }
        if value.chars().any(char::is_control) {
            return refused(format!(
                "{place} holds a control character, such as a line break"
            ));
        }
        Ok(value)
    }
}

/// The bytes of a regular file (a pipe could keep the cycle waiting), or why not.
fn read_file(path: &Path) -> Result<Vec<u8>, Unread> {
    if !path.metadata()?.is_file() {
        return Err(Unread::Unfit("is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST_SECRET + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_SECRET {
        return Err(Unread::Unfit("is larger than 64 KiB"));
    }
    Ok(bytes)
}

/// Why the bytes of a file are not known.
enum Unread {
    Unfit(&'static str),
    Failed(io::Error),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Unread {
    fn at(self, place: &str) -> CredentialsError {
        match self {
            Self::Unfit(why) => error(format!("{place} {why}")),
            Self::Failed(cause) if cause.kind() == io::ErrorKind::NotFound => {
                error(format!("{place} does not exist"))
            }
            Self::Failed(cause) => CredentialsError {
                out_of_files: matches!(cause.raw_os_error(), Some(EMFILE | ENFILE)),
                ..error(format!("{place} cannot be read: {cause}"))
            },
        }
    }
}

fn without_newline(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    line.strip_suffix('\r').unwrap_or(line)
}

/// RFC 7617, 2: a user name holds no colon, which ends it.
fn judge_username(username: &str) -> Result<(), CredentialsError> {
    if username.trim().is_empty() {
        return refused("the configured user name is empty or blank");
    }
    if username.chars().any(char::is_control) {
        return refused("the configured user name holds a control character");
    }
    if username.contains(':') {
        return refused("the configured user name holds a `:`, which cannot be sent");
    }
    Ok(())
}

fn judge_token(token: &str, place: &str, now: SystemTime) -> Result<(), CredentialsError> {
    let scheme = token.get(..7).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer ") {
        return refused(format!(
            "{place} begins with `Bearer `: write the token alone"
        ));
    }
    if token.contains(char::is_whitespace) {
        return refused(format!("{place} holds white space"));
    }
    if !jwt::looks_like(token) {
        return Ok(());
    }
    let Some(claims) = jwt::claims(token) else {
        return refused(format!(
            "{place} looks like a JWT and does not decode: it is cut or damaged"
        ));
    };
    match claims.exp {
        Some(end) if end <= seconds(now) => Err(CredentialsError {
            message: format!("{place} is past its end ({})", shown(end)),
            expired: true,
            out_of_files: false,
        }),
        _ => Ok(()),
    }
}

fn seconds(now: SystemTime) -> i64 {
    now.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

fn shown(end: i64) -> String {
    jiff::Timestamp::from_second(end).map_or_else(|_| end.to_string(), |end| end.to_string())
}

fn not_utf8(place: &str) -> CredentialsError {
    error(format!("{place} is not UTF-8"))
}

fn refused<T>(message: impl Into<String>) -> Result<T, CredentialsError> {
    Err(error(message))
}

fn error(message: impl Into<String>) -> CredentialsError {
    CredentialsError {
        message: message.into(),
        expired: false,
        out_of_files: false,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "secrets from the environment are read here and nowhere else"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Unix: the process, or the system, is out of file descriptors.
const EMFILE: i32 = 24;
const ENFILE: i32 = 23;
/// More than any token that a header could carry (bytes).
const LARGEST_SECRET: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::{os::unix::ffi::OsStringExt, path::PathBuf, time::Duration};

    use base64::Engine;

    use super::*;

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

    fn read(source: &Source) -> Result<Credentials, String> {
        source
            .read_with(now(), &environment)
            .map_err(|error| error.message)
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
    fn a_lack_of_file_descriptors_says_nothing_of_the_secret() {
        for (code, out_of_files) in [(EMFILE, true), (ENFILE, true), (13, false)] {
            let unread = Unread::Failed(io::Error::from_raw_os_error(code));
            assert_eq!(unread.at("it").out_of_files, out_of_files, "{code}");
        }
        assert!(!Unread::Unfit("is odd").at("it").out_of_files);
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
        let expired = |source: Source| source.read_with(now(), &environment).unwrap_err().expired;
        assert!(expired(token(&jwt(r#"{"exp":1}"#))));
        assert!(!expired(token("Bearer x")));
        assert!(!expired(token("eyJhbGciOiJIUzI1NiJ9.cut.x")));
    }

    #[test]
    fn the_end_of_a_configured_token_is_known() {
        let bearer = |token: &str| Credentials::Bearer {
            token: Secret::new(token),
        };
        assert_eq!(
            expiry(&bearer(&jwt(r#"{"exp":1800000001}"#))),
            Some(1_800_000_001)
        );
        assert_eq!(expiry(&bearer(&jwt("{}"))), None);
        assert_eq!(expiry(&bearer("opaque")), None);
        assert_eq!(expiry(&Credentials::Anonymous), None);
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

    #[test]
    fn the_process_s_environment_is_read() {
        let source = basic("robot", SecretSource::Env("CARGO_PKG_NAME".to_owned()));
        let read = source.read(now()).unwrap();
        assert_eq!(read.username(), Some("robot"));
        let Credentials::Basic { password, .. } = read else {
            unreachable!("it was Basic");
        };
        assert_eq!(password.expose(), env!("CARGO_PKG_NAME"));
    }
}
