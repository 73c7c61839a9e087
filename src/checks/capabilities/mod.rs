//! What can the registry do? Six items, each supported, unsupported or unknown.

mod items;

use std::{sync::Arc, time::Duration};

use super::{Check, referrers, refused_gently, remedy};
use crate::{
    client::{Client, Guard, Upload},
    config::TestRepository,
    exchange::Operation,
    outcome::{Capability, CheckName, Fact, Outcome, Reason, Severity, Support},
};
use items::Item;

pub(super) const CHECK: Check = Check {
    name: CheckName::Capabilities,
    title: "OCI Registry Capability Matrix",
    summary: "Comprehensive registry capability matrix detection",
    severity: Severity::Info,
    tags: &["registry", "oci", "capabilities", "compatibility"],
    estimated: Duration::from_secs(30),
    run: |client, repository| Box::pin(run(client, repository)),
};

async fn run(client: &Arc<Client>, repository: &TestRepository) -> Outcome {
    let ping = match client.ping_for(repository).await {
        Ok(ping) => ping,
        Err(refusal) => return with_evidence(refused_gently(&refusal), None, client),
    };
    let mut items = vec![referrers_api(client, repository).await];
    items.extend(writes(client).await);
    if let Some(refusal) = client.unreachable() {
        return with_evidence(refused_gently(&refusal), None, client);
    }
    // Last, because any answer may have brought the header.
    let (version, answered) = client.version();
    items.insert(0, items::distribution_version(version.as_deref(), answered));
    let slowest = items.iter().filter_map(|item| item.elapsed).max();
    let mut outcome = verdict(&items);
    outcome.latency = slowest.or(Some(ping.elapsed));
    with_evidence(outcome, Some((version, &items)), client)
}

async fn referrers_api(client: &Arc<Client>, repository: &TestRepository) -> Item {
    // The registry's first repository answers for it, whoever pushes where.
    let repository = client.target().repositories.first().unwrap_or(repository);
    if repository.guessed {
        return Item::unknown(
            Capability::ReferrersApi,
            Reason::NotConfigured,
            "no `test_repository` is named",
        );
    }
    let outcome = referrers::ask(client, repository).await;
    let supported = outcome.proved(|yes| Fact::Capability(Capability::ReferrersApi, yes));
    match supported {
        Some(true) => Item::new(
            Capability::ReferrersApi,
            Support::Supported,
            outcome.latency,
        ),
        Some(false) => Item::new(
            Capability::ReferrersApi,
            Support::Unsupported,
            outcome.latency,
        ),
        None => Item::unknown(
            Capability::ReferrersApi,
            outcome.reason.unwrap_or(Reason::Protocol),
            &outcome.message,
        ),
    }
}

/// Items 3 to 6, which need a repository where push is wanted.
async fn writes(client: &Arc<Client>) -> Vec<Item> {
    let Some(repository) = client.push_repository().cloned() else {
        return items::all_unknown(
            Reason::NotConfigured,
            "push is asked of no repository of this registry",
        );
    };
    let options = &client.target().checks;
    let allow_create = options.push_options.allow_create;
    match client.guard(&repository).await {
        Guard::Seen => {}
        Guard::NotSeen if allow_create => {}
        Guard::NotSeen => {
            return items::all_unknown(Reason::NotFound, "the push repository was not seen");
        }
        Guard::Denied(got, _) => {
            let message = format!("the push repository answers {}", super::words(&got));
            return items::all_unknown(items::reason(&got), &message);
        }
        Guard::Refused(refusal) => {
            let (reason, message) = refusal.reason();
            return items::all_unknown(reason, &message);
        }
    }
    let upload = client.upload(&repository).await;
    match items::not_written(&upload) {
        None => {}
        Some((Reason::ReadOnly, message)) => {
            return items::all_unknown(Reason::ReadOnly, &message);
        }
        Some((reason, message)) => {
            let mut all = vec![
                Item::unknown(Capability::ChunkedUpload, reason, &message),
                Item::unknown(Capability::CrossRepoMount, reason, &message),
            ];
            if reason == Reason::RateLimited {
                all.push(Item::unknown(Capability::ManifestDelete, reason, &message));
                all.push(Item::unknown(Capability::BlobDelete, reason, &message));
            } else {
                all.extend(deletes(client, &repository).await);
            }
            return all;
        }
    }
    let mut all = vec![chunks(&upload, client, &repository)];
    all.push(mount(client, &repository).await);
    all.extend(deletes(client, &repository).await);
    all
}

