//! What is no longer remembered: of registries, sets and repositories that nobody
//! configures any more, and of hosts that were only passed by.
//!
//! What keeps others from harm outlives its configuration until it is over: pauses,
//! logins that are held back, and the uploads of the last day. Taken out and put back
//! by two reloads, or renamed, a registry must not be asked as if nothing had been.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::time::Instant;

use super::{Memory, Origin, PING_LIFE, SUSPENSION};
use crate::{
    client::plan::{UploadKey, user},
    config::Target,
    oci::Repository,
};

/// What the configuration asks at one origin.
#[derive(Debug, Default)]
struct Used<'a> {
    users: HashSet<String>,
    sets: HashSet<&'a str>,
    repositories: HashSet<&'a Repository>,
}

impl Memory {
    /// Forgets what these targets have no use for, as far as it may be forgotten.
    pub fn retain(&self, targets: &[Arc<Target>]) {
        let mut origins: HashMap<String, Used<'_>> = HashMap::new();
        let mut uploads: HashSet<UploadKey> = HashSet::new();
        for target in targets {
            let origin = target.url.origin().ascii_serialization();
            let used = origins.entry(origin.clone()).or_default();
            for repository in &target.repositories {
                let set = &repository.credential;
                let owner = user(target, set);
                used.users.insert(owner.clone());
                used.sets.insert(&set.name);
                used.repositories.insert(&repository.name);
                uploads.insert((origin.clone(), repository.name.to_string(), owner));
            }
        }
        let nothing = Used::default();
        self.lock().retain(|name, origin| {
            origin.retain(origins.get(name).unwrap_or(&nothing));
            !origin.is_empty()
        });
        let now = Instant::now();
        self.lock_uploads()
            .retain(|key, known| uploads.contains(key) || known.opened_lately(now));
    }
}

impl Origin {
    fn retain(&mut self, used: &Used<'_>) {
        let now = Instant::now();
        self.pauses.retain(|_, until| *until > now);
        let ping = self.ping.take();
        self.ping = ping.filter(|(_, at)| !used.users.is_empty() && at.elapsed() < PING_LIFE);
        self.settled.retain(|user, _| used.users.contains(user));
        self.rejected
            .retain(|user, at| used.users.contains(user) && at.elapsed() < SUSPENSION);
        self.holds.retain(&used.sets);
        self.cancel_needs_delete
            .retain(|user, _| used.users.contains(user));
        self.blobs
            .retain(|(repository, _), _| used.repositories.contains(repository));
    }

    fn is_empty(&self) -> bool {
        self.only_paused() && self.pauses.is_empty()
    }
}

/// Forgets origins of which nothing is known but a pause, once it is over; and those
/// whose pause ends first where a registry names ever new ones (redirects, realms).
pub(super) fn passers_by(origins: &mut HashMap<String, Origin>) {
    let now = Instant::now();
    origins.retain(|_, origin| {
        !origin.only_paused() || origin.pauses.values().any(|until| *until > now)
    });
    let passing = || origins.iter().filter(|(_, origin)| origin.only_paused());
    let too_many = passing().count().saturating_sub(PASSERS_BY);
    let mut ends: Vec<_> = passing()
        .map(|(name, origin)| (origin.pauses.values().max().copied(), name.clone()))
        .collect();
    ends.sort_unstable();
    for (_, name) in ends.into_iter().take(too_many) {
        origins.remove(&name);
    }
}

