//! The one further try that a 401 may earn:
//! a pure decision.

use std::time::Duration;

use crate::{
    exchange::Authorization,
    oci::{Challenge, Scheme, Scope},
    secret::Credentials,
};

/// The authorization of one question, and how old its token is.
pub(super) struct Shown {
    pub(super) authorization: Option<Authorization>,
    pub(super) exchanged: Option<Duration>,
    /// It answers a challenge that another route of this cycle brought.
    pub(super) late: bool,
}

impl Shown {
    pub(super) fn as_it_is(authorization: Option<Authorization>) -> Self {
        Self {
            authorization,
            exchanged: None,
            late: false,
        }
    }
}

/// What a 401 may earn.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SecondTry {
    No,
    /// Nothing was shown; the challenge came late (an open `/v2/`, protected routes).
    LateChallenge,
    /// The route wants Basic although the registry speaks Bearer (Artifactory's referrers).
    Basic,
    /// The challenge names another repository or action set (Artifactory).
    OtherScope(Scope),
    /// The token was not fresh.
    FreshToken,
}

pub(super) fn second_try(
    challenge: &Challenge,
    credentials: &Credentials,
    scopes: &[Scope],
    shown: &Shown,
    referrers: bool,
) -> SecondTry {
    let nobody = matches!(credentials, Credentials::Anonymous);
    let bearer = *challenge.scheme() == Scheme::Bearer;
    if shown.authorization.is_none() {
        // Basic needs somebody; Bearer grants tokens to nobody, too.
        return if bearer || !nobody {
            SecondTry::LateChallenge
        } else {
            SecondTry::No
        };
    }
    let Some(age) = shown.exchanged else {
        // A password or a configured token was shown: never twice.
        return SecondTry::No;
    };
    if !bearer {
        return if referrers && matches!(credentials, Credentials::Basic { .. }) {
            SecondTry::Basic
        } else {
            SecondTry::No
        };
    }
    if let Some(other) = other_scope(challenge, scopes) {
        return SecondTry::OtherScope(other);
    }
    if referrers || age > FRESH {
        SecondTry::FreshToken
    } else {
        SecondTry::No
    }
}

/// The scope that a challenge names instead of ours, reduced to the actions meant.
fn other_scope(challenge: &Challenge, scopes: &[Scope]) -> Option<Scope> {
    // Two scopes are asked for only to mount: a challenge names both, and no one instead.
    let [scope] = scopes else {
        return None;
    };
    let named = Scope::parse_list(challenge.scope()?);
    let reduced = named.first()?.reduced_to(scope.actions())?;
    // Fewer actions of the same repository were asked for already, with more.
    (reduced.repository() != scope.repository()).then_some(reduced)
}

/// A token older than this may be the cause of a 401.
const FRESH: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::judge::shown_as_they_are,
        exchange::testing::reply,
        oci::{self, Action, Repository},
        secret::Secret,
    };

    fn challenge(value: &str) -> Challenge {
        let reply = reply(401, &[("www-authenticate", value)], "");
        oci::challenges(&reply).remove(0)
    }

    fn pull(repository: &str) -> Scope {
        let repository = Repository::parse(repository).expect("a repository");
        Scope::new(&repository, &[Action::Pull])
    }

    fn somebody() -> Credentials {
        Credentials::Basic {
            username: "robot".to_owned(),
            password: Secret::new("x"),
        }
    }

    fn token(age: u64) -> Shown {
        Shown {
            authorization: Some(Authorization::Bearer(Secret::new("t"))),
            exchanged: Some(Duration::from_secs(age)),
            late: false,
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a row for every row of the rules")]
    fn what_a_401_earns() {
        let bearer = challenge(
            "Bearer realm=\"https://r/t\",scope=\"repository:a/b:pull\",error=\"insufficient_scope\"",
        );
        let basic = challenge("Basic realm=\"r\"");
        let nothing = Shown::as_it_is(None);
        let password = Shown::as_it_is(shown_as_they_are(&somebody()).unwrap());
        let nobody = Credentials::Anonymous;
        let rows = [
            (
                "nothing was shown",
                &bearer,
                &somebody(),
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nothing was shown, Basic is wanted",
                &basic,
                &somebody(),
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nobody, Bearer is wanted",
                &bearer,
                &nobody,
                &nothing,
                false,
                SecondTry::LateChallenge,
            ),
            (
                "nobody, Basic is wanted",
                &basic,
                &nobody,
                &nothing,
                false,
                SecondTry::No,
            ),
            (
                "a password, never twice",
                &basic,
                &somebody(),
                &password,
                false,
                SecondTry::No,
            ),
            (
                "a fresh token without the right",
                &bearer,
                &somebody(),
                &token(1),
                false,
                SecondTry::No,
            ),
            (
                "an old token",
                &bearer,
                &somebody(),
                &token(31),
                false,
                SecondTry::FreshToken,
            ),
            (
                "referrers: one fresh token",
                &bearer,
                &somebody(),
                &token(1),
                true,
                SecondTry::FreshToken,
            ),
            (
                "referrers: Basic where asked (Artifactory)",
                &basic,
                &somebody(),
                &token(1),
                true,
                SecondTry::Basic,
            ),
            (
                "elsewhere a flip to Basic is a denial (Harbor)",
                &basic,
                &somebody(),
                &token(1),
                false,
                SecondTry::No,
            ),
        ];
        for (name, challenge, credentials, shown, referrers, expected) in rows {
            let found = second_try(challenge, credentials, &[pull("a/b")], shown, referrers);
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn another_scope_is_asked_for_reduced_to_what_is_meant() {
        let artifactory =
            challenge("Bearer realm=\"https://r/t\",scope=\"repository:b:pull,push\"");
        assert_eq!(other_scope(&artifactory, &[pull("key/b")]), Some(pull("b")));
        let same = challenge("Bearer realm=\"https://r/t\",scope=\"repository:a/b:pull,push\"");
        assert_eq!(other_scope(&same, &[pull("a/b")]), None);
        let insufficient =
            challenge("Bearer realm=\"https://r/t\",scope=\"repository:a/b:delete\"");
        let delete = Scope::new(
            &Repository::parse("a/b").expect("a repository"),
            &[Action::Pull, Action::Delete],
        );
        assert_eq!(other_scope(&insufficient, &[delete]), None);
        let gitea = challenge("Bearer realm=\"https://r/t\",scope=\"*\"");
        assert_eq!(other_scope(&gitea, &[pull("a/b")]), None);
        let push_only = challenge("Bearer realm=\"https://r/t\",scope=\"repository:b:push\"");
        assert_eq!(other_scope(&push_only, &[pull("a/b")]), None);
        let none = challenge("Bearer realm=\"https://r/t\"");
        assert_eq!(other_scope(&none, &[pull("a/b")]), None);
    }
}
