//! The questions, one file each: its name, its requests, its verdict, its tests.
//!
//! A verdict is a pure function from what the client brought back to an
//! [`Outcome`]; the functions here are those that several verdicts share.

mod capabilities;
mod credentials;
mod pull;
mod push;
mod referrers;
mod remedy;

use std::{collections::HashSet, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    client::{Client, Got, Refusal, Stage, Standing},
    config::{PushWish, Target, TestRepository},
    oci::{self, Denial, ErrorBody},
    outcome::{CheckName, Outcome, Reason, Severity, Subject},
};

/// Every check, in the order in which a cycle runs and a report prints them.
pub const CATALOG: &[Check] = &[
    credentials::CHECK,
    pull::CHECK,
    push::CHECK,
    referrers::CHECK,
    capabilities::CHECK,
];

/// One question, static.
#[derive(Debug)]
pub struct Check {
    /// Its name; the full id is [`CheckName::id`].
    pub name: CheckName,
    /// Its title, as the source document gives it.
    pub title: &'static str,
    /// What it asks, in one line.
    pub summary: &'static str,
    /// The worst finding that it can have.
    pub severity: Severity,
    /// What it can be selected by.
    pub tags: &'static [&'static str],
    /// How long it usually takes at most; text only.
    pub estimated: Duration,
    /// Asks it.
    pub run: for<'a> fn(&'a Arc<Client>, &'a TestRepository) -> Asking<'a>,
}

/// A check that is being asked.
pub type Asking<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// The row of a check.
pub fn check(name: CheckName) -> &'static Check {
    CATALOG
        .iter()
        .find(|check| check.name == name)
        .unwrap_or(&CATALOG[0])
}

/// Every question of a target with its repository, in the order of a cycle:
/// credentials once per distinct set, pull per repository, push per repository that
/// it is wanted for, referrers of the first, capabilities of the first that push is
/// asked of.
pub fn questions(target: &Target) -> Vec<(Subject, &TestRepository)> {
    let mut all = Vec::new();
    for check in CATALOG {
        for repository in asked_by(check.name, target) {
            let of_repository = check.name != CheckName::Credentials;
            let subject = Subject {
                registry: target.name.clone(),
                check: check.name,
                repository: of_repository.then(|| repository.name.to_string()),
                credential: Some(repository.credential.name.clone()),
            };
            all.push((subject, repository));
        }
    }
    all
}

fn asked_by(check: CheckName, target: &Target) -> Vec<&TestRepository> {
    let all = &target.repositories;
    match check {
        CheckName::Credentials => {
            let mut sets = HashSet::new();
            all.iter()
                .filter(|repository| sets.insert(repository.credential.name.as_str()))
                .collect()
        }
        CheckName::Pull => all.iter().filter(|repository| repository.pull).collect(),
        CheckName::Push => {
            let wanted = |repository: &&TestRepository| repository.push != PushWish::No;
            let named: Vec<_> = all.iter().filter(wanted).collect();
            // Where none is, one answer says so for all.
            let said = named.is_empty().then(|| all.first()).flatten();
            named.into_iter().chain(said).collect()
        }
        CheckName::Referrers => all.first().into_iter().collect(),
        CheckName::Capabilities => all
            .iter()
            .find(|repository| push::skipped(target, repository).is_none())
            .or(all.first())
            .into_iter()
            .collect(),
    }
}

/// Why a question is not asked at all, where the configuration alone says so.
pub fn skipped(target: &Target, check: CheckName, repository: &TestRepository) -> Option<Outcome> {
    if !target.checks.settings(check).enabled {
        return Some(Outcome::skip(
            Reason::Disabled,
            format!("The {} check is switched off", check.as_str()),
        ));
    }
    match check {
        CheckName::Credentials | CheckName::Pull | CheckName::Capabilities => None,
        CheckName::Referrers => repository.guessed.then(|| {
            Outcome::skip(
                Reason::NotConfigured,
                "No `test_repository` is named, so there is no image to ask for",
            )
        }),
        CheckName::Push => push::skipped(target, repository),
    }
}

/// What a missing answer means for a check that fails with its registry
/// (credentials, pull, push): a dead request fails it.
fn refused(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Fatal(reason, message)
        | Refusal::Broken(reason, message)
        | Refusal::Rejected(reason, message) => Outcome::fail(*reason, message),
        Refusal::RateLimited(message) => Outcome::unknown(Reason::RateLimited, message),
        Refusal::Unclear(reason, message) => Outcome::unknown(*reason, message),
    }
}

