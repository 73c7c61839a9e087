//! The example of a program of one's own, run as its user runs it.

use registry_sim::{Profile, RegistrySim, Scheme};

use crate::{
    cli::run::{PASSWORD, WRONG, Workplace},
    demo::example,
};

#[tokio::test]
async fn every_check_answers_and_the_exit_status_says_whether_one_failed() {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", PASSWORD, [("platform/canary", "pull,push")])
        .start()
        .await;
    sim.push_image("platform/canary", "latest");
    for (password, status, credentials) in [(PASSWORD, 0, "pass"), (WRONG, 1, "fail")] {
        let place = Workplace::new(&format!(
            "registries: [{{name: mine, url: {}, username: robot, password: {password}, test_repository: platform/canary}}]",
            sim.url()
        ));
        let file = place.path("oci-registry-exporter.yml");
        let ended = example("library").arg(file).output().await.unwrap();
        assert_eq!(ended.status.code(), Some(status), "{ended:?}");
        let printed = String::from_utf8(ended.stdout).unwrap();
        let rows: Vec<Vec<&str>> = printed
            .lines()
            .map(|line| line.split('\t').collect())
            .collect();
        let checks: Vec<&str> = rows.iter().map(|row| row[1]).collect();
        let all = ["credentials", "pull", "push", "referrers", "capabilities"];
        assert_eq!(checks, all, "{printed}");
        assert_eq!(rows[0][..3], ["mine", "credentials", credentials]);
        assert!(!printed.contains("canary-of"), "{printed}");
    }
    // What push opened it has cancelled.
    assert_eq!(sim.open_sessions(), 0);
}

#[tokio::test]
async fn a_wrong_file_is_told_with_its_place() {
    let place = Workplace::new("registries: [{url: nowhere}]\n");
    let file = place.path("oci-registry-exporter.yml");
    for (arguments, told) in [
        (vec![file], ".yml:1:"),
        (vec![], "name a configuration file"),
    ] {
        let ended = example("library").args(arguments).output().await.unwrap();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        let error = String::from_utf8(ended.stderr).unwrap();
        assert!(error.contains(told), "{error}");
    }
}
