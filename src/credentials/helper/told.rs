//! A helper's error text, without what may be a secret.
//!
//! Nobody knows what a foreign program prints when it fails; it may well be the
//! secret itself, and a secret may be made of words. So only the words that errors
//! are made of are shown, and everything else is hidden.

/// The first line of the text as far as it can be shown.
pub(super) fn told(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let mut shown: Vec<&str> = Vec::new();
    let mut length = 0;
    for word in line.split_whitespace() {
        let word = if is_harmless(word) { word } else { HIDDEN };
        if word == HIDDEN && shown.last() == Some(&HIDDEN) {
            continue;
        }
        length += word.len() + 1;
        if length > LONGEST {
            break;
        }
        shown.push(word);
    }
    if shown.iter().all(|word| *word == HIDDEN) {
        return String::new();
    }
    shown.join(" ")
}

/// Whether it is made of known words alone, with signs between them or grown
/// together: `not`, `(denied)`, `AccessDeniedException:`, `400,`.
fn is_harmless(word: &str) -> bool {
    let mut parts = 0;
    let known = word
        .split(|c: char| c.is_ascii_punctuation())
        .filter(|part| !part.is_empty())
        .all(|part| {
            parts += 1;
            let number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
            number || is_known(part) || grown_together(part).into_iter().all(is_known)
        });
    known && (1..=MOST_PARTS).contains(&parts)
}

fn is_known(word: &str) -> bool {
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// `AccessDenied` as `Access` and `Denied`.
fn grown_together(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = word;
    while let Some(end) = rest
        .char_indices()
        .skip(1)
        .find_map(|(at, c)| c.is_ascii_uppercase().then_some(at))
    {
        let (part, after) = rest.split_at(end);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

const HIDDEN: &str = "[hidden]";
/// Characters of the whole.
const LONGEST: usize = 200;
const MOST_PARTS: usize = 5;
#[rustfmt::skip]
const WORDS: [&str; 180] = [
    "a", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "could", "did",
    "do", "does", "for", "from", "has", "have", "in", "into", "is", "it", "more", "must", "no",
    "none", "not", "of", "on", "or", "please", "such", "than", "that", "the", "this", "to", "try",
    "was", "were", "while", "with", "within", "without", "you", "your",
    "access", "account", "again", "api", "argument", "arn", "assume", "auth", "authenticate",
    "authentication", "authorization", "authorized", "available", "aws", "azure", "bad", "body",
    "ca", "cache", "call", "cannot", "certificate", "chain", "check", "client", "code", "command",
    "config", "configuration", "configured", "connect", "connection", "context", "credential",
    "credentials", "current", "deadline", "decode", "default", "denied", "deny", "dial",
    "directory", "docker", "ecr", "empty", "endpoint", "env", "environment", "eof", "err",
    "error", "exceeded", "exception", "exec", "executable", "exist", "exists", "expired",
    "failed", "failure", "fatal", "fetch", "file", "forbidden", "found", "gcloud", "get",
    "google", "helper", "host", "http", "https", "id", "identity", "imds", "instance", "internal",
    "invalid", "io", "json", "key", "keychain", "keyring", "load", "locked", "login", "lookup",
    "metadata", "missing", "name", "network", "open", "operation", "parse", "path", "perform",
    "permission", "policy", "profile", "project", "provider", "providers", "proxy", "refresh",
    "refused", "region", "registry", "request", "required", "resolve", "response", "retry",
    "role", "run", "secret", "server", "service", "session", "set", "sign", "status", "store",
    "sts", "tcp", "tenant", "timed", "timeout", "tls", "token", "unable", "unauthorized",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_words_of_errors_are_shown_and_nothing_else() {
        for (text, expected) in [
            ("no such profile", "no such profile"),
            (
                "  \n error: the region is not set\nand more\n",
                "error: the region is not set",
            ),
            (
                "AccessDeniedException: User: arn:aws:iam::123456789012:user/x is not authorized to perform: ecr:GetAuthorizationToken",
                "AccessDeniedException: [hidden] is not authorized to perform: ecr:GetAuthorizationToken",
            ),
            (
                "status code: 400, request id: 7d1c4b1e",
                "status code: 400, request id: [hidden]",
            ),
            ("dial tcp: i/o timeout", "dial tcp: [hidden] timeout"),
            (
                "the swordfish is not authorized",
                "the [hidden] is not authorized",
            ),
            ("token=swordfish is bad", "[hidden] is bad"),
            ("correct-horse-battery-staple", ""),
            ("correct horse battery staple", ""),
            ("hunter2 s3cr3t", ""),
            ("", ""),
        ] {
            assert_eq!(told(text), expected, "{text}");
        }
        assert!(told(&"error ".repeat(100)).len() <= LONGEST);
    }

    #[test]
    fn the_words_are_in_order_and_none_twice() {
        for part in [&WORDS[..48], &WORDS[48..]] {
            assert!(part.is_sorted_by(|one, next| one < next));
        }
    }

    proptest! {
        #[test]
        fn what_is_not_made_of_the_words_does_not_come_out(
            before in "[a-z ]{0,20}",
            secret in "[A-Za-z]{2,10}[0-9][A-Za-z0-9]{3,20}",
            after in "[a-z ]{0,20}",
        ) {
            let shown = told(&format!("{before} {secret} {after}"));
            prop_assert!(!shown.contains(&secret), "{}", shown);
        }
    }
}
