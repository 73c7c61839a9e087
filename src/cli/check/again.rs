//! Asks again until nothing is open or a deadline passes.
//!
//! A target waits longer from round to round, and never less than a pause that its
//! registry asked for. Credentials that were rejected are sent again only when the
//! client lets them: until then a round says what is known and sends nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{outcome::Subject, scheduler::Next};

/// Targets, by their place, and what of each is due.
pub(super) type Due = Vec<(usize, Vec<Subject>)>;
/// Targets, by their place, and when each of their subjects wants to be asked next.
pub(super) type Brought = Vec<(usize, Vec<(Subject, Next)>)>;

/// Who is asked.
pub(super) trait Asking {
    /// Asks these subjects of these targets, and says when each wants to be asked next.
    async fn round(&self, due: Due) -> Brought;
    /// What of a target is not as it should be, and may become so.
    fn open(&self, at: usize) -> Vec<Subject>;
    /// What is open, when the next round comes, and how long is left then.
    fn tell(&self, open: &[Subject], wait: Duration, left: Duration);
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing is open.
    Well,
    /// The deadline passed, or no asking is allowed before it does.
    Over,
}

/// Asks all, and again what is open. A round that has begun ends, also after the deadline.
pub(super) async fn until_nothing_is_open(
    asking: &impl Asking,
    all: Due,
    deadline: Duration,
) -> Again {
    let end = Instant::now() + deadline;
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut due = all;
    loop {
        let mut rounds: Vec<(usize, u32)> = waiting.iter().map(|it| (it.at, it.rounds)).collect();
        waiting.retain(|it| due.iter().all(|(at, _)| *at != it.at));
        for (at, next) in asking.round(due).await {
            let open = asking.open(at);
            if open.is_empty() {
                continue;
            }
            let known = rounds.iter_mut().find(|(known, _)| *known == at);
            let rounds = known.map_or(1, |(_, rounds)| *rounds + 1);
            let now = Instant::now();
            // The last round comes with the deadline, unless a pause forbids it.
            let patience = patience(rounds).min(end.saturating_duration_since(now));
            let when = now + patience.max(pause(&open, &next));
            waiting.push(Waiting {
                at,
                rounds,
                open,
                when,
            });
        }
        let now = Instant::now();
        let Some(soonest) = waiting.iter().map(|it| it.when).min() else {
            return Again::Well;
        };
        if soonest > end || end.saturating_duration_since(now) < SOONEST {
            return Again::Over;
        }
        let open: Vec<Subject> = waiting.iter().flat_map(|it| it.open.clone()).collect();
        asking.tell(&open, soonest - now, end - soonest);
        sleep_until(soonest).await;
        let now = Instant::now();
        due = waiting
            .iter()
            .filter(|it| it.when <= now)
            .map(|it| (it.at, it.open.clone()))
            .collect();
    }
}

/// A target that is not yet well.
struct Waiting {
    at: usize,
    /// That it was asked in.
    rounds: u32,
    open: Vec<Subject>,
    when: Instant,
}

/// How long to wait after so many rounds.
fn patience(rounds: u32) -> Duration {
    let doublings = rounds.saturating_sub(1).min(MOST_DOUBLINGS);
    (FIRST * (1 << doublings)).min(LONGEST)
}

/// How long the registry wants to be left alone: the least of what is open. When else
/// a daemon would ask, in its own calm, is not what is waited for here.
fn pause(open: &[Subject], next: &[(Subject, Next)]) -> Duration {
    let of = |subject: &Subject| {
        let said = next.iter().find(|(known, _)| known == subject);
        match said.map(|(_, next)| *next) {
            Some(Next::NotBefore(pause)) => pause,
            Some(Next::Grid | Next::After(_)) | None => Duration::ZERO,
        }
    };
    open.iter().map(of).min().unwrap_or_default()
}

