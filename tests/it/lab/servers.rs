//! The servers of the lab answer as they are known to: what they say to the requests
//! that decide the checks, beside each other.

use http::Method;
use serde_json::Value;
use tokio::process::Command;

use super::{
    http::{Answer, Ask, Login},
    image::{ARTIFACT, INDEX, MANIFEST, Pushed, referrers_tag},
    process::{self, Program},
    registry::{Kind, REPOSITORY, Registry, TAG, good, reader, wrong},
};

/// The requests, and the statuses in the order of [`Kind::ALL`]. (Where no upload was
/// opened, its cancel goes to the uploads path itself.)
#[rustfmt::skip]
const ANSWERS: &[(&str, [u16; Kind::ALL.len()])] = &[
    ("ping without credentials",       [200, 401, 401, 200, 200, 200, 401, 429, 200]),
    ("ping, right credentials",        [200, 200, 200, 200, 200, 200, 200, 429, 200]),
    ("ping, wrong credentials",        [200, 401, 401, 200, 200, 200, 401, 429, 200]),
    ("manifest without credentials",   [200, 401, 401, 200, 200, 200, 401, 429, 200]),
    ("manifest",                       [200, 200, 200, 200, 200, 200, 200, 429, 200]),
    ("manifest, no OCI type accepted", [404, 404, 404, 404, 404, 200, 200, 429, 200]),
    ("manifest, absent tag",           [404, 404, 404, 404, 404, 404, 404, 429, 200]),
    ("manifest, absent repository",    [404, 404, 401, 404, 404, 404, 404, 429, 200]),
    ("referrers",                      [404, 404, 404, 404, 404, 200, 200, 429, 200]),
    ("referrers without credentials",  [404, 404, 404, 404, 404, 200, 401, 429, 200]),
    ("referrers tag",                  [200, 200, 200, 200, 200, 404, 404, 429, 200]),
    ("upload without credentials",     [202, 401, 401, 405, 405, 202, 401, 429, 200]),
    ("upload",                         [202, 202, 202, 405, 405, 202, 202, 429, 200]),
    ("cancel of an upload",            [204, 204, 204, 405, 404, 204, 204, 429, 200]),
    ("mount of an own blob",           [201, 201, 201, 405, 405, 202, 202, 429, 200]),
    ("delete of the zero manifest",    [405, 404, 404, 405, 405, 404, 404, 429, 200]),
    ("delete of the zero blob",        [405, 404, 404, 405, 405, 404, 404, 429, 200]),
];

#[tokio::test]
async fn docker_registry_open_answers_as_known() {
    answers_as_known(Kind::Anonymous).await;
}

#[tokio::test]
async fn docker_registry_with_htpasswd_answers_as_known() {
    answers_as_known(Kind::Htpasswd).await;
}

#[tokio::test]
async fn docker_registry_with_tokens_answers_as_known() {
    answers_as_known(Kind::Token).await;
}

#[tokio::test]
async fn docker_registry_in_maintenance_answers_as_known() {
    answers_as_known(Kind::ReadOnly).await;
}

#[tokio::test]
async fn docker_registry_as_a_cache_answers_as_known() {
    answers_as_known(Kind::PullThrough).await;
}

#[tokio::test]
async fn ferro_answers_as_known() {
    answers_as_known(Kind::Ferro).await;
}

#[tokio::test]
async fn ferro_behind_basic_answers_as_known() {
    answers_as_known(Kind::FerroBasic).await;
}

#[tokio::test]
async fn nginx_with_429_answers_as_known() {
    answers_as_known(Kind::TooManyRequests).await;
}

#[tokio::test]
async fn nginx_with_html_answers_as_known() {
    answers_as_known(Kind::Html).await;
}

#[tokio::test]
async fn the_429_says_when_to_come_back() {
    let Some(registry) = Registry::start(Kind::TooManyRequests).await else {
        return;
    };
    let answer = ask(&registry, None, Method::GET, "v2/").await;
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.json()["errors"][0]["code"], "TOOMANYREQUESTS");
}

#[tokio::test]
async fn the_html_is_html() {
    let Some(registry) = Registry::start(Kind::Html).await else {
        return;
    };
    let answer = ask(&registry, None, Method::GET, "v2/").await;
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(answer.text(), "<html>login</html>");
}

#[tokio::test]
async fn referrers_are_listed_natively_or_under_their_tag() {
    for kind in [Kind::Anonymous, Kind::Ferro] {
        let Some(registry) = Registry::start(kind).await else {
            continue;
        };
        let (image, referrer) = registry.fill().await;
        let path = if kind == Kind::Ferro {
            format!("v2/{REPOSITORY}/referrers/{}", image.digest)
        } else {
            format!("v2/{REPOSITORY}/manifests/{}", referrers_tag(&image.digest))
        };
        let index = ask(&registry, None, Method::GET, &path).await;
        assert_eq!(index.header("content-type"), Some(INDEX), "{}", kind.name());
        let entries = index.json()["manifests"].take();
        assert_eq!(entries[0]["digest"], referrer.digest.as_str(), "{entries}");
        assert_eq!(entries[0]["artifactType"], ARTIFACT, "{entries}");
        assert_eq!(entries.as_array().map(Vec::len), Some(1), "{entries}");
    }
}

