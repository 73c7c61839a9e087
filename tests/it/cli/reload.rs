//! A running daemon that reads its configuration again.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use registry_sim::{Fault, Operation, RegistrySim, Scheme};
use tokio::time::timeout;

use super::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    secrets, sim,
};

const FILE: &str = "oci-registry-exporter.yml";
const LIFECYCLE: &[&str] = &["--web.enable-lifecycle"];

/// Several registries, each `(name, url, more keys)`.
fn registries(rows: &[(&str, &str, &str)]) -> String {
    let row = |(name, url, more): &(&str, &str, &str)| {
        format!(
            "  - {{name: {name}, url: '{url}', test_repository: team/app, username: robot, password: {PASSWORD}{more}}}\n"
        )
    };
    let rows: String = rows.iter().map(row).collect();
    if rows.is_empty() {
        return "registries: []\n".to_owned();
    }
    format!("registries:\n{rows}")
}

fn write(place: &Workplace, text: &str) {
    fs::write(place.path(FILE), text).unwrap();
}

/// The value of the one series that begins so.
fn value<'a>(page: &'a str, series: &str) -> Option<&'a str> {
    let rest = page.lines().find_map(|line| line.strip_prefix(series))?;
    rest.split(' ').next_back()
}

async fn end(mut daemon: Daemon) -> String {
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
    for secret in secrets() {
        assert!(!log.contains(&secret), "{secret}: {log}");
    }
    log
}

const SUCCESSFUL: &str = "oci_registry_exporter_config_last_reload_successful ";

