//! Reading the configuration again, and what becomes of it.
//!
//! A configuration that cannot be used changes nothing: the one before it goes
//! on, the log says why and the metrics that it is so.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{
    super::signals::{HANGUP, Hangup},
    Daemon, Reading,
    systemd::{self, State},
};
use crate::config::{self, Config, Main};

impl Daemon {
    /// Reads the configuration again and puts it in force.
    ///
    /// # Errors
    /// What is wrong with it, in the words of `config check`; the configuration
    /// before it goes on.
    pub(super) async fn reload(&self, trigger: &str) -> Result<(), String> {
        // One after another: of two the later one must be what is in force.
        let mut reading = self.reading.lock().await;
        self.read_again(trigger, &mut reading).await
    }

    async fn read_again(&self, trigger: &str, reading: &mut Reading) -> Result<(), String> {
        systemd::tell(State::Reloading);
        let reloaded = self.take_over(trigger, reading).await;
        systemd::tell(State::Ready);
        reloaded
    }

    async fn take_over(&self, trigger: &str, reading: &mut Reading) -> Result<(), String> {
        let load = self.load.clone();
        let mut discovery = std::mem::take(&mut reading.discovery);
        let read = spawn_blocking(move || {
            let content = config::content(&load);
            let main = load.refuse_pipe().and_then(|()| Main::read(&load));
            let read = main.and_then(|main| {
                let config = discovery.read(&main)?;
                Ok((main, config))
            });
            (content, discovery, read)
        });
        let read = match read.await {
            Ok((content, discovery, read)) => {
                reading.content = content;
                reading.discovery = discovery;
                read.map_err(|errors| errors.to_string())
            }
            // The panic hook has logged where.
            Err(_) => Err("a panic while it was read; the log says where".to_owned()),
        };
        self.reload_successful
            .store(read.is_ok(), Ordering::Relaxed);
        let (main, config) = read.inspect_err(|errors| {
            let said = errors.as_str();
            tracing::error!(
                trigger,
                said,
                "configuration not reloaded; the one before it goes on"
            );
        })?;
        for warning in &config.warnings {
            tracing::warn!(warning, "configuration");
        }
        reading.main = Arc::new(main);
        let before = Arc::clone(&self.loaded().config);
        self.replace(config).await;
        self.discovered(&before, reading);
        self.sources.notify_waiters();
        let changes = Changes::between(&before, &self.loaded().config);
        tracing::info!(
            trigger,
            registries = changes.now,
            added = changes.added,
            removed = changes.removed,
            changed = changes.changed,
            "configuration reloaded"
        );
        Ok(())
    }

    /// Reloads at every SIGHUP. Never ends.
    pub(super) async fn reload_by_signal(&self, mut hangup: Hangup) {
        loop {
            hangup.next().await;
            // It is in the log and in the metrics.
            let _ = self.reload(HANGUP).await;
        }
    }

    /// Reloads whenever the content of the configuration is another one than when
    /// it was last read, also where a link was set anew. Never ends.
    pub(super) async fn reload_by_content(&self, every: Duration) {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let mut reading = self.reading.lock().await;
            let load = self.load.clone();
            let Ok(now) = spawn_blocking(move || config::content(&load)).await else {
                continue;
            };
            // A bad one is said once, and not at every look.
            if now != reading.content {
                let _ = self.read_again("content", &mut reading).await;
            }
        }
    }
}

/// How many registries a reload concerned.
pub(super) struct Changes {
    pub(super) now: usize,
    pub(super) added: usize,
    pub(super) removed: usize,
    pub(super) changed: usize,
}

impl Changes {
    pub(super) fn between(before: &Config, after: &Config) -> Self {
        let named = |config: &Config| -> HashMap<String, u64> {
            let targets = config.registries.iter();
            targets
                .map(|target| (target.name.clone(), target.fingerprint))
                .collect()
        };
        let (before, now) = (named(before), named(after));
        let removed = before.keys().filter(|name| !now.contains_key(*name));
        let (mut added, mut changed) = (0, 0);
        for (name, fingerprint) in &now {
            match before.get(name) {
                None => added += 1,
                Some(known) => changed += usize::from(known != fingerprint),
            }
        }
        Self {
            now: now.len(),
            added,
            removed: removed.count(),
            changed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::timeout;

    use super::*;
    use crate::{
        config::Load,
        discovery::Discovery,
        outcome::Subject,
        scheduler::{self, Limits},
        server::Pages as _,
    };

    /// Whoever asked by a request may hang up at any time.
    #[tokio::test]
    async fn a_reload_that_nobody_waits_for_goes_on_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yml");
        fs::write(&path, "registries: []\n").unwrap();
        let load = Load::new(Some(path.clone()));
        let main = Main::read(&load).unwrap();
        let mut discovery = Discovery::default();
        let config = discovery.read(&main).unwrap();
        let reading = Reading {
            content: config::content(&load),
            main: Arc::new(main),
            discovery,
        };
        let daemon = Arc::new(Daemon::new(config, load, reading, None, String::new()));
        let cycle = |_, _: Vec<Subject>| async { Vec::new() };
        let watch = Arc::clone(&daemon.watch);
        let never = std::future::pending();
        let schedule = scheduler::run(Vec::new(), Limits::default(), watch, cycle, never);
        let schedule = tokio::spawn(schedule);

        fs::write(&path, "registries: [{url: https://a.example.com}]\n").unwrap();
        let mut changes = daemon.changes.subscribe();
        drop(Arc::clone(&daemon).reload());
        let scheduled = async {
            while daemon.watch.next_runs().is_empty() {
                changes.changed().await.unwrap();
            }
        };
        timeout(Duration::from_mins(1), scheduled).await.unwrap();
        assert_eq!(daemon.loaded().config.registries.len(), 1);
        schedule.abort();
    }
}
