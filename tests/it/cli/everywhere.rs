//! Everything that a daemon shows anywhere, searched for secrets, and for what is
//! for the operator alone.

use registry_sim::{Fault, Operation, RegistrySim, Scheme};

use super::{
    daemon::Daemon,
    run::{PASSWORD, WRONG, Workplace},
    secrets, sim,
};

const PATHS: [&str; 16] = [
    "/",
    "/?registry=good",
    "/?registry=rejected",
    "/?registry=broken",
    "/?registry=foreign",
    "/?status=fail",
    "/metrics",
    "/metrics?registry=rejected",
    "/probe?target=good",
    "/probe?target=rejected",
    "/probe?target=broken&debug=true",
    "/probe?target=foreign&debug=true",
    "/sd",
    "/api/v1/reports",
    "/api/v1/reports/rejected",
    "/config",
];

/// Registries that answer in every way in which a secret could come back.
struct Registries {
    good: RegistrySim,
    rejecting: RegistrySim,
    broken: RegistrySim,
}

impl Registries {
    async fn start() -> Self {
        let broken = sim(Scheme::Bearer).await;
        // Whatever it was sent it says again, where a person would read it.
        broken.fault(
            Fault::on(Operation::Token)
                .status(500)
                .body(format!("<b>{PASSWORD}</b> Basic robot:{PASSWORD}")),
        );
        Self {
            good: sim(Scheme::Bearer).await,
            rejecting: sim(Scheme::Basic).await,
            broken,
        }
    }

    fn place(&self) -> Workplace {
        let row = |name: &str, url: &str, password: &str| {
            format!(
                "  - {{name: {name}, url: '{url}', test_repository: team/app, username: robot, password: {password}}}\n"
            )
        };
        let rows = [
            row("good", &self.good.url(), PASSWORD),
            row("rejected", &self.rejecting.url(), WRONG),
            row("broken", &self.broken.url(), PASSWORD),
            // Nobody listens there.
            row("foreign", "http://127.0.0.1:1", PASSWORD),
        ];
        Workplace::new(&format!(
            "defaults: {{probe: {{enabled: true}}, timeout: 2s}}\nregistries:\n{}",
            rows.concat()
        ))
    }
}

#[tokio::test]
async fn no_secret_is_shown_anywhere_to_anybody() {
    let registries = Registries::start().await;
    let place = registries.place();
    for show in ["always", "auth", "never"] {
        let flags = [
            "--log.level",
            "debug",
            "--web.show-evidence",
            show,
            "--web.enable-lifecycle",
        ];
        let mut daemon = Daemon::start(&place, &flags).await;
        for name in ["good", "rejected", "broken", "foreign"] {
            let ran = format!(
                "oci_registry_check_last_run_timestamp_seconds{{registry=\"{name}\",check=\"referrers\""
            );
            daemon.page("/metrics", &ran).await;
        }
        let mut shown = Vec::new();
        for path in PATHS {
            shown.push((path, daemon.get(path).await));
        }
        shown.push(("reload", daemon.request("POST", "/-/reload").await));
        let configuration = &shown.iter().find(|(path, _)| *path == "/config").unwrap().1;
        assert!(configuration.contains("password: "), "{configuration}");
        daemon.signal("TERM").await;
        let (_, log) = daemon.end().await;
        assert!(log.contains("operation=token"), "{log}");
        shown.push(("log", log));
        for (path, text) in &shown {
            for secret in secrets() {
                assert!(!text.contains(&secret), "{show} {path}: {text}");
            }
            // The names of users are the operator's: on pages, and not in the log.
            let theirs = show == "always" || *path == "log";
            assert!(theirs || !text.contains("robot"), "{show} {path}: {text}");
        }
        let of = |wanted: &str| &shown.iter().find(|(path, _)| *path == wanted).unwrap().1;
        assert_eq!(of("/config").contains("username: robot"), show == "always");
        let refused = of("/probe?target=broken&debug=true").starts_with("HTTP/1.1 403 ");
        assert_eq!(refused, show != "always");
    }
}
