use std::time::{Duration, UNIX_EPOCH};

use http::Method;

use super::*;
use crate::{
    exchange::{Certificate, Operation, Sent},
    oci::RateLimit,
    outcome::{Capability, Change, CheckName, Fact, Fingerprint, Outcome, Reason, Status},
};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn subject(check: CheckName) -> Subject {
    Subject {
        registry: "r".to_owned(),
        check,
        repository: Some("a/b".to_owned()),
        credential: Some("set".to_owned()),
    }
}

/// A report whose run ended at `ended`.
fn report(check: CheckName, outcome: Outcome, ended: u64) -> Report {
    Report {
        subject: subject(check),
        outcome,
        started: at(ended - 2),
        duration: Duration::from_secs(2),
        attempts: 1,
        requests: Vec::new(),
    }
}

fn check(store: &Store, name: CheckName) -> CheckRecord {
    let snapshot = store.snapshot();
    let record = snapshot.registry("r").expect("reported");
    record.checks[&subject(name)].clone()
}

fn proof(store: &Store, key: &FactKey) -> Option<Proof> {
    store.snapshot().registry("r")?.facts.get(key).copied()
}

fn valid() -> FactKey {
    let credential = Some("set".to_owned());
    FactKey::CredentialsValid { credential }
}

fn expiry(source: &'static str) -> FactKey {
    let credential = Some("set".to_owned());
    FactKey::CredentialsExpiry { credential, source }
}

fn transient() -> [Outcome; 5] {
    [
        Outcome::fail(Reason::Timeout, ""),
        Outcome::fail(Reason::ServerError, ""),
        Outcome::unknown(Reason::RateLimited, ""),
        Outcome::skip(Reason::Disabled, ""),
        Outcome::info(Reason::NotFound, ""),
    ]
}

#[test]
fn consecutive_failures_count_fail_and_reset_on_an_answer() {
    let store = Store::new(&[]);
    let fail = || Outcome::fail(Reason::Dns, "");
    for (round, (outcome, failures)) in [
        (fail(), 1),
        (fail(), 2),
        (Outcome::unknown(Reason::RateLimited, ""), 2),
        (Outcome::skip(Reason::Disabled, ""), 2),
        (fail(), 3),
        (Outcome::info(Reason::NotFound, ""), 0),
        (fail(), 1),
        (Outcome::warn(Reason::Unsupported, ""), 0),
        (fail(), 1),
        (Outcome::pass(""), 0),
        (Outcome::unknown(Reason::Protocol, ""), 0),
    ]
    .into_iter()
    .enumerate()
    {
        store.put(report(CheckName::Pull, outcome, 100));
        let check = check(&store, CheckName::Pull);
        assert_eq!(check.consecutive_failures, failures, "round {round}");
    }
}

#[test]
fn each_time_is_that_of_the_last_run_that_earned_it() {
    let store = Store::new(&[]);
    for (outcome, ended, success, conclusive) in [
        (Outcome::unknown(Reason::Timeout, ""), 10, None, None),
        (Outcome::fail(Reason::Dns, ""), 20, None, Some(20)),
        (Outcome::pass(""), 30, Some(30), Some(30)),
        (Outcome::skip(Reason::Disabled, ""), 40, Some(30), Some(30)),
        (Outcome::info(Reason::NotFound, ""), 50, Some(50), Some(30)),
        (
            Outcome::warn(Reason::Unsupported, ""),
            60,
            Some(60),
            Some(60),
        ),
        (Outcome::fail(Reason::Dns, ""), 70, Some(60), Some(70)),
    ] {
        store.put(report(CheckName::Pull, outcome, ended));
        let check = check(&store, CheckName::Pull);
        assert_eq!(check.last_run, at(ended));
        assert_eq!(check.last_success, success.map(at), "at {ended}");
        assert_eq!(check.last_conclusive, conclusive.map(at), "at {ended}");
    }
}

