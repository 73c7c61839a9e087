//! What a cycle leaves behind for the next: what is held back, what is paused,
//! and how the secrets stand. Nothing is sent or read for it.

use std::time::Duration;

use url::Url;

use super::{Class, Client, LoginEnd, fingerprint, ping::PingKind};
use crate::{
    config::CredentialSet,
    credentials::Source,
    oci::{RateLimit, Scheme},
};

/// How a set's secret stands at the end of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretState {
    /// The cycle did not look at it.
    Untouched,
    /// It cannot be read, or is past its own end.
    Unusable,
    /// The registry rejects it; the fingerprint of its content.
    Rejected(u64),
    /// Nothing is known against it.
    Usable,
}

impl Client {
    /// How a set's secret stands, as far as this cycle looked at it.
    pub fn secret_state(&self, set: &CredentialSet) -> SecretState {
        let Some(read) = self.cycle().credentials.get(&set.name).cloned() else {
            return SecretState::Untouched;
        };
        let Ok(reading) = read else {
            return SecretState::Unusable;
        };
        let secret = fingerprint(&reading.credentials);
        if self.memory.rejected(&self.origin, &None, secret) {
            SecretState::Rejected(secret)
        } else {
            SecretState::Usable
        }
    }

    /// How long this set is held back as rejected yet, as far as this cycle looked at it.
    pub fn held(&self, set: &CredentialSet) -> Option<Duration> {
        let SecretState::Rejected(secret) = self.secret_state(set) else {
            return None;
        };
        let (_, left) = self.memory.kept(&self.origin, &None, &set.name, secret)?;
        Some(left)
    }

    /// Whether this cycle asked and got an answer about this set: accepted, or rejected.
    pub fn judged(&self, set: &CredentialSet) -> Option<bool> {
        let cycle = self.cycle();
        if !cycle.asked.contains(&set.name) {
            return None;
        }
        match cycle.logins.get(&set.name)?.end {
            LoginEnd::Accepted | LoginEnd::Unprovable => Some(true),
            LoginEnd::Rejected(..) => Some(false),
            _ => None,
        }
    }

    /// How long requests of this class, and the tokens for them, are paused yet.
    pub fn paused(&self, set: &CredentialSet, class: Class) -> Option<Duration> {
        let own = self.memory.paused(&self.origin, class);
        // A configured token is sent as it is.
        let exchanged = !matches!(set.source, Source::Token(_));
        let tokens = exchanged.then(|| self.token_pause()).flatten();
        own.max(tokens)
    }

    /// How long what is left of this set's rate limit is left to others, and how much
    /// that is: where this cycle was told that it is less than the reserve.
    ///
    /// Until the window ends, which nobody tells but its length; so at most
    /// `retry_after_max`, and then it is looked at again.
    pub fn sparing(&self, set: &CredentialSet) -> Option<(RateLimit, Duration)> {
        let limit = self.cycle().sight.rate_limit(&set.name)?;
        if !limit.is_below(self.target.rate_limit_reserve) {
            return None;
        }
        let longest = self.target.retry.options().retry_after_max;
        let window = limit.window_seconds.map(Duration::from_secs);
        Some((limit, window.map_or(longest, |window| window.min(longest))))
    }

    /// The longest pause of anything that this registry needs.
    pub(super) fn longest_pause(&self) -> Option<Duration> {
        let own = self.memory.longest_pause(&self.origin);
        own.max(self.token_pause())
    }

    fn token_pause(&self) -> Option<Duration> {
        let known = self.cycle().ping.clone();
        let ping = known.or_else(|| self.memory.ping(&self.origin))?;
        let PingKind::Challenged { challenge, .. } = &ping.kind else {
            return None;
        };
        if *challenge.scheme() != Scheme::Bearer {
            return None;
        }
        let realm = Url::parse(challenge.realm()?).ok()?;
        let origin = realm.origin().ascii_serialization();
        self.memory.paused(&origin, Class::All)
    }
}
