//! The README is true: its commands run, its configurations load, its links lead
//! somewhere, and what it names exists.

mod text;

use std::{collections::BTreeSet, fs, path::Path};

use oci_registry_exporter::{
    checks::CATALOG,
    config::{self, Config, Environment},
    exposition::{self, Kind},
};
use registry_sim::{Profile, RegistrySim};

use crate::{
    cli::{daemon::Daemon, run::Workplace},
    compatibility,
    demo::demo,
};
pub(crate) use text::Readme;

/// How each command of the README is checked. A line that is not here is refused, and
/// so is a row whose line is no longer there.
const COMMANDS: [(&str, How); 22] = [
    ("cargo run --release --example demo", How::Demo),
    ("./tests/run", How::Tests),
    ("cargo install --locked --path .", How::Install),
    ("oci-registry-exporter config check", How::Run),
    ("oci-registry-exporter check", How::Run),
    ("oci-registry-exporter", How::Daemon),
    ("curl http://127.0.0.1:9968/metrics", How::Scrape),
    (
        "oci-registry-exporter check production --check pull --verbose",
        How::Run,
    ),
    (
        "oci-registry-exporter check --tag registry --format json --output registry-health.json",
        How::Run,
    ),
    (
        "docker compose -f examples/compose/compose.yml up --build",
        How::Files("deployment::compose_mounts_what_is_there"),
    ),
    (
        "kubectl create namespace oci-registry-exporter",
        How::Files("deployment::the_manifests_of_kubernetes_fit_together"),
    ),
    (
        "kubectl -n oci-registry-exporter apply -f examples/kubernetes/exporter.yml",
        How::Files("deployment::the_manifests_of_kubernetes_fit_together"),
    ),
    (
        "helm install watch examples/helm/oci-registry-exporter --namespace oci-registry-exporter --create-namespace --values my-values.yaml",
        How::Files("lab::helm::the_values_of_the_readme_are_good"),
    ),
    ("cargo build --release --locked", How::Install),
    (
        "sudo install -D -m 0755 target/release/oci-registry-exporter /usr/bin/oci-registry-exporter",
        How::Place,
    ),
    (
        "sudo install -D -m 0644 oci-registry-exporter.yml /etc/oci-registry-exporter/config.yml",
        How::Place,
    ),
    (
        "sudo install -D -m 0644 examples/systemd/oci-registry-exporter.service /etc/systemd/system/oci-registry-exporter.service",
        How::Place,
    ),
    (
        "sudo systemctl enable --now oci-registry-exporter",
        How::Files("deployment::the_unit_is_one_and_is_locked_up"),
    ),
    ("./examples/release/build", How::Tests),
    (
        "sudo apt install ./target/dist/oci-registry-exporter_0.1.0-1_amd64.deb",
        How::Files("package::the_package_is_installed_runs_and_goes_without_a_trace"),
    ),
    ("oci-registry-exporter checks", How::Run),
    ("oci-registry-exporter check --help", How::Run),
];