/// What a missing answer means for a check of what the registry can do
/// (referrers, capabilities): it tells nothing of that, unless nothing can be asked at all.
fn refused_gently(refusal: &Refusal) -> Outcome {
    match refusal {
        Refusal::Fatal(reason, message) => Outcome::fail(*reason, message),
        Refusal::Broken(reason, message)
        | Refusal::Rejected(reason, message)
        | Refusal::Unclear(reason, message) => Outcome::unknown(*reason, message),
        Refusal::RateLimited(message) => Outcome::unknown(Reason::RateLimited, message),
    }
}

/// What a 401 or 403 means to credentials of which this much is known.
fn denied(got: &Got, standing: Standing, what: &str) -> (Reason, String) {
    let words = ErrorBody::of(&got.reply)
        .map(|body| body.summary())
        .filter(|summary| !summary.is_empty())
        .map(|summary| format!(" ({summary})"))
        .unwrap_or_default();
    let denial = oci::denial(&got.reply);
    let suspended = standing == Standing::Suspect
        && (got.stage, got.reply.status) == (Stage::Registry, 403)
        && denial == Denial::Plain;
    if suspended {
        let message =
            format!("{what} refused: the account is suspended after rejected logins{words}");
        return (Reason::Unauthorized, message);
    }
    let proven = standing == Standing::Proven;
    let reason = match (got.reply.status, denial) {
        (_, Denial::Expired) => Reason::Expired,
        (403, Denial::NetworkPolicy) => Reason::NetworkPolicy,
        (403, Denial::ReadOnly) => Reason::ReadOnly,
        (403, Denial::Policy) => Reason::Policy,
        // Anything that a token endpoint says of a scope is about the right, not the credentials.
        (403, _) => Reason::Forbidden,
        _ if got.stage == Stage::Token || proven || insufficient_scope(got) => Reason::Forbidden,
        _ => Reason::Unauthorized,
    };
    let message = match reason {
        Reason::Forbidden => format!("{what} denied, or the repository does not exist{words}"),
        Reason::Unauthorized if standing == Standing::Nobody => format!(
            "{what} refused: the registry wants credentials, and none are configured here{words}"
        ),
        Reason::Unauthorized => format!("{what} refused: the credentials are not accepted{words}"),
        Reason::Expired => format!("{what} refused: the credentials are past their end{words}"),
        Reason::NetworkPolicy => format!("{what} refused by a network rule{words}"),
        Reason::ReadOnly => format!("{what} refused: the registry is read-only{words}"),
        _ => format!("{what} refused by a policy of the registry{words}"),
    };
    (reason, message)
}

fn insufficient_scope(got: &Got) -> bool {
    oci::challenges(&got.reply)
        .iter()
        .any(|challenge| challenge.error() == Some("insufficient_scope"))
}

/// The registry's own words for an answer, for a message.
fn words(got: &Got) -> String {
    match ErrorBody::of(&got.reply) {
        Some(body) if !body.summary().is_empty() => {
            format!("{} ({})", got.reply.status, body.summary())
        }
        _ => got.reply.status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole_and_in_order() {
        let names: Vec<CheckName> = CATALOG.iter().map(|check| check.name).collect();
        let all: Vec<CheckName> = CheckName::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, all);
        for row in CATALOG {
            assert!(row.tags.starts_with(&["registry", "oci"]), "{}", row.title);
            assert_eq!(check(row.name).title, row.title);
        }
    }

    #[test]
    fn names_severities_and_tags_are_those_of_the_source_document() {
        let rows: Vec<_> = CATALOG
            .iter()
            .map(|check| {
                let tags = check.tags.join(", ");
                (check.name.id(), check.title, check.severity, tags)
            })
            .collect();
        let row = |id, title, severity, tags: &str| (id, title, severity, tags.to_owned());
        let document = [
            row(
                "check.integration.oci.credentials",
                "OCI Registry Credentials",
                Severity::Fail,
                "registry, oci, credentials, secrets, auth",
            ),
            row(
                "check.integration.oci.pull",
                "OCI Registry Pull Authorization",
                Severity::Fail,
                "registry, oci, pull, authorization",
            ),
            row(
                "check.integration.oci.push",
                "OCI Registry Push Authorization",
                Severity::Fail,
                "registry, oci, push, authorization",
            ),
            row(
                "check.integration.oci.referrers",
                "OCI Registry Referrers API Support",
                Severity::Warn,
                "registry, oci, referrers, oci-1.1",
            ),
            row(
                "check.integration.oci.capabilities",
                "OCI Registry Capability Matrix",
                Severity::Info,
                "registry, oci, capabilities, compatibility",
            ),
        ];
        assert_eq!(rows, document);
    }

    #[test]
    fn estimated_durations_are_those_of_the_source_document() {
        let seconds: Vec<u64> = CATALOG
            .iter()
            .map(|check| check.estimated.as_secs())
            .collect();
        assert_eq!(seconds, [5, 5, 10, 10, 30]);
    }
}
