//! A real client pushes and pulls.

use std::path::PathBuf;
use std::process::Stdio;

use registry_sim::{Operation, Profile, RegistrySim, Scheme};
use tokio::process::Command;

#[tokio::test]
async fn skopeo_copies_an_image_out_and_in_again() {
    if Command::new("skopeo")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .await
        .is_err()
    {
        println!("skipped: skopeo is not on PATH");
        return;
    }
    for (profile, scheme) in [
        (Profile::PLAIN, Scheme::None),
        (Profile::PLAIN, Scheme::Basic),
        (Profile::PLAIN, Scheme::Bearer),
        (Profile::NATIVE, Scheme::Bearer),
        (Profile::HARBOR_2_11, Scheme::Bearer),
        (Profile::QUAY_3_13, Scheme::Bearer),
    ] {
        let sim = RegistrySim::profile(profile)
            .auth(scheme)
            .user("robot", "secret", [("team/*", "pull,push")])
            .start()
            .await;
        let digest = sim.push_image("team/app", "latest");
        let place = std::env::temp_dir().join(format!(
            "registry-sim-{}-{}",
            std::process::id(),
            sim.port()
        ));
        let local = format!("dir:{}", place.display());
        let name = format!("{} with {scheme:?}", profile.name);
        copy(&sim, &remote(&sim, "team/app:latest"), &local, &name).await;
        copy(&sim, &local, &remote(&sim, "team/copy:new"), &name).await;
        remove(place);

        let requests = sim.requests();
        let put = requests
            .iter()
            .find(|logged| logged.operation == Operation::ManifestPut)
            .unwrap();
        assert_eq!(put.status, Some(201), "{name}");
        assert_eq!(sim.tagged("team/copy", "new"), Some(digest), "{name}");
        assert_eq!(sim.open_sessions(), 0, "{name}");
    }
}

fn remote(sim: &RegistrySim, image: &str) -> String {
    format!("docker://{}/{image}", sim.host())
}

async fn copy(sim: &RegistrySim, from: &str, to: &str, name: &str) {
    let output = Command::new("skopeo")
        .args([
            "--insecure-policy",
            "copy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
        ])
        .args([
            "--src-creds=robot:secret",
            "--dest-creds=robot:secret",
            "--preserve-digests",
        ])
        .args([from, to])
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{name}: {errors}\n{:#?}",
        sim.requests()
    );
}

fn remove(place: PathBuf) {
    std::fs::remove_dir_all(place).unwrap();
}
