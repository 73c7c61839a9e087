//! The compatibility matrix: as the README shows it, against simulated registries,
//! and that nothing but words depends on which product a registry is taken for.

use std::{collections::BTreeMap, fmt::Write as _};

use futures_util::{StreamExt, stream};
use oci_registry_exporter::{
    matrix::{Row, matrix},
    oci::PRODUCTS,
    outcome::{Capability, CheckName, Fact},
};
use registry_sim::{Fault, Logged, Operation, Profile, RegistrySim, Scheme};

use crate::{
    asked::{Asked, Cycle},
    cli::run::Workplace,
};

const ALL: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

const ROBOT: &str = "test_repository: team/app\nusername: robot\npassword: s3cret-canary\nretry: {attempts: 1, transient_attempts: 0}";

/// What the matrix speaks of; the version header is no matter of compatibility.
const COLUMNS: [(Capability, &str); 5] = [
    (Capability::ReferrersApi, "referrers API"),
    (Capability::ChunkedUpload, "chunked upload"),
    (Capability::CrossRepoMount, "mount"),
    (Capability::ManifestDelete, "manifest delete"),
    (Capability::BlobDelete, "blob delete"),
];

/// The README's table, with its notes.
pub(crate) fn table() -> String {
    let mut text = "\n| registry |".to_owned();
    for (_, title) in COLUMNS {
        write!(text, " {title} |").unwrap();
    }
    text.push_str(" recommended |\n|---|---|---|---|---|---|---|\n");
    for product in &matrix().products {
        write!(text, "| {} |", product.name).unwrap();
        for (capability, _) in COLUMNS {
            let rows = matrix().of(&product.product, capability).map(cell);
            let known = rows.collect::<Vec<_>>().join("; ");
            let known = if known.is_empty() { "unknown" } else { &known };
            write!(text, " {known} |").unwrap();
        }
        writeln!(text, " {} |", product.recommended).unwrap();
    }
    text.push_str("\n<details>\n<summary>Notes</summary>\n\n");
    for row in matrix().rows.iter().filter(|row| !row.note.is_empty()) {
        let name = matrix().name(&row.product);
        let title = COLUMNS
            .iter()
            .find(|(it, _)| *it == row.capability)
            .unwrap()
            .1;
        writeln!(
            text,
            "- {name}, {title}, {}: {} ({}).",
            cell(row),
            row.note,
            row.source
        )
        .unwrap();
    }
    text.push_str("\n</details>\n\n");
    text
}

fn cell(row: &Row) -> String {
    let value = row.value.as_str().replace('_', " ");
    match row.versions.to_string().as_str() {
        "any" => value,
        versions => format!("{value} ({versions})"),
    }
}

/// The README's known issues.
pub(crate) fn known_issues() -> String {
    let mut text = "\n".to_owned();
    for issue in &matrix().known_issues {
        writeln!(
            text,
            "- **{}.** {} {} {} {} ([source]({}), {})",
            issue.title,
            issue.issue,
            issue.impact,
            issue.workaround,
            issue.corrects,
            issue.source,
            issue.date
        )
        .unwrap();
    }
    text.push('\n');
    text
}

