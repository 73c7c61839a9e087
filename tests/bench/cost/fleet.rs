//! A thousand registries that are not there, and the exporter that asks them.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Duration};

use registry_sim::{Fault, Profile, RegistrySim, Scheme};
use tokio::time::{Instant, sleep};

use super::{
    client::Scraper,
    process::{Program, free_address},
};

/// One simulated registry at many origins, over TLS.
pub(crate) struct Fleet {
    pub(crate) sim: RegistrySim,
    ca: String,
}

/// How the registries of a fleet are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plan {
    /// As somebody would who changes nothing but the time of the first upload.
    Defaults { upload_start_delay: &'static str },
    /// All five checks so often (seconds), each registry by its own interval: evenly
    /// from the first to the second.
    All(f64, f64),
    /// One request, `GET /v2/`, likewise.
    Ping(f64, f64),
}

impl Fleet {
    pub(crate) async fn new(size: usize, scheme: Scheme, place: &Path) -> Self {
        let sim = RegistrySim::profile(Profile::NATIVE)
            .auth(scheme)
            .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
            .anonymous([("team/app", "pull")])
            .tls(true)
            .more_ports(size - 1)
            .without_log()
            .start()
            .await;
        let digest = sim.push_image("team/app", "latest");
        sim.push_referrer("team/app", &digest, "application/spdx+json");
        let ca = place.join(format!("ca-{}.pem", sim.port()));
        fs::write(&ca, sim.ca_pem().unwrap()).unwrap();
        let ca = ca.to_str().unwrap().to_owned();
        Self { sim, ca }
    }

    /// Every answer comes so much later.
    pub(crate) fn slow(&self, by: Duration) {
        self.sim.fault(Fault::any().slow(by));
    }

    /// The CA that its certificate is signed by.
    pub(crate) fn ca(&self) -> &str {
        &self.ca
    }

    /// A configuration of the first registries, of this name.
    fn configuration(&self, count: usize, plan: Plan, login: bool) -> String {
        let mut text = format!("limits: {{registries: {}}}\n", count.max(10_000));
        if login {
            let _ = writeln!(
                text,
                "credentials: {{team: {{username: robot, password: {PASSWORD}, hosts: [127.0.0.1]}}}}"
            );
        }
        let delay = match plan {
            Plan::Defaults { upload_start_delay } => upload_start_delay,
            Plan::All(..) | Plan::Ping(..) => "1s",
        };
        let _ = writeln!(text, "defaults:\n  upload_start_delay: {delay}");
        // What they share stands once: a file may have no more than a mebibyte.
        let set = if login { "credentials: team, " } else { "" };
        let _ = writeln!(
            text,
            "profiles:\n  all: {{{set}test_repository: team/app, tls: {{ca_file: {}}}}}\nregistries:",
            self.ca
        );
        for (number, url) in self.sim.urls().iter().take(count).enumerate() {
            let checks = checks(plan, number, count);
            let _ = writeln!(
                text,
                "  - {{profile: all, name: registry-{number:05}, url: '{url}'{checks}}}"
            );
        }
        text
    }

    /// The exporter, with the first registries.
    pub(crate) fn exporter(
        &self,
        exporter: &Path,
        place: &Path,
        count: usize,
        plan: Plan,
        login: bool,
    ) -> Program {
        let file = self.file(place, count, plan, login);
        start(exporter, &file, place)
    }

    /// The configuration as a file.
    pub(crate) fn file(
        &self,
        place: &Path,
        count: usize,
        plan: Plan,
        login: bool,
    ) -> std::path::PathBuf {
        let file = place.join(format!("exporter-{}-{count}.yml", self.sim.port()));
        fs::write(&file, self.configuration(count, plan, login)).unwrap();
        file
    }
}

/// The exporter, with this configuration.
pub(crate) fn start(exporter: &Path, file: &Path, place: &Path) -> Program {
    let address = free_address();
    let mut command = Command::new(exporter);
    command.arg("--config.file").arg(file);
    command.args(["--web.listen-address", &address.to_string()]);
    Program::start(&mut command, address, &place.join("exporter.log"))
}

/// Returns once every first cycle is done.
pub(crate) async fn ready(program: &Program) {
    let mut scraper = Scraper::new(program.address).await;
    until(async || scraper.get("/-/ready", false).await.status == 200).await;
}

/// Returns once this holds; looks every few milliseconds.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < Duration::from_mins(5), "it never does");
        sleep(Duration::from_millis(5)).await;
    }
}

fn checks(plan: Plan, number: usize, count: usize) -> String {
    let every = |from: f64, to: f64| {
        let part = number as f64 / count as f64;
        format!("{:.0}ms", (from + (to - from) * part) * 1000.0)
    };
    match plan {
        Plan::Defaults { .. } => String::new(),
        Plan::Ping(from, to) => format!(
            ", checks: {{credentials: {{interval: {}}}, pull: {{enabled: false}}, push: {{enabled: false}}, referrers: {{enabled: false}}, capabilities: {{enabled: false}}}}",
            every(from, to)
        ),
        Plan::All(from, to) => {
            let every = every(from, to);
            let mut text = String::from(", checks: {");
            for check in ["credentials", "pull", "referrers", "capabilities"] {
                let _ = write!(text, "{check}: {{interval: {every}}}, ");
            }
            let _ = write!(
                text,
                "push: {{interval: {every}, upload_interval: {every}}}}}"
            );
            text
        }
    }
}

const PASSWORD: &str = "a-password";
