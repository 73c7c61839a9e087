//! Days and weeks of the daemon's schedule against simulated registries, in seconds.

pub(crate) mod simulation;
mod size;

use std::{fmt::Write as _, fs, time::Duration};

use oci_registry_exporter::outcome::CheckName;
use registry_sim::{Fault, Operation, Profile, RegistrySim, Scheme};

use simulation::Simulation;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// A registry with three repositories, and `robot` whose password is `right`.
async fn locked(scheme: Scheme) -> RegistrySim {
    let rights = [("team/a", "pull"), ("team/b", "pull"), ("team/c", "pull")];
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(scheme)
        .user("robot", "right", rights)
        .start()
        .await;
    for (repository, _) in rights {
        sim.push_image(repository, "latest");
    }
    sim
}

/// A configuration of these registries, each with the three repositories of one set.
fn three_repositories(password: &str, registries: &[(&str, &RegistrySim)]) -> String {
    let mut yaml = format!(
        "credentials:\n  team: {{username: robot, {password}, hosts: [127.0.0.1]}}\nregistries:\n"
    );
    for (name, sim) in registries {
        let _ = write!(
            yaml,
            "  - name: {name}\n    url: {}\n    credentials: team\n    repositories: [team/a, team/b, team/c]\n",
            sim.url()
        );
    }
    yaml
}

/// Rejected logins at the server: a Basic answer of 401, of the registry or the token endpoint.
fn rejected_logins(sim: &RegistrySim) -> usize {
    sim.take_requests()
        .iter()
        .filter(|request| request.authorization.is_some() && request.status == Some(401))
        .count()
}

/// A week with a wrong password: at most 30 rejected logins a day, in sum over
/// all repositories, checks and registries of that set at that origin, while
/// every check reports at its interval.
#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_sent_at_most_thirty_times_a_day() {
    a_week_with_a_wrong_password(Scheme::Basic, &["one"]).await;
}

/// The same where two registries are configured at one origin: one rejection is judged for both.
#[tokio::test(start_paused = true)]
async fn a_wrong_password_of_two_registries_at_one_origin_is_sent_as_rarely() {
    a_week_with_a_wrong_password(Scheme::Bearer, &["one", "other"]).await;
}

async fn a_week_with_a_wrong_password(scheme: Scheme, names: &[&str]) {
    let sim = locked(scheme).await;
    let registries: Vec<_> = names.iter().map(|name| (*name, &sim)).collect();
    let days = Simulation::of(&three_repositories("password: wrong", &registries));
    let mut rejected = Vec::new();
    for day in 1..=7 {
        days.until(day * DAY, &[&sim], |_| {}).await;
        rejected.push(rejected_logins(&sim));
    }
    // 0, 1, 16, 46 and 106 minutes, and hourly from there; 24 or so on further days.
    assert_eq!(rejected[0], 5 + 22, "{scheme:?} {names:?} {rejected:?}");
    assert!(
        rejected[1..].iter().all(|count| (23..=24).contains(count)),
        "{scheme:?} {names:?} {rejected:?}"
    );
    // Each login goes with at most the anonymous ping, and nothing else is sent.
    let logins: usize = rejected.iter().sum();
    let sent = sim.total_requests();
    assert!(sent <= 2 * u64::try_from(logins).unwrap() + 1, "{sent}");
    assert_eq!(sim.count(Operation::ManifestHead), 0);
    for name in names {
        let pulls = days.diary.of(name, CheckName::Pull);
        assert_eq!(pulls.len(), 3 * 7 * 288 + 3, "{name}");
        assert!(pulls.iter().all(|(_, said)| said == "fail/unauthorized"));
        let referrers = days.diary.of(name, CheckName::Referrers);
        assert_eq!(referrers.len(), 7 * 48 + 1, "{name}");
        assert!(
            referrers
                .iter()
                .all(|(_, said)| said == "unknown/unauthorized")
        );
        let credentials = days.diary.of(name, CheckName::Credentials);
        assert!(credentials.len() > 7 * 288, "{name}");
        assert!(
            credentials
                .iter()
                .all(|(_, said)| said == "fail/unauthorized")
        );
    }
    days.end().await;
}

