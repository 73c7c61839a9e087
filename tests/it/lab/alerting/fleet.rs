//! The example of a fleet as it stands in `examples/fleet`: its forty registries, all of
//! them simulated, its teams, and the shipped rules and routes behind it.
//!
//! What the test writes into it: the address of the simulated registry in place of each
//! host, its own folder in place of `/etc`, and a second in place of every minute. The
//! rest is the example's.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use glob::Pattern;
use registry_sim::{Entrance, Profile, RegistrySim, Scheme};
use serde_json::{Map, Value, json};

use super::{Chain, seconds};
use crate::{cli::run::Workplace, lab::alertmanager::Notice};

/// The registry that the teams share.
const SHARED: &str = "harbor-eu";
const HARBOR: &str = "harbor-eu.example.com";
const TEAMS: [&str; 5] = ["team-a", "team-b", "team-c", "team-d", "team-e"];
const DENIED: &str = "OCIRegistryPullDenied";
const OUTAGE: &str = "OCIRegistryUnreachable";

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_fleet_tells_a_team_of_its_robot_and_the_platform_of_its_harbor() {
    let fleet = Fleet::start().await;
    let place = fleet.place();
    let environment = environment(&place);
    let Some(mut chain) = Chain::start_in(place, &environment).await else {
        return;
    };
    for proof in [
        "count(count by (registry) (oci_registry_up == 1)) == 40",
        "count(oci_registry_pull_authorized{registry='harbor-eu'} == 1) == 8",
        "count(oci_registry_push_authorized{registry='harbor-eu'} == 1) == 3",
        "count(count by (registry) (oci_registry_capability_score >= 1)) >= 38",
    ] {
        chain.scraped(proof).await;
    }
    another_team_changes_its_robot(&chain).await;
    assert_eq!(chain.told_of(SHARED), [], "before anything is wrong");

    a_robot_loses_a_right(&mut chain, &fleet.sims[HARBOR]).await;
    the_harbor_goes_away(&mut chain, &fleet.sims[HARBOR]).await;

    // Whatever a machine that is busy does to the other registries in a hurry (a check that
    // is late, say) is no team's, and not this one's.
    let theirs = |it: &&Notice| it.labels["registry"] == SHARED || it.receiver.starts_with("team-");
    let told = chain.inbox.seen.iter().filter(theirs);
    let told: Vec<_> = told
        .map(|it| (it.alert(), it.receiver.as_str(), it.firing))
        .collect();
    assert_eq!(
        told,
        [
            (DENIED, "team-a", true),
            (DENIED, "team-a", false),
            (OUTAGE, "platform-page", true),
        ],
        "{:#?}",
        chain.inbox.seen
    );
    chain.end().await;
}

/// It works as well as the one before it, and is nobody else's business.
async fn another_team_changes_its_robot(chain: &Chain) {
    let username = chain.place.path("registry-secrets/teams/team-b/username");
    replace(&username, "robot-of-team-b-2");
    let changed = "oci_registry_changed_timestamp_seconds";
    chain
        .scraped(&format!(
            "{changed}{{registry='{SHARED}',credential='team-b',what='secret'}} > on () min({changed}{{registry='{SHARED}'}})"
        ))
        .await;
}

/// One of the two repositories of team a; until it has it again.
async fn a_robot_loses_a_right(chain: &mut Chain, sim: &RegistrySim) {
    sim.set_rights(
        "robot-of-team-a",
        [("team-a/canary", "push"), ("team-a/base-images", "pull")],
    );
    let told = chain.inbox.until(|it| it.is(DENIED, SHARED)).await;
    assert_eq!(told.receiver, "team-a");
    for (label, expected) in [
        ("team", "a"),
        ("repository", "team-a/canary"),
        ("credential", "team-a"),
        ("owner", "platform"),
        ("kind", "harbor"),
    ] {
        assert_eq!(told.labels[label], expected, "{label}");
    }
    let said = told.annotations["description"].as_str().expect("words");
    let (_, changed) = said
        .split_once("New since the last success:")
        .expect("what changed");
    assert!(changed.trim_start().starts_with("grant ("), "{said}");
    assert_eq!(changed.matches(" UTC)").count(), 1, "{said}");
    // Long enough for the budget of the registry, which this is nothing for.
    chain
        .scraped(&format!(
            "count_over_time(ALERTS{{alertname='{DENIED}',alertstate='firing'}}[10m]) > 30"
        ))
        .await;
    assert_eq!(chain.alerts_of(SHARED).await, [DENIED]);

    sim.set_rights("robot-of-team-a", rights_of("team-a"));
    let over = |it: &Notice| it.is(DENIED, SHARED) && !it.firing;
    assert_eq!(chain.inbox.until(over).await.receiver, "team-a");
}

