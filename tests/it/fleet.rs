//! Many repositories and many credential sets of one registry: what a cycle costs, and
//! sets that lie in directories.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use oci_registry_exporter::{
    checks,
    config::{self, Environment, Load, PushWish, Target},
    credentials::{Directory, Server, Source},
    discovery,
    exposition::{self, Exporter, Format, Lag, Process, View},
    outcome::{CheckName, Observation, Reason, Report, Status, Subject},
    probe::{Prober, Sink},
    scheduler::LAG_BUCKETS,
    store::Store,
};
use registry_sim::{Profile, RegistrySim, Scheme};
use tempfile::TempDir;

use crate::{asked::Asked, cli::run::Workplace};

const EVERY: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

/// A registry with so many repositories, each with a robot account of its own.
async fn robots(count: usize) -> (RegistrySim, String) {
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
    (sim, yaml)
}

/// Twenty repositories to a connection, the next at once on a new one; whatever is the
/// registry's is asked once.
#[tokio::test]
async fn many_repositories_share_connections_and_what_is_the_registrys() {
    for (count, connections) in [(1, 1), (20, 1), (21, 2), (45, 3)] {
        let (sim, yaml) = robots(count).await;
        let asked = Asked::of(&yaml);
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
    let (_sim, yaml) = robots(3).await;
    let asked = Asked::of(&yaml);
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
    let (sim, yaml) = robots(45).await;
    let asked = Asked::of(&yaml);
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
            Path::new("/"),
            &Environment::default(),
        )
        .unwrap_err()
        .to_string()
    };
    // Known before it is asked, and no reason to ask nobody else.
    let environment = Environment::default();
    let read = config::parse(&yaml("elsewhere"), "test.yml", Path::new("/"), &environment);
    let host = sim.host();
    assert_eq!(
        read.unwrap().warnings,
        [format!(
            "registries[0].credentials: the credential set `elsewhere` may not be sent to `{host}`: its hosts are `registry.example.com`; the credentials check will fail"
        )]
    );
    sim.take_requests();
    let cycle = Asked::of(&yaml("elsewhere")).reads().await;
    assert!(sim.take_requests().iter().all(|it| it.path == "/v2/"));
    let of_credentials = &cycle.reports()[0].outcome;
    assert_eq!(of_credentials.reason, Some(Reason::Config));
    let message = &of_credentials.message;
    assert!(message.contains("does not let the set go to"), "{message}");

    assert!(refused(".hidden").contains("there is no credential set `.hidden`"));
    assert!(refused("inline").contains("there is no credential set `inline`"));

    // A team's Secret that is yet to come keeps nobody else from being asked.
    let asked = Asked::of(&yaml("to-come"));
    let cycle = asked.cycle(&[CheckName::Credentials]).await;
    let outcome = &cycle.reports()[0].outcome;
    assert_eq!(outcome.reason, Some(Reason::Config));
    assert!(
        outcome.message.contains("does not exist"),
        "{}",
        outcome.message
    );
    write("to-come", "token", "x");
    write("to-come", "hosts", "registry.example.com\n*.example.org\n");
    let cycle = asked.cycle(&[CheckName::Credentials]).await;
    let message = &cycle.reports()[0].outcome.message;
    assert!(message.contains("does not let the set go to"), "{message}");
    write("to-come", "hosts", "127.0.0.1");
    let cycle = asked.cycle(&[CheckName::Credentials]).await;
    assert_eq!(
        cycle.reports()[0].outcome.reason,
        Some(Reason::Unauthorized)
    );
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

/// Takes what a daemon's store takes.
struct Stored(Store);

impl Sink for Stored {
    fn report(&self, report: Report) {
        self.0.put(report);
    }

    fn observe(&self, registry: &str, observation: Observation) {
        self.0.observe(registry, observation);
    }
}

/// The samples of the page after a cycle of all checks.
async fn samples(yaml: &str) -> (usize, usize) {
    let environment = Environment::default();
    let config = config::parse(yaml, "test.yml", Path::new("/"), &environment).unwrap();
    let sink = Stored(Store::new(&config.histogram_buckets));
    let prober = Prober::new();
    let mut scheduled = BTreeSet::new();
    for target in &config.registries {
        let questions = checks::questions(target);
        let (skipped, asked): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .partition(|(it, of)| checks::skipped(target, it.check, of).is_some());
        let subjects = |questions: Vec<(Subject, _)>| -> Vec<Subject> {
            questions.into_iter().map(|(subject, _)| subject).collect()
        };
        let (skipped, asked) = (subjects(skipped), subjects(asked));
        let due: Vec<Subject> = asked.iter().chain(&skipped).cloned().collect();
        prober.cycle(target, &due, &sink).await;
        scheduled.extend(asked);
    }
    let next_runs = scheduled.iter().map(|it| (it.clone(), SystemTime::now()));
    let view = View {
        next_runs: Arc::new(next_runs.collect()),
        store: sink.0.snapshot(),
        scheduled: Arc::new(scheduled),
        scope: exposition::Scope::default(),
        exporter: Exporter {
            version: "0",
            revision: "0",
            reload_successful: true,
            reload_success: SystemTime::now(),
            documents_good: BTreeMap::new(),
            heartbeat: Some(SystemTime::now()),
            cycles_in_flight: 0,
            lag: Lag::new(&LAG_BUCKETS, &[0; LAG_BUCKETS.len() + 1], 0.0),
        },
        process: Process::read(),
        config: Arc::new(config),
    };
    let page = exposition::encode(&view, Format::OpenMetrics).unwrap();
    let lines = page.lines().filter(|line| !line.starts_with('#')).count();
    (exposition::estimate(&view.config), lines)
}