/// The settings of a check do not matter: not a short interval of one that only
/// uses the set, and not a long one of the check that would find out.
#[tokio::test(start_paused = true)]
async fn a_set_that_goes_bad_between_two_askings_is_found_out_by_whoever_uses_it() {
    for scheme in [Scheme::Basic, Scheme::Bearer] {
        let sim = locked(scheme).await;
        let yaml = format!(
            "defaults: {{checks: {{credentials: {{interval: 24h}}, pull: {{interval: 1m}}}}}}\n{}",
            three_repositories("password: right", &[("one", &sim)])
        );
        let days = Simulation::of(&yaml);
        days.until(HOUR, &[&sim], |_| {}).await;
        assert_eq!(rejected_logins(&sim), 0);
        sim.set_password("robot", "another");
        days.until(HOUR + DAY, &[&sim], |_| {}).await;
        let rejected = rejected_logins(&sim);
        assert!(rejected <= 30, "{scheme:?}: {rejected}");
        let credentials = days.diary.of("one", CheckName::Credentials);
        let (at, _) = credentials.iter().find(|(_, said)| said != "pass").unwrap();
        assert!(*at <= HOUR + 2 * MINUTE, "{credentials:?}");
        days.end().await;
    }
}

/// A new secret in a file is tried within ten seconds, and everything that
/// waited for it right after; another wrong one begins its own steps.
#[tokio::test(start_paused = true)]
async fn a_new_secret_is_tried_within_ten_seconds() {
    let sim = locked(Scheme::Basic).await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    fs::write(&file, "wrong").unwrap();
    let password = format!("password_file: {}", file.display());
    let days = Simulation::of(&three_repositories(&password, &[("one", &sim)]));
    let mut changed = 3 * HOUR + 100 * SECOND;
    days.until(changed, &[&sim], |_| {}).await;
    rejected_logins(&sim);

    fs::write(&file, "wrong too").unwrap();
    let finely = async |until: Duration| {
        while days.now() < until {
            days.until(days.now() + SECOND, &[&sim], |_| {}).await;
        }
    };
    finely(changed + 11 * SECOND).await;
    assert_eq!(rejected_logins(&sim), 1);
    finely(changed + 65 * SECOND).await;
    assert_eq!(rejected_logins(&sim), 0);
    finely(changed + 75 * SECOND).await;
    assert_eq!(rejected_logins(&sim), 1);

    changed += 10 * MINUTE;
    days.until(changed, &[&sim], |_| {}).await;
    fs::write(&file, "right\n").unwrap();
    finely(changed + 12 * SECOND).await;
    assert_eq!(rejected_logins(&sim), 0);
    for (check, questions) in [
        (CheckName::Credentials, 1),
        (CheckName::Pull, 3),
        (CheckName::Referrers, 1),
    ] {
        let reports = days.diary.of("one", check);
        let passed = reports.iter().filter(|(_, said)| said == "pass");
        assert_eq!(passed.count(), questions, "{check:?}: {reports:?}");
    }
    days.end().await;
}

/// The registry takes the same password again: found out at the next step.
#[tokio::test(start_paused = true)]
async fn a_set_that_is_accepted_again_is_found_out_within_the_hour() {
    let sim = locked(Scheme::Bearer).await;
    let days = Simulation::of(&three_repositories("password: wrong", &[("one", &sim)]));
    // Sent at 0, 1, 16, 46, 106, ..., 586, 646 minutes: that is shown as the next run,
    // though the grid's next point is at 650.
    days.until(645 * MINUTE, &[&sim], |_| {}).await;
    let next = days.next_run("one", CheckName::Credentials);
    assert_eq!(next, 646 * MINUTE);
    sim.set_password("robot", "wrong");
    days.until(647 * MINUTE, &[&sim], |_| {}).await;
    for check in [
        CheckName::Credentials,
        CheckName::Pull,
        CheckName::Referrers,
    ] {
        let (_, last) = days.diary.of("one", check).pop().unwrap();
        assert_eq!(last, "pass", "{check:?}");
    }
    days.end().await;
}

