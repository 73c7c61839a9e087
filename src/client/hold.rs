//! Rejected credentials are held back: accounts get locked by probers that knock
//! at every interval.
//!
//! A login that the registry rejected is sent once more a minute later, then
//! after 15, 30, 60, 60, ... minutes, whatever the interval of any check and
//! however many repositories and registries use it at that origin. Meanwhile
//! the answer of the last time is kept. Another secret is another login: it is
//! sent at once. Another name of its set is none: whoever renames sets in the
//! configuration would lock the account otherwise.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::judge::Login;
use crate::oci::Repository;

/// The rejected logins of one origin, each with where it was rejected.
#[derive(Debug, Default)]
pub(super) struct Holds(HashMap<(Place, u64), Hold>);

/// Where a login was rejected: in the login flow, or late, by one repository alone.
pub(super) type Place = Option<Repository>;

#[derive(Debug)]
struct Hold {
    /// The name of the set that last had this login.
    set: String,
    kept: Login,
    rejections: usize,
    until: Instant,
}

impl Holds {
    /// The login of this set, known by the fingerprint of its secret, was sent and rejected.
    pub(super) fn reject(&mut self, place: &Place, set: &str, secret: u64, login: &Login) {
        let key = (place.clone(), secret);
        self.0
            .retain(|known, hold| *known == key || hold.until.elapsed() < FORGOTTEN);
        let rejections = self.0.get(&key).map_or(0, |hold| hold.rejections) + 1;
        let kept = Login {
            // It is no request's any more.
            latency: None,
            ..login.clone()
        };
        let hold = Hold {
            set: set.to_owned(),
            kept,
            rejections,
            until: Instant::now() + wait(rejections),
        };
        self.0.insert(key, hold);
    }

    /// The login was sent and not rejected.
    pub(super) fn release(&mut self, place: &Place, secret: u64) {
        self.0.remove(&(place.clone(), secret));
    }

    /// The last answer, and how long nothing is sent yet; `None` once it may be sent.
    /// `set` is who asks: from now on the login is its.
    pub(super) fn kept(
        &mut self,
        place: &Place,
        set: &str,
        secret: u64,
    ) -> Option<(&Login, Duration)> {
        let hold = self.0.get_mut(&(place.clone(), secret))?;
        if hold.set != set {
            set.clone_into(&mut hold.set);
        }
        let left = hold.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some((&hold.kept, left))
    }

    /// Forgets the logins of other sets than these, once they are no longer held back:
    /// until then they may come back under another name, or with the next reload.
    pub(super) fn retain(&mut self, sets: &HashSet<&str>) {
        let now = Instant::now();
        self.0.retain(|_, hold| {
            hold.until > now || (sets.contains(&*hold.set) && hold.until.elapsed() < FORGOTTEN)
        });
    }

    /// How many logins are remembered as rejected.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is rejected.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this login was rejected when it was last sent, be it held or due again.
    pub(super) fn rejected(&self, place: &Place, secret: u64) -> bool {
        self.0.contains_key(&(place.clone(), secret))
    }
}

/// How long a login is left alone after so many rejections in a row.
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
            holds.reject(&None, "robot", 7, &rejected());
            let (kept, left) = holds.kept(&None, "robot", 7).unwrap();
            assert_eq!(left, Duration::from_mins(minutes));
            assert_eq!(kept.end, rejected().end);
            assert_eq!(kept.latency, None);
            tokio::time::advance(left).await;
            assert!(holds.kept(&None, "robot", 7).is_none());
            assert!(holds.rejected(&None, 7));
        }
        holds.release(&None, 7);
        assert!(!holds.rejected(&None, 7));
        holds.reject(&None, "robot", 7, &rejected());
        assert_eq!(
            holds.kept(&None, "robot", 7).unwrap().1,
            Duration::from_mins(1)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_is_of_one_secret_whatever_its_set_is_called() {
        let mut holds = Holds::default();
        holds.reject(&None, "robot", 7, &rejected());
        assert!(holds.kept(&None, "robot", 8).is_none());
        assert!(!holds.rejected(&None, 8));
        assert!(holds.kept(&None, "renamed", 7).is_some());
        // Where it was rejected late, that is of one repository.
        let place = Some(Repository::parse("team/app").unwrap());
        assert!(holds.kept(&place, "robot", 7).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_forgets_no_login_that_is_used_or_held() {
        let mut holds = Holds::default();
        let used = |set| HashSet::from([set]);
        holds.reject(&None, "robot", 7, &rejected());
        // Renamed, before it was asked under the new name.
        holds.retain(&used("renamed"));
        assert!(holds.kept(&None, "renamed", 7).is_some());
        tokio::time::advance(Duration::from_mins(2)).await;
        // Due again, and its steps are known.
        holds.retain(&used("renamed"));
        assert!(holds.rejected(&None, 7));
        holds.reject(&None, "renamed", 7, &rejected());
        assert_eq!(
            holds.kept(&None, "renamed", 7).unwrap().1,
            Duration::from_mins(15)
        );
        // Taken out, and back before its time.
        holds.retain(&used("another"));
        assert!(holds.kept(&None, "renamed", 7).is_some());
        tokio::time::advance(Duration::from_mins(15)).await;
        holds.retain(&used("another"));
        assert!(!holds.rejected(&None, 7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_replaced_secret_is_forgotten_in_the_end_and_its_steps_until_then_are_not() {
        let mut holds = Holds::default();
        for secret in [7, 7, 8] {
            holds.reject(&None, "robot", secret, &rejected());
        }
        holds.reject(&None, "robot", 7, &rejected());
        assert_eq!(
            holds.kept(&None, "robot", 7).unwrap().1,
            Duration::from_mins(30)
        );
        tokio::time::advance(FORGOTTEN + Duration::from_hours(2)).await;
        holds.reject(&None, "robot", 8, &rejected());
        assert!(!holds.rejected(&None, 7));
        assert_eq!(
            holds.kept(&None, "robot", 8).unwrap().1,
            Duration::from_mins(15)
        );
    }
}
