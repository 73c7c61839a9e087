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

    /// Whether a set is watched and its content is another one; it is told once.
    /// What a helper holds is not looked at: it is asked when a cycle needs it.
    pub(super) fn changed(&self, target: &Target, set: &CredentialSet) -> bool {
        let key = (target.name.clone(), set.name.clone());
        let Some(known) = self.lock().get(&key).copied() else {
            return false;
        };
        let server = Server::of(&target.url);
        let Some(read) = set.source.look(&server, SystemTime::now()) else {
            return false;
        };
        let now = read.ok().as_ref().map(client::fingerprint);
        if now == known {
            return false;
        }
        self.lock().insert(key, now);
        true
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
