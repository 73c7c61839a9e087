//! Requests per cycle, counted at the server, of every profile: the base for how
//! callers are recognised, and what adds to it or takes away.

use std::fmt::Write as _;

use oci_registry_exporter::outcome::CheckName;
use registry_sim::{
    Operation, Profile, Referrers, RegistrySim, Right, Scheme,
    profile::{Chunks, Mount, Writes},
};

use super::{
    products,
    situation::{ALL, Situation, scheme},
};
use crate::{
    asked::{Asked, READS},
    golden,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_cycle_costs_what_the_rules_allow() {
    let rows: Vec<_> = products()
        .filter(|profile| profile.is_registry())
        .map(|profile| tokio::spawn(row(profile)))
        .collect();
    let mut text = HEAD.to_owned();
    for row in rows {
        text.push_str(&row.await.expect("a row"));
    }
    golden::compare("requests.txt", &text);
}

async fn row(profile: &'static Profile) -> String {
    let reads = counted(profile, &READS).await;
    let all = counted(profile, &ALL).await;
    let mut text = format!("{:<27}", profile.name);
    for (count, base, more) in [
        (reads, read_base(profile), read_differences(profile)),
        (all, base(profile), differences(profile)),
    ] {
        let sum: i64 = more.iter().map(|(change, _)| change).sum();
        assert_eq!(count, base + sum, "{}: {base} {more:?}", profile.name);
        let mut formula = format!("{count:>2} = {base}");
        for (change, why) in more {
            let sign = if change < 0 { '-' } else { '+' };
            write!(formula, " {sign} {} {why}", change.abs()).expect("a string");
        }
        write!(text, "{formula:<27}").expect("a string");
    }
    format!("{}\n", text.trim_end())
}

/// A cycle with nothing remembered.
async fn counted(profile: &Profile, due: &[CheckName]) -> i64 {
    let sim = Situation::Good.sim(profile).await;
    let anonymous = scheme(profile) == Scheme::None;
    let configuration = if anonymous {
        let asker = Situation::Anonymous.configuration();
        format!("{asker}\nchecks: {{push: {{anonymous: true}}}}")
    } else {
        Situation::Good.configuration()
    };
    Asked::sim(&sim, &configuration).cycle(due).await;
    assert_eq!(sim.count(Operation::UploadPut), 0, "{}", profile.name);
    unused_sessions(profile, &sim);
    i64::try_from(sim.total_requests()).expect("few")
}

/// Every session is cancelled where the registry offers that.
fn unused_sessions(profile: &Profile, sim: &RegistrySim) {
    if profile.uploads.cancel_refused.is_none() {
        assert_eq!(sim.open_sessions(), 0, "{}", profile.name);
    }
}

fn read_base(profile: &Profile) -> i64 {
    match scheme(profile) {
        Scheme::None => 3,
        Scheme::Basic => 4,
        Scheme::Bearer => 6,
    }
}

fn read_differences(profile: &Profile) -> Vec<(i64, &'static str)> {
    let native = matches!(profile.referrers, Referrers::Native(_));
    (!native)
        .then_some((1, "fallback tag"))
        .into_iter()
        .collect()
}

fn base(profile: &Profile) -> i64 {
    match scheme(profile) {
        Scheme::None => 11,
        Scheme::Basic => 12,
        Scheme::Bearer if is_quay(profile) => 15,
        Scheme::Bearer => 16,
    }
}

/// In a cycle of all five. The fallback tag takes the place of the filter question.
fn differences(profile: &Profile) -> Vec<(i64, &'static str)> {
    if profile.writes != Writes::Allowed {
        return vec![(-6, "not writable")];
    }
    let mut all = Vec::new();
    if profile.name.starts_with("docker-hub") {
        all.push((-1, "no mount without a GET"));
    } else {
        all.push((1, "manifest"));
        if profile.mount == Mount::Never {
            all.push((1, "cancel of the mount"));
        }
    }
    let one_chunk = matches!(profile.uploads.chunks, Chunks::Refused(_))
        || matches!(profile.uploads.chunks, Chunks::AtLeast(..));
    if one_chunk {
        all.push((-1, "chunk"));
    }
    let second = scheme(profile) == Scheme::Bearer && profile.auth.cancel_needs == Right::Delete;
    // Harbor's tokens carry every right that is held, whatever was asked for.
    if second && !profile.token.grants_all_held {
        all.push((1, "second DELETE"));
    }
    all
}

fn is_quay(profile: &Profile) -> bool {
    profile.name.starts_with("quay")
}

const HEAD: &str = "\
Requests of a cycle with good credentials (open registries: with `push.anonymous`) in
which nothing is remembered, counted at the server: the base of each way to recognise
callers, and what adds to it.

                           three reads                all five
";