#[test]
fn runs_are_counted_by_status() {
    let store = Store::new(&[]);
    for outcome in [
        Outcome::pass(""),
        Outcome::pass(""),
        Outcome::skip(Reason::Disabled, ""),
    ] {
        store.put(report(CheckName::Pull, outcome, 100));
    }
    let check = check(&store, CheckName::Pull);
    let runs = Status::ALL.map(|(status, word)| (word, check.runs(status)));
    assert_eq!(
        runs,
        [
            ("pass", 2),
            ("info", 0),
            ("warn", 0),
            ("fail", 0),
            ("skip", 1),
            ("unknown", 0)
        ]
    );
}

#[test]
fn nothing_transient_changes_or_removes_a_fact() {
    let store = Store::new(&[]);
    let proven = Outcome::pass("")
        .proving(Fact::CredentialsValid(true))
        .proving(Fact::CredentialsExpiry(900, "jwt"));
    store.put(report(CheckName::Credentials, proven, 10));
    let before = store.snapshot().registry("r").expect("known").facts.clone();
    for outcome in transient() {
        store.put(report(CheckName::Credentials, outcome, 20));
        let snapshot = store.snapshot();
        assert_eq!(snapshot.registry("r").expect("known").facts, before);
    }
    assert_eq!(
        check(&store, CheckName::Credentials).fact_since,
        Some(at(10))
    );
}

#[test]
fn a_fact_changes_by_a_proof_of_the_contrary() {
    let store = Store::new(&[]);
    for (value, ended, since, changes) in [
        (true, 10, 10, 0),
        (true, 20, 10, 0),
        (false, 30, 30, 1),
        (false, 40, 30, 1),
        (true, 50, 50, 2),
    ] {
        let outcome = Outcome::pass("").proving(Fact::CredentialsValid(value));
        store.put(report(CheckName::Credentials, outcome, ended));
        let expected = Proof {
            value: i64::from(value),
            proven: at(ended),
            since: at(since),
            changes,
        };
        assert_eq!(proof(&store, &valid()), Some(expected), "at {ended}");
        let check = check(&store, CheckName::Credentials);
        assert_eq!(check.fact_since, Some(at(since)), "at {ended}");
    }
}

#[test]
fn two_checks_prove_the_same_capability() {
    let store = Store::new(&[]);
    let key = FactKey::Capability(Capability::ReferrersApi);
    let proving = |supported| {
        Outcome::pass("").proving(Fact::Capability(Capability::ReferrersApi, supported))
    };
    store.put(report(CheckName::Referrers, proving(true), 10));
    store.put(report(CheckName::Capabilities, proving(false), 20));
    let fact = proof(&store, &key).expect("proven");
    assert_eq!((fact.value, fact.changes, fact.proven), (0, 1, at(20)));
}

#[test]
fn a_count_that_moves_is_no_change_of_state() {
    let store = Store::new(&[]);
    for (count, ended) in [(3, 10), (4, 20)] {
        let outcome = Outcome::pass("")
            .proving(Fact::Capability(Capability::ReferrersApi, true))
            .proving(Fact::Referrers(count));
        store.put(report(CheckName::Referrers, outcome, ended));
    }
    let check = check(&store, CheckName::Referrers);
    assert_eq!(check.fact_since, Some(at(10)));
    let repository = Some("a/b".to_owned());
    let referrers = proof(&store, &FactKey::Referrers { repository });
    assert_eq!(referrers.map(|it| it.value), Some(4));
}

#[test]
fn the_end_of_a_replaced_secret_does_not_outlive_it() {
    let store = Store::new(&[]);
    let good = || Outcome::pass("").proving(Fact::CredentialsValid(true));
    let put = |outcome| store.put(report(CheckName::Credentials, outcome, 10));
    put(good().proving(Fact::CredentialsExpiry(900, "jwt")));
    assert_eq!(proof(&store, &expiry("jwt")).map(|it| it.value), Some(900));
    // A rejection says nothing of when the secret ends.
    put(Outcome::fail(Reason::Unauthorized, "").proving(Fact::CredentialsValid(false)));
    assert_eq!(proof(&store, &expiry("jwt")).map(|it| it.value), Some(900));
    // The same set, with another secret whose end somebody else states.
    put(good().proving(Fact::CredentialsExpiry(950, "configuration")));
    assert_eq!(proof(&store, &expiry("jwt")), None);
    assert!(proof(&store, &expiry("configuration")).is_some());
    put(good());
    assert_eq!(proof(&store, &expiry("configuration")), None);
}

