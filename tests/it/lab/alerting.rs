//! What happens to a registry, and what a receiver of Alertmanager is told of it: the
//! daemon, a simulated registry, Prometheus with the shipped rules and Alertmanager with
//! the shipped routes. The rules run faster, and are otherwise those that users import.

mod fleet;

use std::{fmt::Write as _, fs};

use registry_sim::{Entrance, Fault, Profile, Referrers, RegistrySim, Scheme};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    alertmanager::{self, Alertmanager, Inbox, PATIENCE},
    prometheus::{self, Prometheus},
};
use crate::cli::{daemon::Daemon, run::Workplace};

/// The whole chain; it ends when it is dropped.
struct Chain {
    daemon: Daemon,
    prometheus: Prometheus,
    inbox: Inbox,
    _alertmanager: Alertmanager,
    place: Workplace,
}

impl Chain {
    /// Starts it; `None` when a program is missing, which was said.
    async fn start(config: &str) -> Option<Self> {
        Self::start_in(Workplace::new(config), &[]).await
    }

    /// The same with the configuration that lies there, and these variables.
    async fn start_in(place: Workplace, environment: &[(&str, String)]) -> Option<Self> {
        let (inbox, webhook) = Inbox::open().await;
        let routes = include_str!("../../../alerts/alertmanager.example.yml");
        let routes = alertmanager::Config::hurried(routes, webhook);
        let alertmanager = Alertmanager::start(&routes).await?;
        let rules = place.path("rules.yml");
        fs::write(&rules, hurried_rules()).expect("a file in the own directory");
        let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let daemon = Daemon::spawn(command).await;
        let address = daemon.address.to_string();
        let mut config = prometheus::Config::scraping("oci", &address, "/metrics");
        config.0["global"]["evaluation_interval"] = "1s".into();
        config.0["rule_files"] = json!([rules]);
        let targets = json!([{"targets": [alertmanager.address()]}]);
        config.0["alerting"] = json!({"alertmanagers": [{"static_configs": targets}]});
        let prometheus = Prometheus::start(&config).await?;
        Some(Self {
            daemon,
            prometheus,
            inbox,
            _alertmanager: alertmanager,
            place,
        })
    }

    /// Waits until Prometheus answers this query with something.
    async fn scraped(&self, query: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.prometheus.query(query).await == json!([]) {
            assert!(Instant::now() < deadline, "never {query}");
        }
    }

    /// The alerts of a registry that are firing or about to.
    async fn alerts_of(&self, registry: &str) -> Vec<String> {
        let query = format!("ALERTS{{registry=\"{registry}\"}}");
        let answer = self.prometheus.query(&query).await;
        let alerts = answer.as_array().expect("a list").iter();
        alerts
            .map(|it| it["metric"]["alertname"].as_str().expect("a name").into())
            .collect()
    }

    /// Every alert of a registry that a receiver was told of, with the receiver.
    fn told_of(&self, registry: &str) -> Vec<(&str, &str)> {
        let of_it = |it: &&alertmanager::Notice| it.labels["registry"] == registry;
        let told = self.inbox.seen.iter().filter(of_it);
        told.map(|it| (it.alert(), it.receiver.as_str())).collect()
    }

