//! What may be shown to whoever reaches the port: no user names, challenges or token hosts.

use url::Url;

use super::{Entry, RegistryReports};
use crate::{
    exchange::Operation,
    outcome::{Outcome, Reason, Value},
};

/// Whether evidence of this key is for the operator alone.
pub fn withheld(key: &str) -> bool {
    [USERNAME, CHALLENGE].contains(&key)
}

/// The words of one registry that messages may quote and must not show.
#[derive(Debug)]
pub struct Hidden(Vec<(String, &'static str)>);

impl Hidden {
    /// All user names and token hosts that the registry's reports know of.
    pub fn of(registry: &RegistryReports) -> Self {
        let own = host(&registry.url);
        let mut words = Vec::new();
        for entry in &registry.entries {
            words.extend(text(entry, USERNAME).map(|name| (name.to_owned(), "[user]")));
            let asked = entry
                .report
                .requests
                .iter()
                .filter(|sent| sent.operation == Operation::Token)
                .filter_map(|sent| host(&sent.url));
            let named = text(entry, CHALLENGE).into_iter().flat_map(realms);
            let foreign = asked.chain(named).filter(|host| Some(host) != own.as_ref());
            words.extend(foreign.map(|host| (host, "[token host]")));
        }
        words.retain(|(word, _)| !word.is_empty());
        // A name that is a part of another must not break it up.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self(words)
    }

    /// The message of an outcome without these words.
    pub fn message(&self, outcome: &Outcome) -> String {
        if let Some(reason @ Reason::UntrustedHost) = outcome.reason {
            // It is about the host and nothing else.
            return reason.cause().to_owned();
        }
        self.without(&outcome.message)
    }

    /// Any text without these words.
    pub fn without(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (word, shown)| {
            text.replace(word.as_str(), shown)
        })
    }
}

fn text<'a>(entry: &'a Entry, key: &str) -> Option<&'a str> {
    match entry.report.outcome.evidence.value(key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

fn realms(challenge: &str) -> impl Iterator<Item = String> {
    challenge
        .split("realm=\"")
        .skip(1)
        .filter_map(|rest| host(rest.split('"').next()?))
}

fn host(url: &str) -> Option<String> {
    Url::parse(url).ok()?.host_str().map(ToOwned::to_owned)
}

const USERNAME: &str = "username";
const CHALLENGE: &str = "auth_challenge";

#[cfg(test)]
mod tests {
    use super::super::samples::{entry, registry};
    use super::*;
    use crate::outcome::CheckName;

    #[test]
    fn messages_lose_user_names_and_foreign_token_hosts() {
        let challenge = "Bearer realm=\"https://auth.example.net/token\",service=\"x\"";
        let own = "Bearer realm=\"https://registry.example.com/token\"";
        for (challenge, message, expected) in [
            (
                challenge,
                "The token endpoint at auth.example.net answers 500",
                "The token endpoint at [token host] answers 500",
            ),
            (
                own,
                "Credentials valid for registry.example.com",
                "Credentials valid for registry.example.com",
            ),
            (
                challenge,
                "user robot$probe, or robot, is locked",
                "user [user], or robot, is locked",
            ),
            (
                "Basic realm=\"Registry\"",
                "Registry says no",
                "Registry says no",
            ),
        ] {
            let outcome = Outcome::fail(Reason::Unauthorized, message)
                .with(USERNAME, "robot$probe")
                .with(CHALLENGE, challenge);
            let registry = registry(vec![entry(CheckName::Credentials, outcome.clone())]);
            assert_eq!(Hidden::of(&registry).message(&outcome), expected);
        }
    }

    #[test]
    fn an_untrusted_host_is_not_named() {
        let outcome = Outcome::fail(Reason::UntrustedHost, "evil.example.net may not see them");
        let registry = registry(vec![entry(CheckName::Credentials, outcome.clone())]);
        let shown = Hidden::of(&registry).message(&outcome);
        assert_eq!(shown, Reason::UntrustedHost.cause());
    }
}
