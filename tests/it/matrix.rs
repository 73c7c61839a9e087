//! Every profile of the simulator in every credential situation: what the five
//! checks say, as one table that a person can read (`tests/golden/matrix.txt`).
//!
//! A `*` marks what rests on a fact that nobody has seen (`Profile::unknown`).

mod requests;
mod situation;

use std::fmt::Write as _;

use oci_registry_exporter::outcome::{Capability, CheckName, Fact, Status, Value};
use registry_sim::{Profile, RegistrySim, Scheme, profile::Unknown};

use self::situation::Situation;
use crate::{
    asked::{Asked, Cycle, verdict},
    golden,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_registry_in_every_situation() {
    let blocks: Vec<_> = products()
        .map(|profile| tokio::spawn(block(profile)))
        .collect();
    let mut text = HEAD.to_owned();
    for block in blocks {
        text.push_str(&block.await.expect("a block"));
    }
    golden::compare("matrix.txt", &text);
}

/// GitLab resolves the referrers tag to the subject itself: that is no fallback in use.
#[tokio::test]
async fn the_subject_under_the_referrers_tag_is_no_fallback() {
    for (profile, with_referrer, present) in [
        (&Profile::GITLAB, false, false),
        (&Profile::GITLAB, true, true),
        (&Profile::DISTRIBUTION_2_8, true, true),
        (&Profile::DISTRIBUTION_2_8, false, false),
    ] {
        let sim = RegistrySim::profile(profile)
            .auth(situation::scheme(profile))
            .anonymous([("team/app", "pull")])
            .start()
            .await;
        let digest = sim.push_image("team/app", "latest");
        if with_referrer {
            sim.push_referrer("team/app", &digest, "application/spdx+json");
        }
        let cycle = Asked::sim(&sim, "test_repository: team/app")
            .cycle(&[CheckName::Referrers])
            .await;
        let evidence = cycle.outcome(CheckName::Referrers).evidence;
        assert_eq!(
            evidence.value("fallback_tag_present"),
            Some(&Value::Flag(present)),
            "{}, {with_referrer}",
            profile.name
        );
    }
}

/// All but the two that are nobody's product.
fn products() -> impl Iterator<Item = &'static Profile> {
    Profile::ALL
        .iter()
        .copied()
        .filter(|profile| !["plain", "native"].contains(&profile.name))
}

async fn block(profile: &'static Profile) -> String {
    let mut text = format!("\n{}", profile.name);
    let scheme = situation::scheme(profile);
    let kind = match scheme {
        Scheme::None => " (asks nobody who they are)",
        Scheme::Basic if !profile.auth.rights_with_basic => " (knows no rights)",
        Scheme::Basic | Scheme::Bearer => "",
    };
    text.push_str(kind);
    let unknown: Vec<&str> = profile.unknown.iter().map(|fact| fact.as_str()).collect();
    if !unknown.is_empty() {
        write!(text, "\n  * assumed: {}", unknown.join(", ")).expect("a string");
    }
    text.push('\n');
    for situation in Situation::ALL {
        if !situation.exists(profile) {
            continue;
        }
        let cycle = situation.asked(profile).await;
        writeln!(text, "{}", line(profile, situation, &cycle)).expect("a string");
    }
    text
}

fn line(profile: &Profile, situation: Situation, cycle: &Cycle) -> String {
    let mut cells = vec![format!("  {:<19}", situation.name())];
    for report in cycle.reports() {
        let outcome = &report.outcome;
        let check = report.subject.check;
        let mut cell = verdict(outcome.status, outcome.reason);
        if check == CheckName::Push
            && let Some(Value::Text(end)) = outcome.evidence.value("upload_session")
        {
            write!(cell, " {end}").expect("a string");
        }
        if assumed(profile, situation, check, outcome.status) {
            cell.push('*');
        }
        let width = if check == CheckName::Push { 30 } else { 22 };
        cells.push(format!("{cell:<width$}"));
    }
    let capabilities = cycle.outcome(CheckName::Capabilities);
    for (capability, rests_on) in CAPABILITIES {
        let has = capabilities.facts.iter().find_map(|fact| match fact {
            Fact::Capability(which, has) if *which == capability => Some(*has),
            _ => None,
        });
        let word = match has {
            Some(true) => "yes",
            Some(false) => "no",
            None => "?",
        };
        let asked = has.is_some() || situation == Situation::Good;
        let star = asked && rests_on.is_some_and(|fact| profile.unknown.contains(&fact));
        cells.push(format!(
            "{:<5}",
            format!("{word}{}", if star { "*" } else { "" })
        ));
    }
    cells.concat().trim_end().to_owned()
}

/// Whether what a check says here rests on an answer that nobody has seen.
fn assumed(profile: &Profile, situation: Situation, check: CheckName, status: Status) -> bool {
    if status == Status::Skip {
        return false;
    }
    let unknown = |fact| profile.unknown.contains(&fact);
    let of_situation = match situation {
        Situation::WrongPassword => unknown(Unknown::WrongPassword),
        Situation::Expired => {
            unknown(Unknown::ExpiredPassword)
                || (unknown(Unknown::WrongPassword)
                    && profile.auth.expired.is_none()
                    && profile.token.expired_password.is_none())
        }
        Situation::NoPull => check != CheckName::Credentials && unknown(Unknown::MissingRight),
        Situation::NoPush => check == CheckName::Push && unknown(Unknown::MissingRight),
        Situation::NoDelete => check == CheckName::Push && unknown(Unknown::Cancel),
        Situation::Good | Situation::Anonymous | Situation::Public => false,
    };
    let answered = matches!(status, Status::Pass | Status::Warn);
    of_situation || (check == CheckName::Referrers && answered && unknown(Unknown::Referrers))
}

const CAPABILITIES: [(Capability, Option<Unknown>); 6] = [
    (Capability::DistributionVersion, None),
    (Capability::ReferrersApi, Some(Unknown::Referrers)),
    (Capability::ChunkedUpload, Some(Unknown::Chunks)),
    (Capability::CrossRepoMount, Some(Unknown::Mount)),
    (Capability::ManifestDelete, Some(Unknown::ManifestDelete)),
    (Capability::BlobDelete, Some(Unknown::BlobDelete)),
];

const HEAD: &str = "\
What the five checks say of every simulated registry, and what the six capabilities
are found to be: version header, referrers API, chunked upload, cross-repository
mount, deletion of manifests and of blobs (`?`: not found out).

                     credentials           pull                  push and its session          referrers             capabilities          vers refs chnk mnt  mdel bdel
";
