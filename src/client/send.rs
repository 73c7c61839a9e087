//! One request with its pauses, tries and journal.

use std::time::{Duration, SystemTime};

use url::Url;

use super::{Class, Client, Refusal};
use crate::{
    exchange::{Exchange, Operation, Reply, Request, TransportError, TransportErrorKind},
    oci,
    retry::{Decision, Retry, Throttle, Tried},
};

/// How a request failed to bring an answer that could be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Rate limited, or not sent because of an earlier 429; in words.
    RateLimited(String),
    /// No answer.
    Transport(TransportError),
    /// Not sent: the time of the check, or of the cancel, is over. That says nothing of the registry.
    OutOfTime(TransportError),
}

impl Client {
    /// Sends a request, again where its operation and answer allow, and writes each try down.
    ///
    /// A 429 never comes back as an answer: it is judged before everything else.
    pub(super) async fn send(&self, request: &Request) -> Result<Reply, Failure> {
        let origin = request.url.origin().ascii_serialization();
        let class = Class::of(request.operation);
        if request.operation != Operation::UploadCancel
            && let Some(left) = self.memory.paused(&origin, class)
        {
            return Err(Failure::RateLimited(paused(&request.url, left)));
        }
        let mut retry = Retry::new(&self.target.retry);
        let mut attempts = 0;
        loop {
            let left = self.left();
            if left.is_zero() {
                return Err(Failure::OutOfTime(out_of_budget(self.target.timeout)));
            }
            attempts += 1;
            let exchange = self.send_once(request, left, attempts).await;
            let tried = Tried {
                operation: request.operation,
                exchange: &exchange,
                throttle: throttle(&exchange),
                asked_wait: asked_wait(&exchange),
            };
            match retry.decide(tried, self.left()) {
                Decision::Wait(pause) => tokio::time::sleep(pause).await,
                decision if tried.throttle != Throttle::Absent => {
                    let told = self.limit_in_words(&request.url, &exchange);
                    return Err(self.throttled(&origin, class, told, decision));
                }
                Decision::Done | Decision::GiveUp { .. } => {
                    if exchange.is_ok() {
                        self.cycle().sight.throttled(false);
                    }
                    return exchange.map_err(Failure::Transport);
                }
            }
        }
    }

    /// Sends a request to another origin that the registry named: once, whatever comes.
    pub(super) async fn send_bare(&self, request: &Request) -> Result<Reply, Failure> {
        let exchange = self.send_once(request, self.left(), 1).await;
        exchange.map_err(Failure::Transport)
    }

    async fn send_once(&self, request: &Request, left: Duration, attempt: u32) -> Exchange {
        let deadline = left.min(self.target.request_timeout);
        let deadline = match request.operation {
            Operation::UploadCancel => first_cancel(deadline, attempt),
            _ => deadline,
        };
        let (exchange, mut sent) = self.transport().send(request, deadline).await;
        sent.retry = attempt > 1;
        tracing::debug!(
            registry = self.target.name,
            operation = request.operation.as_str(),
            url = sent.url,
            code = sent.code(),
            attempt,
            elapsed_seconds = sent.elapsed.as_secs_f64(),
            "request"
        );
        let own = request.url.origin() == self.target.url.origin();
        let mut cycle = self.cycle();
        cycle.attempts = cycle.attempts.max(attempt);
        cycle.sight.see(own, &self.target.host(), &sent, &exchange);
        cycle.journal.push(sent);
        exchange
    }

    fn throttled(&self, origin: &str, class: Class, told: String, decision: Decision) -> Failure {
        self.cycle().sight.throttled(true);
        let Decision::GiveUp { pause: Some(pause) } = decision else {
            return Failure::RateLimited(told);
        };
        self.memory.pause(origin, class, pause);
        let seconds = pause.as_secs_f64().ceil();
        Failure::RateLimited(format!("{told}; asking again after {seconds}s"))
    }

    /// Docker Hub has two limits that a 429 tells apart: that of
    /// pulls, which lasts for hours, and that of all requests of an address.
    fn limit_in_words(&self, url: &Url, exchange: &Exchange) -> String {
        let host = url.host_str().unwrap_or_default();
        match exchange {
            Ok(reply) if oci::pull_limit(reply) => {
                let of = oci::RateLimit::of(reply).and_then(|it| it.limit);
                let of = of.map(|limit| format!(" of {limit}")).unwrap_or_default();
                format!("The pull limit{of} of {host} is used up")
            }
            _ if self.product().as_deref() == Some("docker-hub") => {
                format!("{host} limits the rate of all requests, not only of pulls")
            }
            _ => format!("{host} limits the rate of requests"),
        }
    }
}

impl Failure {
    /// What it means for a request to the registry's own routes: a connection
    /// that cannot even be made ends the cycle, anything else this request.
    pub(super) fn of_route(self) -> Refusal {
        match self {
            Self::RateLimited(message) => Refusal::RateLimited(message),
            Self::Transport(error) if error.before_connected => {
                Refusal::fatal(&error, "The registry cannot be reached")
            }
            Self::Transport(error) | Self::OutOfTime(error) => Refusal::of_route(&error),
        }
    }

    /// What it means for a request to another origin that the registry named: nothing
    /// of the registry itself.
    pub(super) fn of_foreign(self) -> Refusal {
        match self {
            Self::RateLimited(message) => Refusal::RateLimited(message),
            Self::Transport(error) | Self::OutOfTime(error) => Refusal::of_route(&error),
        }
    }

    /// What it means for the ping and for token requests: nothing else can be asked.
    pub(super) fn of_door(self, what: &str) -> Refusal {
        match self {
            Self::RateLimited(message) => Refusal::RateLimited(message),
            Self::Transport(error) => Refusal::fatal(&error, what),
            Self::OutOfTime(error) => Refusal::of_route(&error),
        }
    }
}

/// A cancel that nobody answers has the time for a second one.
fn first_cancel(deadline: Duration, attempt: u32) -> Duration {
    if attempt == 1 {
        deadline.min(FIRST_CANCEL)
    } else {
        deadline
    }
}

fn throttle(exchange: &Exchange) -> Throttle {
    match exchange {
        Ok(reply) if oci::pull_limit(reply) => Throttle::Exhausted,
        Ok(reply) if oci::rate_limited(reply) => Throttle::Passing,
        _ => Throttle::Absent,
    }
}

fn asked_wait(exchange: &Exchange) -> Option<Duration> {
    let reply = exchange.as_ref().ok()?;
    oci::retry_after(reply, SystemTime::now()).or_else(|| {
        // The longest believable wait, where not even the window is told.
        let window = oci::RateLimit::of(reply).and_then(|limit| limit.window_seconds);
        oci::pull_limit(reply).then(|| window.map_or(Duration::MAX, Duration::from_secs))
    })
}

fn paused(url: &Url, left: Duration) -> String {
    format!(
        "{} asked for a pause that lasts {}s more",
        url.host_str().unwrap_or_default(),
        left.as_secs_f64().ceil()
    )
}

fn out_of_budget(budget: Duration) -> TransportError {
    TransportError {
        kind: TransportErrorKind::Timeout,
        detail: format!(
            "The budget of {}s for this check is used up",
            budget.as_secs_f64()
        ),
        before_connected: false,
        elapsed: Duration::ZERO,
    }
}

/// Half of all the time that a cancel has.
const FIRST_CANCEL: Duration = Duration::from_secs(5);
