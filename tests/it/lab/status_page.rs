//! The status page of a real daemon in a real browser.

use std::collections::BTreeSet;

use oci_registry_exporter::page::COLOURS;
use registry_sim::{Profile, RegistrySim, Scheme};
use url::Url;

use super::browser::Browser;
use crate::cli::{
    daemon::Daemon,
    run::{PASSWORD, WRONG, Workplace},
};

const HOSTILE: &str = "<script>alert(1)</script> & \"a\"/b?c#d";

#[tokio::test(flavor = "multi_thread")]
async fn the_status_page_works_in_a_browser() {
    let Some(mut browser) = Browser::start().await else {
        return;
    };
    let sim = sim().await;
    let place = Workplace::new(&config(&sim));
    // Behind a prefix, because every link must know its way there too.
    let daemon = Daemon::start(&place, &["--web.route-prefix", "/oci"]).await;
    for name in [
        "production",
        "shared-with-a-long-name.eu-central-1.example.com",
    ] {
        let ran = format!(
            "oci_registry_check_last_run_timestamp_seconds{{registry=\"{name}\",check=\"referrers\""
        );
        daemon.page("/oci/metrics", &ran).await;
    }
    daemon
        .page("/oci/api/v1/reports", "credentials are rejected")
        .await;
    let home = format!("http://{}/oci/", daemon.address);

    every_width_and_light(&mut browser, &home).await;
    filters(&mut browser, &home).await;
    details(&mut browser, &home).await;
    keyboard_and_screen_reader(&mut browser, &home).await;
    every_link_leads_somewhere(&mut browser, &home, &daemon).await;
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Nothing is wider than the window, and the style is the one that the policy allows.
async fn every_width_and_light(browser: &mut Browser, home: &str) {
    let hostile = format!("{home}?{}", hostile_query());
    for url in [home, &hostile, &format!("{home}?registry=production")] {
        for width in [360, 768, 1280, 1920] {
            for dark in [false, true] {
                browser.window(width, 800, dark).await;
                browser.open(url).await;
                let wide = browser.run("document.documentElement.scrollWidth").await;
                assert!(
                    wide.as_u64() <= Some(width.into()),
                    "{url}: {wide} in {width}"
                );
                let ground = browser.run(GROUND).await;
                let ground = ground.as_str().unwrap_or_default();
                assert_eq!(ground, rgb("ground", dark), "{url}, dark: {dark}");
            }
        }
    }
}

async fn filters(browser: &mut Browser, home: &str) {
    browser.window(1280, 800, false).await;
    for (query, names) in [
        (
            "",
            [
                HOSTILE,
                "shared-with-a-long-name.eu-central-1.example.com",
                "production",
            ]
            .join("|"),
        ),
        ("?status=fail", HOSTILE.to_owned()),
        ("?name=PROD&refresh=0", "production".to_owned()),
        ("?name=nobody", String::new()),
    ] {
        browser.open(&format!("{home}{query}")).await;
        let shown = browser.run(ROWS).await;
        let mut shown: Vec<&str> = shown.as_str().unwrap().split('|').collect();
        let mut names: Vec<&str> = names.split('|').collect();
        shown.sort_unstable();
        names.sort_unstable();
        assert_eq!(shown, names, "{query}");
    }
    // As a person does it.
    browser.open(&format!("{home}?refresh=0")).await;
    browser
        .run("document.querySelector('input[value=fail]').click()")
        .await;
    browser
        .follow("document.querySelector('button').click()")
        .await;
    assert_eq!(browser.run(ROWS).await, HOSTILE);
    assert_eq!(
        browser.run("location.search").await,
        "?name=&status=fail&refresh=0"
    );
}

async fn details(browser: &mut Browser, home: &str) {
    browser.open(home).await;
    browser
        .follow("document.querySelector('tbody a').click()")
        .await;
    assert_eq!(
        browser
            .run("document.querySelector('h1').textContent")
            .await,
        HOSTILE
    );
    let page = browser.run("document.body.innerText").await;
    let page = page.as_str().unwrap();
    for part in [
        "Fails: credentials",
        "The credentials are rejected",
        "It has not worked since the exporter started.",
        "What to do",
        "Evidence",
        "credentials_valid",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("robot"), "{page}");
    assert_eq!(browser.run("document.scripts.length").await, 0);
    let all = "document.querySelector('header a').click()";
    browser.follow(all).await;
    assert_eq!(
        browser
            .run("document.querySelector('h1').textContent")
            .await,
        "OCI registries"
    );
}

async fn keyboard_and_screen_reader(browser: &mut Browser, home: &str) {
    for width in [360, 1280] {
        browser.window(width, 800, false).await;
        browser.open(home).await;
        browser.press("Tab").await;
        assert_eq!(
            browser.run("document.activeElement.className").await,
            "jump"
        );
        let left = "document.activeElement.getBoundingClientRect().left >= 0";
        assert_eq!(
            browser.run(left).await,
            true,
            "the way past the head shows itself"
        );

        // A table stays one where its cells are laid out as blocks.
        let roles = browser.roles().await;
        let count = |role: &str| roles.iter().filter(|known| *known == role).count();
        assert_eq!(count("table"), 1, "{width}: {roles:?}");
        assert_eq!(count("row"), 1 + 3, "{width}");
        assert_eq!(count("columnheader"), 8, "{width}");
        assert_eq!(count("rowheader"), 3, "{width}");
        assert_eq!(count("cell"), 3 * 7, "{width}");
        assert_eq!(count("main"), 1, "{width}");
        assert_eq!(count("search"), 1, "{width}");
    }
}

async fn every_link_leads_somewhere(browser: &mut Browser, home: &str, daemon: &Daemon) {
    let mut links = BTreeSet::new();
    for query in [String::new(), format!("?{}", hostile_query())] {
        browser.open(&format!("{home}{query}")).await;
        let found = browser
            .run("[...document.links].map(a => a.href).join('\\n')")
            .await;
        links.extend(found.as_str().unwrap().lines().map(str::to_owned));
    }
    assert!(links.len() > 8, "{links:?}");
    for link in links {
        assert!(link.starts_with(home), "{link}");
        let url = Url::parse(&link).unwrap();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let answer = daemon.get(target).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK"),
            "{link}: {answer:.200}"
        );
        assert!(!answer.contains("No such registry"), "{link}");
    }
}

