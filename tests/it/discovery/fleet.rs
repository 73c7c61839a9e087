//! A fleet under scraping, whose teams change their files all the time.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use registry_sim::{Profile, RegistrySim, Scheme};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::cli::{daemon::Daemon, run::Workplace};

const REGISTRIES: usize = 40;
const EACH: usize = 5;
const GENERATIONS: usize = 60;

async fn registries() -> Vec<RegistrySim> {
    let mut all = Vec::new();
    for _ in 0..REGISTRIES {
        let repositories: Vec<String> = (0..=EACH).map(|it| format!("team-{it}/canary")).collect();
        let rights = repositories.iter().map(|it| (it.as_str(), "pull"));
        let builder = RegistrySim::profile(Profile::NATIVE)
            .auth(Scheme::Bearer)
            .without_log();
        let sim = builder.user("robot", "s3cret", rights).start().await;
        for repository in &repositories {
            sim.push_image(repository, "latest");
        }
        all.push(sim);
    }
    all
}

fn main_file(sims: &[RegistrySim]) -> String {
    let mut yaml = "
defaults: {checks: {credentials: {interval: 2h}, pull: {interval: 2h}, referrers: {interval: 2h}, capabilities: {interval: 24h}}}
credentials: {team: {username: robot, password: s3cret, hosts: [127.0.0.1]}}
registry_files: [{paths: ['teams/*.yml'], interval: 1s}]
registries:
"
    .to_owned();
    for (index, sim) in sims.iter().enumerate() {
        let _ = write!(
            yaml,
            "  - {{name: r{index}, url: '{}', credentials: team, repositories: [",
            sim.url()
        );
        for it in 0..EACH {
            let _ = write!(yaml, "team-{it}/canary, ");
        }
        yaml.push_str("]}\n");
    }
    yaml
}

/// What is the registries' on a page, by series: all but what is the team's own.
fn others(page: &str) -> BTreeMap<&str, &str> {
    page.lines()
        .filter(|line| line.contains("registry=\"r"))
        .filter(|line| !line.contains("team-5/canary"))
        // The label is part of the configuration of its registry.
        .filter(|line| !line.contains("registry=\"r0\",what=\"configuration\""))
        .filter_map(|line| line.rsplit_once(' '))
        .collect()
}

fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.unwrap_or_else(|| panic!("{series}: {page}"))
        .trim()
        .parse()
        .unwrap()
}

fn samples(page: &str) -> usize {
    page.lines()
        .filter(|line| line.starts_with("oci_registry_") && !line.contains("_exporter_"))
        .count()
}

/// Scrapes as fast as it can, and counts the pages that miss a registry.
async fn scrape(address: SocketAddr, stop: Arc<AtomicBool>, pages: Arc<AtomicUsize>) -> usize {
    let mut torn = 0;
    while !stop.load(Ordering::SeqCst) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        torn += usize::from(page.matches("oci_registry_info{").count() != REGISTRIES);
        pages.fetch_add(1, Ordering::SeqCst);
    }
    torn
}

/// The team's document, whose one label says its generation.
fn write(place: &Workplace, generation: usize) {
    let text = format!(
        "repositories: [{{registry: r0, name: team-5/canary, credentials: team, labels: {{generation: g{generation}}}}}]\n"
    );
    // As whoever writes with care does: never half a file.
    fs::write(place.path("next"), text).unwrap();
    fs::rename(place.path("next"), place.path("teams/five.yml")).unwrap();
}

/// How many pulls and referrers were asked, and whether nothing is being asked.
fn finished(page: &str) -> (usize, usize, bool) {
    let pull = |line: &&str| {
        line.starts_with("oci_registry_check_last_run_timestamp_seconds{")
            && line.contains("check=\"pull\"")
    };
    let referrers = |line: &&str| {
        line.starts_with("oci_registry_check_last_run_timestamp_seconds{")
            && line.contains("check=\"referrers\"")
    };
    let quiet = page.contains("oci_registry_exporter_cycles_in_flight 0\n");
    (
        page.lines().filter(pull).count(),
        page.lines().filter(referrers).count(),
        quiet,
    )
}

