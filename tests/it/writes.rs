//! Push and capabilities against simulated registries: what they send, what they
//! leave behind (nothing), and what they say.

use oci_registry_exporter::outcome::{CheckName, Fact, SessionEnd};
use registry_sim::{Action, Fault, Operation, Profile, RegistrySim, Scheme};

use crate::{asked::Asked, cli::run::Workplace};

const ALL: [CheckName; 5] = [
    CheckName::Credentials,
    CheckName::Pull,
    CheckName::Push,
    CheckName::Referrers,
    CheckName::Capabilities,
];

const IMAGE: &str = "test_repository: team/app";
const OPEN: &str = "test_repository: team/app\nchecks: {push: {anonymous: true}}";
const ROBOT: &str = "test_repository: team/app\nusername: robot\npassword: s3cret-canary";
const NAMED: &str = "push_repository: team/app\ntest_repository: team/app\nusername: robot\npassword: s3cret-canary\nrequest_timeout: 1s\nretry: {transient_attempts: 0}";

async fn sim_of(profile: &Profile, scheme: Scheme, rights: &str) -> RegistrySim {
    let sim = RegistrySim::profile(profile)
        .auth(scheme)
        .user("robot", "s3cret-canary", [("team/app", rights)])
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    let digest = sim.push_image("team/app", "latest");
    sim.push_referrer("team/app", &digest, "application/spdx+json");
    sim
}

async fn native(scheme: Scheme) -> RegistrySim {
    sim_of(&Profile::NATIVE, scheme, "pull,push,delete").await
}

/// All five cost 4 requests open, 5 anonymous with a token, 11
/// open with `push.anonymous`, 12 Basic, 16 Bearer, with the blob known.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a row for every case")]
async fn all_five_cost_what_they_should() {
    for (name, scheme, config, expected) in [
        (
            "open",
            Scheme::None,
            IMAGE,
            vec!["ping", "manifest_head", "referrers", "referrers"],
        ),
        (
            "anonymous",
            Scheme::Bearer,
            IMAGE,
            vec!["ping", "token", "manifest_head", "referrers", "referrers"],
        ),
        (
            "open, push.anonymous",
            Scheme::None,
            OPEN,
            vec![
                "ping",
                "manifest_head",
                "upload_start",
                "upload_patch",
                "upload_patch",
                "upload_cancel",
                "referrers",
                "referrers",
                "mount",
                "manifest_delete",
                "blob_delete",
            ],
        ),
        (
            "basic",
            Scheme::Basic,
            ROBOT,
            vec![
                "ping",
                "ping_auth",
                "manifest_head",
                "upload_start",
                "upload_patch",
                "upload_patch",
                "upload_cancel",
                "referrers",
                "referrers",
                "mount",
                "manifest_delete",
                "blob_delete",
            ],
        ),
        (
            "bearer",
            Scheme::Bearer,
            ROBOT,
            vec![
                "ping",
                "token",
                "ping_auth",
                "token",
                "manifest_head",
                "token",
                "upload_start",
                "upload_patch",
                "upload_patch",
                "upload_cancel",
                "referrers",
                "referrers",
                "mount",
                "token",
                "manifest_delete",
                "blob_delete",
            ],
        ),
    ] {
        let sim = native(scheme).await;
        // The blob is remembered for the life of the process, the ping for an hour: a
        // registry that was asked before costs one GET less, and here one ping less.
        let asked = Asked::sim(&sim, config);
        let first = asked.cycle(&ALL).await;
        let mut sent = first.operations();
        let get = sent
            .iter()
            .position(|operation| *operation == "manifest_get");
        assert_eq!(get.is_some(), sent.contains(&"mount"), "{name}: {sent:?}");
        if let Some(get) = get {
            sent.remove(get);
        }
        assert_eq!(sent, expected, "{name}");
        assert_eq!(sim.open_sessions(), 0, "{name}");
        let again = asked.cycle(&ALL).await;
        assert!(!again.operations().contains(&"manifest_get"), "{name}");
        assert_eq!(sim.open_sessions(), 0, "{name}");
    }
}

/// Everything is there and allowed: the source document's healthy registry.
#[tokio::test]
async fn a_healthy_registry_has_it_all() {
    let sim = native(Scheme::Bearer).await;
    let cycle = Asked::sim(&sim, ROBOT).cycle(&ALL).await;
    assert_eq!(cycle.verdicts(), ["pass"; 5], "{:#?}", cycle.reports());
    assert_eq!(
        cycle.outcome(CheckName::Push).message,
        "Push authorization verified"
    );
    assert_eq!(
        cycle.outcome(CheckName::Capabilities).message,
        "Full capability support (6/6)"
    );
    assert_eq!(cycle.observation().sessions, [SessionEnd::Cancelled]);
    assert_eq!(sim.sessions().opened, 1);
    assert_eq!(sim.sessions().cancelled, 1);
    assert!(
        sim.requests().iter().all(|request| request.method != "PUT"),
        "nothing is committed"
    );
}

