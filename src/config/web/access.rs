//! `basic_auth_users` and `rate_limit`: who may ask, and how often.

use std::{collections::BTreeMap, num::NonZeroU32, time::Duration};

use bcrypt::HashParts;

use crate::{
    config::{item::Item, quote::shown, section::Section},
    secret::Secret,
};

use super::{go_duration, only, part};

/// The bcrypt hash of a user's password, well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordHash {
    hash: Secret,
    cost: u32,
}

impl PasswordHash {
    /// `$2b$10$…`, for the one place that compares it.
    pub fn expose(&self) -> &str {
        self.hash.expose()
    }

    /// For tests, which need no real hash.
    #[cfg(test)]
    pub(crate) fn unchecked(hash: &str) -> Self {
        let cost = hash
            .parse::<HashParts>()
            .map_or(LEAST_COST, |hash| hash.get_cost());
        Self {
            hash: Secret::new(hash),
            cost,
        }
    }

    /// The work of one login is two to the power of this.
    pub fn cost(&self) -> u32 {
        self.cost
    }
}

/// A token bucket for all requests together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// After this a request more is answered; above 0.
    pub interval: Duration,
    /// So many at once.
    pub burst: NonZeroU32,
}

/// The users with their hashes. An error names the user and never the hash: who
/// writes the password itself there is told so, and nobody else is.
pub(super) fn users(root: &Section<'_>) -> BTreeMap<String, PasswordHash> {
    let Some(section) = part(root, "basic_auth_users") else {
        return BTreeMap::new();
    };
    let mut users = BTreeMap::new();
    for (name, key, item) in section.free() {
        if name.contains(|c: char| c == ':' || c.is_control()) {
            section.refuse_at(
                &key,
                "a user name with `:` or a control character can never log in (RFC 7617)",
                "choose another name",
            );
        }
        if let Some(hash) = hash(name, &item) {
            users.insert(name.to_owned(), hash);
        }
    }
    users
}

fn hash(name: &str, item: &Item<'_>) -> Option<PasswordHash> {
    let text = item.text()?;
    let cost = text.parse::<HashParts>().ok().map(|hash| hash.get_cost());
    // The parser also reads `+4` as a cost.
    match cost.filter(|cost| *cost >= LEAST_COST && !text.contains('+')) {
        Some(cost) if cost > MOST_COST => {
            item.refuse(
                format!(
                    "the hash of the user {} has the cost {cost}: a login would take minutes",
                    shown(name)
                ),
                format!("make it with a cost of at most {MOST_COST}; 10 is usual"),
            );
            None
        }
        Some(cost) => Some(PasswordHash {
            hash: Secret::new(text),
            cost,
        }),
        None => {
            item.refuse(
                format!("what stands for the user {} is no bcrypt hash", shown(name)),
                "make one with `htpasswd -nBC 10 USER`; it begins with `$2y$10$`",
            );
            None
        }
    }
}

/// `None`: without a bound.
pub(super) fn rate_limit(section: &Section<'_>) -> Option<RateLimit> {
    only(section, &["interval", "burst"]);
    let burst = section.item("burst").and_then(|item| {
        let burst: u32 = item.number("a whole number")?;
        Some((burst, item))
    });
    let interval = match section.item("interval") {
        None => Duration::ZERO,
        Some(item) => match go_duration(item.text()?) {
            Ok(interval) => interval,
            Err(why) => {
                item.refuse(
                    format!("invalid duration {}: {why}", shown(item.text()?)),
                    "write it as `100ms`, `1s` or `1m30s`; `0` switches the limit off",
                );
                return None;
            }
        },
    };
    if interval.is_zero() {
        return None;
    }
    let (burst, item) = match burst {
        Some(burst) => burst,
        None if section.has("burst") => return None,
        None => {
            section.refuse(
                "`burst` is missing, and without it no request is ever answered",
                "write how many requests may come at once: `burst: 20`",
            );
            return None;
        }
    };
    let Some(burst) = NonZeroU32::new(burst) else {
        item.refuse(
            "a burst of 0 lets no request through",
            "write at least 1, or `interval: 0` to switch the limit off",
        );
        return None;
    };
    Some(RateLimit { interval, burst })
}

/// Of bcrypt itself.
const LEAST_COST: u32 = 4;
/// A login of this cost keeps a core busy for half a minute.
const MOST_COST: u32 = 18;
