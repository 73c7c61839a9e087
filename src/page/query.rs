//! What the query string asks for, and links that ask for a little more.

use std::{fmt::Write as _, time::Duration};

use url::form_urlencoded::{Serializer, parse};

use super::words::{clean, is_hidden};
use crate::{outcome::Status, words};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// Everything of this registry.
    pub(super) registry: Option<String>,
    /// Only registries with this text in their name or host; lower case.
    pub(super) name: String,
    /// Only registries with a check of one of these; all where it is empty.
    pub(super) statuses: Vec<Status>,
    /// From 1 on.
    pub(super) page: usize,
    /// How often it is loaded again; `None`: never.
    pub(super) refresh: Option<Duration>,
    /// What could not be meant, a sentence each.
    pub(super) notices: Vec<String>,
}

impl Query {
    pub(super) fn parse(raw: &str) -> Self {
        let mut query = Self::default();
        for (key, value) in parse(raw.as_bytes()) {
            let known = match &*key {
                "registry" => {
                    query.registry = Some(value.clone().into_owned());
                    true
                }
                "name" => {
                    // What stands in no name stands in no page either.
                    let name: String = value.chars().filter(|char| !is_hidden(*char)).collect();
                    let name: String = name.trim().chars().take(LONGEST_NAME).collect();
                    name.trim_end().clone_into(&mut query.name);
                    true
                }
                "status" => query.add_status(&value),
                "page" => number(&value, 1).map(|page| query.page = page).is_some(),
                "refresh" => number(&value, 0)
                    .map(|seconds| query.refresh = every(seconds))
                    .is_some(),
                // A form sends its fields also when they are empty, and links to a
                // page come with keys of others.
                _ => true,
            };
            if !known && !value.is_empty() {
                query.refuse(&key, &value);
            }
        }
        query
    }

    /// The query string that asks for this, with its `?`.
    pub(super) fn link(&self) -> String {
        let mut query = Serializer::for_suffix("?".to_owned(), 1);
        if let Some(registry) = &self.registry {
            query.append_pair("registry", registry);
        }
        if !self.name.is_empty() {
            query.append_pair("name", &self.name);
        }
        for status in &self.statuses {
            query.append_pair("status", status.as_str());
        }
        if self.page > 1 {
            query.append_pair("page", &self.page.to_string());
        }
        if self.refresh != Some(REFRESH) {
            query.append_pair("refresh", &self.seconds());
        }
        query.finish()
    }

    /// The link to a registry, from a list that this asked for.
    pub(super) fn link_to(&self, registry: &str) -> String {
        let refresh = self.refresh;
        Self {
            registry: Some(registry.to_owned()),
            refresh,
            ..Self::default()
        }
        .link()
    }

    /// The value of `refresh`.
    pub(super) fn seconds(&self) -> String {
        self.refresh.unwrap_or_default().as_secs().to_string()
    }

    /// Whether it leaves any registry out.
    pub(super) fn filters(&self) -> bool {
        !self.name.is_empty() || !self.statuses.is_empty()
    }

    fn add_status(&mut self, word: &str) -> bool {
        let Some(status) = words::value(&Status::ALL, word) else {
            return false;
        };
        if !self.statuses.contains(&status) {
            self.statuses.push(status);
        }
        true
    }

    fn refuse(&mut self, key: &str, value: &str) {
        if self.notices.len() == MOST_NOTICES {
            return;
        }
        let value: String = clean(value).chars().take(LONGEST_NAME).collect();
        let mut notice = format!("“{value}” is no value of “{key}” and has no effect");
        match key {
            "status" => {
                notice.push_str("; the statuses are");
                for (at, (_, word)) in Status::ALL.iter().enumerate() {
                    let separator = if at == 0 { " " } else { ", " };
                    let _ = write!(notice, "{separator}{word}");
                }
            }
            _ => notice.push_str("; it is a whole number"),
        }
        notice.push('.');
        self.notices.push(notice);
    }
}

impl Default for Query {
    fn default() -> Self {
        Self {
            registry: None,
            name: String::new(),
            statuses: Vec::new(),
            page: 1,
            refresh: Some(REFRESH),
            notices: Vec::new(),
        }
    }
}

