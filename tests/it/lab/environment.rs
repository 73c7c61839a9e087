//! A proxy from the environment, used by the binary where it is asked for and nowhere else.

use std::fs;

use super::{
    distribution::Distribution,
    http::{Caller, Login},
    image,
    process::{self, Running},
    registry::{REPOSITORY, TAG},
    tinyproxy::Tinyproxy,
};
use crate::cli::run::{Ended, Workplace};

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_from_the_environment_is_used_when_asked_for() {
    let login = Login::new("clerk", "canary-of-a-proxy");
    let closed = Tinyproxy {
        login: Some(login.clone()),
    };
    let (Some(registry), Some(proxy)) = (
        process::start(&Distribution::default()).await,
        process::start(&closed).await,
    ) else {
        return;
    };
    let caller = Caller {
        base: registry.url.clone(),
        login: None,
    };
    image::push_image(&caller, REPOSITORY, TAG).await;
    let with = |password: &str| {
        let authority = proxy.url.authority();
        format!("http://{}:{password}@{authority}", login.username)
    };
    let (right, guessed) = (with(&login.password), with("canary-guessed"));

    // Neither the default nor `false` looks at it.
    for keys in ["", "    proxy_from_environment: false\n"] {
        let ended = check(&registry, keys, &right).await;
        assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
        assert!(!log(&proxy).contains(REPOSITORY), "{}", log(&proxy));
    }
    let asked = "    proxy_from_environment: true\n";
    let ended = check(&registry, asked, &right).await;
    assert_eq!(ended.code, Some(0), "{}{}", ended.stdout, ended.stderr);
    assert!(log(&proxy).contains(REPOSITORY), "{}", log(&proxy));

    let ended = check(&registry, asked, &guessed).await;
    assert_eq!(ended.code, Some(1), "{}{}", ended.stdout, ended.stderr);
    let words = format!(
        "the proxy {} refuses the user and password that it is given",
        proxy.url.authority()
    );
    assert!(ended.stdout.contains(&words), "{}", ended.stdout);
    for shown in [&ended.stdout, &ended.stderr] {
        assert!(!shown.contains("canary-"), "{shown}");
    }
}

/// One cycle of pull, with this as `HTTP_PROXY`.
async fn check(registry: &Running, keys: &str, proxy: &str) -> Ended {
    let place = Workplace::new(&format!(
        "registries:\n  - url: {}\n    test_repository: {REPOSITORY}\n{keys}",
        registry.url
    ));
    let arguments = ["check", "--check", "pull", "--verbose"];
    let mut command = place.command(&arguments);
    let output = command.env("HTTP_PROXY", proxy).output().await.unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What the proxy was asked for so far.
fn log(proxy: &Running) -> String {
    fs::read_to_string(proxy.dir().join("log")).expect("the log of a server that runs")
}