fn chunks(upload: &Upload, client: &Client, repository: &TestRepository) -> Item {
    match &upload.chunks {
        Some(chunks) => items::chunked_upload(chunks),
        None if client.cancel_is_refused(repository) => Item::unknown(
            Capability::ChunkedUpload,
            Reason::CancelRefused,
            "not tried: what is uploaded could not be cancelled",
        ),
        None => Item::unknown(
            Capability::ChunkedUpload,
            Reason::Protocol,
            "the registry gave no place to send chunks to",
        ),
    }
}

async fn mount(client: &Arc<Client>, repository: &TestRepository) -> Item {
    let options = &client.target().checks.capabilities_options;
    let hub = client.product().as_deref() == Some("docker-hub");
    if !options.allow_get.unwrap_or(!hub) {
        return Item::unknown(
            Capability::CrossRepoMount,
            Reason::Disabled,
            "not tried: reading the manifest for a blob counts as a pull (`allow_get`)",
        );
    }
    let from = options
        .mount_from
        .clone()
        .unwrap_or(repository.name.clone());
    match client.mountable(repository, &from).await {
        Ok(_) if from != repository.name && !client.may_link(repository) => Item::unknown(
            Capability::CrossRepoMount,
            Reason::Disabled,
            "not tried: a mount from another repository leaves a link, and is asked once in 24 hours",
        ),
        Ok(blob) => items::cross_repo_mount(&client.mount(repository, &blob, &from).await),
        Err((reason, message)) => Item::unknown(Capability::CrossRepoMount, reason, &message),
    }
}

async fn deletes(client: &Client, repository: &TestRepository) -> Vec<Item> {
    let probed = [
        (Capability::ManifestDelete, Operation::ManifestDelete),
        (Capability::BlobDelete, Operation::BlobDelete),
    ];
    let mut all = Vec::new();
    for (capability, operation) in probed {
        all.push(
            if client.target().checks.capabilities_options.probe_deletes {
                let answer = client.delete_nothing(repository, operation).await;
                items::delete(capability, &answer)
            } else {
                Item::unknown(
                    capability,
                    Reason::Disabled,
                    "not asked (`probe_deletes: false`)",
                )
            },
        );
    }
    all
}

/// The status of the six items together.
fn verdict(items: &[Item]) -> Outcome {
    let supported = items
        .iter()
        .filter(|item| item.support == Support::Supported)
        .count();
    let partial = format!("Partial capability support ({supported}/6)");
    let lacks_referrers = items.iter().any(|item| {
        item.capability == Capability::ReferrersApi && item.support == Support::Unsupported
    });
    let lacking = items
        .iter()
        .any(|item| item.support == Support::Unsupported);
    // What keeps the other items from an answer is why there is no version header either.
    let (first, others) = items.split_at(items.len().min(1));
    let mut others = others.iter().chain(first);
    let unknown = others.find_map(|item| item.why.as_ref());
    let mut outcome = if supported == 6 {
        Outcome::pass("Full capability support (6/6)")
    } else if lacks_referrers {
        Outcome::warn(Reason::Unsupported, partial)
    } else if lacking {
        Outcome::info(Reason::Unsupported, partial)
    } else {
        let reason = unknown.map_or(Reason::Protocol, |(reason, _)| *reason);
        if items.iter().all(|item| item.support == Support::Unknown) {
            Outcome::unknown(reason, "No capability could be found out")
        } else {
            Outcome::info(reason, partial)
        }
    };
    for item in items {
        match item.support {
            Support::Supported => outcome.facts.push(Fact::Capability(item.capability, true)),
            Support::Unsupported => outcome.facts.push(Fact::Capability(item.capability, false)),
            Support::Unknown => {}
        }
    }
    outcome
}

