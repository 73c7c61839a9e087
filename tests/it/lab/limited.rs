//! A real nginx that limits, in every form in which a registry says when to come back.

use super::{
    nginx::{Fixed, Nginx},
    process,
};
use crate::asked::Asked;

/// What it says, and what becomes of it: the verdict, and how often it is asked.
const FORMS: [(&str, u16, Option<&str>, &str, usize); 8] = [
    ("in an hour", 429, Some("3600"), "unknown/rate_limited", 1),
    (
        "on a day to come",
        429,
        Some("Fri, 31 Dec 2100 23:59:59 GMT"),
        "unknown/rate_limited",
        1,
    ),
    ("at once", 429, Some("0"), "unknown/rate_limited", 4),
    (
        "on a day that is past",
        429,
        Some("Fri, 31 Dec 1999 23:59:59 GMT"),
        "unknown/rate_limited",
        4,
    ),
    ("before now", 429, Some("-5"), "unknown/rate_limited", 4),
    (
        "in no words of a clock",
        429,
        Some("soon"),
        "unknown/rate_limited",
        4,
    ),
    ("nothing", 429, None, "unknown/rate_limited", 4),
    (
        "busy, in an hour",
        503,
        Some("3600"),
        "fail/server_error",
        1,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_retry_after_is_obeyed() {
    let asked = FORMS.map(|form| tokio::spawn(asked(form.1, form.2)));
    for ((name, _, _, verdict, requests), asked) in FORMS.iter().zip(asked) {
        let Some(found) = asked.await.expect("nginx is asked") else {
            return;
        };
        assert_eq!(found, ((*verdict).to_owned(), *requests), "{name}");
    }
}

async fn asked(status: u16, retry_after: Option<&'static str>) -> Option<(String, usize)> {
    let nginx = process::start(&Nginx::Always(Fixed {
        status,
        content_type: "application/json",
        headers: retry_after
            .map(|value| ("Retry-After", value.to_owned()))
            .into_iter()
            .collect(),
        body: if status == 429 {
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#
        } else {
            r#"{"errors":[{"code":"UNAVAILABLE","message":"busy"}]}"#
        },
    }))
    .await?;
    let yaml = format!(
        "registries:\n  - {{name: lab, url: '{}', test_repository: lab/app}}\n",
        nginx.url
    );
    let cycle = Asked::of(&yaml).reads().await;
    Some((cycle.verdicts().swap_remove(0), cycle.operations().len()))
}
