//! The whole way of an answer: bytes on the wire, as the registry's answer to each
//! operation of a cycle, through client, verdict, store, reports, metrics and status page.
//!
//! ```text
//! basic                        how the registry wants to be asked: anonymous, basic, bearer
//! @ping_auth                   the answer to this operation ...
//! HTTP/1.1 200 OK              ... as it goes over the wire, up to the next line with an @
//! ```
//!
//! What an input does not answer is answered well. `ORIGIN` in an answer becomes the
//! registry's address, `FOREIGN` that of another host, `ECHO` the `Authorization` that came.

mod registry;
mod shown;

use std::{
    cell::RefCell,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use oci_registry_exporter::{
    checks,
    config::{self, Config, Environment},
    outcome::{Observation, Reason, Report, Subject},
    probe::{Prober, Sink},
    store::Store,
};
use tokio::{
    net::TcpListener,
    runtime::Builder,
    task::yield_now,
    time::{Instant, advance},
};

use registry::{Registry, serve};

/// One cycle of all checks against a registry that answers so.
pub(super) fn answers(input: &[u8]) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let (registry, config, kept) = runtime.block_on(cycle(input));
    let input_names_a_secret = SECRETS
        .iter()
        .any(|secret| contains(input, secret.as_bytes()));
    judge_requests(&registry);
    let reports = kept
        .reports
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    assert_eq!(
        reports.len(),
        checks::questions(&config.registries[0]).len()
    );
    for report in &reports {
        assert_ne!(
            report.outcome.reason,
            Some(Reason::Panic),
            "{:?}",
            report.outcome
        );
        assert!(report.outcome.status.as_str().is_ascii());
    }
    shown::judge(&config, &reports, &kept.store, input_names_a_secret);
}

/// Nothing is written, nothing is asked without end, and another host sees no secret.
fn judge_requests(registry: &Registry) {
    let own = registry.requests(true);
    let methods = ["GET", "HEAD", "POST", "PATCH", "DELETE"];
    assert!(
        own.len() <= MOST_REQUESTS,
        "{} requests: {own:?}",
        own.len()
    );
    for request in own.iter().chain(&registry.requests(false)) {
        assert!(methods.contains(&request.method.as_str()), "{request:?}");
    }
    for request in registry.requests(false) {
        let raw = &request.raw;
        assert!(
            !contains(&raw.to_ascii_lowercase(), b"\nauthorization:"),
            "{request:?}"
        );
        for secret in SECRETS {
            assert!(!contains(raw, secret.as_bytes()), "{request:?}");
        }
    }
}

async fn cycle(input: &[u8]) -> (Arc<Registry>, Config, Kept) {
    let own = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let foreign = TcpListener::bind("127.0.0.2:0").await.expect("a port");
    let address =
        |listener: &TcpListener| format!("http://{}", listener.local_addr().expect("an address"));
    let (mode, answers) = registry::parse(input);
    let registry = Arc::new(Registry::new(
        mode,
        answers,
        address(&own),
        address(&foreign),
    ));
    tokio::spawn(serve(own, Arc::clone(&registry), true));
    tokio::spawn(serve(foreign, Arc::clone(&registry), false));
    let login = match mode {
        "anonymous" => "",
        _ => "    username: robot\n    password: s3cret-canary\n",
    };
    // Other hosts that an answer names are not looked for: a proxy that is not there stands before them.
    let text = format!(
        "registries:\n  - name: fuzz\n    url: {}\n    test_repository: team/app\n{login}    \
         proxy_url: http://127.0.0.1:1\n    no_proxy: [127.0.0.1, 127.0.0.2]\n    \
         checks: {{push: {{anonymous: true}}}}\n    retry: {{attempts: 2}}\n",
        registry.origin,
    );
    let config = config::parse(&text, "fuzz.yml", Path::new("/"), &Environment::default());
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let kept = Arc::new(Kept {
        reports: Mutex::default(),
        store: Store::new(&[0.1, 1.0]),
    });
    let asking = tokio::spawn({
        let target = Arc::clone(&config.registries[0]);
        let kept = Arc::clone(&kept);
        async move {
            let due: Vec<Subject> = checks::questions(&target)
                .into_iter()
                .map(|(subject, _)| subject)
                .collect();
            let prober = prober();
            prober.cycle(&target, &due, &*kept).await;
            prober.sessions_ended().await;
            prober.retain(&[]);
        }
    });
    let began = Instant::now();
    let mut seen = registry.turns();
    while !asking.is_finished() {
        // Time moves when nothing else does.
        for _ in 0..QUIET {
            yield_now().await;
        }
        if registry.turns() == seen && !asking.is_finished() {
            advance(STEP).await;
            assert!(began.elapsed() < LONGEST, "it hangs");
        }
        seen = registry.turns();
    }
    asking.await.expect("a cycle never panics");
    let kept = Arc::into_inner(kept).expect("the cycle is over");
    (registry, config, kept)
}

