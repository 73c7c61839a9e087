//! Many repositories and many credential sets of one registry: what a cycle costs, and
//! sets that lie in directories.

use std::{fmt::Write as _, fs, path::PathBuf};

use oci_registry_exporter::{
    checks,
    config::{self, Environment},
    outcome::{CheckName, Reason, Status},
};
use registry_sim::{Profile, RegistrySim, Scheme};
use tempfile::TempDir;

use crate::asked::Asked;

const EVERY: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

/// A registry with so many repositories, each with a robot account of its own.
async fn robots(count: usize) -> (RegistrySim, Asked) {
    let names: Vec<(String, String)> = (0..count)
        .map(|index| (format!("team-{index}/canary"), format!("robot-{index}")))
        .collect();
    let mut builder = RegistrySim::profile(Profile::HARBOR_2_11).auth(Scheme::Bearer);
    for (repository, robot) in &names {
        let rights = [(repository.as_str(), "pull,push,delete")];
        builder = builder.user(robot, "s3cret-canary", rights);
    }
    let sim = builder.start().await;
    let mut yaml = "credentials:\n".to_owned();
    for (index, (_, robot)) in names.iter().enumerate() {
        let _ = writeln!(
            yaml,
            "  team-{index}: {{username: {robot}, password: s3cret-canary, hosts: [127.0.0.1]}}"
        );
    }
    let _ = writeln!(
        yaml,
        "registries:\n  - url: {}\n    repositories:",
        sim.url()
    );
    for (index, (repository, _)) in names.iter().enumerate() {
        sim.push_image(repository, "latest");
        let _ = writeln!(
            yaml,
            "      - {{name: {repository}, credentials: team-{index}, push: true}}"
        );
    }
    (sim, Asked::of(&yaml))
}

/// Twenty repositories to a connection, the next at once on a new one; whatever is the
/// registry's is asked once.
#[tokio::test]
async fn many_repositories_share_connections_and_what_is_the_registrys() {
    for (count, connections) in [(1, 1), (20, 1), (21, 2), (45, 3)] {
        let (sim, asked) = robots(count).await;
        let cycle = asked.cycle(&EVERY).await;
        let reports = cycle.reports();
        // Credentials, pull and push of each; referrers and capabilities of the registry.
        assert_eq!(reports.len(), 3 * count + 2, "{count}");
        for report in &reports {
            let status = report.outcome.status;
            assert!(
                [Status::Pass, Status::Info].contains(&status),
                "{:?}",
                report.outcome
            );
        }
        let asked_for = |wanted: &str| {
            let requests = reports.iter().flat_map(|report| &report.requests);
            requests
                .filter(|sent| sent.operation.as_str() == wanted)
                .count()
        };
        assert_eq!(asked_for("ping"), 1, "{count}");
        assert_eq!(asked_for("ping_auth"), count, "{count}");
        // The list, and once more with a filter.
        assert_eq!(asked_for("referrers"), 2, "{count}");
        assert_eq!(sim.connections(), connections, "{count}");
    }
}

/// Nothing is asked in another order than before where one connection is enough.
#[tokio::test]
async fn few_repositories_are_asked_in_the_order_of_the_catalogue() {
    let (_sim, asked) = robots(3).await;
    let cycle = asked.cycle(&EVERY).await;
    let reported: Vec<_> = cycle
        .reports()
        .into_iter()
        .map(|report| report.subject)
        .collect();
    let questions: Vec<_> = checks::questions(asked.target())
        .into_iter()
        .map(|(subject, _)| subject)
        .collect();
    assert_eq!(reported, questions);
}

/// What is unreachable is found out once, and not for every repository anew.
#[tokio::test]
async fn an_outage_is_one_finding() {
    let (sim, asked) = robots(45).await;
    sim.set_entrance(registry_sim::Entrance::Closed);
    let cycle = asked
        .cycle(&[CheckName::Credentials, CheckName::Pull])
        .await;
    let requests: usize = cycle.reports().iter().map(|it| it.requests.len()).sum();
    assert!(requests <= 2, "{requests}");
    assert_eq!(cycle.reports().len(), 90);
}

/// A directory of a mounted Secret.
struct Mounted(TempDir);