async fn the_harbor_goes_away(chain: &mut Chain, sim: &RegistrySim) {
    sim.set_entrance(Entrance::Closed);
    let told = chain.inbox.until(|it| it.is(OUTAGE, SHARED)).await;
    assert_eq!(told.receiver, "platform-page");
    assert_eq!(told.labels.get("team"), None, "{told:?}");
    // Every repository has failed more than once by now, and none of it is an alert.
    let failed = format!(
        "count(oci_registry_check_consecutive_failures{{registry='{SHARED}',check='pull'}} >= 2) == 8"
    );
    chain.scraped(&failed).await;
    assert_eq!(chain.alerts_of(SHARED).await, [OUTAGE]);
}

/// The simulated registries, by the host that the example names.
struct Fleet {
    sims: BTreeMap<String, RegistrySim>,
    example: Value,
}

impl Fleet {
    async fn start() -> Self {
        let text = include_str!("../../../../examples/fleet/oci-registry-exporter.yml");
        let example: Value = serde_yaml::from_str(text).expect("YAML");
        let mut sims = BTreeMap::new();
        for (host, number) in hosts(&example).into_iter().zip(1..) {
            // Each its own host, as credential sets go by hosts.
            let builder = RegistrySim::profile(Profile::HARBOR_2_11)
                .ip([127, 7, 0, number])
                .tls(true)
                .without_log();
            let sim = if host == HARBOR {
                let mut builder = builder
                    .auth(Scheme::Bearer)
                    .anonymous([("public/canary", "pull")])
                    .user("robot", "s3cret", [("platform/canary", "pull,push,delete")])
                    .user("robot-of-team-b-2", "s3cret", rights_of("team-b"));
                for team in TEAMS {
                    builder = builder.user(&robot_of(team), "s3cret", rights_of(team));
                }
                builder.start().await
            } else if host.ends_with(".jfrog.io") || host.starts_with("mirror-") {
                // For a token that is sent as it is, and for nobody in particular.
                builder.auth(Scheme::None).start().await
            } else {
                let all = [("*", "pull,push,delete")];
                let builder = builder.auth(Scheme::Basic);
                builder.user("robot", "s3cret", all).start().await
            };
            for repository in REPOSITORIES {
                sim.push_image(repository, "latest");
            }
            sim.push_image("team-a/base-images", "stable");
            sims.insert(host, sim);
        }
        assert_eq!(sims.len(), 40);
        Self { sims, example }
    }

    /// The example and all that it names.
    fn place(&self) -> Workplace {
        let place = Workplace::empty();
        let secrets = place.path("registry-secrets");
        let config = self.written(&self.example, &secrets);
        let config = hurried(config).to_string();
        fs::write(place.path("oci-registry-exporter.yml"), config).expect("a file");
        let team = include_str!("../../../../examples/fleet/team-a.yml");
        fs::write(place.path("team-a.yml"), team).expect("a file");

        let set = |name: &str, files: &[(&str, &str)]| {
            fs::create_dir_all(secrets.join(name)).expect("a folder");
            for (file, content) in files {
                fs::write(secrets.join(name).join(file), content).expect("a file");
            }
        };
        for name in ["harbor", "quay", "zot"] {
            set(name, &[("username", "robot"), ("password", "s3cret")]);
        }
        set("artifactory", &[("token", "s3cret-token")]);
        for team in TEAMS {
            set(
                &format!("teams/{team}"),
                &[
                    ("username", &robot_of(team)),
                    ("password", "s3cret"),
                    ("hosts", &self.address(HARBOR)),
                ],
            );
        }
        let login = json!({"username": "robot", "password": "s3cret"});
        let pull: Map<String, Value> = ["ghcr.io", "docker.io"]
            .map(|host| (self.sims[host].host(), login.clone()))
            .into_iter()
            .collect();
        let pull = json!({"auths": pull}).to_string();
        set("pull", &[(".dockerconfigjson", &pull)]);
        for name in ["ecr-login", "gcr", "acr-env"] {
            install(&place.path("bin"), name);
        }
        let authorities: String = self.sims.values().filter_map(RegistrySim::ca_pem).collect();
        fs::write(place.path("authorities.pem"), authorities).expect("a file");
        place
    }

    /// The address alone: a host of a credential set.
    fn address(&self, host: &str) -> String {
        let host = self.sims[host].host();
        host.split(':').next().expect("an address").to_owned()
    }

