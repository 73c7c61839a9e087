//! Reports as the source document shows them, for the tests of every form.

use std::time::{Duration, SystemTime};

use http::Method;

use super::{About, Changed, Comparison, Entry, RegistryReports, Turn};
use crate::{
    exchange::{Operation, Sent, TransportErrorKind},
    outcome::{CheckName, Outcome, Reason, Report, Status, Subject},
};

/// 2026-11-23T16:00:00Z
pub(super) fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(498_736)
}

/// The report of a check that asks for no repository.
pub(super) fn entry(check: CheckName, outcome: Outcome) -> Entry {
    Entry::once(Report {
        subject: Subject {
            registry: "production".to_owned(),
            check,
            repository: None,
            credential: None,
        },
        outcome,
        started: noon(),
        duration: Duration::from_millis(120),
        attempts: 1,
        requests: Vec::new(),
    })
}

/// The report of a check of a repository.
pub(super) fn of_repository(
    check: CheckName,
    repository: &str,
    credential: &str,
    outcome: Outcome,
) -> Entry {
    let mut report = (*entry(check, outcome).report).clone();
    report.subject.repository = Some(repository.to_owned());
    report.subject.credential = Some(credential.to_owned());
    Entry::once(report)
}

/// A registry with these reports.
pub(super) fn registry(entries: Vec<Entry>) -> RegistryReports {
    RegistryReports {
        name: "production".to_owned(),
        url: "https://registry.example.com/".to_owned(),
        entries,
        about: About::default(),
    }
}

/// The document's first sample.
pub(super) fn healthy() -> RegistryReports {
    let pass = |check, message: &str| entry(check, Outcome::pass(message));
    registry(vec![
        pass(
            CheckName::Credentials,
            "Credentials valid for registry.example.com",
        ),
        pass(CheckName::Pull, "Pull authorized (sha256:abc123...)"),
        pass(CheckName::Push, "Push authorization verified"),
        pass(CheckName::Referrers, "Referrers API supported (OCI 1.1)"),
        pass(CheckName::Capabilities, "Full capability support (6/6)"),
    ])
}

/// The document's second sample.
pub(super) fn fallback() -> RegistryReports {
    let mut referrers = Outcome::warn(
        Reason::Unsupported,
        "Referrers API not supported (using fallback)",
    )
    .with("registry_url", "https://ghcr.io")
    .with("referrers_supported", false)
    .with("fallback_required", true)
    .with("oci_version", Option::<String>::None)
    .with("referrers_count", Option::<u64>::None);
    referrers.recommendations = vec![
        "Referrers API: StellaOps will use tag-based fallback automatically".to_owned(),
        "Consider upgrading to a registry with OCI 1.1 support for better performance".to_owned(),
    ];
    referrers.latency = Some(Duration::from_millis(30));
    let pass = |check, message: &str| entry(check, Outcome::pass(message));
    registry(vec![
        pass(CheckName::Credentials, "Credentials valid for ghcr.io"),
        pass(CheckName::Pull, "Pull authorized (sha256:def456...)"),
        pass(CheckName::Push, "Push authorization verified"),
        of_repository(
            CheckName::Referrers,
            "platform/canary",
            "platform",
            referrers,
        ),
        entry(
            CheckName::Capabilities,
            Outcome::warn(Reason::Unsupported, "Partial capability support (4/6)"),
        ),
    ])
}

/// A registry that nobody reaches.
pub(super) fn unreachable() -> RegistryReports {
    let fail = |check| {
        let mut outcome = Outcome::fail(Reason::Dns, "registry.example.com does not resolve")
            .with("registry_url", "https://registry.example.com/")
            .with("http_status", Option::<u16>::None);
        outcome.remediation = vec![
            "Verify network connectivity: `curl -v https://registry.example.com/v2/`".to_owned(),
            "Check firewall rules and proxy configuration".to_owned(),
        ];
        entry(check, outcome)
    };
    let sent = |retry| Sent {
        operation: Operation::Ping,
        method: Method::GET,
        url: "https://registry.example.com/v2/".to_owned(),
        end: Err(TransportErrorKind::Dns),
        elapsed: Duration::from_micros(12_400),
        connection: None,
        retry,
    };
    let mut credentials = (*fail(CheckName::Credentials).report).clone();
    credentials.requests = vec![sent(false), sent(true)];
    let skip = Outcome::skip(Reason::Disabled, "The push check is switched off");
    RegistryReports {
        name: "staging".to_owned(),
        ..registry(vec![
            Entry::once(credentials),
            fail(CheckName::Pull),
            entry(CheckName::Push, skip),
        ])
    }
}

/// All six statuses, with everything that some form could take for markup.
pub(super) fn hostile() -> RegistryReports {
    let nasty = "a|b `c` <b>d</b> ]]> &amp; \"e\" \u{fffe}\u{fffd}\u{1b}[31m\r\né";
    let of = |check, repository: &str, mut outcome: Outcome| {
        outcome.remediation = vec![format!("do: {nasty}")];
        of_repository(check, repository, "t|m", outcome)
    };
    let failed = Outcome::fail(Reason::Protocol, nasty)
        .with("registry_url", "https://registry.example.com/")
        .with("auth_challenge", nasty)
        .with("http_status", 500_u16);
    let mut passed = Outcome::pass("Credentials valid for registry.example.com");
    passed.latency = Some(Duration::from_millis(30));
    let mut reports = registry(vec![
        entry(CheckName::Credentials, passed),
        of(CheckName::Pull, "team/one", failed),
        of(
            CheckName::Pull,
            "team/two",
            Outcome::info(Reason::NotFound, "no such tag: `latest`"),
        ),
        of(
            CheckName::Pull,
            "team/three",
            Outcome::warn(Reason::CancelRefused, "*no* delete right, @team"),
        ),
        of(
            CheckName::Push,
            "team/one",
            Outcome::skip(Reason::NotConfigured, "not asked"),
        ),
        of(
            CheckName::Referrers,
            "team/one",
            Outcome::unknown(Reason::RateLimited, "429 <!-- -->"),
        ),
    ]);
    reports.name = "har|bor <x>".to_owned();
    for entry in &mut reports.entries {
        let mut report = (*entry.report).clone();
        report.subject.registry.clone_from(&reports.name);
        entry.report = report.into();
    }
    reports.about.product = Some("harbor".to_owned());
    reports.about.warnings = vec![format!("going away: {nasty}")];
    reports
}

/// One change of every kind.
pub(super) fn compared() -> Comparison {
    let changed = |turn, check, was, is| Changed {
        turn,
        subject: Subject {
            registry: "har|bor <x>".to_owned(),
            check,
            repository: Some("team/one".to_owned()),
            credential: None,
        },
        was,
        is,
    };
    let (pass, fail) = (Some(Status::Pass), Some(Status::Fail));
    Comparison {
        earlier: noon() - Duration::from_hours(1),
        changes: vec![
            changed(Turn::Worse, CheckName::Pull, pass, fail),
            changed(Turn::Better, CheckName::Credentials, fail, pass),
            changed(
                Turn::Other,
                CheckName::Referrers,
                pass,
                Some(Status::Unknown),
            ),
            changed(Turn::New, CheckName::Push, None, Some(Status::Skip)),
            changed(Turn::Gone, CheckName::Capabilities, pass, None),
        ],
    }
}