/// What `config check` says of the size of a page is near enough to plan with.
#[tokio::test]
async fn the_estimate_of_series_is_near() {
    for count in [1, 20, 45] {
        let (_sim, yaml) = robots(count).await;
        for yaml in [&yaml, &yaml.replace(", push: true", "")] {
            let (estimate, found) = samples(yaml).await;
            println!("{count}: {estimate} {found}");
            assert!(
                estimate.abs_diff(found) * 10 <= found,
                "{count}: {estimate} against {found}"
            );
        }
    }
}

/// Who may write into the directory of directories cannot keep the exporter from starting.
#[test]
fn a_directory_with_an_impossible_name_is_left_out_and_said() {
    let all = tempfile::tempdir().unwrap();
    for set in ["anonymous", "platform", "team-a"] {
        fs::create_dir(all.path().join(set)).unwrap();
    }
    let yaml = format!(
        "credential_dirs: ['{}/*']\ncredentials: {{platform: {{token_file: x, hosts: [r.example.com]}}}}\nregistries: [{{url: https://r.example.com, credentials: platform}}]",
        all.path().display(),
    );
    let environment = Environment::default();
    let config = config::parse(&yaml, "test.yml", Path::new("/"), &environment).unwrap();
    assert_eq!(
        config.warnings,
        [
            "credential_dirs[0]: a directory is left out: its name `anonymous` is no name of a set",
            "credential_dirs[0]: a directory is left out: its name `platform` is taken",
        ]
    );
    let sets: Vec<&str> = config
        .credential_sets
        .iter()
        .map(|set| set.name.as_str())
        .collect();
    assert_eq!(sets, ["platform", "team-a"]);
    let platform = &config.registries[0].repositories[0].credential;
    assert!(matches!(platform.source, Source::Token(_)));
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/fleet")
        .join(name)
}

/// Checked where none of its secrets is mounted, as in a pipeline.
#[tokio::test]
async fn the_example_of_a_fleet_comes_to_forty_registries() {
    let file = example("oci-registry-exporter.yml");
    let file = file.to_str().unwrap();
    let ended = Workplace::empty()
        .run(&["--config.file", file, "config", "check"])
        .await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stdout,
        "configuration ok: 40 registries, 47 repositories, about 7441 series\n"
    );
    for line in ended.stderr.lines() {
        let mounted_later = line.contains(" yet");
        assert!(line.starts_with("warning: ") && mounted_later, "{line}");
    }
    let config = discovery::load(&Load {
        path: Some(file.into()),
        default_paths: Vec::new(),
        environment: Environment::default(),
    })
    .await
    .unwrap();
    let named = |name: &str| config.registries.iter().find(|it| it.name == name).unwrap();
    let ecr = |it: &&Arc<Target>| it.name.contains(".dkr.ecr.");
    assert_eq!(config.registries.iter().filter(ecr).count(), 18);
    let us = named("harbor-us.example.com");
    assert_eq!(us.repositories[0].credential.name, "harbor");
    assert_eq!(us.labels["owner"], "platform");
    let teams = &named("harbor-eu").repositories;
    assert_eq!(teams.len(), 8);
    // The last two are the team's own document.
    let of_team_a = &teams[6..];
    let named: Vec<&str> = of_team_a.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(named, ["team-a/canary", "team-a/base-images"]);
    for repository in of_team_a {
        assert_eq!(repository.credential.name, "team-a");
        assert_eq!(repository.labels["team"], "a");
    }
    assert_eq!(of_team_a[0].push, PushWish::Named);
    let [document] = &config.documents[..] else {
        panic!("one document: {:?}", config.documents);
    };
    assert!(
        document.taken && document.problems.is_none(),
        "{document:?}"
    );
    // Which is what profiles are for.
    let text = fs::read_to_string(file).unwrap();
    let shown = config::show(&config, false);
    assert!(text.lines().count() * 10 < shown.lines().count());
}

/// What the example reads is what its volumes bring.
#[test]
fn the_volumes_of_the_example_hold_its_secrets() {
    let text = fs::read_to_string(example("kubernetes-volumes.yml")).unwrap();
    let documents: Vec<serde_json::Value> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).unwrap())
        .collect();
    let [secret, deployment] = &documents[..] else {
        panic!("two documents");
    };
    let pod = &deployment["spec"]["template"]["spec"];
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let mounts: Vec<&str> = mounts
        .iter()
        .map(|mount| mount["mountPath"].as_str().unwrap())
        .collect();
    let main = fs::read_to_string(example("oci-registry-exporter.yml")).unwrap();
    let paths = main.split([' ', '}', ',', '\n']);
    let paths: Vec<&str> = paths.filter(|it| it.starts_with("/etc/")).collect();
    assert!(paths.len() > 5, "{paths:?}");
    for path in paths {
        let mounted = |mount: &&str| Path::new(path).starts_with(mount);
        assert!(mounts.iter().any(mounted), "{path}");
    }
    // The keys of the Secret are files that make a set.
    let mounted = Mounted::with(&[]);
    for (name, content) in secret["stringData"].as_object().unwrap() {
        mounted.write(name, content.as_str().unwrap());
    }
    let source = Source::Directory(Directory {
        path: mounted.0.path().to_owned(),
        hosts_known: false,
    });
    let at = |url: &str| {
        let server = Server::of(&url.parse().unwrap());
        source.look(&server, SystemTime::now()).unwrap()
    };
    assert!(at("https://harbor-eu.example.com").is_ok());
    assert!(at("https://harbor-us.example.com").is_err());
}
