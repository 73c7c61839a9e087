//! The profiles of servers that were there, answer by answer against what the
//! servers answered (`fixtures/`: status, the headers that decide, error codes).
//!
//! A fixture is a list of exchanges: `# name`, `> ` what is sent, `< ` what
//! came. `{image}`, `{layer}`, `{referrer}`, `{zero}` are digests, `{origin}`
//! and `{realm}` URLs, `{location}` the `Location` of the latest upload.

use registry_sim::{Profile, Referrers, RegistrySim, Scheme};
use serde_json::Value;

use crate::client::{ACCEPT, Answer, ZERO, client, token};

const USER: (&str, &str) = ("lab", "lab-secret");

#[tokio::test]
async fn distribution_open() {
    agrees(
        &Profile::DISTRIBUTION_2_8,
        Scheme::None,
        include_str!("fixtures/distribution-2.8.txt"),
    )
    .await;
}

#[tokio::test]
async fn distribution_with_deletion_and_basic() {
    let fixture = include_str!("fixtures/distribution-2.8-delete.basic.txt");
    agrees(&Profile::DISTRIBUTION_2_8_DELETE, Scheme::Basic, fixture).await;
}

#[tokio::test]
async fn distribution_with_deletion_and_tokens() {
    let fixture = include_str!("fixtures/distribution-2.8-delete.token.txt");
    agrees(&Profile::DISTRIBUTION_2_8_DELETE, Scheme::Bearer, fixture).await;
}

#[tokio::test]
async fn distribution_in_maintenance() {
    let fixture = include_str!("fixtures/distribution-2.8-readonly.txt");
    agrees(&Profile::DISTRIBUTION_2_8_READONLY, Scheme::None, fixture).await;
}

#[tokio::test]
async fn distribution_as_a_pull_through_cache() {
    let fixture = include_str!("fixtures/distribution-2.8-proxy.txt");
    agrees(&Profile::DISTRIBUTION_2_8_PROXY, Scheme::None, fixture).await;
}

#[tokio::test]
async fn ferro() {
    agrees(
        &Profile::FERRO,
        Scheme::None,
        include_str!("fixtures/ferro.txt"),
    )
    .await;
}

#[tokio::test]
async fn ggcr() {
    agrees(
        &Profile::GGCR,
        Scheme::None,
        include_str!("fixtures/ggcr.txt"),
    )
    .await;
}

async fn agrees(profile: &Profile, scheme: Scheme, fixture: &str) {
    let rights = [("lab/app", "*"), ("lab/other", "*")];
    let sim = RegistrySim::profile(profile)
        .auth(scheme)
        .user(USER.0, USER.1, rights)
        .start()
        .await;
    let image = sim.push_image("lab/app", "latest");
    let layer = sim.push_blob("lab/app", "a layer");
    // What the recorded servers held.
    let referrer = match profile.referrers {
        Referrers::Native(_) => sim.push_referrer("lab/app", &image, "application/spdx+json"),
        _ => sim.push_image("lab/other", "latest"),
    };
    let scopes = [
        "repository:lab/app:pull,push,delete",
        "repository:lab/other:pull,push",
        "registry:catalog:*",
    ];
    let token = match scheme {
        Scheme::Bearer => token(&sim, Some(USER), &scopes).await,
        Scheme::None | Scheme::Basic => String::new(),
    };
    let mut replay = Replay {
        words: vec![
            ("{image-tag}", image.replace(':', "-")),
            ("{image}", image),
            ("{layer}", layer),
            ("{referrer}", referrer),
            ("{zero}", ZERO.to_owned()),
            ("{origin}", sim.url()),
            ("{realm}", sim.token_url()),
        ],
        location: String::new(),
        token,
    };
    let mut differences = Vec::new();
    let mut exchanges = 0;
    for exchange in fixture.split("\n\n") {
        exchanges += 1;
        let filled = replay.fill(exchange.trim());
        let answer = replay.send(&sim, &filled).await;
        differences.extend(compare(&filled, &answer));
    }
    assert!(
        exchanges > 40,
        "the fixture was read: {exchanges} exchanges"
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

struct Replay {
    words: Vec<(&'static str, String)>,
    location: String,
    token: String,
}

impl Replay {
    fn fill(&self, text: &str) -> String {
        let text = self
            .words
            .iter()
            .fold(text.to_owned(), |text, (word, value)| {
                text.replace(word, value)
            });
        text.replace("{location}", &self.location)
    }

    async fn send(&mut self, sim: &RegistrySim, exchange: &str) -> Answer {
        let mut sent = exchange.lines().filter_map(|line| line.strip_prefix("> "));
        let (method, path) = sent.next().unwrap().split_once(' ').unwrap();
        let url = if path.starts_with('/') {
            format!("{}{path}", sim.url())
        } else {
            path.to_owned()
        };
        let mut request = client(sim).request(method.parse().unwrap(), url);
        for line in sent {
            request = match line.split_once(": ").unwrap_or((line, "")) {
                ("manifests accepted", _) => request.header("accept", ACCEPT),
                ("content-range", range) => request.header("content-range", range),
                ("body", body) => request.body(body.to_owned()),
                ("credentials", "good") => request.basic_auth(USER.0, Some(USER.1)),
                ("credentials", "wrong") => request.basic_auth(USER.0, Some("wrong")),
                ("credentials", "token") => request.bearer_auth(&self.token),
                ("credentials", "garbage") => request.bearer_auth("garbage"),
                _ => panic!("a line of no known form: {line}"),
            };
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        if answer.header("location").contains("/uploads/") {
            answer.header("location").clone_into(&mut self.location);
        }
        answer
    }
}

/// Where the answer is not the recorded one.
fn compare(exchange: &str, answer: &Answer) -> Vec<String> {
    let name = exchange.lines().next().unwrap_or_default();
    let mut expected = exchange.lines().filter_map(|line| line.strip_prefix("< "));
    let status = expected.next().unwrap();
    let mut differences = Vec::new();
    let mut differs = |what: &str, wanted: &str, got: &str| {
        differences.push(format!("{name}: {what} is {got:?}, was {wanted:?}"));
    };
    if status != answer.status.to_string() {
        differs("status", status, &answer.status.to_string());
    }
    for line in expected {
        let (what, wanted) = line.split_once(": ").unwrap();
        let same = match what {
            "body" => holds(&answer.json(), &serde_json::from_str(wanted).unwrap()),
            "text" => answer.body.trim() == wanted,
            _ => match wanted.strip_suffix('*') {
                Some(prefix) => answer.header(what).starts_with(prefix),
                None => answer.header(what) == wanted,
            },
        };
        if !same {
            let got = if matches!(what, "body" | "text") {
                &answer.body
            } else {
                answer.header(what)
            };
            differs(what, wanted, got);
        }
    }
    differences
}

/// Whether everything in `wanted` is in `whole` too.
fn holds(whole: &Value, wanted: &Value) -> bool {
    match (whole, wanted) {
        (Value::Object(whole), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|inner| holds(inner, value))),
        (Value::Array(whole), Value::Array(wanted)) => {
            whole.len() == wanted.len()
                && whole
                    .iter()
                    .zip(wanted)
                    .all(|(whole, wanted)| holds(whole, wanted))
        }
        _ => whole == wanted,
    }
}
