use super::*;

const CREDENTIALS: CheckName = CheckName::Credentials;
const PULL: CheckName = CheckName::Pull;
const CAPABILITIES: CheckName = CheckName::Capabilities;

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn after(count: u64) -> Next {
    Next::After(seconds(count))
}

fn pass() -> Outcome {
    Outcome::pass("").proving(Fact::PullAuthorized(true))
}

fn forbidden() -> Outcome {
    Outcome::fail(Reason::Forbidden, "").proving(Fact::PullAuthorized(false))
}

fn unreachable() -> Outcome {
    Outcome::fail(Reason::Connect, "")
}

fn limited() -> Outcome {
    Outcome::unknown(Reason::RateLimited, "")
}

fn skipped() -> Outcome {
    Outcome::skip(Reason::Disabled, "")
}

fn rejected() -> Outcome {
    Outcome::fail(Reason::Unauthorized, "").proving(Fact::CredentialsValid(false))
}

fn capability(yes: bool) -> Outcome {
    Outcome::info(Reason::Unsupported, "").proving(Fact::Capability(Capability::ALL[0].0, yes))
}

/// What each run in turn calls for.
fn paces(check: CheckName, interval: Duration, secret: bool, runs: &[Outcome]) -> Vec<Next> {
    let mut history = History::default();
    runs.iter()
        .map(|outcome| {
            history.record(check, outcome, secret);
            history.next(check, interval, Bounds::default())
        })
        .collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for every rule")]
fn what_a_run_calls_for() {
    use Next::Grid;
    let retries = [after(60), after(120), after(240), Grid, Grid];
    for (what, check, runs, expected) in [
        ("all is well", PULL, vec![pass(), pass()], vec![Grid, Grid]),
        (
            "the first run changes nothing, and stays failed from then on",
            PULL,
            vec![unreachable(); 5],
            retries.to_vec(),
        ),
        (
            "to fail, confirmed, and then it stays failed",
            PULL,
            vec![pass(), unreachable(), unreachable(), unreachable()],
            vec![Grid, after(60), after(60), after(120)],
        ),
        (
            "to fail and back: each is confirmed once",
            PULL,
            vec![pass(), unreachable(), pass(), pass(), unreachable()],
            vec![Grid, after(60), after(60), Grid, after(60)],
        ),
        (
            "at most two confirmations in a row",
            PULL,
            vec![pass(), forbidden(), pass(), forbidden(), pass(), pass()],
            vec![Grid, after(60), after(60), after(60), Grid, Grid],
        ),
        (
            "a fact within the same status",
            CAPABILITIES,
            vec![capability(true), capability(false), capability(false)],
            vec![Grid, after(60), Grid],
        ),
        (
            "capabilities is confirmed once",
            CAPABILITIES,
            vec![capability(true), capability(false), capability(true)],
            vec![Grid, after(60), Grid],
        ),
        (
            "warn to pass is no change of that kind",
            PULL,
            vec![Outcome::warn(Reason::Unsupported, ""), Outcome::pass("")],
            vec![Grid, Grid],
        ),
        (
            "to and from unknown",
            PULL,
            vec![pass(), limited(), unreachable(), limited(), pass()],
            vec![Grid, Grid, after(60), Grid, Grid],
        ),
        (
            "unknown is no end of failing",
            PULL,
            vec![unreachable(), limited(), unreachable()],
            vec![after(60), Grid, after(120)],
        ),
        (
            "a fact that changed behind an unknown",
            PULL,
            vec![pass(), limited(), forbidden()],
            vec![Grid, Grid, after(60)],
        ),
        (
            "to and from skip",
            PULL,
            vec![skipped(), unreachable(), skipped(), pass()],
            vec![Grid, after(60), Grid, Grid],
        ),
        (
            "a rejected set is not a failure to retry",
            CREDENTIALS,
            vec![Outcome::pass(""), rejected(), rejected()],
            vec![Grid, Grid, Grid],
        ),
        (
            "and its acceptance is confirmed",
            CREDENTIALS,
            vec![rejected(), Outcome::pass("")],
            vec![Grid, after(60)],
        ),
        (
            "counts and dates change by themselves",
            PULL,
            vec![
                Outcome::pass("").proving(Fact::Referrers(1)),
                Outcome::pass("").proving(Fact::Referrers(2)),
                Outcome::pass("").proving(Fact::CredentialsExpiry(1, "jwt")),
                Outcome::pass("").proving(Fact::CredentialsExpiry(2, "jwt")),
            ],
            vec![Grid; 4],
        ),
    ] {
        let found = paces(check, seconds(300), true, &runs);
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn anonymous_access_that_is_refused_is_a_failure_like_others() {
    let found = paces(
        CREDENTIALS,
        seconds(300),
        false,
        &[pass(), rejected(), rejected()],
    );
    assert_eq!(found, [Next::Grid, after(60), after(60)]);
}

#[test]
fn waits_follow_the_interval() {
    // Interval, confirmation, and the retries until the grid.
    for (interval, confirmed, retries) in [
        (10, 10, vec![]),
        (30, 10, vec![10, 20]),
        (60, 12, vec![12, 24, 48]),
        (300, 60, vec![60, 120, 240]),
        (900, 60, vec![180, 360, 720]),
        (86_400, 60, vec![17_280, 34_560, 69_120]),
    ] {
        let interval = seconds(interval);
        assert_eq!(confirmation(interval), seconds(confirmed), "{interval:?}");
        let found: Vec<u64> = (1..=9)
            .map_while(|fails| retry(interval, fails))
            .map(|wait| wait.as_secs())
            .collect();
        assert_eq!(found, retries, "{interval:?}");
    }
    assert_eq!(retry(seconds(300), u32::MAX), None);
}

#[test]
fn holds_and_pauses_bound_the_next_run() {
    let minutes = |count| Some(Duration::from_mins(count));
    let bounds = |held, paused| Bounds { held, paused };
    let run = |check, outcome: Outcome, bounds| {
        let mut history = History::default();
        history.record(check, &outcome, true);
        history.next(check, seconds(300), bounds)
    };
    for (what, check, outcome, bounds, expected) in [
        (
            "held",
            CREDENTIALS,
            rejected(),
            bounds(minutes(15), None),
            after(900),
        ),
        (
            "held: others stay on their grid",
            PULL,
            rejected(),
            bounds(minutes(15), None),
            Next::Grid,
        ),
        (
            "held and paused",
            CREDENTIALS,
            rejected(),
            bounds(minutes(15), minutes(20)),
            after(1200),
        ),
        (
            "paused",
            PULL,
            limited(),
            bounds(None, minutes(20)),
            Next::NotBefore(seconds(1200)),
        ),
        (
            "a pause is longer than any hurry",
            PULL,
            unreachable(),
            bounds(None, minutes(2)),
            Next::NotBefore(seconds(120)),
        ),
    ] {
        assert_eq!(run(check, outcome, bounds), expected, "{what}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a row for every rule")]
fn what_was_not_due_moves_only_for_a_reason() {
    let quiet = Elsewhere::default();
    let judged = |judged| Elsewhere {
        judged: Some(judged),
        ..quiet
    };
    let doubted = Elsewhere {
        doubted: Some(seconds(60)),
        ..quiet
    };
    let paused = |count| Some(seconds(count));
    for (what, check, last, paused, elsewhere, expected) in [
        ("nothing", PULL, pass(), None, quiet, Next::Grid),
        (
            "a pause within the interval",
            PULL,
            pass(),
            paused(300),
            quiet,
            Next::Grid,
        ),
        (
            "a pause that outlives it",
            PULL,
            pass(),
            paused(301),
            judged(false),
            Next::NotBefore(seconds(301)),
        ),
        (
            "another check found the set rejected",
            CREDENTIALS,
            Outcome::pass(""),
            None,
            judged(false),
            after(1),
        ),
        (
            "that is for the check of credentials to say",
            PULL,
            pass(),
            None,
            judged(false),
            Next::Grid,
        ),
        (
            "the set is accepted, and this waited for it",
            PULL,
            rejected(),
            None,
            judged(true),
            after(1),
        ),
        (
            "the set is accepted, and this did not wait for it",
            PULL,
            forbidden(),
            None,
            judged(true),
            Next::Grid,
        ),
        (
            "a right was lost",
            CREDENTIALS,
            Outcome::pass(""),
            None,
            doubted,
            after(60),
        ),
        ("which is theirs", PULL, pass(), None, doubted, Next::Grid),
    ] {
        let mut history = History::default();
        history.record(check, &last, true);
        let bounds = Bounds { held: None, paused };
        let found = history.meanwhile(check, seconds(300), bounds, elsewhere);
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn only_a_right_that_was_lost_just_now_is_a_doubt() {
    let mut history = History::default();
    for (outcome, doubts) in [
        (forbidden(), false),
        (pass(), false),
        (forbidden(), true),
        (forbidden(), false),
        (pass(), false),
        (unreachable(), false),
    ] {
        history.record(PULL, &outcome, true);
        assert_eq!(history.doubts(&outcome), doubts, "{outcome:?}");
    }
}