#[tokio::test]
async fn a_missing_right_is_an_insufficient_scope() {
    let Some(registry) = Registry::start(Kind::Token).await else {
        return;
    };
    let (image, _) = registry.fill().await;
    let manifest = format!("v2/{REPOSITORY}/manifests/{}", image.digest);
    let pull = ask(&registry, Some(reader()), Method::HEAD, &manifest).await;
    assert_eq!(pull.status, 200);
    let push = ask(&registry, Some(reader()), Method::POST, UPLOADS).await;
    assert_eq!(push.status, 401);
    let challenge = push.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    let tokens = registry.tokens.as_ref().expect("the server of this kind");
    let last = tokens.asked().await.pop().expect("it was asked");
    assert_eq!(last.username.as_deref(), Some("reader"));
    // docker-registry writes the actions in the order of a Go map: any.
    let either =
        ["pull,push", "push,pull"].map(|actions| format!("repository:{REPOSITORY}:{actions}"));
    assert!(
        last.scopes.len() == 1 && either.contains(&last.scopes[0]),
        "{last:?}"
    );
    assert_eq!(last.status, 200);
}

#[tokio::test]
async fn a_real_client_sees_the_pushed_image() {
    let Some(skopeo) = process::find(SKOPEO) else {
        return;
    };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.holds_images()) {
        let Some(registry) = Registry::start(kind).await else {
            continue;
        };
        let (image, _) = registry.fill().await;
        let Login { username, password } = good();
        let reference = format!("docker://{}/{REPOSITORY}:{TAG}", registry.url.authority());
        let output = Command::new(&skopeo)
            .args(["inspect", "--tls-verify=false", "--creds"])
            .args([format!("{username}:{password}"), reference])
            .output()
            .await
            .expect("skopeo runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", kind.name());
        let seen: Value = serde_json::from_slice(&output.stdout).expect("skopeo prints JSON");
        assert_eq!(seen["Digest"], image.digest.as_str(), "{}", kind.name());
    }
}

async fn answers_as_known(kind: Kind) {
    let Some(registry) = Registry::start(kind).await else {
        return;
    };
    let image = if kind.holds_images() {
        registry.fill().await.0
    } else {
        absent_image()
    };
    let column = Kind::ALL.iter().position(|other| *other == kind);
    let column = column.expect("every kind has a column");
    let expected: Vec<_> = ANSWERS
        .iter()
        .map(|(name, row)| (*name, row[column]))
        .collect();
    let mut answers = Vec::new();
    let mut location = UPLOADS.to_owned();
    for (name, login, method, accept, to) in requests(&image) {
        let answer = registry
            .caller(login)
            .ask(Ask {
                method,
                to: to.as_ref().unwrap_or(&location),
                accept,
                ..Ask::default()
            })
            .await;
        if let Some(session) = answer.header("location") {
            location = session.to_owned();
        }
        answers.push((name, answer.status));
    }
    assert_eq!(answers, expected, "{}", kind.name());
}

/// A request: its name, who asks, method, accepted types, and where to (`None`: to
/// the last `Location`).
type Row = (
    &'static str,
    Option<Login>,
    Method,
    &'static [&'static str],
    Option<String>,
);

/// The requests of [`ANSWERS`].
#[rustfmt::skip]
fn requests(image: &Pushed) -> Vec<Row> {
    const OCI: &[&str] = &[MANIFEST, INDEX];
    let (nobody, right) = (|| None, || Some(good()));
    let repository = |path: &str| Some(format!("v2/{REPOSITORY}/{path}"));
    let manifest = || repository(&format!("manifests/{TAG}"));
    let referrers = || repository(&format!("referrers/{}", image.digest));
    let tag = referrers_tag(&image.digest);
    let zero = format!("sha256:{}", "0".repeat(64));
    let ping = || Some("v2/".to_owned());
    let uploads = || Some(UPLOADS.to_owned());
    let mount = format!("{UPLOADS}?mount={}&from={REPOSITORY}", image.blob);
    vec![
        ("ping without credentials", nobody(), Method::GET, &[], ping()),
        ("ping, right credentials", right(), Method::GET, &[], ping()),
        ("ping, wrong credentials", Some(wrong()), Method::GET, &[], ping()),
        ("manifest without credentials", nobody(), Method::HEAD, OCI, manifest()),
        ("manifest", right(), Method::HEAD, OCI, manifest()),
        ("manifest, no OCI type accepted", right(), Method::HEAD, &[], manifest()),
        ("manifest, absent tag", right(), Method::HEAD, OCI, repository("manifests/absent")),
        ("manifest, absent repository", right(), Method::HEAD, OCI, Some("v2/no/such/manifests/latest".to_owned())),
        ("referrers", right(), Method::GET, &[INDEX], referrers()),
        ("referrers without credentials", nobody(), Method::GET, &[INDEX], referrers()),
        ("referrers tag", right(), Method::HEAD, OCI, repository(&format!("manifests/{tag}"))),
        ("upload without credentials", nobody(), Method::POST, &[], uploads()),
        ("upload", right(), Method::POST, &[], uploads()),
        ("cancel of an upload", right(), Method::DELETE, &[], None),
        ("mount of an own blob", right(), Method::POST, &[], Some(mount)),
        ("delete of the zero manifest", right(), Method::DELETE, &[], repository(&format!("manifests/{zero}"))),
        ("delete of the zero blob", right(), Method::DELETE, &[], repository(&format!("blobs/{zero}"))),
    ]
}

async fn ask(registry: &Registry, login: Option<Login>, method: Method, to: &str) -> Answer {
    let accept = &[MANIFEST, INDEX];
    let ask = Ask {
        method,
        to,
        accept,
        ..Ask::default()
    };
    registry.caller(login).ask(ask).await
}

/// Stands for the image where none can be pushed.
fn absent_image() -> Pushed {
    Pushed {
        repository: REPOSITORY.to_owned(),
        digest: format!("sha256:{}", "1".repeat(64)),
        size: 0,
        blob: format!("sha256:{}", "2".repeat(64)),
    }
}

const UPLOADS: &str = "v2/lab/app/blobs/uploads/";

const SKOPEO: Program = Program {
    name: "skopeo",
    brought_by: "Debian package skopeo",
};
