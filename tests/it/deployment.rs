//! The examples of deployments: what they name exists, and what they configure loads.
//!
//! No cluster, container engine or systemd runs here: what these would read is
//! checked as they read it, piece by piece.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oci_registry_exporter::config::{self, Config, Environment};
use serde::Deserialize as _;
use serde_json::Value;

use crate::{
    cli::run::Workplace,
    lab::process::{self, Program},
};

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(example(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every document of a YAML file.
fn documents(path: &str) -> Vec<Value> {
    let text = text(path);
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents
        .map(|document| {
            Value::deserialize(document).unwrap_or_else(|error| panic!("{path}: {error}"))
        })
        .collect()
}

fn loaded(text: &str) -> Config {
    let config = config::parse(text, "config.yml", Path::new("/"), &Environment::default());
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    config
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    let mut found = documents.iter().filter(|it| it["kind"] == kind);
    found.next().unwrap_or_else(|| panic!("no {kind}"))
}

/// The flags of a command line are known to the program.
async fn are_flags(arguments: &[&str]) {
    let place = Workplace::new("registries: []\n");
    let own: Vec<&str> = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--config.file"))
        .copied()
        .chain(["--config.check"])
        .collect();
    let ended = place.run(&own).await;
    assert_eq!(ended.code, Some(0), "{own:?}: {}", ended.stderr);
}

fn strings(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|it| it.as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_manifests_of_kubernetes_fit_together() {
    let all = documents("kubernetes/exporter.yml");
    for document in &all {
        for key in ["apiVersion", "kind"] {
            assert!(document[key].is_string(), "{document}");
        }
        assert_eq!(document["metadata"]["name"], "oci-registry-exporter");
    }
    let deployment = &of_kind(&all, "Deployment")["spec"];
    let pod = &deployment["template"]["spec"];
    let container = &pod["containers"][0];
    are_flags(&strings(&container["args"])).await;
    let labels = &deployment["template"]["metadata"]["labels"];
    for selector in [
        &deployment["selector"]["matchLabels"],
        &of_kind(&all, "Service")["spec"]["selector"],
        &of_kind(&all, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    // One replica asks every registry; a second beside it would ask it twice.
    assert_eq!(
        (&deployment["replicas"], &deployment["strategy"]["type"]),
        (&1.into(), &"Recreate".into())
    );

    // Where the password is mounted is where it is read.
    let yaml = of_kind(&all, "ConfigMap")["data"]["config.yml"]
        .as_str()
        .unwrap();
    let config = loaded(yaml);
    let item = &pod["volumes"][1]["projected"]["sources"][0]["secret"]["items"][0];
    let mount = &container["volumeMounts"][1];
    assert_eq!(mount["name"], pod["volumes"][1]["name"]);
    let file = format!(
        "{}/{}",
        mount["mountPath"].as_str().unwrap(),
        item["path"].as_str().unwrap()
    );
    let source = format!("{:?}", config.registries[0].credential_sets()[0].source);
    assert!(source.contains(&file), "{file}: {source}");
    let secret = &of_kind(&all, "Secret")["stringData"];
    assert!(
        secret[item["key"].as_str().unwrap()].is_string(),
        "{secret}"
    );
    let configured = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
    let named = format!("--config.file={configured}/config.yml");
    assert!(
        strings(&container["args"]).contains(&named.as_str()),
        "{named}"
    );
}

/// <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
#[test]
fn the_pod_is_restricted_and_knows_nothing_of_its_cluster() {
    let all = documents("kubernetes/exporter.yml");
    let pod = &of_kind(&all, "Deployment")["spec"]["template"]["spec"];
    let (of_pod, of_container) = (
        &pod["securityContext"],
        &pod["containers"][0]["securityContext"],
    );
    for (value, expected) in [
        (&of_pod["runAsNonRoot"], Value::from(true)),
        (&of_pod["runAsUser"], 65532.into()),
        (&of_pod["seccompProfile"]["type"], "RuntimeDefault".into()),
        (&of_container["allowPrivilegeEscalation"], false.into()),
        (&of_container["readOnlyRootFilesystem"], true.into()),
        (&of_container["capabilities"]["drop"][0], "ALL".into()),
        (&pod["automountServiceAccountToken"], false.into()),
        (
            &of_kind(&all, "ServiceAccount")["automountServiceAccountToken"],
            false.into(),
        ),
    ] {
        assert_eq!(value, &expected);
    }
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume["hostPath"].is_null(), "{volume}");
    }
    // No right in the cluster is asked for.
    assert!(
        !all.iter()
            .any(|it| it["kind"].as_str().unwrap().contains("Role"))
    );
}

#[tokio::test]
async fn probes_ports_and_monitors_meet_the_daemon() {
    let all = documents("kubernetes/exporter.yml");
    let container = &of_kind(&all, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    let port = &container["ports"][0];
    assert_eq!(port["containerPort"], 9968);
    let service = of_kind(&all, "Service");
    assert_eq!(service["spec"]["ports"][0]["port"], 9968);
    let place = Workplace::new("registries: []\n");
    let mut daemon = crate::cli::daemon::Daemon::start(&place, &[]).await;
    for probe in ["livenessProbe", "readinessProbe"] {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["port"], port["name"]);
        let answer = daemon.get(get["path"].as_str().unwrap()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{probe}: {answer}");
    }
    let monitors = documents("kubernetes/monitors.yml");
    let monitor = &of_kind(&monitors, "ServiceMonitor")["spec"];
    assert_eq!(
        monitor["selector"]["matchLabels"],
        service["metadata"]["labels"]
    );
    assert_eq!(
        monitor["endpoints"][0]["port"],
        service["spec"]["ports"][0]["name"]
    );
    let sd = of_kind(&monitors, "ScrapeConfig")["spec"]["httpSDConfigs"][0]["url"].as_str();
    let prober = &of_kind(&monitors, "Probe")["spec"]["prober"];
    for path in [
        url::Url::parse(sd.unwrap()).unwrap().path(),
        prober["path"].as_str().unwrap(),
    ] {
        // Not allowed, and so there.
        let status = daemon.get(path).await;
        assert!(!status.starts_with("HTTP/1.1 404 "), "{path}: {status}");
    }
    let configured = of_kind(&all, "ConfigMap")["data"]["config.yml"]
        .as_str()
        .unwrap();
    let asked = &of_kind(&monitors, "Probe")["spec"]["targets"]["staticConfig"]["static"][0];
    assert_eq!(loaded(configured).registries[0].name, *asked);
    daemon.signal("TERM").await;
    daemon.end().await;
}

#[tokio::test]
async fn compose_mounts_what_is_there() {
    let compose = &documents("compose/compose.yml")[0];
    let services = compose["services"].as_object().unwrap();
    let here = example("compose");
    for (name, service) in services {
        for mount in service["volumes"].as_array().into_iter().flatten() {
            let source = mount.as_str().unwrap().split(':').next().unwrap();
            assert!(here.join(source).exists(), "{name}: {source}");
        }
        let build = &service["build"];
        if let Some(context) = build["context"].as_str() {
            let dockerfile = here
                .join(context)
                .join(build["dockerfile"].as_str().unwrap());
            assert!(dockerfile.is_file(), "{}", dockerfile.display());
        }
        if let Some(image) = service["image"].as_str() {
            assert!(
                image.contains(':') && !image.ends_with(":latest"),
                "{image}"
            );
        }
    }
    are_flags(&strings(&services["exporter"]["command"])).await;
    let config = loaded(&text("compose/exporter.yml"));
    let asked = config.registries[0].url.host_str().unwrap();
    assert!(services.contains_key(asked), "{asked}");
    let prometheus = text("compose/prometheus.yml");
    for target in ["alertmanager:9093", "exporter:9968"] {
        assert!(prometheus.contains(target), "{target}");
        assert!(services.contains_key(target.split(':').next().unwrap()));
    }
}

#[test]
fn promtool_finds_no_fault_in_the_scrape_configuration_of_compose() {
    let promtool = Program {
        name: "promtool",
        brought_by: "Debian package prometheus",
    };
    let Some(promtool) = process::find(promtool) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    fs::copy(
        example("compose/prometheus.yml"),
        folder.path().join("prometheus.yml"),
    )
    .unwrap();
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerts/oci-registry.rules.yml");
    fs::copy(rules, folder.path().join("rules.yml")).unwrap();
    let ended = Command::new(promtool)
        .args(["check", "config", "prometheus.yml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

#[test]
fn the_unit_is_one_and_is_locked_up() {
    let unit = text("systemd/oci-registry-exporter.service");
    let analyze = Program {
        name: "systemd-analyze",
        brought_by: "Debian package systemd",
    };
    let Some(analyze) = process::find(analyze) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oci-registry-exporter.service");
    let binary = env!("CARGO_BIN_EXE_oci-registry-exporter");
    fs::write(
        &path,
        unit.replace("/usr/bin/oci-registry-exporter", binary),
    )
    .unwrap();
    let run = |arguments: &[&str]| {
        let ended = Command::new(&analyze)
            .args(arguments)
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned()
            + &String::from_utf8_lossy(&ended.stderr);
        (ended.status.success(), said)
    };
    let (good, said) = run(&["verify", "--man=no"]);
    assert!(
        good && !said.contains("oci-registry-exporter.service:"),
        "{said}"
    );
    let (good, said) = run(&["security", "--offline=true", "--threshold=20"]);
    assert!(good, "{said}");
}

#[tokio::test]
async fn the_units_flags_and_socket_are_the_programs() {
    let unit = text("systemd/oci-registry-exporter.service");
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let flags: Vec<&str> = start
        .split(' ')
        .filter(|word| word.starts_with("--"))
        .collect();
    are_flags(&flags).await;
    let socket = text("systemd/oci-registry-exporter.socket");
    assert!(socket.contains("ListenStream=9968\n"), "{socket}");
    assert!(socket.contains("ARGS=--web.systemd-socket"), "{socket}");
    // What it waits for at most is more than what the daemon takes.
    assert!(unit.contains("TimeoutStopSec=30s"), "{unit}");
}

/// As whoever copies one of them finds out.
#[tokio::test]
async fn config_check_finds_every_example_good() {
    let mut files: Vec<PathBuf> = [
        "minimal.yml",
        "full.yml",
        "compose/exporter.yml",
        "debian/config.yml",
    ]
    .map(example)
    .into();
    for folder in ["registries", "credentials"] {
        let entries = fs::read_dir(example(folder)).unwrap();
        files.extend(entries.map(|it| it.unwrap().path()));
    }
    let names: Vec<&str> = files
        .iter()
        .filter_map(|it| it.file_stem()?.to_str())
        .collect();
    for registry in [
        "acr",
        "artifact-registry",
        "artifactory",
        "distribution",
        "docker-hub",
        "ecr",
        "ghcr",
        "harbor",
        "quay",
        "zot",
    ] {
        assert!(names.contains(&registry), "{registry}");
    }
    let place = Workplace::empty();
    for file in &files {
        let flag = format!("--config.file={}", file.display());
        let ended = place.run(&[&flag, "config", "check"]).await;
        assert_eq!(ended.code, Some(0), "{flag}: {}", ended.stderr);
        assert!(
            ended.stdout.starts_with("configuration ok"),
            "{}",
            ended.stdout
        );
    }
}

#[test]
fn the_package_names_files_that_are_there_and_the_units_paths() {
    let cargo = fs::read_to_string(example("../Cargo.toml")).unwrap();
    let deb = cargo.split("[package.metadata.deb]").nth(1).unwrap();
    let deb = deb.split("\n[").next().unwrap();
    let unit = text("systemd/oci-registry-exporter.service");
    let assets = deb
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[\""));
    let assets: Vec<(&str, &str)> = assets
        .map(|line| {
            let mut parts = line.split("\", \"");
            (parts.next().unwrap(), parts.next().unwrap())
        })
        .collect();
    assert!(assets.len() > 10, "{deb}");
    for (source, _) in &assets {
        // Those are built; the pattern has a folder.
        if !source.starts_with("target/") {
            let source = source.trim_end_matches("*.json");
            assert!(example("..").join(source).exists(), "{source}");
        }
    }
    for path in [
        "/usr/bin/oci-registry-exporter",
        "/etc/oci-registry-exporter/config.yml",
    ] {
        assert!(unit.contains(path), "{path}");
        let (folder, name) = path[1..].rsplit_once('/').unwrap();
        let packed = assets.iter().any(|(source, to)| {
            to.trim_end_matches('/') == folder && source.rsplit('/').next() == Some(name)
        });
        assert!(packed, "{path}");
    }
    // What is read from there at a start is a configuration file of the package.
    let default = unit
        .lines()
        .find_map(|line| line.strip_prefix("EnvironmentFile=-"))
        .unwrap();
    assert!(deb.contains(&format!("\"{default}\"")), "{default}");
    let changelog = text("debian/changelog");
    let version = format!("oci-registry-exporter ({}-1) ", env!("CARGO_PKG_VERSION"));
    assert!(changelog.starts_with(&version), "{changelog}");
    for script in ["postinst", "prerm", "postrm"] {
        assert!(text(&format!("debian/{script}")).starts_with("#!/bin/sh\n"));
    }
}

#[test]
fn the_image_holds_the_binary_and_what_it_needs() {
    let file = text("container/Dockerfile");
    for line in [
        "RUN cargo build --release --locked --bin oci-registry-exporter",
        "USER 65532:65532",
        "EXPOSE 9968",
        "ENTRYPOINT [\"/usr/bin/oci-registry-exporter\"]",
    ] {
        assert!(file.lines().any(|it| it == line), "{line}");
    }
    for image in file.lines().filter_map(|line| line.strip_prefix("FROM ")) {
        assert!(image.contains(':') && !image.contains(":latest"), "{image}");
    }
    // What distroless/cc has beside the C library.
    let linked = Command::new("ldd")
        .arg(env!("CARGO_BIN_EXE_oci-registry-exporter"))
        .output()
        .unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let known = [
        "linux-vdso",
        "libgcc_s.so.1",
        "libm.so.6",
        "libc.so.6",
        "ld-linux",
    ];
    for line in linked.lines() {
        assert!(known.iter().any(|name| line.contains(name)), "{line}");
    }
}

#[test]
fn the_image_is_the_binary_of_the_build_and_nothing_runs_in_it() {
    let file = text("container/Dockerfile");
    // No `RUN` in the image itself: it has no shell, and nothing is fetched into it.
    let (_, image) = file.rsplit_once("\nFROM ").unwrap();
    assert!(
        !image.contains("\nRUN ") && !image.contains("\nADD "),
        "{image}"
    );
    for label in [
        "title",
        "description",
        "licenses",
        "version",
        "revision",
        "created",
    ] {
        let label = format!("org.opencontainers.image.{label}=");
        assert!(image.contains(&label), "{label}");
    }
    assert!(image.contains(&format!("ARG VERSION={}", env!("CARGO_PKG_VERSION"))));
    // The binary is copied from where the build above leaves it.
    let workdir = file
        .lines()
        .find_map(|line| line.strip_prefix("WORKDIR "))
        .unwrap();
    let copied = image
        .lines()
        .find_map(|line| line.strip_prefix("COPY --from=build "))
        .unwrap();
    let built = format!("{workdir}/target/release/oci-registry-exporter ");
    assert!(copied.starts_with(&built), "{copied}");
    // It is built as a release is.
    let release = text("release/build");
    assert!(
        release.contains("cargo build --release --locked --bin "),
        "{release}"
    );
    for setting in ["CARGO_INCREMENTAL=0", "CARGO_PROFILE_RELEASE_STRIP=symbols"] {
        assert!(
            file.contains(setting) && release.contains(setting),
            "{setting}"
        );
    }
    // The toolchain is one that the sources take.
    let rust = file
        .lines()
        .find_map(|line| line.strip_prefix("FROM docker.io/library/rust:"));
    let (major, minor) = rust
        .unwrap()
        .split('-')
        .next()
        .unwrap()
        .split_once('.')
        .unwrap();
    let wanted = env!("CARGO_PKG_RUST_VERSION").split_once('.').unwrap();
    assert_eq!(major, wanted.0);
    assert!(
        minor.parse::<u32>().unwrap() >= wanted.1.parse().unwrap(),
        "{minor}"
    );
}

#[test]
fn what_the_image_is_built_of_is_in_its_context_and_no_more() {
    let ignored = fs::read_to_string(example("../.dockerignore")).unwrap();
    let ignored: Vec<&str> = ignored.lines().collect();
    assert!(
        ignored.contains(&"target") && ignored.contains(&".git"),
        "{ignored:?}"
    );
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "tests/registry-sim",
        "examples",
    ] {
        assert!(!ignored.contains(&needed), "{needed}");
    }
}
