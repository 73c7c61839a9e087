//! What the source document and the design card promise, each with what holds it:
//! `tests/checklist.txt`. A promise without one, or with one that is not there, fails.

pub(crate) mod promises;

use std::collections::BTreeMap;

use oci_registry_exporter::outcome::{CheckName, Value};
use registry_sim::{Profile, RegistrySim};

use crate::asked::Asked;
use promises::Promise;

/// How many promises of each family there are.
const FAMILIES: [(&str, usize); 16] = [
    ("S-GEN", 4),
    ("S-QS", 5),
    ("S-CRED", 23),
    ("S-PULL", 19),
    ("S-PUSH", 20),
    ("S-REF", 18),
    ("S-CAP", 22),
    ("S-CFG", 8),
    ("S-ENV", 6),
    ("S-MTX", 11),
    ("S-LEG", 3),
    ("S-KI", 11),
    ("S-OUT", 13),
    ("S-REM", 16),
    ("S-DOC", 4),
    ("D", 29),
];

/// Promises that nothing holds yet, each with its reason. One that is held may not stand here.
const NOT_YET: &[(&str, &str)] = &[];

#[test]
fn every_promise_is_held_by_something_that_is_there() {
    let promises = promises::read();
    let mut broken = Vec::new();
    for promise in &promises {
        let not_yet = NOT_YET.iter().any(|(id, _)| *id == promise.id);
        match (promise.holders.is_empty(), not_yet) {
            (true, false) => broken.push(format!("{}: nothing names it", promise.id)),
            (false, true) => broken.push(format!("{}: held, so no longer NOT_YET", promise.id)),
            _ => {}
        }
        let missing = promise
            .holders
            .iter()
            .filter_map(|it| promises::missing(it));
        broken.extend(missing.map(|why| format!("{}: {why}", promise.id)));
    }
    let known = |id: &str| promises.iter().any(|promise| promise.id == id);
    let strange = NOT_YET.iter().filter(|(id, _)| !known(id));
    broken.extend(strange.map(|(id, reason)| format!("{id}: no such promise ({reason})")));
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn no_promise_is_missing_or_stands_twice() {
    let promises = promises::read();
    let mut counted: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for Promise { id, words, .. } in &promises {
        let (family, number) = id.rsplit_once('-').expect("FAMILY-NUMBER");
        counted
            .entry(family)
            .or_default()
            .push(number.parse().expect("a number"));
        assert!(!words.is_empty(), "{id}");
    }
    let wanted: BTreeMap<&str, Vec<usize>> = FAMILIES
        .into_iter()
        .map(|(family, count)| (family, (1..=count).collect()))
        .collect();
    assert_eq!(counted, wanted);
}

/// The test finds what it is there to find.
#[test]
fn what_is_not_there_is_found() {
    for (holder, there) in [
        ("tests/it/checklist.rs::what_is_not_there_is_found", true),
        ("tests/it/checklist.rs::no_such_test", false),
        // A function, but no test.
        ("tests/it/checklist/promises.rs::read", false),
        ("tests/it/no_such_file.rs::x", false),
        ("README.md#the-checks", true),
        ("README.md#no-such-heading", false),
        ("Cargo.toml", true),
        ("no/such/place", false),
    ] {
        assert_eq!(promises::missing(holder).is_none(), there, "{holder}");
    }
}

/// `serde_yaml` and `backoff` are names of their maintained successors (`Cargo.toml` says why).
#[test]
fn the_packages_of_the_card_are_dependencies() {
    let manifest = include_str!("../../Cargo.toml");
    let (_, below) = manifest
        .split_once("\n[dependencies]\n")
        .expect("a section");
    let (section, _) = below.split_once("\n[").expect("another one");
    for package in [
        "prometheus-client",
        "hyper",
        "tokio",
        "reqwest",
        "serde",
        "serde_yaml",
        "clap",
        "tracing",
        "humantime",
        "backoff",
    ] {
        let begin = format!("{package} = ");
        assert!(
            section.lines().any(|line| line.starts_with(&begin)),
            "{package}"
        );
    }
}

/// The evidence that the document lists stands in every report, in its order.
#[tokio::test]
async fn the_evidence_is_that_of_the_source_document() {
    let sim = RegistrySim::profile(Profile::HARBOR_2_11)
        .user("robot", "s3cret-canary", [("team/app", "pull,push,delete")])
        .user("reader", "s3cret-canary", [("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    for user in ["robot", "reader"] {
        let asked = Asked::sim(
            &sim,
            &format!("test_repository: team/app\nusername: {user}\npassword: s3cret-canary"),
        );
        let cycle = asked.cycle(&CheckName::ALL.map(|(check, _)| check)).await;
        for (check, keys) in EVIDENCE {
            let evidence = cycle.outcome(check).evidence;
            let found: Vec<&str> = evidence
                .iter()
                .map(|(key, _)| key)
                .filter(|key| keys.contains(key))
                .collect();
            assert_eq!(found, keys, "{user}: {check:?}");
        }
        let evidence = |check| cycle.outcome(check).evidence;
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        let value = |check, key: &str| evidence(check).value(key).cloned();
        assert_eq!(value(CheckName::Credentials, "auth_method"), text("basic"));
        assert_eq!(value(CheckName::Credentials, "username"), text(user));
        let valid = Some(Value::Flag(true));
        assert_eq!(value(CheckName::Credentials, "credentials_valid"), valid);
        // Whoever may not push is told that it is not the password.
        assert_eq!(value(CheckName::Push, "credentials_valid"), valid);
        let may_push = Some(Value::Flag(user == "robot"));
        assert_eq!(value(CheckName::Push, "push_authorized"), may_push);
    }
}

const EVIDENCE: [(CheckName, &[&str]); 5] = [
    (
        CheckName::Credentials,
        &[
            "registry_url",
            "auth_method",
            "username",
            "credentials_valid",
            "auth_challenge",
        ],
    ),
    (
        CheckName::Pull,
        &[
            "registry_url",
            "test_repository",
            "test_tag",
            "pull_authorized",
            "manifest_digest",
            "http_status",
        ],
    ),
    (
        CheckName::Push,
        &[
            "registry_url",
            "test_repository",
            "push_authorized",
            "upload_session_cancelled",
            "http_status",
            "credentials_valid",
        ],
    ),
    (
        CheckName::Referrers,
        &[
            "registry_url",
            "referrers_supported",
            "fallback_required",
            "oci_version",
            "referrers_count",
        ],
    ),
    (
        CheckName::Capabilities,
        &[
            "registry_url",
            "distribution_version",
            "supports_referrers_api",
            "supports_chunked_upload",
            "supports_cross_repo_mount",
            "supports_manifest_delete",
            "supports_blob_delete",
            "capability_score",
        ],
    ),
];