    async fn end(mut self) {
        self.daemon.signal("TERM").await;
        let (code, log) = self.daemon.end().await;
        assert_eq!(code, Some(0), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_lost_referrers_are_told_and_a_429_storm_is_no_rejection() {
    let mut config = OFTEN.to_owned();
    config.push_str("registries:\n");
    let mut sims = Vec::new();
    for name in ["rejecting", "downgraded", "storming"] {
        let sim = RegistrySim::profile(Profile::HARBOR_2_11)
            .auth(Scheme::Basic)
            .user("robot", "s3cret", [("team/app", "pull,push,delete")])
            .start()
            .await;
        sim.push_image("team/app", "latest");
        let url = sim.url();
        let _ = writeln!(
            config,
            "  - {{name: {name}, url: {url}, username: robot, password: s3cret, test_repository: team/app}}"
        );
        sims.push(sim);
    }
    let Some(mut chain) = Chain::start(&config).await else {
        return;
    };
    for proof in [
        "count(oci_registry_credentials_valid == 1) == 3",
        "count(oci_registry_pull_authorized == 1) == 3",
        "count(oci_registry_capability_supported{capability='referrers_api'} == 1) == 3",
    ] {
        chain.scraped(proof).await;
    }

    sims[0].set_password("robot", "another");
    sims[1].tune(|profile| profile.referrers = Referrers::NoRoute);
    sims[2].fault(Fault::any().too_many_requests(None));

    let rejected = "OCIRegistryCredentialsInvalid";
    let told = chain.inbox.until(|it| it.is(rejected, "rejecting")).await;
    assert_eq!(told.receiver, "platform-page");
    assert!(told.firing, "{told:?}");
    let said = told.annotations["description"].as_str().expect("words");
    assert!(said.contains("(reason unauthorized)"), "{said}");

    let lost = "OCIRegistryReferrersLost";
    let told = chain.inbox.until(|it| it.is(lost, "downgraded")).await;
    assert_eq!(told.receiver, "platform-page");
    assert!(told.firing, "{told:?}");

    // The storm has lasted long enough to be told itself, and is all that is told.
    let throttled = "OCIRegistryThrottled";
    let told = chain.inbox.until(|it| it.is(throttled, "storming")).await;
    assert_eq!(told.receiver, "tickets");
    assert_eq!(chain.alerts_of("storming").await, [throttled]);
    assert_eq!(chain.told_of("storming"), [(throttled, "tickets")]);

    sims[0].set_password("robot", "s3cret");
    let over = chain
        .inbox
        .until(|it| it.is(rejected, "rejecting") && !it.firing)
        .await;
    assert_eq!(over.receiver, "platform-page");
    chain.end().await;
}

/// What a team's robot loses is told to that team and to nobody else, and an outage of
/// all of it is one alert.
#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_told_of_its_own_and_an_outage_of_200_repositories_is_one_alert() {
    let (sim, config) = many_teams().await;
    let Some(mut chain) = Chain::start(&config).await else {
        return;
    };
    let all_pull = format!("count(oci_registry_pull_authorized == 1) == {TEAMS}");
    chain.scraped(&all_pull).await;

    sim.set_rights("robot-7", [("team-7/canary", "push")]);
    let denied = "OCIRegistryPullDenied";
    let told = chain.inbox.until(|it| it.alert() == denied).await;
    assert_eq!(told.receiver, "team-a");
    assert_eq!(told.labels["team"], "a");
    assert_eq!(told.labels["repository"], "team-7/canary");
    let said = told.annotations["description"].as_str().expect("words");
    let changed = said.split_once("New since the last success:");
    let changed = changed.expect("what changed").1;
    assert!(changed.trim_start().starts_with("grant ("), "{said}");
    assert_eq!(changed.matches(" UTC)").count(), 1, "{said}");
    assert_eq!(chain.alerts_of("harbor").await, [denied]);
    assert_eq!(chain.told_of("harbor"), [(denied, "team-a")]);

    let rights = [("team-7/canary", "pull,push,delete")];
    sim.set_rights("robot-7", rights);
    let over = |it: &alertmanager::Notice| it.alert() == denied && !it.firing;
    chain.inbox.until(over).await;
    chain.inbox.seen.clear();

    sim.set_entrance(Entrance::Closed);
    let outage = "OCIRegistryUnreachable";
    let told = chain.inbox.until(|it| it.is(outage, "harbor")).await;
    assert_eq!(told.receiver, "platform-page");
    // Every repository has failed more than once by now, and none of it is an alert.
    let failed =
        format!("count(oci_registry_check_consecutive_failures{{check='pull'}} >= 2) == {TEAMS}");
    chain.scraped(&failed).await;
    assert_eq!(chain.alerts_of("harbor").await, [outage]);
    assert_eq!(chain.told_of("harbor"), [(outage, "platform-page")]);
    chain.end().await;
}

/// A registry that [`TEAMS`] teams share, each with a repository and a robot of its own;
/// the seventh is team a, the eighth b.
async fn many_teams() -> (RegistrySim, String) {
    let mut builder = RegistrySim::profile(Profile::HARBOR_2_11)
        .auth(Scheme::Bearer)
        .without_log();
    let mut sets = "credentials:\n".to_owned();
    let mut repositories = String::new();
    for team in 0..TEAMS {
        let (robot, repository) = (format!("robot-{team}"), format!("team-{team}/canary"));
        builder = builder.user(&robot, "s3cret", [(&*repository, "pull,push,delete")]);
        let _ = writeln!(
            sets,
            "  team-{team}: {{username: {robot}, password: s3cret, hosts: [127.0.0.1]}}"
        );
        let label = match team {
            7 => "a",
            8 => "b",
            _ => "other",
        };
        let _ = writeln!(
            repositories,
            "      - {{name: {repository}, credentials: team-{team}, labels: {{team: {label}}}}}"
        );
    }
    let sim = builder.start().await;
    for team in 0..TEAMS {
        sim.push_image(&format!("team-{team}/canary"), "latest");
    }
    let url = sim.url();
    let config = format!(
        "{SELDOM}{sets}registries:\n  - name: harbor\n    url: {url}\n    repositories:\n{repositories}"
    );
    (sim, config)
}

/// The shipped rules with every time of theirs a hundredth, but no look back so short that
/// one late scrape ends it.
fn hurried_rules() -> String {
    let text = include_str!("../../../alerts/oci-registry.rules.yml");
    let mut rules: Value = serde_yaml::from_str(text).expect("rules");
    for group in rules["groups"].as_array_mut().expect("groups") {
        group["interval"] = "1s".into();
        for rule in group["rules"].as_array_mut().expect("rules") {
            for key in ["for", "keep_firing_for"] {
                if let Some(time) = rule[key].as_str() {
                    rule[key] = format!("{}ms", seconds(time) * 10).into();
                }
            }
            rule["expr"] = hurried(rule["expr"].as_str().expect("a query")).into();
            // The ranges in the words stay: nothing is that old yet.
        }
    }
    rules.to_string()
}

/// A query with its ranges cut short.
fn hurried(query: &str) -> String {
    let mut parts = query.split('[');
    let mut hurried = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (range, rest) = part.split_once(']').expect("the end of a range");
        let range = match range.split_once(':') {
            Some((range, _)) => format!("{}s:1s", (seconds(range) / 100).min(600)),
            None => format!("{}s", (seconds(range) / 100).max(15)),
        };
        let _ = write!(hurried, "[{range}]{rest}");
    }
    hurried
}

/// The seconds of a duration such as `5m`.
fn seconds(duration: &str) -> u64 {
    let (number, unit) = duration.split_at(duration.len() - 1);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        odd => panic!("no unit of time: {odd}"),
    };
    number.parse::<u64>().expect("a number") * unit
}

const TEAMS: usize = 200;

/// Checks that are asked all the time; the rest keeps out of the way.
const OFTEN: &str = "
defaults:
  timeout: 5s
  checks:
    credentials: {interval: 1s}
    pull: {interval: 1s}
    push: {enabled: false}
    referrers: {interval: 1s}
    capabilities: {enabled: false}
";

const SELDOM: &str = "
defaults:
  timeout: 60s
  request_timeout: 60s
  checks:
    credentials: {interval: 1m}
    pull: {interval: 15s}
    push: {enabled: false}
    referrers: {interval: 1h}
    capabilities: {enabled: false}
";
