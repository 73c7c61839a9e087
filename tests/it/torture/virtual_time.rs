//! Client and simulator on one thread and a clock that goes by hand: it moves only when
//! nothing but time can bring anything further, so a hang costs no time and no deadline
//! passes while an answer is on its way.

use std::{pin::pin, sync::mpsc, time::Duration};

use registry_sim::RegistrySim;
use tokio::{
    runtime::{Builder, Runtime},
    task::yield_now,
    time::advance,
};

/// A runtime of one thread whose clock stands still.
pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime")
}

/// Runs a future to its end; the clock goes on whenever the simulators are quiet.
pub(super) async fn drive<T>(sims: &[&RegistrySim], future: impl Future<Output = T>) -> T {
    // While a blocking task is parked, tokio does not move the clock by itself.
    let (parked, wait) = mpsc::channel::<()>();
    drop(tokio::task::spawn_blocking(move || wait.recv()));
    let mut future = pin!(future);
    let done = loop {
        let mut quiet = 0;
        let mut turns = 0;
        let mut last = traffic(sims);
        while quiet < QUIET && turns < BUSY {
            tokio::select! {
                biased;
                done = &mut future => return done,
                () = yield_now() => {}
            }
            let seen = traffic(sims);
            quiet = if seen == last { quiet + 1 } else { 0 };
            last = seen;
            turns += 1;
        }
        tokio::select! {
            biased;
            done = &mut future => break done,
            () = advance(STEP) => {}
        }
    };
    drop(parked);
    done
}

/// All that shows that something is going on.
fn traffic(sims: &[&RegistrySim]) -> u64 {
    let seen = |sim: &&RegistrySim| {
        let (read, written) = sim.bytes();
        sim.total_requests() + sim.connections() + sim.open_connections() + read + written
    };
    sims.iter().map(seen).sum()
}

/// So many yields without any change mean that only time can bring one.
const QUIET: u32 = 40;
/// Where something goes on for ever the clock has to go on too.
const BUSY: u32 = 300;
const STEP: Duration = Duration::from_millis(500);