#[test]
fn requests_retries_and_rate_limits_are_counted() {
    let store = Store::new(&[0.1, 1.0]);
    let sent = |operation, status, retry, millis| Sent {
        operation,
        method: Method::GET,
        url: String::new(),
        end: Ok(status),
        elapsed: Duration::from_millis(millis),
        connection: None,
        retry,
    };
    let mut report = report(CheckName::Pull, Outcome::pass(""), 10);
    report.requests = vec![
        sent(Operation::Ping, 401, false, 20),
        sent(Operation::ManifestHead, 429, false, 30),
        sent(Operation::ManifestHead, 429, true, 300),
        sent(Operation::ManifestHead, 200, true, 3000),
    ];
    store.put(report);
    let snapshot = store.snapshot();
    let traffic = &snapshot.registry("r").expect("known").traffic;
    let requests: Vec<_> = traffic.requests.iter().map(|(key, n)| (*key, *n)).collect();
    assert_eq!(
        requests,
        [
            ((Operation::Ping, "401"), 1),
            ((Operation::ManifestHead, "2xx"), 1),
            ((Operation::ManifestHead, "429"), 2),
        ]
    );
    assert_eq!((traffic.retries, traffic.rate_limited), (2, 2));
    let buckets: Vec<_> = traffic.durations.buckets().collect();
    assert_eq!(buckets, [(0.1, 2), (1.0, 1), (f64::INFINITY, 1)]);
}

#[test]
fn what_a_cycle_did_not_see_stays() {
    let store = Store::new(&[]);
    let certificate = Certificate {
        not_after: 1000,
        sha256: [1; 32],
    };
    let limit = |remaining| RateLimit {
        limit: Some(100),
        remaining: Some(remaining),
        window_seconds: None,
    };
    let full = Observation {
        up: Some(true),
        product: Some("harbor"),
        distribution_version: Some("registry/2.0".to_owned()),
        certificates: vec![certificate],
        rate_limits: vec![("z".to_owned(), limit(9)), ("a".to_owned(), limit(8))],
        throttled: Some(true),
        backoff_until: Some(at(500)),
        warnings: 2,
        ..Observation::default()
    };
    store.observe("r", full.clone());
    store.observe("r", Observation::default());
    let sorted = Observation {
        rate_limits: vec![("a".to_owned(), limit(8)), ("z".to_owned(), limit(9))],
        ..full
    };
    assert_eq!(store.snapshot().registry("r").expect("seen").seen, sorted);
    store.observe(
        "r",
        Observation {
            up: Some(false),
            throttled: Some(false),
            rate_limits: vec![("z".to_owned(), limit(7))],
            warnings: 1,
            ..Observation::default()
        },
    );
    let expected = Observation {
        up: Some(false),
        throttled: Some(false),
        rate_limits: vec![("a".to_owned(), limit(8)), ("z".to_owned(), limit(7))],
        warnings: 3,
        ..sorted
    };
    assert_eq!(store.snapshot().registry("r").expect("seen").seen, expected);
}

