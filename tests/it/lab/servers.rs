//! The servers of the lab answer as they are known to: what they say to the requests
//! that decide the checks, beside each other.

use http::Method;
use serde_json::Value;
use tokio::process::Command;

use super::{
    http::{Ask, Login},
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
    let answer = Asker::new(&registry, None).get("v2/").await;
    assert_eq!(answer.header("retry-after"), Some("2"));
    assert_eq!(answer.json()["errors"][0]["code"], "TOOMANYREQUESTS");
}

#[tokio::test]
async fn the_html_is_html() {
    let Some(registry) = Registry::start(Kind::Html).await else {
        return;
    };
    let answer = Asker::new(&registry, None).get("v2/").await;
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
        let index = Asker::new(&registry, None).get(&path).await;
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
    let asker = Asker::new(&registry, Some(reader()));
    let manifest = format!("v2/{REPOSITORY}/manifests/{}", image.digest);
    assert_eq!(asker.head(&manifest).await.status, 200);
    let push = asker.send(Method::POST, UPLOADS).await;
    assert_eq!(push.status, 401);
    let challenge = push.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.contains("error=\"insufficient_scope\""),
        "{challenge}"
    );
    let tokens = registry.tokens.as_ref().expect("the server of this kind");
    let last = tokens.asked().await.pop().expect("it was asked");
    assert_eq!(last.username.as_deref(), Some("reader"));
    assert_eq!(last.scopes, [format!("repository:{REPOSITORY}:pull,push")]);
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
    assert_eq!(
        answers(&registry, &image).await,
        expected,
        "{}",
        kind.name()
    );
}

async fn answers(registry: &Registry, image: &Pushed) -> Vec<(&'static str, u16)> {
    let anonymous = Asker::new(registry, None);
    let right = Asker::new(registry, Some(good()));
    let manifests = format!("v2/{REPOSITORY}/manifests");
    let manifest = format!("{manifests}/{TAG}");
    let referrers = format!("v2/{REPOSITORY}/referrers/{}", image.digest);
    let referrers_tag = format!("{manifests}/{}", referrers_tag(&image.digest));
    let mount = format!("{UPLOADS}?mount={}&from={REPOSITORY}", image.blob);
    let zero = format!("sha256:{}", "0".repeat(64));
    let upload = right.send(Method::POST, UPLOADS).await;
    let session = upload.header("location").unwrap_or(UPLOADS).to_owned();
    let wrong = Asker::new(registry, Some(wrong()));
    vec![
        (
            "ping without credentials",
            anonymous.get("v2/").await.status,
        ),
        ("ping, right credentials", right.get("v2/").await.status),
        ("ping, wrong credentials", wrong.get("v2/").await.status),
        (
            "manifest without credentials",
            anonymous.head(&manifest).await.status,
        ),
        ("manifest", right.head(&manifest).await.status),
        (
            "manifest, no OCI type accepted",
            right.send(Method::HEAD, &manifest).await.status,
        ),
        (
            "manifest, absent tag",
            right.head(&format!("{manifests}/absent")).await.status,
        ),
        (
            "manifest, absent repository",
            right.head("v2/no/such/manifests/latest").await.status,
        ),
        ("referrers", right.get(&referrers).await.status),
        (
            "referrers without credentials",
            anonymous.get(&referrers).await.status,
        ),
        ("referrers tag", right.head(&referrers_tag).await.status),
        (
            "upload without credentials",
            anonymous.send(Method::POST, UPLOADS).await.status,
        ),
        ("upload", upload.status),
        (
            "cancel of an upload",
            right.send(Method::DELETE, &session).await.status,
        ),
        (
            "mount of an own blob",
            right.send(Method::POST, &mount).await.status,
        ),
        (
            "delete of the zero manifest",
            right
                .send(Method::DELETE, &format!("{manifests}/{zero}"))
                .await
                .status,
        ),
        (
            "delete of the zero blob",
            right
                .send(Method::DELETE, &format!("v2/{REPOSITORY}/blobs/{zero}"))
                .await
                .status,
        ),
    ]
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

/// Who asks, in short.
struct Asker(super::http::Caller);

impl Asker {
    fn new(registry: &Registry, login: Option<Login>) -> Self {
        Self(registry.caller(login))
    }

    /// With every manifest type accepted.
    async fn get(&self, to: &str) -> super::http::Answer {
        self.accepting(Method::GET, to).await
    }

    /// With every manifest type accepted.
    async fn head(&self, to: &str) -> super::http::Answer {
        self.accepting(Method::HEAD, to).await
    }

    async fn accepting(&self, method: Method, to: &str) -> super::http::Answer {
        let accept = &[MANIFEST, INDEX];
        self.0
            .ask(Ask {
                method,
                to,
                accept,
                ..Ask::default()
            })
            .await
    }

    async fn send(&self, method: Method, to: &str) -> super::http::Answer {
        self.0
            .ask(Ask {
                method,
                to,
                ..Ask::default()
            })
            .await
    }
}

const UPLOADS: &str = "v2/lab/app/blobs/uploads/";

const SKOPEO: Program = Program {
    name: "skopeo",
    brought_by: "Debian package skopeo",
};
