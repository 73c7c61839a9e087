//! Answers of every shape: wrong types, huge and doubled headers, bytes that are no
//! text, digests that are none. No panic, no wrong "supported", nothing unvalidated
//! in a URL.

use http::{HeaderName, HeaderValue};
use oci_registry_exporter::outcome::{Capability, CheckName, Fact, Reason};
use registry_sim::{Action, Fault, Operation, Profile, RegistrySim, Scheme};

use crate::asked::{Asked, Cycle};

/// What one answer is made of.
struct Shape {
    name: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_shape_is_a_panic_or_a_support() {
    let cases: Vec<_> = OPERATIONS
        .iter()
        .flat_map(|(operation, status, capability)| {
            shapes().into_iter().map(move |shape| {
                tokio::spawn(answered_with(*operation, *status, *capability, shape))
            })
        })
        .collect();
    assert!(cases.len() > 150, "{}", cases.len());
    for case in cases {
        case.await.expect("a case");
    }
}

async fn answered_with(
    operation: Operation,
    status: u16,
    capability: Option<Capability>,
    shape: Shape,
) {
    let name = format!("{} with {}", operation.as_str(), shape.name);
    let sim = sim().await;
    sim.fault(Fault::on(operation).then(shape.answer(status)));
    let cycle = asked(&sim).await;
    for report in cycle.reports() {
        let outcome = report.outcome;
        assert_ne!(outcome.reason, Some(Reason::Panic), "{name}");
        let text = outcome.message.chars();
        assert!(
            text.clone().count() < 1000 && !text.clone().any(char::is_control),
            "{name}: {}",
            outcome.message
        );
    }
    if let Some(capability) = capability {
        let proven = Fact::Capability(capability, true);
        let facts = cycle.outcome(CheckName::Capabilities).facts;
        assert!(!facts.contains(&proven), "{name}");
        let facts = cycle.outcome(CheckName::Referrers).facts;
        assert!(!facts.contains(&proven), "{name}");
    }
    urls_are_clean(&sim, &name);
    let shown = format!("{:?} {:?}", cycle.reports(), cycle.observation());
    assert!(!shown.contains(PASSWORD), "{name}");
}

/// What is no digest by the spec's grammar is sent nowhere, wherever it was read.
#[tokio::test]
async fn what_is_no_digest_never_reaches_a_url() {
    for digest in BAD_DIGESTS {
        // As the digest of the image.
        let sim = sim().await;
        sim.fault(
            Fault::on(Operation::ManifestHead)
                .status(200)
                .header("content-type", MANIFEST)
                .header("docker-content-digest", digest),
        );
        let cycle = asked(&sim).await;
        assert_eq!(cycle.verdicts()[1], "pass", "{digest}");
        urls_are_clean(&sim, digest);

        // As the config to mount, and as the child of an index to look for it in.
        for manifest in [
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"digest":"{digest}"}},"layers":[]}}"#
            ),
            format!(
                r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{{"digest":"{digest}"}}]}}"#
            ),
        ] {
            let sim = self::sim().await;
            let media_type = if manifest.contains(INDEX) {
                INDEX
            } else {
                MANIFEST
            };
            sim.push_manifest("team/app", "latest", media_type, manifest);
            let cycle = asked(&sim).await;
            assert_eq!(cycle.verdicts()[1], "pass", "{digest}");
            assert_eq!(sim.count(Operation::Mount), 0, "{digest}");
            urls_are_clean(&sim, digest);
        }

        // In a page of referrers: counted or not, it is not asked for.
        let sim = self::sim().await;
        sim.fault(
            Fault::on(Operation::Referrers)
                .status(200)
                .header("content-type", INDEX)
                .body(format!(
                    r#"{{"schemaVersion":2,"manifests":[{{"digest":"{digest}"}}]}}"#
                )),
        );
        let cycle = asked(&sim).await;
        assert_eq!(cycle.verdicts()[3], "pass", "{digest}");
        urls_are_clean(&sim, digest);
    }
}

