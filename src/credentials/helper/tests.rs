use std::{fs, io::Read, os::unix::fs::PermissionsExt, path::Path};

use tempfile::TempDir;
use url::Url;

use super::*;
use crate::{credentials::Trouble, secret::Secret};

/// A folder with one helper, `docker-credential-lab`, made of these lines of a shell script.
fn helper(script: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docker-credential-lab");
    // A file that is written by this process and run at once may still be open in
    // a child that another test starts (ETXTBSY): the shell reads it instead.
    fs::write(folder.path().join("script"), script).unwrap();
    let launcher = format!("#!/bin/sh\n. {}/script\n", folder.path().display());
    let draft = folder.path().join("draft");
    let written = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" >\"$2\"", "sh", &launcher])
        .arg(&draft)
        .status()
        .unwrap();
    assert!(written.success());
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(&draft, path).unwrap();
    folder
}

fn environment(folder: &Path) -> Vec<(OsString, OsString)> {
    let path = format!("{}:/usr/bin:/bin", folder.display());
    vec![("PATH".into(), path.into())]
}

async fn asked(folder: &Path, url: &str) -> Result<Credentials, CredentialsError> {
    let name = HelperName::parse("lab").unwrap();
    let server = Server::of(&Url::parse(url).unwrap());
    ask_with(&name, &server, &environment(folder)).await
}

async fn answer(script: &str) -> Result<Credentials, String> {
    let folder = helper(script);
    let answer = asked(folder.path(), "https://r.example.com").await;
    answer.map_err(|error| error.message)
}

#[test]
fn a_name_is_nothing_else() {
    for name in ["ecr-login", "gcloud", "acr-env", "osxkeychain", "x_y.2"] {
        let parsed = HelperName::parse(name).unwrap();
        assert_eq!(parsed.program(), format!("docker-credential-{name}"));
    }
    let long = "x".repeat(65);
    for name in [
        "",
        "../x",
        "a/b",
        "/bin/sh",
        "a b",
        "a\0",
        "a;b",
        "$x",
        "ü",
        "docker-credential-x",
        &long,
    ] {
        assert!(HelperName::parse(name).is_err(), "{name}");
    }
}

#[tokio::test]
async fn it_is_asked_for_the_registry_by_the_protocol() {
    let script = r#"
        server=$(cat | tr : _)
        printf '{"ServerURL":"x","Username":"%s","Secret":"%s"}' "$*-$#" "$server"
    "#;
    // The script's user name is its arguments, its secret the server that it read.
    let folder = helper(script);
    for (url, server) in [
        ("https://r.example.com:8443/base", "r.example.com_8443"),
        (
            "https://registry-1.docker.io",
            "https_//index.docker.io/v1/",
        ),
    ] {
        let found = asked(folder.path(), url).await;
        let expected = Credentials::Basic {
            username: "get-1".to_owned(),
            password: Secret::new(server),
        };
        assert_eq!(found, Ok(expected), "{url}");
    }
}

