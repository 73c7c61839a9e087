//! The simulator's profiles against the real servers, answer by answer: the same
//! requests go to both, and status and deciding headers must be the same.

use bytes::Bytes;
use http::Method;
use registry_sim::{Profile, RegistrySim, Scheme};
use url::Url;

use super::{
    http::{Answer, Ask, Caller, Login},
    image::{self, ARTIFACT, INDEX, MANIFEST, referrers_tag},
    registry::{Kind, REPOSITORY, Registry, TAG, good, reader, wrong},
};

#[tokio::test]
async fn distribution_open_is_simulated_faithfully() {
    agree(Kind::Anonymous, &Profile::DISTRIBUTION_2_8).await;
}

#[tokio::test]
async fn distribution_with_htpasswd_is_simulated_faithfully() {
    agree(Kind::Htpasswd, &Profile::DISTRIBUTION_2_8_HTPASSWD).await;
}

#[tokio::test]
async fn distribution_with_tokens_is_simulated_faithfully() {
    agree(Kind::Token, &Profile::DISTRIBUTION_2_8_TOKEN).await;
}

#[tokio::test]
async fn distribution_in_maintenance_is_simulated_faithfully() {
    agree(Kind::ReadOnly, &Profile::DISTRIBUTION_2_8_READONLY).await;
}

#[tokio::test]
async fn distribution_as_a_cache_is_simulated_faithfully() {
    agree(Kind::PullThrough, &Profile::DISTRIBUTION_2_8_PROXY).await;
}

#[tokio::test]
async fn crane_is_simulated_faithfully() {
    agree(Kind::Crane, &Profile::GGCR).await;
}

#[tokio::test]
async fn ferro_is_simulated_faithfully() {
    agree(Kind::Ferro, &Profile::FERRO).await;
}