/// A challenge that names another repository is followed only by the grammar of names.
#[tokio::test]
async fn what_is_no_name_never_reaches_a_token_request() {
    for name in [
        "../../admin",
        "TEAM/APP",
        "a b",
        "team/app?x=1#",
        "team%2fapp",
        "*",
    ] {
        let sim = sim().await;
        let challenge = format!(
            "Bearer realm=\"{}\",scope=\"repository:{name}:pull\"",
            sim.token_url()
        );
        sim.fault(
            Fault::on(Operation::ManifestHead)
                .once()
                .status(401)
                .header("www-authenticate", &challenge),
        );
        asked(&sim).await;
        let scopes: Vec<String> = sim
            .requests()
            .iter()
            .filter_map(|sent| sent.parameter("scope"))
            .collect();
        assert!(
            scopes
                .iter()
                .all(|scope| scope.starts_with("repository:team/app:")),
            "{name}: {scopes:?}"
        );
    }
}

/// Where a header comes twice, one of its values is taken, and nothing is left open.
#[tokio::test]
async fn doubled_headers_do_no_harm() {
    let (one, two) = (digest_of('1'), digest_of('2'));
    let doubled = |name: &'static str, values: [&str; 2]| {
        let fault = Fault::on(Operation::ManifestHead)
            .status(200)
            .header("content-type", MANIFEST);
        fault.header(name, values[0]).header(name, values[1])
    };
    for (name, fault) in [
        (
            "digests",
            doubled("docker-content-digest", [one.as_str(), two.as_str()]),
        ),
        (
            "types",
            doubled("content-type", ["text/html", "application/json"]),
        ),
        (
            "limits",
            doubled("ratelimit-remaining", ["0;w=60", "7;w=60"]),
        ),
    ] {
        let sim = sim().await;
        sim.fault(fault);
        let cycle = asked(&sim).await;
        assert_eq!(cycle.verdicts()[1], "pass", "{name}");
        urls_are_clean(&sim, name);
    }
    // Two challenges: the first that can be used is.
    let sim = sim().await;
    sim.tune(|profile| profile.auth.second_challenge = Some("Bearer realm=\"http://127.0.0.2/\""));
    let cycle = asked(&sim).await;
    assert_eq!(cycle.verdicts()[..3], ["pass"; 3]);
    assert_eq!(sim.open_sessions(), 0);
}

impl Shape {
    fn new(name: &'static str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            headers: vec![("content-type", content_type.as_bytes().to_vec())],
            body: body.into(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn answer(self, status: u16) -> Action {
        let headers = self.headers.into_iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(&value).expect("a value that can be sent");
            (HeaderName::from_static(name), value)
        });
        Action::Answer {
            status,
            headers: headers.collect(),
            body: self.body,
        }
    }
}