#[test]
fn a_fingerprint_is_dated_with_the_first_look_and_when_it_changes() {
    let store = Store::new(&[]);
    let of = |what, part, value| Fingerprint::new(what, part, value);
    let secret = |set, value| Fingerprint::of_set(Change::Secret, set, "", value);
    let sign = |part, value| of(Change::ServerVersion, part, value);
    for (fingerprints, now, expected) in [
        (vec![secret("a", 1)], 10, [Some(10), None, None, None]),
        // Comes in sight later, and was there before.
        (
            vec![secret("a", 1), of(Change::Address, "", 1)],
            20,
            [Some(10), None, Some(10), None],
        ),
        (vec![], 30, [Some(10), None, Some(10), None]),
        (vec![secret("a", 2)], 40, [Some(40), None, Some(10), None]),
        // A second set is looked at for the first time: nothing changed.
        (
            vec![secret("a", 2), secret("b", 1)],
            45,
            [Some(40), Some(10), Some(10), None],
        ),
        (
            vec![secret("b", 2)],
            50,
            [Some(40), Some(50), Some(10), None],
        ),
        // One of several parts.
        (
            vec![sign("server", 1)],
            60,
            [Some(40), Some(50), Some(10), Some(10)],
        ),
        (
            vec![sign("server", 1), sign("x-powered-by", 1)],
            70,
            [Some(40), Some(50), Some(10), Some(10)],
        ),
        (
            vec![sign("server", 1), sign("x-powered-by", 2)],
            80,
            [Some(40), Some(50), Some(10), Some(80)],
        ),
    ] {
        let observation = Observation {
            fingerprints,
            ..Observation::default()
        };
        store.observe_at("r", observation, at(now));
        let snapshot = store.snapshot();
        let changed = &snapshot.registry("r").expect("seen").changed;
        let things = [
            (Change::Secret, Some("a".to_owned())),
            (Change::Secret, Some("b".to_owned())),
            (Change::Address, None),
            (Change::ServerVersion, None),
        ];
        let dates = things.map(|thing| changed.get(&thing).copied());
        assert_eq!(dates, expected.map(|time| time.map(at)), "at {now}");
    }
}

#[test]
fn a_snapshot_does_not_move() {
    let store = Store::new(&[]);
    store.put(report(CheckName::Pull, Outcome::pass(""), 10));
    let before = store.snapshot();
    store.put(report(CheckName::Pull, Outcome::fail(Reason::Dns, ""), 20));
    store.observe("other", Observation::default());
    let pull = subject(CheckName::Pull);
    assert_eq!(before.iter().count(), 1);
    let record = before.registry("r").expect("known");
    assert_eq!(record.checks[&pull].report.outcome.status, Status::Pass);
    let after = store.snapshot();
    assert_eq!(after.iter().count(), 2);
    let record = after.registry("r").expect("known");
    assert_eq!(record.checks[&pull].report.outcome.status, Status::Fail);
}

#[test]
fn what_the_configuration_dropped_loses_everything() {
    let store = Store::new(&[]);
    let pulls = |repository: &str, credential: &str| {
        let mut report = report(
            CheckName::Pull,
            Outcome::pass("").proving(Fact::PullAuthorized(true)),
            10,
        );
        report.subject.repository = Some(repository.to_owned());
        report.subject.credential = Some(credential.to_owned());
        report
    };
    let mut gone = pulls("a/b", "set");
    gone.subject.registry = "gone".to_owned();
    let kept = pulls("kept", "set");
    let subjects = BTreeSet::from([kept.subject.clone()]);
    let rate_limits = ["set", "other"].map(|set| {
        let limit = RateLimit {
            limit: Some(1),
            remaining: None,
            window_seconds: None,
        };
        (set.to_owned(), limit)
    });
    store.observe(
        "r",
        Observation {
            rate_limits: rate_limits.to_vec(),
            ..Observation::default()
        },
    );
    for report in [gone, kept, pulls("dropped", "set"), pulls("kept", "other")] {
        store.put(report);
    }
    store.retain(&subjects);

    let snapshot = store.snapshot();
    assert!(snapshot.registry("gone").is_none());
    let record = snapshot.registry("r").expect("kept");
    assert!(record.checks.keys().eq(&subjects));
    let facts: Vec<_> = record.facts.keys().cloned().collect();
    let pull = FactKey::PullAuthorized {
        repository: Some("kept".to_owned()),
        credential: Some("set".to_owned()),
    };
    assert_eq!(facts, [pull]);
    assert_eq!(record.seen.rate_limits.len(), 1);

    store.retain(&BTreeSet::new());
    assert_eq!(store.snapshot().iter().count(), 0);
}