fn hostile_query() -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("registry", HOSTILE)
        .finish()
}

/// A colour as a browser names it.
fn rgb(name: &str, dark: bool) -> String {
    let (_, light_value, dark_value) = COLOURS.into_iter().find(|it| it.0 == name).unwrap();
    let value = if dark { dark_value } else { light_value };
    let part = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).unwrap();
    format!("rgb({}, {}, {})", part(1), part(3), part(5))
}

async fn sim() -> RegistrySim {
    let sim = RegistrySim::profile(Profile::NATIVE)
        .auth(Scheme::Bearer)
        .user("robot", PASSWORD, [("team/app", "pull,push,delete")])
        .start()
        .await;
    sim.push_image("team/app", "latest");
    sim
}

fn config(sim: &RegistrySim) -> String {
    let registry = |name: &str, password: &str| {
        let name = serde_json::to_string(name).unwrap();
        format!(
            "  - name: {name}\n    url: {}\n    test_repository: team/app\n    probe: {{enabled: true}}\n    username: robot\n    password: {password}\n",
            sim.url()
        )
    };
    [
        "registries:\n".to_owned(),
        registry("production", PASSWORD),
        registry("shared-with-a-long-name.eu-central-1.example.com", PASSWORD),
        registry(HOSTILE, WRONG),
    ]
    .concat()
}

const GROUND: &str = "getComputedStyle(document.body).backgroundColor";
const ROWS: &str = "[...document.querySelectorAll('tbody th a')].map(a => a.textContent).join('|')";
