//! Rejected secrets are looked at locally, so that a new one is tried at once.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use crate::{
    client::{self, Client, SecretState},
    config::{CredentialSet, Target},
    credentials::Server,
};

/// The sets that were of no use in the last cycle that looked at them, and
/// their content then: its fingerprint, or `None` where it could not be read.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<HashMap<(String, String), Option<u64>>>);

/// A set that is watched, and what is known of its content.
#[derive(Debug)]
pub(super) struct Watch {
    target: Arc<Target>,
    set: Arc<CredentialSet>,
    known: Option<u64>,
}

/// A watched set whose content is another one.
#[derive(Debug)]
pub(super) struct News {
    pub(super) target: Arc<Target>,
    pub(super) set: Arc<CredentialSet>,
    before: Option<u64>,
    now: Option<u64>,
}

impl Watch {
    /// Reads it again, which may take its time: files may lie on a slow disk. What a helper
    /// holds is not looked at: it is asked when a cycle needs it.
    pub(super) fn look(self) -> Option<News> {
        let server = Server::of(&self.target.url);
        let read = self.set.source.look(&server, SystemTime::now())?;
        let now = read.ok().as_ref().map(client::fingerprint);
        (now != self.known).then_some(News {
            target: self.target,
            set: self.set,
            before: self.known,
            now,
        })
    }
}

impl Watched {
    /// Takes in what a cycle learned of a target's sets.
    pub(super) fn update(&self, target: &Target, client: &Client) {
        let mut watched = self.lock();
        for set in target.credential_sets() {
            let key = (target.name.clone(), set.name.clone());
            match client.secret_state(set) {
                SecretState::Untouched => {}
                SecretState::Usable => {
                    watched.remove(&key);
                }
                SecretState::Unusable => {
                    watched.insert(key, None);
                }
                SecretState::Rejected(secret) => {
                    watched.insert(key, Some(secret));
                }
            }
        }
    }

    /// The sets that are watched, to be looked at.
    pub(super) fn to_look_at(&self, targets: &[Arc<Target>]) -> Vec<Watch> {
        let all = self.lock();
        let of = |target: &Arc<Target>| {
            let sets = target.credential_sets().into_iter();
            let found = sets.filter_map(|set| {
                let known = *all.get(&(target.name.clone(), set.name.clone()))?;
                Some(Watch {
                    target: Arc::clone(target),
                    set: Arc::clone(set),
                    known,
                })
            });
            found.collect::<Vec<_>>()
        };
        targets.iter().flat_map(of).collect()
    }

    /// Whether this news is still some; each is told once.
    pub(super) fn is_news(&self, news: &News) -> bool {
        let key = (news.target.name.clone(), news.set.name.clone());
        match self.lock().get_mut(&key) {
            // A cycle was not quicker.
            Some(known) if *known == news.before => {
                *known = news.now;
                true
            }
            _ => false,
        }
    }

    /// Forgets the sets that these targets do not have.
    pub(super) fn retain(&self, targets: &[Arc<Target>]) {
        let sets = |target: &Arc<Target>| {
            let names = target.credential_sets().into_iter();
            let keys = names.map(|set| (target.name.clone(), set.name.clone()));
            keys.collect::<Vec<_>>()
        };
        let used: HashSet<_> = targets.iter().flat_map(sets).collect();
        self.lock().retain(|key, _| used.contains(key));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Option<u64>>> {
        // Every change is a single insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
