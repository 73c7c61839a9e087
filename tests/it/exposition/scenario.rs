//! A fixed view: three registries, one that shows everything, one that cannot be
//! reached and has a hostile name, one that was never asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::Method;
use oci_registry_exporter::{
    config::{
        Capabilities, CheckSettings, Checks, Config, CredentialSet, Document, Push, PushWish,
        Target, TestRepository,
    },
    credentials::Source,
    exchange::{Certificate, Operation, Sent, TransportErrorKind},
    exposition::{Exporter, Lag, Process, Scope, View},
    oci::{RateLimit, Repository, Tag},
    outcome::{
        Capability, Change, CheckName, Fact, Fingerprint, Observation, Outcome, Phases, Reason,
        Report, SessionEnd, Subject,
    },
    retry::Policy,
    store::Store,
    transport::{ProxyOptions, TlsOptions},
};

/// A registry's name with everything that a format must escape, and more.
pub(super) const HOSTILE: &str = "edge \"west\" \\ C:\\new\nline\t{le=\"+Inf\"} 1 é 漢";

/// The view of the golden pages.
pub(super) fn view() -> View {
    let registries = [production(), hostile(), idle()];
    let store = Store::new(&BUCKETS);
    fill_production(&store);
    fill_hostile(&store);
    let scheduled: BTreeSet<Subject> = [
        subject("production", CheckName::Credentials, None, "platform"),
        subject("production", CheckName::Credentials, None, "team-a"),
        subject("production", CheckName::Pull, Some(CANARY), "platform"),
        subject("production", CheckName::Pull, Some(TEAM), "team-a"),
        subject("production", CheckName::Push, Some(TEAM), "team-a"),
        subject("production", CheckName::Referrers, Some(CANARY), "platform"),
        subject("production", CheckName::Capabilities, Some(TEAM), "team-a"),
        subject(HOSTILE, CheckName::Credentials, None, "inline"),
        subject(HOSTILE, CheckName::Pull, Some(CANARY), "inline"),
        subject("idle", CheckName::Credentials, None, "anonymous"),
        subject("idle", CheckName::Pull, Some(CANARY), "anonymous"),
    ]
    .into();
    let next_runs = scheduled
        .iter()
        .zip(1..)
        .map(|(subject, n)| (subject.clone(), at(60 * n)))
        .collect();
    View {
        config: Arc::new(config(registries.into())),
        store: store.snapshot(),
        scheduled: Arc::new(scheduled),
        next_runs: Arc::new(next_runs),
        exporter: exporter(),
        process: Process {
            cpu_seconds: Some(1.25),
            open_fds: Some(12),
            max_fds: Some(1024),
            virtual_memory_bytes: Some(1 << 28),
            virtual_memory_max_bytes: Some(1 << 40),
            resident_memory_bytes: Some(1 << 24),
            start_time_seconds: Some(1_795_478_390.5),
            threads: Some(3),
        },
        scope: Scope::default(),
    }
}

/// One registry of this name and URL, with a user's label `note`.
pub(super) fn named(name: &str, url: &str, note: &str) -> View {
    let mut registry = target(name, url, vec![repository(CANARY, "anonymous")]);
    registry.labels = [("note".to_owned(), note.to_owned())].into();
    View {
        config: Arc::new(config(vec![registry])),
        store: Store::new(&BUCKETS).snapshot(),
        scheduled: Arc::default(),
        next_runs: Arc::default(),
        exporter: exporter(),
        process: Process::default(),
        scope: Scope::default(),
    }
}

pub(super) const CANARY: &str = "platform/canary";
const TEAM: &str = "team-a/canary";
pub(super) const BUCKETS: [f64; 4] = [0.05, 0.25, 1.0, 10.0];

/// Seconds after 2026-11-24T00:00:00Z.
pub(super) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_478_400 + seconds)
}

