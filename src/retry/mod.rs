//! Whether to ask again, and when.
//!
//! A decision is a value: nothing here sleeps, sends or reads a clock. What an
//! answer says about rate limits (status, error code, `Retry-After`) was read
//! by the caller.

mod policy;

pub use policy::{Policy, PolicyOptions};

use std::time::Duration;

use backoff::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::exchange::{Exchange, Operation, TransportErrorKind};

use policy::SHORTEST_WAIT;

/// What an answer says about the registry's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Throttle {
    /// Nothing.
    #[default]
    Absent,
    /// Too many requests just now: status 429, or the error code `TOOMANYREQUESTS`.
    Passing,
    /// No more requests for hours (Docker Hub's pull limit): not asked again in this cycle.
    Exhausted,
}

/// One try's end, as far as repeating it is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// What the request was for.
    pub operation: Operation,
    /// Its answer, or the lack of one.
    pub exchange: &'a Exchange,
    /// What the answer says about the rate limit.
    pub throttle: Throttle,
    /// How long the registry asks to wait (`Retry-After` and its like).
    pub asked_wait: Option<Duration>,
}

/// What to do after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The answer stands.
    Done,
    /// Ask again after this time, which fits into what was left.
    Wait(Duration),
    /// The registry was busy or failing, and it is not asked again.
    GiveUp {
        /// The request was rate limited: how long to leave its class of requests in peace.
        pause: Option<Duration>,
    },
}

/// The tries of one request.
#[derive(Debug)]
pub struct Retry {
    policy: Policy,
    tries: u32,
    transients: u32,
    waits: Waits,
    short_waits: Waits,
}

impl Retry {
    /// For one request, with jitter that differs each time.
    pub fn new(policy: &Policy) -> Self {
        Self::with(policy, |builder| builder)
    }

    /// For one request, with the jitter that belongs to `seed`.
    pub fn seeded(policy: &Policy, seed: u64) -> Self {
        Self::with(policy, |builder| builder.with_jitter_seed(seed))
    }

    fn with(policy: &Policy, seed: impl Fn(ExponentialBuilder) -> ExponentialBuilder) -> Self {
        let options = policy.options();
        let waits = |initial, factor, max| {
            let builder = ExponentialBuilder::new()
                .with_min_delay(initial)
                .with_factor(factor)
                .with_max_delay(max)
                .without_max_times()
                .with_jitter();
            Waits {
                doubled: seed(builder).build(),
                longest: max,
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`try_new` lets only 1 to 10 pass, and the package counts in f32"
        )]
        let factor = options.factor as f32;
        Self {
            policy: policy.clone(),
            tries: 0,
            transients: 0,
            waits: waits(options.initial, factor, options.max),
            short_waits: waits(SHORT_WAIT, 1.0, SHORT_WAIT),
        }
    }

    /// Whether to ask again after this try, given what is `left` of the budget.
    ///
    /// At most [`PolicyOptions::attempts`] tries end in a rate limit, and at
    /// most [`PolicyOptions::transient_attempts`] more follow a failure that
    /// passes by itself. A wait always ends before `left` does.
    pub fn decide(&mut self, tried: Tried<'_>, left: Duration) -> Decision {
        self.tries += 1;
        let class = Class::of(tried);
        let (again, wait) = match class {
            Class::Answered => return Decision::Done,
            Class::Limited => (self.tries < self.policy.options().attempts, &mut self.waits),
            Class::Transient => {
                self.transients += 1;
                let again = self.transients <= self.policy.options().transient_attempts;
                (again, &mut self.short_waits)
            }
        };
        let asked = tried.asked_wait.map_or(SHORTEST_WAIT, |asked| {
            asked.clamp(SHORTEST_WAIT, self.policy.options().retry_after_max)
        });
        let wait = wait.following().max(asked);
        let again = match rule(tried.operation) {
            Rule::Policy => again,
            Rule::Opening => again && matches!(status(tried), Some(429 | 503)),
            Rule::Never => false,
            Rule::Cancel => self.tries < CANCEL_TRIES,
        };
        if again && may_repeat(tried) && wait < left {
            return Decision::Wait(wait);
        }
        match class {
            Class::Limited => Decision::GiveUp { pause: Some(wait) },
            _ => Decision::GiveUp { pause: None },
        }
    }
}

/// The waits of a backoff, each in [wait/2, wait] and never under a second.
#[derive(Debug)]
struct Waits {
    /// The package puts its jitter into [wait, 2 * wait].
    doubled: ExponentialBackoff,
    longest: Duration,
}

impl Waits {
    fn following(&mut self) -> Duration {
        // It never ends: it was built without a number of times.
        let wait = self.doubled.next().unwrap_or(self.longest) / 2;
        wait.clamp(SHORTEST_WAIT, self.longest)
    }
}

/// What kind of end a try had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Answered,
    Limited,
    Transient,
}

impl Class {
    fn of(tried: Tried<'_>) -> Self {
        let cancel = tried.operation == Operation::UploadCancel;
        match tried.exchange {
            Ok(_) if tried.throttle != Throttle::Absent => Self::Limited,
            Ok(reply) => match reply.status {
                502..=504 => Self::Transient,
                // A session left open is worse than a request more.
                500..=599 if cancel => Self::Transient,
                _ => Self::Answered,
            },
            Err(error) => match error.kind {
                TransportErrorKind::Reset => Self::Transient,
                TransportErrorKind::Timeout if cancel || error.before_connected => Self::Transient,
                _ => Self::Answered,
            },
        }
    }
}

/// By what rule an operation is repeated.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// As the policy says.
    Policy,
    /// Opens something on the registry: only where the answer says that it did not.
    Opening,
    /// Asks for something that must not be asked twice.
    Never,
    /// Cleans up: its own count of tries, whatever the policy.
    Cancel,
}

fn rule(operation: Operation) -> Rule {
    match operation {
        Operation::UploadStart => Rule::Opening,
        Operation::Mount | Operation::ManifestDelete | Operation::BlobDelete => Rule::Never,
        Operation::UploadCancel => Rule::Cancel,
        Operation::Ping
        | Operation::PingAuth
        | Operation::Token
        | Operation::ManifestHead
        | Operation::ManifestGet
        | Operation::Referrers
        | Operation::FallbackTag
        | Operation::TagsList
        | Operation::UploadPatch => Rule::Policy,
    }
}

/// Whether an answer like this may ever be asked for again.
///
/// A registry may put `TOOMANYREQUESTS` into a refusal: the pause is believed,
/// but a password that may be wrong is not sent twice.
fn may_repeat(tried: Tried<'_>) -> bool {
    tried.throttle != Throttle::Exhausted && !matches!(status(tried), Some(401 | 403 | 404 | 405))
}

fn status(tried: Tried<'_>) -> Option<u16> {
    tried.exchange.as_ref().ok().map(|reply| reply.status)
}

/// The wait after a failure that passes by itself, before jitter.
const SHORT_WAIT: Duration = Duration::from_secs(2);
/// Tries in all of cancelling an upload, in a budget of its own.
const CANCEL_TRIES: u32 = 3;

#[cfg(test)]
mod tests;
