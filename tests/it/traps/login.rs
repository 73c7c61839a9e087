//! Who asks: challenges, token endpoints, passwords.

use std::sync::Arc;

use oci_registry_exporter::{
    auth,
    outcome::{Capability, CheckName, Fact},
};
use registry_sim::{
    Fault, Operation, Profile, RegistrySim,
    profile::{Referrers, Refusal, Writes},
};
use tokio::sync::Notify;

use super::{
    ALL, ALL_RIGHTS, PASSWORD, all_five, asked, found, reply, scopes, sim, wrong_password,
};
use crate::asked::Asked;

const LOGIN_AND_WRITE: [CheckName; 3] = [CheckName::Credentials, CheckName::Pull, CheckName::Push];

#[tokio::test]
async fn trap_01_403_is_not_always_a_missing_right() {
    let refusing = |message| {
        move |profile: &mut Profile| {
            profile.writes = Writes::Refused(Refusal::new(403, "DENIED", message));
        }
    };
    // ECR: an old password.
    let ecr = sim(&Profile::ECR, ALL_RIGHTS).await;
    ecr.expire_user("robot");
    let cycle = asked(&ecr, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["fail/expired"; 3]);
    // GHCR: a wrong password, said by the token endpoint.
    let ghcr = sim(&Profile::GHCR, ALL_RIGHTS).await;
    let cycle = Asked::sim(&ghcr, &wrong_password())
        .cycle(&LOGIN_AND_WRITE)
        .await;
    assert_eq!(cycle.verdicts(), ["fail/unauthorized"; 3]);
    // ACR: where the question came from.
    let acr = sim(&Profile::ACR_FIREWALL, ALL_RIGHTS).await;
    let cycle = asked(&acr, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["fail/network_policy"; 3]);
    // Harbor: nobody may write, for now or here.
    for message in [
        "The system is in read only mode. Any modification is prohibited.",
        "can not push artifact to a proxy project: cache",
    ] {
        let harbor = sim(&Profile::HARBOR_2_11, ALL_RIGHTS).await;
        harbor.tune(refusing(message));
        let cycle = asked(&harbor, &LOGIN_AND_WRITE).await;
        assert_eq!(cycle.verdicts(), ["pass", "pass", "info/read_only"]);
    }
    // And where it is a missing right, it is called so.
    let gar = sim(&Profile::GAR, "pull").await;
    let cycle = asked(&gar, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "fail/forbidden"]);
}

#[tokio::test]
async fn trap_02_401_is_not_always_a_wrong_password() {
    for profile in [
        Profile::DISTRIBUTION_2_8_TOKEN,
        Profile::HARBOR_2_11,
        Profile::QUAY_3_13,
        Profile::DOCKER_HUB,
        Profile::GITLAB,
    ] {
        let sim = sim(&profile, "pull").await;
        let cycle = asked(&sim, &LOGIN_AND_WRITE).await;
        assert_eq!(
            cycle.verdicts(),
            ["pass", "pass", "fail/forbidden"],
            "{}",
            profile.name
        );
        let refused = sim.requests().iter().any(|request| {
            request.operation == Operation::UploadStart && request.status == Some(401)
        });
        assert!(refused, "{}: the registry said 401", profile.name);
        assert!(
            cycle
                .outcome(CheckName::Push)
                .message
                .contains("denied, or the repository does not exist"),
        );
    }
}

