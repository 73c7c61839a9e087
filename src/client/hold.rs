//! Rejected credentials are held back: accounts get locked by probers that knock
//! at every interval.
//!
//! A set that the registry rejected is sent once more a minute later, then
//! after 15, 30, 60, 60, ... minutes, whatever the interval of any check and
//! however many repositories and registries use it at that origin. Meanwhile
//! the answer of the last time is kept. Another secret is another set: it is
//! sent at once.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use super::judge::Login;

/// The rejected sets of one origin, each with the fingerprint of its secret.
#[derive(Debug, Default)]
pub(super) struct Holds(HashMap<(String, u64), Hold>);

#[derive(Debug)]
struct Hold {
    kept: Login,
    rejections: usize,
    until: Instant,
}

impl Holds {
    /// The set was sent and rejected.
    pub(super) fn reject(&mut self, set: &str, secret: u64, login: &Login) {
        let key = (set.to_owned(), secret);
        self.0
            .retain(|known, hold| *known == key || hold.until.elapsed() < FORGOTTEN);
        let rejections = self.0.get(&key).map_or(0, |hold| hold.rejections) + 1;
        let kept = Login {
            // It is no request's any more.
            latency: None,
            ..login.clone()
        };
        let hold = Hold {
            kept,
            rejections,
            until: Instant::now() + wait(rejections),
        };
        self.0.insert(key, hold);
    }

    /// The set was sent and not rejected.
    pub(super) fn release(&mut self, set: &str, secret: u64) {
        self.0.remove(&(set.to_owned(), secret));
    }

    /// The last answer, and how long nothing is sent yet; `None` once it may be sent.
    pub(super) fn kept(&self, set: &str, secret: u64) -> Option<(&Login, Duration)> {
        let hold = self.0.get(&(set.to_owned(), secret))?;
        let left = hold.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some((&hold.kept, left))
    }

    /// Whether nothing is rejected.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the last login flow rejected this set, be it held or due again.
    pub(super) fn rejected(&self, set: &str, secret: u64) -> bool {
        self.0.contains_key(&(set.to_owned(), secret))
    }
}

/// How long a set is left alone after so many rejections in a row.
fn wait(rejections: usize) -> Duration {
    let step = rejections.saturating_sub(1).min(LADDER.len() - 1);
    Duration::from_mins(LADDER[step])
}

/// Minutes: one confirmation, then ever more rarely.
const LADDER: [u64; 4] = [1, 15, 30, 60];
/// A secret that was replaced is not remembered for ever.
const FORGOTTEN: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{client::LoginEnd, outcome::Reason};

    fn rejected() -> Login {
        Login {
            latency: Some(Duration::from_millis(7)),
            ..Login::without_request(LoginEnd::Rejected(Reason::Unauthorized, "no".to_owned()))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_comes_back_after_1_15_30_60_60_minutes() {
        let mut holds = Holds::default();
        for minutes in [1, 15, 30, 60, 60, 60] {
            holds.reject("robot", 7, &rejected());
            let (kept, left) = holds.kept("robot", 7).unwrap();
            assert_eq!(left, Duration::from_mins(minutes));
            assert_eq!(kept.end, rejected().end);
            assert_eq!(kept.latency, None);
            tokio::time::advance(left).await;
            assert!(holds.kept("robot", 7).is_none());
            assert!(holds.rejected("robot", 7));
        }
        holds.release("robot", 7);
        assert!(!holds.rejected("robot", 7));
        holds.reject("robot", 7, &rejected());
        assert_eq!(holds.kept("robot", 7).unwrap().1, Duration::from_mins(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_of_one_set_and_one_secret() {
        let mut holds = Holds::default();
        holds.reject("robot", 7, &rejected());
        assert!(holds.kept("robot", 8).is_none());
        assert!(holds.kept("other", 7).is_none());
        assert!(!holds.rejected("robot", 8));
    }

    #[tokio::test(start_paused = true)]
    async fn a_replaced_secret_is_forgotten_in_the_end_and_its_steps_until_then_are_not() {
        let mut holds = Holds::default();
        for secret in [7, 7, 8] {
            holds.reject("robot", secret, &rejected());
        }
        holds.reject("robot", 7, &rejected());
        assert_eq!(holds.kept("robot", 7).unwrap().1, Duration::from_mins(30));
        tokio::time::advance(FORGOTTEN + Duration::from_hours(2)).await;
        holds.reject("robot", 8, &rejected());
        assert!(!holds.rejected("robot", 7));
        assert_eq!(holds.kept("robot", 8).unwrap().1, Duration::from_mins(15));
    }
}