fn number(text: &str, least: usize) -> Option<usize> {
    text.parse().ok().filter(|number| *number >= least)
}

fn every(seconds: usize) -> Option<Duration> {
    let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
    let asked = Duration::from_secs(seconds);
    (seconds > 0).then(|| asked.clamp(SHORTEST_REFRESH, LONGEST_REFRESH))
}

/// What nobody asked otherwise for.
const REFRESH: Duration = Duration::from_secs(30);
/// So that an open tab is no load.
const SHORTEST_REFRESH: Duration = Duration::from_secs(5);
const LONGEST_REFRESH: Duration = Duration::from_hours(24);
/// Characters of what is looked for.
const LONGEST_NAME: usize = 200;
const MOST_NOTICES: usize = 3;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_query_string_says_what_is_shown() {
        let default = Query::default;
        for (raw, expected, link) in [
            ("", default(), "?"),
            ("unknown=1&&=&x", default(), "?"),
            (
                "registry=a%2Fb+c%26d",
                Query {
                    registry: Some("a/b c&d".to_owned()),
                    ..default()
                },
                "?registry=a%2Fb+c%26d",
            ),
            (
                "name=+Harbor+&status=",
                Query {
                    name: "Harbor".to_owned(),
                    ..default()
                },
                "?name=Harbor",
            ),
            (
                "name=%00+a%1b%0d%0ab",
                Query {
                    name: "ab".to_owned(),
                    ..default()
                },
                "?name=ab",
            ),
            (
                "status=fail&status=warn&status=fail",
                Query {
                    statuses: vec![Status::Fail, Status::Warn],
                    ..default()
                },
                "?status=fail&status=warn",
            ),
            (
                "page=3",
                Query {
                    page: 3,
                    ..default()
                },
                "?page=3",
            ),
            ("page=1", default(), "?"),
        ] {
            let query = Query::parse(raw);
            assert_eq!(query, expected, "{raw}");
            assert_eq!(query.link(), link, "{raw}");
        }
    }

    #[test]
    fn a_refresh_is_neither_a_load_nor_an_overflow() {
        for (raw, seconds, link) in [
            ("refresh=0", None, "?refresh=0"),
            ("refresh=1", Some(5), "?refresh=5"),
            ("refresh=30", Some(30), "?"),
            ("refresh=99999999999", Some(86_400), "?refresh=86400"),
        ] {
            let query = Query::parse(raw);
            assert_eq!(query.refresh, seconds.map(Duration::from_secs), "{raw}");
            assert_eq!(query.link(), link, "{raw}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_said_and_has_no_effect() {
        for (raw, part) in [
            (
                "status=broken",
                "the statuses are pass, info, warn, fail, skip, unknown.",
            ),
            ("page=0", "“0” is no value of “page”"),
            ("page=-1", "it is a whole number"),
            ("page=99999999999999999999", "it is a whole number"),
            ("refresh=often", "“often” is no value of “refresh”"),
            ("refresh=%1b%5B2J", "“ [2J”"),
        ] {
            let query = Query::parse(raw);
            assert_eq!(query.notices.len(), 1, "{raw}");
            assert!(
                query.notices[0].contains(part),
                "{raw}: {:?}",
                query.notices
            );
            assert_eq!(
                Query {
                    notices: Vec::new(),
                    ..query
                },
                Query::default(),
                "{raw}"
            );
        }
        let many = Query::parse(&"page=x&".repeat(1000));
        assert_eq!(many.notices.len(), MOST_NOTICES);
    }

    #[test]
    fn a_link_to_a_registry_keeps_a_stopped_refresh() {
        let query = Query::parse("refresh=0&status=fail&page=2");
        assert_eq!(query.link_to("a b"), "?registry=a+b&refresh=0");
    }

    proptest! {
        #[test]
        fn a_link_asks_for_the_same(raw in any::<String>()) {
            let query = Query { notices: Vec::new(), ..Query::parse(&raw) };
            let again = Query::parse(query.link().trim_start_matches('?'));
            prop_assert_eq!(again, query);
        }
    }
}
