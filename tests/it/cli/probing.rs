//! `/probe` and `/sd` of a running daemon, and the parts of `/metrics`.

use registry_sim::{Fault, Operation, RegistrySim, Scheme};
use serde_json::{Value, json};

use super::{
    daemon::Daemon,
    run::{PASSWORD, Workplace, registry},
    sim,
};

fn probed(sim: &RegistrySim, more: &str) -> Workplace {
    let enabled = "    probe: {enabled: true}\n    labels: {tier: '1'}\n";
    Workplace::new(&(registry("production", sim, PASSWORD) + enabled + more))
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

async fn end(mut daemon: Daemon) {
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}

#[tokio::test]
async fn nobody_probes_unless_it_is_allowed() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&registry("production", &sim, PASSWORD));
    let daemon = Daemon::start(&place, &[]).await;
    for path in ["/probe?target=production", "/sd"] {
        let answer = daemon.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(answer.contains("`probe: {enabled: true}`"), "{answer}");
    }
    end(daemon).await;
}

#[tokio::test]
async fn a_probe_answers_with_what_is_young_and_asks_nobody() {
    let sim = sim(Scheme::Bearer).await;
    let place = probed(&sim, "");
    let daemon = Daemon::start(&place, &[]).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="production","#)
        .await;
    let seen = sim.total_requests();
    for _ in 0..3 {
        let answer = daemon.get("/probe?target=production").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let page = body(&answer);
        // Whoever scrapes it knows the registry and its labels.
        assert!(!page.contains("registry=\""), "{page}");
        assert!(!page.contains("tier=\""), "{page}");
        for line in [
            "probe_success 1",
            "oci_registry_up 1",
            r#"oci_registry_credentials_valid{credential="inline"} 1"#,
            r#"oci_registry_check_status{check="pull",repository="team/app",credential="inline",status="pass"} 1"#,
        ] {
            assert!(page.lines().any(|it| it == line), "{line}: {page}");
        }
        for check in ["credentials", "pull", "referrers"] {
            let age = format!("probe_result_age_seconds{{check=\"{check}\",");
            assert!(page.contains(&age), "{age}: {page}");
        }
        assert!(!page.contains("oci_registry_exporter_"), "{page}");
        assert!(!page.contains("process_"), "{page}");
    }
    assert_eq!(sim.total_requests(), seen);
    end(daemon).await;
}

