//! The last proof of every fact. Only a proof writes here: a report without facts
//! (timeout, 5xx, 429, unknown, skip, test image missing) changes and removes nothing.

use std::{collections::BTreeMap, time::SystemTime};

use crate::outcome::{Capability, CheckName, Fact, Report, Subject};

/// What a fact is about, within one registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactKey {
    /// Whether a credential set is accepted.
    CredentialsValid {
        /// The set's name.
        credential: Option<String>,
    },
    /// When a credential set ends (seconds since the epoch).
    CredentialsExpiry {
        /// The set's name.
        credential: Option<String>,
        /// Who said so.
        source: &'static str,
    },
    /// Whether a credential set may pull from a repository.
    PullAuthorized {
        /// The repository.
        repository: Option<String>,
        /// The set's name.
        credential: Option<String>,
    },
    /// Whether a credential set may push to a repository.
    PushAuthorized {
        /// The repository.
        repository: Option<String>,
        /// The set's name.
        credential: Option<String>,
    },
    /// Whether the registry has a capability.
    Capability(Capability),
    /// How many referrers the test image of a repository has.
    Referrers {
        /// The repository.
        repository: Option<String>,
    },
}

/// The last proof of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// 1 or 0 for what is yes or no, else the number itself.
    pub value: i64,
    /// When it was last proven.
    pub proven: SystemTime,
    /// Since when every proof says the same.
    pub since: SystemTime,
    /// How often a proof said something else than the one before it.
    pub changes: u64,
}

impl FactKey {
    /// Whether any of these subjects of its registry proves the fact.
    pub(super) fn belongs_to_any(&self, subjects: &[&Subject]) -> bool {
        subjects.iter().any(|subject| self.belongs_to(subject))
    }

    fn belongs_to(&self, subject: &Subject) -> bool {
        let set = |credential: &Option<String>| subject.credential == *credential;
        let both = |repository: &Option<String>, credential: &Option<String>| {
            subject.repository == *repository && set(credential)
        };
        match (subject.check, self) {
            (
                CheckName::Credentials,
                Self::CredentialsValid { credential } | Self::CredentialsExpiry { credential, .. },
            ) => set(credential),
            (
                CheckName::Pull,
                Self::PullAuthorized {
                    repository,
                    credential,
                },
            )
            | (
                CheckName::Push,
                Self::PushAuthorized {
                    repository,
                    credential,
                },
            ) => both(repository, credential),
            (CheckName::Referrers, Self::Referrers { repository }) => {
                subject.repository == *repository
            }
            (CheckName::Referrers, Self::Capability(capability)) => {
                *capability == Capability::ReferrersApi
            }
            (CheckName::Capabilities, Self::Capability(_)) => true,
            _ => false,
        }
    }

    /// Whether it is a yes or no, so that another answer is a change of state.
    fn is_state(&self) -> bool {
        !matches!(
            self,
            Self::Referrers { .. } | Self::CredentialsExpiry { .. }
        )
    }
}

/// Writes what a report proves; tells whether that is new: a first proof of a
/// yes or no, or the contrary of the last one.
pub(super) fn prove(facts: &mut BTreeMap<FactKey, Proof>, report: &Report, at: SystemTime) -> bool {
    if report.outcome.facts.contains(&Fact::CredentialsValid(true)) {
        // A set that is proven good says in the same report when it ends. What an
        // earlier secret said of its end is not this one's: a token that was
        // replaced by one without an end must not go on counting down.
        facts.retain(|key, _| {
            !matches!(key, FactKey::CredentialsExpiry { credential, .. }
                if *credential == report.subject.credential)
        });
    }
    let mut news = false;
    for fact in &report.outcome.facts {
        let (key, value) = entry(fact, &report.subject);
        let state = key.is_state();
        let proof = match facts.get(&key) {
            Some(last) if last.value == value => Proof {
                proven: at,
                ..*last
            },
            last => {
                news |= state;
                Proof {
                    value,
                    proven: at,
                    since: at,
                    changes: last.map_or(0, |last| last.changes + 1),
                }
            }
        };
        facts.insert(key, proof);
    }
    news
}

fn entry(fact: &Fact, subject: &Subject) -> (FactKey, i64) {
    let repository = subject.repository.clone();
    let credential = subject.credential.clone();
    match *fact {
        Fact::CredentialsValid(valid) => {
            (FactKey::CredentialsValid { credential }, i64::from(valid))
        }
        Fact::CredentialsExpiry(end, source) => {
            (FactKey::CredentialsExpiry { credential, source }, end)
        }
        Fact::PullAuthorized(authorized) => (
            FactKey::PullAuthorized {
                repository,
                credential,
            },
            i64::from(authorized),
        ),
        Fact::PushAuthorized(authorized) => (
            FactKey::PushAuthorized {
                repository,
                credential,
            },
            i64::from(authorized),
        ),
        Fact::Capability(capability, supported) => {
            (FactKey::Capability(capability), i64::from(supported))
        }
        Fact::Referrers(count) => (
            FactKey::Referrers { repository },
            i64::try_from(count).unwrap_or(i64::MAX),
        ),
    }
}
