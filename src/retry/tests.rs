use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;

use super::*;
use crate::exchange::{Reply, TransportError};

const LONG: Duration = Duration::from_secs(1000);
const SECOND: Duration = Duration::from_secs(1);

#[expect(clippy::unnecessary_wraps, reason = "tables hold answers and failures")]
fn answer(status: u16) -> Exchange {
    Ok(Reply {
        status,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        truncated: false,
        http_version: "1.1",
        elapsed: Duration::ZERO,
    })
}

fn failure(kind: TransportErrorKind, before_connected: bool) -> Exchange {
    Err(TransportError {
        kind,
        detail: String::new(),
        before_connected,
        elapsed: Duration::ZERO,
    })
}

/// A try whose throttle is what its status says.
fn tried(operation: Operation, exchange: &Exchange) -> Tried<'_> {
    let limited = matches!(exchange, Ok(reply) if reply.status == 429);
    Tried {
        operation,
        exchange,
        throttle: if limited {
            Throttle::Passing
        } else {
            Throttle::Absent
        },
        asked_wait: None,
    }
}

/// How often the same end of one request is asked again, and how it ends.
fn repeats(operation: Operation, exchange: &Exchange) -> (usize, Decision) {
    let mut retry = Retry::seeded(&Policy::default(), 7);
    for again in 0..100 {
        let decision = retry.decide(tried(operation, exchange), LONG);
        if !matches!(decision, Decision::Wait(_)) {
            return (again, decision);
        }
    }
    panic!("{operation:?} is asked without end");
}

const GAVE_UP: Decision = Decision::GiveUp { pause: None };

#[test]
fn answers_are_repeated_by_their_class() {
    let table = [
        (answer(200), 0, Decision::Done),
        (answer(202), 0, Decision::Done),
        (answer(307), 0, Decision::Done),
        (answer(400), 0, Decision::Done),
        (answer(401), 0, Decision::Done),
        (answer(403), 0, Decision::Done),
        (answer(404), 0, Decision::Done),
        (answer(405), 0, Decision::Done),
        (answer(500), 0, Decision::Done),
        (answer(501), 0, Decision::Done),
        (answer(502), 1, GAVE_UP),
        (answer(503), 1, GAVE_UP),
        (answer(504), 1, GAVE_UP),
        (answer(507), 0, Decision::Done),
        (failure(TransportErrorKind::Reset, false), 1, GAVE_UP),
        (failure(TransportErrorKind::Timeout, true), 1, GAVE_UP),
        (
            failure(TransportErrorKind::Timeout, false),
            0,
            Decision::Done,
        ),
        (failure(TransportErrorKind::Dns, true), 0, Decision::Done),
        (
            failure(TransportErrorKind::Connect, true),
            0,
            Decision::Done,
        ),
        (failure(TransportErrorKind::Tls, true), 0, Decision::Done),
        (
            failure(TransportErrorKind::Protocol, false),
            0,
            Decision::Done,
        ),
    ];
    for (exchange, again, end) in table {
        assert_eq!(
            repeats(Operation::ManifestHead, &exchange),
            (again, end),
            "{exchange:?}"
        );
    }
}

/// How often each operation is repeated after 429, 503, 502, 500, a reset,
/// a time-out of the answer, a time-out of the connection.
#[test]
fn operations_are_repeated_by_their_rule() {
    let ends = [
        answer(429),
        answer(503),
        answer(502),
        answer(500),
        failure(TransportErrorKind::Reset, false),
        failure(TransportErrorKind::Timeout, false),
        failure(TransportErrorKind::Timeout, true),
    ];
    for (operation, _) in Operation::ALL {
        let expected = match operation {
            Operation::UploadStart => [3, 1, 0, 0, 0, 0, 0],
            Operation::UploadCancel => [2; 7],
            Operation::Mount | Operation::ManifestDelete | Operation::BlobDelete => [0; 7],
            _ => [3, 1, 1, 0, 1, 0, 1],
        };
        let counted = ends.each_ref().map(|end| repeats(operation, end).0);
        assert_eq!(counted, expected, "{operation:?}");
    }
}