/// Where none is named.
pub(super) const DEADLINE: Duration = Duration::from_mins(5);
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
/// 2s * 2^4 is more than the longest already.
const MOST_DOUBLINGS: u32 = 4;
/// A round closer to the deadline than this is not begun.
const SOONEST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::HashMap};

    use super::*;
    use crate::outcome::CheckName;

    fn subject(registry: &str) -> Subject {
        Subject {
            registry: registry.to_owned(),
            check: CheckName::Pull,
            repository: None,
            credential: None,
        }
    }

    /// Targets `0`, `1`, ... that are well from a round on, and what they say meanwhile.
    struct Script {
        began: Instant,
        well_after: HashMap<usize, u32>,
        says: Next,
        asked: RefCell<Vec<(u64, usize)>>,
        told: RefCell<usize>,
    }

    impl Script {
        fn new(well_after: &[(usize, u32)], says: Next) -> Self {
            Self {
                began: Instant::now(),
                well_after: well_after.iter().copied().collect(),
                says,
                asked: RefCell::default(),
                told: RefCell::default(),
            }
        }

        fn all(&self) -> Due {
            let mut all: Vec<usize> = self.well_after.keys().copied().collect();
            all.sort_unstable();
            all.into_iter()
                .map(|at| (at, vec![subject(&at.to_string())]))
                .collect()
        }

        fn times(&self, at: usize) -> Vec<u64> {
            let asked = self.asked.borrow();
            let of = asked.iter().filter(|(_, known)| *known == at);
            of.map(|(time, _)| *time).collect()
        }
    }

    impl Asking for Script {
        async fn round(&self, due: Due) -> Brought {
            let now = self.began.elapsed().as_secs();
            let answer = |(at, subjects): (usize, Vec<Subject>)| {
                self.asked.borrow_mut().push((now, at));
                (at, subjects.into_iter().map(|it| (it, self.says)).collect())
            };
            due.into_iter().map(answer).collect()
        }

        fn open(&self, at: usize) -> Vec<Subject> {
            let rounds = u32::try_from(self.times(at).len()).unwrap();
            if rounds > self.well_after[&at] {
                Vec::new()
            } else {
                vec![subject(&at.to_string())]
            }
        }

        fn tell(&self, open: &[Subject], _: Duration, _: Duration) {
            assert!(!open.is_empty());
            *self.told.borrow_mut() += 1;
        }
    }

    async fn run(script: &Script, deadline: u64) -> (Again, u64) {
        let ended =
            until_nothing_is_open(script, script.all(), Duration::from_secs(deadline)).await;
        (ended, script.began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_well_at_once_is_asked_once() {
        let script = Script::new(&[(0, 0), (1, 0)], Next::Grid);
        assert_eq!(run(&script, 300).await, (Again::Well, 0));
        assert_eq!((script.times(0), script.times(1)), (vec![0], vec![0]));
        assert_eq!(*script.told.borrow(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_is_open_is_asked_again_and_less_and_less_often() {
        let script = Script::new(&[(0, 0), (1, 7)], Next::Grid);
        assert_eq!(run(&script, 300).await, (Again::Well, 120));
        assert_eq!(script.times(0), [0]);
        assert_eq!(script.times(1), [0, 2, 6, 14, 30, 60, 90, 120]);
        assert_eq!(*script.told.borrow(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_round_comes_with_the_deadline() {
        let script = Script::new(&[(0, 100)], Next::Grid);
        assert_eq!(run(&script, 40).await, (Again::Over, 40));
        assert_eq!(script.times(0), [0, 2, 6, 14, 30, 40]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_respected_and_one_beyond_the_deadline_ends_it_at_once() {
        let pause = Next::NotBefore(Duration::from_secs(100));
        let script = Script::new(&[(0, 2)], pause);
        assert_eq!(run(&script, 300).await, (Again::Well, 200));
        assert_eq!(script.times(0), [0, 100, 200]);
        let script = Script::new(&[(0, 2)], pause);
        assert_eq!(run(&script, 99).await, (Again::Over, 0));
        assert_eq!(script.times(0), [0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_s_own_pace_is_not_waited_for() {
        let calm = Next::After(Duration::from_mins(15));
        let script = Script::new(&[(0, 1)], calm);
        assert_eq!(run(&script, 300).await, (Again::Well, 2));
    }
}