#[derive(Clone, Copy)]
enum How {
    /// The built example once: without an end it would run until Ctrl-C
    /// (`demo::it_serves_until_it_is_interrupted_and_leaves_nothing_behind`).
    Demo,
    /// It runs this test, or takes minutes (`./tests/run package` runs it), so it is asked for
    /// its usage.
    Tests,
    /// There is no cluster, container engine or systemd here, and no system to install on: the
    /// files that it names are there, and this test reads, renders or installs them.
    Files(&'static str),
    /// Run, without `sudo`, into a folder that stands for `/`.
    Place,
    /// The binary that is tested here is what it installs, and `tests/run` builds it
    /// in release form with the same lock file.
    Install,
    /// Run in a folder with the README's configuration, its registry simulated; exits with 0.
    Run,
    /// As `Run`, on a free port, until it has answered a scrape.
    Daemon,
    /// The page of that daemon; the URL is the usual port's.
    Scrape,
}

#[test]
fn every_block_is_of_a_kind_that_is_checked() {
    for (language, block) in Readme::read().fenced() {
        assert!(
            ["console", "yaml"].contains(&language),
            "```{language}\n{block}"
        );
    }
}

#[tokio::test]
async fn every_command_does_what_it_says() {
    let readme = Readme::read();
    let lines: Vec<&str> = readme.blocks("console").flat_map(str::lines).collect();
    let known: BTreeSet<&str> = COMMANDS.iter().map(|(line, _)| *line).collect();
    let there: BTreeSet<&str> = lines.iter().copied().collect();
    assert_eq!(there, known, "commands of the README against COMMANDS");

    let sim = RegistrySim::profile(Profile::NATIVE)
        .user("robot$probe", PASSWORD, [("platform/canary", "pull,push")])
        .start()
        .await;
    sim.push_image("platform/canary", "latest");
    let place = workplace(&readme, &sim);
    for (line, how) in COMMANDS {
        match how {
            How::Demo => succeeds(line, demo().arg("--once")).await,
            How::Tests => {
                let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(line);
                let mut usage = tokio::process::Command::new(script);
                succeeds(line, usage.arg("--help")).await;
            }
            How::Install => is_what_is_tested(),
            How::Files(test) => {
                text::has_test(test);
                for word in line.split(' ').filter(|word| word.starts_with("examples/")) {
                    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(word);
                    assert!(path.exists(), "{line}");
                }
            }
            How::Place => succeeds(line, &mut placed(line, &place)).await,
            How::Run => succeeds(line, &mut place.command(&arguments(line))).await,
            How::Daemon => {
                let mut daemon = Daemon::start(&place, &arguments(line)).await;
                daemon
                    .page("/metrics", r#"oci_registry_pull_authorized{registry="production",repository="platform/canary",credential="inline"} 1"#)
                    .await;
                daemon.signal("TERM").await;
                let (code, log) = daemon.end().await;
                assert_eq!(code, Some(0), "{log}");
            }
            How::Scrape => {
                let help = place.run(&["serve", "--help"]).await.stdout;
                assert!(help.contains("[default: :9968]"), "{help}");
                assert!(help.contains("[default: /metrics]"), "{help}");
            }
        }
    }
    the_unit_starts_what_was_placed(&place);
    let report = fs::read_to_string(place.path("registry-health.json")).expect("`--output`");
    assert!(report.contains("\"registry\": \"production\""), "{report}");
}

#[test]
fn every_configuration_loads_without_a_warning() {
    let readme = Readme::read();
    let own: Vec<&str> = readme.configurations().collect();
    assert!(!own.is_empty());
    for yaml in own {
        let config = parsed(yaml);
        assert_eq!(config.warnings.len(), 0, "{:?}", config.warnings);
    }
}

/// As far as Prometheus' own words need no Prometheus; the lab runs a real one.
#[test]
fn the_scrape_configuration_names_the_usual_port() {
    let readme = Readme::read();
    let [yaml] = readme.scrape_configurations().collect::<Vec<_>>()[..] else {
        panic!("one block with `scrape_configs:`");
    };
    let config: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    let job = &config["scrape_configs"][0];
    assert_eq!(job["job_name"], "oci-registry-exporter");
    assert_eq!(job["static_configs"][0]["targets"][0], "localhost:9968");
}

#[test]
fn every_link_leads_somewhere() {
    let readme = Readme::read();
    let links: Vec<&str> = readme.links().collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        if link.starts_with("https://") {
            continue;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(link);
        assert!(path.exists(), "{link}");
    }
}

#[test]
fn every_check_is_there_and_no_other() {
    let readme = Readme::read();
    let named: BTreeSet<&str> = readme.words("check.integration.oci.").collect();
    let catalogue: BTreeSet<&str> = CATALOG.iter().map(|check| check.name.id()).collect();
    assert_eq!(named, catalogue);
}

#[test]
fn every_metric_named_exists() {
    let readme = Readme::read();
    let known: BTreeSet<&str> = exposition::families().map(|family| family.name).collect();
    for name in readme.words("oci_registry_") {
        assert!(known.contains(name), "{name}");
    }
}

#[tokio::test]
async fn every_flag_named_exists() {
    let readme = Readme::read();
    let place = Workplace::empty();
    let mut help = String::new();
    for command in [
        &["--help"][..],
        &["check", "--help"],
        &["config", "show", "--help"],
    ] {
        help += &place.run(command).await.stdout;
    }
    let of_others = [
        // cargo
        "--release",
        "--example",
        "--locked",
        "--path",
        // Docker, Helm, systemctl
        "--build",
        "--namespace",
        "--create-namespace",
        "--values",
        "--now",
        // tests/run
        "--fast",
        "--full",
    ];
    for flag in readme.words("--") {
        assert!(
            of_others.contains(&flag)
                || help.contains(&format!("{flag} "))
                || help.contains(&format!("{flag}\n")),
            "{flag}"
        );
    }
}

#[test]
fn the_tables_are_the_catalogue_and_the_matrix() {
    for (begin, end, text) in [
        ("<!-- metrics: ", "<!-- end of metrics -->", metrics()),
        (
            "<!-- flags: ",
            "<!-- end of flags -->",
            oci_registry_exporter::cli::reference::flags(),
        ),
        (
            "<!-- matrix: ",
            "<!-- end of matrix -->",
            compatibility::table(),
        ),
        (
            "<!-- known issues: ",
            "<!-- end of known issues -->",
            compatibility::known_issues(),
        ),
    ] {
        // Read again each time: the one before may have been written anew.
        Readme::read().hold_between(begin, end, &text);
    }
}

/// Holds a table that another test measures.
pub(crate) fn hold(begin: &str, end: &str, table: &str) {
    Readme::read().hold_between(begin, end, table);
}

fn metrics() -> String {
    let rows = exposition::families().map(|family| {
        let kind = match family.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        let labels = family.labels.join(", ");
        let help = family.help.replace('|', "\\|");
        format!("| `{}` | {kind} | {labels} | {help} |\n", family.name)
    });
    let rows: String = rows.collect();
    format!("\n| name | type | labels | meaning |\n|---|---|---|---|\n{rows}\n")
}

/// A folder where the README's commands run: its configuration, with a registry that is there.
fn workplace(readme: &Readme, sim: &RegistrySim) -> Workplace {
    let yaml = readme.configurations().next().expect("a configuration");
    let (url, file) = (
        "https://registry.example.com",
        "/etc/secrets/registry-password",
    );
    assert!(yaml.contains(url) && yaml.contains(file), "{yaml}");
    let place = Workplace::new(&yaml.replace(url, &sim.url()).replace(file, "password"));
    fs::write(place.path("password"), PASSWORD).expect("a file in the own folder");
    place
}

fn is_what_is_tested() {
    let script = text::file("tests/run");
    assert!(script.contains("cargo build --locked --release --bins"));
    assert!(text::file("Cargo.toml").contains("default-run = \"oci-registry-exporter\""));
}

/// A line of `sudo install`, into a folder that stands for `/`.
fn placed(line: &str, place: &Workplace) -> tokio::process::Command {
    let root = place.path("root");
    let mut words = line.split(' ').skip(1);
    let mut install = tokio::process::Command::new(words.next().expect("install"));
    for word in words {
        match word {
            "target/release/oci-registry-exporter" => {
                install.arg(env!("CARGO_BIN_EXE_oci-registry-exporter"))
            }
            "oci-registry-exporter.yml" => install.arg(place.path(word)),
            _ if word.starts_with('/') => install.arg(root.join(&word[1..])),
            _ => install.arg(word),
        };
    }
    install.current_dir(env!("CARGO_MANIFEST_DIR"));
    install
}

fn the_unit_starts_what_was_placed(place: &Workplace) {
    let unit =
        fs::read_to_string(place.path("root/etc/systemd/system/oci-registry-exporter.service"));
    let unit = unit.expect("the unit");
    for path in [
        "/usr/bin/oci-registry-exporter",
        "/etc/oci-registry-exporter/config.yml",
    ] {
        assert!(unit.contains(path), "{path}: {unit}");
        assert!(place.path("root").join(&path[1..]).is_file(), "{path}");
    }
}

async fn succeeds(line: &str, command: &mut tokio::process::Command) {
    let ended = command.output().await.expect("it starts");
    assert!(ended.status.success(), "{line}: {ended:?}");
}

/// The words behind `oci-registry-exporter`.
fn arguments(line: &str) -> Vec<&str> {
    line.split(' ').skip(1).collect()
}

fn parsed(yaml: &str) -> Config {
    config::parse(yaml, "README.md", Path::new("/"), &Environment::default())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

const PASSWORD: &str = "only-for-the-simulator";