#[test]
fn cancelling_has_its_own_count_of_tries() {
    let policy = Policy::try_new(PolicyOptions {
        attempts: 1,
        transient_attempts: 0,
        ..PolicyOptions::default()
    })
    .unwrap();
    for exchange in [answer(429), answer(500)] {
        let mut retry = Retry::seeded(&policy, 1);
        let decisions: Vec<_> = (0..3)
            .map(|_| retry.decide(tried(Operation::UploadCancel, &exchange), LONG))
            .collect();
        assert!(
            matches!(
                decisions[..],
                [
                    Decision::Wait(_),
                    Decision::Wait(_),
                    Decision::GiveUp { .. }
                ]
            ),
            "{decisions:?}"
        );
    }
}

#[test]
fn rate_limit_always_ends_with_a_pause() {
    let exchange = answer(429);
    for (operation, _) in Operation::ALL {
        let (_, end) = repeats(operation, &exchange);
        assert!(
            matches!(end, Decision::GiveUp { pause: Some(_) }),
            "{operation:?} {end:?}"
        );
    }
}

#[test]
fn pull_limit_is_not_asked_again() {
    let exchange = answer(429);
    let decision = Retry::seeded(&Policy::default(), 1).decide(
        Tried {
            throttle: Throttle::Exhausted,
            asked_wait: Some(Duration::from_mins(1)),
            ..tried(Operation::ManifestHead, &exchange)
        },
        LONG,
    );
    let pause = Some(Duration::from_mins(1));
    assert_eq!(decision, Decision::GiveUp { pause });
}

#[test]
fn refusal_that_says_too_many_requests_pauses_but_is_not_repeated() {
    for status in [401, 403, 404, 405] {
        let exchange = answer(status);
        let decision = Retry::seeded(&Policy::default(), 1).decide(
            Tried {
                throttle: Throttle::Passing,
                ..tried(Operation::PingAuth, &exchange)
            },
            LONG,
        );
        assert!(
            matches!(decision, Decision::GiveUp { pause: Some(_) }),
            "{status}: {decision:?}"
        );
    }
}

#[test]
fn too_many_requests_under_another_status_is_repeated() {
    let exchange = answer(400);
    let decision = Retry::seeded(&Policy::default(), 1).decide(
        Tried {
            throttle: Throttle::Passing,
            ..tried(Operation::Token, &exchange)
        },
        LONG,
    );
    assert_eq!(decision, Decision::Wait(SECOND));
}

#[test]
fn asked_wait_is_the_lower_bound_within_its_clamp() {
    let table = [
        (None, SECOND),
        (Some(Duration::ZERO), SECOND),
        (Some(Duration::from_millis(1)), SECOND),
        (Some(Duration::from_secs(7)), Duration::from_secs(7)),
        (Some(Duration::from_mins(15)), Duration::from_mins(15)),
        (Some(Duration::from_secs(901)), Duration::from_mins(15)),
        (Some(Duration::MAX), Duration::from_mins(15)),
    ];
    let exchange = answer(429);
    for (asked_wait, wait) in table {
        let decision = Retry::seeded(&Policy::default(), 1).decide(
            Tried {
                asked_wait,
                ..tried(Operation::Referrers, &exchange)
            },
            LONG,
        );
        assert_eq!(decision, Decision::Wait(wait), "{asked_wait:?}");
    }
}

#[test]
fn asked_wait_of_a_503_is_obeyed_too() {
    let exchange = answer(503);
    let asked = |seconds| Tried {
        asked_wait: Some(Duration::from_secs(seconds)),
        ..tried(Operation::Referrers, &exchange)
    };
    let decide = |seconds| {
        Retry::seeded(&Policy::default(), 1).decide(asked(seconds), Duration::from_secs(20))
    };
    assert_eq!(decide(5), Decision::Wait(Duration::from_secs(5)));
    assert_eq!(decide(30), GAVE_UP);
}