async fn sim_of(profile: &Profile) -> RegistrySim {
    let sim = RegistrySim::profile(profile)
        .user("robot", "s3cret-canary", [("team/app", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

/// Facts by what they are about.
fn facts(cycle: &Cycle) -> BTreeMap<String, String> {
    let facts = cycle.reports().into_iter().flat_map(|it| it.outcome.facts);
    facts
        .map(|fact| match fact {
            Fact::CredentialsValid(yes) => ("valid".to_owned(), yes.to_string()),
            Fact::PullAuthorized(yes) => ("pull".to_owned(), yes.to_string()),
            Fact::PushAuthorized(yes) => ("push".to_owned(), yes.to_string()),
            Fact::Capability(capability, yes) => (capability.as_str().to_owned(), yes.to_string()),
            Fact::Referrers(count) => ("referrers".to_owned(), count.to_string()),
            Fact::CredentialsExpiry(at, source) => (source.to_owned(), at.to_string()),
        })
        .collect()
}

/// Where the product decides what is asked, for safety: no GET on
/// Docker Hub, none behind Harbor's 403, no `delete` scope on Quay. Nothing else may depend on it.
const SAFETY: [&str; 3] = ["docker-hub", "harbor", "quay"];

/// `product:` set to every product, right or wrong: the verdicts and facts stay as they
/// are. Where one of the safety rules asks less, less is proven, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn no_fact_depends_on_the_product() {
    let compared: usize = stream::iter(Profile::ALL.iter().zip(taken_for()))
        .map(|(profile, products)| tokio::spawn(taken_for_each(profile, products)))
        .buffer_unordered(4)
        .map(|compared| compared.expect("what it asserts"))
        .fold(0, |sum, compared| std::future::ready(sum + compared))
        .await;
    assert!(compared > 30, "{compared}");
}

/// How many of the products were to change nothing at all.
async fn taken_for_each(profile: &'static Profile, products: Vec<&'static str>) -> usize {
    let plain = Asked::sim(&sim_of(profile).await, ROBOT).cycle(&ALL).await;
    let recognised = plain.observation().product.unwrap_or_default();
    let mut compared = 0;
    for product in products {
        let sim = sim_of(profile).await;
        let cycle = Asked::sim(&sim, &format!("{ROBOT}\nproduct: {product}"))
            .cycle(&ALL)
            .await;
        let about = format!("{} taken for {product}", profile.name);
        let (without, with) = (facts(&plain), facts(&cycle));
        if SAFETY.contains(&recognised) || SAFETY.contains(&product) {
            for (what, value) in &with {
                let other = without.get(what).unwrap_or(value);
                assert_eq!(value, other, "{about}: {what}");
            }
        } else {
            assert_eq!(with, without, "{about}");
            assert_eq!(cycle.verdicts(), plain.verdicts(), "{about}");
            compared += 1;
        }
        if product == "docker-hub" {
            assert_eq!(sim.count(Operation::ManifestGet), 0, "{about}");
        }
        if product == "quay" {
            let asks_delete = |it: &&Logged| {
                it.operation == Operation::Token && it.path_and_query().contains("delete")
            };
            let requests = sim.requests();
            let delete = requests.iter().find(asks_delete);
            assert!(delete.is_none(), "{about}: {delete:?}");
        }
    }
    compared
}

/// Those of the safety rules for every profile, the others in turn.
fn taken_for() -> impl Iterator<Item = Vec<&'static str>> {
    let mut others = PRODUCTS
        .into_iter()
        .filter(|it| !SAFETY.contains(it))
        .cycle();
    std::iter::repeat_with(move || SAFETY.into_iter().chain(others.by_ref().take(3)).collect())
}

/// A registry of a known product that does otherwise: a line and a metric, no other status.
#[tokio::test]
async fn what_differs_from_the_matrix_is_said() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::None)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    for (product, differs) in [("ghcr", true), ("zot", false)] {
        let place = Workplace::new(&format!(
            "registries: [{{name: r, url: {}, test_repository: team/app, product: {product}}}]",
            sim.url()
        ));
        let shown = place.run(&["check", "--check", "referrers"]).await.stdout;
        let line = "Differs from the compatibility matrix (GHCR): referrers_api is supported, expected: fallback\n";
        assert_eq!(shown.contains(line), differs, "{shown}");
        assert!(
            shown.contains("Overall: 1 passed, 0 warnings, 0 failures\n"),
            "{shown}"
        );
    }
}

/// A known issue is a hint in the report of a registry that it concerns.
#[tokio::test]
async fn a_known_issue_is_a_hint_where_it_shows() {
    for (profile, product, title) in [
        (&Profile::GHCR, "\nproduct: ghcr", "Known issue of GHCR: "),
        (
            &Profile::HARBOR_2_6,
            "",
            "Known issue of Harbor before 2.8: ",
        ),
        (&Profile::DISTRIBUTION_2_8, "", ""),
        (
            &Profile::DISTRIBUTION_2_8,
            "\nproduct: acr",
            "Known issue of ACR with customer-managed keys: ",
        ),
    ] {
        let sim = sim_of(profile).await;
        let cycle = Asked::sim(&sim, &format!("{ROBOT}{product}"))
            .cycle(&[CheckName::Referrers])
            .await;
        let hints = cycle.outcome(CheckName::Referrers).hints;
        let about = format!("{}{product}: {hints:?}", profile.name);
        assert_eq!(hints.len(), usize::from(!title.is_empty()), "{about}");
        assert!(hints.iter().all(|hint| hint.starts_with(title)), "{about}");
    }
}

/// `Warning: 299` headers are counted, and shown once, on one line each.
#[tokio::test]
async fn the_registrys_warnings_are_shown_once() {
    let sim = sim_of(&Profile::NATIVE).await;
    let warned = |status| {
        Fault::on(Operation::Referrers)
            .status(status)
            .header("warning", "299 - \"referrers go\taway\"")
            .header("warning", "110 - \"stale\"")
    };
    sim.fault(warned(404));
    let asked = Asked::sim(&sim, ROBOT);
    let seen = asked.cycle(&ALL).await.observation();
    assert_eq!(seen.warning_texts, ["referrers go away"]);
    assert_eq!(seen.warnings, 2 * sim.count(Operation::Referrers));
    let place = Workplace::new(&format!(
        "registries: [{{name: r, url: {}, test_repository: team/app, username: robot, password: s3cret-canary}}]",
        sim.url()
    ));
    let shown = place.run(&["check", "--verbose"]).await.stdout;
    let block = "\nThe registry warns:\n- referrers go away\n";
    assert_eq!(shown.matches(block).count(), 1, "{shown}");
    assert_eq!(shown.matches("go away").count(), 1, "{shown}");
}
