//! One cycle of one target: runs the due checks, times them, hands on each
//! report as it is finished, and says when each question is asked again.
//!
//! A check that panics, or overruns its budget, becomes that check's report;
//! the others go on.

mod batch;
mod certificate;
mod pace;
mod schedule;
mod secrets;

use std::{
    collections::{HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::{
    checks::{self, Asking},
    client::{Client, Memory, Sessions},
    config::{Target, TestRepository},
    matrix,
    outcome::{CheckName, Observation, Outcome, Reason, Report, Subject},
    scheduler::Next,
    transport::{TlsPolicies, Transport, TransportOptions, user_agent},
};
use pace::History;
use schedule::Told;
use secrets::Watched;

pub use schedule::{first_delay, lane};

/// Where reports go as they are finished.
pub trait Sink: Sync {
    /// Takes one report.
    fn report(&self, report: Report);
    /// Takes what the cycle showed beside its answers.
    fn observe(&self, registry: &str, observation: Observation);
}

/// Runs cycles; one for the whole process.
#[derive(Debug, Default)]
pub struct Prober {
    policies: TlsPolicies,
    memory: Arc<Memory>,
    histories: Mutex<HashMap<Subject, History>>,
    watched: Watched,
    sessions: Sessions,
}

impl Prober {
    /// A prober that remembers nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until no upload probe has a session open any more: a shutdown must
    /// not leave one behind. It ends by the probes' own deadlines.
    pub async fn sessions_ended(&self) {
        self.sessions.ended().await;
    }

    /// Forgets the questions, logins and connections that these targets do not have; not
    /// what must not be asked yet (pauses, logins that are held back, uploads of the day).
    pub fn retain(&self, targets: &[Arc<Target>]) {
        let questions = targets.iter().flat_map(|target| checks::questions(target));
        let asked: HashSet<Subject> = questions.map(|(subject, _)| subject).collect();
        self.histories()
            .retain(|subject, _| asked.contains(subject));
        self.watched.retain(targets);
        self.sessions
            .retain(|registry| targets.iter().any(|target| target.name == registry));
        self.memory.retain(targets);
        self.policies.retain(|options| {
            let may = |target: &Arc<Target>| certificate::may_come_to(target, options);
            targets.iter().any(may)
        });
    }

    /// Asks the due questions of a target, in the order of [`checks::questions`],
    /// and says when they, and others of the target, are asked next.
    pub async fn cycle(
        &self,
        target: &Arc<Target>,
        due: &[Subject],
        sink: &dyn Sink,
    ) -> Vec<(Subject, Next)> {
        let questions: Vec<(Subject, &TestRepository)> = checks::questions(target)
            .into_iter()
            .filter(|(subject, _)| due.contains(subject))
            .collect();
        let questions = batch::in_batches(target, questions);
        let due = questions.iter().map(|(subject, _)| subject.check).collect();
        let mut told = Told::default();
        let client = match self.client(target, due) {
            Ok(client) => client,
            Err(outcome) => {
                for (subject, repository) in questions {
                    let report = unasked(subject, (*outcome).clone());
                    self.record(&mut told, target, repository, &report);
                    sink.report(report);
                }
                // What is wrong stands in the configuration: no reason to hurry.
                return Vec::new();
            }
        };
        let mut connected = None;
        for (subject, repository) in questions {
            let batch = batch::of(target, repository);
            if connected.replace(batch).is_some_and(|last| last != batch) {
                // What is wrong with it now is told by the next cycle.
                if let Ok((transport, _)) = self.transport(target) {
                    client.reconnect(transport);
                }
            }
            let report = match checks::skipped(target, subject.check, repository) {
                Some(outcome) => unasked(subject, outcome),
                None => run(&client, subject, repository).await,
            };
            self.record(&mut told, target, repository, &report);
            sink.report(report);
        }
        sink.observe(&target.name, client.observation());
        self.watched.update(target, &client);
        self.said(target, &client, &told)
    }

    fn client(
        &self,
        target: &Arc<Target>,
        due: Vec<CheckName>,
    ) -> Result<Arc<Client>, Box<Outcome>> {
        let (transport, certificate) = self.transport(target)?;
        Ok(Arc::new(Client::new(
            Arc::clone(target),
            transport,
            Arc::clone(&self.memory),
            certificate,
            self.sessions.clone(),
            due,
        )))
    }

    /// A transport with no connection yet, and the end of its client certificate.
    fn transport(&self, target: &Target) -> Result<(Transport, Option<i64>), Box<Outcome>> {
        let wrong = |why: String| Box::new(Outcome::fail(Reason::Config, why));
        let options = certificate::options(target).map_err(wrong)?;
        let tls = self
            .policies
            .policy(&options)
            .map_err(|error| wrong(error.to_string()))?;
        let options = TransportOptions {
            tls,
            host: target.url.host_str().unwrap_or_default().to_owned(),
            proxy: target.proxy.clone(),
            connect_timeout: target.connect_timeout,
            resolve: target.resolve.clone(),
            http2: target.http2,
            user_agent: user_agent(target.user_agent_comment.as_deref()),
        };
        let certificate = options.tls.client_certificate_not_after();
        // Nothing is sent yet: what is wrong here stands in the configuration.
        let transport = Transport::new(&options).map_err(|error| wrong(error.detail))?;
        Ok((transport, certificate))
    }
}

/// The report of a question that is not asked: no request, no time.
pub fn unasked(subject: Subject, outcome: Outcome) -> Report {
    Report {
        subject,
        outcome,
        started: SystemTime::now(),
        duration: Duration::ZERO,
        attempts: 0,
        requests: Vec::new(),
    }
}

async fn run(client: &Arc<Client>, subject: Subject, repository: &TestRepository) -> Report {
    let check = checks::check(subject.check);
    let budget = client.target().timeout;
    let started = SystemTime::now();
    let clock = Instant::now();
    client.begin(budget);
    let mut outcome = guarded((check.run)(client, repository), budget + BACKSTOP).await;
    if let Some(product) = client.product() {
        outcome.hints = matrix::hints(&product, &outcome);
    }
    let sparing = schedule::sparing_in_words(client, repository, subject.check);
    outcome.hints.extend(sparing);
    let (requests, attempts) = client.end();
    Report {
        subject,
        outcome,
        started,
        duration: clock.elapsed(),
        attempts,
        requests,
    }
}

/// Whatever a check does, an outcome comes of it.
async fn guarded(asking: Asking<'_>, budget: Duration) -> Outcome {
    let caught = AssertUnwindSafe(asking).catch_unwind();
    match tokio::time::timeout(budget, caught).await {
        Ok(Ok(outcome)) => outcome,
        // The panic hook has logged where. Its message may quote anything.
        Ok(Err(_)) => Outcome::unknown(
            Reason::Panic,
            "A bug in oci-registry-exporter ended this check; its log says where",
        ),
        Err(_) => Outcome::unknown(
            Reason::Timeout,
            format!("The check did not end within {}s", budget.as_secs_f64()),
        ),
    }
}

/// Requests keep the budget themselves; this ends what does not wait for a request.
/// It leaves room for two cancels, which have ten seconds each outside the budget.
const BACKSTOP: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Status;

    #[tokio::test]
    async fn a_panic_becomes_that_checks_outcome() {
        let outcome = guarded(
            Box::pin(async { panic!("hunter2 is in here") }),
            Duration::from_secs(1),
        )
        .await;
        assert_eq!(outcome.status, Status::Unknown);
        assert_eq!(outcome.reason, Some(Reason::Panic));
        assert!(!outcome.message.contains("hunter2"));
        assert!(outcome.facts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_ends_with_its_budget() {
        let outcome = guarded(Box::pin(std::future::pending()), Duration::from_secs(32)).await;
        assert_eq!(outcome.reason, Some(Reason::Timeout));
    }
}
