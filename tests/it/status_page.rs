//! The status page, from outside: what it shows, to whom, and that nothing a registry
//! or a URL says can break out of it.
//!
//! The golden pages are `tests/golden/status-*.html`, a tag a line; after a wanted
//! change write them anew with `UPDATE_GOLDEN=1 cargo test --test it status_page` and
//! read the difference before committing it.

mod live;
pub(crate) mod markup;
mod scenario;

use oci_registry_exporter::report::Audience::{self, Anybody, Operator};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use crate::golden;
use markup::{Markup, read};
use scenario::{HOSTILE, PRIVATE, SAID, World};

#[test]
fn the_pages_are_as_they_were_looked_at() {
    let world = World::of_all_kinds();
    for (name, query, audience) in [
        ("status-overview.html", "", Anybody),
        ("status-registry.html", "registry=a-team", Operator),
        ("status-hostile.html", &of(HOSTILE), Operator),
    ] {
        let page = world.page(query, audience);
        let (head, body) = page.split_once("</style>").unwrap();
        let (head, _) = head.split_once("<style>").unwrap();
        let lines = format!("{head}{body}").replace("><", ">\n<");
        golden::compare(name, &(lines + "\n"));
    }
}

#[test]
fn every_page_is_well_formed_and_can_be_read_aloud() {
    let (world, none, many) = (World::of_all_kinds(), World::of(0), World::of(250));
    for page in [
        none.page("", Anybody),
        many.page("page=2", Anybody),
        world.page("", Anybody),
        world.page("name=nothing-like-it&page=7", Anybody),
        world.page("status=x&refresh=0", Operator),
        world.page("registry=a-team", Anybody),
        world.page("registry=a-team", Operator),
        world.page("registry=idle", Operator),
        world.page("registry=no%20such", Operator),
        world.page(&of(HOSTILE), Operator),
    ] {
        let markup = read(&page).unwrap_or_else(|error| panic!("{error}: {page}"));
        assert_readable(&markup, &page);
    }
}

fn assert_readable(markup: &Markup, page: &str) {
    let of = |name: &'static str| markup.tags.iter().filter(move |tag| tag.name == name);
    assert_eq!(of("html").next().unwrap().attribute("lang"), Some("en"));
    assert_eq!(of("title").count(), 1);
    assert_eq!(of("main").count(), 1);
    assert_eq!(of("h1").count(), 1, "{page}");
    // A heading is at most one step below the one before it.
    let mut last = 0;
    for tag in &markup.tags {
        let Some(level) = tag.name.strip_prefix('h').and_then(|it| it.parse().ok()) else {
            continue;
        };
        assert!(level <= last + 1, "h{level} after h{last}: {page}");
        last = level;
    }
    let ids: Vec<&str> = markup
        .tags
        .iter()
        .filter_map(|it| it.attribute("id"))
        .collect();
    for (place, id) in ids.iter().enumerate() {
        assert!(!ids[..place].contains(id), "twice: {id}");
    }
    for tag in &markup.tags {
        let label = tag.attribute("aria-labelledby");
        assert!(label.is_none_or(|id| ids.contains(&id)), "{label:?}");
        let jump = tag.attribute("href").and_then(|it| it.strip_prefix('#'));
        assert!(jump.is_none_or(|id| ids.contains(&id)), "{jump:?}");
    }
    assert!(of("th").all(|th| th.attribute("scope").is_some()));
    assert_eq!(of("table").count(), of("caption").count());
    let labelled = |input: &markup::Tag| {
        input.attribute("type") == Some("hidden") || input.inside.iter().any(|it| it == "label")
    };
    assert!(of("input").all(labelled));
    // A status is always a word.
    let badges = markup.tags.iter().filter(|tag| tag.name == "b").count();
    let words = markup
        .texts
        .iter()
        .filter(|(tag, text)| tag == "b" && !text.is_empty());
    assert_eq!(words.count(), badges);
}