#[tokio::test]
async fn uploads_are_probed_by_name_only_and_once_for_all_who_ask() {
    let sim = sim(Scheme::Basic).await;
    let place = probed(&sim, "    upload_start_delay: 1h\n");
    let daemon = Daemon::start(&place, &[]).await;
    daemon
        .page("/metrics", r#"oci_registry_up{registry="production","#)
        .await;
    daemon.get("/probe?target=production").await;
    assert_eq!(sim.count(Operation::UploadStart), 0);

    let push = || daemon.get("/probe?target=production&check=push");
    let (one, two, three) = tokio::join!(push(), push(), push());
    for answer in [one, two, three] {
        let page = body(&answer);
        assert!(page.contains("probe_success 1\n"), "{page}");
        assert!(page.contains("oci_registry_push_authorized{"), "{page}");
    }
    assert_eq!(sim.count(Operation::UploadStart), 1);
    assert_eq!(sim.open_sessions(), 0);
    end(daemon).await;
}

#[tokio::test]
async fn a_registry_that_hangs_is_answered_for_in_time() {
    let sim = sim(Scheme::None).await;
    sim.fault(Fault::any().hang());
    let place = probed(&sim, "");
    let daemon = Daemon::start(&place, &[]).await;
    let header = "X-Prometheus-Scrape-Timeout-Seconds: 0.5\r\n";
    let answer = daemon
        .request_with("GET", "/probe?target=production", header)
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(body(&answer).contains("probe_success 0\n"), "{answer}");
    end(daemon).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_probe_is_said() {
    let sim = sim(Scheme::None).await;
    let place = probed(&sim, "");
    let daemon = Daemon::start(&place, &[]).await;
    for (query, status, said) in [
        ("", 400, "`target` is missing"),
        ("?target=other", 404, "no registry of this name"),
        // Names only: nobody makes the exporter ask elsewhere.
        (
            "?target=http://169.254.169.254/",
            404,
            "no registry of this name",
        ),
        ("?target=production&check=pul", 400, "no such check"),
        ("?target=production&force=true", 403, "logged in"),
    ] {
        let answer = daemon.get(&format!("/probe{query}")).await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{query}: {answer}");
        assert!(answer.contains(said), "{query}: {answer}");
    }
    let answer = daemon.request("POST", "/probe?target=production").await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    end(daemon).await;
}

#[tokio::test]
async fn service_discovery_holds_what_a_probe_leaves_out() {
    let sim = sim(Scheme::None).await;
    let place = probed(&sim, "");
    let host = sim.url().replace("http://", "");
    for (flags, host_header, address, scheme, path) in [
        (
            &[][..],
            "prometheus:9968",
            "prometheus:9968",
            "http",
            "/probe",
        ),
        (
            &["--web.external-url", "https://example.com/oci/"],
            "other",
            "example.com",
            "https",
            "/oci/probe",
        ),
    ] {
        let prefix = if flags.is_empty() { "" } else { "/oci" };
        let daemon = Daemon::start(&place, flags).await;
        let header = format!("X-Forwarded-Host: y\r\nHost: {host_header}\r\n");
        let answer = daemon.bare("GET", &format!("{prefix}/sd"), &header).await;
        assert!(
            answer.contains("content-type: application/json\r\n"),
            "{answer}"
        );
        let groups: Value = serde_json::from_str(body(&answer)).unwrap();
        assert_eq!(
            groups,
            json!([{
                "targets": [address],
                "labels": {
                    "__metrics_path__": path,
                    "__param_target": "production",
                    "__scheme__": scheme,
                    "host": host,
                    "registry": "production",
                    "tier": "1",
                },
            }])
        );
        let answer = daemon
            .bare("GET", &format!("{prefix}/sd"), "Host: a@b\r\n")
            .await;
        let refused = flags.is_empty();
        assert_eq!(answer.starts_with("HTTP/1.1 400 "), refused, "{answer}");
        end(daemon).await;
    }
}

#[tokio::test]
async fn service_discovery_names_the_labels_of_repositories() {
    let sim = sim(Scheme::None).await;
    let place = Workplace::new(&format!(
        "registries:\n  - {{name: shared, url: '{}', probe: {{enabled: true}}, repositories: [{{name: team/app, labels: {{team: b}}}}, {{name: team/a, labels: {{team: a, kind: x}}}}, team/c]}}\n",
        sim.url()
    ));
    let daemon = Daemon::start(&place, &[]).await;
    let groups: Value = serde_json::from_str(body(&daemon.get("/sd").await)).unwrap();
    let labels = &groups[0]["labels"];
    for (name, values) in [("team", ",a,b,"), ("kind", ",x,")] {
        let label = format!("__meta_oci_registry_repository_label_{name}");
        assert_eq!(labels[&label], values, "{labels}");
        assert!(labels[name].is_null(), "{labels}");
    }
    end(daemon).await;
}

#[tokio::test]
async fn metrics_are_selected_by_family_and_registry() {
    let sim = sim(Scheme::None).await;
    let two = registry("one", &sim, PASSWORD)
        + &registry("two", &sim, PASSWORD).replace("registries:\n", "");
    let place = Workplace::new(&two);
    let daemon = Daemon::start(&place, &[]).await;
    let families = |answer: &str| -> Vec<String> {
        let lines = body(answer).lines();
        let names = lines.filter_map(|line| line.strip_prefix("# TYPE "));
        names
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
            .collect()
    };
    let answer = daemon
        .get("/metrics?name[]=oci_registry_info&name[]=process_threads&name[]=oci_registry_exporter_scheduler_lag_seconds_bucket&name[]=other")
        .await;
    assert_eq!(
        families(&answer),
        [
            "oci_registry_info",
            "oci_registry_exporter_scheduler_lag_seconds",
            "process_threads"
        ]
    );
    let answer = daemon.get("/metrics?registry=two").await;
    assert!(body(&answer).contains(r#"registry="two""#), "{answer}");
    assert!(!body(&answer).contains(r#"registry="one""#), "{answer}");
    assert!(
        !body(&answer).contains("oci_registry_exporter_"),
        "{answer}"
    );
    let answer = daemon.get("/metrics?registry=three").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    end(daemon).await;
}

#[tokio::test]
async fn whoever_has_logged_in_may_ask_anew_and_see_the_requests() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};

    let sim = sim(Scheme::Basic).await;
    let place = probed(&sim, "");
    let hash = bcrypt::hash("opensesame", 4).unwrap();
    let web = format!("basic_auth_users: {{ops: '{hash}'}}\n");
    std::fs::write(place.path("web.yml"), web).unwrap();
    let daemon = Daemon::start(&place, &["--web.config.file", "web.yml"]).await;
    let login = STANDARD.encode("ops:opensesame");
    let login = format!("Authorization: Basic {login}\r\n");
    let probe = |query: &str| {
        let path = format!("/probe?target=production{query}");
        let (daemon, login) = (&daemon, &login);
        async move { daemon.request_with("GET", &path, login).await }
    };
    let answer = probe("").await;
    assert!(body(&answer).contains("probe_success 1\n"), "{answer}");
    let seen = sim.total_requests();
    let answer = probe("&force=true").await;
    assert!(body(&answer).contains("probe_success 1\n"), "{answer}");
    assert!(sim.total_requests() > seen);

    let answer = probe("&debug=true").await;
    for part in ["PASS", "robot", "HEAD ", "probe_success 1\n"] {
        assert!(body(&answer).contains(part), "{part}: {answer}");
    }
    for secret in super::secrets() {
        assert!(!answer.contains(&secret), "{answer}");
    }
    let answer = daemon.get("/probe?target=production").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    end(daemon).await;
}

#[tokio::test]
async fn without_a_login_the_requests_are_for_nobody_unless_that_is_wanted() {
    let sim = sim(Scheme::Basic).await;
    let place = probed(&sim, "");
    for (flags, status) in [
        (&[][..], 403),
        (&["--web.show-evidence", "never"], 403),
        (&["--web.show-evidence", "always"], 200),
    ] {
        let daemon = Daemon::start(&place, flags).await;
        let answer = daemon.get("/probe?target=production&debug=true").await;
        let expected = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&expected), "{flags:?}: {answer}");
        assert_eq!(answer.contains("robot"), status == 200, "{answer}");
        end(daemon).await;
    }
}
