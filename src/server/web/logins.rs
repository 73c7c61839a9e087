//! Users with passwords (RFC 7617), hashed with bcrypt.
//!
//! Every login that is not known yet costs the same, whether the user exists or
//! not: the work of the dearest hash of the file. One is worked on at a time, off
//! the threads that send, and few wait for it. Only what was proven is remembered,
//! under a hash over user, hash and password with their lengths: guesses push
//! nothing out, and nothing that was proven for one stands for another.

use std::{
    collections::{BTreeMap, VecDeque},
    hint::black_box,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest as _, Sha256};
use tokio::{sync::Semaphore, task::spawn_blocking};
use zeroize::Zeroizing;

use crate::config::PasswordHash;

/// What a request says of who sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Given,
    Missing,
    /// Too many logins wait already.
    Busy,
}

pub(super) struct Logins {
    /// One at a time: the work is made to be dear.
    turn: Arc<Semaphore>,
    waiting: Semaphore,
    proven: Mutex<VecDeque<[u8; 32]>>,
}

impl Default for Logins {
    fn default() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            waiting: Semaphore::new(MOST_WAITING),
            proven: Mutex::default(),
        }
    }
}

impl Logins {
    /// Whether the headers prove that one of the users asks.
    pub(super) async fn prove(
        &self,
        users: &Arc<BTreeMap<String, PasswordHash>>,
        headers: &HeaderMap,
    ) -> Proof {
        let Some(login) = Login::of(headers) else {
            return Proof::Missing;
        };
        let key = login.key(users);
        if key.is_some_and(|key| self.knows(key)) {
            return Proof::Given;
        }
        let Ok(_waiting) = self.waiting.try_acquire() else {
            return Proof::Busy;
        };
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else {
            return Proof::Busy;
        };
        // Somebody else may have proven it while this one waited.
        if key.is_some_and(|key| self.knows(key)) {
            return Proof::Given;
        }
        let users = Arc::clone(users);
        let work = spawn_blocking(move || {
            // Ends with the work, also where nobody waits for it any more.
            let _turn = turn;
            login.proves(&users)
        });
        match (work.await, key) {
            (Ok(true), Some(key)) => {
                self.remember(key);
                Proof::Given
            }
            _ => Proof::Missing,
        }
    }

    fn knows(&self, key: [u8; 32]) -> bool {
        self.proven().contains(&key)
    }

    fn remember(&self, key: [u8; 32]) {
        let mut proven = self.proven();
        if !proven.contains(&key) {
            proven.truncate(MOST_PROVEN - 1);
            proven.push_front(key);
        }
    }

    fn proven(&self) -> std::sync::MutexGuard<'_, VecDeque<[u8; 32]>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user name and a password, as they were sent.
struct Login {
    /// Empty where it is not UTF-8, as no user of the file is.
    user: Option<String>,
    password: Zeroizing<Vec<u8>>,
}

impl Login {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let (scheme, pair) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let pair = Zeroizing::new(STANDARD.decode(pair.trim()).ok()?);
        let colon = pair.iter().position(|byte| *byte == b':')?;
        Some(Self {
            user: String::from_utf8(pair[..colon].to_vec()).ok(),
            password: Zeroizing::new(pair[colon + 1..].to_vec()),
        })
    }

    /// The user's hash, where there is such a user.
    fn hash<'a>(&self, users: &'a BTreeMap<String, PasswordHash>) -> Option<&'a PasswordHash> {
        users.get(self.user.as_deref()?)
    }

    /// What it is remembered by.
    fn key(&self, users: &BTreeMap<String, PasswordHash>) -> Option<[u8; 32]> {
        let hash = self.hash(users)?;
        let mut key = Sha256::new();
        for part in [
            self.user.as_deref()?.as_bytes(),
            hash.expose().as_bytes(),
            &self.password,
        ] {
            key.update((part.len() as u64).to_be_bytes());
            key.update(part);
        }
        Some(key.finalize().into())
    }

    fn proves(&self, users: &BTreeMap<String, PasswordHash>) -> bool {
        let highest = users.values().map(PasswordHash::cost).max();
        let highest = highest.unwrap_or(bcrypt::DEFAULT_COST);
        let hash = self.hash(users);
        let proven = hash
            .is_some_and(|hash| bcrypt::verify(&*self.password, hash.expose()).unwrap_or(false));
        for cost in filling(hash.map(PasswordHash::cost), highest) {
            // Only a cost out of bounds could fail.
            let _ = black_box(bcrypt::hash_with_salt(&*self.password, cost, SALT));
        }
        proven
    }
}

/// The costs of the work that decides nothing, so that every login takes two to the
/// power of the highest: 2^own + (2^own + 2^(own+1) + ... + 2^(highest-1)) is that.
fn filling(own: Option<u32>, highest: u32) -> Range<u32> {
    match own {
        Some(own) => own..highest,
        None => highest..highest + 1,
    }
}

