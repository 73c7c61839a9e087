//! How often and how long a registry is asked: schedule, budgets, retries.

use std::time::Duration;

use crate::{
    oci::Repository,
    outcome::CheckName,
    retry::{Policy, PolicyOptions},
};

use super::{
    Capabilities, CheckSettings, Checks, Push,
    keys::{self, Keys},
    section::Section,
};

/// The three budgets: a check run, a request, a connection.
pub(super) struct Budgets {
    pub(super) timeout: Duration,
    pub(super) request: Duration,
    pub(super) connect: Duration,
}

/// Reads `timeout`, `request_timeout` and `connect_timeout`.
pub(super) fn budgets(section: &Section<'_>) -> Budgets {
    let budgets = Budgets {
        timeout: section.duration("timeout", Duration::from_secs(30)),
        request: section.duration("request_timeout", Duration::from_secs(10)),
        connect: section.duration("connect_timeout", Duration::from_secs(5)),
    };
    for (outer, inner, outer_key, inner_key) in [
        (
            budgets.timeout,
            budgets.request,
            "timeout",
            "request_timeout",
        ),
        (
            budgets.request,
            budgets.connect,
            "request_timeout",
            "connect_timeout",
        ),
    ] {
        if inner > outer {
            let key = if section.has(inner_key) {
                inner_key
            } else {
                outer_key
            };
            section.warn_at(
                &section.spot_of(key),
                format!(
                    "`{inner_key}` ({}) is longer than `{outer_key}` ({})",
                    humantime::format_duration(inner),
                    humantime::format_duration(outer)
                ),
            );
        }
    }
    budgets
}

/// Reads `upload_start_delay`.
pub(super) fn upload_start_delay(section: &Section<'_>) -> Duration {
    section.duration("upload_start_delay", Duration::from_mins(5))
}

/// Reads the map under `checks`.
pub(super) fn checks(section: &Section<'_>, timeout: Duration, hub: bool) -> Checks {
    let checks = section.section("checks");
    checks.only(keys::CHECKS);
    let push = checks.section("push");
    let capabilities = checks.section("capabilities");
    let settings = |check, keys: Keys| {
        let section = checks.section(CheckName::as_str(check));
        settings(&section, check, keys, timeout)
    };
    let read = Checks {
        credentials: settings(CheckName::Credentials, keys::CHECK),
        pull: settings(CheckName::Pull, keys::CHECK),
        push: settings(CheckName::Push, keys::PUSH),
        referrers: settings(CheckName::Referrers, keys::CHECK),
        capabilities: settings(CheckName::Capabilities, keys::CAPABILITIES),
        push_options: Push {
            upload_interval: push.duration("upload_interval", Duration::from_hours(6)),
            allow_create: push.flag("allow_create", false),
            anonymous: push.flag("anonymous", false),
        },
        capabilities_options: Capabilities {
            probe_deletes: capabilities.flag("probe_deletes", true),
            allow_get: capabilities.item("allow_get").and_then(|item| item.flag()),
            mount_from: repository(&capabilities, "mount_from", hub),
        },
    };
    if read.push_options.upload_interval < read.push.interval {
        checks.warn_at(
            &push.spot_of("upload_interval"),
            format!(
                "shorter than the interval of the check ({}), which uploads no more often",
                humantime::format_duration(read.push.interval)
            ),
        );
    }
    read
}

fn settings(
    section: &Section<'_>,
    check: CheckName,
    keys: Keys,
    timeout: Duration,
) -> CheckSettings {
    section.only(keys);
    let settings = CheckSettings {
        enabled: section.flag("enabled", true),
        interval: section.duration("interval", default_interval(check)),
    };
    if settings.enabled && settings.interval < timeout {
        section.warn_at(
            &section.spot_of("interval"),
            format!(
                "the interval ({}) is shorter than the `timeout` of a run ({}): late runs are left out",
                humantime::format_duration(settings.interval),
                humantime::format_duration(timeout)
            ),
        );
    }
    settings
}

fn default_interval(check: CheckName) -> Duration {
    let minutes = match check {
        CheckName::Credentials | CheckName::Pull => 5,
        CheckName::Push => 15,
        CheckName::Referrers => 30,
        CheckName::Capabilities => 24 * 60,
    };
    Duration::from_mins(minutes)
}

/// Reads a repository; a single name on Docker Hub is one of `library/`.
pub(super) fn repository(section: &Section<'_>, key: &str, hub: bool) -> Option<Repository> {
    let (text, item) = section.text(key)?;
    repository_of(text, hub)
        .map_err(|error| item.refuse(error.to_string(), repository_hint(text)))
        .ok()
}

/// A repository by the grammar of the spec.
pub(super) fn repository_of(text: &str, hub: bool) -> Result<Repository, crate::oci::GrammarError> {
    if hub && !text.contains('/') && !text.is_empty() {
        Repository::parse(&format!("library/{text}"))
    } else {
        Repository::parse(text)
    }
}

/// What to do about a refused repository.
pub(super) fn repository_hint(text: &str) -> &'static str {
    if text.contains("://") {
        "name the repository alone; the registry stands in `url`"
    } else if text.contains(':') {
        "name the repository alone; the tag has a key of its own"
    } else {
        "write it as `team/image`, in lower case"
    }
}

/// Reads `probe`: whether a request to the exporter may make it ask.
pub(super) fn probe(section: &Section<'_>) -> bool {
    let probe = section.section("probe");
    probe.only(keys::PROBE);
    probe.flag("enabled", false)
}

/// Reads `rate_limit_reserve`, in percent.
pub(super) fn rate_limit_reserve(section: &Section<'_>) -> u8 {
    const WHAT: &str = "a whole number from 0 to 100, in percent";
    let Some(item) = section.item("rate_limit_reserve") else {
        return RATE_LIMIT_RESERVE;
    };
    let percent = item.number(WHAT).unwrap_or(RATE_LIMIT_RESERVE);
    if percent > 100 {
        item.refuse(format!("{percent} is not {WHAT}"), format!("write {WHAT}"));
    }
    percent
}

/// Reads the map under `retry`.
pub(super) fn retry(section: &Section<'_>) -> Policy {
    let retry = section.section("retry");
    retry.only(keys::RETRY);
    let otherwise = PolicyOptions::default();
    let options = PolicyOptions {
        attempts: retry.number("attempts", "a whole number", otherwise.attempts),
        initial: retry.duration("initial", otherwise.initial),
        factor: retry.number("factor", "a number", otherwise.factor),
        max: retry.duration("max", otherwise.max),
        retry_after_max: retry.duration("retry_after_max", otherwise.retry_after_max),
        transient_attempts: retry.number(
            "transient_attempts",
            "a whole number",
            otherwise.transient_attempts,
        ),
    };
    Policy::try_new(options).unwrap_or_else(|sentence| {
        // The sentence begins with the key it is about.
        let key = sentence.split('`').nth(1).unwrap_or_default();
        retry.refuse_at(
            &retry.spot_of(key),
            &sentence,
            "choose a value within these bounds",
        );
        Policy::default()
    })
}

/// What is left to others of a limit, unless the configuration says otherwise (percent).
const RATE_LIMIT_RESERVE: u8 = 10;