#[tokio::test]
async fn what_is_removed_is_gone_at_once_and_what_stays_is_untouched() {
    let (one, two) = (sim(Scheme::Bearer).await, sim(Scheme::Bearer).await);
    let both = registries(&[("one", &one.url(), ""), ("two", &two.url(), "")]);
    let place = Workplace::new(&both);
    let mut daemon = Daemon::start(&place, &[]).await;
    for name in ["one", "two"] {
        let up = format!("oci_registry_up{{registry=\"{name}\"}} 1");
        daemon.page("/metrics", &up).await;
    }
    let before = daemon.get("/metrics").await;
    let asked = one.total_requests();

    // Another interval, label and expectation: nothing of what is known is lost.
    let changed =
        ", checks: {pull: {interval: 40m}}, labels: {tier: '1'}, expect: {blob_delete: true}";
    write(&place, &registries(&[("one", &one.url(), changed)]));
    daemon.signal("HUP").await;
    let line = daemon.logged("configuration reloaded").await;
    for part in [
        "trigger=SIGHUP",
        "registries=1",
        "added=0",
        "removed=1",
        "changed=1",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let page = daemon.get("/metrics").await;
    assert!(!page.contains("\"two\""), "{page}");
    assert_eq!(value(&page, SUCCESSFUL), Some("1"));
    let pull = r#"registry="one",check="pull",repository="team/app",credential="inline""#;
    let tiered = |text: &str| text.replace('}', r#",tier="1"}"#);
    for (series, same) in [
        (
            format!("oci_registry_check_interval_seconds{{{pull}}}"),
            false,
        ),
        (
            format!(r#"oci_registry_check_runs_total{{{pull},status="pass"}}"#),
            true,
        ),
        (
            format!("oci_registry_check_last_run_timestamp_seconds{{{pull}}}"),
            true,
        ),
        (
            format!("oci_registry_check_latency_seconds{{{pull}}}"),
            true,
        ),
    ] {
        let was = value(&before, &series).unwrap_or_else(|| panic!("{series}: {before}"));
        let now = value(&page, &tiered(&series)).unwrap_or_else(|| panic!("{series}: {page}"));
        assert_eq!(was == now, same, "{series}: {was} {now}");
    }
    // It was asked a moment ago.
    assert_eq!(one.total_requests(), asked);

    end(daemon).await;
}

#[tokio::test]
async fn all_may_go_and_come_back() {
    let sim = sim(Scheme::None).await;
    let one = registries(&[("one", &sim.url(), "")]);
    let place = Workplace::new(&one);
    let mut daemon = Daemon::start(&place, &[]).await;
    let up = r#"oci_registry_up{registry="one"} 1"#;
    daemon.page("/metrics", up).await;
    write(&place, &registries(&[]));
    daemon.signal("HUP").await;
    daemon.logged("configuration reloaded").await;
    let page = daemon.get("/metrics").await;
    assert!(!page.contains("registry=\""), "{page}");
    assert_eq!(value(&page, "oci_registry_exporter_registries "), Some("0"));
    assert!(daemon.get("/-/healthy").await.contains("200 OK"));
    assert!(daemon.get("/-/ready").await.contains("200 OK"));

    write(&place, &one);
    daemon.signal("HUP").await;
    daemon.page("/metrics", up).await;
    end(daemon).await;
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_said_with_its_place() {
    let sim = sim(Scheme::Basic).await;
    let good = registry("production", &sim, PASSWORD);
    let place = Workplace::new(&good);
    let mut daemon = Daemon::start(&place, LIFECYCLE).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="production"} 1"#)
        .await;
    let loaded = |page: &str| {
        let stamp = "oci_registry_exporter_config_last_reload_success_timestamp_seconds ";
        value(page, stamp).unwrap().to_owned()
    };
    let before = loaded(&daemon.get("/metrics").await);
    for (text, said) in [
        (good.replace("username", "usrname"), "usrname"),
        (good.replace("registries:", "registries: {"), FILE),
        (String::new(), "the file is empty"),
        (good.replace("https", "ftp").replace("http", "ftp"), "ftp"),
    ] {
        write(&place, &text);
        let answer = daemon.request("POST", "/-/reload").await;
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(answer.contains(said), "{said}: {answer}");
        assert!(!answer.contains(PASSWORD), "{answer}");
        let line = daemon.logged("configuration not reloaded").await;
        assert!(
            line.contains("trigger=\"POST /-/reload\"") && line.contains(said),
            "{line}"
        );
        let page = daemon.get("/metrics").await;
        assert_eq!(value(&page, SUCCESSFUL), Some("0"));
        assert_eq!(loaded(&page), before);
        assert!(
            page.contains(r#"oci_registry_up{registry="production"} 1"#),
            "{page}"
        );
    }
    fs::remove_file(place.path(FILE)).unwrap();
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");

    write(&place, &good);
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(value(&daemon.get("/metrics").await, SUCCESSFUL), Some("1"));
    let get = daemon.get("/-/reload").await;
    assert!(
        get.starts_with("HTTP/1.1 405 ") && get.to_lowercase().contains("allow: post\r\n"),
        "{get}"
    );
    end(daemon).await;
}

#[tokio::test]
async fn without_the_lifecycle_flag_nobody_reloads_by_request() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    write(&place, "registries: []\n");
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(
        answer.starts_with("HTTP/1.1 403 ") && answer.contains("--web.enable-lifecycle"),
        "{answer}"
    );
    assert!(daemon.get("/metrics").await.contains("\"production\""));
    end(daemon).await;
}

/// As Kubernetes mounts a `ConfigMap`: the file is a link into `..data`, which is a
/// link to a folder, and is set anew as a whole.
#[tokio::test]
async fn other_content_is_seen_also_behind_links() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::empty();
    let folder = |name: &str, text: &str| {
        fs::create_dir(place.path(name)).unwrap();
        fs::write(place.path(name).join(FILE), text).unwrap();
    };
    let point = |to: &str| {
        let (link, next) = (place.path("..data"), place.path("..next"));
        symlink(to, &next).unwrap();
        fs::rename(next, link).unwrap();
    };
    folder("..1", &registry("first", &sim, PASSWORD));
    point("..1");
    symlink(Path::new("..data").join(FILE), place.path(FILE)).unwrap();
    let flags = [
        "--config.enable-auto-reload",
        "--config.auto-reload-interval",
        "1s",
    ];
    let mut daemon = Daemon::start(&place, &flags).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="first"} 1"#)
        .await;

    folder("..2", &registry("second", &sim, PASSWORD));
    point("..2");
    let line = daemon.logged("configuration reloaded").await;
    assert!(line.contains("trigger=content"), "{line}");
    let page = daemon
        .page("/metrics", r#"oci_registry_up{registry="second"} 1"#)
        .await;
    assert!(!page.contains("\"first\""), "{page}");

    // A bad one is said once, whatever the number of looks.
    folder("..3", "registries: {");
    point("..3");
    daemon.logged("configuration not reloaded").await;
    folder("..4", &registry("fourth", &sim, PASSWORD));
    point("..4");
    daemon.logged("configuration reloaded").await;
    let log = end(daemon).await;
    assert_eq!(
        log.matches("configuration not reloaded").count(),
        1,
        "{log}"
    );
    assert_eq!(log.matches("configuration reloaded").count(), 2, "{log}");
}

#[tokio::test]
async fn a_registry_that_becomes_another_begins_anew() {
    let (old, new) = (sim(Scheme::Basic).await, sim(Scheme::Basic).await);
    let place = Workplace::new(&registry("production", &old, PASSWORD));
    let mut daemon = Daemon::start(&place, &[]).await;
    let valid = r#"oci_registry_credentials_valid{registry="production",credential="inline"} 1"#;
    daemon.page("/metrics", valid).await;
    // It hangs: nothing is known of it.
    new.fault(Fault::any().hang());
    let seen = new.total_requests();
    write(&place, &registry("production", &new, PASSWORD));
    daemon.signal("HUP").await;
    daemon.logged("configuration reloaded").await;
    let page = daemon.get("/metrics").await;
    assert!(page.contains(&format!("url=\"{}\"", new.url())), "{page}");
    assert!(!page.contains("oci_registry_credentials_valid{"), "{page}");
    assert!(
        !page.contains("oci_registry_check_status{registry=\"production\",check=\"pull\""),
        "{page}"
    );
    new.requests_arrived(seen + 1).await;
    end(daemon).await;
}

#[tokio::test]
async fn a_check_that_is_switched_off_says_so_and_keeps_nothing() {
    let sim = sim(Scheme::Basic).await;
    let with = |more: &str| registries(&[("production", &sim.url(), more)]);
    let place = Workplace::new(&with(""));
    let mut daemon = Daemon::start(&place, &[]).await;
    let authorized = r#"oci_registry_pull_authorized{registry="production",repository="team/app",credential="inline"} 1"#;
    daemon.page("/metrics", authorized).await;
    write(&place, &with(", checks: {pull: {enabled: false}}"));
    daemon.signal("HUP").await;
    daemon.logged("configuration reloaded").await;
    let page = daemon.get("/metrics").await;
    let pull = r#"registry="production",check="pull",repository="team/app",credential="inline""#;
    assert!(!page.contains("oci_registry_pull_authorized{"), "{page}");
    let skipped = format!("oci_registry_check_status_code{{{pull}}}");
    assert_eq!(value(&page, &skipped), Some("-1"));
    assert_eq!(
        value(
            &page,
            &format!("oci_registry_check_next_run_timestamp_seconds{{{pull}}}")
        ),
        None
    );

    write(&place, &with(""));
    daemon.signal("HUP").await;
    daemon.page("/metrics", authorized).await;
    end(daemon).await;
}

#[tokio::test]
async fn an_upload_in_flight_is_cancelled_when_its_registry_goes() {
    let sim = sim(Scheme::Basic).await;
    sim.fault(Fault::on(Operation::UploadPatch).hang());
    let soon = ", upload_start_delay: 1s, request_timeout: 2s";
    let place = Workplace::new(&registries(&[("production", &sim.url(), soon)]));
    let mut daemon = Daemon::start(&place, &[]).await;
    sim.until(|sim| sim.count(Operation::UploadPatch) == 1)
        .await;
    assert_eq!(sim.open_sessions(), 1);
    write(&place, "registries: []\n");
    daemon.signal("HUP").await;
    daemon.logged("configuration reloaded").await;
    sim.until(|sim| sim.open_sessions() == 0).await;
    assert_eq!(sim.sessions().cancelled, 1);
    // What it brought is of no registry.
    let page = daemon.get("/metrics").await;
    assert!(!page.contains("registry=\""), "{page}");
    end(daemon).await;
}

#[tokio::test]
async fn a_pipe_in_the_place_of_the_file_is_refused_and_holds_up_nothing() {
    let sim = sim(Scheme::None).await;
    let one = registries(&[("one", &sim.url(), "")]);
    let place = Workplace::new(&one);
    let looking: &[&str] = &[
        "--web.enable-lifecycle",
        "--config.enable-auto-reload",
        "--config.auto-reload-interval",
        "1s",
    ];
    let daemon = Daemon::start(&place, looking).await;
    fs::remove_file(place.path(FILE)).unwrap();
    pipe(&place.path(FILE));
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("it is no regular file"), "{answer}");
    let page = daemon.get("/metrics").await;
    assert_eq!(value(&page, SUCCESSFUL), Some("0"));

    fs::remove_file(place.path(FILE)).unwrap();
    write(&place, &one);
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    end(daemon).await;
}

#[tokio::test]
async fn what_a_command_prints_is_read_once_and_never_again() {
    let sim = sim(Scheme::None).await;
    let one = registries(&[("one", &sim.url(), "")]);
    let place = Workplace::empty();
    let named = place.path("printed");
    pipe(&named);
    let mut command = place.command(&["--web.listen-address", "127.0.0.1:0"]);
    command.arg("--config.file").arg(&named).args(LIFECYCLE);
    let writing = tokio::task::spawn_blocking(move || fs::write(named, one).unwrap());
    let daemon = Daemon::spawn(command).await;
    writing.await.unwrap();
    let up = r#"oci_registry_up{registry="one"} 1"#;
    daemon.page("/metrics", up).await;
    let answer = daemon.request("POST", "/-/reload").await;
    assert!(answer.contains("it is no regular file"), "{answer}");
    daemon.page("/metrics", up).await;
    end(daemon).await;
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

#[tokio::test]
async fn scrapes_never_see_half_a_reload() {
    let sims = [sim(Scheme::Basic).await, sim(Scheme::Bearer).await];
    let urls: Vec<_> = sims.iter().map(RegistrySim::url).collect();
    let all = registries(&[("a", &urls[0], ""), ("b", &urls[1], "")]);
    let few = registries(&[("b", &urls[1], ", labels: {tier: '1'}")]);
    let place = Workplace::new(&all);
    let daemon = Daemon::start(&place, LIFECYCLE).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="b"} 1"#)
        .await;
    let enough = AtomicBool::new(false);
    let reloads = async {
        // Until both were seen often.
        let mut round = 0;
        while !enough.load(Ordering::Relaxed) {
            round += 1;
            write(&place, if round % 2 == 0 { &few } else { &all });
            let answer = daemon.request("POST", "/-/reload").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
    };
    let scrapes = async {
        let (mut with, mut without) = (0, 0);
        while with.min(without) < 5 {
            let page = daemon.get("/metrics").await;
            assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
            let configured = page.contains(r#"oci_registry_info{registry="a""#);
            assert_eq!(
                configured,
                page.contains(r#"oci_registry_check_interval_seconds{registry="a""#),
                "{page}"
            );
            let facts = page.contains(r#"oci_registry_credentials_valid{registry="a""#);
            assert!(configured || !facts, "{page}");
            // Of one that stays everything stays.
            assert!(
                page.contains(r#"oci_registry_credentials_valid{registry="b""#),
                "{page}"
            );
            *(if configured { &mut with } else { &mut without }) += 1;
        }
        enough.store(true, Ordering::Relaxed);
    };
    tokio::join!(reloads, scrapes);
    end(daemon).await;
}

/// A pipe holds 64 KiB on Linux, and each of these lines is longer than 100 bytes.
#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_nothing() {
    let place = Workplace::new("registries: []\n");
    let mut daemon = Daemon::start(&place, LIFECYCLE).await;
    let asked = async {
        for _ in 0..800 {
            let answer = daemon.request("POST", "/-/reload").await;
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        daemon.get("/metrics").await
    };
    let page = timeout(Duration::from_mins(1), asked).await;
    let page = page.expect("answers, whoever reads the log");
    assert!(page.starts_with("HTTP/1.1 200 "));
    daemon.logged("configuration reloaded").await;
    let log = end(daemon).await;
    let reloads = log.matches("configuration reloaded").count();
    assert!(reloads >= 799, "{reloads}");
}