fn with_evidence(
    mut outcome: Outcome,
    found: Option<(Option<String>, &[Item])>,
    client: &Client,
) -> Outcome {
    let (version, items) = found.map_or((None, &[][..]), |(version, items)| (version, items));
    let support = |capability| {
        items
            .iter()
            .find(|item| item.capability == capability)
            .map_or(Support::Unknown, |item| item.support)
    };
    let supported = items
        .iter()
        .filter(|item| item.support == Support::Supported)
        .count();
    outcome = outcome
        .with("registry_url", client.target().url.as_str())
        .with("distribution_version", version);
    for (key, capability) in SUPPORTS {
        outcome = outcome.with(key, support(capability).as_str());
    }
    outcome = outcome.with("capability_score", format!("{supported}/6"));
    for item in items {
        if let (Some((reason, message)), Some(key)) = (&item.why, item.note_key()) {
            outcome = outcome.with(key, format!("{}: {message}", reason.as_str()));
        }
    }
    if let Some(reason) = outcome.reason {
        outcome.remediation = remedy::steps(reason, client.target(), remedy::PUSH_ROLE);
    }
    outcome
}

/// The evidence keys of the source document.
const SUPPORTS: [(&str, Capability); 5] = [
    ("supports_referrers_api", Capability::ReferrersApi),
    ("supports_chunked_upload", Capability::ChunkedUpload),
    ("supports_cross_repo_mount", Capability::CrossRepoMount),
    ("supports_manifest_delete", Capability::ManifestDelete),
    ("supports_blob_delete", Capability::BlobDelete),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;

    fn items(support: [Support; 6]) -> Vec<Item> {
        Capability::ALL
            .iter()
            .zip(support)
            .map(|((capability, _), support)| match support {
                Support::Unknown => Item::unknown(*capability, Reason::Forbidden, "x"),
                known => Item::new(*capability, known, None),
            })
            .collect()
    }

    #[test]
    fn the_status_of_six_items() {
        use Support::{Supported as Y, Unknown as U, Unsupported as N};
        for (support, status, reason, message) in [
            (
                [Y, Y, Y, Y, Y, Y],
                Status::Pass,
                None,
                "Full capability support (6/6)",
            ),
            (
                [Y, N, Y, Y, Y, N],
                Status::Warn,
                Some(Reason::Unsupported),
                "Partial capability support (4/6)",
            ),
            (
                [Y, Y, Y, Y, Y, N],
                Status::Info,
                Some(Reason::Unsupported),
                "Partial capability support (5/6)",
            ),
            (
                [Y, Y, Y, Y, U, U],
                Status::Info,
                Some(Reason::Forbidden),
                "Partial capability support (4/6)",
            ),
            (
                [Y, U, U, U, U, U],
                Status::Info,
                Some(Reason::Forbidden),
                "Partial capability support (1/6)",
            ),
            (
                [U, U, U, U, U, U],
                Status::Unknown,
                Some(Reason::Forbidden),
                "No capability could be found out",
            ),
        ] {
            let outcome = verdict(&items(support));
            assert_eq!(
                (outcome.status, outcome.reason),
                (status, reason),
                "{support:?}"
            );
            assert_eq!(outcome.message, message, "{support:?}");
            let known = support.iter().filter(|support| **support != U).count();
            assert_eq!(
                outcome.facts.len(),
                known,
                "{support:?}: only proofs are facts"
            );
        }
    }
}