const MOST_WAITING: usize = 32;
/// Users are few; a password behind its 72nd byte has many forms.
const MOST_PROVEN: usize = 128;
const SALT: [u8; 16] = *b"no user has this";

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        headers
    }

    fn basic(pair: impl AsRef<[u8]>) -> HeaderMap {
        headers(&format!("Basic {}", STANDARD.encode(pair)))
    }

    #[test]
    fn a_login_is_read_as_it_was_sent() {
        for (value, expected) in [
            ("Basic YTpi", Some((Some("a"), "b"))),
            ("bAsIc YTpi", Some((Some("a"), "b"))),
            ("Basic OmI=", Some((Some(""), "b"))),
            ("Basic YTo=", Some((Some("a"), ""))),
            ("Basic YTpiOmM=", Some((Some("a"), "b:c"))),
            // A user name that is not UTF-8.
            ("Basic /zpi", Some((None, "b"))),
            ("Basic YWI=", None),
            ("Basic YTpi YTpi", None),
            ("Basic", None),
            ("Basic a:b", None),
            ("Bearer YTpi", None),
        ] {
            let login = Login::of(&headers(value));
            let login = login
                .as_ref()
                .map(|login| (login.user.as_deref(), login.password.as_slice()));
            let expected = expected.map(|(user, password)| (user, password.as_bytes()));
            assert_eq!(login, expected, "{value}");
        }
        assert!(Login::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn every_login_takes_the_same_work() {
        for highest in 4..=18 {
            let work = |own: Option<u32>| {
                let filling: u64 = filling(own, highest).map(|cost| 1 << cost).sum();
                filling + own.map_or(0, |own| 1 << own)
            };
            assert_eq!(work(None), 1 << highest);
            for own in 4..=highest {
                assert_eq!(work(Some(own)), 1 << highest, "{own} of {highest}");
            }
        }
    }

    #[test]
    fn a_key_is_of_one_login_alone() {
        let users = users(&[("a", "$2b$04$x"), ("ab", "$2b$04$x"), ("a$", "2b$04$x")]);
        let pairs = ["a:bc", "a:b", "ab:c", "a$:bc", "a:"];
        let keys: std::collections::HashSet<_> = pairs
            .iter()
            .map(|pair| Login::of(&basic(pair)).unwrap().key(&users).unwrap())
            .collect();
        assert_eq!(keys.len(), pairs.len());
        assert_eq!(Login::of(&basic("b:b")).unwrap().key(&users), None);
    }

    #[tokio::test]
    async fn only_what_was_proven_is_remembered() {
        let logins = Logins::default();
        let users = Arc::new(users(&[("anna", &bcrypt::hash("right", 4).unwrap())]));
        for (pair, proof, remembered) in [
            ("anna:wrong", Proof::Missing, 0),
            ("nobody:right", Proof::Missing, 0),
            (":", Proof::Missing, 0),
            ("anna:right", Proof::Given, 1),
            ("anna:right", Proof::Given, 1),
            ("anna:right\0", Proof::Missing, 1),
        ] {
            assert_eq!(logins.prove(&users, &basic(pair)).await, proof, "{pair}");
            assert_eq!(logins.proven().len(), remembered, "{pair}");
        }
        // The same password under a new hash is proven anew.
        let renewed = Arc::new(self::users(&[("anna", &bcrypt::hash("left", 4).unwrap())]));
        let proof = logins.prove(&renewed, &basic("anna:right")).await;
        assert_eq!(proof, Proof::Missing);
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let logins = Logins::default();
        for at in 0..=u8::MAX {
            logins.remember([at; 32]);
        }
        assert_eq!(logins.proven().len(), MOST_PROVEN);
        assert!(logins.knows([u8::MAX; 32]) && !logins.knows([0; 32]));
    }

    #[tokio::test]
    async fn few_wait_for_their_turn() {
        let logins = Arc::new(Logins::default());
        let users = Arc::new(users(&[("anna", &bcrypt::hash("right", 4).unwrap())]));
        let turn = logins.turn.acquire().await.unwrap();
        let waiting: Vec<_> = (0..MOST_WAITING)
            .map(|_| {
                let (logins, users) = (Arc::clone(&logins), Arc::clone(&users));
                tokio::spawn(async move { logins.prove(&users, &basic("anna:right")).await })
            })
            .collect();
        while logins.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let proof = logins.prove(&users, &basic("anna:right")).await;
        assert_eq!(proof, Proof::Busy);
        drop(turn);
        for one in waiting {
            assert_eq!(one.await.unwrap(), Proof::Given);
        }
    }

    fn users(users: &[(&str, &str)]) -> BTreeMap<String, PasswordHash> {
        users
            .iter()
            .map(|(name, hash)| ((*name).to_owned(), PasswordHash::unchecked(hash)))
            .collect()
    }
}