fn production() -> Target {
    let mut team = repository(TEAM, "team-a");
    team.push = PushWish::Named;
    team.labels = [("team", "a"), ("tier", "test")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut target = target(
        "production",
        "https://harbor.example.com",
        vec![repository(CANARY, "platform"), team],
    );
    target.labels = [("tier".to_owned(), "1".to_owned())].into();
    target.expect = [
        (Capability::ReferrersApi, true),
        (Capability::BlobDelete, false),
    ]
    .into();
    target
}

fn hostile() -> Target {
    let url = "http://user:hunter2@registry.edge.example:5000/base/?x=hunter2";
    let mut target = target(HOSTILE, url, vec![repository(CANARY, "inline")]);
    target.labels = [("note".to_owned(), "\"\\\n".to_owned())].into();
    target
}

fn idle() -> Target {
    target(
        "idle",
        "https://[::1]:5443",
        vec![repository(CANARY, "anonymous")],
    )
}

fn fill_production(store: &Store) {
    for report in login_reports().into_iter().chain(access_reports()) {
        store.put(report);
    }
    // A proof of the contrary, and back: two changes.
    for supported in [true, false, true] {
        store.put(referrers_report(supported));
    }
    store.put(capabilities_report());
    store.observe_at("production", production_seen(), at(5));
    let renewed = Observation {
        fingerprints: vec![Fingerprint::new(Change::Certificate, "", 2)],
        ..Observation::default()
    };
    store.observe_at("production", renewed, at(300));
}

fn login_reports() -> [Report; 2] {
    let requests = || {
        vec![
            sent(Operation::Ping, Ok(401), 40),
            sent(Operation::Token, Ok(200), 60),
            sent(Operation::PingAuth, Ok(200), 45),
        ]
    };
    let login = |credential, expiry: Option<Fact>| {
        let subject = subject("production", CheckName::Credentials, None, credential);
        let mut outcome = Outcome::pass("").proving(Fact::CredentialsValid(true));
        outcome.facts.extend(expiry);
        report(subject, outcome, requests())
    };
    let expiry = Fact::CredentialsExpiry(1_804_000_000, "configuration");
    [login("platform", Some(expiry)), login("team-a", None)]
}

fn access_reports() -> [Report; 3] {
    let of =
        |check, repository, credential| subject("production", check, Some(repository), credential);
    [
        report(
            of(CheckName::Pull, CANARY, "platform"),
            Outcome::pass("").proving(Fact::PullAuthorized(true)),
            vec![sent(Operation::ManifestHead, Ok(200), 120)],
        ),
        report(
            of(CheckName::Pull, TEAM, "team-a"),
            Outcome::fail(Reason::Forbidden, "").proving(Fact::PullAuthorized(false)),
            vec![sent(Operation::ManifestHead, Ok(403), 90)],
        ),
        report(
            of(CheckName::Push, TEAM, "team-a"),
            Outcome::pass("").proving(Fact::PushAuthorized(true)),
            vec![
                sent(Operation::UploadStart, Ok(202), 200),
                sent(Operation::UploadCancel, Ok(204), 30),
            ],
        ),
    ]
}

fn referrers_report(supported: bool) -> Report {
    report(
        subject("production", CheckName::Referrers, Some(CANARY), "platform"),
        Outcome::pass("")
            .proving(Fact::Capability(Capability::ReferrersApi, supported))
            .proving(Fact::Referrers(3)),
        vec![sent(Operation::Referrers, Ok(200), 70)],
    )
}

fn capabilities_report() -> Report {
    report(
        subject("production", CheckName::Capabilities, Some(TEAM), "team-a"),
        Outcome::info(Reason::Unsupported, "")
            .proving(Fact::Capability(Capability::DistributionVersion, true))
            .proving(Fact::Capability(Capability::ReferrersApi, true))
            .proving(Fact::Capability(Capability::ChunkedUpload, false)),
        vec![],
    )
}

pub(super) fn report(subject: Subject, mut outcome: Outcome, requests: Vec<Sent>) -> Report {
    outcome.latency = Some(Duration::from_millis(120));
    Report {
        subject,
        outcome,
        started: at(0),
        duration: Duration::from_millis(250),
        attempts: 1,
        requests,
    }
}

pub(super) fn production_seen() -> Observation {
    let millis = |millis| Some(Duration::from_millis(millis));
    let certificate = |not_after| Certificate {
        not_after,
        sha256: [0; 32],
    };
    Observation {
        up: Some(true),
        product: Some("harbor"),
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
        certificates: vec![
            certificate(1_797_000_000),
            certificate(1_900_000_000),
            certificate(1_800_000_000),
        ],
        client_certificate_not_after: Some(1_810_000_000),
        rate_limits: vec![(
            "platform".to_owned(),
            RateLimit {
                limit: Some(100),
                remaining: Some(76),
                window_seconds: Some(21_600),
            },
        )],
        throttled: Some(false),
        backoff_until: None,
        sessions: vec![SessionEnd::Cancelled, SessionEnd::Lost],
        warnings: 2,
        warning_texts: vec!["going away".to_owned()],
        product_version: None,
        fingerprints: vec![
            Fingerprint::of_set(Change::Secret, "platform", "", 1),
            Fingerprint::new(Change::Certificate, "", 1),
            Fingerprint::new(Change::ServerVersion, "", 1),
        ],
    }
}

fn fill_hostile(store: &Store) {
    let refused = Err(TransportErrorKind::Connect);
    for round in 0..3 {
        let mut again = sent(Operation::Ping, refused, 3);
        again.retry = true;
        store.put(Report {
            subject: subject(HOSTILE, CheckName::Credentials, None, "inline"),
            outcome: Outcome::fail(Reason::Connect, "connection refused"),
            started: at(300 * round),
            duration: Duration::from_millis(1_500),
            attempts: 2,
            requests: vec![sent(Operation::Ping, refused, 2), again],
        });
    }
    store.put(Report {
        subject: subject(HOSTILE, CheckName::Pull, Some(CANARY), "inline"),
        outcome: Outcome::unknown(Reason::RateLimited, "rate limited"),
        started: at(601),
        duration: Duration::from_secs(30),
        attempts: 1,
        requests: vec![sent(Operation::ManifestHead, Ok(429), 12_000)],
    });
    store.put(Report {
        subject: subject(HOSTILE, CheckName::Push, Some(CANARY), "inline"),
        outcome: Outcome::skip(Reason::Disabled, "not asked"),
        started: at(631),
        duration: Duration::ZERO,
        attempts: 0,
        requests: vec![],
    });
    store.observe_at(
        HOSTILE,
        Observation {
            up: Some(false),
            throttled: Some(true),
            backoff_until: Some(at(900)),
            ..Observation::default()
        },
        at(632),
    );
}

pub(super) fn subject(
    registry: &str,
    check: CheckName,
    repository: Option<&str>,
    credential: &str,
) -> Subject {
    Subject {
        registry: registry.to_owned(),
        check,
        repository: repository.map(str::to_owned),
        credential: Some(credential.to_owned()),
    }
}

pub(super) fn sent(
    operation: Operation,
    end: Result<u16, TransportErrorKind>,
    millis: u64,
) -> Sent {
    Sent {
        operation,
        method: Method::GET,
        url: String::new(),
        end,
        elapsed: Duration::from_millis(millis),
        connection: None,
        retry: false,
    }
}

pub(super) fn exporter() -> Exporter {
    Exporter {
        version: "0.0.0",
        revision: "0123abc",
        reload_successful: true,
        reload_success: at(0),
        documents_good: BTreeMap::from([(Arc::from("teams/a.yml"), at(0))]),
        heartbeat: Some(at(640)),
        cycles_in_flight: 2,
        lag: Lag::new(&[0.1, 1.0], &[40, 2, 1], 9.5),
    }
}

pub(super) fn config(registries: Vec<Target>) -> Config {
    Config {
        registries: registries.into_iter().map(Arc::new).collect(),
        concurrency: 256,
        histogram_buckets: BUCKETS.to_vec(),
        hash: u64::MAX,
        documents: vec![Document {
            source: Arc::from("teams/a.yml"),
            taken: true,
            problems: None,
            warnings: Vec::new(),
            registries: 0,
            repositories: 1,
        }],
        ..Config::default()
    }
}

pub(crate) fn repository(name: &str, credential: &str) -> TestRepository {
    TestRepository {
        name: Repository::parse(name).expect("a repository"),
        reference: Tag::parse("latest").expect("a tag").into(),
        guessed: false,
        credential: Arc::new(CredentialSet {
            name: credential.to_owned(),
            source: Source::Anonymous,
            hosts: Vec::new(),
            expires: None,
        }),
        push: PushWish::No,
        pull: true,
        labels: BTreeMap::new(),
    }
}

pub(crate) fn target(name: &str, url: &str, repositories: Vec<TestRepository>) -> Target {
    let every = |minutes: u64| CheckSettings {
        enabled: true,
        interval: Duration::from_mins(minutes),
    };
    Target {
        name: name.to_owned(),
        url: url.parse().expect("a URL"),
        repositories,
        checks: Checks {
            credentials: every(5),
            pull: every(5),
            push: every(15),
            referrers: every(30),
            capabilities: every(24 * 60),
            push_options: Push {
                upload_interval: Duration::from_hours(6),
                allow_create: false,
                anonymous: false,
            },
            capabilities_options: Capabilities {
                probe_deletes: true,
                allow_get: None,
                mount_from: None,
            },
        },
        upload_start_delay: Duration::from_mins(5),
        retry: Policy::default(),
        rate_limit_reserve: 10,
        probe: false,
        timeout: Duration::from_secs(30),
        request_timeout: Duration::from_secs(10),
        connect_timeout: Duration::from_secs(5),
        tls: TlsOptions::default(),
        proxy: ProxyOptions::default(),
        labels: BTreeMap::new(),
        expect: BTreeMap::new(),
        product: None,
        token_hosts: Vec::new(),
        resolve: BTreeMap::new(),
        http2: true,
        user_agent_comment: None,
        fingerprint: 0,
    }
}