impl Mounted {
    fn with(files: &[(&str, &str)]) -> Self {
        let mounted = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            mounted.write(name, content);
        }
        mounted
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

async fn sim() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", "s3cret-canary", [("team/app", "pull,push")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

#[tokio::test]
async fn a_directory_is_read_anew_in_every_cycle_and_never_replaced_by_nobody() {
    let sim = sim().await;
    let mounted = Mounted::with(&[("username", "robot\n"), ("password", "s3cret-canary\n")]);
    let keys = format!(
        "test_repository: team/app\ndir: {}",
        mounted.0.path().display()
    );
    let asked = Asked::sim(&sim, &keys);
    assert_eq!(asked.reads().await.verdicts(), ["pass"; 3]);

    fs::remove_file(mounted.path("password")).unwrap();
    sim.take_requests();
    let cycle = asked.reads().await;
    for report in cycle.reports() {
        if report.subject.check == CheckName::Credentials {
            assert_eq!(report.outcome.status, Status::Fail);
            assert_eq!(report.outcome.reason, Some(Reason::Config));
            let message = &report.outcome.message;
            assert!(
                message.contains("holds `username` without `password`"),
                "{message}"
            );
        }
        assert_ne!(report.outcome.status, Status::Pass, "{:?}", report.outcome);
    }
    assert!(
        sim.take_requests().iter().all(|it| it.path == "/v2/"),
        "a token was asked for in nobody's name"
    );

    mounted.write("password", "s3cret-canary");
    mounted.write("expires", "2099-01-01");
    let cycle = asked.cycle(&[CheckName::Credentials]).await;
    let outcome = &cycle.reports()[0].outcome;
    assert_eq!(outcome.status, Status::Pass, "{outcome:?}");
    let shown = format!("{:?}", outcome.evidence);
    assert!(shown.contains("2099-01-01T00:00:00Z"), "{shown}");
}

/// A set of `credential_dirs` goes only where its own files let it go.
#[tokio::test]
async fn a_directory_of_directories_says_itself_where_its_sets_may_go() {
    let sim = sim().await;
    let all = tempfile::tempdir().unwrap();
    let write = |set: &str, name: &str, content: &str| {
        fs::create_dir_all(all.path().join(set)).unwrap();
        fs::write(all.path().join(set).join(name), content).unwrap();
    };
    for set in ["team-a", "silent", "elsewhere", ".hidden"] {
        write(set, "username", "robot");
        write(set, "password", "s3cret-canary");
    }
    write("team-a", "hosts", "127.0.0.1\n");
    write("elsewhere", "hosts", "registry.example.com\n");
    fs::write(all.path().join("README"), "no directory").unwrap();
    let yaml = |set: &str| {
        format!(
            "credential_dirs: ['{}/*']\nregistries:\n  - url: {}\n    test_repository: team/app\n    credentials: {set}\n",
            all.path().display(),
            sim.url()
        )
    };
    assert_eq!(
        Asked::of(&yaml("team-a")).reads().await.verdicts(),
        ["pass"; 3]
    );

    let cycle = Asked::of(&yaml("silent"))
        .cycle(&[CheckName::Credentials])
        .await;
    let outcome = &cycle.reports()[0].outcome;
    assert_eq!(outcome.reason, Some(Reason::Config));
    assert!(
        outcome.message.contains("does not say where"),
        "{}",
        outcome.message
    );

    let refused = |set: &str| {
        config::parse(
            &yaml(set),
            "test.yml",
            std::path::Path::new("/"),
            &Environment::default(),
        )
        .unwrap_err()
        .to_string()
    };
    let message = refused("elsewhere");
    let host = sim.host();
    assert!(
        message.contains(&format!(
            "the credential set `elsewhere` may not be sent to `{host}`: its hosts are `registry.example.com`"
        )),
        "{message}"
    );
    assert!(refused(".hidden").contains("there is no credential set `.hidden`"));
    assert!(refused("README").contains("there is no credential set `README`"));
}

/// The certificate lies beside the password, and is shown to the registry alone.
#[tokio::test]
async fn a_client_certificate_in_a_directory_is_shown() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .tls(true)
        .client_certificate()
        .auth(Scheme::Basic)
        .user("robot", "s3cret-canary", [("team/app", "pull,push")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let identity = sim.client_identity().unwrap();
    let mounted = Mounted::with(&[("username", "robot"), ("password", "s3cret-canary")]);
    let keys = format!(
        "test_repository: team/app\ndir: {}",
        mounted.0.path().display()
    );
    let asked = Asked::sim(&sim, &keys);
    let without = asked.cycle(&[CheckName::Credentials]).await;
    assert_eq!(without.reports()[0].outcome.reason, Some(Reason::Tls));

    mounted.write("tls.key", &identity.key_pem);
    let half = asked.cycle(&[CheckName::Credentials]).await;
    let outcome = &half.reports()[0].outcome;
    assert_eq!(outcome.reason, Some(Reason::Config), "{outcome:?}");

    mounted.write("tls.crt", &identity.certificate_pem);
    let asked = Asked::sim(&sim, &keys);
    assert_eq!(asked.reads().await.verdicts(), ["pass"; 3]);
}