/// Without the right to push, and without anything left behind.
#[tokio::test]
async fn a_pull_only_account_may_not_push() {
    for scheme in [Scheme::Basic, Scheme::Bearer] {
        let sim = sim_of(&Profile::PLAIN, scheme, "pull").await;
        let cycle = Asked::sim(&sim, ROBOT)
            .cycle(&[CheckName::Credentials, CheckName::Push])
            .await;
        assert_eq!(cycle.verdicts(), ["pass", "fail/forbidden"]);
        assert!(
            cycle
                .outcome(CheckName::Push)
                .facts
                .contains(&Fact::PushAuthorized(false))
        );
        assert_eq!(sim.sessions().opened, 0);
    }
}

/// distribution wants `delete` for a cancel: asked for with a token of its own, and
/// remembered; without it the session stays, and that is said.
#[tokio::test]
async fn cancelling_may_need_a_right_of_its_own() {
    let sim = sim_of(
        &Profile::DISTRIBUTION_2_8_DELETE,
        Scheme::Bearer,
        "pull,push,delete",
    )
    .await;
    let asked = Asked::sim(&sim, ROBOT);
    let cycle = asked
        .cycle(&[CheckName::Credentials, CheckName::Push])
        .await;
    assert_eq!(cycle.verdicts(), ["pass"; 2]);
    assert_eq!(sim.open_sessions(), 0);
    assert_eq!(
        cycle
            .operations()
            .iter()
            .filter(|sent| **sent == "upload_cancel")
            .count(),
        2
    );

    let sim = sim_of(
        &Profile::DISTRIBUTION_2_8_DELETE,
        Scheme::Bearer,
        "pull,push",
    )
    .await;
    let cycle = Asked::sim(&sim, ROBOT).cycle(&[CheckName::Push]).await;
    assert_eq!(cycle.verdicts(), ["warn/cancel_refused"]);
    assert!(
        cycle
            .outcome(CheckName::Push)
            .facts
            .contains(&Fact::PushAuthorized(true))
    );
    assert_eq!(cycle.observation().sessions, [SessionEnd::Refused]);
}

/// Asking for a repository that is not there may create it: it is not asked.
#[tokio::test]
async fn a_missing_repository_is_not_created() {
    let sim = RegistrySim::profile(Profile::ZOT)
        .auth(Scheme::Basic)
        .user("robot", "s3cret-canary", [("*", "pull,push,delete")])
        .start()
        .await;
    let cycle = Asked::sim(&sim, ROBOT)
        .cycle(&[CheckName::Push, CheckName::Capabilities])
        .await;
    assert_eq!(cycle.verdicts()[0], "info/not_found");
    assert_eq!(sim.count(Operation::UploadStart), 0);
    assert!(sim.repositories().is_empty());
    let asked = Asked::sim(
        &sim,
        &format!("{ROBOT}\nchecks: {{push: {{allow_create: true}}}}"),
    );
    assert_eq!(asked.cycle(&[CheckName::Push]).await.verdicts(), ["pass"]);
    assert_eq!(sim.open_sessions(), 0);
}

/// Read-only is a fault only where push was named.
#[tokio::test]
async fn read_only_is_judged_by_what_was_wanted() {
    for (config, expected) in [(ROBOT, "info/read_only"), (NAMED, "fail/read_only")] {
        let sim = sim_of(
            &Profile::DISTRIBUTION_2_8_READONLY,
            Scheme::Basic,
            "pull,push,delete",
        )
        .await;
        let cycle = Asked::sim(&sim, config)
            .cycle(&[CheckName::Push, CheckName::Capabilities])
            .await;
        assert_eq!(cycle.verdicts()[0], expected);
        assert!(
            cycle
                .outcome(CheckName::Push)
                .facts
                .contains(&Fact::PushAuthorized(false))
        );
        let facts = cycle.outcome(CheckName::Capabilities).facts;
        assert!(
            facts.iter().all(|fact| matches!(fact, Fact::Capability(capability, _) if capability.as_str() == "distribution_version" || capability.as_str() == "referrers_api")),
            "a registry that takes no writes says nothing of deletes: {facts:?}"
        );
    }
}

