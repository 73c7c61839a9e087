//! Fixed registries for the page: every status, every kind of text that must not
//! break out of it, and nothing that moves.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Method;
use oci_registry_exporter::{
    config::{ConfigError, ConfigErrors, Document, PushWish, Target},
    exchange::{Certificate, Operation, Sent, TransportErrorKind},
    oci::RateLimit,
    outcome::{
        Capability, Change, CheckName, Fact, Fingerprint, Observation, Outcome, Phases, Reason,
        Report, Subject,
    },
    page::{self, Exporter, Registry, View},
    report::Audience,
    store::{Snapshot, Store},
};

use crate::exposition::scenario::{repository, target};

/// A registry's name with everything that HTML must escape, and more.
pub(super) const HOSTILE: &str =
    "<script>alert(1)</script>\"'&amp; \u{202e}txt\u{1b}[2J ../%2F?#:/é 漢";
/// What a registry says to break out of a page.
pub(super) const SAID: &str = "</dd><script src=//evil.example>\"'\u{2028}\u{1b}[31m";

/// What only an operator may see.
pub(super) const PRIVATE: [&str; 4] = ["robot$probe", "Bearer realm", "auth.example.net", "/token"];

/// 2026-11-24T00:00:00Z and so many seconds.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_478_400 + seconds)
}

/// What the pages of a test are made from.
pub(super) struct World {
    targets: Vec<Arc<Target>>,
    store: Snapshot,
    next_runs: BTreeMap<Subject, SystemTime>,
}

impl World {
    /// All six statuses: one registry is well, one fails after it worked, one is
    /// hostile in all it says, one was never asked.
    pub(super) fn of_all_kinds() -> Self {
        let store = Store::new(&[]);
        let targets = [well(), failing(), hostile(), idle()]
            .map(Arc::new)
            .to_vec();
        fill_well(&store);
        fill_failing(&store);
        fill_hostile(&store);
        let next_runs = [
            ("production", CheckName::Pull, Some(CANARY)),
            ("a-team", CheckName::Credentials, None),
            ("idle", CheckName::Credentials, None),
        ];
        let next_runs = next_runs.into_iter().zip(1..);
        let next_runs = next_runs.map(|((registry, check, repository), n)| {
            (subject(registry, check, repository, SET), at(3600 + 30 * n))
        });
        Self {
            targets,
            store: store.snapshot(),
            next_runs: next_runs.collect(),
        }
    }

    /// So many registries that differ in name alone; every tenth fails.
    pub(super) fn of(count: usize) -> Self {
        let store = Store::new(&[]);
        let name = |n: usize| format!("registry-{n:04}.eu-central-1.example.com");
        for n in 0..count {
            for (check, _) in CheckName::ALL {
                let repository = (check != CheckName::Credentials).then_some(CANARY);
                let mut outcome = match n % 10 {
                    0 => Outcome::fail(Reason::Unauthorized, "The credentials are rejected"),
                    _ => Outcome::pass("Everything is as it should be"),
                };
                outcome.latency = Some(Duration::from_millis(120));
                store.put(report(&name(n), check, repository, outcome, 3540));
            }
        }
        let target = |n| {
            let url = format!("https://{}", name(n));
            Arc::new(target(&name(n), &url, vec![repository(CANARY, SET)]))
        };
        Self {
            targets: (0..count).map(target).collect(),
            store: store.snapshot(),
            next_runs: BTreeMap::new(),
        }
    }

    /// The page at 01:00:00.
    pub(super) fn page(&self, query: &str, audience: Audience) -> String {
        let registries = self.targets.iter();
        let registries =
            registries.map(|target| Registry::new(target, self.store.registry(&target.name)));
        let view = View {
            now: at(3600),
            audience,
            telemetry_path: "/metrics",
            exporter: Exporter {
                version: "0.0.0",
                revision: "0123abc",
                started: at(0),
                loaded: at(1800),
                reload_successful: false,
                heartbeat: Some(at(3595)),
                cycles_in_flight: 1,
                documents: documents(),
            },
            registries: registries.collect(),
            next_runs: &self.next_runs,
        };
        page::status(&view, query)
    }
}

const CANARY: &str = "platform/canary";
const TEAM: &str = "team-a/canary";
const SET: &str = "platform";

fn well() -> Target {
    let url = "https://harbor.example.com";
    let mut target = target("production", url, vec![repository(CANARY, SET)]);
    target.repositories[0].push = PushWish::Named;
    target.labels = [("tier".to_owned(), "<1>".to_owned())].into();
    target
}