    /// The example with the addresses and the folder of this test.
    fn written(&self, value: &Value, secrets: &Path) -> Value {
        match value {
            Value::String(text) => self.written_text(text, secrets).into(),
            Value::Array(all) => all.iter().map(|it| self.written(it, secrets)).collect(),
            Value::Object(map) => {
                let written = |(key, value): (&String, &Value)| {
                    let value = match value {
                        Value::Array(patterns) if key == "hosts" => self.hosts_of(patterns),
                        other => self.written(other, secrets),
                    };
                    (key.clone(), value)
                };
                Value::Object(map.iter().map(written).collect())
            }
            other => other.clone(),
        }
    }

    fn written_text(&self, text: &str, secrets: &Path) -> String {
        if let Some(host) = text.strip_prefix("https://") {
            return self.sims[host].url();
        }
        match text.strip_prefix("/etc/registry-secrets/") {
            Some(rest) => secrets.join(rest).display().to_string(),
            None => text.to_owned(),
        }
    }

    /// The addresses of the hosts that these patterns mean.
    fn hosts_of(&self, patterns: &[Value]) -> Value {
        let patterns = patterns.iter().map(|it| it.as_str().expect("a host"));
        let patterns: Vec<_> = patterns.map(|it| Pattern::new(it).expect("*")).collect();
        let meant = |host: &&String| patterns.iter().any(|it| it.matches(host));
        let hosts = self.sims.keys().filter(meant);
        hosts.map(|host| Value::from(self.address(host))).collect()
    }
}

/// Where its helpers are, and whom it trusts.
fn environment(place: &Workplace) -> [(&'static str, String); 2] {
    let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
    let authorities = place.path("authorities.pem").display().to_string();
    [("PATH", path), ("SSL_CERT_FILE", authorities)]
}

/// Every host of the example, in its order.
fn hosts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text
            .strip_prefix("https://")
            .map(str::to_owned)
            .into_iter()
            .collect(),
        Value::Array(all) => all.iter().flat_map(hosts).collect(),
        Value::Object(map) => map.values().flat_map(hosts).collect(),
        _ => Vec::new(),
    }
}

/// With a second in place of every minute, also of those that are not written.
fn hurried(mut config: Value) -> Value {
    fn hurry(value: &mut Value) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(hurry),
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(time) if key == "interval" => {
                            *value = format!("{}s", seconds(time).div_ceil(60)).into();
                        }
                        _ => hurry(value),
                    }
                }
            }
            _ => {}
        }
    }
    hurry(&mut config);
    let defaults = &mut config["defaults"];
    defaults["upload_start_delay"] = "5s".into();
    for (check, interval) in [("credentials", "5s"), ("push", "15s"), ("referrers", "30s")] {
        defaults["checks"][check]["interval"] = interval.into();
    }
    defaults["checks"]["push"]["upload_interval"] = "6m".into();
    config
}

/// A program `docker-credential-NAME` that always has the robot.
fn install(folder: &Path, name: &str) {
    fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(format!("docker-credential-{name}"));
    let script = "#!/bin/sh\nread -r server\nprintf '{\"ServerURL\":\"%s\",\"Username\":\"robot\",\"Secret\":\"s3cret\"}' \"$server\"\n";
    // Written by a program that has ended: one that this process wrote might still be
    // open in a child of another test when it is started.
    let copied = std::process::Command::new("/bin/sh")
        .args(["-c", "printf %s \"$1\" >\"$2\"", "sh", script])
        .arg(&path)
        .status();
    assert!(copied.expect("a shell").success());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its own file");
}

/// As the kubelet does: never half a file.
fn replace(path: &PathBuf, content: &str) {
    let next = path.with_extension("next");
    fs::write(&next, content).expect("a file");
    fs::rename(&next, path).expect("the same folder");
}

fn robot_of(team: &str) -> String {
    format!("robot-of-{team}")
}

fn rights_of(team: &str) -> Vec<(&'static str, &'static str)> {
    let own = REPOSITORIES.iter().chain(["team-a/base-images"].iter());
    let own = own.filter(|it| it.split('/').next() == Some(team));
    own.map(|it| (*it, "pull,push,delete")).collect()
}

/// Every repository that the example names.
const REPOSITORIES: [&str; 11] = [
    "platform/canary",
    "team-a/canary",
    "team-b/canary",
    "team-c/canary",
    "team-d/canary",
    "team-e/canary",
    "public/canary",
    "example-project/platform/canary",
    "docker-local/platform/canary",
    "library/alpine",
    "example/canary",
];