#[test]
fn what_changed_of_a_set_goes_with_the_set() {
    let store = Store::new(&[]);
    let of_set = |what, set, value| Fingerprint::of_set(what, set, "", value);
    let observe = |fingerprints| {
        let observation = Observation {
            fingerprints,
            ..Observation::default()
        };
        store.observe("r", observation);
    };
    let first = |set| [Change::Secret, Change::Grant].map(|what| of_set(what, set, 1));
    observe([first("set"), first("other")].concat());
    observe(vec![
        of_set(Change::Secret, "set", 2),
        of_set(Change::Secret, "other", 2),
        Fingerprint::new(Change::Address, "", 1),
    ]);
    let subject = Subject {
        credential: Some("set".to_owned()),
        ..subject(CheckName::Pull)
    };
    store.retain(&[subject].into());

    let snapshot = store.snapshot();
    let record = snapshot.registry("r").expect("kept");
    let things: Vec<_> = record.changed.keys().cloned().collect();
    let set = Some("set".to_owned());
    assert_eq!(
        things,
        [
            (Change::Secret, set.clone()),
            (Change::Grant, set),
            (Change::Address, None)
        ]
    );
    // What comes back is seen for the first time.
    observe(vec![of_set(Change::Secret, "other", 3)]);
    let snapshot = store.snapshot();
    let record = snapshot.registry("r").expect("kept");
    let changes: Vec<_> = record.changes().map(|(what, set, _)| (what, set)).collect();
    assert_eq!(changes, [(Change::Secret, Some("set"))]);
}

#[test]
fn a_registry_that_became_another_begins_anew() {
    let store = Store::new(&[]);
    store.put(report(CheckName::Pull, Outcome::pass(""), 10));
    store.forget("r");
    assert!(store.snapshot().registry("r").is_none());
}

#[test]
fn other_buckets_begin_anew_and_the_same_ones_go_on() {
    let store = Store::new(&[1.0]);
    let sent = Sent {
        operation: Operation::Ping,
        method: Method::GET,
        url: String::new(),
        end: Ok(200),
        elapsed: Duration::from_secs(1),
        connection: None,
        retry: false,
    };
    let mut report = report(CheckName::Pull, Outcome::pass(""), 10);
    report.requests = vec![sent];
    store.put(report);
    let count = || {
        let snapshot = store.snapshot();
        snapshot
            .registry("r")
            .expect("known")
            .traffic
            .durations
            .count()
    };
    store.rebucket(&[1.0]);
    assert_eq!(count(), 1);
    store.rebucket(&[1.0, 2.0]);
    assert_eq!(count(), 0);
}

#[test]
fn what_is_seen_for_the_first_time_did_not_change_since_a_check_worked() {
    let store = Store::new(&[]);
    let address = |value| Observation {
        fingerprints: vec![Fingerprint::new(Change::Address, "", value)],
        ..Observation::default()
    };
    let since = || {
        let snapshot = store.snapshot();
        let record = snapshot.registry("r").expect("reported");
        record.since_worked(&subject(CheckName::Pull))
    };
    let fail = || Outcome::fail(Reason::Unauthorized, "");
    let worked = |changed: &[(Change, SystemTime)]| {
        Some(Since::Worked {
            at: at(10),
            changed: changed.to_vec(),
        })
    };

    // The observation comes at the end of a cycle, after its reports.
    store.put(report(CheckName::Pull, Outcome::pass(""), 10));
    store.observe_at("r", address(1), at(11));
    assert_eq!(since(), None);
    store.put(report(CheckName::Pull, fail(), 20));
    store.observe_at("r", address(1), at(21));
    assert_eq!(since(), worked(&[]));
    store.put(report(CheckName::Pull, fail(), 30));
    store.observe_at("r", address(2), at(31));
    assert_eq!(since(), worked(&[(Change::Address, at(31))]));
    store.put(report(CheckName::Pull, Outcome::pass(""), 40));
    store.observe_at("r", address(2), at(41));
    assert_eq!(since(), None);
}
