//! The five checks from a program of your own: no daemon, no metrics, no schedule.
//!
//! ```text
//! cargo run --example library -- oci-registry-exporter.yml
//! ```
//!
//! It asks every registry of that configuration once, prints one line for each answer
//! as it comes, and ends with 1 if something failed, and with 2 if it cannot ask.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use oci_registry_exporter::{
    checks,
    config::{self, Load},
    outcome::{Observation, Report, Status, Subject},
    probe::{Prober, Sink},
};

#[tokio::main]
async fn main() -> ExitCode {
    match check().await {
        Ok(all_good) => ExitCode::from(u8::from(!all_good)),
        Err(error) => {
            // Nobody is left to be told when this cannot be written.
            drop(writeln!(io::stderr(), "{error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether nothing failed.
async fn check() -> Result<bool, Box<dyn Error>> {
    let Some(file) = std::env::args().nth(1) else {
        return Err("name a configuration file".into());
    };
    // All that is wrong with it is said at once, each with line, column and a hint.
    let config = config::load(&Load::new(Some(file.into())))?;

    let prober = Prober::new();
    let printed = Printed::default();
    let all = async {
        for target in &config.registries {
            // Every question of the registry; choose among them by `subject.check`.
            let due: Vec<Subject> = checks::questions(target)
                .into_iter()
                .map(|(subject, _)| subject)
                .collect();
            // What it returns says when each is to be asked again: a schedule would keep to it.
            prober.cycle(target, &due, &printed).await;
        }
    };
    tokio::select! {
        () = all => {}
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    // An upload session that push opened is cancelled even now.
    prober.sessions_ended().await;
    Ok(!printed.failed.into_inner())
}

/// Takes each answer when it is there.
#[derive(Default)]
struct Printed {
    failed: AtomicBool,
}

impl Sink for Printed {
    fn report(&self, report: Report) {
        let outcome = &report.outcome;
        if outcome.status == Status::Fail {
            self.failed.store(true, Ordering::Relaxed);
        }
        let line = format!(
            "{}\t{}\t{}\t{}\n",
            report.subject.registry,
            report.subject.check.as_str(),
            outcome.status.as_str(),
            outcome.message
        );
        // Who reads no more needs no answers.
        drop(io::stdout().write_all(line.as_bytes()));
    }

    /// What else was seen: product, certificate, rate limit, times.
    fn observe(&self, _registry: &str, _observation: Observation) {}
}