#[tokio::test]
async fn trap_03_400_is_not_always_our_own_mistake() {
    // ECR Public, to a token that is not good (any more).
    let public = sim(&Profile::ECR_PUBLIC, ALL_RIGHTS).await;
    let configuration = "test_repository: team/app\ntoken: past-its-end";
    let cycle = Asked::sim(&public, configuration)
        .cycle(&[CheckName::Credentials])
        .await;
    assert_eq!(cycle.verdicts(), ["fail/unauthorized"]);
    // Quay, to the scope `delete`, which is never asked of it.
    let (quay, _) = all_five(&Profile::QUAY_3_13).await;
    assert!(scopes(&quay).iter().all(|scope| !scope.contains("delete")));
    assert!(quay.requests().iter().all(|sent| sent.status != Some(400)));
    // Quay, to the referrers of a digest that it does not know: it has the API.
    quay.remove_tag("team/app", "latest");
    let cycle = asked(&quay, &[CheckName::Referrers]).await;
    assert_eq!(cycle.verdicts(), ["pass"]);
    // zot, to a delete in a repository that is not there: that says nothing of deletes.
    let zot = sim(&Profile::ZOT, ALL_RIGHTS).await;
    zot.fault(
        Fault::on(Operation::ManifestDelete)
            .status(400)
            .error("NAME_UNKNOWN", "repository name not known to registry"),
    );
    let cycle = asked(&zot, &ALL).await;
    assert_eq!(found(&cycle, Capability::ManifestDelete), None);
}

#[tokio::test]
async fn trap_04_a_token_does_not_prove_a_password() {
    let harbor = sim(&Profile::HARBOR_2_11, ALL_RIGHTS).await;
    let cycle = Asked::sim(&harbor, &wrong_password()).cycle(&ALL).await;
    assert_eq!(cycle.verdicts()[..3], ["fail/unauthorized"; 3]);
    assert_eq!(scopes(&harbor), [""], "with a scope it would be 200");
    // Less than what was asked is not a wrong password either.
    let quay = sim(&Profile::QUAY_3_13, "pull").await;
    let cycle = asked(&quay, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "fail/forbidden"]);
}

#[tokio::test]
async fn trap_05_a_200_ping_does_not_prove_a_password() {
    let zot = sim(&Profile::ZOT_MIXED, ALL_RIGHTS).await;
    zot.set_anonymous([("team/app", "pull")]);
    let cycle = Asked::sim(&zot, &wrong_password())
        .cycle(&[CheckName::Credentials])
        .await;
    assert_eq!(cycle.verdicts(), ["fail/unauthorized"]);

    let open = sim(&Profile::DISTRIBUTION_2_8, ALL_RIGHTS).await;
    let cycle = Asked::sim(&open, &wrong_password())
        .cycle(&[CheckName::Credentials])
        .await;
    assert_eq!(cycle.verdicts(), ["info/not_configured"]);
    assert!(cycle.outcome(CheckName::Credentials).facts.is_empty());
}

#[tokio::test]
async fn trap_06_the_first_challenge_is_not_the_last_word() {
    // Harbor's challenge flips to Basic after a failed login; the anonymous one counts.
    let harbor = sim(&Profile::HARBOR_2_11, "pull").await;
    let cycle = asked(&harbor, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["pass", "pass", "fail/forbidden"]);
    let requests = harbor.requests();
    let with_basic = requests.iter().filter(|sent| {
        sent.operation != Operation::Token && sent.authorization.as_deref() == Some("Basic")
    });
    assert_eq!(with_basic.count(), 0);
    // Gitea's two challenges, in either order; Google's without a service.
    let gitea = sim(&Profile::GITEA, ALL_RIGHTS).await;
    gitea.tune(|profile| profile.auth.second_challenge = Some("Basic"));
    let cycle = asked(&gitea, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["pass"; 3]);
    let (gar, cycle) = all_five(&Profile::GAR).await;
    assert_eq!(cycle.verdicts()[..3], ["pass"; 3]);
    let requests = gar.requests();
    let mut tokens = requests
        .iter()
        .filter(|sent| sent.operation == Operation::Token);
    assert!(tokens.all(|sent| sent.parameter("service").is_none()));
    // Artifactory asks Basic for its referrers: that is sent, once.
    let artifactory = sim(&Profile::ARTIFACTORY_7_90, ALL_RIGHTS).await;
    artifactory.fault(
        Fault::on(Operation::Referrers)
            .once()
            .status(401)
            .header("www-authenticate", "Basic realm=\"Artifactory Realm\""),
    );
    asked(&artifactory, &[CheckName::Referrers]).await;
    let requests = artifactory.requests();
    let shown: Vec<_> = requests
        .iter()
        .filter(|sent| sent.operation == Operation::Referrers)
        .map(|sent| sent.authorization.as_deref())
        .collect();
    assert_eq!(shown[..2], [Some("Bearer"), Some("Basic")]);
    // zot's lower case without quotes.
    let zot = sim(&Profile::ZOT_MIXED, ALL_RIGHTS).await;
    zot.set_anonymous([("team/app", "pull")]);
    let cycle = asked(&zot, &LOGIN_AND_WRITE).await;
    assert_eq!(cycle.verdicts(), ["pass"; 3]);
}

