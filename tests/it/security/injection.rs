//! What a registry writes into its answers and its certificate ends no line, moves no
//! terminal and fills no disk: not in a report of any form, not in a log of any form.

use std::{fs, time::Duration};

use registry_sim::{Fault, Operation, Profile, RegistrySim, Scheme};
use tokio::time::timeout;

use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

/// Escape sequences in both notations, line ends of all kinds, NUL, text turned around,
/// text without width, markup, and what ends a label or a logfmt value.
const HOSTILE: &str = "\u{1b}[31m\u{1b}]0;title\u{7}\u{9b}2J\r\nlevel=ERROR msg=forged\n\
    # HELP forged x\u{0}\u{85}\u{2028}\u{202e}txet\u{2066}\u{200b}\u{feff}\u{ad}</pre><script>\
    alert(1)</script>\"} 1 `|` @team ::set-output name=x::y";

const RIGHTS: &[Operation] = &[
    Operation::ManifestHead,
    Operation::ManifestGet,
    Operation::Referrers,
    Operation::UploadStart,
];

/// A registry that refuses with it, from one stage of a cycle on.
async fn refusing(message: &str, operations: &[Operation]) -> RegistrySim {
    let sim = sim(Scheme::Bearer).await;
    let body = serde_json::json!({"errors": [{"code": message, "message": message}]});
    for operation in operations.iter().copied() {
        let answer = Fault::on(operation).status(403).body(body.to_string());
        sim.fault(
            answer
                .header("content-type", "application/json")
                .header("server", "a</b>|x"),
        );
    }
    sim
}

#[tokio::test]
async fn a_message_is_text_in_every_report_and_log() {
    for (message, stage) in [
        (HOSTILE.to_owned(), RIGHTS),
        (HOSTILE.to_owned(), &[Operation::Ping]),
        (HOSTILE.repeat(5000), &[Operation::Token]),
        ("x".repeat(1 << 20), RIGHTS),
    ] {
        let sim = refusing(&message, stage).await;
        let place = Workplace::new(&registry("production", &sim, PASSWORD));
        for format in ["text", "table", "json", "markdown", "junit", "prometheus"] {
            for log in ["logfmt", "json"] {
                let ended = place
                    .run(&[
                        "check",
                        "--verbose",
                        "--format",
                        format,
                        "--log.level",
                        "debug",
                        "--log.format",
                        log,
                    ])
                    .await;
                assert!(matches!(ended.code, Some(0..=2)), "{ended:?}");
                assert_tame(&ended.stdout, format);
                assert_tame(&ended.stderr, log);
                let forged = |line: &str| {
                    line.starts_with("level=ERROR") || line.starts_with("# HELP forged")
                };
                let all = ended.stdout.lines().chain(ended.stderr.lines());
                assert_eq!(
                    all.filter(|line| forged(line)).count(),
                    0,
                    "{format}: {ended:?}"
                );
                let markup = ended.stdout.contains("<script>");
                assert!(
                    !markup || !["markdown", "junit"].contains(&format),
                    "{}",
                    ended.stdout
                );
            }
        }
    }
}

#[tokio::test]
async fn the_log_and_the_pages_of_a_daemon_hold_text_too() {
    let sim = refusing(HOSTILE, RIGHTS).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let mut daemon = Daemon::start(
        &place,
        &["--log.level", "debug", "--web.show-evidence", "always"],
    )
    .await;
    let failed =
        r#"oci_registry_check_last_run_timestamp_seconds{registry="production",check="referrers""#;
    daemon.page("/metrics", failed).await;
    for path in [
        "/metrics",
        "/",
        "/?registry=production",
        "/api/v1/reports",
        "/config",
    ] {
        let page = daemon.get(path).await;
        let page = page.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        assert_tame(page, path);
        assert!(
            path.starts_with("/api") || !page.contains("<script>"),
            "{path}: {page}"
        );
        assert!(
            !page.lines().any(|line| line.starts_with("# HELP forged")),
            "{page}"
        );
    }
    daemon.signal("TERM").await;
    let (_, log) = timeout(Duration::from_mins(1), daemon.end()).await.unwrap();
    assert_tame(&log, "log");
    for line in log.lines() {
        assert!(line.starts_with("time="), "{line}");
    }
}

/// A certificate of another name is refused in words that hold the names it has.
#[tokio::test]
async fn the_names_of_a_certificate_are_text() {
    let long = "a".repeat(60_000);
    for names in [
        &[
            "\u{1b}[31mred\r\nlevel=ERROR",
            "\u{0}\u{7f}\u{8}",
            "<script>alert(1)</script>",
        ][..],
        &[&long, "other.example"],
        &["registry.example\" x=\"y"],
    ] {
        let sim = RegistrySim::profile(Profile::NATIVE)
            .tls(true)
            .certificate_names(names.iter().copied())
            .start()
            .await;
        let place = Workplace::new(&format!(
            "registries:\n  - url: https://127.0.0.1:{}\n    tls: {{ca_file: ca.pem}}\n",
            sim.port()
        ));
        fs::write(place.path("ca.pem"), sim.ca_pem().unwrap()).unwrap();
        let ended = place
            .run(&["check", "--verbose", "--log.level", "debug"])
            .await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stdout.contains("tls"), "{ended:?}");
        assert_tame(&ended.stdout, "stdout");
        assert_tame(&ended.stderr, "stderr");
    }
}

/// Lines of text and nothing else, and not many of them.
#[track_caller]
fn assert_tame(text: &str, what: &str) {
    let json = what == "json" || what.starts_with("/api");
    let wild = |c: char| {
        (c.is_control() && c != '\n' && !(json && c > '\u{7e}'))
            || (!json
                && matches!(c, '\u{200b}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{ad}'))
    };
    if let Some(at) = text.find(wild) {
        let around: String = text[at..].chars().take(40).collect();
        panic!("{what}: {around:?}");
    }
    assert!(text.len() < 256 * 1024, "{what}: {} bytes", text.len());
}
