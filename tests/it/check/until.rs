//! `--until pass`: again and again, and never a nuisance.

use registry_sim::{Fault, RegistrySim, Scheme};

use super::{answers, run, sim};
use crate::cli::run::{PASSWORD, WRONG, Workplace, registry};

const UNTIL: [&str; 4] = ["check", "--until", "pass", "--deadline"];

#[tokio::test]
async fn a_registry_that_comes_up_is_waited_for() {
    let sim = sim(Scheme::None).await;
    // More than the tries of one cycle.
    sim.fault(Fault::any().status(503).times(3));
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let arguments = [&UNTIL[..], &["1m", "--check", "pull"]].concat();
    let ended = place.run(&arguments).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(answers(&ended.stdout), ["pull PASS"]);
    let told = ended.stderr.lines().next().unwrap();
    assert!(
        told.starts_with("not yet: pull of production; asking again in 2s, "),
        "{told}"
    );
}

#[tokio::test]
async fn a_deadline_that_passes_exits_with_4_and_reports_what_is_known() {
    let sim = sim(Scheme::Basic).await;
    sim.set_rights("robot", []);
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let checks = [
        "--check",
        "pull",
        "--check",
        "referrers",
        "--report",
        "json=r.json",
    ];
    let ended = place.run(&[&UNTIL[..], &["3s"], &checks].concat()).await;
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(answers(&ended.stdout)[0], "pull FAIL");
    assert!(place.path("r.json").exists());
}

/// A rejected password is sent once, whatever the rounds.
#[tokio::test]
async fn a_rejected_password_is_not_hammered() {
    for scheme in [Scheme::Bearer, Scheme::Basic] {
        let sim = sim(scheme).await;
        let place = Workplace::new(&registry("production", &sim, WRONG));
        let ended = place.run(&[&UNTIL[..], &["3s"]].concat()).await;
        assert_eq!(ended.code, Some(4), "{}", ended.stderr);
        // Whoever is told so is asked again.
        assert!(
            ended
                .stderr
                .starts_with("not yet: credentials of production")
        );
        assert_eq!(logins(&sim), 1, "{scheme:?}");
    }
}

/// The secret is read again in every round.
#[tokio::test]
async fn a_new_secret_is_sent_at_once() {
    let sim = sim(Scheme::Basic).await;
    let config = registry("production", &sim, PASSWORD);
    let config = config.replace(&format!("password: {PASSWORD}"), "password_file: secret");
    let place = Workplace::new(&config);
    std::fs::write(place.path("secret"), WRONG).unwrap();
    let arguments = [&UNTIL[..], &["1m", "--check", "credentials"]].concat();
    let running = place.command(&arguments).output();
    let changing = async {
        sim.until(|sim| logins(sim) > 0).await;
        let new = place.path("new");
        std::fs::write(&new, PASSWORD).unwrap();
        std::fs::rename(new, place.path("secret")).unwrap();
    };
    let (ended, ()) = tokio::join!(running, changing);
    let ended = ended.unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(logins(&sim), 2);
}

#[tokio::test]
async fn a_pause_beyond_the_deadline_ends_it_at_once() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::any().too_many_requests(Some("600")));
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place
        .run(&[&UNTIL[..], &["5m", "--check", "pull"]].concat())
        .await;
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
    assert_eq!(sim.total_requests(), 1);
}

/// What is not asked stays so: there is nothing to wait for.
#[tokio::test]
async fn what_is_skipped_is_not_waited_for() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::empty();
    let image = format!("{}/team/app", sim.host());
    let arguments = [
        "check",
        &image,
        "--check",
        "push",
        "--require",
        "push",
        "--until",
        "pass",
    ];
    let ended = run(&place, &arguments, &[], "").await;
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(answers(&ended.stdout), ["push SKIP"]);
}

/// How often a password was sent.
fn logins(sim: &RegistrySim) -> usize {
    let requests = sim.requests();
    let basic = |it: &&registry_sim::Logged| it.authorization.as_deref() == Some("Basic");
    requests.iter().filter(basic).count()
}
