//! Every form of the report as the binary writes it.

use std::{collections::BTreeSet, fs, process::Command};

use oci_registry_exporter::exposition;
use quick_xml::{Reader, events::Event};
use registry_sim::Scheme;

use super::{run, schema, sim};
use crate::{
    cli::run::{PASSWORD, WRONG, Workplace, registry},
    lab::process::{self, Program},
};

const PROMTOOL: Program = Program {
    name: "promtool",
    brought_by: "package prometheus",
};
const FORMS: [&str; 6] = ["text", "table", "json", "markdown", "junit", "prometheus"];

#[tokio::test]
async fn every_form_goes_to_stdout_and_to_files_at_once() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let further: Vec<String> = FORMS
        .iter()
        .map(|form| format!("{form}=report.{form}"))
        .collect();
    let further = further
        .iter()
        .flat_map(|report| ["--report", report.as_str()]);
    let arguments: Vec<&str> = ["check"].into_iter().chain(further).collect();
    let ended = place.run(&arguments).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.starts_with("Registry Checks Summary\n"));
    let read = |form: &str| fs::read_to_string(place.path(&format!("report.{form}"))).unwrap();
    assert_eq!(read("text"), ended.stdout);
    assert!(read("table").starts_with("REGISTRY    CHECK "));
    schema::hold(&read("json"));
    assert!(read("markdown").contains("| production | pull | team/app | inline | **PASS** |"));
    assert_eq!(elements(&read("junit"), "testcase"), 5);
    assert!(read("prometheus").contains(
        r#"oci_registry_pull_authorized{registry="production",repository="team/app",credential="inline"} 1"#
    ));
    for form in FORMS {
        let ended = place
            .run(&["check", "--check", "pull", "--format", form])
            .await;
        assert_eq!(ended.code, Some(0), "{form}");
        assert!(!ended.stdout.is_empty(), "{form}");
    }
}

/// One that cannot be written keeps no other from it.
#[tokio::test]
async fn a_report_that_cannot_be_written_is_said_and_the_others_are_there() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let ended = place
        .run(&[
            "check",
            "--report",
            "json=no/such/x",
            "--report",
            "junit=x.xml",
        ])
        .await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("`no/such/x` cannot be written"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.starts_with("Registry Checks Summary\n"));
    assert_eq!(
        elements(
            &fs::read_to_string(place.path("x.xml")).unwrap(),
            "testsuite"
        ),
        1
    );
}

#[tokio::test]
async fn no_secret_is_in_any_form() {
    let sim = sim(Scheme::Basic).await;
    for password in [PASSWORD, WRONG] {
        let place = Workplace::new(&registry("production", &sim, password));
        for form in FORMS {
            let ended = place.run(&["check", "--verbose", "--format", form]).await;
            for secret in super::super::cli::secrets() {
                assert!(!ended.stdout.contains(&secret), "{form}: {}", ended.stdout);
            }
        }
    }
}