/// The times at which requests arrived, and how many each time.
#[derive(Default)]
struct Arrivals {
    total: u64,
    at: Vec<(Duration, u64)>,
}

impl Arrivals {
    fn look(&mut self, now: Duration, total: u64) {
        if total > self.total {
            self.at.push((now, total - self.total));
            self.total = total;
        }
    }
}

/// How often a registry may be asked in a day in vain: each time the shortest
/// interval, or the pause where that is longer, is over; and for capabilities,
/// which has a grid of its own.
fn askings(interval: Duration, pause: Duration) -> u64 {
    DAY.as_secs() / interval.max(pause).as_secs() + 1 + 1
}

/// A day of nothing but 429. The plan: each asking is one request, which is tried
/// once where the asked pause is longer than a check may take, else `attempts` times.
#[tokio::test(start_paused = true)]
async fn a_storm_of_429_brings_no_more_requests_than_planned() {
    let interval = 5 * MINUTE;
    let attempts = 4;
    for (retry_after, pause, tries) in [
        (None, Duration::ZERO, attempts),
        (Some("600"), 10 * MINUTE, 1),
        // More than `retry_after_max` (15m) is not believed.
        (Some("86400"), 15 * MINUTE, 1),
    ] {
        let sim = locked(Scheme::Bearer).await;
        sim.fault(Fault::any().too_many_requests(retry_after));
        let registries = [("one", &sim), ("other", &sim)];
        let days = Simulation::of(&three_repositories("password: right", &registries));
        let mut arrivals = Arrivals::default();
        let look = |now| arrivals.look(now, sim.total_requests());
        days.until(DAY, &[&sim], look).await;
        // Without a long pause each of the two registries finds out for itself.
        let askers = if pause.is_zero() { 2 } else { 1 };
        let plan = tries * askings(interval, pause) * askers;
        assert!(arrivals.total <= plan, "{} of {plan}", arrivals.total);
        assert!(arrivals.total > plan / 3, "{} of {plan}", arrivals.total);
        if !pause.is_zero() {
            let early = arrivals
                .at
                .windows(2)
                .find(|two| two[1].0 < two[0].0 + pause);
            assert_eq!(early, None, "{retry_after:?}");
            assert!(arrivals.at.iter().all(|(_, count)| *count == 1));
        }
        days.end().await;
    }
}

/// The same at a token host that two registries share: its pause holds both.
#[tokio::test(start_paused = true)]
async fn a_storm_at_the_token_host_holds_every_registry_that_uses_it() {
    let (interval, attempts) = (5 * MINUTE, 4);
    for (retry_after, pause, tries) in [
        (None, Duration::ZERO, attempts),
        (Some("900"), 15 * MINUTE, 1),
    ] {
        let one = RegistrySim::profile(Profile::NATIVE)
            .auth(Scheme::Bearer)
            .token_listener("127.0.0.1:0".parse().unwrap())
            .start()
            .await;
        let other = RegistrySim::profile(Profile::NATIVE)
            .auth(Scheme::Bearer)
            .realm(&one.token_url())
            .start()
            .await;
        one.fault(Fault::on(Operation::Token).too_many_requests(retry_after));
        let registries = [("one", &one), ("other", &other)];
        let yaml = three_repositories("password: right", &registries);
        let days = Simulation::spread(&yaml, 10 * SECOND);
        let mut arrivals = Arrivals::default();
        let look = |now| arrivals.look(now, one.count(Operation::Token));
        days.until(DAY, &[&one, &other], look).await;
        let askers = if pause.is_zero() { 2 } else { 1 };
        let plan = tries * askings(interval, pause) * askers;
        assert!(arrivals.total <= plan, "{} of {plan}", arrivals.total);
        let early = arrivals
            .at
            .windows(2)
            .find(|two| two[1].0 < two[0].0 + pause);
        assert_eq!(early, None, "{retry_after:?}");
        // The pings are remembered for an hour.
        for sim in [&one, &other] {
            assert!(
                sim.count(Operation::Ping) <= 25,
                "{}",
                sim.count(Operation::Ping)
            );
        }
        days.end().await;
    }
}

