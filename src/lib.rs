//! Probes OCI registries and publishes what it finds for Prometheus.
//!
//! # The rooms
//!
//! Every module here is a room with one task, on a floor. A room imports only
//! rooms on floors below; rooms of one floor know nothing of each other. An
//! outside package in brackets is used in that room alone, or in the two that
//! name it (serde, tokio and tracing are everybody's). `tests/it/architecture.rs` reads this map and holds
//! all of it.
//!
//! ```text
//! 13 main         starts the command line
//! 12 cli          commands, wiring, exit codes                         [clap]
//! 11 server       the own port and its routes                          [hyper, hyper-util,
//!                                                        rustls, tokio-rustls, bcrypt]
//! 10 page         the status page, for a person with a browser         [maud]
//!  9 exposition   the one place that knows metric names                [prometheus-client]
//!    report       reports for a person and a program, and back           [quick-xml]
//!    probe        runs the due checks of one target and times them
//!  8 checks       the questions, one file each, and their verdicts
//!  7 client       one registry for the length of one cycle
//!    discovery    what other people add to the configuration         [glob]
//!  6 config       from a file and the environment to valid targets     [serde_yaml, humantime,
//!                                                        bcrypt, glob]
//!  5 transport    sends one request, brings back one exchange          [reqwest, rustls]
//!    retry        whether to ask again, and when                       [backoff]
//!    auth         from a challenge to a token request, and its answer  [psl]
//!    credentials  where secrets come from, read anew each cycle
//!    matrix       what each product is known to be able to do
//!    store        the latest report of every check
//!    scheduler    when each target is due
//!  4 file         reads a file, and never more of it than is wanted
//!  3 outcome      what a check may answer
//!  2 oci          the registry's own words, parsed and printed
//!  1 exchange     what went out and what came back, as plain data
//!  0 secret       a string that cannot be printed
//!    reach        which part of a network an address is in
//!    words        closed tables of words, read both ways
//! ```
//!
//! Floors 0 to 3, `matrix` and `page` are pure: no async, no I/O. Credentials and secrets
//! are read in `credentials`, the clock is tokio's, and what a check does stands in
//! its verdict, a function of exchanges alone.
//!
//! # The way of one result
//!
//! ```text
//! config::load          file and environment -> Target
//! scheduler::run        "this registry is due", never two cycles of one origin
//! probe::Prober::cycle  a Client for this cycle; for each due row of checks::CATALOG,
//!                       under its budget and guarded against panics:
//!   checks::pull          client.manifest(..)    the first who asks pays, the rest read
//!     client                pauses, login, token, tries; each try written down
//!       transport::send       Request -> Exchange
//!   verdict(..)             what was brought back -> Outcome and the facts it proves
//! Sink                  Report -> store (the daemon) or a list (`check`)
//! server -> exposition  a scrape reads one Snapshot of the store, and writes anew
//!                       what changed since the one before it
//! server -> page         a person looks at the same Snapshot
//! cli -> report         `check` prints the same Reports in each of its forms
//! probe::pace           what was learned -> when the check is asked again
//! ```
//!
//! Both mouths eat the same `Report`; there is no second path.
//!
//! # From a program of your own
//!
//! A configuration, a [`probe::Prober`] and a [`probe::Sink`] are enough; `examples/library.rs`
//! is such a program. Further in: [`report`] turns reports into text, JSON and `JUnit`,
//! [`exposition::encode_once`] into metrics, and [`scheduler`] asks again when it is time.
//!
//! ```
//! use oci_registry_exporter::{
//!     checks,
//!     config::{self, Environment},
//!     outcome::{Observation, Report, Status},
//!     probe::{Prober, Sink},
//! };
//!
//! struct Print;
//!
//! impl Sink for Print {
//!     fn report(&self, report: Report) {
//!         println!("{:?}: {}", report.subject, report.outcome.message);
//!         assert_ne!(report.outcome.status, Status::Fail);
//!     }
//!     fn observe(&self, _: &str, seen: Observation) {
//!         println!("{seen:?}");
//!     }
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! # let sim = registry_sim::RegistrySim::profile(registry_sim::Profile::NATIVE).start().await;
//! # sim.push_image("platform/canary", "latest");
//! # let url = sim.url();
//! let yaml = format!("registries: [{{url: {url}, anonymous: true, test_repository: platform/canary}}]");
//! let config = config::parse(&yaml, "registries.yml", "/".as_ref(), &Environment::default())?;
//! let prober = Prober::new();
//! for target in &config.registries {
//!     let questions = checks::questions(target);
//!     let due: Vec<_> = questions.into_iter().map(|(subject, _)| subject).collect();
//!     prober.cycle(target, &due, &Print).await;
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub mod auth;
pub mod checks;
pub mod cli;
pub mod client;
pub mod config;
pub mod credentials;
pub mod discovery;
pub mod exchange;
pub mod exposition;
pub mod file;
pub mod matrix;
pub mod oci;
pub mod outcome;
pub mod page;
pub mod probe;
pub mod reach;
pub mod report;
pub mod retry;
pub mod scheduler;
pub mod secret;
pub mod server;
pub mod store;
pub mod transport;
pub mod words;