/// Whatever happens between POST and DELETE, the session is cancelled or counted.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a row for every case")]
async fn trouble_in_the_middle_still_ends_the_session() {
    for (name, fault, push, end, open) in [
        (
            "the first chunk hangs",
            Fault::on(Operation::UploadPatch).hang(),
            "pass",
            SessionEnd::Cancelled,
            0,
        ),
        (
            "the first chunk closes",
            Fault::on(Operation::UploadPatch).close(),
            "pass",
            SessionEnd::Cancelled,
            0,
        ),
        (
            "the chunk is garbage",
            Fault::on(Operation::UploadPatch).then(Action::Garbage(b"hello".to_vec())),
            "pass",
            SessionEnd::Cancelled,
            0,
        ),
        (
            "the cancel is 405",
            Fault::on(Operation::UploadCancel).status(405),
            "pass",
            SessionEnd::NotOffered,
            1,
        ),
        (
            "the cancel is refused",
            Fault::on(Operation::UploadCancel).status(403),
            "warn/cancel_refused",
            SessionEnd::Refused,
            1,
        ),
        (
            "the cancel is 503, then taken",
            Fault::on(Operation::UploadCancel).status(503).times(2),
            "pass",
            SessionEnd::Cancelled,
            0,
        ),
        (
            "the cancel is 500 for ever",
            Fault::on(Operation::UploadCancel).status(500),
            "pass",
            SessionEnd::Lost,
            1,
        ),
        (
            "the cancel is gone already",
            Fault::on(Operation::UploadCancel)
                .status(404)
                .error("BLOB_UPLOAD_UNKNOWN", "gone")
                .once(),
            "pass",
            SessionEnd::Cancelled,
            1,
        ),
    ] {
        let sim = native(Scheme::Basic).await;
        sim.fault(fault);
        let cycle = Asked::sim(&sim, NAMED)
            .cycle(&[CheckName::Push, CheckName::Capabilities])
            .await;
        assert_eq!(cycle.verdicts()[0], push, "{name}");
        assert!(
            cycle
                .outcome(CheckName::Push)
                .facts
                .contains(&Fact::PushAuthorized(true)),
            "{name}"
        );
        assert_eq!(cycle.observation().sessions[0], end, "{name}");
        assert_eq!(sim.open_sessions(), open, "{name}");
    }
}

/// A Location that points elsewhere never gets the password.
#[tokio::test]
async fn a_foreign_location_gets_nothing_that_proves_who_asks() {
    let thief = RegistrySim::profile(Profile::PLAIN)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    for (location, end) in [
        (
            format!("{}/v2/team/app/blobs/uploads/1", thief.url()),
            SessionEnd::NotOffered,
        ),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            SessionEnd::NotOffered,
        ),
        ("file:///etc/passwd".to_owned(), SessionEnd::Lost),
        ("http://".to_owned(), SessionEnd::Lost),
    ] {
        let sim = native(Scheme::Basic).await;
        sim.fault(
            Fault::on(Operation::UploadStart)
                .status(202)
                .header("location", &location),
        );
        let cycle = Asked::sim(&sim, NAMED).cycle(&[CheckName::Push]).await;
        assert_eq!(cycle.observation().sessions, [end], "{location}");
        assert_eq!(cycle.verdicts(), ["pass"], "{location}");
    }
    assert!(
        thief
            .requests()
            .iter()
            .all(|request| request.authorization.is_none())
    );
    assert!(!thief.saw("s3cret-canary"));
}

/// Between two uploads the daemon asks only for the grant, and that proves nothing.
#[tokio::test]
async fn between_uploads_only_the_token_is_asked() {
    let sim = native(Scheme::Bearer).await;
    let asked = Asked::sim(&sim, ROBOT);
    let push = [CheckName::Push];
    assert_eq!(asked.cycle(&push).await.verdicts(), ["pass"]);
    assert_eq!(sim.sessions().opened, 1);
    for _ in 0..5 {
        let cycle = asked.cycle(&push).await;
        assert_eq!(cycle.verdicts(), ["pass"]);
        assert!(cycle.outcome(CheckName::Push).facts.is_empty());
        assert_eq!(cycle.operations(), ["token", "manifest_head", "token"]);
    }
    assert_eq!(sim.sessions().opened, 1);
    // The right vanishes from the token: the upload is tried at once, and proves it.
    sim.set_rights("robot", [("team/app", "pull")]);
    let cycle = asked.cycle(&push).await;
    assert_eq!(cycle.verdicts(), ["fail/forbidden"]);
    assert!(
        cycle
            .outcome(CheckName::Push)
            .facts
            .contains(&Fact::PushAuthorized(false))
    );
}