#[test]
fn nothing_is_loaded_and_every_link_is_relative() {
    let world = World::of_all_kinds();
    for query in ["", "registry=a-team", &of(HOSTILE)] {
        let page = world.page(query, Operator);
        let markup = read(&page).unwrap();
        for tag in &markup.tags {
            let loads = ["script", "img", "link", "iframe", "object", "base", "embed"];
            assert!(!loads.contains(&tag.name.as_str()), "<{}>", tag.name);
            for attribute in [
                "src",
                "style",
                "srcset",
                "action",
                "formaction",
                "background",
            ] {
                assert_eq!(tag.attribute(attribute), None, "<{}>", tag.name);
            }
            if let Some(href) = tag.attribute("href") {
                let relative = ["?", "#", "./"].iter().any(|it| href.starts_with(it));
                assert!(relative && !href.contains("/../"), "{href}");
            }
        }
    }
}

#[test]
fn what_a_registry_says_stays_text_and_moves_nothing() {
    let world = World::of_all_kinds();
    for (query, audience) in [
        ("", Anybody),
        (&of(HOSTILE), Anybody),
        (&of(HOSTILE), Operator),
    ] {
        let page = world.page(query, audience);
        for char in ['\u{1b}', '\u{202e}', '\u{2028}', '\0', '\u{7f}'] {
            assert!(!page.contains(char), "{char:?}");
        }
        let markup = read(&page).unwrap();
        assert!(markup.tags.iter().all(|tag| tag.name != "script"));
        let shown = |text: &str| text.replace(['\u{202e}', '\u{1b}', '\u{2028}'], " ");
        for said in [HOSTILE, SAID] {
            let is = |(_, text): &(String, String)| text.contains(&shown(said));
            assert!(markup.texts.iter().any(is), "{said:?}: {page}");
        }
    }
}

#[test]
fn anybody_sees_no_user_names_challenges_token_hosts_or_requests() {
    let world = World::of_all_kinds();
    let operator = world.page("registry=a-team", Operator);
    for private in PRIVATE.into_iter().chain(["Requests of the last run"]) {
        assert!(operator.contains(private), "{private}");
        for query in ["", "registry=a-team"] {
            let page = world.page(query, Anybody);
            assert!(!page.contains(private), "{private}: {page}");
        }
    }
    let anybody = world.page("registry=a-team", Anybody);
    for shown in [
        "user [user] is locked",
        "Ask [token host] for a new password",
        "[user], this image goes away",
        "401",
    ] {
        assert!(anybody.contains(shown), "{shown}: {anybody}");
    }
}

#[test]
fn a_query_chooses_the_registries_and_problems_come_first() {
    let world = World::of_all_kinds();
    for (query, expected) in [
        ("", &[HOSTILE, "a-team", "idle", "production"][..]),
        ("status=fail", &[HOSTILE, "a-team"]),
        ("status=unknown", &["a-team"]),
        ("status=skip&status=pass", &["a-team", "production"]),
        ("status=", &[HOSTILE, "a-team", "idle", "production"]),
        ("status=broken", &[HOSTILE, "a-team", "idle", "production"]),
        ("name=PROD", &["production"]),
        ("name=ghcr.io", &["a-team"]),
        ("name=%3Cscript", &[HOSTILE]),
        ("name=e&status=fail", &[HOSTILE, "a-team"]),
        ("name=nobody", &[]),
        ("page=9", &[HOSTILE, "a-team", "idle", "production"]),
        (
            "refresh=0&whatever",
            &[HOSTILE, "a-team", "idle", "production"],
        ),
    ] {
        assert_eq!(
            rows(&world.page(query, Anybody)),
            shown(expected),
            "{query}"
        );
    }
    let pages = World::of(250);
    for (query, first, count) in [
        ("", "registry-0000", 100),
        ("page=2", "registry-0084", 100),
        ("page=3", "registry-0195", 50),
        ("page=4", "registry-0195", 50),
        ("status=fail", "registry-0000", 25),
        ("name=-012", "registry-0120", 10),
    ] {
        let rows = rows(&pages.page(query, Anybody));
        assert_eq!(rows.len(), count, "{query}");
        assert!(rows[0].starts_with(first), "{query}: {}", rows[0]);
    }
}

/// The names of the rows.
fn rows(page: &str) -> Vec<String> {
    let (_, table) = page.split_once("<tbody").unwrap_or_default();
    let names = table.split("scope=\"row\"").skip(1);
    names
        .map(|row| {
            let (_, name) = row.split_once("<bdi>").unwrap();
            let (name, _) = name.split_once("</bdi>").unwrap();
            let name = name.replace("&lt;", "<").replace("&gt;", ">");
            name.replace("&quot;", "\"").replace("&amp;", "&")
        })
        .collect()
}