fn failing() -> Target {
    let repositories = vec![repository(CANARY, SET), repository(TEAM, "team-a")];
    let mut target = target("a-team", "https://ghcr.io", repositories);
    target.expect = [(Capability::ReferrersApi, true)].into();
    target
}

fn hostile() -> Target {
    let url = "http://registry.edge.example:5000/base/";
    target(HOSTILE, url, vec![repository(CANARY, SET)])
}

fn idle() -> Target {
    target("idle", "https://[::1]:5443", vec![repository(CANARY, SET)])
}

fn fill_well(store: &Store) {
    let end = Fact::CredentialsExpiry(1_804_000_000, "configuration");
    let login = Outcome::pass("Credentials valid for harbor.example.com")
        .with("registry_url", "https://harbor.example.com")
        .proving(Fact::CredentialsValid(true))
        .proving(end);
    let capabilities = Capability::ALL.iter().fold(
        Outcome::pass("Full capability support (6/6)"),
        |outcome, (capability, _)| outcome.proving(Fact::Capability(*capability, true)),
    );
    for (check, repository, outcome) in [
        (CheckName::Credentials, None, login),
        (
            CheckName::Pull,
            Some(CANARY),
            Outcome::pass("Pull authorized (sha256:abc123...)"),
        ),
        (
            CheckName::Push,
            Some(CANARY),
            Outcome::pass("Push authorization verified"),
        ),
        (
            CheckName::Referrers,
            Some(CANARY),
            Outcome::pass("Referrers API supported (OCI 1.1)"),
        ),
        (CheckName::Capabilities, Some(CANARY), capabilities),
    ] {
        let mut outcome = outcome;
        outcome.latency = Some(Duration::from_millis(120));
        store.put(report("production", check, repository, outcome, 3540));
    }
    store.observe_at("production", seen("harbor", 1), at(3541));
}

/// It worked until the secret and the certificate became others.
fn fill_failing(store: &Store) {
    let referrers = CheckName::Referrers;
    store.put(of_failing(
        CheckName::Credentials,
        Outcome::pass("").proving(Fact::CredentialsValid(true)),
        600,
    ));
    store.put(of_failing(
        referrers,
        Outcome::pass("").proving(Fact::Capability(Capability::ReferrersApi, true)),
        600,
    ));
    store.observe_at("a-team", seen("ghcr", 1), at(601));

    store.put(rejected());
    let valid = Outcome::pass("Credentials valid for ghcr.io");
    let valid = valid.proving(Fact::CredentialsValid(true));
    let mut team = of_failing(CheckName::Credentials, valid, 3540);
    team.subject.credential = Some("team-a".to_owned());
    store.put(team);
    let asked = "Push is asked only of a repository that is named for it (`push: true`)";
    let skip = Outcome::skip(Reason::NotConfigured, asked);
    store.put(of_failing(CheckName::Push, skip, 0));
    let limited = Outcome::unknown(Reason::RateLimited, "Too many requests");
    store.put(of_failing(CheckName::Pull, limited, 3540));
    let mut missing = Outcome::warn(Reason::Unsupported, "Referrers API not supported")
        .proving(Fact::Capability(Capability::ReferrersApi, false));
    missing.hints = vec!["Known issue of GHCR: no referrers API".to_owned()];
    store.put(of_failing(referrers, missing, 3540));
    let partial = Outcome::info(Reason::Unsupported, "Partial capability support (1/6)")
        .proving(Fact::Capability(Capability::CrossRepoMount, false))
        .proving(Fact::Capability(Capability::BlobDelete, true));
    store.put(of_failing(CheckName::Capabilities, partial, 3540));
    store.observe_at("a-team", seen("ghcr", 2), at(3541));
}

fn of_failing(check: CheckName, outcome: Outcome, ended: u64) -> Report {
    let repository = (check != CheckName::Credentials).then_some(CANARY);
    report("a-team", check, repository, outcome, ended)
}