/// How many origins are remembered for nothing but a pause.
const PASSERS_BY: usize = 1024;

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::*;
    use crate::{
        client::{Class, Login, LoginEnd},
        config::{Environment, parse},
        oci::Digest,
        outcome::Reason,
    };

    #[tokio::test(start_paused = true)]
    async fn hosts_that_only_ever_said_429_are_forgotten() {
        let memory = Memory::default();
        memory.settle("registry", "robot", 7, true);
        memory.pause("registry", Class::Read, Duration::from_secs(1));
        let kept = |memory: &Memory| memory.lock().len();
        for number in 0..=PASSERS_BY as u64 {
            let wait = Duration::from_secs(10 + number);
            memory.pause(&format!("host {number}"), Class::All, wait);
        }
        assert_eq!(kept(&memory), PASSERS_BY + 1, "the registry's own stays");
        assert_eq!(memory.paused("host 0", Class::All), None, "it ends first");
        assert!(memory.paused("host 1", Class::All).is_some());
        tokio::time::advance(Duration::from_hours(1)).await;
        memory.pause("one more", Class::All, Duration::from_secs(1));
        assert_eq!(kept(&memory), 2);
        assert_eq!(
            memory.settled("registry", "robot", 7, Duration::from_hours(2)),
            Some(true)
        );
    }

    /// One registry called `registry` at `host` whose set is called `set`.
    fn targets(registry: &str, host: &str, set: &str) -> Vec<Arc<Target>> {
        let yaml = format!(
            "credentials: {{{set}: {{token: x, hosts: [{host}]}}}}\nregistries:\n  - name: {registry}\n    url: https://{host}\n    repositories:\n      - {{name: team/named, credentials: {set}, push: true}}\n"
        );
        let environment = Environment::default();
        let config = parse(&yaml, "x", Path::new("/"), &environment);
        config.unwrap_or_else(|error| panic!("{error}")).registries
    }

    /// Everything that there is to remember of a target, except what it must not
    /// forget; the login, if any, was rejected with this secret.
    fn live(memory: &Memory, target: &Target, rejected: Option<u64>) {
        let origin = target.url.origin().ascii_serialization();
        let repository = &target.repositories[0];
        let user = user(target, &repository.credential);
        memory.settle(&origin, &user, 7, true);
        memory.keep_cancel_right(&origin, &user, true);
        let digest = Digest::of(b"x");
        memory.keep_blob(&origin, &repository.name, &digest, &digest);
        let key = (origin.clone(), repository.name.to_string(), user.clone());
        memory.uploads(&key, |_| {});
        if let Some(secret) = rejected {
            let end = LoginEnd::Rejected(Reason::Unauthorized, String::new());
            let login = Login::without_request(end);
            memory.keep_rejection(&origin, &user);
            memory.reject(&origin, &None, &repository.credential.name, secret, &login);
        }
    }

    /// Everything that is remembered, counted.
    fn size(memory: &Memory) -> usize {
        let origins = memory.lock();
        let of = |origin: &Origin| {
            1 + usize::from(origin.ping.is_some())
                + origin.pauses.len()
                + origin.settled.len()
                + origin.rejected.len()
                + origin.holds.len()
                + origin.cancel_needs_delete.len()
                + origin.blobs.len()
        };
        origins.values().map(of).sum::<usize>() + memory.lock_uploads().len()
    }

    #[tokio::test(start_paused = true)]
    async fn any_number_of_renames_leaves_what_one_registry_has() {
        for rejected in [None, Some(7)] {
            let memory = Memory::default();
            let mut sizes = Vec::new();
            for number in 0..500_u64 {
                let names = ["registry", "host", "set"].map(|it| format!("{it}-{number}"));
                let [registry, host, set] = names;
                let targets = targets(&registry, &host, &set);
                memory.retain(&targets);
                live(&memory, &targets[0], rejected);
                sizes.push(size(&memory));
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            // What is held back as rejected stays for its minute, and no longer.
            let most = if rejected.is_some() { 8 + 2 * 60 } else { 5 };
            assert!(sizes[200..].iter().all(|it| *it <= most), "{sizes:?}");
            tokio::time::advance(Duration::from_mins(1)).await;
            memory.retain(&[]);
            assert_eq!(size(&memory), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reload_forgets_no_login_that_it_keeps() {
        let memory = Memory::default();
        let origin = "https://r.example.com";
        let before = targets("a", "r.example.com", "robot");
        memory.retain(&before);
        live(&memory, &before[0], Some(7));
        for (registry, set) in [("a", "robot"), ("renamed", "robot"), ("renamed", "bot")] {
            memory.retain(&targets(registry, "r.example.com", set));
            let kept = memory.kept(origin, &None, set, 7);
            let (_, left) = kept.expect("it is held back");
            assert!(left > Duration::from_secs(50), "{left:?}");
        }
        // Taken out and put back.
        memory.retain(&[]);
        memory.retain(&before);
        assert!(memory.kept(origin, &None, "robot", 7).is_some());
        // What was said of the repository is its set's, and the set is another one.
        assert!(!memory.rejected_lately(origin, "robot"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_at_a_registry_is_not_forgotten_by_a_reload() {
        let memory = Memory::default();
        let targets = targets("a", "r.example.com", "robot");
        let origin = "https://r.example.com";
        live(&memory, &targets[0], Some(7));
        memory.pause(origin, Class::Write, Duration::from_mins(5));
        memory.pause("https://tokens", Class::All, Duration::from_mins(5));
        let before = size(&memory);
        memory.retain(&targets);
        assert_eq!(size(&memory), before);
        // A pause outlives even its registry: others there would be asked in it.
        memory.retain(&[]);
        for (origin, class) in [(origin, Class::Write), ("https://tokens", Class::All)] {
            assert!(memory.paused(origin, class).is_some(), "{origin}");
        }
        tokio::time::advance(Duration::from_mins(5)).await;
        memory.retain(&[]);
        assert_eq!(size(&memory), 0);
    }
}