/// The names are the daemon's, and the textfile collector's own linter has nothing to say.
#[tokio::test]
async fn metrics_are_the_daemons_and_promtool_is_silent() {
    let sim = sim(Scheme::Bearer).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let arguments = [
        "check",
        "--format",
        "prometheus",
        "--output",
        "registry.prom",
    ];
    let ended = place.run(&arguments).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let page = fs::read_to_string(place.path("registry.prom")).unwrap();
    let known: BTreeSet<&str> = exposition::families().map(|family| family.name).collect();
    let shown: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .collect();
    assert!(shown.len() > 15 && shown.is_subset(&known), "{shown:?}");
    for part in [
        r#"oci_registry_check_status{registry="production",check="push",repository="team/app",credential="inline",status="pass"} 1"#,
        r#"oci_registry_credentials_valid{registry="production",credential="inline"} 1"#,
        r#"oci_registry_capability_score{registry="production"} 6"#,
        "oci_registry_check_last_run_timestamp_seconds{",
        "oci_registry_check_latency_seconds{",
        "oci_registry_up{registry=\"production\"} 1",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for other in [
        "process_",
        "oci_registry_exporter_",
        "_total",
        "next_run",
        "interval",
    ] {
        assert!(!page.contains(other), "{other}: {page}");
    }
    let Some(promtool) = process::find(PROMTOOL) else {
        return;
    };
    let file = fs::File::open(place.path("registry.prom")).unwrap();
    let said = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(file)
        .output()
        .unwrap();
    let said = [said.stdout, said.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "");
}

#[tokio::test]
async fn what_became_worse_stands_in_every_form_that_can_hold_it() {
    let sim = sim(Scheme::Basic).await;
    let good = Workplace::new(&registry("production", &sim, PASSWORD));
    let bad = Workplace::new(&registry("production", &sim, WRONG));
    let checks = ["check", "--check", "credentials", "--check", "pull"];
    let before = good.path("before.json");
    let before = before.to_str().unwrap();
    let arguments = [&checks[..], &["--format", "json", "--output", before]].concat();
    assert_eq!(good.run(&arguments).await.code, Some(0));

    let worse = "worse: production, credentials [inline]: pass -> fail";
    let compared = [&["check", "--check", "credentials", "--compare", before][..]].concat();
    for (form, said) in [
        ("text", worse),
        ("table", worse),
        (
            "markdown",
            r"- worse: production, credentials \[inline\]: pass -&gt; fail",
        ),
        ("json", r#""change": "worse""#),
    ] {
        let ended = bad
            .run(&[&compared[..], &["--format", form]].concat())
            .await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stdout.contains(said), "{form}: {}", ended.stdout);
        // It was not asked for now.
        assert!(!ended.stdout.contains("gone"), "{form}: {}", ended.stdout);
        if form == "json" {
            schema::hold(&ended.stdout);
        }
    }
    let ended = good
        .run(&[&checks[..], &["--compare", before]].concat())
        .await;
    assert_eq!(ended.code, Some(0));
    assert!(
        ended.stdout.ends_with(": nothing changed\n"),
        "{}",
        ended.stdout
    );
    let ended = good
        .run(&["check", "--check", "push", "--compare", before])
        .await;
    assert!(
        ended
            .stdout
            .contains("- new: production, push of team/app [inline]: not asked -> pass\n"),
        "{}",
        ended.stdout
    );
}

#[tokio::test]
async fn what_cannot_be_compared_with_is_said_with_its_place() {
    let place = Workplace::new("registries: [{url: https://a.example.com}]");
    for (text, said) in [
        ("", "it is no JSON object"),
        (
            "{\"version\": 7}",
            "`version` is 7, and only version 1 is known here",
        ),
        (
            "{\n  \"version\": x}",
            "it is no JSON: expected value at line 2 column 14",
        ),
        (
            "{\"version\": 1, \"generated_at\": \"2026-11-23T16:00:00Z\",\n\"reports\": [{\"registry\": \"a\", \"check\": \"b\"}]}",
            "unknown check `b` at line 2 column ",
        ),
    ] {
        fs::write(place.path("old.json"), text).unwrap();
        let ended = run(&place, &["check", "--compare", "old.json"], &[], "").await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
        let said = format!("`old.json` cannot be compared with: {said}");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
}

/// A pipe is stdin, or is refused: whoever waits for its writer waits for ever.
#[tokio::test]
async fn an_earlier_report_comes_from_a_file_or_from_stdin() {
    let place = Workplace::new("registries: []");
    let made = Command::new("mkfifo").arg(place.path("pipe")).status();
    assert!(made.unwrap().success());
    for path in ["pipe", "/dev/null"] {
        let ended = run(&place, &["check", "--compare", path], &[], "").await;
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let said = format!("`{path}` cannot be compared with: it is no regular file");
        assert!(ended.stderr.contains(&said), "{}", ended.stderr);
    }
    let earlier = "{\"version\": 1, \"generated_at\": \"2026-11-23T16:00:00Z\", \"reports\": []}";
    let compare = ["check", "--compare", "-"];
    let ended = run(&place, &compare, &[], earlier).await;
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = run(&place, &compare, &[], "{").await;
    assert!(
        ended
            .stderr
            .contains("`-` cannot be compared with: it is no JSON"),
        "{}",
        ended.stderr
    );
    let login = ["--username", "x", "--password-stdin"];
    let ended = run(&place, &[&compare[..], &login].concat(), &[], "x").await;
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("both read stdin"), "{}", ended.stderr);
}

/// How many elements of this name a reader finds in a document without a fault.
fn elements(xml: &str, name: &str) -> usize {
    let mut reader = Reader::from_str(xml);
    let mut found = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) | Event::Empty(start) => {
                found += usize::from(start.name().as_ref() == name);
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}