/// With everything that only an operator may see.
fn rejected() -> Report {
    let mut rejected = Outcome::fail(Reason::Unauthorized, "user robot$probe is locked")
        .with("username", "robot$probe")
        .with(
            "auth_challenge",
            "Bearer realm=\"https://auth.example.net/token\"",
        )
        .with("http_status", 401_u16)
        .proving(Fact::CredentialsValid(false));
    rejected.remediation = vec![
        "Ask auth.example.net for a new password".to_owned(),
        "Try it: `docker login ghcr.io`".to_owned(),
    ];
    rejected.latency = Some(Duration::from_millis(42));
    let mut rejected = report("a-team", CheckName::Credentials, None, rejected, 3540);
    rejected.requests = vec![
        sent(Operation::Ping, "https://ghcr.io/v2/", Ok(401), false),
        sent(
            Operation::Token,
            "https://auth.example.net/token",
            Err(TransportErrorKind::Reset),
            false,
        ),
        sent(
            Operation::Token,
            "https://auth.example.net/token",
            Ok(401),
            true,
        ),
    ];
    rejected
}

fn fill_hostile(store: &Store) {
    let mut outcome = Outcome::fail(Reason::Protocol, SAID).with("media_type", SAID);
    outcome.remediation = vec![format!("Look at `{SAID}`")];
    outcome.hints = vec![SAID.to_owned()];
    let mut report = report(HOSTILE, CheckName::Pull, Some(CANARY), outcome, 3540);
    report.requests = vec![sent(Operation::ManifestHead, SAID, Ok(200), false)];
    store.put(report);
    let observation = Observation {
        up: Some(false),
        product_version: Some(SAID.to_owned()),
        product: Some("zot"),
        distribution_version: Some(SAID.to_owned()),
        warning_texts: vec![SAID.to_owned()],
        ..Observation::default()
    };
    store.observe_at(HOSTILE, observation, at(3541));
}

/// `value` is that of the fingerprints of what changes.
fn seen(product: &'static str, value: u64) -> Observation {
    let millis = |millis| Some(Duration::from_millis(millis));
    let certificate = |not_after| Certificate {
        not_after,
        sha256: [0; 32],
    };
    Observation {
        up: Some(true),
        product: Some(product),
        auth_method: Some("bearer"),
        distribution_version: Some("registry/2.0".to_owned()),
        tls_version: Some("1.3"),
        http_version: Some("2"),
        phases: Some(Phases {
            resolve: millis(2),
            connect: millis(11),
            tls: millis(23),
            processing: millis(31),
            transfer: millis(1),
        }),
        certificates: vec![certificate(1_795_000_000), certificate(1_900_000_000)],
        client_certificate_not_after: Some(1_810_000_000),
        rate_limits: vec![(
            SET.to_owned(),
            RateLimit {
                limit: Some(100),
                remaining: Some(76),
                window_seconds: Some(21_600),
            },
        )],
        throttled: Some(true),
        backoff_until: Some(at(3660)),
        warning_texts: vec!["robot$probe, this image goes away".to_owned()],
        fingerprints: vec![
            Fingerprint::of_set(Change::Secret, "platform", "", value),
            Fingerprint::new(Change::Certificate, "", value),
            Fingerprint::new(Change::Configuration, "", 7),
        ],
        ..Observation::default()
    }
}

fn report(
    registry: &str,
    check: CheckName,
    repository: Option<&str>,
    outcome: Outcome,
    ended: u64,
) -> Report {
    let duration = Duration::from_millis(250);
    Report {
        subject: subject(registry, check, repository, SET),
        outcome,
        started: at(ended) - duration,
        duration,
        attempts: 2,
        requests: Vec::new(),
    }
}

fn subject(registry: &str, check: CheckName, repository: Option<&str>, set: &str) -> Subject {
    Subject {
        registry: registry.to_owned(),
        check,
        repository: repository.map(str::to_owned),
        credential: Some(set.to_owned()),
    }
}

fn sent(
    operation: Operation,
    url: &str,
    end: Result<u16, TransportErrorKind>,
    retry: bool,
) -> Sent {
    Sent {
        operation,
        method: Method::GET,
        url: url.to_owned(),
        end,
        elapsed: Duration::from_millis(21),
        connection: None,
        retry,
    }
}

/// One is good; the other has a name and a fault that whoever wrote them chose.
fn documents() -> Vec<Document> {
    let document = |source: &str, problems: Option<ConfigErrors>| Document {
        source: source.into(),
        taken: problems.is_none(),
        problems,
        warnings: Vec::new(),
        registries: 0,
        repositories: 1,
    };
    let error = ConfigError {
        file: Some("teams/<b>.yml".to_owned()),
        position: Some((3, 7)),
        path: "repositories[0]".to_owned(),
        message: "unknown key `<script>`".to_owned(),
        hint: "remove it".to_owned(),
    };
    vec![
        document("teams/a.yml", None),
        document("teams/<b>.yml", Some(error.into())),
    ]
}