#[tokio::test]
async fn its_answers_are_read() {
    let print = |json: &str| format!("cat >/dev/null; printf %s '{json}'");
    let basic = Credentials::Basic {
        username: "AWS".to_owned(),
        password: Secret::new("pass"),
    };
    let identity = Credentials::Identity {
        username: None,
        token: Secret::new("refresh"),
    };
    for (json, expected) in [
        (
            r#"{"ServerURL":"x","Username":"AWS","Secret":"pass"}"#,
            basic.clone(),
        ),
        (r#"{"Username":"AWS","Secret":"pass","More":1}"#, basic),
        (
            r#"{"ServerURL":"","Username":"<token>","Secret":"refresh"}"#,
            identity,
        ),
    ] {
        assert_eq!(answer(&print(json)).await, Ok(expected), "{json}");
    }
    let place = "the credential helper `docker-credential-lab`";
    let garbage =
        format!("{place} printed something else than `{{\"Username\": ..., \"Secret\": ...}}`");
    for (json, expected) in [
        ("CANARY", garbage.clone()),
        ("", garbage.clone()),
        (r#"{"Username":1,"Secret":"CANARY"}"#, garbage.clone()),
        (r#"["CANARY"]"#, garbage),
        (
            r#"{"Username":"x","Secret":""}"#,
            format!("{place} has no credentials for `r.example.com`"),
        ),
        (
            "{}",
            format!("{place} has no credentials for `r.example.com`"),
        ),
        (
            r#"{"Username":"","Secret":"CANARY"}"#,
            format!("the user name of {place} is empty or blank"),
        ),
        (
            r#"{"Username":"a:b","Secret":"CANARY"}"#,
            format!("the user name of {place} holds a `:`, which cannot be sent"),
        ),
        (
            r#"{"Username":"x","Secret":"CAN\nARY"}"#,
            format!("the secret of {place} holds a control character, such as a line break"),
        ),
    ] {
        assert_eq!(answer(&print(json)).await, Err(expected), "{json}");
    }
}

#[tokio::test]
async fn its_failures_are_told_without_secrets() {
    let place = "the credential helper `docker-credential-lab`";
    for (script, expected) in [
        (
            "echo 'credentials not found in native keychain'; exit 1",
            "has no credentials for `r.example.com`",
        ),
        (
            "echo 'the region is not set'; exit 1",
            "failed (exit status: 1): the region is not set",
        ),
        (
            "echo 'the region is not set' >&2; exit 3",
            "failed (exit status: 3): the region is not set",
        ),
        (
            "echo 'bad token CANARY-4711'; echo CANARY >&2; exit 1",
            "failed (exit status: 1): bad token [hidden]",
        ),
        ("exit 1", "failed (exit status: 1) without a word"),
        ("kill -9 $$", "failed (signal: 9 (SIGKILL)) without a word"),
        (
            "head -c 1000000 /dev/zero",
            "printed more than 64 KiB and was ended",
        ),
    ] {
        assert_eq!(
            answer(script).await,
            Err(format!("{place} {expected}")),
            "{script}"
        );
    }
    // Errors by the thousand do not stop it from answering.
    let noisy = "head -c 1000000 /dev/zero >&2; printf '{\"Username\":\"x\",\"Secret\":\"y\"}'";
    assert!(answer(noisy).await.is_ok());
}

#[tokio::test]
async fn a_helper_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = asked(folder.path(), "https://r.example.com")
        .await
        .unwrap_err();
    assert_eq!(
        error.message,
        "the credential helper `docker-credential-lab` is not on the PATH"
    );
    assert_eq!(error.trouble, Trouble::Unusable);
    let plain = folder.path().join("docker-credential-lab");
    fs::write(plain, "").unwrap();
    let error = asked(folder.path(), "https://r.example.com")
        .await
        .unwrap_err();
    assert!(
        error
            .message
            .contains("cannot be started: Permission denied"),
        "{error}"
    );
}

#[tokio::test]
async fn it_sees_no_variable_but_those_handed_on() {
    let names =
        "env | cut -d= -f1 | grep -v -e '^_$' -e '^PWD$' -e '^SHLVL$' -e '^OLDPWD$' | tr '\\n' ' '";
    let script = format!("printf '{{\"Username\":\"%s\",\"Secret\":\"x\"}}' \"$({names})\"");
    let Ok(Credentials::Basic { username, .. }) = answer(&script).await else {
        panic!("an answer");
    };
    assert_eq!(username, "PATH ");
}

/// The clock stands until the helper runs, and then the limit passes at once.
#[tokio::test(start_paused = true)]
async fn one_that_hangs_is_ended_with_what_it_started() {
    let folder = helper("exec 9>\"${PATH%%:*}/pipe\"; sleep 1000 & sleep 1000");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    // The clock does not move while a thread waits, here for the helper to open the pipe.
    let opened = tokio::task::spawn_blocking(move || fs::File::open(pipe).unwrap());
    let (answer, opened) = tokio::join!(asked(folder.path(), "https://r.example.com"), opened);
    let error = answer.unwrap_err();
    assert_eq!(
        error.message,
        "the credential helper `docker-credential-lab` did not answer within 10s and was ended"
    );
    assert_eq!(error.trouble, Trouble::TimedOut);
    // Both sleepers hold the other end open: it closes when the last of them has ended.
    let mut rest = Vec::new();
    opened.unwrap().read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn a_lack_of_file_descriptors_says_nothing_of_the_credentials() {
    for (code, trouble) in [(24, Trouble::OutOfFiles), (13, Trouble::Unusable)] {
        let error = || std::io::Error::from_raw_os_error(code);
        assert_eq!(Failure::Unstartable(error()).trouble(), trouble, "{code}");
        assert_eq!(Failure::Broken(error()).trouble(), trouble, "{code}");
    }
}
