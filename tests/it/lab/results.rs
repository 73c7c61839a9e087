//! What the checks say of every real server, with good, wrong, pull-only and no
//! credentials: one table, compared with tests/golden/lab.txt.

use std::fmt::Write as _;

use oci_registry_exporter::outcome::CheckName;

use super::{
    http::Login,
    registry::{Kind, REPOSITORY, Registry, good, reader, wrong},
};
use crate::{asked::Asked, golden};

#[tokio::test(flavor = "multi_thread")]
async fn the_checks_tell_the_truth_about_real_servers() {
    let mut tables = Vec::new();
    for kind in Kind::ALL {
        // One at a time would wait out each 429 after the other.
        tables.push(tokio::spawn(asked(kind)));
    }
    let mut text = String::new();
    for table in tables {
        match table.await.expect("a server's table") {
            Some(table) => text.push_str(&table),
            None => return,
        }
    }
    golden::compare("lab.txt", &text);
}

/// Apart, because not every Debian has it.
#[tokio::test(flavor = "multi_thread")]
async fn the_checks_tell_the_truth_about_crane() {
    if let Some(table) = asked(Kind::Crane).await {
        golden::compare("lab-crane.txt", &table);
    }
}

/// All five checks of one server, for each login anew: nothing is remembered.
async fn asked(kind: Kind) -> Option<String> {
    let registry = Registry::start(kind).await?;
    if kind.holds_images() {
        registry.fill().await;
    }
    let mut logins = vec![
        ("good", Some(good())),
        ("wrong", Some(wrong())),
        ("none", None),
    ];
    if kind == Kind::Token {
        logins.insert(1, ("pull-only", Some(reader())));
    }
    let mut text = String::new();
    for (name, login) in logins {
        let cycle = Asked::of(&configuration(&registry, login.as_ref()))
            .cycle(&CheckName::ALL.map(|(check, _)| check))
            .await;
        writeln!(text, "{} with {name} credentials", kind.name()).expect("a string");
        for report in cycle.reports() {
            let verdict = crate::asked::verdict(report.outcome.status, report.outcome.reason);
            let sent: Vec<&str> = report
                .requests
                .iter()
                .map(|sent| sent.operation.as_str())
                .collect();
            let line = format!(
                "  {:<13} {verdict:<22} {}",
                report.subject.check.as_str(),
                sent.join(" ")
            );
            writeln!(text, "{}", line.trim_end()).expect("a string");
        }
        let ends: Vec<&str> = cycle
            .observation()
            .sessions
            .iter()
            .map(|end| end.as_str())
            .collect();
        let line = format!("  proven        {}", cycle.facts());
        writeln!(text, "{}", line.trim_end()).expect("a string");
        if !ends.is_empty() {
            writeln!(text, "  sessions      {}", ends.join(" ")).expect("a string");
        }
        text.push('\n');
    }
    Some(text)
}

fn configuration(registry: &Registry, login: Option<&Login>) -> String {
    let login = login.map_or_else(String::new, |login| {
        format!(
            "    username: {}\n    password: {}\n",
            login.username, login.password
        )
    });
    format!(
        "registries:\n  - name: lab\n    url: {}\n    test_repository: {REPOSITORY}\n{login}",
        registry.url
    )
}
