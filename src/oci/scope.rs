//! What a token is asked for: `repository:<name>:<action>,<action>`
//! (distribution's "Token Scope Documentation").

use std::fmt;

use super::Repository;

/// One right on a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Read.
    Pull,
    /// Write.
    Push,
    /// Delete; also what distribution, Harbor and zot want to cancel an upload.
    Delete,
}

/// Rights on one repository, in a fixed order and each once, so that equal
/// scopes are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    repository: Repository,
    actions: Vec<Action>,
}

impl Action {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Pull, "pull"),
        (Self::Push, "push"),
        (Self::Delete, "delete"),
    ];

    /// The word of the scope grammar.
    pub fn as_str(self) -> &'static str {
        crate::words::word(&Self::ALL, self)
    }
}

impl Scope {
    /// The scope for these actions.
    pub fn new(repository: &Repository, actions: &[Action]) -> Self {
        let mut actions = actions.to_vec();
        actions.sort_unstable();
        actions.dedup();
        Self {
            repository: repository.clone(),
            actions,
        }
    }

    /// The scopes of a challenge or of a token answer. What is no right on a
    /// repository is dropped: Gitea's `*`, trow's `push/pull`, Cloudsmith's
    /// action `any`, names that the grammar refuses.
    pub fn parse_list(text: &str) -> Vec<Self> {
        let words = text.split_ascii_whitespace().take(MAX_SCOPES);
        words.filter_map(Self::parse).collect()
    }

    /// The repository.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// The actions, ordered, each once.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// The same with no other actions than these; `None` where none is left.
    pub fn reduced_to(&self, allowed: &[Action]) -> Option<Self> {
        let kept = self.actions.iter().copied();
        let actions: Vec<_> = kept.filter(|action| allowed.contains(action)).collect();
        (!actions.is_empty()).then(|| Self {
            repository: self.repository.clone(),
            actions,
        })
    }

    fn parse(word: &str) -> Option<Self> {
        let (kind, rest) = word.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        // The kind may carry a class, as in `repository(plugin)`.
        if kind.split('(').next() != Some("repository") {
            return None;
        }
        let repository = Repository::parse(name).ok()?;
        let actions = actions.split(',');
        let known: Vec<_> = actions
            .filter_map(|action| crate::words::value(&Action::ALL, action))
            .collect();
        (!known.is_empty()).then(|| Self::new(&repository, &known))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "repository:{}:", self.repository)?;
        for (index, action) in self.actions.iter().enumerate() {
            let before = if index == 0 { "" } else { "," };
            write!(formatter, "{before}{}", action.as_str())?;
        }
        Ok(())
    }
}

/// More than any registry asks for in one challenge.
const MAX_SCOPES: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_action_reads_back_as_itself() {
        for (action, word) in Action::ALL {
            assert_eq!(action.as_str(), word);
            assert_eq!(crate::words::value(&Action::ALL, word), Some(action));
        }
    }

    #[test]
    fn scope_is_printed_in_a_fixed_order() {
        let repository = Repository::parse("team/app").unwrap();
        let scope = Scope::new(&repository, &[Action::Push, Action::Pull, Action::Push]);
        assert_eq!(scope.to_string(), "repository:team/app:pull,push");
    }

    #[test]
    fn parse_list_keeps_rights_on_repositories() {
        for (text, scopes) in [
            ("repository:a/b:pull", &["repository:a/b:pull"][..]),
            ("repository:a:push,pull", &["repository:a:pull,push"]),
            (
                "repository:a:pull  repository:b:pull,push",
                &["repository:a:pull", "repository:b:pull,push"],
            ),
            ("repository(plugin):a:pull", &["repository:a:pull"]),
            ("repository:a:pull,metadata_read", &["repository:a:pull"]),
            (
                "registry:catalog:* repository:a:delete",
                &["repository:a:delete"],
            ),
            ("repository:org/repo:any", &[]),
            ("repository:UPPER:pull", &[]),
            ("repository:a:", &[]),
            ("repository:a", &[]),
            ("push/pull", &[]),
            ("*", &[]),
            ("", &[]),
        ] {
            let found: Vec<_> = Scope::parse_list(text)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, scopes, "{text}");
        }
    }

    #[test]
    fn reduced_to_leaves_only_what_is_allowed() {
        let scope = &Scope::parse_list("repository:a:pull,push,delete")[0];
        let reduced = scope.reduced_to(&[Action::Push, Action::Pull]).unwrap();
        assert_eq!(reduced.to_string(), "repository:a:pull,push");
        let pull = scope.reduced_to(&[Action::Pull]).unwrap();
        assert_eq!(pull.reduced_to(&[Action::Delete]), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(
            name in "[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}",
            actions in prop::collection::vec(prop::sample::select(vec![Action::Pull, Action::Push, Action::Delete]), 1..5),
        ) {
            let scope = Scope::new(&Repository::parse(&name).unwrap(), &actions);
            prop_assert_eq!(Scope::parse_list(&scope.to_string()), vec![scope]);
        }

        #[test]
        fn no_scope_is_too_wild_for_the_reader(text in "(repository|[:(), *a/]|pull|é){0,20}") {
            for scope in Scope::parse_list(&text) {
                prop_assert!(!scope.actions().is_empty());
            }
        }
    }
}