/// A pause of one class that outlives the interval: the next run says so, and
/// the other classes go on.
#[tokio::test(start_paused = true)]
async fn a_long_pause_of_a_class_moves_the_checks_of_that_class() {
    let sim = locked(Scheme::Basic).await;
    sim.fault(Fault::on(Operation::Referrers).too_many_requests(Some("7200")));
    let yaml = format!(
        "defaults: {{retry: {{retry_after_max: 2h}}}}\n{}",
        three_repositories("password: right", &[("one", &sim)])
    );
    let days = Simulation::of(&yaml);
    days.until(HOUR, &[&sim], |_| {}).await;
    assert_eq!(days.next_run("one", CheckName::Referrers), 2 * HOUR);
    days.until(DAY.saturating_sub(SECOND), &[&sim], |_| {})
        .await;
    assert_eq!(sim.count(Operation::Referrers), 12);
    assert_eq!(days.diary.of("one", CheckName::Referrers).len(), 12);
    let pulls = days.diary.of("one", CheckName::Pull);
    assert_eq!(pulls.len(), 3 * 288);
    assert!(pulls.iter().all(|(_, said)| said == "pass"));
    days.end().await;
}

/// A suspended machine, or a clock that jumps: each question once, and back to its grid.
#[tokio::test(start_paused = true)]
async fn after_a_jump_of_a_day_nothing_is_made_up_for() {
    let sim = locked(Scheme::Basic).await;
    let yaml = three_repositories("password: right", &[("one", &sim), ("other", &sim)]);
    let days = Simulation::of(&yaml);
    days.until(HOUR + 100 * SECOND, &[&sim], |_| {}).await;
    days.jump(DAY, &[&sim]).await;
    let awake = days.now();
    days.until(awake + 199 * SECOND, &[&sim], |_| {}).await;
    let counts = days.diary.counts(awake, days.now());
    assert_eq!(counts.len(), 2 * 6, "{counts:?}");
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    days.until(awake + 201 * SECOND, &[&sim], |_| {}).await;
    let counts = days.diary.counts(awake + 199 * SECOND, days.now());
    // Credentials and three repositories are on their grid again; referrers is not due.
    assert_eq!(counts.len(), 2 * 4, "{counts:?}");
    days.end().await;
}

/// A held set after a jump of a day: due, and sent once.
#[tokio::test(start_paused = true)]
async fn after_a_jump_of_a_day_a_rejected_set_is_sent_once() {
    let sim = locked(Scheme::Basic).await;
    let days = Simulation::of(&three_repositories("password: wrong", &[("one", &sim)]));
    days.until(5 * HOUR, &[&sim], |_| {}).await;
    rejected_logins(&sim);
    days.jump(DAY, &[&sim]).await;
    days.until(days.now() + 10 * MINUTE, &[&sim], |_| {}).await;
    assert_eq!(rejected_logins(&sim), 1);
    days.end().await;
}