/// SIGTERM while a chunk is under way: the session is cancelled before the process ends.
#[tokio::test]
async fn a_signal_in_the_middle_cancels_the_session() {
    let sim = native(Scheme::Basic).await;
    sim.fault(Fault::on(Operation::UploadPatch).hang());
    let place = Workplace::new(&format!(
        "registries:\n  - name: sim\n    url: {}\n    test_repository: team/app\n    username: robot\n    password: s3cret-canary\n    request_timeout: 1s\n",
        sim.url()
    ));
    let mut run = place.command(&["check"]).spawn().expect("it starts");
    sim.until(|sim| sim.count(Operation::UploadPatch) == 1)
        .await;
    let pid = run.id().expect("it runs").to_string();
    let killed = tokio::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status()
        .await
        .expect("kill runs");
    assert!(killed.success());
    let ended = run.wait().await.expect("it ends");
    assert_eq!(ended.code(), Some(130));
    assert_eq!(sim.open_sessions(), 0);
    assert_eq!(sim.sessions().cancelled, 1);
}

/// A registry that lets one upload in and refuses the next: when the day's uploads are
/// used up, what the last one said is said again, and nothing passes unproven.
#[tokio::test]
async fn a_refused_push_never_passes_because_the_uploads_are_used_up() {
    let sim = native(Scheme::Basic).await;
    let asked = Asked::sim(&sim, ROBOT);
    let push = [CheckName::Push];
    for _ in 0..6 {
        // A change of the set's right is a doubt: the next upload is due.
        assert_eq!(
            asked
                .cycle(&[CheckName::Push, CheckName::Capabilities])
                .await
                .verdicts()[0],
            "pass"
        );
    }
    sim.set_rights("robot", [("team/app", "pull")]);
    let both = asked
        .cycle(&[CheckName::Push, CheckName::Capabilities])
        .await;
    assert_eq!(both.verdicts()[0], "fail/forbidden");
    let cycle = asked.cycle(&push).await;
    assert_eq!(cycle.verdicts(), ["fail/forbidden"]);
    assert!(cycle.outcome(CheckName::Push).facts.is_empty());
    assert!(!cycle.operations().contains(&"upload_start"));
}

/// A `POST` that is never answered may have opened a session: it counts as one.
#[tokio::test]
async fn posts_without_an_answer_are_bounded() {
    let sim = native(Scheme::Basic).await;
    sim.fault(Fault::on(Operation::UploadStart).close());
    let asked = Asked::sim(&sim, NAMED);
    for _ in 0..10 {
        let cycle = asked.cycle(&[CheckName::Push]).await;
        assert!(
            cycle.verdicts()[0].starts_with("fail/"),
            "{:?}",
            cycle.verdicts()
        );
    }
    assert_eq!(sim.count(Operation::UploadStart), 6);
}

/// An upload of capabilities alone proves the right for push, too.
#[tokio::test]
async fn what_capabilities_proved_push_says() {
    let sim = native(Scheme::Basic).await;
    let asked = Asked::sim(&sim, ROBOT);
    let push = [CheckName::Push];
    sim.set_rights("robot", [("team/app", "pull")]);
    assert_eq!(asked.cycle(&push).await.facts(), "push=false");
    sim.set_rights("robot", [("team/app", "pull,push,delete")]);
    asked.cycle(&[CheckName::Capabilities]).await;
    let cycle = asked.cycle(&push).await;
    assert_eq!(cycle.verdicts(), ["pass"]);
    assert_eq!(cycle.facts(), "push=true");
    assert!(asked.cycle(&push).await.facts().is_empty());
    assert_eq!(sim.sessions().opened, 1);
}

/// A cancel that was refused stays a warning until the next upload.
#[tokio::test]
async fn a_refused_cancel_is_a_warning_until_the_next_upload() {
    let sim = native(Scheme::Bearer).await;
    sim.fault(Fault::on(Operation::UploadCancel).status(403));
    let asked = Asked::sim(&sim, NAMED);
    for _ in 0..3 {
        let cycle = asked.cycle(&[CheckName::Push]).await;
        assert_eq!(cycle.verdicts(), ["warn/cancel_refused"]);
    }
    assert_eq!(sim.sessions().opened, 1);
}

