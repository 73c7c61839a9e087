//! Sources of credentials against simulated registries: identity tokens, secrets
//! that rotate, and secrets that are gone.

use std::{fs, path::PathBuf};

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use http::Method;
use oci_registry_exporter::outcome::CheckName;
use registry_sim::{Fault, Operation, Profile, Refusal, RegistrySim, Scheme};
use tempfile::TempDir;

use crate::asked::Asked;

/// The user name that Azure gives whoever comes with an identity token.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
const REFRESH: &str = "refresh-canary";
const PASSWORD: &str = "s3cret-canary";
/// A folder with the files of secrets.
struct Secrets(TempDir);

impl Secrets {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Docker's configuration with this entry for a registry.
    fn docker(&self, sim: &RegistrySim, entry: &str) {
        let json = format!(r#"{{"auths":{{"{}":{entry}}}}}"#, sim.host());
        self.write("config.json", &json);
    }

    fn docker_config(&self) -> String {
        let path = self.path("config.json");
        format!(
            "test_repository: team/app\ndocker_config: {}",
            path.display()
        )
    }
}

async fn sim(profile: &Profile, user: &str, password: &str) -> RegistrySim {
    let sim = RegistrySim::profile(profile)
        .user(user, password, [("team/app", "pull,push")])
        .refresh_token(user, REFRESH)
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

fn identity(user: &str, token: &str) -> String {
    let auth = BASE64_STANDARD.encode(format!("{user}:"));
    format!(r#"{{"auth":"{auth}","identitytoken":"{token}"}}"#)
}

/// The registry of Azure takes refresh tokens by POST, and as a password by GET.
#[tokio::test]
async fn an_identity_token_is_exchanged_and_never_stands_in_a_url() {
    let sim = sim(&Profile::ACR, NOBODY, REFRESH).await;
    let secrets = Secrets::new();
    let asked = Asked::sim(&sim, &secrets.docker_config());
    let password = BASE64_STANDARD.encode(format!("{NOBODY}:{REFRESH}"));
    for (entry, method, kind, user) in [
        (
            identity(NOBODY, REFRESH),
            Method::POST,
            "identity_token",
            NOBODY,
        ),
        (
            format!(r#"{{"auth":"{password}"}}"#),
            Method::GET,
            "basic",
            NOBODY,
        ),
    ] {
        secrets.docker(&sim, &entry);
        let cycle = asked.reads().await;
        assert_eq!(cycle.verdicts(), ["pass"; 3], "{:?}", cycle.reports());
        let operations = cycle.operations();
        let asked: Vec<&str> = operations
            .into_iter()
            .filter(|word| *word != "ping")
            .collect();
        assert_eq!(
            asked,
            ["token", "ping_auth", "token", "manifest_head", "referrers"]
        );
        let evidence = cycle.outcome(CheckName::Credentials).evidence;
        let evidence = format!("{evidence:?}");
        assert!(
            evidence.contains(kind) && evidence.contains(user),
            "{evidence}"
        );
        let shown = format!("{:?}", cycle.reports());
        assert!(!shown.contains(REFRESH), "{shown}");
        for request in sim.take_requests() {
            assert!(!request.path_and_query().contains(REFRESH), "{request}");
            if request.operation == Operation::Token {
                assert_eq!(request.method, method);
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_identity_token_is_sent_once() {
    let sim = sim(&Profile::ACR, NOBODY, REFRESH).await;
    let secrets = Secrets::new();
    secrets.docker(&sim, &identity(NOBODY, "another"));
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    assert_eq!(
        cycle.verdicts(),
        [
            "fail/unauthorized",
            "fail/unauthorized",
            "unknown/unauthorized"
        ]
    );
    assert_eq!(cycle.operations(), ["ping", "token"]);
}

/// What the endpoint does not know by one method it is asked by the other, once a cycle.
#[tokio::test]
async fn an_endpoint_without_a_method_is_asked_by_the_other() {
    let basic = format!(r#"{{"username":"robot","password":"{PASSWORD}"}}"#);
    let token = identity("robot", PASSWORD);
    for (name, profile, entry) in [
        ("Google's 404 to POST", Profile::GAR, &token),
        ("Quay's 405 to POST", Profile::QUAY_3_13, &token),
        ("405 to GET", Profile::NATIVE, &basic),
    ] {
        let sim = RegistrySim::profile(profile)
            .auth(Scheme::Bearer)
            .user("robot", PASSWORD, [("team/app", "pull,push")])
            .start()
            .await;
        sim.push_image("team/app", "latest");
        if name == "405 to GET" {
            sim.fault(Fault::on(Operation::Token).method(Method::GET).status(405));
        }
        let secrets = Secrets::new();
        secrets.docker(&sim, entry);
        let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
        assert_eq!(
            cycle.verdicts(),
            ["pass"; 3],
            "{name}: {:?}",
            cycle.reports()
        );
        let tokens: Vec<Option<u16>> = sim
            .take_requests()
            .into_iter()
            .filter(|request| request.operation == Operation::Token)
            .map(|request| request.status)
            .collect();
        assert!(
            matches!(tokens[..], [Some(404 | 405), Some(200), Some(200)]),
            "{name}: {tokens:?}"
        );
    }
}

/// Some token servers repeat what they refuse, and Go escapes an `&`: neither a refresh
/// token nor a password that stood in the body of the question comes out.
#[tokio::test]
async fn what_a_token_endpoint_repeats_of_the_body_is_silenced() {
    const SECRET: &str = "canary&\"more\"";
    let escaped = r#"canary\u0026\"more\""#;
    let in_a_form = "canary%26%22more%22";
    let basic = format!(r#"{{"username":"robot","password":"{escaped}"}}"#);
    let token = format!(
        r#"{{"auth":"{}","identitytoken":"{escaped}"}}"#,
        BASE64_STANDARD.encode("robot:")
    );
    for (profile, entry) in [(Profile::ACR, &token), (Profile::NATIVE, &basic)] {
        for status in [400, 401, 403, 500] {
            let sim = RegistrySim::profile(profile)
                .auth(Scheme::Bearer)
                .user("robot", SECRET, [("team/app", "pull")])
                .refresh_token("robot", SECRET)
                .start()
                .await;
            sim.fault(Fault::on(Operation::Token).method(Method::GET).status(405));
            sim.fault(
                Fault::on(Operation::Token)
                    .method(Method::POST)
                    .status(status)
                    .header("content-type", "application/json")
                    .body(format!(
                        r#"{{"errors":[{{"code":"DENIED","message":"no {escaped}, {in_a_form}"}}]}}"#
                    )),
            );
            let secrets = Secrets::new();
            secrets.docker(&sim, entry);
            let more = format!(
                "{}\nretry: {{attempts: 1, transient_attempts: 0}}",
                secrets.docker_config()
            );
            let cycle = Asked::sim(&sim, &more).reads().await;
            let posted = sim
                .requests()
                .iter()
                .any(|sent| sent.method == Method::POST);
            assert!(posted, "{} {status}", profile.name);
            let shown = format!("{:?} {:?}", cycle.reports(), cycle.observation());
            assert!(shown.contains("no ***, ***"), "{shown}");
            assert!(
                !shown.contains("canary"),
                "{} {status}: {shown}",
                profile.name
            );
        }
    }
}

/// There is no way to show it: nothing is sent, least of all a request without credentials.
#[tokio::test]
async fn an_identity_token_is_not_shown_to_a_registry_that_asks_for_basic() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("robot", PASSWORD, [("team/app", "pull")])
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let secrets = Secrets::new();
    secrets.docker(&sim, &identity("robot", REFRESH));
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["fail/config", "fail/config", "unknown/config"]
    );
    assert_eq!(cycle.operations(), ["ping"]);
    assert!(!sim.saw(REFRESH));
}

/// A foreign realm gets no identity token.
#[tokio::test]
async fn an_identity_token_goes_to_no_untrusted_host() {
    let thief = sim(&Profile::ACR, NOBODY, REFRESH).await;
    let realm = thief.token_url().replace("127.0.0.1", "localhost");
    let sim = RegistrySim::profile(Profile::ACR)
        .user(NOBODY, REFRESH, [("team/app", "pull")])
        .realm(&realm)
        .start()
        .await;
    let secrets = Secrets::new();
    secrets.docker(&sim, &identity(NOBODY, REFRESH));
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    assert_eq!(
        cycle.verdicts(),
        [
            "fail/untrusted_host",
            "fail/untrusted_host",
            "unknown/untrusted_host"
        ]
    );
    assert!(!thief.saw(REFRESH) && !sim.saw(REFRESH));
}

/// The password of ECR says itself when it ends, and that is published.
#[tokio::test]
async fn a_password_of_ecr_says_when_it_ends() {
    let json = r#"{"payload":"cGF5","datakey":"a2V5","version":"2","type":"DATA_KEY","expiration":4102444800}"#;
    let password = BASE64_STANDARD.encode(json);
    let sim = sim(&Profile::ECR, "AWS", &password).await;
    let secrets = Secrets::new();
    secrets.write("password", &format!("{password}\n"));
    let path = secrets.path("password");
    let keys = format!(
        "test_repository: team/app\nusername: AWS\npassword_file: {}",
        path.display()
    );
    let cycle = Asked::sim(&sim, &keys).reads().await;
    assert_eq!(cycle.verdicts(), ["pass"; 3]);
    assert!(
        cycle.facts().contains("expiry=4102444800 (ecr)"),
        "{}",
        cycle.facts()
    );
    sim.expire_user("AWS");
    let cycle = Asked::sim(&sim, &keys).reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["fail/expired", "fail/expired", "unknown/expired"]
    );
}

/// The end of a token that the registry gave in exchange is nobody's expiry.
#[tokio::test]
async fn the_end_of_an_exchanged_token_is_not_published() {
    let sim = sim(&Profile::ACR, NOBODY, REFRESH).await;
    let secrets = Secrets::new();
    secrets.docker(&sim, &identity(NOBODY, REFRESH));
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    let evidence = cycle.outcome(CheckName::Credentials).evidence;
    assert!(format!("{evidence:?}").contains("token_expires_at"));
    assert!(!cycle.facts().contains("expiry="), "{}", cycle.facts());
}

/// An identity token that is a JWT past its end is not even sent.
#[tokio::test]
async fn an_identity_token_past_its_end_is_not_sent() {
    let sim = sim(&Profile::ACR, NOBODY, REFRESH).await;
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.x", part(r#"{"alg":"x"}"#), part(r#"{"exp":1}"#));
    let secrets = Secrets::new();
    secrets.docker(&sim, &identity(NOBODY, &token));
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["fail/expired", "fail/expired", "unknown/expired"]
    );
    assert_eq!(sim.total_requests(), 0);
}

/// Nor is a configured token, or one that a helper or a file holds; and the end that is
/// past is published, so that an alert on it fires. What a helper gives has no end of
/// its own: it gives another the next time.
#[tokio::test]
async fn an_end_that_is_past_at_the_start_is_published() {
    let sim = sim(&Profile::NATIVE, "robot", PASSWORD).await;
    let part = |json: &str| BASE64_URL_SAFE_NO_PAD.encode(json);
    let token = format!("{}.{}.x", part(r#"{"alg":"x"}"#), part(r#"{"exp":86400}"#));
    let secrets = Secrets::new();
    secrets.write("token", &token);
    secrets.docker(&sim, &identity(NOBODY, &token));
    for more in [
        format!("test_repository: team/app\ntoken: {token}"),
        format!(
            "test_repository: team/app\ntoken_file: {}",
            secrets.path("token").display()
        ),
        secrets.docker_config(),
    ] {
        let cycle = Asked::sim(&sim, &more).reads().await;
        assert_eq!(
            cycle.verdicts(),
            ["fail/expired", "fail/expired", "unknown/expired"]
        );
        assert_eq!(cycle.facts(), "valid=false expiry=86400 (jwt)");
        let evidence = cycle.outcome(CheckName::Credentials).evidence;
        let end = evidence.value("credential_expires_at").cloned();
        assert_eq!(end, Some("1970-01-02T00:00:00Z".into()));
        assert_eq!(sim.total_requests(), 0);
    }
}

/// A rotation shows at the next cycle; a file that is gone is a failure of the
/// configuration, and nobody is asked without credentials instead.
#[tokio::test]
async fn a_secret_is_read_anew_in_every_cycle() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", PASSWORD, [("team/app", "pull")])
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let secrets = Secrets::new();
    let of_file = format!(
        "test_repository: team/app\nusername: robot\npassword_file: {}",
        secrets.path("password").display()
    );
    let rejected = [
        "fail/unauthorized",
        "fail/unauthorized",
        "unknown/unauthorized",
    ];
    let gone = ["fail/config", "fail/config", "unknown/config"];
    for (name, keys) in [
        ("password", of_file),
        ("config.json", secrets.docker_config()),
    ] {
        let write = |password: &str| match name {
            "password" => secrets.write("password", password),
            _ => secrets.docker(
                &sim,
                &format!(r#"{{"username":"robot","password":"{password}"}}"#),
            ),
        };
        let asked = Asked::sim(&sim, &keys);
        for (password, known, expected) in [
            ("first", "first", &["pass"; 3]),
            ("first", "second", &rejected),
            ("second", "second", &["pass"; 3]),
        ] {
            sim.set_password("robot", known);
            write(password);
            let cycle = asked.reads().await;
            assert_eq!(cycle.verdicts(), expected, "{name}: {password}");
        }
        sim.take_requests();
        fs::remove_file(secrets.path(name)).unwrap();
        let cycle = asked.reads().await;
        assert_eq!(cycle.verdicts(), gone, "{name}");
        assert_eq!(cycle.facts(), "valid=false", "{name}");
        assert!(sim.take_requests().is_empty(), "{name}");
        let message = cycle.outcome(CheckName::Pull).message;
        assert!(message.contains(name), "{message}");
        assert!(message.ends_with("does not exist"), "{message}");
    }
}

/// No entry for the registry is no licence to ask as nobody.
#[tokio::test]
async fn a_docker_configuration_without_the_registry_is_a_failure() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .anonymous([("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let secrets = Secrets::new();
    secrets.write("config.json", r#"{"auths":{"127.0.0.1":{"auth":"eDp5"}}}"#);
    let cycle = Asked::sim(&sim, &secrets.docker_config()).reads().await;
    assert_eq!(
        cycle.verdicts(),
        ["fail/config", "fail/config", "unknown/config"]
    );
    assert_eq!(sim.total_requests(), 0);
    let message = cycle.outcome(CheckName::Credentials).message;
    let expected = format!("holds no credentials for `{}`", sim.host());
    assert!(message.ends_with(&expected), "{message}");
}

/// Artifactory suspends an account after rejected logins: everything of it is 403 then,
/// also with the password that was put right. That is no missing right.
#[tokio::test]
async fn a_403_after_rejected_logins_is_a_suspended_account() {
    for (profile, after, status) in [
        (Profile::ARTIFACTORY_7_90, "fail/unauthorized", 403_u16),
        // Another product: a 403 says nothing of the credentials.
        (Profile::NATIVE, "unknown/forbidden", 403),
    ] {
        let sim = RegistrySim::profile(profile)
            .auth(Scheme::Basic)
            .user("robot", PASSWORD, [("team/app", "pull,push")])
            .start()
            .await;
        sim.push_image("team/app", "latest");
        let suspended = Refusal::new(403, "", "Forbidden");
        sim.tune(|profile| profile.auth.suspends = Some((1, suspended)));
        let secrets = Secrets::new();
        secrets.write("password", "wrong-canary");
        let asked = Asked::sim(
            &sim,
            &format!(
                "test_repository: team/app\nusername: robot\npassword_file: {}",
                secrets.path("password").display()
            ),
        );
        let credentials = [CheckName::Credentials];
        let cycle = asked.cycle(&credentials).await;
        assert_eq!(cycle.verdicts(), ["fail/unauthorized"], "{}", profile.name);

        secrets.write("password", PASSWORD);
        let cycle = asked.cycle(&credentials).await;
        let outcome = cycle.outcome(CheckName::Credentials);
        assert_eq!(cycle.verdicts(), [after], "{}", outcome.message);
        let shown = outcome.evidence.value("http_status").cloned();
        assert_eq!(shown, Some(status.into()), "{}", profile.name);
        let said = outcome.message.contains("suspended");
        assert_eq!(said, after == "fail/unauthorized", "{}", outcome.message);
        let pings = sim.count(Operation::Ping);
        let cycle = asked.cycle(&[CheckName::Pull]).await;
        if said {
            // It is held back, so that the suspension ends.
            assert_eq!(cycle.verdicts(), ["fail/unauthorized"]);
            assert_eq!(sim.count(Operation::Ping), pings);
            assert_eq!(sim.count(Operation::ManifestHead), 0);
        } else {
            assert_eq!(cycle.verdicts(), ["fail/forbidden"], "{}", profile.name);
        }
    }
}

/// Two registries at one origin, each with credentials of its own: neither makes the
/// other log in again.
#[tokio::test]
async fn the_unnamed_sets_of_two_registries_do_not_evict_each_other() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Basic)
        .user("one", PASSWORD, [("team/app", "pull")])
        .user("two", PASSWORD, [("team/app", "pull")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    let registry = |name: &str| {
        format!(
            "  - name: {name}\n    url: {}\n    test_repository: team/app\n    \
             username: {name}\n    password: {PASSWORD}\n",
            sim.url()
        )
    };
    let asked = Asked::of(&format!(
        "registries:\n{}{}",
        registry("one"),
        registry("two")
    ));
    for _ in 0..3 {
        for number in [0, 1] {
            let cycle = asked.cycle_of(number, &[CheckName::Pull]).await;
            assert_eq!(cycle.verdicts(), ["pass"]);
        }
    }
    assert_eq!(sim.count(Operation::Ping), 3, "one of nobody, one of each");
}