async fn agree(kind: Kind, profile: &Profile) {
    let Some(registry) = Registry::start(kind).await else {
        return;
    };
    let (image, _) = registry.fill().await;
    let sim = simulated(profile).await;
    let real = Side::new(registry.url.clone());
    let simulated = Side::new(Url::parse(&sim.url()).expect("a URL"));
    let mut sides = [real, simulated];
    let mut differences = Vec::new();
    let steps = steps(kind, &image.digest, &image.blob);
    for step in &steps {
        let mut answers = Vec::new();
        for side in &mut sides {
            answers.push(side.ask(step).await);
        }
        if answers[0] != answers[1] {
            differences.push(format!(
                "{}\n  real:      {:?}\n  simulated: {:?}",
                step.name, answers[0], answers[1]
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The simulator, filled by the same client; where it takes nothing, before it stops to.
async fn simulated(profile: &Profile) -> RegistrySim {
    let scheme = if profile.auth.always {
        profile.auth.scheme
    } else {
        Scheme::None
    };
    let (all, some) = (good(), reader());
    let sim = RegistrySim::profile(profile)
        .auth(scheme)
        .user(
            &all.username,
            &all.password,
            [("lab/*", "pull,push,delete")],
        )
        .user(&some.username, &some.password, [("lab/*", "pull")])
        .start()
        .await;
    sim.tune(|writable| writable.writes = Profile::PLAIN.writes);
    let caller = Caller {
        base: Url::parse(&sim.url()).expect("a URL"),
        login: Some(all),
    };
    let image = image::push_image(&caller, REPOSITORY, TAG).await;
    image::push_referrer(&caller, &image).await;
    sim.tune(|tuned| tuned.writes = profile.writes);
    sim
}

/// One request, for both sides.
struct Step {
    name: &'static str,
    login: Option<Login>,
    method: Method,
    /// A path, or nothing for the place that the latest upload names.
    to: Option<String>,
    accept: &'static [&'static str],
    chunk: Option<(&'static str, &'static str)>,
}

/// A server, and the place of its latest upload.
struct Side {
    base: Url,
    location: Option<String>,
}

impl Side {
    fn new(base: Url) -> Self {
        Self {
            base,
            location: None,
        }
    }

    /// What of the answer decides, with the server's own names taken out; nothing where
    /// the step needs an upload and none is open.
    async fn ask(&mut self, step: &Step) -> Option<Vec<(String, String)>> {
        let to = match &step.to {
            Some(path) => path.clone(),
            None => self.location.clone()?,
        };
        let (content_range, body) = step.chunk.unwrap_or_default();
        let caller = Caller {
            base: self.base.clone(),
            login: step.login.clone(),
        };
        let answer = caller
            .ask(Ask {
                method: step.method.clone(),
                to: &to,
                accept: step.accept,
                content_type: step.chunk.map(|_| "application/octet-stream"),
                content_range: step.chunk.map(|_| content_range),
                body: Bytes::from_static(body.as_bytes()),
            })
            .await;
        match answer.status {
            202 | 204 if step.method != Method::DELETE => {
                self.location = answer.header("location").map(str::to_owned);
            }
            _ if step.method == Method::POST => self.location = None,
            _ => {}
        }
        Some(self.decisive(&answer))
    }

    fn decisive(&self, answer: &Answer) -> Vec<(String, String)> {
        let mut facts = vec![("status".to_owned(), answer.status.to_string())];
        for name in HEADERS {
            let values = answer.headers.get_all(*name).into_iter();
            for value in values.filter_map(|value| value.to_str().ok()) {
                facts.push(((*name).to_owned(), self.nameless(name, value)));
            }
        }
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if let Some(code) = body["errors"][0]["code"].as_str() {
            facts.push(("code".to_owned(), code.to_owned()));
        }
        facts
    }

    /// A header without what is each server's own: its address, ids and names.
    fn nameless(&self, name: &str, value: &str) -> String {
        let origin = self.base.origin().ascii_serialization();
        let value = value.replace(&origin, "{origin}");
        match name {
            "docker-upload-uuid" => "{id}".to_owned(),
            "location" => match value.split_once("/blobs/uploads/") {
                Some((before, session)) => {
                    let state = session.contains("?_state=");
                    format!("{before}/blobs/uploads/{{id}} with state: {state}")
                }
                None => value,
            },
            // Realm and service are configured.
            "www-authenticate" => {
                let value = without(&value, "realm=\"");
                ordered(&without(&value, "service=\""))
            }
            _ => value,
        }
    }
}

/// A parameter's value taken out.
fn without(text: &str, name: &str) -> String {
    match text.split_once(name) {
        Some((before, after)) => {
            let rest = after.split_once('"').map_or("", |(_, rest)| rest);
            format!("{before}{name}\"{rest}")
        }
        None => text.to_owned(),
    }
}

/// The scopes of a challenge, and the actions of each, in one order: docker-registry
/// names them in any (it keeps them in a map), and the order means nothing.
fn ordered(challenge: &str) -> String {
    let Some((before, after)) = challenge.split_once("scope=\"") else {
        return challenge.to_owned();
    };
    let (scopes, rest) = after.split_once('"').expect("an end of the scope");
    let mut scopes: Vec<String> = scopes
        .split(' ')
        .map(|scope| {
            let (name, actions) = scope.rsplit_once(':').unwrap_or((scope, ""));
            let mut actions: Vec<&str> = actions.split(',').collect();
            actions.sort_unstable();
            format!("{name}:{}", actions.join(","))
        })
        .collect();
    scopes.sort_unstable();
    format!("{before}scope=\"{}\"{rest}", scopes.join(" "))
}

/// What the checks read. (`X-Content-Type-Options` is a matter of configuration.)
const HEADERS: &[&str] = &[
    "content-type",
    "docker-distribution-api-version",
    "docker-content-digest",
    "docker-upload-uuid",
    "www-authenticate",
    "location",
    "range",
    "oci-filters-applied",
    "oci-chunk-min-length",
    "link",
    "allow",
];

#[rustfmt::skip]
fn steps(kind: Kind, digest: &str, blob: &str) -> Vec<Step> {
    const OCI: &[&str] = &[MANIFEST, INDEX];
    let (nobody, right) = (|| None, || Some(good()));
    let of = |path: &str| Some(format!("v2/{REPOSITORY}/{path}"));
    let head = of(&format!("manifests/{TAG}"));
    let uploads = of("blobs/uploads/");
    let session = None;
    let (zero, one) = (format!("sha256:{}", "0".repeat(64)), format!("sha256:{}", "1".repeat(64)));
    let referrers = |digest: &str| of(&format!("referrers/{digest}"));
    let mut steps = vec![
        step("ping without credentials", nobody(), Method::GET, &[], Some("v2/".to_owned())),
        step("ping", right(), Method::GET, &[], Some("v2/".to_owned())),
        step("ping, wrong credentials", Some(wrong()), Method::GET, &[], Some("v2/".to_owned())),
        step("manifest without credentials", nobody(), Method::HEAD, OCI, head.clone()),
        step("manifest, wrong credentials", Some(wrong()), Method::HEAD, OCI, head.clone()),
        step("manifest", right(), Method::HEAD, OCI, head.clone()),
        step("manifest, no type accepted", right(), Method::HEAD, &[], head.clone()),
        step("manifest by digest", right(), Method::GET, OCI, of(&format!("manifests/{digest}"))),
        step("absent tag", right(), Method::HEAD, OCI, of("manifests/absent")),
        step("absent tag, why", right(), Method::GET, OCI, of("manifests/absent")),
        step("absent repository", right(), Method::HEAD, OCI, Some("v2/lab/absent/manifests/latest".to_owned())),
        step("referrers", right(), Method::GET, &[INDEX], referrers(digest)),
        step("referrers without credentials", nobody(), Method::GET, &[INDEX], referrers(digest)),
        step("referrers of nothing", right(), Method::GET, &[INDEX], referrers(&zero)),
        step("referrers of a type", right(), Method::GET, &[INDEX], referrers(&format!("{digest}?artifactType={ARTIFACT}"))),
        step("referrers tag", right(), Method::HEAD, OCI, of(&format!("manifests/{}", referrers_tag(digest)))),
        step("one tag", right(), Method::GET, &[], of("tags/list?n=1")),
        step("tags of an absent repository", right(), Method::GET, &[], Some("v2/lab/absent/tags/list?n=1".to_owned())),
        step("upload without credentials", nobody(), Method::POST, &[], uploads.clone()),
        step("upload without a slash", right(), Method::POST, &[], of("blobs/uploads")),
        step("upload", right(), Method::POST, &[], uploads.clone()),
        Step { chunk: Some(("0-4", "hello")), ..step("chunk", right(), Method::PATCH, &[], session.clone()) },
        Step { chunk: Some(("5-9", "world")), ..step("second chunk", right(), Method::PATCH, &[], session.clone()) },
        step("cancel", right(), Method::DELETE, &[], session.clone()),
        step("cancel again", right(), Method::DELETE, &[], session.clone()),
        step("mount of an own blob", right(), Method::POST, &[], of(&format!("blobs/uploads/?mount={blob}&from={REPOSITORY}"))),
        step("its cancel", right(), Method::DELETE, &[], session.clone()),
        step("mount of nothing", right(), Method::POST, &[], of(&format!("blobs/uploads/?mount={one}&from={REPOSITORY}"))),
        step("its cancel", right(), Method::DELETE, &[], session.clone()),
        step("delete without credentials", nobody(), Method::DELETE, &[], of(&format!("manifests/{zero}"))),
        step("delete of the zero manifest", right(), Method::DELETE, &[], of(&format!("manifests/{zero}"))),
        step("delete of the zero blob", right(), Method::DELETE, &[], of(&format!("blobs/{zero}"))),
        step("delete of an absent tag", right(), Method::DELETE, &[], of("manifests/absent")),
    ];
    if kind == Kind::Token {
        let reads = || Some(reader());
        steps.extend([
            step("manifest, may pull", reads(), Method::HEAD, OCI, head),
            step("upload, may only pull", reads(), Method::POST, &[], uploads),
            step("delete, may only pull", reads(), Method::DELETE, &[], of(&format!("blobs/{zero}"))),
        ]);
    }
    steps
}

fn step(
    name: &'static str,
    login: Option<Login>,
    method: Method,
    accept: &'static [&'static str],
    to: Option<String>,
) -> Step {
    Step {
        name,
        login,
        method,
        to,
        accept,
        chunk: None,
    }
}
