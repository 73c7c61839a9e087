//! A real docker-registry and a hundred signals, each at another moment of a cycle: no
//! session stays open.
//!
//! The moments are counted by a relay between the two: before and after each message of
//! either side, so that nothing is guessed by time.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    process::Command,
    sync::Notify,
};

use super::{
    left_behind::{configuration, sessions_with_data},
    registry::{Kind, Registry},
};
use crate::cli::run::Workplace;

const TERMINATIONS: usize = 100;
/// More messages than a cycle has, and each has a moment before it and one after.
const MOMENTS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_signals_leave_no_session_with_data() {
    let Some(registry) = Registry::start(Kind::Htpasswd).await else {
        return;
    };
    registry.fill().await;
    let mut in_the_middle = 0;
    for number in 0..TERMINATIONS {
        let address = registry.url.socket_addrs(|| None).expect("an address")[0];
        let relay = Relay::start(address, number % MOMENTS).await;
        let yaml = configuration(&registry).replace(registry.url.as_str(), &relay.url);
        // Every other time the daemon, whose first cycle comes at once.
        let (place, arguments): (_, &[&str]) = if number.is_multiple_of(2) {
            (Workplace::new(&yaml), &["check"])
        } else {
            let daemon = format!("{yaml}    upload_start_delay: 1s\n");
            (
                Workplace::new(&daemon),
                &["serve", "--web.listen-address=127.0.0.1:0"],
            )
        };
        let mut run = place.command(arguments).spawn().expect("it starts");
        let pid = run.id().expect("it runs").to_string();
        let ended = tokio::select! {
            () = relay.reached() => false,
            // A `check` whose cycle has fewer messages.
            end = run.wait() => end.is_ok(),
        };
        if !ended {
            let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
            assert!(killed.is_ok_and(|status| status.success()), "{number}");
            relay.go_on();
            run.wait().await.expect("it ends");
            in_the_middle += 1;
        }
        assert_eq!(
            sessions_with_data(registry.dir()),
            [] as [PathBuf; 0],
            "after {number}"
        );
    }
    assert!(in_the_middle > TERMINATIONS / 2, "{in_the_middle}");
}

/// Passes on what both sides say, and stands still at one moment.
struct Relay {
    url: String,
    moment: Arc<Moment>,
    task: tokio::task::JoinHandle<()>,
}

/// The moment, counted down by every message.
struct Moment {
    left: AtomicUsize,
    passed: AtomicBool,
    reached: Notify,
    further: Notify,
}

impl Relay {
    async fn start(to: std::net::SocketAddr, moment: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let moment = Arc::new(Moment {
            left: AtomicUsize::new(moment),
            passed: AtomicBool::new(false),
            reached: Notify::new(),
            further: Notify::new(),
        });
        let counted = Arc::clone(&moment);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(to).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(pass(from_client, to_server, Arc::clone(&counted)));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&counted)));
            }
        });
        Self { url, moment, task }
    }

    async fn reached(&self) {
        self.moment.reached.notified().await;
    }

    fn go_on(&self) {
        self.moment.passed.store(true, Ordering::SeqCst);
        self.moment.further.notify_waiters();
        self.moment.further.notify_one();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Moment {
    async fn comes(&self) {
        if self.passed.load(Ordering::SeqCst) {
            return;
        }
        let last = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if last.is_err() && !self.passed.swap(true, Ordering::SeqCst) {
            self.reached.notify_one();
            self.further.notified().await;
        }
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, moment: Arc<Moment>) {
    let mut message = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut message).await {
        moment.comes().await;
        if read == 0 || to.write_all(&message[..read]).await.is_err() {
            break;
        }
        moment.comes().await;
    }
    drop(to.shutdown().await);
}