/// The team's canary passed, in this generation of its document.
fn passed(generation: usize) -> String {
    format!(
        "repository=\"team-5/canary\",credential=\"team\",status=\"pass\",generation=\"g{generation}\"}} 1\n"
    )
}

fn requests(sims: &[RegistrySim]) -> Vec<u64> {
    sims.iter().map(RegistrySim::total_requests).collect()
}

/// The page when every registry has been asked everything.
async fn all_asked(daemon: &Daemon) -> String {
    for _ in 0..20_000 {
        let page = daemon.get("/metrics").await;
        if finished(&page) == (REGISTRIES * EACH, REGISTRIES, true) {
            return page;
        }
    }
    panic!("not all was asked");
}

/// Changes the document again and again; the memory (bytes) after each time.
async fn change(daemon: &mut Daemon, place: &Workplace, before: &str) -> Vec<f64> {
    let (kept, all) = (others(before), samples(before));
    let mut memory = Vec::new();
    for generation in 1..=GENERATIONS {
        write(place, generation);
        // The daemon's own look sees it; most are hurried, as that comes once a second.
        if generation > 5 {
            daemon.request("POST", "/-/reload").await;
            daemon.logged("configuration reloaded").await;
        } else {
            daemon.logged("documents taken over").await;
        }
        let page = daemon.page("/metrics", &passed(generation)).await;
        let now = others(&page);
        for (series, was) in &kept {
            assert_eq!(now.get(series), Some(was), "{series} in {generation}");
        }
        assert_eq!(now.len(), kept.len());
        assert_eq!(samples(&page), all);
        memory.push(value(&page, "process_resident_memory_bytes "));
    }
    memory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_team_that_changes_its_file_all_the_time_moves_nothing_else() {
    let sims = registries().await;
    let place = Workplace::new(&main_file(&sims));
    fs::create_dir(place.path("teams")).unwrap();
    let mut daemon = Daemon::start(&place, &["--web.enable-lifecycle"]).await;
    let without = samples(&all_asked(&daemon).await);
    let asked = requests(&sims);
    write(&place, 0);
    daemon.logged("documents taken over").await;
    daemon.page("/metrics", &passed(0)).await;
    let quiet = "oci_registry_exporter_cycles_in_flight 0\n";
    let before = daemon.page("/metrics", quiet).await;
    assert!(samples(&before) > without);
    let still = requests(&sims);
    assert_eq!(still[1..], asked[1..], "no document concerns these");

    let stop = Arc::new(AtomicBool::new(false));
    let pages = Arc::new(AtomicUsize::new(0));
    let scraper = scrape(daemon.address, Arc::clone(&stop), Arc::clone(&pages));
    let scraping = tokio::spawn(scraper);
    let memory = change(&mut daemon, &place, &before).await;
    stop.store(true, Ordering::SeqCst);
    assert_eq!(scraping.await.unwrap(), 0, "a page missed a registry");
    assert!(pages.load(Ordering::SeqCst) > 0);
    let last = requests(&sims);
    assert_eq!(last, still, "a changed label made the exporter ask");
    let (early, late) = (memory[GENERATIONS / 3], memory[GENERATIONS - 1]);
    assert!(late < early * 1.3, "{memory:?}");

    fs::remove_file(place.path("teams/five.yml")).unwrap();
    daemon.logged("the document is gone").await;
    let page = daemon.get("/metrics").await;
    assert!(!page.contains("team-5/canary"), "{page}");
    assert_eq!(samples(&page), without);
    daemon.signal("TERM").await;
    let (code, log) = daemon.end().await;
    assert_eq!(code, Some(0), "{log}");
}