#[test]
fn wait_must_end_before_the_budget_does() {
    let exchange = answer(429);
    let decide = |left| {
        Retry::seeded(&Policy::default(), 1).decide(
            Tried {
                asked_wait: Some(Duration::from_secs(20)),
                ..tried(Operation::PingAuth, &exchange)
            },
            left,
        )
    };
    let wait = Duration::from_secs(20);
    let over = Decision::GiveUp { pause: Some(wait) };
    assert_eq!(decide(Duration::ZERO), over);
    assert_eq!(decide(wait), over);
    assert_eq!(
        decide(wait + Duration::from_millis(1)),
        Decision::Wait(wait)
    );
}

#[test]
fn transient_tries_count_as_tries_of_the_limit() {
    let mut retry = Retry::seeded(&Policy::default(), 1);
    let mut waits = |status| {
        let exchange = answer(status);
        matches!(
            retry.decide(tried(Operation::Token, &exchange), LONG),
            Decision::Wait(_)
        )
    };
    assert!(waits(503));
    assert!(waits(429));
    assert!(waits(429));
    assert!(!waits(429));
}

#[test]
fn same_seed_same_waits_and_different_seeds_differ() {
    let exchange = answer(429);
    let waits = |seed| {
        let mut retry = Retry::seeded(&Policy::default(), seed);
        [(); 3].map(|()| retry.decide(tried(Operation::Ping, &exchange), LONG))
    };
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}

proptest! {
    /// The n-th wait lies in [w/2, w] of w = min(initial * factor^n, max), and never under 1s.
    #[test]
    fn waits_lie_in_the_upper_half_of_the_backoff(
        seed: u64,
        initial in 1u64..60,
        factor in 1.0f64..=10.0,
        more in 0u64..600,
    ) {
        let (initial, max) = (Duration::from_secs(initial), Duration::from_secs(initial + more));
        let options = PolicyOptions { attempts: 20, initial, factor, max, ..PolicyOptions::default() };
        let mut retry = Retry::seeded(&Policy::try_new(options).unwrap(), seed);
        let exchange = answer(429);
        let mut nominal = initial.as_secs_f64();
        for _ in 0..19 {
            let Decision::Wait(wait) = retry.decide(tried(Operation::Ping, &exchange), LONG) else {
                return Err(TestCaseError::fail("gave up early"));
            };
            prop_assert!(wait >= SECOND && wait <= max);
            // The package counts in f32.
            prop_assert!(wait.as_secs_f64() > nominal / 2.0 * 0.9999);
            prop_assert!(wait.as_secs_f64() < nominal.max(1.0) * 1.0001);
            nominal = (nominal * factor).min(max.as_secs_f64());
        }
    }

    /// Whatever the answers, the waits fit into the budget and the tries are bounded.
    #[test]
    fn waits_fit_and_tries_are_bounded(
        seed: u64,
        operation in proptest::sample::select(Operation::ALL.map(|(operation, _)| operation).to_vec()),
        budget in 0u64..200_000,
        attempts in 1u32..=20,
        transient_attempts in 0u32..=20,
        ends in proptest::collection::vec((400u16..600, any::<bool>(), proptest::option::of(0u64..4_000_000)), 60),
    ) {
        let options = PolicyOptions { attempts, transient_attempts, ..PolicyOptions::default() };
        let mut retry = Retry::seeded(&Policy::try_new(options).unwrap(), seed);
        let budget = Duration::from_millis(budget);
        let mut spent = Duration::ZERO;
        let mut tries = 0;
        for (status, limited, asked) in ends {
            let exchange = answer(status);
            let decision = retry.decide(Tried {
                operation,
                exchange: &exchange,
                throttle: if limited { Throttle::Passing } else { Throttle::Absent },
                asked_wait: asked.map(Duration::from_millis),
            }, budget.saturating_sub(spent));
            tries += 1;
            match decision {
                Decision::Wait(wait) => spent += wait,
                Decision::Done => { prop_assert!(!limited); break }
                Decision::GiveUp { pause } => { prop_assert_eq!(pause.is_some(), limited); break }
            }
            prop_assert!(spent < budget);
        }
        prop_assert!(tries <= attempts.max(3) + transient_attempts);
    }
}