/// Made anew now and then: what it remembers of registries that are gone must not pile up.
fn prober() -> Arc<Prober> {
    thread_local! {
        static PROBER: RefCell<(Arc<Prober>, u32)> = RefCell::new((Arc::new(Prober::new()), 0));
    }
    PROBER.with_borrow_mut(|(prober, used)| {
        *used += 1;
        if *used > 500 {
            (*prober, *used) = (Arc::new(Prober::new()), 0);
        }
        Arc::clone(prober)
    })
}

/// What the cycle brought.
struct Kept {
    reports: Mutex<Vec<Report>>,
    store: Store,
}

impl Sink for Kept {
    fn report(&self, report: Report) {
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report.clone());
        self.store.put(report);
    }

    fn observe(&self, registry: &str, observation: Observation) {
        self.store.observe(registry, observation);
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The password, what Basic makes of it, and the token that is granted.
const SECRETS: [&str; 3] = [
    "s3cret-canary",
    "cm9ib3Q6czNjcmV0LWNhbmFyeQ==",
    "t0ken-canary",
];
/// Several polls of the sockets (61 turns each) without news: whoever waits, waits for time.
const QUIET: u32 = 61 * 6;
const STEP: Duration = Duration::from_millis(250);
/// Five checks with their budgets, and the cancelling of uploads.
const LONGEST: Duration = Duration::from_secs(5 * 30 + 4 * 10);
/// Of a cycle with retries, redirects and pages: several times what a good one takes.
const MOST_REQUESTS: usize = 80;

pub(super) const WORDS: &[&str] = &[
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 401 Unauthorized\r\n",
    "HTTP/1.1 404 Not Found\r\n",
    "HTTP/1.1 302 Found\r\n",
    "HTTP/1.1 429 Too Many Requests\r\n",
    "HTTP/1.1 503 X\r\n",
    "HTTP/1.1 202 Accepted\r\n",
    "HTTP/1.1 403 Forbidden\r\n",
    "HTTP/1.1 405 X\r\n",
    "Location: ",
    "ORIGIN",
    "FOREIGN",
    "ECHO",
    "Link: <",
    ">; rel=\"next\"",
    "Retry-After: ",
    "WWW-Authenticate: Bearer realm=\"",
    "WWW-Authenticate: Basic realm=\"x\"\r\n",
    "Docker-Content-Digest: sha256:",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Type: ",
    "application/vnd.oci.image.index.v1+json",
    "application/json",
    "text/html",
    "\r\n\r\n",
    "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"",
    "Warning: 299 - \"",
    "\n@ping\n",
    "\n@token\n",
    "\n@manifest_head\n",
    "\n@referrers\n",
    "\n@upload_start\n",
    "\u{1b}[31m",
    "\u{202e}",
    "<script>",
    "\0",
    "Server: ",
    "Range: 0-",
];