fn shown(names: &[&str]) -> Vec<String> {
    let clean = |name: &&str| name.replace(['\u{202e}', '\u{1b}'], " ");
    names.iter().map(clean).collect()
}

#[test]
fn the_first_line_says_how_all_of_it_is() {
    let world = World::of_all_kinds();
    let line = |page: &str| {
        let (_, line) = page.split_once("<p class=\"overall ").unwrap();
        line.split_once("</p>").unwrap().0.replace("\">", ": ")
    };
    for (page, expected) in [
        (
            World::of(0).page("", Anybody),
            "none: No registry is configured",
        ),
        (World::of(1).page("", Anybody), "fail: The registry fails"),
        (
            World::of(20).page("", Anybody),
            "fail: 2 of 20 registries fail",
        ),
        (world.page("", Anybody), "fail: 2 of 4 registries fail"),
        // A filter does not make it better.
        (
            world.page("name=production", Anybody),
            "fail: 2 of 4 registries fail",
        ),
    ] {
        assert_eq!(line(&page), expected);
    }
    for (registry, expected) in [
        ("a-team", "fail: Fails: credentials<small>"),
        ("production", "pass: Works<small>"),
        ("idle", "none: Has not been asked yet<small>"),
    ] {
        let page = world.page(&format!("registry={registry}"), Anybody);
        assert!(line(&page).starts_with(expected), "{}", line(&page));
    }
}

#[test]
fn what_changed_since_it_worked_is_said_for_what_does_not_work_any_more() {
    let page = text(&World::of_all_kinds().page("registry=a-team", Anybody));
    for part in [
        "It last worked 50 min ago. Changed since then: the secret (59 s ago), the server's certificate (59 s ago).",
        "It last passed 50 min ago. Changed since then: the secret (59 s ago)",
        "It has not worked since the exporter started.",
        "Changed while watched the secret of platform (59 s ago), the server's certificate (59 s ago)",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let page = text(&World::of_all_kinds().page("registry=production", Anybody));
    assert!(
        page.contains("Changed while watched nothing visible"),
        "{page}"
    );
    assert!(!page.contains("since it"), "{page}");
}

/// The texts, a blank between blocks.
fn text(page: &str) -> String {
    let page = page
        .replace("</d", " </d")
        .replace("</p", " </p")
        .replace("</dt> ", "</dt>");
    let texts = read(&page).unwrap().texts;
    texts.into_iter().map(|(_, text)| text).collect()
}

#[test]
fn it_refreshes_itself_until_it_is_told_not_to() {
    let world = World::of_all_kinds();
    for (query, meta, link) in [
        ("", Some("30"), "?refresh=0"),
        ("refresh=0", None, "?"),
        ("refresh=90&name=e", Some("90"), "?name=e&refresh=0"),
        ("refresh=0&registry=idle", None, "?registry=idle"),
    ] {
        let markup = read(&world.page(query, Anybody)).unwrap();
        let tags = || markup.tags.iter();
        let seconds = tags()
            .find(|tag| tag.attribute("http-equiv") == Some("refresh"))
            .and_then(|tag| tag.attribute("content"));
        assert_eq!(seconds, meta, "{query}");
        assert!(
            tags().any(|tag| tag.attribute("href") == Some(link)),
            "{query}"
        );
    }
}

#[test]
fn a_thousand_registries_are_a_small_page() {
    let world = World::of(1000);
    for query in ["", "page=10", "status=pass"] {
        let size = world.page(query, Anybody).len();
        assert!(size < 400_000, "{query}: {size} bytes");
    }
}

proptest! {
    #[test]
    fn no_query_breaks_a_page(query in any::<String>()) {
        let world = World::of_all_kinds();
        let keyed = format!("name={query}&registry={}", of(&query));
        for query in [&query, &keyed] {
            let page = world.page(query, Operator);
            prop_assert!(read(&page).is_ok(), "{}", page);
        }
    }
}

fn of(registry: &str) -> String {
    format!(
        "registry={}",
        utf8_percent_encode(registry, NON_ALPHANUMERIC)
    )
}

/// Both, so that a test names the one it means.
const _: [Audience; 2] = [Anybody, Operator];