fn shapes() -> Vec<Shape> {
    let json = "application/json";
    let mut shapes: Vec<Shape> = [
        ("nothing", ""),
        ("null", "null"),
        ("a number", "1e999"),
        ("a list", "[]"),
        ("errors that are words", r#"{"errors":"all of them"}"#),
        ("no errors", r#"{"errors":[]}"#),
        ("errors that are numbers", r#"{"errors":[1,2]}"#),
        (
            "a code that is a list",
            r#"{"errors":[{"code":[],"message":7}]}"#,
        ),
        (
            "manifests that are none",
            r#"{"schemaVersion":2,"manifests":{}}"#,
        ),
        (
            "a version that is words",
            r#"{"schemaVersion":"2","manifests":[]}"#,
        ),
        (
            "a token that is a list",
            r#"{"token":["a"],"expires_in":{}}"#,
        ),
        (
            "a name twice",
            r#"{"token":1,"token":null,"errors":1,"errors":2}"#,
        ),
        ("half a text", r#"{"errors":[{"code":"\ud800"#),
    ]
    .into_iter()
    .map(|(name, body)| Shape::new(name, json, body))
    .collect();
    shapes.extend([
        Shape::new(
            "bytes that are no text",
            json,
            b"{\"errors\":[{\"code\":\"\xff\xfe\"}]}",
        ),
        Shape::new(
            "UTF-16",
            "application/json; charset=utf-16",
            b"\xff\xfe{\0}\0",
        ),
        Shape::new(
            "another charset",
            "application/json;charset=ISO-8859-1",
            b"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"refus\xe9\"}]}",
        ),
        Shape::new("deep", json, "[".repeat(60_000)),
        Shape::new(
            "control characters",
            json,
            "{\"errors\":[{\"code\":\"A\\u0000\\u001b[31m\\n\",\"message\":\"\\r\\nx: y\"}]}",
        ),
        Shape::new("a type that is none", "\u{e9}; =;;/", "7"),
        Shape::new("a huge challenge", json, "7").with(
            "www-authenticate",
            format!("Bearer realm=\"{}\"", "x".repeat(60_000)),
        ),
        Shape::new("headers that are no text", json, "7")
            .with("www-authenticate", b"Bearer realm=\"\xff\xfe\"".to_vec())
            .with("docker-content-digest", b"sha256:\xff".to_vec())
            .with("location", b"/\xff".to_vec())
            .with("retry-after", b"\xff".to_vec())
            .with("range", b"0-\xff".to_vec())
            .with("link", b"<\xff>; rel=next".to_vec())
            .with("ratelimit-remaining", b"\xff".to_vec()),
    ]);
    let mut many = Shape::new("eighty headers", json, "7");
    for _ in 0..80 {
        many = many.with("www-authenticate", "Negotiate, , =\"\\");
    }
    shapes.push(many);
    shapes
}

async fn sim() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

async fn asked(sim: &RegistrySim) -> Cycle {
    let configuration = "test_repository: team/app\nusername: robot\npassword: s3cret-canary\nrequest_timeout: 5s\nretry: {attempts: 1, transient_attempts: 0}";
    Asked::sim(sim, configuration)
        .cycle(&CheckName::ALL.map(|(check, _)| check))
        .await
}

/// Every path is one of the spec's, of the configured repository, with whole digests.
fn urls_are_clean(sim: &RegistrySim, name: &str) {
    for request in sim.requests() {
        let path = &request.path;
        let known = path == "/v2/" || path == "/token" || path.starts_with("/v2/team/app/");
        // The place of an upload is the registry's own to choose.
        assert!(
            known || request.operation == Operation::Other,
            "{name}: {request}"
        );
        assert!(
            !path.contains("..") && !path.to_ascii_lowercase().contains("%2e"),
            "{name}: {request}"
        );
        let digests = path
            .split('/')
            .filter(|part| part.contains(':'))
            .map(str::to_owned)
            .chain(request.parameter("mount"));
        for digest in digests {
            let hex = digest.strip_prefix("sha256:").unwrap_or_default();
            let whole = hex.len() == 64
                && hex
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert!(whole, "{name}: {request}");
        }
    }
}

fn digest_of(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// What is asked, with which status the shape comes, and what must not be proven by it.
const OPERATIONS: [(Operation, u16, Option<Capability>); 12] = [
    (Operation::Ping, 200, None),
    (Operation::Ping, 401, None),
    (Operation::Token, 200, None),
    (Operation::ManifestHead, 200, None),
    (
        Operation::ManifestGet,
        200,
        Some(Capability::CrossRepoMount),
    ),
    (Operation::Referrers, 200, Some(Capability::ReferrersApi)),
    (Operation::UploadStart, 202, Some(Capability::ChunkedUpload)),
    (Operation::UploadPatch, 400, Some(Capability::ChunkedUpload)),
    (Operation::UploadCancel, 404, None),
    (Operation::Mount, 404, Some(Capability::CrossRepoMount)),
    (
        Operation::ManifestDelete,
        404,
        Some(Capability::ManifestDelete),
    ),
    (Operation::BlobDelete, 404, Some(Capability::BlobDelete)),
];

const BAD_DIGESTS: [&str; 9] = [
    "sha256:../../../../etc/passwd",
    "sha256:abc",
    "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85/",
    "sha256:%2e%2e%2f98fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "md5:d41d8cd98f00b204/../../e9800998ecf8427e",
    "latest",
    "https://127.0.0.2/",
    "",
];
const PASSWORD: &str = "s3cret-canary";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