/// A mount from another repository leaves a link behind: once in 24 hours.
#[tokio::test]
async fn a_mount_that_links_is_asked_once_a_day() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user(
            "robot",
            "s3cret-canary",
            [("team/app", "pull,push,delete"), ("team/base", "pull")],
        )
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim.push_image("team/base", "latest");
    let asked = Asked::sim(
        &sim,
        &format!("{ROBOT}\nchecks: {{capabilities: {{mount_from: team/base}}}}"),
    );
    for _ in 0..3 {
        asked.cycle(&[CheckName::Capabilities]).await;
    }
    assert_eq!(sim.count(Operation::Mount), 1);
}

/// Where nothing can be asked any more, capabilities fails like every other check,
/// also with a ping that is remembered.
#[tokio::test]
async fn capabilities_alone_fail_with_an_unreachable_registry() {
    let sim = native(Scheme::Basic).await;
    let asked = Asked::sim(&sim, NAMED);
    asked.cycle(&ALL).await;
    drop(sim);
    let cycle = asked.cycle(&[CheckName::Capabilities]).await;
    assert_eq!(cycle.verdicts(), ["fail/connect"]);
    assert!(cycle.facts().is_empty());
}

/// Two sets without a name at one origin are two sets.
#[tokio::test]
async fn two_registries_at_one_origin_do_not_upload_for_one_another() {
    let sim = native(Scheme::Basic).await;
    sim.set_user("other", "s3cret-other", [("team/app", "pull,push,delete")]);
    let both = Asked::of(&format!(
        "registries:\n  - {{name: one, url: {0}, test_repository: team/app, username: robot, password: s3cret-canary}}\n  - {{name: two, url: {0}, test_repository: team/app, username: other, password: s3cret-other}}\n",
        sim.url()
    ));
    for _ in 0..4 {
        both.cycle_of(0, &[CheckName::Push]).await;
        both.cycle_of(1, &[CheckName::Push]).await;
    }
    assert_eq!(sim.sessions().opened, 2);
}

/// A gateway that comes between two cycles and refuses writes with a web page says
/// nothing of the right to push.
#[tokio::test]
async fn a_page_in_answer_to_a_write_proves_nothing() {
    let sim = native(Scheme::Basic).await;
    let asked = Asked::sim(&sim, NAMED);
    let due = [CheckName::Push, CheckName::Capabilities];
    assert_eq!(
        asked.cycle(&[CheckName::Credentials]).await.verdicts(),
        ["pass"]
    );
    for operation in [Operation::UploadStart, Operation::Ping] {
        sim.fault(Fault::on(operation).html(403));
    }
    let cycle = asked.cycle(&due).await;
    assert_eq!(cycle.verdicts()[0], "fail/network_policy");
    let facts = cycle.outcome(CheckName::Push).facts;
    assert!(facts.is_empty(), "{facts:?}");
}

/// A foreign place is asked once, whatever it answers.
#[tokio::test]
async fn a_foreign_location_is_asked_once() {
    let other = RegistrySim::profile(Profile::PLAIN)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    other.fault(Fault::any().status(503));
    let sim = native(Scheme::Basic).await;
    let location = format!("{}/v2/team/app/blobs/uploads/1", other.url());
    sim.fault(
        Fault::on(Operation::UploadStart)
            .status(202)
            .header("location", &location),
    );
    let cycle = Asked::sim(&sim, NAMED).cycle(&[CheckName::Push]).await;
    assert_eq!(cycle.observation().sessions, [SessionEnd::NotOffered]);
    assert_eq!(other.total_requests(), 1);
}

/// `/v2/` is open and writes are not: a wrong password is shown to such a route once
/// in a cycle, and not again in the next.
#[tokio::test]
async fn a_wrong_password_behind_an_open_ping_is_shown_once() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::None)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    for operation in [
        Operation::UploadStart,
        Operation::ManifestDelete,
        Operation::BlobDelete,
    ] {
        sim.fault(
            Fault::on(operation)
                .status(401)
                .header("www-authenticate", "Basic realm=\"writes\"")
                .error("UNAUTHORIZED", "authentication required"),
        );
    }
    let asked = Asked::sim(&sim, ROBOT);
    let due = [CheckName::Push, CheckName::Capabilities];
    let shown = || {
        sim.take_requests()
            .iter()
            .filter(|request| request.authorization.is_some() && request.path != "/v2/")
            .count()
    };
    let cycle = asked.cycle(&due).await;
    assert_eq!(cycle.verdicts()[0], "fail/unauthorized");
    assert_eq!(shown(), 1, "once in the cycle that found it out");
    let cycle = asked.cycle(&due).await;
    assert_eq!(cycle.verdicts()[0], "fail/unauthorized");
    assert_eq!(shown(), 0, "and not a moment later");
}
