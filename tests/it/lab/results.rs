//! What the checks say of every real server, with good, wrong and no
//! credentials: one table, compared with tests/golden/lab.txt.

use std::fmt::Write as _;

use super::registry::{Kind, REPOSITORY, Registry, good, wrong};
use crate::{asked::Asked, golden};

/// The servers of the read-only checks.
const KINDS: [Kind; 6] = [
    Kind::Anonymous,
    Kind::Htpasswd,
    Kind::Token,
    Kind::Ferro,
    Kind::TooManyRequests,
    Kind::Html,
];

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_tell_the_truth_about_real_servers() {
    let mut table = format!(
        "{:<24} {:<6} {:<20} {:<20} {:<22} {:<46} requests\n",
        "server", "login", "credentials", "pull", "referrers", "facts",
    );
    for kind in KINDS {
        let Some(registry) = Registry::start(kind).await else {
            return;
        };
        if kind.holds_images() {
            registry.fill().await;
        }
        for (name, login) in [
            ("good", Some(good())),
            ("wrong", Some(wrong())),
            ("none", None),
        ] {
            let login = login.map_or_else(String::new, |login| {
                format!(
                    "\nusername: {}\npassword: {}",
                    login.username, login.password
                )
            });
            let yaml = format!(
                "registries:\n  - name: lab\n    url: {}\n    test_repository: {REPOSITORY}{}\n",
                registry.url,
                login.replace('\n', "\n    ")
            );
            // Each login comes anew: nothing is remembered of the one before.
            let cycle = Asked::of(&yaml).reads().await;
            let verdicts = cycle.verdicts();
            writeln!(
                table,
                "{:<24} {name:<6} {:<20} {:<20} {:<22} {:<46} {}",
                kind.name(),
                verdicts[0],
                verdicts[1],
                verdicts[2],
                cycle.facts(),
                cycle.operations().join(" "),
            )
            .expect("a string takes everything");
        }
    }
    golden::compare("lab.txt", &table);
}