/// A right is lost and comes back: confirmed after a minute, then asked ever
/// more rarely while it stays lost, and confirmed again.
#[tokio::test(start_paused = true)]
async fn a_change_is_confirmed_and_a_failure_is_asked_ever_more_rarely() {
    let sim = locked(Scheme::Basic).await;
    let yaml = format!(
        "registries:\n  - {{name: one, url: {}, username: robot, password: right, test_repository: team/a}}\n",
        sim.url()
    );
    let days = Simulation::of(&yaml);
    days.until(1000 * SECOND, &[&sim], |_| {}).await;
    sim.set_rights("robot", [("team/b", "pull")]);
    days.until(2200 * SECOND, &[&sim], |_| {}).await;
    sim.set_rights("robot", [("team/a", "pull")]);
    days.until(3100 * SECOND, &[&sim], |_| {}).await;
    let mut runs = Vec::new();
    for (at, said) in days.diary.of("one", CheckName::Pull) {
        assert_eq!(at.subsec_nanos(), 0, "{at:?}");
        runs.push((at.as_secs(), said));
    }
    let expected: Vec<(u64, String)> = [
        (0, "pass"),
        (300, "pass"),
        (600, "pass"),
        (900, "pass"),
        (1200, "fail/forbidden"),
        (1260, "fail/forbidden"),
        (1320, "fail/forbidden"),
        (1440, "fail/forbidden"),
        (1500, "fail/forbidden"),
        (1800, "fail/forbidden"),
        (2100, "fail/forbidden"),
        (2400, "pass"),
        (2460, "pass"),
        (2700, "pass"),
        (3000, "pass"),
    ]
    .map(|(at, said)| (at, said.to_owned()))
    .into();
    assert_eq!(runs, expected);
    days.end().await;
}

/// What a day of a healthy registry costs at the defaults, by how it is logged in to:
/// the table of the README.
#[tokio::test(start_paused = true)]
async fn a_day_at_the_defaults_costs_what_the_readme_says() {
    let mut table = String::from(
        "| registry | requests a day | of these to the token endpoint | upload sessions |\n|---|---|---|---|\n",
    );
    for (name, scheme, login) in [
        ("open, no credentials", Scheme::None, ""),
        ("anonymous token", Scheme::Bearer, ""),
        ("Basic", Scheme::Basic, "username: robot, password: right, "),
        (
            "Bearer",
            Scheme::Bearer,
            "username: robot, password: right, ",
        ),
    ] {
        let sim = RegistrySim::profile(Profile::NATIVE)
            .auth(scheme)
            .user("robot", "right", [("team/a", "pull,push,delete")])
            .anonymous([("team/a", "pull")])
            .start()
            .await;
        sim.push_image("team/a", "latest");
        let yaml = format!(
            "registries:\n  - {{name: one, url: '{}', {login}test_repository: team/a}}\n",
            sim.url()
        );
        let days = Simulation::of(&yaml);
        // The first day begins with what is asked once: the second is like all others.
        days.until(DAY, &[&sim], |_| {}).await;
        let (first, sessions) = (sim.take_requests().len(), sim.sessions().opened);
        days.until(2 * DAY, &[&sim], |_| {}).await;
        let second = sim.take_requests();
        let tokens = second
            .iter()
            .filter(|request| request.operation == Operation::Token)
            .count();
        let opened = sim.sessions().opened - sessions;
        assert!(
            first.abs_diff(second.len()) < 60,
            "{name}: {first} {}",
            second.len()
        );
        assert_eq!(sim.open_sessions(), 0, "{name}");
        let _ = writeln!(table, "| {name} | {} | {tokens} | {opened} |", second.len());
        days.end().await;
    }
    // A ping more or less an hour, and where the grids of two checks meet, is not the point.
    crate::readme::hold("<!-- requests a day: ", "<!-- end of requests -->", &table);
}

/// What pull's cycles show says nothing of push: the token is looked at on push's own grid.
#[tokio::test(start_paused = true)]
async fn the_grant_is_asked_on_the_grid_of_push_whatever_else_runs() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", "right", [("team/a", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/a", "latest");
    let yaml = format!(
        "registries:\n  - {{name: one, url: '{}', username: robot, password: right, test_repository: team/a}}\n",
        sim.url()
    );
    let days = Simulation::of(&yaml);
    days.until(5 * HOUR, &[&sim], |_| {}).await;
    let runs = days.diary.of("one", CheckName::Push).len();
    assert!((18..=20).contains(&runs), "{runs}");
    assert_eq!(sim.sessions().opened, 1);
    days.end().await;
}