#[tokio::test]
async fn trap_22_a_token_is_for_its_scope_alone() {
    let (sim, cycle) = all_five(&Profile::DISTRIBUTION_2_8_TOKEN).await;
    assert_eq!(
        scopes(&sim),
        [
            "",
            "repository:team/app:pull",
            "repository:team/app:pull,push",
            "repository:team/app:pull,delete"
        ]
    );
    assert_eq!(cycle.verdicts()[..3], ["pass"; 3]);
}

#[tokio::test]
async fn trap_23_expires_in_may_be_missing() {
    for profile in [
        Profile::ACR,
        Profile::QUAY_3_13,
        Profile::GHCR,
        Profile::GITLAB,
        Profile::GITEA,
    ] {
        assert!(!profile.token.fields.contains(&"expires_in"));
        let (_, cycle) = all_five(&profile).await;
        assert_eq!(cycle.verdicts()[..3], ["pass"; 3], "{}", profile.name);
    }
    let token = auth::token(&reply(200, &[], r#"{"token":"a"}"#)).unwrap();
    assert_eq!(token.life.as_secs(), 60);
}

#[tokio::test]
async fn trap_33_a_slow_401_is_no_trouble_of_the_network() {
    let zot = sim(&Profile::ZOT, ALL_RIGHTS).await;
    let gate = Arc::new(Notify::new());
    zot.fault(Fault::on(Operation::Ping).skip(1).once().held(&gate));
    let configuration = wrong_password();
    let asked = Asked::sim(&zot, &configuration);
    // zot holds a refusal back for seconds: the default has room for that.
    assert!(asked.target().request_timeout.as_secs() >= 10);
    let (cycle, ()) = tokio::join!(asked.cycle(&[CheckName::Credentials]), async {
        zot.requests_arrived(2).await;
        gate.notify_one();
    });
    assert_eq!(cycle.verdicts(), ["fail/unauthorized"]);
    assert_eq!(zot.total_requests(), 2, "and it is not asked again");
}

#[tokio::test]
async fn trap_37_the_user_agent_matters() {
    // zot refuses Docker's agents where it lets others in.
    let zot = sim(&Profile::ZOT_MIXED, ALL_RIGHTS).await;
    zot.set_anonymous([("team/app", "pull")]);
    let cycle = Asked::sim(&zot, "test_repository: team/app")
        .cycle(&LOGIN_AND_WRITE)
        .await;
    assert_eq!(cycle.verdicts()[..2], ["pass"; 2]);
    for request in zot.requests() {
        let agent = request.header("user-agent").unwrap_or_default();
        assert!(agent.starts_with("oci-registry-exporter/"), "{agent}");
        assert!(!agent.to_ascii_lowercase().contains("docker"), "{agent}");
    }
}

#[test]
fn trap_41_the_servers_clock_is_not_asked() {
    for issued_at in ["1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "yesterday"] {
        let body = format!(r#"{{"token":"a","expires_in":300,"issued_at":"{issued_at}"}}"#);
        let token = auth::token(&reply(200, &[], &body)).unwrap();
        assert_eq!(token.life.as_secs(), 300, "{issued_at}");
    }
    // A JWT whose `exp` has long passed, by our clock: {"exp":1}.
    let body = r#"{"token":"eyJhbGciOiJub25lIn0.eyJleHAiOjF9.x","expires_in":300}"#;
    let token = auth::token(&reply(200, &[], body)).unwrap();
    assert_eq!(token.life.as_secs(), 300);
}

#[tokio::test]
async fn trap_42_a_realm_is_not_to_be_trusted() {
    let thief = RegistrySim::profile(Profile::PLAIN)
        .ip([127, 0, 0, 2])
        .start()
        .await;
    for (realm, verdict) in [
        (format!("{}/token", thief.url()), "fail/untrusted_host"),
        (
            "http://169.254.169.254/latest/meta-data".to_owned(),
            "fail/untrusted_host",
        ),
        // No host at all: no realm that can be used.
        ("file:///etc/passwd".to_owned(), "unknown/protocol"),
    ] {
        let sim = RegistrySim::profile(Profile::DOCKER_HUB)
            .user("robot", PASSWORD, [("team/app", ALL_RIGHTS)])
            .realm(&realm)
            .start()
            .await;
        sim.push_image("team/app", "latest");
        let cycle = asked(&sim, &[CheckName::Credentials]).await;
        assert_eq!(cycle.verdicts(), [verdict], "{realm}");
        assert!(!sim.saw(PASSWORD), "{realm}");
    }
    assert_eq!(thief.total_requests(), 0);
    assert!(!thief.saw(PASSWORD));
}

#[tokio::test]
async fn trap_43_a_404_before_the_login_says_nothing_of_the_login() {
    let sim = sim(&Profile::DISTRIBUTION_2_8_HTPASSWD, ALL_RIGHTS).await;
    assert_eq!(sim_referrers_without_login(&sim).await, 404);
    let cycle = Asked::sim(&sim, "test_repository: team/app")
        .cycle(&ALL)
        .await;
    assert_eq!(cycle.verdicts()[0], "fail/unauthorized");
    let proven = cycle.reports().into_iter().flat_map(|report| {
        let facts = report.outcome.facts.into_iter();
        facts.filter(|fact| {
            matches!(
                fact,
                Fact::CredentialsValid(true) | Fact::PullAuthorized(true)
            )
        })
    });
    assert_eq!(proven.count(), 0);
}

/// What the registry says of referrers to nobody.
async fn sim_referrers_without_login(sim: &RegistrySim) -> u16 {
    assert!(matches!(
        Profile::DISTRIBUTION_2_8_HTPASSWD.referrers,
        Referrers::NoRoute
    ));
    let zero = "0".repeat(64);
    let line = format!(
        "GET /v2/team/app/referrers/sha256:{zero} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        sim.host()
    );
    let mut stream = tokio::net::TcpStream::connect(sim.host()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, line.as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer)
        .await
        .unwrap();
    answer[9..12].parse().unwrap()
}

#[tokio::test]
async fn trap_44_basic_is_no_login_where_bearer_is_asked() {
    // Harbor and ACR take Basic on the ping too, Quay does not: one way for all.
    for profile in [Profile::HARBOR_2_11, Profile::ACR, Profile::QUAY_3_13] {
        let sim = sim(&profile, ALL_RIGHTS).await;
        let cycle = asked(&sim, &[CheckName::Credentials]).await;
        assert_eq!(cycle.verdicts(), ["pass"], "{}", profile.name);
        let requests = sim.requests();
        let shown: Vec<_> = requests
            .iter()
            .map(|sent| (sent.operation.as_str(), sent.authorization.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("ping", None),
                ("token", Some("Basic")),
                ("ping", Some("Bearer"))
            ],
            "{}",
            profile.name
        );
    }
}
